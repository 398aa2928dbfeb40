"""What a click model is worth: masks after honest clicks, in the two looks that it is used with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from beltline.formats.click_shards import ClickShards
from beltline.formats.draw_weights import OCCLUSION_EDGES, draw_weights
from beltline.metrics.click_curves import click_spread, clicks_needed, miou_after
from beltline.metrics.clicks import Segment, centre_click, click_curve, random_clicks
from beltline.metrics.misses import object_misses
from beltline.metrics.segmentation import boundary_f, mask_iou
from beltline.models.click import ClickModel
from beltline.screening.click import ClickSettings, Cutout, RunClick, cut_out
from beltline.screening.click_windows import NESTED, energy_channels

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
CLICKS, DRAWS = 20, 3
AFTER = (1, 3, 5)
GOALS = (0.85, 0.9)
SIZE_EDGES = (0.0, 0.002, 0.005, 0.014, 0.04, 1.0)  # share of the picture
OCCLUDED = (0.0, *OCCLUSION_EDGES, 1.0)
MATERIALS, METAL_EDGES = ("other", "mixed", "metal"), (0.2, 0.8)  # by the share of metal
MISSED = 0.5


@dataclass(frozen=True, eq=False)
class Bench:
    """A model and the objects it is tried on.

    Attributes:
        run: The network as `cut_out` calls it.
        shards: Objects with their masks.
        settings: How it looks.
        colours: Take the energies from the colours, as for scans that have no other; else the scanner's.
    """

    run: RunClick
    shards: ClickShards
    settings: ClickSettings
    colours: bool = True

    def segment(self, row: int) -> Callable[..., Cutout]:
        """What `cut_out` makes of points, labels and the mask before, in the picture of an object."""
        image = int(self.shards.objects["image"][row])
        picture, bag = self.shards.picture(image), self.shards.bag(image)
        energies = energy_channels(picture) if self.colours else self.shards.energies(image)

        def cut(points: Any, labels: Any, previous: Any = None) -> Cutout:
            return cut_out(self.run, picture, energies, bag, points, labels, None, previous, self.settings)

        return cut


def run_of(model: ClickModel) -> RunClick:
    """A network in torch as `cut_out` calls it."""
    device = next(model.parameters()).device

    def run(inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        given = [torch.from_numpy(inputs[name]).to(device) for name in ("image", "energy", "guide")]
        with torch.inference_mode():
            answer = model(*given)
        return {"logits": answer.logits.cpu().numpy(), "quality": answer.quality.cpu().numpy()}

    return run


def one_each(shards: ClickShards, scans: int | None, seed: int = 0) -> Rows:
    """An object of each scan, those of rare families, sizes and occlusions sooner.

    Args:
        shards: Objects with their masks.
        scans: The first so many; all if None.
        seed: Of the draw.
    """
    weights = draw_weights(shards.objects)
    chosen = []
    for image in range(len(shards) if scans is None else min(scans, len(shards))):
        rows = shards.rows(image)
        if len(rows):
            rng = np.random.default_rng((seed, image))
            chosen.append(rng.choice(rows, p=weights[rows] / weights[rows].sum()))
    return np.array(chosen, np.int64)


def curves(bench: Bench, rows: Rows, clicks: int) -> Floats:
    """IoU (N, clicks) after each click, the first in the middle, the others where most is wrong."""
    found = []
    for row in rows:
        cut, truth = bench.segment(int(row)), bench.shards.mask(int(row))
        found.append(click_curve(_chosen(cut), truth, centre_click(truth), clicks))
    return np.array(found, np.float64).reshape(-1, clicks)


def _chosen(cut: Callable[..., Cutout]) -> Segment:
    def segment(points: Any, labels: Any, previous: Any) -> Any:
        found = cut(points, labels, previous)
        return found.plane(found.chosen)

    return segment


@dataclass(frozen=True, eq=False)
class FirstClicks:
    """Answers to single clicks in the middle.

    Attributes:
        overlap: (N, 3) IoU of each candidate with what it stands for.
        as_object: (N, 3) IoU of each candidate with the object.
        quality: (N, 3) predicted.
        outline: (N,) boundary F of the object's candidate.
    """

    overlap: Floats
    as_object: Floats
    quality: Floats
    outline: Floats


def first_clicks(bench: Bench, rows: Rows) -> FirstClicks:
    """See `FirstClicks`."""
    tables: list[tuple[Any, ...]] = []
    for row in map(int, rows):
        click = centre_click(bench.shards.mask(row))
        nested = bench.shards.nested(row, click)
        found = bench.segment(row)([click], [1])
        masks = found.probs > 0.5
        truth = nested[NESTED.index("object")]
        own = [mask_iou(a, b) for a, b in zip(nested, masks, strict=True)]
        outline = boundary_f(truth, masks[NESTED.index("object")])
        tables.append((own, [mask_iou(truth, mask) for mask in masks], found.quality, outline))
    columns = [np.array(column, np.float64) for column in zip(*tables, strict=True)]
    return FirstClicks(*columns)


def random_overlaps(bench: Bench, rows: Rows, draws: int = DRAWS, seed: int = 0) -> Floats:
    """IoU (draws, N) after one click anywhere inside the object."""
    found = []
    for row in map(int, rows):
        cut, truth = bench.segment(row), bench.shards.mask(row)
        places = random_clicks(truth, draws, rng=np.random.default_rng((seed, row)))
        found.append([mask_iou(truth, cut([place], [1]).mask) for place in places])
    return np.array(found, np.float64).reshape(-1, draws).T


def progress_figures(bench: Bench, rows: Rows) -> dict[str, float]:
    """The few numbers to watch while training."""
    means = miou_after(curves(bench, rows, max(AFTER)), AFTER)
    return {f"miou_{clicks}": float(mean) for clicks, mean in zip(AFTER, means, strict=True)}


def figures(bench: Bench, rows: Rows, *, clicks: int = CLICKS) -> dict[str, Any]:
    """Everything that ``beltline evaluate`` says of a click model.

    Returns:
        ``miou`` after clicks; ``noc`` (mean number of clicks to an IoU, share of failures); ``first``: of one
        click, the object's candidate, the surest one, the best of three, boundary F, and what the quality is
        off by; ``random``: one click anywhere inside; ``misses``: objects below 0.5 after one click by size,
        occlusion, material and family.
    """
    seen = curves(bench, rows, clicks)
    first = first_clicks(bench, rows)
    spread = click_spread(random_overlaps(bench, rows))
    surest = first.quality.argmax(1)[:, None]
    needed = {goal: clicks_needed(seen, goal) for goal in GOALS}
    after = [count for count in AFTER if count <= clicks]
    return {
        "objects": len(rows),
        "clicks": clicks,
        "miou": {f"{n}": float(m) for n, m in zip(after, miou_after(seen, after), strict=True)},
        "noc": {
            f"{goal:g}": {"mean": n.mean, "failures": float(n.failures.value)} for goal, n in needed.items()
        },
        "first": {
            "object": float(first.as_object[:, NESTED.index("object")].mean()),
            "surest": float(np.take_along_axis(first.as_object, surest, 1).mean()),
            "best_of_three": float(first.as_object.max(1).mean()),
            "boundary_f": float(first.outline.mean()),
            "quality_error": float(np.abs(first.quality - first.overlap).mean()),
        },
        "random": {"mean": spread.mean, "sd": spread.sd, "object_sd": spread.object_sd},
        "misses": _misses(bench.shards, rows, seen[:, 0]),
    }


def _misses(shards: ClickShards, rows: Rows, ious: Floats) -> dict[str, Any]:
    objects = shards.objects[rows]
    share = objects["area_px"] / np.prod(shards.picture(0).shape[1:])
    material = np.digitize(objects["metal_share"], METAL_EDGES)
    one = np.zeros(len(rows), np.int64)
    return {
        "size": _binned(ious, one, share, SIZE_EDGES),
        "occlusion": _binned(ious, one, objects["occlusion"], OCCLUDED),
        "material": _named(ious, material, MATERIALS),
        "family": _named(ious, objects["family"], shards.families),
    }


def _binned(ious: Floats, groups: Rows, values: Any, edges: Sequence[float]) -> dict[str, Any]:
    table = object_misses(ious, groups, 1, iou=MISSED, attribute=values, edges=edges)
    return {"edges": list(edges), "missed": table.missed[0].tolist(), "objects": table.total[0].tolist()}


def _named(ious: Floats, groups: Any, names: Sequence[str]) -> dict[str, Any]:
    table = object_misses(ious, groups, len(names), iou=MISSED)
    return {
        name: {
            "missed": int(table.missed[k, 0]),
            "objects": int(table.total[k, 0]),
            "miou": float(ious[np.asarray(groups) == k].mean()),
        }
        for k, name in enumerate(names)
        if table.total[k, 0]
    }


def fitted_quality(first: FirstClicks) -> dict[str, Any]:
    """``scale`` and ``bias`` (3 each): ``clip(scale * quality + bias, 0, 1)`` is the IoU to expect.

    A slope below 0, of a quality that says nothing, becomes 0 with the mean IoU.
    """
    scales, biases = [], []
    for predicted, true in zip(first.quality.T, first.overlap.T, strict=True):
        spread = float(predicted.var())
        slope = float(((predicted - predicted.mean()) * true).mean() / spread) if spread > 1e-8 else 0.0
        scales.append(max(slope, 0.0))
        biases.append(float(true.mean() - scales[-1] * predicted.mean()))
    return {"scale": scales, "bias": biases}


def table(found: Mapping[str, Any]) -> list[str]:
    """Figures as ``beltline evaluate`` shows them."""
    lines = [f"{found['objects']} objects, one of each scan"]
    lines += [f"mIoU after {count} clicks: {mean:.3f}" for count, mean in found["miou"].items()]
    lines += [
        f"clicks to IoU {goal}: {row['mean']:.2f}, never within {found['clicks']}: {row['failures']:.1%}"
        for goal, row in found["noc"].items()
    ]
    lines.append("first click: " + ", ".join(f"{name} {value:.3f}" for name, value in found["first"].items()))
    at = found["random"]
    lines.append(f"one click anywhere inside: {at['mean']:.3f}, of one object +- {at['object_sd']:.3f}")
    for name in ("size", "occlusion"):
        misses = found["misses"][name]
        edges = zip(misses["edges"], misses["edges"][1:], misses["missed"], misses["objects"], strict=False)
        bins = "; ".join(f"{low:g} to {high:g}: {missed} of {n}" for low, high, missed, n in edges)
        lines.append(f"missed (IoU below {MISSED:g}) by {name}: {bins}")
    for name in ("material", "family"):
        rows = found["misses"][name].items()
        each = "; ".join(f"{key}: {row['missed']} of {row['objects']}" for key, row in rows)
        lines.append(f"missed by {name}: {each}")
    return lines
