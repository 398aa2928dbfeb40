"""What one scan may take of the memory, summed from its header before anything is allocated."""

from __future__ import annotations

from pathlib import Path

from beltline.formats.limits import bad

MAX_SCAN_BYTES = 1_000_000_000
_WORKING_BYTES = 40_000_000  # buffers of a decoder, bands in work


def check_memory(path: str | Path, *parts: int) -> None:
    """Refuse a scan whose arrays together would pass `MAX_SCAN_BYTES`.

    Args:
        path: Names the file in the message.
        parts: Bytes of each array that lives at the same time: the file, its decoded form, the scan.

    Raises:
        BadInputError: With what it would take, the limit and the way out.

    Example:
        >>> check_memory("bag.png", 5_000_000, 36_000_000 * 4, 36_000_000 * 12)
    """
    needed = sum(parts) + _WORKING_BYTES
    if needed > MAX_SCAN_BYTES:
        raise bad(
            path,
            f"would take {needed / 1e9:.2f} GB of memory, above the limit of {MAX_SCAN_BYTES / 1e9:.0f} GB"
            " for one scan; cut it, scale it down or store fewer channels",
        )
