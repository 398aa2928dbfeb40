"""SIXray: a million images in lists of labels, indexed as arrays, as far as they are on disk."""

from beltline.data.sixray.fake import SixrayTraps, fake_sixray
from beltline.data.sixray.importing import import_sixray
from beltline.data.sixray.index import SixrayIndex, read_index, to_image_list
from beltline.data.sixray.stats import sixray_statistics, write_statistics
from beltline.data.sixray.subsets import RATIOS, Subset, build_subset, read_subset, take_lists, write_subset
from beltline.data.sixray.verification import verify

__all__ = [
    "SixrayIndex", "read_index", "to_image_list", "verify", "import_sixray",
    "RATIOS", "Subset", "build_subset", "take_lists", "write_subset", "read_subset",
    "sixray_statistics", "write_statistics", "SixrayTraps", "fake_sixray",
]  # fmt: skip
