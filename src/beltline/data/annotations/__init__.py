"""Pictures with their objects: one record for all data sets, and COCO, VOC and YOLO in and out of it."""

from beltline.data.annotations.annotated import Annotated, AnnotatedObject, Picture
from beltline.data.annotations.conversion import convert, read_annotated
from beltline.data.annotations.image_check import ImageCheck, check_image
from beltline.data.annotations.image_list import ImageList, read_image_folder, repeat_positives

__all__ = [
    "Annotated", "Picture", "AnnotatedObject", "read_annotated", "convert",
    "ImageList", "read_image_folder", "repeat_positives", "ImageCheck", "check_image",
]  # fmt: skip
