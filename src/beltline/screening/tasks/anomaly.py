"""Anomalies: is something concealed in a device. Finds devices, judges their parts, decides for each.

The graph ``model`` takes ``image`` (1, 3, S, S) float32, RGB in 0..1, white = air, S a multiple of 32, and
gives ``logits`` (1, 2, S / 4, S / 4): of the whole scan where devices are, of a device on white where
something is hidden. The card's details hold under ``anomaly`` how parts are cut and fused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import (
    ANOMALY,
    BadInputError,
    ClassFinding,
    Decision,
    InstanceFinding,
    Masks,
    Scan,
    ScanReport,
    mask_window,
)
from beltline.core.device_parts import CutDevice, PartRule, cut_device, frame_in
from beltline.core.report import Box
from beltline.metrics.gated_fusion import fusion_of
from beltline.metrics.part_fusion import Fusion
from beltline.screening.cards import ModelCard
from beltline.screening.device_finder import find_devices
from beltline.screening.device_map import DEVICE, RunPlaces, image_of, part_logits, place_logits
from beltline.screening.prepare import Letterbox, Prepared, white_picture
from beltline.screening.task import Arrays, ModelFailure, Names, Run, Screened, Task, require

DEVICE_LABEL = "device"
NO_DEVICE = "no electronic device found, and this model judges nothing else"
HOW_TO_READ = """
<p><strong>ALARM</strong>: something seems to be concealed in at least one electronic device. Magenta outlines
show the parts that seem anomalous, green ones the devices that were judged, each with its score.</p>
<p><strong>CLEAR</strong>: every device that was found stayed below the threshold. It says nothing of anything
else in the bag, nor of a device that was not found.</p>
<p><strong>NO MACHINE RESULT</strong>: no device was found, the model failed or was late, or nobody could
judge the scan. The operator decides, as if there were no machine.</p>
<p>A bar is the score of the most suspicious device. The small tick on it is the threshold, set so that at
most {{ '%g'|format(100 * report.operating_point.pfa) }} % of benign devices like those of validation alarm;
on devices of another kind expect another share.</p>
"""


@dataclass(frozen=True, eq=False)
class JudgedDevice:
    """A device that was found.

    Attributes:
        cut: The device and its parts, in the scan's white picture.
        probs: (P,) of its parts.
        score: Of the device, in [0, 1].
    """

    cut: CutDevice
    probs: NDArray[np.float64]
    score: float


@dataclass(frozen=True, eq=False)
class JudgedDevices:
    """A model's answer: devices, the largest first, and (H, W) of the picture they lie in."""

    devices: Sequence[JudgedDevice]
    size: tuple[int, int]


@dataclass(frozen=True)
class Judging:
    """How parts become a decision, as the card has it.

    Attributes:
        fuse: The fusion that was chosen.
        part_threshold: Probability from which a part is shown as anomalous.
        rule: How devices are cut into parts.
    """

    fuse: Fusion
    part_threshold: float
    rule: PartRule

    @classmethod
    def of(cls, card: ModelCard) -> Judging:
        """From a card.

        Raises:
            ValueError: If its details lack something.
        """
        found = card.details.get("anomaly", {})
        if not {"fusion", "part_threshold", "rule"} <= set(found):
            raise ValueError("details of an anomaly model need anomaly: fusion, part_threshold and rule")
        fuse = fusion_of(found)
        try:
            return cls(fuse, float(found["part_threshold"]), PartRule(**found["rule"]))
        except TypeError as error:
            raise ValueError(f"rule of parts: {error}") from error


def _check(card: ModelCard) -> ModelCard:
    if not card.thresholds:
        raise BadInputError("metadata needs thresholds; run beltline evaluate RUN --calibrate, then export")
    if card.classes != (ANOMALY,):
        raise ValueError(f"classes of an anomaly model must be {ANOMALY}, got {', '.join(card.classes)}")
    Judging.of(card)
    return card


def _prepare(scan: Scan, card: ModelCard) -> Prepared:
    """The first look, and what the second needs: the picture as it is, and how large its pixels are."""
    picture, side = white_picture(scan), card.long_side
    rows, columns = frame_in(picture.shape[:2], (side, side))
    mm = np.nan if scan.pixel_mm is None else scan.pixel_mm * scan.width / picture.shape[1]
    size = (scan.width, scan.height)
    content = (columns.stop - columns.start, rows.stop - rows.start)
    box = Letterbox(size, (0.0, 0.0), size, (columns.start, rows.start), content, (side, side))
    image = image_of(picture, (side, side))
    return Prepared({"image": image, "picture": picture, "pixel_mm": np.array([mm], np.float32)}, box)


def _answer(run: Run, inputs: Arrays, card: ModelCard) -> JudgedDevices:
    picture, look = inputs["picture"], looking(run)
    wide = look({"image": inputs["image"]})["logits"][0, DEVICE]
    masks = find_devices(wide, picture.shape[:2])
    mm = float(inputs["pixel_mm"][0])
    devices = [judge_device(look, picture, mask, None if np.isnan(mm) else mm, card) for mask in masks]
    return JudgedDevices(devices, picture.shape[:2])


def looking(run: Run) -> RunPlaces:
    """The network of a model that runs, its answers checked."""

    def look(feed: Arrays) -> Arrays:
        outputs = run("model", feed)
        height, width = (side // 4 for side in feed["image"].shape[2:])
        if outputs["logits"].shape != (1, 2, height, width):
            raise ModelFailure(f"anomaly model output has shape {outputs['logits'].shape}")
        require(outputs, finite=("logits",))
        return outputs

    return look


def judge_device(
    look: RunPlaces,
    picture: NDArray[np.uint8],
    mask: NDArray[np.bool_],
    pixel_mm: float | None,
    card: ModelCard,
) -> JudgedDevice:
    """The second look: one device cut out, its parts judged and fused.

    Args:
        look: From `looking`.
        picture: (H, W, 3), the scan's white picture.
        mask: (H, W) of the device.
        pixel_mm: Of the picture; None where not known.
        card: The model's.
    """
    judging = Judging.of(card)
    cut = cut_device(picture, mask, pixel_mm, judging.rule)
    logits = part_logits(cut, place_logits(look, cut, (card.long_side, card.long_side)))
    probs = 1 / (1 + np.exp(-np.clip(card.scale[0] * logits + card.bias[0], -60, 60)))
    (score,) = judging.fuse(probs, cut.areas, np.zeros(len(probs), np.int64), 1)
    return JudgedDevice(cut, probs, float(score))


def _scores(answer: JudgedDevices, card: ModelCard) -> NDArray[np.float64]:
    """Of the most suspicious device.

    Raises:
        ModelFailure: If there is none: such a scan says nothing of benign devices, and counted as 0 it would
            lower their thresholds.
    """
    if not answer.devices:
        raise ModelFailure(NO_DEVICE)
    return np.array([max(device.score for device in answer.devices)])


def _decide(
    entry: ScanReport,
    prepared: Prepared,
    answer: JudgedDevices,
    card: ModelCard,
    thresholds: NDArray[np.float64],
) -> Screened:
    if not answer.devices:
        return Screened(replace(entry, reason=NO_DEVICE), nothing_to_judge=True)
    size, judging = (entry.height, entry.width), Judging.of(card)
    instances: list[InstanceFinding] = []
    for device in answer.devices:
        alarm = device.score >= thresholds[0]
        whole = device.cut.labels >= 0
        instances.append(
            _instance(DEVICE_LABEL, device.score, device.cut, whole, answer.size, size, alarm=False)
        )
        if alarm:
            instances += _parts(device, judging.part_threshold, answer.size, size)
    worst = max(answer.devices, key=lambda device: device.score)
    alarm = worst.score >= thresholds[0]
    box = next((one.box for one in instances if one.label == ANOMALY), None) if alarm else None
    point = None if box is None else ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    finding = ClassFinding(ANOMALY, round(worst.score, 6), bool(alarm), point, box)
    decision: Decision = "alarm" if alarm else "clear"
    report = replace(entry, decision=decision, classes=(finding,), instances=tuple(instances))
    return Screened(report, prepared.letterbox)


def _parts(
    device: JudgedDevice, threshold: float, size: tuple[int, int], scan: tuple[int, int]
) -> list[InstanceFinding]:
    """The parts that seem anomalous, neighbours as one; at least the surest."""
    chosen = device.probs >= min(threshold, float(device.probs.max()))
    shown = np.isin(device.cut.labels, np.flatnonzero(chosen))
    count, pieces = cv2.connectedComponents(shown.astype(np.uint8), connectivity=8)
    found = []
    for number in range(1, count):
        piece = pieces == number
        score = float(device.probs[np.unique(device.cut.labels[piece])].max())
        found.append(_instance(ANOMALY, score, device.cut, piece, size, scan, alarm=True))
    return sorted(found, key=lambda one: -one.score)


def _instance(
    label: str,
    score: float,
    device: CutDevice,
    piece: NDArray[np.bool_],
    size: tuple[int, int],
    scan: tuple[int, int],
    *,
    alarm: bool,
) -> InstanceFinding:
    """A piece of a device in pixels of the scan."""
    plane = np.zeros(size, np.uint8)
    (top, left), (height, width) = device.corner, piece.shape
    plane[top : top + height, left : left + width] = piece
    if size != scan:
        plane = np.asarray(cv2.resize(plane, scan[::-1], interpolation=cv2.INTER_NEAREST), np.uint8)
    rows, columns = mask_window(plane > 0)
    box: Box = (float(columns.start), float(rows.start), float(columns.stop), float(rows.stop))
    return InstanceFinding(label, round(score, 6), box, Masks.encode(plane[None] > 0), alarm)


ANOMALIES: Task[JudgedDevices] = Task(
    name="anomaly",
    graphs={"model": Names(("image",), ("logits",))},
    check=_check,
    prepare=_prepare,
    answer=_answer,
    scores=_scores,
    decide=_decide,
    chances=lambda card, thresholds: thresholds,
    how_to_read=HOW_TO_READ,
)
