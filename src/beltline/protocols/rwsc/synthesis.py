"""Every synthesis of the experiment, applied to the same pairs."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError
from beltline.formats import write_atomic
from beltline.physics import STYLES, ColorStyle, colorize
from beltline.protocols.rwsc.data import RwscData
from beltline.protocols.rwsc.plan import HARDENED, TRUTH, RwscScale
from beltline.simulate.fusion_pairs import FusionPairs
from beltline.synthesis.fuser import UNTRAINED, Fuser, mixed
from beltline.synthesis.fusion import learned_fuser
from beltline.synthesis.hardening import hardening_factor
from beltline.synthesis.tip_color import project_color
from beltline.systems.fusion.recipe import METHODS, narrow_recipe
from beltline.systems.fusion.system import SYSTEM, load_fusion
from beltline.training.recipe_values import with_values
from beltline.training.run import Watching, train
from beltline.training.run_folder import RESULT

Pixels = NDArray[np.uint8]
OnPairs = Callable[[FusionPairs, int], Pixels]


def synthesis(method: str, data: RwscData, scale: RwscScale, runs: Path) -> OnPairs:
    """A method as ``fuse(pairs, row)``; a learned one is trained first, unless its run is there.

    Args:
        method: Of `beltline.protocols.rwsc.plan`.
        data: The sets; training uses ``data.training`` alone.
        scale: Steps and style.
        runs: Folder of trained fusion networks.

    Raises:
        ValueError: If the method is not known.
    """
    if method == TRUTH:
        return _truth
    if method == "TIP":
        return partial(_tip, look=white_look(scale.style))
    if method == HARDENED:
        return partial(_tip, look=white_look(scale.style), hardening=True)
    if method == "TIP from colour":
        known = data.pairs.truth is not None
        return of_pairs(partial(project_color, style=white_look(scale.style) if known else None))
    if method in UNTRAINED:
        return of_pairs(UNTRAINED[method])
    if method not in METHODS:
        raise ValueError(f"no synthesis {method!r}")
    out = runs / method.replace(" ", "_")
    if not (out / RESULT).is_file():
        recipe = narrow_recipe(method, steps=scale.fusion_steps, batch_size=scale.fusion_batch)
        recipe = replace(recipe, crop=min(recipe.crop, scale.size))
        if scale.fusion_width is not None:
            recipe = with_values(recipe, {"width": scale.fusion_width, "crop": 0, "lr": 1e-4})
        quiet = Watching(log_steps=10**9, tensorboard=False)
        train(SYSTEM, recipe, data.training, out, watching=quiet, resume=True)
    return of_pairs(learned_fuser(load_fusion(out)))


def fused_images(method: str, data: RwscData, scale: RwscScale, folder: Path) -> Pixels:
    """(N, S, S, 3) uint8: the method applied to ``data.pairs``; kept in a file."""
    path = folder / "fused" / f"{method.replace(' ', '_')}.npy"
    if not path.is_file():
        fuse = synthesis(method, data, scale, folder / "fusion")
        made = np.stack([fuse(data.pairs, row) for row in range(len(data.pairs))])
        _save(path, made)
    found: Pixels = np.load(path, mmap_mode="r")
    return found


def white_look(style: str) -> ColorStyle:
    """The named look with white air, as the pairs are made."""
    return replace(STYLES[style], background=(255.0, 255.0, 255.0))


def of_pairs(fuse: Fuser) -> OnPairs:
    """A fuser of pictures as one of the experiment's pairs."""

    def on_pairs(pairs: FusionPairs, row: int) -> Pixels:
        mask = pairs.mask[row].astype(np.float32) / 255
        return fuse(np.asarray(pairs.bag[row]), np.asarray(pairs.item[row]), mask)

    return on_pairs


def _truth(pairs: FusionPairs, row: int) -> Pixels:
    if pairs.truth is None:
        raise BadInputError("nobody knows the true composite of real scans")
    return np.asarray(pairs.truth[row])


def _tip(pairs: FusionPairs, row: int, *, look: ColorStyle, hardening: bool = False) -> Pixels:
    # equation 4 on the two measured transmissions, coloured afterwards
    if pairs.bag_dual is None or pairs.item_dual is None:
        raise BadInputError("TIP multiplies two measured transmissions; these pairs have colours only")
    bag, item = (dual[row].astype(np.float32) for dual in (pairs.bag_dual, pairs.item_dual))
    low, high = bag * item * (hardening_factor(bag, item) if hardening else np.float32(1))
    mask = pairs.mask[row].astype(np.float32) / 255
    return mixed(np.asarray(pairs.bag[row]), colorize(low, high, look).astype(np.float32), mask)


def _save(path: Path, array: Pixels) -> None:
    buffer = io.BytesIO()
    np.save(buffer, array)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, buffer.getvalue())
