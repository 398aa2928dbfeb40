"""What the card of every experiment says of the machine and the versions it was made with."""

from __future__ import annotations

import platform
from typing import Any

import torch

from beltline import __version__


def made_with() -> dict[str, Any]:
    """``hardware`` and ``versions``, for the card of an experiment."""
    return {
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
