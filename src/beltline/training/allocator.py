"""Memory that the C library keeps instead of handing it back to the system at every step."""

from __future__ import annotations

import ctypes
import sys

# of malloc.h
_MMAP_MAX, _TRIM_THRESHOLD = -4, -1


def keep_freed_memory() -> bool:
    """Let glibc keep what torch frees, for a training asks for the same blocks again a second later.

    Large blocks are otherwise mapped, filled with zeros and unmapped anew at every step;
    ``benchmarks/training_step.py`` measures what that costs.

    Returns:
        Whether the C library knows these settings.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # another C library than glibc
        return False
    return bool(mallopt(_MMAP_MAX, 0)) and bool(mallopt(_TRIM_THRESHOLD, 2**31 - 1))
