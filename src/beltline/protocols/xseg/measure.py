"""What a network answers on a test set: instance by instance, and all instances of a picture as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from beltline.metrics.clicks import Click, centre_click, next_click, random_clicks
from beltline.metrics.segmentation import mask_iou, scan_overlap
from beltline.models.segmenter import ClickSegmenter
from beltline.protocols.xseg.data import ClickSet
from beltline.protocols.xseg.plan import ONE_CLICK
from beltline.protocols.xseg.prompts import Asker, Prompt

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Answer = Callable[[Sequence[Sequence[Click]]], Mask]
"""Clicks of each instance to its mask, (n, S, S)."""


@dataclass(frozen=True, eq=False)
class Scores:
    """Of the wanted instances of a set, in order, and of its pictures that hold one.

    Attributes:
        curves: (M, C) IoU after each click, the first at the centre, the next where it mends most; one column
            where further clicks are not for the row.
        random: (D, M) IoU after one click at random, D draws.
        unions: (P, 2) IoU and Dice of all instances of a picture as one, smoothed as released.
    """

    curves: Floats
    random: Floats
    unions: Floats

    @property
    def ious(self) -> Floats:
        """(M,) after one click at the centre."""
        return self.curves[:, 0]

    def arrays(self, prefix: str) -> dict[str, Floats]:
        """To be saved."""
        return {f"{prefix}.{field.name}": getattr(self, field.name) for field in fields(self)}

    @classmethod
    def of_arrays(cls, arrays: Any, prefix: str) -> Scores:
        """What `arrays` gave."""
        return cls(*(arrays[f"{prefix}.{field.name}"] for field in fields(cls)))


def dice_of(ious: Floats) -> Floats:
    """Dice of the same masks: ``2 IoU / (1 + IoU)``.

    Example:
        >>> dice_of(np.array([0.5, 1.0])).round(3).tolist()
        [0.667, 1.0]
    """
    return 2 * ious / (1 + ious)


def measure(
    segmenter: ClickSegmenter, data: ClickSet, asker: Asker, *, clicks: int, draws: int, batch: int = 8
) -> Scores:
    """Ask a network for every wanted instance of a set.

    Args:
        segmenter: On pictures of the set's side.
        data: The set.
        asker: The row's rule, without jitter.
        clicks: Length of the curves.
        draws: Random first clicks an instance.
        batch: Pictures encoded at a time.
    """
    mends = segmenter.promptable and asker.rule in ONE_CLICK
    curves, drawn, unions = [], [], []
    for rows in picture_groups(data, batch):
        truths = data.masks(rows)
        part = _Encoded(segmenter, data, rows, asker)
        centres = [centre_click(truth) for truth in truths]
        curves.append(click_curves(part.of_instances(truths), truths, centres, clicks if mends else 1))
        places = np.stack([random_places(truth, draws, row) for truth, row in zip(truths, rows, strict=True)])
        drawn.append(
            np.concatenate(
                [
                    click_curves(part.of_instances(truths, k + 1), truths, places[:, k], 1)
                    for k in range(draws)
                ],
                axis=1,
            )
        )
        unions.append(part.unions(truths))
    return Scores(np.concatenate(curves), np.concatenate(drawn).T, np.concatenate(unions))


def click_curves(answer: Answer, truths: Mask, first: Sequence[Any] | NDArray[Any], clicks: int) -> Floats:
    """IoU after each click of many instances at once, (n, clicks); `beltline.metrics.clicks.click_curve`.

    Args:
        answer: The network.
        truths: (n, S, S).
        first: n first clicks x, y.
        clicks: How many.
    """
    made = [[Click(int(x), int(y), True)] for x, y in first]
    curves = np.ones((len(truths), clicks))
    active = list(range(len(truths)))
    for done in range(clicks):
        found = answer(made)
        for row in list(active):
            curves[row, done] = mask_iou(truths[row], found[row])
            following = next_click(truths[row], found[row], made[row]) if done + 1 < clicks else None
            if following is None:
                active.remove(row)
            else:
                made[row].append(following)
    return curves


def picture_groups(data: ClickSet, pictures: int) -> list[NDArray[np.intp]]:
    """Rows of the wanted instances, so many pictures at a time."""
    rows = data.rows()
    images = data.instances["image"][rows]
    seen = np.unique(images)
    return [rows[np.isin(images, seen[k : k + pictures])] for k in range(0, len(seen), pictures)]


def touched_part(mask: Mask, click: tuple[int, int]) -> Mask:
    """The connected part of a mask that holds a click; nothing where the click is beside it."""
    x, y = click
    if not mask[y, x]:
        return np.zeros_like(mask)
    _, parts = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    return np.asarray(parts == parts[y, x])


class _Encoded:
    """Some pictures, encoded once, and the answers to clicks in them."""

    @torch.no_grad()
    def __init__(
        self, segmenter: ClickSegmenter, data: ClickSet, rows: NDArray[np.intp], asker: Asker
    ) -> None:
        self.segmenter, self.asker, self.rows, self.side = segmenter.eval(), asker, rows, data.side
        images, self.place = np.unique(data.instances["image"][rows], return_inverse=True)
        device = next(segmenter.parameters()).device
        self.images = torch.from_numpy(np.stack([data.image(int(n)) for n in images])).to(device)
        self.embedding = segmenter.encode(self.images)

    def of_instances(self, truths: Mask, seed: int = 0) -> Answer:
        seeds = [int(row) * 1_009 + seed for row in self.rows]

        def answer(clicks: Sequence[Sequence[Click]]) -> Mask:
            found = self._ask(self.place, clicks, truths, seeds)
            if self.segmenter.promptable:
                return found
            return np.stack(
                [touched_part(mask, made[0][:2]) for mask, made in zip(found, clicks, strict=True)]
            )

        return answer

    def unions(self, truths: Mask) -> Floats:
        """(P, 2) IoU and Dice, one click at the deepest place of all instances."""
        wholes = np.stack([truths[self.place == k].any(0) for k in range(len(self.images))])
        clicks = [[Click(*centre_click(whole), True)] for whole in wholes]
        seeds = [int(self.rows[self.place == k][0]) * 1_009 for k in range(len(wholes))]
        found = self._ask(np.arange(len(wholes)), clicks, wholes, seeds)
        pairs = zip(wholes, found, strict=True)
        return np.array([scan_overlap(whole[None], mask[None]) for whole, mask in pairs])

    @torch.no_grad()
    def _ask(
        self,
        place: NDArray[np.intp],
        clicks: Sequence[Sequence[Click]],
        truths: Mask,
        seeds: Sequence[int],
    ) -> Mask:
        index = torch.from_numpy(place.astype(np.int64)).to(self.images.device)
        answers = self.asker.answers(
            self.segmenter,
            taken(self.embedding, index),
            self.images[index],
            prompt_of(clicks, self.images.device),
            truth=torch.from_numpy(truths).to(self.images.device),
            seeds=seeds,
        )
        size = (self.side, self.side)
        whole = F.interpolate(answers[-1].float(), size, mode="bilinear", align_corners=False)
        return np.asarray((whole[:, 0] > 0).cpu().numpy())


def prompt_of(clicks: Sequence[Sequence[Click]], device: torch.device) -> Prompt:
    """Clicks of n instances, differing in number, as a prompt."""
    longest = max(map(len, clicks))
    points = np.zeros((len(clicks), longest, 2), np.float32)
    labels = np.full((len(clicks), longest), -1)
    for row, made in enumerate(clicks):
        points[row, : len(made)] = [click[:2] for click in made]
        labels[row, : len(made)] = [click.positive for click in made]
    return Prompt(torch.from_numpy(points).to(device), torch.from_numpy(labels).to(device))


def taken(embedding: Any, index: Tensor) -> Any:
    """Rows of an embedding: a tensor, a tuple of them, None."""
    if embedding is None or isinstance(embedding, Tensor):
        return embedding if embedding is None else embedding[index]
    return type(embedding)(*(taken(part, index) for part in embedding))


def random_places(truth: Mask, draws: int, row: int) -> NDArray[np.int64]:
    """(draws, 2) first clicks x, y on an instance, the same for every network."""
    return random_clicks(truth, draws, rng=np.random.default_rng((3, int(row))), margin=1.0)
