"""Which refinement draws the better box, as a table and in a sentence."""

from __future__ import annotations

import numpy as np

from beltline.metrics import BoxAgreement, PairedDifference
from beltline.protocols.tables import Row
from beltline.protocols.xsyn.judge import LAYOUT
from beltline.protocols.xsyn.plan import AIMS

CAR = "CAR"  # that of the arms


def car_table(boxes: BoxAgreement) -> list[Row]:
    """A row a source of boxes: overlap with the true extent, and what it gains over the layout."""
    return [
        {
            "box": name,
            "IoU": f"{iou:.3f}",
            "IoU of at least 0.5, %": f"{100 * boxes.half[name]:.0f}",
            "gain over the layout": "" if name == LAYOUT else _gain(boxes.over_reference.get(name)),
        }
        for name, iou in boxes.iou.items()
    ]


def verdict(boxes: BoxAgreement) -> str:
    """Whether CAR's box is nearer to the truth than the layout box, in a plain sentence."""
    gain = boxes.over_reference.get(CAR)
    if gain is None:
        return "**Not decided**: nothing was painted that can be measured."
    said = f"IoU with the true extent, CAR's box over the layout box: {_gain(gain)}"
    if gain.low >= AIMS.box_iou:
        return f"**Reached**: {said}; {AIMS.box_iou:.2f} was the aim."
    if gain.low > 0:
        return f"**Better, but not clear of the aim**: {said}; {AIMS.box_iou:.2f} was the aim."
    return f"**{'Worse' if gain.high < 0 else 'Not shown'}**: {said}; {AIMS.box_iou:.2f} was the aim."


def best_refinement(boxes: BoxAgreement) -> str:
    """Which source of boxes overlaps most."""
    known = {name: iou for name, iou in boxes.iou.items() if np.isfinite(iou)}
    return max(known, key=lambda name: known[name]) if known else LAYOUT


def _gain(found: PairedDifference | None) -> str:
    return "-" if found is None else f"{found.difference:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"
