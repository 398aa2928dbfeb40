"""What every experiment does with its cells, one training each: keep the settings, train what is missing."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from lightning_fabric import Fabric
from numpy.typing import NDArray

from beltline.formats import require_same, write_atomic, write_json
from beltline.training.loop import FitOptions

SCALE, RESULT = "scale.json", "result.json"
Say = Callable[[str], None]
S = TypeVar("S")

#: Options of a short training: no checkpoints, nothing logged. A cell that was stopped begins again.
short_run = partial(FitOptions, checkpoint_steps=10**9, log_steps=10**9, tensorboard=False)


class AnyCell(Protocol):
    """A cell: what is trained, and with which seed."""

    @property
    def name(self) -> str:
        """Folder of its results."""
        ...


C = TypeVar("C", bound=AnyCell)


def chosen_scale(scale: str | S, scales: Mapping[str, S]) -> S:
    """One of the scales by name, or the one that is given.

    Raises:
        ValueError: If the name is not known.
    """
    if not isinstance(scale, str):
        return scale
    if scale not in scales:
        raise ValueError(f"scale must be one of {', '.join(scales)}, got {scale!r}")
    return scales[scale]


def keep_scale(out: Path, settings: Mapping[str, Any], *, selects: Collection[str]) -> None:
    """Write ``scale.json``, so that no folder holds cells that were trained differently.

    Args:
        out: Folder of the experiment.
        settings: Of every cell, by name.
        selects: Names that say which cells there are, not how each is trained; they may change.

    Raises:
        BadInputError: If ``out`` was begun with other settings; it names what differs.
    """
    path = out / SCALE
    if path.is_file():
        before = json.loads(path.read_text(encoding="utf-8"))
        require_same(
            before,
            settings,
            f"{out}: its cells were trained otherwise:",
            "choose another folder",
            free=selects,
        )
    write_json(path, settings)


def folder_of(out: Path, cell: AnyCell) -> Path:
    """Where a cell's results lie."""
    return out / "cells" / cell.name


def train_cells(
    out: Path,
    plan: Sequence[C],
    train: Callable[[C], None],
    *,
    began: float,
    max_minutes: float | None,
    say: Say,
) -> list[C]:
    """Train the cells that have no result yet, in order.

    Args:
        out: Folder of the experiment.
        plan: All cells.
        train: Trains one and writes its results.
        began: Start of the experiment by ``time.monotonic``.
        max_minutes: Start no further cell after so long.
        say: Receives progress.

    Returns:
        The cells that are done.
    """
    for number, cell in enumerate(plan, start=1):
        if (folder_of(out, cell) / RESULT).is_file():
            continue
        minutes = (time.monotonic() - began) / 60
        if max_minutes is not None and minutes > max_minutes:
            say(f"time is up, {len(plan) - number + 1} of {len(plan)} not trained")
            break
        train(cell)
        say(f"{number}/{len(plan)} {cell.name}, {(time.monotonic() - began) / 60:.1f} min")
    return [cell for cell in plan if (folder_of(out, cell) / RESULT).is_file()]


def build_fabric() -> Fabric:
    """A GPU where there is one, else the CPU, in bfloat16 autocast."""
    return Fabric(accelerator="auto", devices=1, precision="bf16-mixed")


def save_arrays(path: Path, **arrays: NDArray[Any]) -> None:
    """Save arrays as .npz, atomically."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    write_atomic(path, buffer.getvalue())


def read_result(folder: Path, arrays: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """``result.json`` of a cell, and the arrays of its .npz file by name."""
    result: dict[str, Any] = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    with np.load(folder / arrays) as found:
        return result, dict(found)
