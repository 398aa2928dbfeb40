"""Screening: a scan in, a decision with its reasons out, in time; ONNX Runtime only, no torch."""

from beltline.screening.cards import ModelCard, make_card
from beltline.screening.files import collect, read
from beltline.screening.localize import point_and_box
from beltline.screening.pipeline import DEFAULT_DEADLINE_MS, DEFAULT_PFA, screen_scan
from beltline.screening.prepare import Letterbox, Prepared, prepare, prepare_whole
from beltline.screening.run import RunOptions, screen_files
from beltline.screening.session import ScreeningModel, load_model, open_model
from beltline.screening.task import ModelFailure, Screened, Task
from beltline.screening.tasks import TASKS, read_card
from beltline.screening.weights import (
    WeightsEntry,
    find_start,
    find_weights,
    import_weights,
    list_weights,
    verify,
)

__all__ = [
    # one scan
    "prepare", "prepare_whole", "Prepared", "Letterbox", "point_and_box", "screen_scan", "Screened",
    "DEFAULT_PFA", "DEFAULT_DEADLINE_MS",
    # many files
    "screen_files", "RunOptions", "collect", "read",
    # models
    "load_model", "open_model", "read_card", "make_card", "ScreeningModel", "ModelCard", "ModelFailure",
    "Task", "TASKS",
    "find_weights", "find_start", "list_weights", "import_weights", "verify", "WeightsEntry",
]  # fmt: skip
