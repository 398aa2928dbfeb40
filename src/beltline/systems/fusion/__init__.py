"""Networks that fuse an item into a bag: RWSC-Fusion (CVPR 2023) and its rivals."""
