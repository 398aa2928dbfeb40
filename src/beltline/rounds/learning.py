"""How the click model learns from what is reviewed, by the one training engine.

Importing this module imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

from beltline.formats import sha256_of
from beltline.models.click import ClickModel
from beltline.screening import make_card
from beltline.screening.click_windows import NESTED
from beltline.systems.click.export import export_click
from beltline.systems.click.recipe import ClickRecipe
from beltline.systems.click.system import SYSTEM, TASK
from beltline.training.run import Watching, load, load_recipe, train
from beltline.training.run_folder import is_run

SIDE = 384  # of trained models; see LearningPlan
QUIET = Watching(checkpoint_steps=10**9, log_steps=10**9, tensorboard=False)
MEGABYTES = 20.0  # stored as trained: half weights would be rounded before the gate has seen them


@dataclass(frozen=True)
class LearningPlan:
    """How long and how fast one round's training goes.

    Attributes:
        steps: Of the optimizer.
        batch_size: Looks a step.
        side: Of the network's image, pixels. More than the shipped model's: a step takes 1.6 times as long,
            and outlines of thin things come out nearer.
        lr: Peak rate, annealed to 0 within the round.
        boxes: Share of prompts that have a box, which is what proposals and annotators begin with.
        close: Share of looks as close as one around a box, for the same reason.
        frozen_stages: Of the backbone that stay as they are, see `beltline.training.freezing`.
        ema_decay: Of the averaged weights; short runs follow closely.
        max_minutes: Stop by the clock as well; None for by steps alone, which is what repeats.
    """

    steps: int = 100
    batch_size: int = 16
    side: int = SIDE
    lr: float = 1e-3
    boxes: float = 0.8
    close: float = 0.9
    frozen_stages: int = 3
    ema_decay: float = 0.99
    max_minutes: float | None = None


def learn(shards: Path, start: str | Path, out: Path, *, plan: LearningPlan, seed: int = 0) -> Path:
    """Train a click model further on reviewed scans.

    Args:
        shards: From `beltline.rounds.reviewed_shards.write_reviewed`.
        start: Run folder of the current model, or the name of a shipped one.
        out: Run folder; a finished one is kept as it is, one that was stopped goes on.
        plan: See `LearningPlan`.
        seed: Of the looks that are drawn.

    Returns:
        ``out``.

    Raises:
        BadInputError: If the shards hold nothing, or ``out`` was begun with another plan.
    """
    recipe = load_recipe(SYSTEM, Path(start)) if is_run(Path(start)) else ClickRecipe()
    values = asdict(plan)
    own = {name: values.pop(name) for name in ("side", "boxes", "close")}
    settings = replace(recipe.training, init=str(start), seed=seed, warmup=0.1, **values)
    train(SYSTEM, replace(recipe, **own, training=settings), shards, out, watching=QUIET, resume=True)
    return out


def write_model(run: Path, path: Path, *, name: str, details: Mapping[str, Any] | None = None) -> str:
    """Export a run for clicking and proposals, in seconds: for windows of the recipe's side alone.

    Args:
        run: Run folder.
        path: ONNX file.
        name: Of the model.
        details: For its card.

    Returns:
        SHA-256 of the file.

    Raises:
        QualityGateError: If ONNX Runtime does not answer as torch does.
    """
    loaded = load(SYSTEM, run)
    side = loaded.recipe.side
    card = make_card(name, NESTED, side, thresholds={}, details=details or {}, task=TASK)
    export_click(
        cast(ClickModel, loaded.model), path, card,
        max_megabytes=MEGABYTES, check_sides=(side,), free_sides=False,
    )  # fmt: skip
    return sha256_of(path)
