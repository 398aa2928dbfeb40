"""Text from outside, made fit for a terminal, a page and a file."""

import re
from pathlib import PurePath

# Control characters move cursors and colour terminals, line and paragraph separators forge lines, direction
# marks show a name backwards, and lone surrogates are bytes of a file name that no encoding takes.
_SURROGATES = "\ud800-\udfff"
_NO_TEXT = re.compile(f"[{_SURROGATES}]")
_UNFIT = re.compile(f"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069{_SURROGATES}]")


def printable(text: str) -> str:
    r"""The text in one line, with backslash escapes for what a terminal would obey or could not show.

    A byte of a file name that is not UTF-8 is shown as that byte.

    Example:
        >>> printable("bag\x1b[2J.png"), printable("caf\udce9.png")
        ('bag\\x1b[2J.png', 'caf\\xe9.png')
    """
    return _UNFIT.sub(_escaped, text)


def printable_lines(text: str) -> str:
    """`printable` that leaves line feeds as they are."""
    return "\n".join(printable(line) for line in text.split("\n"))


def path_text(path: str | PurePath) -> str:
    r"""A path, or a message with one, as Unicode text: bytes that are not UTF-8 become backslash escapes.

    Example:
        >>> path_text("caf\udce9.png")
        'caf\\xe9.png'
    """
    return _NO_TEXT.sub(_escaped, str(path))


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # Python's mark for the undecodable byte code - 0xDC00 (PEP 383)
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
