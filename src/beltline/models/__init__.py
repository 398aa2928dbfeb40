"""Neural networks, one file per paper. Needs the ``train`` extra (torch)."""

from beltline.models.torchvision_ops import ensure_torchvision_ops

ensure_torchvision_ops()  # before timm or torchvision is imported anywhere

__all__ = ["ensure_torchvision_ops"]
