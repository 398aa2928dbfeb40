"""Clicks on a scan, masks at its own size: the click model with preparation and after-care.

>>> from beltline.screening import load_clicker, read
>>> clicker = load_clicker()  # doctest: +SKIP
>>> clicker.cut(read(Path("bag.png")).scan, [(412, 230)]).mask  # doctest: +SKIP
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from beltline.core import BadInputError, MissingExtraError, Scan, ShapeError
from beltline.screening.click import MASK_THRESHOLD, ClickSettings, Cutout, cut_out
from beltline.screening.click_care import Mask, merged, tidied
from beltline.screening.click_view import ClickView, view_of
from beltline.screening.click_windows import NESTED, Box
from beltline.screening.session import OpenedModel, open_model, warmed
from beltline.screening.task import ModelFailure
from beltline.screening.tasks import CLICK
from beltline.screening.weights import find_weights, list_weights

DEFAULT_CLICKER = "starter-click-1"


@dataclass(frozen=True, eq=False)
class Candidate:
    """One of the nested answers.

    Attributes:
        quality: IoU that the model expects of its mask.
        make: Makes the mask.
    """

    quality: float
    make: Callable[[], Mask]

    @cached_property
    def mask(self) -> Mask:
        """(H, W) at the scan's size; made when somebody asks, because most want one of three."""
        return self.make()


@dataclass(frozen=True, eq=False)
class Clicked:
    """What clicks cut out of a scan.

    Attributes:
        candidates: By the names of `NESTED`, from the part that was clicked to all of its kind that touch.
        which: The one that answers.
    """

    candidates: Mapping[str, Candidate]
    which: str

    @property
    def mask(self) -> Mask:
        """The answer (H, W) at the scan's size."""
        return self.candidates[self.which].mask

    @property
    def quality(self) -> float:
        """The IoU that the model expects of the answer."""
        return self.candidates[self.which].quality


@dataclass(frozen=True, eq=False)
class _Prompt:
    """What the user gave, pixels of the scan."""

    points: NDArray[np.intp]
    labels: NDArray[np.intp]
    box: Box | None
    given: Mask | None


@dataclass(eq=False)
class Clicker:
    """Cuts out what is clicked; keeps the last scan prepared, so that the next click on it is quicker.

    Attributes:
        model: A verified click model.
        settings: How to look; ``size`` is the model's own.
    """

    model: OpenedModel
    settings: ClickSettings = field(default_factory=ClickSettings)
    _last: tuple[Scan, ClickView] | None = None

    def cut(
        self,
        scan: Scan,
        points: ArrayLike = (),
        labels: ArrayLike | None = None,
        box: Box | None = None,
        mask: NDArray[Any] | None = None,
        *,
        which: str = "object",
        timeout_s: float | None = None,
    ) -> Clicked:
        """Cut out what is clicked, or boxed, or mend a mask by clicks.

        Args:
            scan: Any quantity and size; the same object again is not prepared again.
            points: (N, 2) xy, whole pixels; N may be 0 where there is a box or a mask.
            labels: (N,) 1 on the object, 0 beside it; None for all on it.
            box: xyxy around the object.
            mask: (H, W), to be mended: it changes only around the clicks that speak against it.
            which: Part, object or group, or surest for that of the best quality.
            timeout_s: Longest wait in seconds; None waits for ever.

        Raises:
            ValueError: If a click lies outside the scan, a box holds nothing of it, a label is neither 0 nor
                1, or nothing shows where the object is.
            ShapeError: If the mask is not of the scan's size, or labels are not as many as points.
            ModelFailure: If the model fails or is late.
            BadInputError: If the scan is smaller than 8 pixels on a side.
        """
        until = None if timeout_s is None else time.perf_counter() + timeout_s
        prompt = _prompt(scan, points, labels, box, mask)
        settings = replace(self.settings, size=self.model.card.long_side, which=which)
        view = self._view(scan)
        cutout = cut_out(
            partial(self._run, until=until),
            view.picture,
            view.energies,
            view.bag_at(_middle(prompt, view)),
            view.pixels(prompt.points),
            prompt.labels,
            view.box(box),
            _fitted(prompt.given, view),
            settings,
        )
        clicked = _clicked(cutout, prompt, scan)
        _ = clicked.mask  # the answer is ready when it comes
        return clicked

    def _view(self, scan: Scan) -> ClickView:
        if self._last is None or self._last[0] is not scan:
            self._last = (scan, view_of(scan))
        return self._last[1]

    def _run(self, inputs: Mapping[str, NDArray[Any]], *, until: float | None) -> Mapping[str, NDArray[Any]]:
        left = None if until is None else until - time.perf_counter()
        if left is not None and left <= 0:
            raise ModelFailure("deadline passed before the click model could run")
        found: Mapping[str, NDArray[Any]] = self.model.run(inputs, timeout_s=left)
        return found


def load_clicker(model: str | Path | None = None, *, trust: bool = False, warm: bool = True) -> Clicker:
    """Load a verified click model.

    Args:
        model: Name in a manifest, ONNX file, or None for the shipped one.
        trust: Accept a file that no manifest lists.
        warm: Run once after loading, so that the first click is not the slow one.

    Raises:
        UntrustedWeightsError: Unknown or changed weights.
        MissingExtraError: If no model was named and none is shipped.
        BadInputError: If the file is no ONNX graph of our contract, or its model is for something else.
    """
    if model is None and all(entry.name != DEFAULT_CLICKER for entry in list_weights()):
        raise MissingExtraError(
            f"the click model {DEFAULT_CLICKER} is not part of this build; name one of your own, made by"
            " `beltline train click` (click --model FILE --trust, screen --click-model FILE --trust)"
        )
    opened = open_model(find_weights(DEFAULT_CLICKER if model is None else model, trust=trust))
    if opened.card.task != CLICK.name:
        raise BadInputError(
            f"model {opened.card.name!r} cuts nothing out, it is for {opened.card.task}: "
            "use it with beltline screen, and a click model here"
        )
    if warm:
        warmed(opened)
    return Clicker(opened)


def _prompt(
    scan: Scan, points: ArrayLike, labels: ArrayLike | None, box: Box | None, mask: NDArray[Any] | None
) -> _Prompt:
    clicks = np.asarray(points, np.float64).reshape(-1, 2)
    inside = ((clicks >= 0) & (clicks < [scan.width, scan.height])).all(axis=1)
    if not inside.all():
        x, y = clicks[~inside][0]
        raise ValueError(f"click {x:g},{y:g} lies outside the scan of {scan.width} x {scan.height} pixels")
    signs = np.ones(len(clicks), np.intp) if labels is None else np.asarray(labels, np.intp).reshape(-1)
    if len(signs) != len(clicks):
        raise ShapeError(f"expected a label for each point, got {len(clicks)} and {len(signs)}")
    if not np.isin(signs, (0, 1)).all():
        raise ValueError(f"labels must be 1 on the object or 0 beside it, got {sorted(set(signs.tolist()))}")
    _check_places(scan, box, mask)
    given = None if mask is None else np.asarray(mask) > 0
    return _Prompt(clicks.astype(np.intp), signs, box, given)


def _check_places(scan: Scan, box: Box | None, mask: NDArray[Any] | None) -> None:
    if mask is not None and mask.shape != (scan.height, scan.width):
        raise ShapeError(f"expected a mask of {scan.width} x {scan.height} pixels, as the scan, got "
                         f"{' x '.join(map(str, mask.shape[::-1]))}")  # fmt: skip
    if box is not None:
        x1, y1, x2, y2 = box
        if not (max(x1, 0) < min(x2, scan.width) and max(y1, 0) < min(y2, scan.height)):
            raise ValueError(
                f"box {','.join(f'{value:g}' for value in box)} holds nothing of the scan of "
                f"{scan.width} x {scan.height} pixels; give it as x1,y1,x2,y2"
            )


def _middle(prompt: _Prompt, view: ClickView) -> tuple[float, float]:
    """A place of the picture by which the bag is found."""
    on = view.pixels(prompt.points[prompt.labels == 1])
    if len(on):
        return float(on[0][0]), float(on[0][1])
    box = view.box(prompt.box)
    if box is None:
        return 0.0, 0.0
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _fitted(given: Mask | None, view: ClickView) -> NDArray[Any] | None:
    if given is None or given.shape == view.picture.shape[1:]:
        return given
    size = view.picture.shape[:0:-1]
    return np.asarray(cv2.resize(given.astype(np.float32), size, interpolation=cv2.INTER_AREA))


def _clicked(cutout: Cutout, prompt: _Prompt, scan: Scan) -> Clicked:
    size = (scan.width, scan.height)
    candidates = {
        name: Candidate(round(float(quality), 4), partial(_cared_for, cutout, number, prompt, size))
        for number, (name, quality) in enumerate(zip(NESTED, cutout.quality, strict=True))
    }
    return Clicked(candidates, NESTED[cutout.chosen])


def _cared_for(cutout: Cutout, number: int, prompt: _Prompt, size: tuple[int, int]) -> Mask:
    """A candidate at the scan's size (width, height), tidied, and merged with what was given."""
    probs = cutout.plane(number)
    if probs.shape != size[::-1]:
        probs = np.asarray(cv2.resize(probs, size), np.float32)
    points, labels = prompt.points, prompt.labels
    found = tidied(probs > MASK_THRESHOLD, points, labels, box=prompt.box, previous=prompt.given)
    if prompt.given is None or not len(points):
        return found
    return merged(prompt.given, found, points, labels)
