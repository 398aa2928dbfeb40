"""VOC's kind of XML: opened with care, and the size of the image that it states."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

from beltline.formats.limits import bad, read_bytes

MAX_XML_BYTES = 1_000_000
CORNERS = ("xmin", "ymin", "xmax", "ymax")


def read_xml(path: Path) -> ElementTree.Element:
    """The root of an annotation.

    Raises:
        BadInputError: If it is too large, no XML, or declares entities.
    """
    data = read_bytes(path)
    if len(data) > MAX_XML_BYTES:
        raise bad(path, f"{len(data)} bytes are above the limit of {MAX_XML_BYTES} for an annotation")
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise bad(path, "declares a document type or entities, which an annotation needs not")
    try:
        return ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError, RecursionError) as error:
        raise bad(path, f"damaged XML ({error})") from error


def stated_size(root: ElementTree.Element) -> tuple[int, int] | None:
    """(height, width) in pixels, None where there is none or it is no size."""
    try:
        height, width = (int(float(root.findtext(f"size/{side}", ""))) for side in ("height", "width"))
    except (ValueError, OverflowError):
        return None
    return (height, width) if height > 0 and width > 0 else None
