"""Painted windows judged against truth: is an item there, is its box right, does it look real, is it a copy.

Every figure of the painted windows stands beside that of the same bags with an item really in them, which is
as good as it gets, and that of the bags alone, which tells whether the figure sees the item at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.core import Instances, ShapeError
from beltline.metrics import (
    BoxAgreement,
    KernelDistance,
    PrecisionRecall,
    Rate,
    box_agreement,
    box_agreement_by_class,
    diversity,
    frechet_distance,
    iou_matrix,
    kernel_distance,
    memorisation,
    precision_and_recall,
    row_iou,
    wilson,
)
from beltline.models.picture_features import FEATURES
from beltline.synthesis.diffusion.extent import REPAINTED_DEPTH, change_outside, extent_of_difference

Pictures = NDArray[np.uint8]
Floats = NDArray[np.float64]
Features = Callable[[Pictures], NDArray[Any]]
"""Pictures (N, H, W, 3) to features (N, D), see `beltline.models.picture_features.picture_features`."""
Detect = Callable[[Pictures], Instances]
"""One picture (H, W, 3) to what is in it; everything that it gives counts as found."""

LAYOUT = "layout"
MADE, COMPOSITE, BAG = "painted", "item really in it", "bag alone"
FOUND_IOU = 0.5


@dataclass(frozen=True, eq=False)
class PaintedWindows:
    """What is judged: N windows with one painted item each, before anything hides it (BOM).

    Attributes:
        made: (N, H, W, 3) uint8.
        bags: (N, H, W, 3) uint8, the same windows before.
        composites: (N, H, W, 3) uint8, the same bags with an item of the class really in them, at about the
            layout box.
        layout: (N, 4) xyxy pixels, the boxes that were asked for.
        labels: N class names.
        refined: (N, 4) boxes by name of what drew them, for example ``CAR``; NaN where there is none.
        real_boxes: (N, 4) boxes of the items really there, where a layout is not just that; None where it is.
        made_dual: (N, 2, H, W) transmissions; extents are measured on these where they are known.
        bags_dual: See made_dual.
        composites_dual: See made_dual.

    Raises:
        ShapeError: If the counts or shapes differ.
    """

    made: Pictures
    bags: Pictures
    composites: Pictures
    layout: Floats
    labels: tuple[str, ...]
    refined: Mapping[str, Floats] = field(default_factory=dict)
    real_boxes: Floats | None = None
    made_dual: NDArray[Any] | None = None
    bags_dual: NDArray[Any] | None = None
    composites_dual: NDArray[Any] | None = None

    def __post_init__(self) -> None:
        count = len(self.labels)
        if self.made.ndim != 4 or self.made.shape[0] != count or self.made.shape[3] != 3:
            raise ShapeError(f"expected {count} painted windows (N, H, W, 3), got {self.made.shape}")
        for name in ("bags", "composites"):
            if getattr(self, name).shape != self.made.shape:
                raise ShapeError(
                    f"{name} must be {self.made.shape} as the painted, got {getattr(self, name).shape}"
                )
        placed = {LAYOUT: self.layout, **self.refined, "real": self.really}
        for name, boxes in placed.items():
            if np.shape(boxes) != (count, 4):
                raise ShapeError(f"{name} boxes must be {(count, 4)}, got {np.shape(boxes)}")
        duals = (self.made_dual, self.bags_dual, self.composites_dual)
        shapes = {None if dual is None else dual.shape for dual in duals}
        if len(shapes) > 1:
            raise ShapeError(f"transmissions must be known of all three or of none, got {shapes}")

    @property
    def really(self) -> Floats:
        """(N, 4) boxes of the items really there."""
        return self.layout if self.real_boxes is None else self.real_boxes

    def pair(self, row: int, *, of: str = MADE) -> tuple[NDArray[Any], NDArray[Any]]:
        """The bag and the window with the item, as transmissions where they are known."""
        dual = self.made_dual if of == MADE else self.composites_dual
        if dual is None or self.bags_dual is None:
            return self.bags[row], (self.made if of == MADE else self.composites)[row]
        return np.asarray(self.bags_dual[row], np.float32), np.asarray(dual[row], np.float32)


@dataclass(frozen=True)
class SetFigures:
    """How one set of windows does.

    Attributes:
        found: Share of items that a detector finds: right class, at the layout box.
        found_by_class: The same by class.
        frechet: Frechet distance to held-out real windows.
        kernel: Kernel distance to them.
        shares: Precision and recall.
        memorised: Share nearer to a training window than all but 5 % of the held-out ones are.
        memorised_ratio: Median distance to the nearest training window over that of held-out ones.
        diversity: Mean distance of every two.
    """

    found: Rate
    found_by_class: Mapping[str, Rate]
    frechet: float
    kernel: KernelDistance
    shares: PrecisionRecall
    memorised: float
    memorised_ratio: float
    diversity: float


@dataclass(frozen=True)
class Judgement:
    """Everything that is known of painted windows.

    Attributes:
        sets: `SetFigures` of what was painted, of the composites and of the bags alone.
        frechet_floor: Frechet distance of two halves of the held-out windows: what chance alone gives, at
            half their number.
        real_diversity: Diversity of the held-out windows.
        painted: Items of which anything was added that can be seen.
        boxes: Layout and refined boxes against the true extents of those.
        boxes_by_class: The same by class.
        extent_overlap: Mean overlap of the boxes of the items really there with the extents of the
            composites: how well an extent can be measured.
        threshold: Optical depth above which something was added.
        change_outside: Mean absolute change outside the layout box, see `unit`.
        unit: Of the change.
        features: Whose features the distances are of.
    """

    sets: Mapping[str, SetFigures]
    frechet_floor: float
    real_diversity: float
    painted: Rate
    boxes: BoxAgreement
    boxes_by_class: Mapping[str, BoxAgreement]
    extent_overlap: float
    threshold: float
    change_outside: float
    unit: str
    features: str


def judge(
    windows: PaintedWindows,
    train: Pictures,
    held: Pictures,
    *,
    features: Features,
    detect: Detect,
    rng: np.random.Generator,
    threshold: float = REPAINTED_DEPTH,
    overlap: float = FOUND_IOU,
    features_name: str = FEATURES,
) -> Judgement:
    """All figures of painted windows.

    Args:
        windows: What was painted, with its truths.
        train: (M, H, W, 3) uint8, windows with items that the generator was trained on.
        held: (K, H, W, 3) uint8, windows with items of the same classes that it was not; K about N, or the
            figures of sets are not comparable.
        features: See `Features`.
        detect: See `Detect`; a detector that saw none of these windows.
        rng: Of subsets, halves and resamples.
        threshold: Optical depth above which something was added; see `extent_of_difference`. Overlaps depend
            on it: a difference that another threshold turns round is none.
        overlap: Smallest IoU with the layout box of a detection that counts.
        features_name: Stands in the tables.

    Raises:
        ShapeError: If pictures do not fit.
        ValueError: If a set has too few windows: at least four, eight of the held-out ones.
    """
    rows = range(len(windows.labels))
    extents = np.array([extent_of_difference(*windows.pair(row), threshold).box for row in rows])
    real = np.array([extent_of_difference(*windows.pair(row, of=COMPOSITE), threshold).box for row in rows])
    sources = {LAYOUT: windows.layout, **windows.refined}
    reference, half = np.asarray(features(held)), rng.permutation(len(held))
    halves = (reference[half[::2]], reference[half[1::2]])
    trained = np.asarray(features(train))
    pictures = {MADE: windows.made, COMPOSITE: windows.composites, BAG: windows.bags}
    sets = {}
    for name, images in pictures.items():
        hits = _hits(images, windows, detect, overlap)
        sets[name] = _figures(np.asarray(features(images)), reference, trained, hits, windows.labels, rng)
    return Judgement(
        sets,
        frechet_distance(*halves),
        diversity(reference),
        wilson(int(np.isfinite(extents).all(1).sum()), len(extents)),
        box_agreement(sources, extents, reference=LAYOUT, rng=rng),
        box_agreement_by_class(sources, extents, windows.labels, reference=LAYOUT, rng=rng),
        float(np.nan_to_num(row_iou(windows.really, real)).mean()),  # not found is no overlap
        threshold,
        float(np.nanmean([change_outside(*windows.pair(row), windows.layout[row]) for row in rows])),
        "grey levels" if windows.made_dual is None else "transmission",
        features_name,
    )


def _hits(images: Pictures, windows: PaintedWindows, detect: Detect, overlap: float) -> NDArray[np.bool_]:
    """(N,) whether the item was found: its class, at the layout box."""
    hits = np.zeros(len(images), np.bool_)
    for row, (image, label) in enumerate(zip(images, windows.labels, strict=True)):
        found = detect(image)
        sure = np.array([name == label for name in found.labels], np.bool_)
        hits[row] = iou_matrix(windows.layout[row], found.boxes[sure]).max(initial=0.0) >= overlap
    return hits


def _figures(
    found: NDArray[Any],
    real: NDArray[Any],
    trained: NDArray[Any],
    hits: NDArray[np.bool_],
    labels: tuple[str, ...],
    rng: np.random.Generator,
) -> SetFigures:
    names, near = np.asarray(labels), memorisation(found, trained, real)
    return SetFigures(
        wilson(int(hits.sum()), len(hits)),
        {name: wilson(int(hits[names == name].sum()), labels.count(name)) for name in sorted(set(labels))},
        frechet_distance(found, real),
        kernel_distance(found, real, rng=rng),
        precision_and_recall(real, found),
        near.share,
        near.ratio,
        diversity(found),
    )
