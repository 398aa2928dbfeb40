"""Data sets: readers and their fakes, what a folder of scans is like, and how two compare."""

from beltline.data.annotations import (
    Annotated,
    AnnotatedObject,
    ImageList,
    Match,
    Picture,
    Returned,
    compare_returned,
    convert,
    read_annotated,
    read_image_folder,
    repeat_positives,
    with_object_ids,
)
from beltline.data.compare import (
    ForegroundStatistics,
    RealismReport,
    compare_folders,
    foreground_statistics,
    pooled_statistics,
)
from beltline.data.public import (
    PUBLIC_SETS,
    fake_public_set,
    import_public_set,
    public_set,
    verify_public_set,
)
from beltline.data.sixray import (
    SixrayIndex,
    Subset,
    build_subset,
    read_index,
    read_subset,
    take_lists,
    to_image_list,
    verify,
    write_subset,
)
from beltline.data.verdict import SetVerdict

__all__ = [
    "ImageList", "read_image_folder", "repeat_positives",
    "PUBLIC_SETS", "public_set", "fake_public_set", "import_public_set", "verify_public_set", "SetVerdict",
    "Annotated", "AnnotatedObject", "Picture", "read_annotated", "convert",
    "with_object_ids", "compare_returned", "Returned", "Match",
    "SixrayIndex", "read_index", "to_image_list", "verify",
    "Subset", "build_subset", "take_lists", "write_subset", "read_subset",
    "ForegroundStatistics", "foreground_statistics", "pooled_statistics", "RealismReport", "compare_folders",
]  # fmt: skip
