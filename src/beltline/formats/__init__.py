"""Files in and out: scans, arrays, data sets."""

from beltline.formats.arrays import encode_npz, encode_tiff, quantize
from beltline.formats.atomic import remove_leftovers, sha256_of, write_atomic, write_json
from beltline.formats.images import encode_png, write_png
from beltline.formats.limits import MAX_PIXELS, MIN_SIDE
from beltline.formats.plan_file import begin_plan, require_plan, require_same
from beltline.formats.scans import (
    HEAD_BYTES,
    SCAN_SUFFIXES,
    SET_COMPANIONS,
    decode_scan,
    find_scans,
    is_picture,
    is_set,
    read_scan,
)
from beltline.formats.set_reader import ScanSet, read_set, verify_set
from beltline.formats.set_writer import SetWriter
from beltline.formats.shard_writer import read_classes, write_shard

__all__ = [
    "read_scan", "decode_scan", "find_scans", "is_picture", "is_set", "HEAD_BYTES", "SCAN_SUFFIXES",
    "SET_COMPANIONS", "MAX_PIXELS", "MIN_SIDE",
    "write_png", "encode_png", "encode_tiff", "encode_npz", "quantize",
    "write_atomic", "write_json", "sha256_of", "remove_leftovers",
    "SetWriter", "ScanSet", "read_set", "verify_set",
    "begin_plan", "require_plan", "require_same", "write_shard", "read_classes",
]  # fmt: skip
