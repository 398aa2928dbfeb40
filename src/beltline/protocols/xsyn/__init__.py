"""Xsyn: threats painted by diffusion, judged against truth and against what projection is worth."""

from beltline.protocols.xsyn.experiment import reproduce_xsyn
from beltline.protocols.xsyn.plan import SCALES, narrow
from beltline.protocols.xsyn.real import RealSets

__all__ = ["SCALES", "RealSets", "narrow", "reproduce_xsyn"]
