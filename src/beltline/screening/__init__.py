"""Screening: a scan in, a decision with its reasons out, in time; ONNX Runtime only, no torch."""

from beltline.screening.cards import ModelCard, make_card
from beltline.screening.clicker import Clicked, Clicker, load_clicker
from beltline.screening.files import collect, read
from beltline.screening.localize import point_and_box
from beltline.screening.pipeline import DEFAULT_DEADLINE_MS, DEFAULT_PFA, screen_scan
from beltline.screening.prepare import Letterbox, Prepared, prepare, prepare_whole
from beltline.screening.run import RunOptions, screen_files
from beltline.screening.session import OpenedModel, ScreeningModel, load_model, open_model
from beltline.screening.task import ModelFailure, ModelTask, Screened, Task
from beltline.screening.tasks import TASKS, read_card
from beltline.screening.weights import (
    StartEntry,
    WeightsEntry,
    find_start,
    find_weights,
    import_weights,
    list_starts,
    list_weights,
    verify,
)

__all__ = [
    # one scan
    "prepare", "prepare_whole", "Prepared", "Letterbox", "point_and_box", "screen_scan", "Screened",
    "DEFAULT_PFA", "DEFAULT_DEADLINE_MS",
    # many files
    "screen_files", "RunOptions", "collect", "read",
    # clicks
    "load_clicker", "Clicker", "Clicked",
    # models
    "load_model", "open_model", "read_card", "make_card", "ScreeningModel", "OpenedModel", "ModelCard",
    "ModelFailure", "Task", "ModelTask", "TASKS",
    "find_weights", "find_start", "list_weights", "list_starts", "import_weights", "verify", "WeightsEntry",
    "StartEntry",
]  # fmt: skip
