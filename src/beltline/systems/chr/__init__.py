"""CHR, class-balanced hierarchical refinement (CVPR 2019): which classes a scan holds, and where."""
