"""XSeg and APSAM: the paper's table of click segmenters under honest clicks, beside plain baselines."""

from beltline.protocols.xseg.experiment import reproduce_xseg
from beltline.protocols.xseg.networks import available
from beltline.protocols.xseg.plan import SCALES, narrow

__all__ = ["SCALES", "available", "narrow", "reproduce_xseg"]
