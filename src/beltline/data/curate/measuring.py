"""Measuring a whole folder: in processes, block by block, and not again what a stopped run measured."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from beltline.core import Progress
from beltline.core.parallel import shared
from beltline.data.curate.measures import Judge, Measures, from_bytes, joined, measure, to_bytes
from beltline.formats import write_atomic

BLOCK = 64
"""Pictures that are measured, and kept, together."""
_VERSION = "2"  # of what is measured and how


def measure_files(
    root: Path,
    files: Sequence[str],
    *,
    judge: Judge | None = None,
    processes: int = 1,
    cache: Path | None = None,
    on_progress: Progress | None = None,
) -> Measures:
    """Measures of files below a folder, in their order.

    Args:
        root: The folder.
        files: Paths below it.
        judge: See `measure`; a function of a module, since processes are sent it.
        processes: That measure at the same time.
        cache: Folder that keeps each block of files as soon as it is measured. A block is measured anew when
            one of its files has another size or time than then; damaged blocks are as well.
        on_progress: Told files.
    """
    blocks = [tuple(files[start : start + BLOCK]) for start in range(0, len(files), BLOCK)]
    work = partial(_block, root, judge, cache)
    parts, done = [], 0
    for block, part in zip(blocks, shared(work, blocks, processes), strict=True):
        parts.append(part)
        done += len(block)
        if on_progress is not None:
            on_progress(done, len(files), block[-1])
    return joined(parts)


def _block(root: Path, judge: Judge | None, cache: Path | None, files: Sequence[str]) -> Measures:
    kept = None if cache is None else cache / f"{_key(root, judge, files)}.npz"
    if kept is not None and kept.is_file():
        found = from_bytes(kept.read_bytes())
        if found is not None and len(found) == len(files):
            return found
    measures = measure([root / file for file in files], judge)
    if kept is not None:
        write_atomic(kept, to_bytes(measures))
    return measures


def _key(root: Path, judge: Judge | None, files: Sequence[str]) -> str:
    """What a block's measures depend on, as a name."""
    told = hashlib.blake2b(digest_size=16)
    for text in (
        _VERSION,
        getattr(judge, "__qualname__", ""),
        os.fspath(root.resolve()),
        *_states(root, files),
    ):
        told.update(text.encode("utf-8", "surrogateescape") + b"\0")
    return told.hexdigest()


def _states(root: Path, files: Sequence[str]) -> Iterator[str]:
    for file in files:
        try:
            state = (root / file).stat()
            yield f"{file} {state.st_size} {state.st_mtime_ns}"
        except (OSError, ValueError):  # missing, or a name that no file can have
            yield f"{file} missing"
