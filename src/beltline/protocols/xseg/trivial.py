"""Masks by rules that know no item: what a network must beat before its IoU says anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.metrics.clicks import Click, centre_click
from beltline.metrics.segmentation import mask_iou, scan_overlap
from beltline.protocols.xseg.data import ClickSet
from beltline.protocols.xseg.measure import (
    Mask,
    Scores,
    click_curves,
    picture_groups,
    random_places,
    touched_part,
)

Picture = NDArray[np.uint8]  # (S, S, 3) RGB
Rule = Callable[[Picture, tuple[int, int]], Mask]
TOLERANCES = (4, 8, 12, 16, 24, 32, 48)  # of 255
DISC = 1 / 16  # radius of GrabCut's sure foreground, of the side
REACH = 1 / 4  # radius beyond which it is told background
TUNED_ON = 200  # training instances


def whole(picture: Picture, click: tuple[int, int]) -> Mask:
    """Everything."""
    return np.ones(picture.shape[:2], bool)


def dark(picture: Picture, click: tuple[int, int]) -> Mask:
    """What is darker than Otsu's threshold and hangs together with the click; the click's own side of it."""
    grey = picture.mean(2).astype(np.uint8)
    threshold, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    below = grey <= threshold
    x, y = click
    return touched_part(below if below[y, x] else ~below, click)


def flood(picture: Picture, click: tuple[int, int], *, tolerance: int) -> Mask:
    """What differs from the clicked colour by no more than the tolerance, and hangs together with it."""
    mask = np.zeros((picture.shape[0] + 2, picture.shape[1] + 2), np.uint8)
    flags = 8 | cv2.FLOODFILL_FIXED_RANGE | cv2.FLOODFILL_MASK_ONLY | (255 << 8)
    pixels, spread = np.array(picture), (tolerance,) * 3
    cv2.floodFill(pixels, mask, click, 0, spread, spread, flags)
    return mask[1:-1, 1:-1] > 0


def grabcut(picture: Picture, click: tuple[int, int]) -> Mask:
    """GrabCut from a disc around the click, what is far from it being background."""
    side = picture.shape[0]
    rows, columns = np.ogrid[:side, :side]
    away = np.hypot(rows - click[1], columns - click[0])
    hint = np.where(away <= REACH * side, cv2.GC_PR_BGD, cv2.GC_BGD).astype(np.uint8)
    hint[away <= DISC * side] = cv2.GC_PR_FGD
    hint[away <= max(1.0, DISC * side / 4)] = cv2.GC_FGD
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(np.ascontiguousarray(picture), hint, (0, 0, 0, 0), *models, 3, cv2.GC_INIT_WITH_MASK)
    return touched_part(np.isin(hint, (cv2.GC_FGD, cv2.GC_PR_FGD)), click)


def disc(picture: Picture, click: tuple[int, int], *, radius: float) -> Mask:
    """A disc around the click."""
    rows, columns = np.ogrid[: picture.shape[0], : picture.shape[1]]
    return np.asarray(np.hypot(rows - click[1], columns - click[0]) <= radius)


def trivial_rules(train: ClickSet) -> Mapping[str, Rule]:
    """All rules by name; disc and tolerance of the flood follow from training instances."""
    tolerance = best_tolerance(train)
    radius = typical_radius(train)
    return {
        "whole picture": whole,
        f"disc of {radius:.0f} pixels": partial(disc, radius=radius),
        "darkness": dark,
        f"flood fill, tolerance {tolerance}": partial(flood, tolerance=tolerance),
        "GrabCut": grabcut,
    }


def best_tolerance(train: ClickSet) -> int:
    """Of `TOLERANCES`, the one with the best mean IoU after a click at the centre."""
    rows = train.rows()
    rows = rows[np.linspace(0, len(rows) - 1, min(TUNED_ON, len(rows))).astype(int)]
    truths = train.masks(rows)
    pictures = [np.asarray(train.pictures[n]) for n in train.instances["image"][rows]]
    clicks = [centre_click(truth) for truth in truths]

    def score(tolerance: int) -> float:
        found = [flood(p, click, tolerance=tolerance) for p, click in zip(pictures, clicks, strict=True)]
        return float(np.mean([mask_iou(a, b) for a, b in zip(truths, found, strict=True)]))

    return max(TOLERANCES, key=score)


def typical_radius(train: ClickSet) -> float:
    """Of a disc as large as the median training instance, pixels."""
    rows = train.rows()
    rows = rows[np.linspace(0, len(rows) - 1, min(TUNED_ON, len(rows))).astype(int)]
    return float(np.sqrt(np.median(train.masks(rows).sum((1, 2))) / np.pi))


def measure_rule(rule: Rule, data: ClickSet, *, draws: int) -> Scores:
    """A rule on every wanted instance, as `beltline.protocols.xseg.measure.measure` has it."""
    curves, drawn, unions = [], [], []
    for rows in picture_groups(data, 1):
        picture = np.asarray(data.pictures[data.instances["image"][rows[0]]])
        truths = data.masks(rows)

        def answer(clicks: object, picture: Picture = picture) -> Mask:
            return np.stack([rule(picture, made[0][:2]) for made in clicks])  # type: ignore[attr-defined]

        curves.append(click_curves(answer, truths, [centre_click(truth) for truth in truths], 1))
        places = np.stack([random_places(t, draws, row) for t, row in zip(truths, rows, strict=True)])
        drawn.append(
            np.concatenate([click_curves(answer, truths, places[:, k], 1) for k in range(draws)], axis=1)
        )
        union: Mask = np.asarray(truths.any(0))
        clicks = [[Click(*centre_click(union), True)]]
        unions.append(scan_overlap(union[None], answer(clicks)))
    return Scores(np.concatenate(curves), np.concatenate(drawn).T, np.array(unions))
