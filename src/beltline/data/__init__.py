"""Data sets: what a folder of scans is like, and how two compare."""

from beltline.data.realism import RealismReport, compare_folders
from beltline.data.statistics import ForegroundStatistics, foreground_statistics, pooled_statistics

__all__ = [
    "ForegroundStatistics",
    "RealismReport",
    "compare_folders",
    "foreground_statistics",
    "pooled_statistics",
]
