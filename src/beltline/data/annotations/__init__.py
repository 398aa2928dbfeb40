"""Pictures with their objects: one record for all data sets, and five formats in and out of it."""

from beltline.data.annotations.annotated import Annotated, AnnotatedObject, Picture
from beltline.data.annotations.conversion import convert, read_annotated
from beltline.data.annotations.image_check import ImageCheck, check_image
from beltline.data.annotations.image_list import ImageList, read_image_folder, repeat_positives
from beltline.data.annotations.object_facts import with_object_ids
from beltline.data.annotations.returned import Match, Returned, compare_returned

__all__ = [
    "Annotated", "Picture", "AnnotatedObject", "read_annotated", "convert",
    "ImageList", "read_image_folder", "repeat_positives", "ImageCheck", "check_image",
    "with_object_ids", "compare_returned", "Returned", "Match",
]  # fmt: skip
