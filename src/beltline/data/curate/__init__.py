"""Making a set of a heap of pictures: filters, duplicates, and what was left out and why."""

from beltline.data.curate.alignment import likeness, thumbnail
from beltline.data.curate.code_index import CodeIndex
from beltline.data.curate.codes import ORIENTATIONS, all_orientations, oriented, picture_code
from beltline.data.curate.curation import Curation, curate
from beltline.data.curate.duplicates import Duplicate, find_duplicates
from beltline.data.curate.kept_set import write_curated
from beltline.data.curate.measures import Measures, measure
from beltline.data.curate.page import render_page
from beltline.data.curate.rule import OPTIONAL, REASONS, CurationRule, Rejection
from beltline.data.curate.sharpness import sharpness
from beltline.data.curate.source import Source, open_source

__all__ = [
    "curate", "write_curated", "Curation", "CurationRule", "Rejection", "REASONS", "OPTIONAL",
    "open_source", "Source", "measure", "Measures", "sharpness", "render_page",
    "find_duplicates", "Duplicate", "picture_code", "all_orientations", "oriented", "ORIENTATIONS",
    "CodeIndex", "likeness", "thumbnail",
]  # fmt: skip
