"""Scans and a painter in, a labelled set out (Xsyn)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from beltline.core import BadInputError, Instances, Masks, Progress
from beltline.formats import read_scan
from beltline.synthesis.diffusion.annotating import Refiner
from beltline.synthesis.diffusion.canvas import Canvas, canvas_of
from beltline.synthesis.diffusion.generators import PaintTask
from beltline.synthesis.diffusion.paint_plan import HOW_MANY, PaintPlan
from beltline.synthesis.diffusion.paint_sources import PaintSource
from beltline.synthesis.diffusion.painted_item import described
from beltline.synthesis.diffusion.scan_occlusion import occluded
from beltline.synthesis.diffusion.scan_painting import PaintedItem, PaintedScan, paint_scan
from beltline.synthesis.diffusion.wanted import wanted_in
from beltline.synthesis.diffusion.window_painter import WindowPainter
from beltline.synthesis.library import ThreatLibrary
from beltline.synthesis.made_set import LearnedNorms, MadeScan, SetKind, mark_of_bags, write_made_set
from beltline.synthesis.quality import GateScores, assess

KIND = "painted by diffusion"
SCANS_TRIED = 20


def paint_set(
    out: str | Path,
    sources: Sequence[PaintSource],
    painter: WindowPainter,
    plan: PaintPlan,
    *,
    refiner: Refiner | None = None,
    library: ThreatLibrary | None = None,
    on_progress: Progress | None = None,
    card: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write a set of painted scans; scans that are there already are kept.

    Args:
        out: Folder of the set.
        sources: Scans to paint into; benign scans of the set come from them too.
        painter: Paints.
        plan: What to make.
        refiner: Of the boxes, ``plan.car``; needed for clicks.
        library: What is projected where the plan says so; the quality gate learns what classes look like
            from it.
        on_progress: Told scans.
        card: More fields for card.json.

    Returns:
        The card as written.

    Raises:
        BadInputError: If nothing can be painted into the scans, or the folder was begun with another plan,
            other scans, another model or other threats.
        ValueError: If the painter was not taught a class, or a plan of projections lacks its library.
    """
    if unknown := sorted(set(plan.classes) - set(painter.classes or plan.classes)):
        raise ValueError(f"{painter.name} paints {', '.join(painter.classes)}, got {', '.join(unknown)}")
    if plan.generator == "project" and library is None:
        raise ValueError("painting over projections needs a library of threats")
    scans = [source.scan for source in sources]
    made_of = {
        "bags": mark_of_bags(scans),
        "pixel_mm": sorted({mm for _, _, mm in scans if mm is not None}),
        "model": {"name": painter.name, "sha256": painter.sha256},
        "threats": None if library is None else library.mark,
    }
    kept = {label for source in sources if source.known is not None for label in source.known.labels}
    classes = (*plan.classes, *sorted(kept - set(plan.classes)))
    kind = SetKind(KIND, classes, {"plan": plan, **made_of}, HOW_MANY, plan.style)
    total = plan.count + plan.benign
    names = [f"{'xsyn' if index < plan.count else 'bag'}_{index:06d}" for index in range(total)]
    norms = LearnedNorms(scans, library, plan.style)
    maker = _Maker(sources, painter, plan, refiner or Refiner(plan.car), library, norms)

    def make(index: int) -> MadeScan:
        rng = np.random.default_rng([plan.seed, index])
        return maker.painted(index, rng) if index < plan.count else maker.benign(rng)

    terms = {
        "terms": "The terms of the scans, of the painter's weights and of the threat library hold.",
        "plan": asdict(plan),
        **made_of,
    }
    return write_made_set(out, kind, names, make, {**terms, **(card or {})}, on_progress=on_progress)


@dataclass(frozen=True, eq=False)
class _Maker:
    sources: Sequence[PaintSource]
    painter: WindowPainter
    plan: PaintPlan
    refiner: Refiner
    library: ThreatLibrary | None
    norms: LearnedNorms

    def benign(self, rng: np.random.Generator) -> MadeScan:
        """A scan as it is."""
        usable = [source for source in self.sources if not source.over]
        if not usable:
            raise BadInputError("scans whose items are painted anew are not benign; leave --benign out")
        source = usable[int(rng.integers(len(usable)))]
        canvas, pixel_mm = self._canvas(source)
        none = np.zeros((0, *canvas.shape), bool)
        known = source.known or Instances(np.zeros((0, 4), np.float32), (), masks=Masks.encode(none))
        return MadeScan(source.scan[0], canvas.pixels, canvas.domain, pixel_mm, known, [{}] * len(known))

    def painted(self, index: int, rng: np.random.Generator) -> MadeScan:
        """One scan with what could be painted into it."""
        thrown_away, weak = 0, []
        for source in self._in_turn(index, rng):
            canvas, pixel_mm = self._canvas(source)
            wanted = wanted_in(canvas, source, self.plan, rng, library=self.library, pixel_mm=pixel_mm)
            if not wanted:
                continue
            verdicts: dict[PaintTask, GateScores] = {}

            def accept(before: Canvas, after: Canvas, item: PaintedItem) -> bool:
                verdict = self._verdict(before, after, item, pixel_mm)  # noqa: B023, called in this turn
                verdicts[item.wanted.task] = verdict  # noqa: B023
                return verdict.score >= self.plan.gate

            made = paint_scan(
                canvas, wanted, self.painter, self.plan.sampler, rng,
                refiner=self.refiner, tries=self.plan.tries, accept=accept,
            )  # fmt: skip
            thrown_away += made.thrown_away
            weak += [verdict.weakest for verdict in verdicts.values() if verdict.score < self.plan.gate]
            # an item that was painted anew and failed is still there, as it was
            if made.items and (len(made.items) == len(wanted) or not source.over):
                return self._finished(source, canvas, made, verdicts, thrown_away, pixel_mm, rng)
        raise BadInputError(self._nothing(thrown_away, weak))

    def _in_turn(self, index: int, rng: np.random.Generator) -> Iterator[PaintSource]:
        """Given boxes are each painted once before any is painted twice; else scans come by chance."""
        number = len(self.sources)
        if self.plan.generator in ("repaint", "boxes"):
            order = [(index + step) % number for step in range(number)]
        else:
            order = rng.permutation(number).tolist()
        return (self.sources[at] for at in order[:SCANS_TRIED])

    def _canvas(self, source: PaintSource) -> tuple[Canvas, float | None]:
        scan = read_scan(source.scan[1])
        return canvas_of(scan, self.painter.channels, self.plan.style), source.scan[2] or scan.pixel_mm

    def _verdict(
        self, before: Canvas, after: Canvas, item: PaintedItem, pixel_mm: float | None
    ) -> GateScores:
        mask = np.ones(before.shape, bool) if item.mask is None else item.mask
        label, norms = item.wanted.task.label, self.norms.of(before.domain)
        return assess(before.pixels, after.pixels, mask.astype(np.float32), label, norms, pixel_mm=pixel_mm)

    def _finished(
        self,
        source: PaintSource,
        before: Canvas,
        made: PaintedScan,
        verdicts: Mapping[PaintTask, GateScores],
        thrown_away: int,
        pixel_mm: float | None,
        rng: np.random.Generator,
    ) -> MadeScan:
        boxes = [item.box for item in made.items]
        hidden = occluded(before, made.canvas, boxes, self.painter, rng, self.plan.occlusion)
        extras = [
            described(item, before, made.canvas, hidden.canvas, verdicts[item.wanted.task], self.painter)
            | {"occluded": covered}
            for item, covered in zip(made.items, hidden.covered, strict=True)
        ]
        instances = _with_known(made.items, source.known)
        extras += [{}] * (len(instances) - len(extras))
        facts = {"thrown_away": thrown_away}
        canvas = hidden.canvas
        return MadeScan(source.scan[0], canvas.pixels, canvas.domain, pixel_mm, instances, extras, facts)

    def _nothing(self, thrown_away: int, weak: Sequence[str]) -> str:
        tried = min(len(self.sources), SCANS_TRIED)
        if weak:
            return (
                f"nothing painted into {tried} scans passes --gate {self.plan.gate:g}, mostly for"
                f" {max(weak, key=weak.count)}; lower --gate"
            )
        if thrown_away:
            return (
                f"{thrown_away} items painted into {tried} scans are not to be seen; raise --guidance or"
                " --steps, or train the painter longer"
            )
        return (
            f"no place for {', '.join(self.plan.classes)} in {tried} scans; name more classes, or places by"
            " --boxes FILE"
        )


def _with_known(items: Sequence[PaintedItem], known: Instances | None) -> Instances:
    """The painted items first, then those that are kept; masks where every one has one."""
    boxes = np.array([item.box for item in items], np.float32).reshape(-1, 4)
    labels = tuple(item.wanted.task.label for item in items)
    masks: list[Any] = [item.mask for item in items]
    if known is not None:
        boxes, labels = np.concatenate([boxes, known.boxes]), (*labels, *known.labels)
        masks += [None] * len(known) if known.masks is None else list(known.masks)
    whole = None if any(mask is None for mask in masks) else Masks.encode(np.stack(masks))
    return Instances(boxes, labels, masks=whole)
