"""Latents of all windows of a set, encoded once and kept beside them: a painter sees each many times."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from beltline.formats.inpainting_shards import InpaintingWindows
from beltline.models.latents import Autoencoder
from beltline.systems.xsyn.recipe import XsynRecipe, autoencoder_of

TURNS = 8  # ways to lay a square
BATCH = 32
FOLDER = "latents"  # in the data folder, one folder in it an autoencoder


class Latents(NamedTuple):
    """Of all windows in one turn, (N, 4, h, w) float16 each, mapped."""

    painted: NDArray[np.float16]
    bag: NDArray[np.float16]


def encoded(data: InpaintingWindows, recipe: XsynRecipe) -> tuple[Latents, ...]:
    """Latents in each of the recipe's turns; those that are there already are only opened.

    Raises:
        BadInputError: If the recipe names no autoencoder that fits.
        OSError: If they cannot be written.
    """
    autoencoder = autoencoder_of(recipe)
    folder = data.folder / FOLDER / _digest(autoencoder)
    folder.mkdir(parents=True, exist_ok=True)
    if torch.cuda.is_available():
        autoencoder = autoencoder.cuda()
    return tuple(
        Latents(*(_opened(folder, data, name, autoencoder, turn) for name in Latents._fields))
        for turn in range(recipe.turns)
    )


def turned(planes: NDArray[np.uint8], turn: int) -> NDArray[np.uint8]:
    """Planes (B, C, S, S) in one of the eight ways to lay a square; a bag on a belt has no upright.

    Transposed from 4 on, mirrored along x by 1 and along y by 2.
    """
    planes = planes.swapaxes(2, 3) if turn & 4 else planes
    return np.ascontiguousarray(planes[..., :: -1 if turn & 2 else 1, :: -1 if turn & 1 else 1])


def _opened(
    folder: Path, data: InpaintingWindows, name: str, autoencoder: Autoencoder, turn: int
) -> NDArray[np.float16]:
    path = folder / f"{name}-{turn}-{len(data)}.npy"
    if not path.is_file():
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            np.save(file, _encoded(data, name, autoencoder, turn))
        part.rename(path)
    return np.asarray(np.load(path, mmap_mode="r"))


def _encoded(data: InpaintingWindows, name: str, autoencoder: Autoencoder, turn: int) -> NDArray[np.float16]:
    device = next(autoencoder.parameters()).device
    found = []
    for first in range(0, len(data), BATCH):
        rows = np.arange(first, min(first + BATCH, len(data)))
        pixels = turned(data.painted(rows) if name == "painted" else data.bag(rows), turn)
        with torch.no_grad(), torch.autocast(device.type, torch.bfloat16):
            latents = autoencoder.encode(torch.from_numpy(pixels).to(device).float() / 255)
        found.append(latents.half().cpu().numpy())
    return np.concatenate(found)


def _digest(autoencoder: Autoencoder) -> str:
    told = hashlib.sha256()
    for name, tensor in sorted(autoencoder.state_dict().items()):
        told.update(name.encode() + tensor.numpy().tobytes())
    return told.hexdigest()[:12]
