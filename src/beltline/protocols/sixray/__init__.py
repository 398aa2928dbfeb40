"""SIXray and CHR: tables 2 to 4 of the paper, on simulated or real data, beside strong plain baselines."""

from beltline.protocols.sixray.experiment import reproduce_sixray
from beltline.protocols.sixray.plan import SCALES, SUBSETS, narrow

__all__ = ["SCALES", "SUBSETS", "narrow", "reproduce_sixray"]
