"""Starting a run from the weights of an earlier one or of a shipped model, with other classes if need be."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from beltline.core import FORMER, BadInputError
from beltline.formats import write_atomic
from beltline.screening import find_start, list_starts, list_weights
from beltline.training.checkpoint import WEIGHTS
from beltline.training.run_folder import RECIPE, is_run, require_run

CLASSES, NETWORK = "classes", "network"  # keys of the metadata


@dataclass(frozen=True, eq=False)
class Start:
    """Weights to start from.

    Attributes:
        name: Of the run or the model.
        classes: Its classes in order.
        tensors: By name.
        network: Fields of the recipe that rebuild the network; of a run its whole recipe, of a file what its
            system keeps there, see `System.network`.
    """

    name: str
    classes: tuple[str, ...]
    tensors: Mapping[str, Tensor]
    network: Mapping[str, Any] = field(default_factory=dict)

    def has(self, prefix: str) -> bool:
        """Whether names of tensors begin so."""
        return any(name.startswith(prefix) for name in self.tensors)


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


def read_start(init: str | Path) -> Start:
    """Weights of a run folder, or of a shipped model by name.

    Raises:
        BadInputError: If it is neither.
        UntrustedWeightsError: If the model's file is not the one in the manifest.
    """
    run = Path(init)
    if is_run(run):
        recipe = json.loads((run / RECIPE).read_text(encoding="utf-8"))
        return Start(str(init), tuple(recipe.get("classes", ())), load_file(run / WEIGHTS), recipe)
    path = find_start(str(init))
    if path is None:
        starts = [entry.name for entry in list_weights() if entry.start]
        names = ", ".join([*starts, *(entry.name for entry in list_starts())]) or "none"
        raise BadInputError(
            f"{init}: expected a run folder with {RECIPE} and {WEIGHTS}, or a model to start from ({names})"
        )
    with safe_open(path, "pt") as file:
        told = file.metadata()
    tensors = {name: t.float() for name, t in load_file(path).items()}
    return Start(str(init), tuple(json.loads(told[CLASSES])), tensors, json.loads(told.get(NETWORK, "{}")))


def write_start(run: Path, path: Path, *, half: bool = False, network: Sequence[str] = ()) -> float:
    """The weights of a run as one file that `read_start` reads once a manifest lists it.

    Args:
        run: Run folder.
        path: safetensors file to write; the classes stand in its metadata.
        half: Store weights of two and more dimensions as 16-bit floats.
        network: Fields of the recipe that go with the classes, so that the network can be rebuilt.

    Returns:
        Size in megabytes.

    Raises:
        BadInputError: If ``run`` is no run folder.
    """
    require_run(run)
    start = read_start(run)
    kept = {
        n: t.half() if half and t.ndim >= 2 and t.is_floating_point() else t for n, t in start.tensors.items()
    }
    facts = {name: start.network[name] for name in network}
    told = {CLASSES: json.dumps(start.classes), **({NETWORK: json.dumps(facts)} if facts else {})}
    data = save(kept, metadata=told)
    write_atomic(path, data)
    return len(data) / 1e6


def take_over(model: nn.Module, start: Start, classes: Sequence[str]) -> TakenOver:
    """Copy weights into a model of the same recipe, class by class.

    Tensors of equal name and shape are copied. Where only the number of classes differs (classifier weights,
    biases, gains), the rows of the classes that both know are copied, the others keep their random start. A
    class that an earlier version called otherwise (`beltline.core.FORMER`) is the same one.

    Args:
        model: Changed in place.
        start: From `read_start`.
        classes: Classes of ``model``, in order.

    Raises:
        BadInputError: If the networks have nothing in common.
    """
    pairs = _shared(classes, start.classes)
    copied, fresh = 0, []
    for name, tensor in model.state_dict().items():
        old = start.tensors.get(name)
        if old is not None and _copy(tensor, old, pairs, (len(classes), len(start.classes))):
            copied += 1
        else:
            fresh.append(name)
    if copied == 0:
        raise BadInputError(f"{start.name}: no tensor of its network fits this recipe's; start without it")
    return TakenOver(copied, tuple(fresh), tuple(classes[here] for here, _ in pairs))


def take_over_part(part: nn.Module, start: Start, prefix: str) -> int:
    """Copy the weights of a part, for instance a backbone, into the same part of another network.

    Args:
        part: Changed in place.
        start: Where its weights come from.
        prefix: How the names of the part's tensors begin there.

    Returns:
        How many tensors were copied: all of the part's.

    Raises:
        BadInputError: If the part is another one there.
    """
    inside = {n.removeprefix(prefix): t for n, t in start.tensors.items() if n.startswith(prefix)}
    wanted = part.state_dict()
    strangers = [n for n, tensor in wanted.items() if n not in inside or inside[n].shape != tensor.shape]
    if strangers:
        raise BadInputError(
            f"{start.name}: {prefix.rstrip('.')} lacks {strangers[0]} or has it in another shape; set"
            " backbone and backbone_channels as it has them, or start without it"
        )
    part.load_state_dict({name: inside[name] for name in wanted})
    return len(wanted)


def _shared(classes: Sequence[str], known: Sequence[str]) -> list[tuple[int, int]]:
    """Number of each class that both know, here and there."""
    numbers = {FORMER.get(name, name): number for number, name in enumerate(known)}
    numbers |= {name: number for number, name in enumerate(known)}  # its very name goes first
    there = [numbers.get(name, numbers.get(FORMER.get(name, name))) for name in classes]
    return [(here, number) for here, number in enumerate(there) if number is not None]


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
