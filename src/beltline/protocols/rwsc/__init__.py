"""RWSC-Fusion's tables: quality of fusion, and what a synthesis is worth to a detector."""

from beltline.protocols.rwsc.experiment import reproduce_rwsc
from beltline.protocols.rwsc.plan import SCALES
from beltline.protocols.rwsc.real import RealSets

__all__ = ["SCALES", "RealSets", "reproduce_rwsc"]
