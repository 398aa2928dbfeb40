"""XML of annotations, opened with care: VOC's small files whole, CVAT's large ones element by element."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import IO, Protocol

from beltline.formats.limits import MAX_FILE_BYTES, bad, read_bytes

MAX_XML_BYTES = 1_000_000
CORNERS = ("xmin", "ymin", "xmax", "ymax")
_DECLARES = "declares a document type or entities, which an annotation needs not"
_DAMAGE = (ElementTree.ParseError, LookupError, RecursionError)
_CHUNK = 1 << 20
LONGEST_TAG = 16_000_000
"""The parser begins an unfinished tag anew with every chunk: in a longer one it would sit for hours."""


def read_xml(path: Path) -> ElementTree.Element:
    """The root of an annotation.

    Raises:
        BadInputError: If it is too large, no XML, or declares entities.
    """
    data = read_bytes(path)
    if len(data) > MAX_XML_BYTES:
        raise bad(path, f"{len(data)} bytes are above the limit of {MAX_XML_BYTES} for an annotation")
    letters = data.replace(b"\0", b"")  # UTF-16 writes a zero beside each
    if b"<!DOCTYPE" in letters or b"<!ENTITY" in letters:
        raise bad(path, _DECLARES)
    try:
        return ElementTree.fromstring(data)
    except (*_DAMAGE, ValueError) as error:
        raise bad(path, f"damaged XML ({error})") from error


def stated_size(root: ElementTree.Element) -> tuple[int, int] | None:
    """(height, width) in pixels, None where there is none or it is no size."""
    try:
        height, width = (int(float(root.findtext(f"size/{side}", ""))) for side in ("height", "width"))
    except (ValueError, OverflowError):
        return None
    return (height, width) if height > 0 and width > 0 else None


class XmlEvents(Protocol):
    """What `parse_xml` tells elements and their text."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, tag: str) -> None:
        """An element ends."""

    def data(self, text: str) -> None:
        """A piece of text."""


def parse_xml(path: Path, stream: IO[bytes], events: XmlEvents) -> None:
    """Tell the elements of a file that may be larger than one would hold.

    Args:
        path: Named in errors.
        stream: Its bytes.
        events: Told; a ``ValueError`` of theirs stops the reading.

    Raises:
        BadInputError: If it is above ``MAX_FILE_BYTES``, has a tag above ``LONGEST_TAG``, is no XML, or
            declares a document type.
    """
    guarded = _Guarded(events)
    parser, length = ElementTree.XMLParser(target=guarded), 0
    try:
        while chunk := stream.read(_CHUNK):
            length += len(chunk)
            guarded.silent += len(chunk)
            if length > MAX_FILE_BYTES:
                raise ValueError(f"above the limit of {MAX_FILE_BYTES} bytes")
            if guarded.silent > LONGEST_TAG:
                raise ValueError(f"a tag above the limit of {LONGEST_TAG} bytes")
            parser.feed(chunk)
        parser.close()
    except _DAMAGE as error:
        raise bad(path, f"damaged XML ({error})") from error
    except ValueError as error:
        raise bad(path, str(error)) from error


class _Guarded:
    """Passes events on, and stops where entities could follow, which grow without end."""

    def __init__(self, events: XmlEvents) -> None:
        self.silent = 0
        self._events = events

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.silent = 0
        self._events.start(tag, attributes)

    def end(self, tag: str) -> None:
        self.silent = 0
        self._events.end(tag)

    def data(self, text: str) -> None:
        self.silent = 0
        self._events.data(text)

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        raise ValueError(_DECLARES)
