"""RWSC-Fusion's tables: quality of fusion, and what a synthesis is worth to a detector."""

from beltline.protocols.rwsc.experiment import reproduce_rwsc
from beltline.protocols.rwsc.plan import SCALES

__all__ = ["SCALES", "reproduce_rwsc"]
