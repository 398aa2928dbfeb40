"""The models that a project works with now: which, where their files lie, and how edits name them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from beltline.core import BadInputError, UntrustedWeightsError
from beltline.formats import sha256_of
from beltline.rounds.project import Project
from beltline.screening import Clicker, ScreeningModel, find_weights, load_clicker, load_model
from beltline.screening.clicker import DEFAULT_CLICKER

CLICK, DETECTOR = "click", "detector"
DEFAULT_DETECTOR = "starter-detector-2"


def with_default_models(project: Project) -> Project:
    """The project with the shipped models in the roles that have none; writes project.json where it changes.

    Raises:
        MissingExtraError: If a model is not part of this build.
    """
    defaults = {CLICK: DEFAULT_CLICKER, DETECTOR: DEFAULT_DETECTOR}
    missing = {role: named(name) for role, name in defaults.items() if role not in project.models}
    return project.with_models(missing) if missing else project


def named(name: str) -> dict[str, str]:
    """The entry of a model that is known by name.

    Raises:
        UntrustedWeightsError: If it is not.
    """
    return {"name": name, "sha256": find_weights(name).sha256}


def clicker_of(project: Project) -> Clicker:
    """The current click model.

    Raises:
        UntrustedWeightsError: If its file is not the one that was promoted.
    """
    entry = _entry(project, CLICK)
    if "file" not in entry:
        return load_clicker(entry["name"], warm=False)
    path = project.folder / entry["file"]
    if not path.is_file() or sha256_of(path) != entry["sha256"]:
        raise UntrustedWeightsError(
            f"{path}: is not the model that was promoted (SHA-256 {entry['sha256'][:12]}); put it back, or"
            " promote another"
        )
    return load_clicker(path, trust=True, warm=False)


def detector_of(project: Project) -> ScreeningModel:
    """The detector of the proposals.

    Raises:
        BadInputError: If the model gives no boxes.
    """
    model = load_model(_entry(project, DETECTOR)["name"], warm=False)
    if model.card.task != "detection":
        raise BadInputError(f"proposals need a detector, {model.card.name} is for {model.card.task}")
    return model


def start_of(project: Project) -> str | Path:
    """What the next training begins with: the run of the current click model, or its shipped weights."""
    entry = _entry(project, CLICK)
    return project.folder / entry["run"] if "run" in entry else entry["name"]


def author_of(project: Project) -> str:
    """How an edit names the current models: ``model:starter-click-1@a798``."""
    entry = _entry(project, CLICK)
    return f"model:{entry['name']}@{entry['sha256'][:8]}"


def digests(project: Project) -> dict[str, str]:
    """SHA-256 of the models in use, by name."""
    return {entry["name"]: entry["sha256"] for entry in project.models.values()}


def _entry(project: Project, role: str) -> Mapping[str, str]:
    if role not in project.models:
        raise BadInputError(
            f"{project.folder}: names no {role} model; beltline rounds pick sets the shipped one"
        )
    return project.models[role]
