"""What a folder of scans is like, how two compare, and charts of it."""

from beltline.data.compare.realism import RealismReport, compare_folders
from beltline.data.compare.statistics import ForegroundStatistics, foreground_statistics, pooled_statistics

__all__ = [
    "ForegroundStatistics", "foreground_statistics", "pooled_statistics", "RealismReport", "compare_folders",
]  # fmt: skip
