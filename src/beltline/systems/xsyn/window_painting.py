"""Trained painters as the synthesis wants them, found by the name of a run or of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from beltline.core import BadInputError
from beltline.models.attention_store import SIDE
from beltline.models.latents import CELL
from beltline.models.painter import Painter
from beltline.screening import find_start, list_starts
from beltline.synthesis.diffusion.sampling import SamplerSettings
from beltline.synthesis.diffusion.window_painter import PaintedWindows, WindowPainter
from beltline.systems.xsyn.painting import adds, paint
from beltline.systems.xsyn.recipe import NETWORK, XsynRecipe, build_model
from beltline.systems.xsyn.system import SYSTEM
from beltline.training.gligen_weights import FOLDER
from beltline.training.initial import read_start
from beltline.training.recipe_values import with_values
from beltline.training.run import load
from beltline.training.run_folder import is_run, read_written

Floats = NDArray[np.float32]
WINDOW = 2 * SIDE * CELL  # pixels: attention begins at half of the latents' size and is read at 16 x 16


@dataclass(frozen=True, eq=False)
class TrainedPainter:
    """A painter of ours as a `WindowPainter`.

    Attributes:
        net: In eval mode.
        name: Of its run or model.
        sha256: Of its weights.
        classes: What its tokens stand for, in order.
        channels: Of a window.
    """

    net: Painter
    name: str
    sha256: str
    classes: tuple[str, ...]
    channels: int
    size: int = WINDOW
    cell: int = CELL
    whole: bool = False

    @property
    def adds(self) -> bool:
        """Painters that see the bag add to it, and so does what is painted alone."""
        return adds(self.net)

    def prompt(self, label: str) -> str:
        """Its token has the name of the class."""
        return label

    def paint(
        self,
        bags: Floats,
        labels: Sequence[str],
        boxes: Floats,
        seeds: Sequence[int],
        settings: SamplerSettings,
        starts: Floats | None = None,
    ) -> PaintedWindows:
        """See `beltline.systems.xsyn.painting.paint`."""
        numbers = [self.classes.index(label) for label in labels]
        return paint(self.net, bags, numbers, boxes, seed=seeds, settings=settings, starts=starts)

    def encode(self, windows: Floats) -> Floats:
        """Latents of a spread of about 1."""
        with torch.no_grad():
            return np.asarray(self.net.encode(torch.from_numpy(windows)).numpy())

    def decode(self, latents: Floats) -> Floats:
        """Windows, cut to [0, 1]."""
        with torch.no_grad():
            return np.asarray(self.net.decode(torch.from_numpy(latents)).clamp(0, 1).numpy())


def load_painter(model: str) -> WindowPainter:
    """A painter by its run folder, by the name of a shipped model, or an imported GLIGEN.

    Args:
        model: Run of ``beltline train xsyn``, name of a model, name or folder of a GLIGEN.

    Raises:
        BadInputError: If there is none, or it paints nothing.
        UntrustedWeightsError: If weights are not those that were saved.
    """
    if is_run(Path(model)):
        return _of_run(Path(model))
    path = find_start(model)
    if path is not None:
        return _of_start(model, path)
    if _is_gligen(model):
        from beltline.systems.xsyn.gligen_painting import load_gligen_painter

        return load_gligen_painter(model)
    shipped = ", ".join(entry.name for entry in list_starts()) or "none"
    raise BadInputError(
        f"{model}: expected the run folder of a painter, a model ({shipped}) or a GLIGEN; train one by"
        " beltline train xsyn, or get one by beltline models import FOLDER"
    )


def _of_run(run: Path) -> TrainedPainter:
    if (system := read_written(run).get("system")) != SYSTEM.name:
        raise BadInputError(
            f"{run}: is a run of {system}, not of a painter; train one by beltline train xsyn"
        )
    loaded = load(SYSTEM, run)
    return _painter(run.resolve().name, loaded.model, loaded.recipe, loaded.digest)


def _of_start(name: str, path: Path) -> TrainedPainter:
    start = read_start(name)
    if set(start.network) != set(NETWORK):
        raise BadInputError(
            f"{name}: is no painter, or was written by another version; export one by beltline export RUN"
            " --format safetensors"
        )
    recipe = with_values(XsynRecipe(), start.network)
    net = build_model(recipe)
    net.load_state_dict(dict(start.tensors))
    return _painter(name, net.eval(), recipe, _sum(name))


def _painter(name: str, net: torch.nn.Module, recipe: XsynRecipe, digest: str) -> TrainedPainter:
    if not isinstance(net, Painter):
        raise BadInputError(
            f"{name}: is an autoencoder, which paints nothing; train a painter behind it: beltline train xsyn"
            f" --set autoencoder={name}"
        )
    return TrainedPainter(net, name, digest, recipe.classes, recipe.channels)


def _sum(name: str) -> str:
    return next(entry.sha256 for entry in list_starts() if entry.name == name)


def _is_gligen(model: str) -> bool:
    from beltline.screening.weights import user_folder

    imported = Path(model).name == model and (user_folder() / FOLDER / model).is_dir()
    return imported or (Path(model) / "unet").is_dir()
