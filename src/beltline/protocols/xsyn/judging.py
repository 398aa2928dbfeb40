"""A painter judged on windows whose truth is known: its items, every refinement's box, every occlusion."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import Instances, mask_window
from beltline.formats import write_atomic, write_json
from beltline.formats.inpainting_shards import InpaintingWindows
from beltline.metrics import BoxAgreement, Rate, box_agreement, wilson
from beltline.metrics.detections import iou_matrix
from beltline.models.picture_features import PictureFeatures, picture_features
from beltline.protocols.cells import Say
from beltline.protocols.tables import Row
from beltline.protocols.xsyn.arms import BOMS, CARS, NO_BOM, Bom, Car
from beltline.protocols.xsyn.box_tables import CAR, best_refinement, car_table, verdict
from beltline.protocols.xsyn.data import JudgedWindows, shown
from beltline.protocols.xsyn.finishing import Painted, hidden, refined
from beltline.protocols.xsyn.gallery import GalleryItem, contact_sheet
from beltline.protocols.xsyn.judge import (
    FOUND_IOU,
    LAYOUT,
    Detect,
    Judgement,
    PaintedWindows,
    judge,
)
from beltline.protocols.xsyn.judge_tables import table
from beltline.protocols.xsyn.judges_detector import judges_detector
from beltline.protocols.xsyn.painters import WINDOW, PainterInUse
from beltline.protocols.xsyn.plan import XsynScale
from beltline.protocols.xsyn.tasks import jittered
from beltline.protocols.xsyn.views import View, from_stored
from beltline.synthesis.diffusion.extent import REPAINTED_DEPTH, extent_of_difference
from beltline.synthesis.diffusion.promptable import Box, Segment
from beltline.synthesis.diffusion.sampling import SamplerSettings
from beltline.systems.xsyn.painting import adds, paint

JUDGEMENT, SHEET = "judgement.json", "painted.jpg"
SEED = 0
BATCH = 8
SHOWN_ROWS = 12  # of the contact sheet
SHOWN = (CAR, "CAR by change")  # by class
QUALITY = 88  # of its JPEG
OWN_MASK = "painter's own mask"
Boxes4 = NDArray[np.float64]  # (N, 4)


@dataclass(frozen=True, eq=False)
class Asked:
    """What a painter is asked for, and how it is looked at.

    Attributes:
        use: The painter.
        windows: Windows with truth.
        view: What they measure.
        scale: How items are painted.
        segment: Promptable segmenter of CAR.
    """

    use: PainterInUse
    windows: JudgedWindows
    view: View
    scale: XsynScale
    segment: Segment

    @property
    def rows(self) -> NDArray[np.int64]:
        """Rows of the judged windows."""
        count = min(self.scale.judged, len(self.windows.judged))
        return np.random.default_rng(SEED).permutation(len(self.windows.judged))[:count]

    @property
    def labels(self) -> tuple[str, ...]:
        """Their classes."""
        judged = self.windows.judged
        return tuple(judged.classes[int(k)] for k in judged.windows["label"][self.rows])

    @property
    def layout(self) -> NDArray[np.float64]:
        """(N, 4) what is asked for: the boxes of the items really there, jittered."""
        boxes = self.windows.judged.windows["box"][self.rows]
        return jittered(np.clip(boxes, 0, WINDOW), WINDOW, np.random.default_rng((SEED, 1)))


def judge_painter(asked: Asked, out: Path, say: Say) -> dict[str, Any]:
    """Everything a report says of a painter; what is there already is only read.

    Writes ``judgement.json`` into ``out`` and the contact sheet ``../figures/painted.jpg``.
    """
    path = out / JUDGEMENT
    if path.is_file():
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return kept
    say("painting windows to be judged")
    found = _painted(asked, released=False)
    mixed = _painted(asked, released=True)
    say("refining their boxes")
    sources = refinements(asked, found, mixed)
    detector = judges_detector()
    windows = painted_windows(asked, found, {name: sources[name] for name in SHOWN})
    judgement = _judged(asked, windows, detector)
    agreement = agreement_of(windows, sources)
    facts = {
        "painter": {"told": asked.use.told, "digest": asked.use.digest},
        "items": len(found),
        "table": table(judgement),
        "cars": car_table(agreement),
        "boms": bom_table(asked, found, windows, detector),
        "car": verdict(agreement),
        "best": best_refinement(agreement),
    }
    _sheet(asked, found, windows, sources[CAR], out.parent / "figures" / SHEET)
    out.mkdir(parents=True, exist_ok=True)
    write_json(path, facts)
    return facts


def refinements(asked: Asked, found: list[Painted], mixed: list[Painted]) -> dict[str, Boxes4]:
    """(N, 4) boxes by refinement, pixels of the painter's window; where a painter knows its mask that too."""
    wanted = {CAR: Car(), **{name: car for name, car in CARS.items() if car.by != "none"}}

    def boxes(car: Car) -> Boxes4:
        items = mixed if car.maps == "mixed" else found
        return np.array([refined(one, car, asked.view, asked.segment) for one in items])

    own = [one.own for one in found if one.own is not None]
    known = {OWN_MASK: np.array(own)} if len(own) == len(found) else {}
    return {**{name: boxes(car) for name, car in wanted.items()}, **known}


def agreement_of(windows: PaintedWindows, sources: Mapping[str, Boxes4]) -> BoxAgreement:
    """All refinements and the layout against the true extents."""
    rows = range(len(windows.labels))
    extents = [extent_of_difference(*windows.pair(row), REPAINTED_DEPTH).box for row in rows]
    whole = {LAYOUT: windows.layout, **sources}
    return box_agreement(whole, np.array(extents), reference=LAYOUT, rng=np.random.default_rng(SEED))


def painted_windows(asked: Asked, found: list[Painted], sources: Mapping[str, Boxes4]) -> PaintedWindows:
    """The painted windows beside the bags and the items really in them."""
    judged, view = asked.windows.judged, asked.view
    duals = {
        "made": np.stack([view.planes(one.after) for one in found]),
        "bags": np.stack([view.planes(one.before) for one in found]),
        "composites": view.planes(from_stored(judged.painted(asked.rows))),
    }
    seen = {name: np.stack([view.picture(one) for one in each]) for name, each in duals.items()}
    return PaintedWindows(
        seen["made"],
        seen["bags"],
        seen["composites"],
        asked.layout,
        asked.labels,
        sources,
        np.clip(judged.windows["box"][asked.rows].astype(np.float64), 0, WINDOW),
        duals["made"].astype(np.float16),
        duals["bags"].astype(np.float16),
        duals["composites"].astype(np.float16),
    )


def bom_table(asked: Asked, found: list[Painted], windows: PaintedWindows, detector: Detect) -> list[Row]:
    """A row an occlusion: how many items the detector still finds, how much of the item's box changed."""
    rows = []
    for name, bom in {"no BOM": NO_BOM, "BOM": Bom(), **BOMS}.items():
        hits, change = 0, []
        for number, one in enumerate(found):
            rng = np.random.default_rng((SEED, 12, number))
            after = hidden(one, bom, asked.view, asked.use.painter, rng)
            hits += _hit(detector(asked.view.picture(asked.view.planes(after))), windows, number)
            x1, y1, x2, y2 = (int(v) for v in windows.layout[number])
            change.append(float(np.abs(after - one.after)[:, y1:y2, x1:x2].mean()))
        rows.append(
            {
                "occlusion": name,
                "found, %": _percent(wilson(hits, len(found))),
                "change of the box, codes": f"{np.mean(change):.4f}",
            }
        )
    return rows


def _painted(asked: Asked, *, released: bool) -> list[Painted]:
    return list(_paintings(asked, released))


def _paintings(asked: Asked, released: bool) -> Iterator[Painted]:
    judged, rows, layout = asked.windows.judged, asked.rows, asked.layout
    settings = SamplerSettings(asked.scale.sampler_steps, asked.scale.guidance)
    numbers = asked.use.numbers(asked.labels)
    for first in range(0, len(rows), BATCH):
        part = slice(first, first + BATCH)
        before = from_stored(judged.bag(rows[part]))
        found = paint(
            asked.use.painter, before, numbers[part].tolist(), np.asarray(layout[part] / WINDOW, np.float32),
            seed=first, settings=settings, released=released,
        )  # fmt: skip
        for row, (bag, after, attention) in enumerate(
            zip(before, found.windows, found.attention, strict=True)
        ):
            x1, y1, x2, y2 = (float(value) for value in layout[first + row])
            own = None if found.masks is None else _box_of(found.masks[row])
            yield Painted(bag, after, (x1, y1, x2, y2), attention, own)


def _box_of(mask: NDArray[np.bool_]) -> Box:
    if not mask.any():
        return (float("nan"),) * 4
    rows, columns = mask_window(mask)
    return float(columns.start), float(rows.start), float(columns.stop), float(rows.stop)


def _judged(asked: Asked, windows: PaintedWindows, detector: Detect) -> Judgement:
    network = PictureFeatures()
    side, held, trained_on = WINDOW, asked.windows.held, asked.windows.trained
    count = max(len(windows.labels), 8)
    return judge(
        windows,
        _seen(asked.view, trained_on, "painted", side),
        _seen(asked.view, held, "painted", side)[:count],
        features=partial(picture_features, network=network),
        detect=detector,
        rng=np.random.default_rng(SEED),
    )


def _hit(found: Instances, windows: PaintedWindows, row: int) -> bool:
    sure = np.array([name == windows.labels[row] for name in found.labels], np.bool_)
    return bool(iou_matrix(windows.layout[row], found.boxes[sure]).max(initial=0.0) >= FOUND_IOU)


def _seen(view: View, windows: InpaintingWindows, name: str, side: int) -> NDArray[np.uint8]:
    """(N, side, side, 3): the windows in colour."""
    take = windows.painted if name == "painted" else windows.bag
    return np.stack(
        [shown(view, view.planes(from_stored(take([row])[0])), side) for row in range(len(windows))]
    )


def _sheet(
    asked: Asked,
    found: list[Painted],
    windows: PaintedWindows,
    boxes: NDArray[np.float64],
    path: Path,
) -> None:
    picked = np.linspace(0, len(found) - 1, min(SHOWN_ROWS, len(found))).astype(int)
    items = [
        GalleryItem(
            windows.labels[row],
            windows.bags[row],
            windows.made[row],
            windows.layout[row],
            found[row].attention,
            boxes[row],
            extent if np.isfinite(extent).all() else None,
            windows.composites[row],
        )
        for row in picked
        for extent in [extent_of_difference(*windows.pair(int(row)), REPAINTED_DEPTH).box]
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet = contact_sheet(items, hidden=not adds(asked.use.painter))
    _, data = cv2.imencode(".jpg", sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    write_atomic(path, data.tobytes())


def _percent(rate: Rate) -> str:
    return f"{100 * rate.value:.0f} [{100 * rate.low:.0f}, {100 * rate.high:.0f}]"
