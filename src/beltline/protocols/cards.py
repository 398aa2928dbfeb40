"""What the card of every experiment says of the machine and the versions it was made with."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterable
from typing import Any

import torch

from beltline import __version__


def made_with(seeds: Iterable[int], began: float) -> dict[str, Any]:
    """Seeds, time, hardware and versions, for the card of an experiment.

    Args:
        seeds: Of the cells that are done.
        began: Start of this call by ``time.monotonic``.
    """
    return {
        "seeds": sorted(set(seeds)),
        "minutes_of_this_call": round((time.monotonic() - began) / 60, 1),
        "hardware": {
            "device": torch.cuda.get_device_name() if torch.cuda.is_available() else platform.machine(),
            "threads": torch.get_num_threads(),
        },
        "versions": {
            "beltline": __version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    }
