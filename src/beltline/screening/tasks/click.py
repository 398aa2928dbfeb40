"""Clicks: what is it that somebody points at, as a mask. It screens nothing; see `beltline.screening.click`.

The graph ``model`` takes ``image`` (1, 3, S, S), RGB in 0..1, air white, ``energy`` (1, 2, S, S) in 0..1 and
``guide`` (1, 4, S/4, S/4), all float32 and cut by `ClickWindow`, S a multiple of 32. It gives ``logits``
(1, 3, S/4, S/4), the masks of part, object and group, and ``quality`` (1, 3), the IoU it expects of each. The
card's classes are these three, its ``long_side`` is S of the training.
"""

from __future__ import annotations

import numpy as np

from beltline.core import Scan
from beltline.screening.cards import ModelCard
from beltline.screening.click_windows import NESTED, STRIDE, ClickWindow
from beltline.screening.prepare import Prepared, prepare_whole
from beltline.screening.task import Arrays, ModelFailure, ModelTask, Names, Run, require

INPUTS = ("image", "energy", "guide")


def _check(card: ModelCard) -> ModelCard:
    if card.classes != NESTED:
        raise ValueError(
            f"classes of a click model must be {', '.join(NESTED)}, got {', '.join(card.classes)}"
        )
    return card


def _prepare(scan: Scan, card: ModelCard) -> Prepared:
    """The whole scan with no click in it: for a first run after loading."""
    prepared = prepare_whole(scan, long_side=card.long_side)
    window = ClickWindow(0, 0, side=card.long_side, size=card.long_side)
    image = window.cut(prepared.image[0], air=1.0)
    energy = np.stack([image.max(axis=0), image.min(axis=0)])
    inputs = {"image": image[None], "energy": energy[None], "guide": window.guide((), ())[None]}
    return Prepared(inputs, prepared.letterbox)


def _answer(run: Run, inputs: Arrays, card: ModelCard) -> Arrays:
    outputs = run("model", inputs)
    logits, quality = outputs["logits"], outputs["quality"]
    cells = inputs["image"].shape[-1] // STRIDE
    if logits.shape != (1, len(NESTED), cells, cells) or quality.shape != (1, len(NESTED)):
        raise ModelFailure(f"click model outputs have shapes {logits.shape} and {quality.shape}")
    require(outputs, finite=("logits", "quality"))
    if not ((quality >= 0) & (quality <= 1)).all():
        raise ModelFailure("click model gave a quality outside 0..1")
    return outputs


CLICK: ModelTask[Arrays] = ModelTask(
    name="click",
    graphs={"model": Names(INPUTS, ("logits", "quality"))},
    check=_check,
    prepare=_prepare,
    answer=_answer,
)
