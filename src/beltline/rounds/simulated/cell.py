"""One round of one arm: pick, propose, label, review, train, gate; and the test that all arms share."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from beltline.core import Masks
from beltline.formats import write_json
from beltline.rounds.annotator import Hand, Thing
from beltline.rounds.effort import Effort
from beltline.rounds.first_cuts import first_ious
from beltline.rounds.gate import FEWEST, judged, kappa
from beltline.rounds.pick import Candidates, pick
from beltline.rounds.prelabels import PreLabel, prelabel
from beltline.rounds.records import Pick
from beltline.rounds.reviewed_shards import reviewed_bag, write_reviewed
from beltline.rounds.simulated.desk import Reviewed, accuracy, cut_on, reviewed
from beltline.rounds.simulated.plan import ARMS, Arm, Cell, SimulationPlan
from beltline.rounds.simulated.world import World
from beltline.screening import Clicker, ScreeningModel, load_clicker

RESULT, MODEL, RUN = "result.json", "click.onnx", "run"
TEST, GATE = 1_000_000, 2_000_000  # numbers that keep chance of the test and the gate apart from the rounds'


@dataclass(frozen=True, eq=False)
class Before:
    """Where a round begins.

    Attributes:
        seen: Scans of the pool that are reviewed, in order, with what stands.
        gate: The gate's scans with what stands on them.
        run: Run folder of the current model, or the name of the first.
        model: ONNX file of the current model, None for the first.
    """

    seen: Mapping[int, tuple[Thing, ...]]
    gate: Mapping[int, tuple[Thing, ...]]
    run: str
    model: Path | None


@dataclass(eq=False)
class Room:
    """What every cell needs.

    Attributes:
        world: Scans and truth.
        out: Folder of the simulation.
        detector: Of the proposals.
    """

    world: World
    out: Path
    detector: ScreeningModel
    _clickers: dict[Path | None, Clicker] = field(default_factory=dict)
    _prelabels: dict[tuple[Path | None, int], PreLabel] = field(default_factory=dict)
    _gates: dict[tuple[int, bool], dict[int, Reviewed]] = field(default_factory=dict)

    @property
    def plan(self) -> SimulationPlan:
        """Sizes."""
        return self.world.plan

    def clicker(self, model: Path | None) -> Clicker:
        """The click model of a file, or the first one."""
        if model not in self._clickers:
            name: Any = self.plan.start if model is None else model
            self._clickers[model] = load_clicker(name, trust=model is not None, warm=False)
        return self._clickers[model]

    def prelabel(self, model: Path | None, number: int) -> PreLabel:
        """What the models say of a scan."""
        if (model, number) not in self._prelabels:
            scan, clicker = self.world.scan(number), self.clicker(model)
            self._prelabels[model, number] = prelabel(scan, self.detector, clicker, self.plan.classes)
        return self._prelabels[model, number]

    def gate(self, cell: Cell, arm: Arm, start: Before) -> Mapping[int, Reviewed]:
        """The gate's scans, labelled and reviewed in the first round, once for all arms that begin alike."""
        key = cell.seed, arm.model
        if key not in self._gates:
            self._gates = {key: _annotated(self, cell, arm, start, self.world.gate, salt=GATE)}
        return self._gates[key]

    def forget(self) -> None:
        """Let go of later models and of what they said; the first one is everybody's."""
        self._clickers = {model: one for model, one in self._clickers.items() if model is None}
        self._prelabels = {key: one for key, one in self._prelabels.items() if key[0] is None}

    def folder(self, cell: Cell) -> Path:
        """Where a cell's results lie."""
        return self.out / "cells" / cell.name


def before(room: Room, cell: Cell) -> Before:
    """Where a cell begins: what the rounds before it left, off the disk."""
    seen: dict[int, tuple[Thing, ...]] = {}
    gate: dict[int, tuple[Thing, ...]] = {}
    run, model = room.plan.start, None
    for number in range(1, cell.round):
        folder = room.folder(replace(cell, round=number))
        found = json.loads((folder / RESULT).read_text(encoding="utf-8"))
        seen |= _things(found["reviewed"])
        gate |= _things(found["gate_reviewed"])
        if found["promoted"]:
            run, model = str(folder / RUN), folder / MODEL
    return Before(seen, gate, run, model)


def run_cell(room: Room, cell: Cell) -> dict[str, Any]:
    """Do one round, and write its ``result.json``."""
    began = time.monotonic()
    arm, start = ARMS[cell.arm], before(room, cell)
    picked = _picked(room, cell, arm, start)
    done = _annotated(room, cell, arm, start, [one.item for one in picked], salt=cell.round)
    gate = {} if start.gate else room.gate(cell, arm, start)
    now = replace(
        start,
        seen={**start.seen, **{n: one.objects for n, one in done.items()}},
        gate={**start.gate, **{n: one.objects for n, one in gate.items()}},
    )
    annotating = time.monotonic()
    learned = _learned(room, cell, now) if arm.learns else {"promoted": False}
    training = time.monotonic()
    after = replace(now, model=room.folder(cell) / MODEL) if learned["promoted"] else now
    result = {
        **asdict(cell),
        "picked": [{"item": one.item, "why": one.why, "scores": dict(one.scores)} for one in picked],
        "figures": figures(room, done),
        "test": _tested(room, cell, arm, after.model, unchanged=after.model == start.model),
        **learned,
        "reviewed": _written(room, done),
        "gate_reviewed": _written(room, gate),
        "seconds": {
            "annotating": round(annotating - began, 1),
            "training": round(training - annotating, 1),
            "testing": round(time.monotonic() - training, 1),
        },
    }
    write_json(room.folder(cell) / RESULT, result)
    return result


def figures(room: Room, done: Mapping[int, Reviewed]) -> dict[str, Any]:
    """What some scans cost and what came of them, summed so that rounds can be added up.

    Returns:
        ``masks`` that stand, ``presses``, ``seconds``, ``effort`` of label and review, ``looks``; sums
        ``first_iou`` over ``firsts`` first proposals, ``iou`` over ``objects`` true ones; ``changed`` of
        ``compared`` objects in review; ``kappa`` of their classes; of the masks those drawn ``by_hand`` as
        whole outlines, and those ``mended`` with the pen.
    """
    label = sum((one.label.effort for one in done.values()), Effort())
    review = sum((one.review.effort for one in done.values()), Effort())
    firsts = [o.first for one in done.values() for o in one.label.objects if not np.isnan(o.first)]
    ious = [iou for n, one in done.items() for iou in accuracy(room.world.truth(n), one.objects)]
    pairs = [pair for one in done.values() for pair in one.classes]
    return {
        "scans": len(done),
        "masks": sum(len(one.objects) for one in done.values()),
        "objects": len(ious),
        "presses": (label + review).presses,
        "seconds": (label + review).seconds(),
        "effort": {"label": asdict(label), "review": asdict(review)},
        "first_iou": float(sum(firsts)),
        "firsts": len(firsts),
        "iou": float(sum(ious)),
        "found": sum(iou > 0 for iou in ious),
        "changed": sum(one.changed for one in done.values()),
        "compared": sum(one.total for one in done.values()),
        "kappa": kappa([a for a, _ in pairs], [b for _, b in pairs]) if pairs else None,
        "by_hand": _made(done, "outline"),
        "mended": _made(done, "mended"),
    }


def _made(done: Mapping[int, Reviewed], hand: Hand) -> int:
    """Masks of the annotators that were made in one way."""
    return sum(o.made_by == hand for one in done.values() for o in one.label.objects)


def _picked(room: Room, cell: Cell, arm: Arm, start: Before) -> list[Pick]:
    rng = _rng(cell, cell.round)
    free = [number for number in room.world.pool if number not in start.seen]
    if arm.weights.chance == 1:  # nobody needs to ask the models
        drawn = rng.permutation(free)[: room.plan.per_round]
        return [Pick(int(number), "chance") for number in drawn]
    # each scan is surveyed once, by the first models, as `beltline.rounds.working.pick_round` does it
    found = [room.prelabel(None, number) for number in free]
    counts = Counter(one.label for things in start.seen.values() for one in things)
    seen = [room.prelabel(None, number).embedding for number in start.seen]
    candidates = Candidates(
        free,
        np.stack([one.chances for one in found]),
        np.array([one.disagreement for one in found]),
        np.stack([one.embedding for one in found]),
    )
    labelled = np.array([counts[name] for name in room.plan.classes], np.float64)
    points = np.stack(seen) if seen else np.zeros((0, candidates.embeddings.shape[1]), np.float32)
    return pick(candidates, room.plan.per_round, labelled=labelled, seen=points, rng=rng, weights=arm.weights)


def _annotated(
    room: Room, cell: Cell, arm: Arm, start: Before, numbers: Iterable[int], *, salt: int
) -> dict[int, Reviewed]:
    """Scans labelled and reviewed by people whose chance depends on seed and scan alone, not on the arm."""
    done = {}
    for number in numbers:
        rng = np.random.default_rng((cell.seed, salt, number))
        proposals = room.prelabel(start.model, number).proposals if arm.model else ()
        cut = cut_on(room.world.scan(number), room.clicker(start.model)) if arm.model else None
        done[number] = reviewed(
            room.world.truth(number), proposals, cut,
            classes=room.plan.classes, habits=room.plan.habits, rng=rng,
        )  # fmt: skip
    return done


def _tested(room: Room, cell: Cell, arm: Arm, model: Path | None, *, unchanged: bool) -> dict[str, Any]:
    """See `tested`; the same model gives the same, as people there are the same each time."""
    if unchanged and cell.round > 1:
        path = room.folder(replace(cell, round=cell.round - 1)) / RESULT
        return dict(json.loads(path.read_text(encoding="utf-8"))["test"])
    return tested(room, cell, arm, model)


def tested(room: Room, cell: Cell, arm: Arm, model: Path | None) -> dict[str, Any]:
    """Figures of the test scans.

    Args:
        room: With the scans.
        cell: Whose seed the people have.
        arm: How they work.
        model: Click model's file, None for the first one.

    Returns:
        See `figures`; ``each`` has presses and masks of every scan, in order: other scans would have given
        others.
    """
    done = _annotated(room, cell, arm, Before({}, {}, "", model), room.world.test, salt=TEST)
    each = [(one.effort.presses, len(one.objects)) for one in done.values()]
    return {**figures(room, done), "each": each}


def _learned(room: Room, cell: Cell, now: Before) -> dict[str, Any]:
    """Train on what is reviewed, and ask the gate."""
    from beltline.rounds.learning import LearningPlan, learn, write_model  # torch

    folder, plan = room.folder(cell), room.plan
    scans = {n: things for n, things in now.gate.items() if things}
    if len(scans) < FEWEST or not any(now.seen.values()):
        return {"promoted": False}  # nothing to judge by, or nothing to learn from
    shards = room.out / "shards" / f"{cell.arm}_seed{cell.seed}"
    numbers = list(now.seen)
    bags = [
        reviewed_bag(
            room.world.scan(n), [o.label for o in now.seen[n]], [o.mask for o in now.seen[n]], plan.classes
        )
        for n in numbers
    ]
    write_reviewed(shards, bags, plan.classes)
    run = learn(
        shards,
        now.run,
        folder / RUN,
        plan=LearningPlan(plan.steps, side=plan.side, lr=plan.lr),
        seed=cell.seed,
    )
    write_model(run, folder / MODEL, name=cell.name)
    old, new = ([_first(room, model, scans, n) for n in scans] for model in (now.model, folder / MODEL))
    verdict = judged(old, new, rng=np.random.default_rng((cell.seed, cell.round)))
    return {"promoted": verdict.promoted, "verdict": verdict.to_json()}


def _first(room: Room, model: Path | None, scans: Mapping[int, Sequence[Thing]], number: int) -> list[float]:
    return first_ious(room.clicker(model), room.world.scan(number), scans[number], seed=number)


def _rng(cell: Cell, salt: int) -> np.random.Generator:
    return np.random.default_rng((cell.seed, salt))


def _written(room: Room, done: Mapping[int, Reviewed]) -> dict[str, Any]:
    """What stands, as JSON."""
    written = {}
    for number, one in done.items():
        size = (room.world.scan(number).height, room.world.scan(number).width)
        masks = Masks.encode(np.stack([o.mask for o in one.objects])) if one.objects else Masks((), size)
        labels = [o.label for o in one.objects]
        written[str(number)] = {"size": size, "labels": labels, "masks": masks.to_coco()}
    return written


def _things(written: Mapping[str, Any]) -> dict[int, tuple[Thing, ...]]:
    found = {}
    for number, one in written.items():
        masks = Masks.from_coco(one["masks"], tuple(one["size"]))
        found[int(number)] = tuple(Thing(a, b) for a, b in zip(one["labels"], masks, strict=True))
    return found
