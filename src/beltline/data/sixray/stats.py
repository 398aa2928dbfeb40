"""Figures 1 to 3 of the SIXray paper for a copy at hand: class counts, view angle, aspect ratio, area.

Source:
    Miao et al., SIXray (CVPR 2019), Figs. 1 to 3. How the paper got view angles it does not say; here it is
    the principal axis of the dark pixels inside a box (reconstructed).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from beltline.core import BadInputError, Progress, counted
from beltline.data.compare.charts import BarChart, write_charts
from beltline.data.sixray.boxes import read_annotation, usable
from beltline.data.sixray.index import SixrayIndex
from beltline.formats import write_atomic, write_json
from beltline.formats.images import DECODE_ERRORS

ANGLE_EDGES = tuple(float(v) for v in range(0, 181, 15))
ASPECT_EDGES = tuple(round(2.0 ** (v / 2), 3) for v in range(-6, 7))
AREA_EDGES = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 100.0)
_ASPECT_TICKS = ("1:8", "", "1:4", "", "1:2", "", "1:1", "", "2:1", "", "4:1", "", "8:1")
_DECODED_SIDE = 400
_LEAST_ELONGATION = 1.2


@dataclass(frozen=True, eq=False)
class SixrayStatistics:
    """What a copy holds.

    Attributes:
        images: Images on disk by class; an image counts for each of its classes.
        names: (M,) image of each box.
        labels: (M,) its class.
        boxes: (M, 4) xyxy in pixels, clipped to the image.
        angle_deg: (M,) direction in [0, 180) of the principal axis, 0 lying, 90 standing, counted
            anticlockwise; NaN where the image is not on disk or what is in the box is as long as wide.
        aspect: (M,) width / height.
        area_share: (M,) of the image in [0, 1]; NaN where its size is not known.
    """

    images: Mapping[str, int]
    names: tuple[str, ...]
    labels: tuple[str, ...]
    boxes: NDArray[np.float32]
    angle_deg: NDArray[np.float64]
    aspect: NDArray[np.float64]
    area_share: NDArray[np.float64]

    def to_json(self) -> dict[str, Any]:
        """Counts and histograms."""
        return {
            "schema_version": 1,
            "images": dict(self.images),
            "boxes": {name: self.labels.count(name) for name in self.images},
            "angle_deg": histogram(self.angle_deg, ANGLE_EDGES),
            "aspect_width_over_height": histogram(self.aspect, ASPECT_EDGES),
            "area_percent": histogram(100 * self.area_share, AREA_EDGES),
            "angle_means": "principal axis of the dark pixels in a box; 0 lying, 90 standing",
        }


def sixray_statistics(index: SixrayIndex, *, on_progress: Progress | None = None) -> SixrayStatistics:
    """Read every annotation and the images that have one.

    Args:
        index: Of a copy.
        on_progress: Told images with boxes.

    Raises:
        BadInputError: If an annotation or an annotated image is damaged.
    """
    names: list[str] = []
    labels: list[str] = []
    rows: list[NDArray[np.float64]] = []
    for row in counted(np.flatnonzero(index.annotated).tolist(), on_progress):
        path = index.annotation(row)
        assert path is not None
        annotation = read_annotation(path)
        picture = index.file(row)
        grey, size = (None, annotation.size) if picture is None else _grey(index.root / picture)
        found = usable(annotation, size)
        for label, box in zip(found.labels, found.boxes.astype(np.float64), strict=True):
            names.append(str(index.names[row]))
            labels.append(label)
            rows.append(np.array([*box, *_measures(box, grey, size)]))
    table = np.array(rows, np.float64).reshape(-1, 7)
    counts = (index.labels[index.present] >= 0).sum(axis=0).tolist()
    return SixrayStatistics(
        dict(zip(index.classes, counts, strict=True)), tuple(names), tuple(labels),
        table[:, :4].astype(np.float32), table[:, 4], table[:, 5], table[:, 6],
    )  # fmt: skip


def principal_angle(grey: NDArray[np.floating[Any]]) -> float:
    """Direction of what is darker than the median, in degrees in [0, 180), anticlockwise from lying.

    Args:
        grey: (H, W) luminance of a crop.

    Returns:
        NaN where nothing is darker, or the spread along the axis is below 1.2 times that across.

    Example:
        >>> bar = np.full((20, 20), 255.0); bar[9:11, 2:18] = 0
        >>> principal_angle(bar), principal_angle(bar.T)
        (0.0, 90.0)
    """
    weight = np.clip(np.median(grey) - grey, 0, None).astype(np.float64)
    total = weight.sum()
    if total <= 0:
        return float("nan")
    y, x = np.indices(grey.shape, dtype=np.float64)
    x, y = x - (weight * x).sum() / total, (weight * y).sum() / total - y  # y upwards
    xx, yy, xy = ((weight * a * b).sum() / total for a, b in ((x, x), (y, y), (x, y)))
    half, spread = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    if np.sqrt(half + spread) < _LEAST_ELONGATION * np.sqrt(max(half - spread, 0.0)):
        return float("nan")
    return float(np.degrees(0.5 * np.arctan2(2 * xy, xx - yy)) % 180.0)


def histogram(values: NDArray[np.float64], edges: tuple[float, ...]) -> dict[str, list[float]]:
    """Counts between edges; values outside count in the first or last bin, NaN not at all."""
    known = np.clip(values[~np.isnan(values)], edges[0], edges[-1])
    return {"edges": list(edges), "counts": np.histogram(known, edges)[0].tolist()}


def write_statistics(out: str | Path, found: SixrayStatistics) -> None:
    """Write stats.json, boxes.csv (a row for each box) and stats.png (the four charts)."""
    out = Path(out)
    write_json(out / "stats.json", found.to_json(), indent=1)
    columns = (found.names, found.labels, found.boxes, found.angle_deg, found.aspect, found.area_share)
    lines = ["image,class,xmin,ymin,xmax,ymax,angle_deg,width_over_height,area_share"]
    for name, label, box, *measures in zip(*columns, strict=True):
        corners = (f"{v:.2f}" for v in box)
        lines.append(",".join((name, label, *corners, *("" if v != v else f"{v:.4f}" for v in measures))))
    write_atomic(out / "boxes.csv", "\n".join([*lines, ""]))
    write_charts(out / "stats.png", charts(found))


def charts(found: SixrayStatistics) -> tuple[BarChart, ...]:
    """The four charts."""
    angles = histogram(found.angle_deg, ANGLE_EDGES)["counts"]
    aspects = histogram(found.aspect, ASPECT_EDGES)["counts"]
    areas = histogram(100 * found.area_share, AREA_EDGES)["counts"]
    boxes = f"{len(found.names):,d} boxes"
    return (
        BarChart(
            "Images by class", tuple(found.images.values()), tuple(found.images),
            note="on disk; an image counts for each of its classes", values=True,
        ),
        BarChart(
            "View angle", tuple(angles), tuple(f"{v:.0f}°" if v % 45 == 0 else "" for v in ANGLE_EDGES),
            "principal axis of the dark pixels in a box; 0° lying, 90° standing",
            f"{int(sum(angles)):,d} of {boxes}; the rest as long as wide, or no image",
        ),
        BarChart(
            "Aspect ratio", tuple(aspects), _ASPECT_TICKS,
            "width : height of a box", boxes,
        ),
        BarChart(
            "Area", tuple(areas), tuple(f"{v:g}" for v in AREA_EDGES),
            "per cent of the image that a box covers", f"{int(sum(areas)):,d} of {boxes}",
        ),
    )  # fmt: skip


def _grey(path: Path) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """Luminance, perhaps at half or a quarter of the size, and the true (height, width)."""
    try:
        with Image.open(path, formats=("JPEG", "PNG")) as image:
            size = (image.height, image.width)
            image.draft("L", (_DECODED_SIDE, _DECODED_SIDE))
            return np.asarray(image.convert("L"), np.float64), size
    except (Image.DecompressionBombError, *DECODE_ERRORS) as error:
        raise BadInputError(
            f"{path}: damaged image ({error}); beltline data verify lists all such"
        ) from error


def _measures(
    box: NDArray[np.float64], grey: NDArray[np.float64] | None, size: tuple[int, int] | None
) -> tuple[float, float, float]:
    """Angle, width / height and share of the image."""
    width, height = box[2] - box[0], box[3] - box[1]
    share = float("nan") if size is None else width * height / (size[0] * size[1])
    angle = float("nan")
    if grey is not None and size is not None:
        scale = np.array([grey.shape[1] / size[1], grey.shape[0] / size[0]] * 2)
        left, top, right, bottom = np.round(box * scale).astype(int)
        if right > left and bottom > top:
            angle = principal_angle(grey[top:bottom, left:right])
    return angle, float(width / height), float(share)
