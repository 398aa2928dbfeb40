"""Where training reports: JSON lines, TensorBoard, and one line with the time left on stderr."""

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

METRICS = "metrics.jsonl"


class Journal:
    """Appends numbers of a run; after a resume, lines beyond the resumed step are dropped first."""

    def __init__(self, out: Path | None, *, start_step: int, tensorboard: bool = True) -> None:
        self._file = None
        self._board: Any = None
        self._began = time.monotonic()
        if out is None:
            return
        path = out / METRICS
        kept = [] if start_step == 0 or not path.is_file() else _lines_up_to(path, start_step)
        path.write_text("".join(kept), encoding="utf-8")
        self._file = path.open("a", encoding="utf-8")
        if tensorboard:
            self._board = _board(out / "tensorboard", start_step)

    def record(self, step: int, values: Mapping[str, float], *, kind: str = "train") -> None:
        """Write one line of numbers at ``step``."""
        if self._file is not None:
            self._file.write(json.dumps(without_nan({"step": step, "kind": kind, **values})) + "\n")
            self._file.flush()
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(f"{kind}/{name}", value, step)

    def progress(self, step: int, done: float, gained: float, values: Mapping[str, float]) -> None:
        """Print one line on stderr: ``done`` of the run is behind, ``gained`` of it in this process."""
        elapsed = time.monotonic() - self._began
        left = elapsed * (1 - done) / gained if gained > 0 else float("nan")
        numbers = "  ".join(f"{k} {v:.4g}" for k, v in values.items())
        end = "\r" if sys.stderr.isatty() and done < 1 else "\n"
        print(f"{100 * done:5.1f} %  step {step}  {numbers}  left {_clock(left)}", end=end, file=sys.stderr)

    def note(self, text: str) -> None:
        """Print one message on stderr."""
        print(text, file=sys.stderr)

    def close(self) -> None:
        """Flush and close the files."""
        if self._file is not None:
            self._file.close()
        if self._board is not None:
            self._board.close()


def without_nan(value: Any) -> Any:
    """The same nested value with None for every NaN, which JSON does not have."""
    if isinstance(value, Mapping):
        return {key: without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(inner) for inner in value]
    return None if isinstance(value, float) and value != value else value


def _board(folder: Path, start_step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:  # tensorboard is a convenience; the JSON lines hold the same numbers
        return None
    return SummaryWriter(str(folder), purge_step=start_step + 1 if start_step else None)


def _lines_up_to(path: Path, step: int) -> list[str]:
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line)
        except ValueError:  # a line cut off by the kill
            continue
    return kept


def _clock(seconds: float) -> str:
    if seconds != seconds:  # not known yet
        return "--:--:--"
    whole = max(0, round(seconds))
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
