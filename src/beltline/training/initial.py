"""Starting a run from the weights of an earlier one, with other classes if need be."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor, nn

from beltline.core import BadInputError
from beltline.training.checkpoint import WEIGHTS
from beltline.training.run_folder import RECIPE, is_run

BACKBONE = ".backbone."  # in a classifier's names of tensors


@dataclass(frozen=True)
class TakenOver:
    """What an earlier run gave.

    Attributes:
        tensors: Number of tensors copied whole or by class.
        fresh: Names of tensors that kept their random start.
        classes: Classes whose rows were copied.
    """

    tensors: int
    fresh: tuple[str, ...]
    classes: tuple[str, ...]


def take_over(model: nn.Module, run: Path, classes: Sequence[str]) -> TakenOver:
    """Copy the weights of an earlier run into a model of the same recipe, class by class.

    Tensors of equal name and shape are copied. Where only the number of classes differs (classifier weights,
    biases, gains), the rows of the classes that both know are copied, the others keep their random start.

    Args:
        model: Changed in place.
        run: Run folder with recipe.json and weights.safetensors.
        classes: Classes of ``model``, in order.

    Raises:
        BadInputError: If ``run`` is no run folder, or its network has nothing in common with the model.
    """
    if not is_run(run):
        raise BadInputError(f"{run}: expected a run folder with {RECIPE} and {WEIGHTS} to start from")
    before = json.loads((run / RECIPE).read_text(encoding="utf-8"))["classes"]
    shared = [name for name in classes if name in before]
    pairs = [(list(classes).index(name), before.index(name)) for name in shared]
    found = load_file(run / WEIGHTS)
    copied, fresh = 0, []
    for name, tensor in model.state_dict().items():
        old = found.get(name)
        if old is not None and _copy(tensor, old, pairs, (len(classes), len(before))):
            copied += 1
        else:
            fresh.append(name)
    if copied == 0:
        raise BadInputError(f"{run}: no tensor of its network fits this recipe's; start without it")
    return TakenOver(copied, tuple(fresh), tuple(shared))


def take_over_backbone(backbone: nn.Module, run: Path) -> int:
    """Copy the weights of the backbone of a classifier's run into the same backbone elsewhere.

    Args:
        backbone: Changed in place.
        run: Run folder of ``beltline train chr_starter`` or of another of its recipes.

    Returns:
        How many tensors were copied: all of the backbone's.

    Raises:
        BadInputError: If ``run`` is no run folder, or its backbone is another.
    """
    if not is_run(run):
        raise BadInputError(f"{run}: expected a run folder with {RECIPE} and {WEIGHTS} to start from")
    found = load_file(run / WEIGHTS)
    inside = {name.partition(BACKBONE)[2]: tensor for name, tensor in found.items() if BACKBONE in name}
    wanted = backbone.state_dict()
    strangers = [n for n, tensor in wanted.items() if n not in inside or inside[n].shape != tensor.shape]
    if strangers:
        raise BadInputError(
            f"{run}: its backbone lacks {strangers[0]} or has it in another shape; set backbone and"
            f" backbone_channels as in its {RECIPE}, or start without it"
        )
    backbone.load_state_dict({name: inside[name] for name in wanted})
    return len(wanted)


def _copy(new: Tensor, old: Tensor, pairs: list[tuple[int, int]], counts: tuple[int, int]) -> bool:
    # class tensors come first: equal shapes with other classes must not be copied row for row
    axis = next(
        (a for a in range(new.ndim) if (new.shape[a], _size(old, a)) == counts and _rest(new, old, a)), None
    )
    if axis is not None:
        for here, there in pairs:
            new.select(axis, here).copy_(old.select(axis, there))
        return bool(pairs)
    if new.shape != old.shape:
        return False
    new.copy_(old)
    return True


def _size(tensor: Tensor, axis: int) -> int:
    return tensor.shape[axis] if axis < tensor.ndim else -1


def _rest(new: Tensor, old: Tensor, axis: int) -> bool:
    if new.ndim != old.ndim:
        return False
    return all(new.shape[a] == old.shape[a] for a in range(new.ndim) if a != axis)
