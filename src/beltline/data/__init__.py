"""Data sets: readers and their fakes, what a folder of scans is like, and how two compare."""

from beltline.data.annotated import Annotated, Item, Picture
from beltline.data.convert import convert, read_annotated
from beltline.data.image_list import ImageList, read_image_folder, repeat_positives
from beltline.data.public_import import import_public_set
from beltline.data.public_sets import PUBLIC_SETS, fake_public_set, public_set
from beltline.data.public_verify import verify_public_set
from beltline.data.realism import RealismReport, compare_folders
from beltline.data.sixray import SixrayIndex, read_index, to_image_list
from beltline.data.sixray_subsets import Subset, build_subset, read_subset, take_lists, write_subset
from beltline.data.sixray_verdict import SixrayVerdict
from beltline.data.sixray_verify import verify
from beltline.data.statistics import ForegroundStatistics, foreground_statistics, pooled_statistics

__all__ = [
    "ImageList", "read_image_folder", "repeat_positives",
    "PUBLIC_SETS", "public_set", "fake_public_set", "import_public_set", "verify_public_set",
    "Annotated", "Item", "Picture", "read_annotated", "convert",
    "SixrayIndex", "read_index", "to_image_list", "SixrayVerdict", "verify",
    "Subset", "build_subset", "take_lists", "write_subset", "read_subset",
    "ForegroundStatistics", "foreground_statistics", "pooled_statistics", "RealismReport", "compare_folders",
]  # fmt: skip
