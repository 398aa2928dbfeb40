"""The steps of a round on a project: pick and propose, train and ask the gate, promote.

Each may be stopped at any moment and called again: proposals are stored by keys that are known, and a
training goes on or is kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from beltline.core import BadInputError, Progress, QualityGateError, Scan, counted
from beltline.rounds.annotator import Thing
from beltline.rounds.current_models import (
    CLICK,
    author_of,
    clicker_of,
    detector_of,
    digests,
    start_of,
    with_default_models,
)
from beltline.rounds.first_cuts import first_ious
from beltline.rounds.gate import FEWEST, MARGIN, judged
from beltline.rounds.objects import EditedObject, masks_of
from beltline.rounds.pick import PickWeights, pick
from beltline.rounds.prelabels import PreLabel, prelabel
from beltline.rounds.project import Project
from beltline.rounds.records import Draft, Edit, Item, Pick, RoundRecord, Split
from beltline.rounds.round_figures import current_figures
from beltline.rounds.store import Store
from beltline.rounds.storing import digest_of
from beltline.rounds.survey import surveyed
from beltline.screening import load_clicker

TRAINING = "training"
GATE_SHARE = 0.2  # scans of a round that are for the gate, beside those picked


def pick_round(
    project: Project,
    count: int,
    *,
    weights: PickWeights | None = None,
    seed: int = 0,
    gate: int | None = None,
    on_progress: Progress | None = None,
) -> RoundRecord:
    """Begin a round: look at every scan once, pick, and store the proposals of those picked.

    Args:
        project: Which.
        count: Scans to pick from the pool.
        weights: See `PickWeights`.
        seed: Of the pick, together with the round's number.
        gate: Scans of the gate that come along, by chance; None for a fifth of ``count``.
        on_progress: Told scans that are looked at.

    Raises:
        BadInputError: If nothing is left to pick, the round before has items that nobody has labelled, or
            somebody else began this round meanwhile.
    """
    project = with_default_models(project)
    store = project.open()
    number = _next_round(store)
    detector, clicker = detector_of(project), clicker_of(project)
    items = {item.id: item for item in store.items.find(split="pool")}
    free = [item.id for item in items.values() if item.state == "new"]
    if not free:
        raise BadInputError("no new scan is left in the pool; add scans and call beltline rounds new again")

    def look(scan: Scan) -> PreLabel:
        return prelabel(scan, detector, clicker, project.classes)

    survey = surveyed(
        project.folder, len(project.classes), items, lambda item: project.scan(items[item]), look, on_progress
    )
    rng = np.random.default_rng((seed, number))
    seen = [item.id for item in items.values() if item.state not in ("new", "leased")]
    labels = store.edits.labels()
    picks = pick(
        survey.candidates(free), count,
        labelled=np.array([labels[name] for name in project.classes], np.float64),
        seen=survey.candidates(seen).embeddings,
        rng=rng, weights=weights,
    )  # fmt: skip
    picks += _gate_picks(store, round(GATE_SHARE * count) if gate is None else gate, rng)
    author = author_of(project)
    for one in counted(picks, on_progress):
        item = store.items.get(one.item)
        store.edits.add([_proposal(item, author, look(project.scan(item)))])
    store.items.set_scores({one.item: one.scores for one in picks if one.scores})
    return store.rounds.start(digests(project), picks, number=number)


def train_round(project: Project, plan: Any, *, margin: float = MARGIN, seed: int = 0) -> RoundRecord:
    """Train the click model on all that is reviewed in the pool, and let the gate judge it; imports torch.

    Args:
        project: Which.
        plan: See `beltline.rounds.learning.LearningPlan`.
        margin: See `beltline.rounds.gate.judged`.
        seed: Of the training.

    Raises:
        BadInputError: If there is no round, or too little is reviewed in pool or gate.
    """
    from beltline.rounds.learning import learn, write_model
    from beltline.rounds.reviewed_shards import reviewed_bag, write_reviewed

    store = project.open()
    last = store.rounds.last()
    if last is None:
        raise BadInputError("no round has begun; call beltline rounds pick first")
    pool, gate = reviewed_edits(store, "pool"), reviewed_edits(store, "gate")
    gate = [(item, edit) for item, edit in gate if edit.objects]
    if not any(edit.objects for _, edit in pool):
        raise BadInputError("nothing is reviewed in the pool yet that holds an object; review first")
    if len(gate) < FEWEST:
        raise BadInputError(
            f"the gate needs at least {FEWEST} reviewed scans with an object, has {len(gate)}; review the"
            " gate's items too"
        )
    folder = _training_folder(project, last.number, pool)
    bags = [
        reviewed_bag(project.scan(item), [t.label for t in things], [t.mask for t in things], project.classes)
        for item, things in ((item, things_of(item, edit)) for item, edit in pool)
    ]
    write_reviewed(folder / "shards", bags, project.classes)
    run = learn(folder / "shards", start_of(project), folder / "run", plan=plan, seed=seed)
    name = f"click-round-{last.number}"
    digest = write_model(run, folder / "click.onnx", name=name, details={"reviewed_scans": len(pool)})
    old, new = clicker_of(project), load_clicker(folder / "click.onnx", trust=True, warm=False)
    both: list[list[list[float]]] = [[], []]
    for item, edit in gate:
        scan, things = project.scan(item), things_of(item, edit)
        for each, clicker in zip(both, (old, new), strict=True):
            each.append(first_ious(clicker, scan, things, seed=item.id))
    verdict = judged(*both, rng=np.random.default_rng((seed, last.number)), margin=margin)
    place = folder.relative_to(project.folder)
    made = {"name": name, "sha256": digest, "file": str(place / "click.onnx"), "run": str(place / "run")}
    told = {**verdict.to_json(), "model": made, "reviewed": len(pool), "promoted_at": None}
    return store.rounds.record(last.number, figures=current_figures(store, last), verdict=told)


def promote_round(project: Project, *, force: bool = False) -> Project:
    """Put the model of the last training into the current one's place.

    Args:
        project: Which.
        force: Also where the gate did not find it as good.

    Raises:
        BadInputError: If nothing has been trained in this round.
        QualityGateError: If the gate did not let it through.
    """
    store = project.open()
    last = store.rounds.last()
    if last is None or last.verdict is None:
        raise BadInputError("nothing was trained in this round; call beltline rounds train first")
    verdict = dict(last.verdict)
    if not verdict["promoted"] and not force:
        raise QualityGateError(
            f"the new model lost up to {-verdict['low']:.3f} IoU on {verdict['scans']} gate scans, more than"
            f" {verdict['margin']:g} may be lost; label more, or --force"
        )
    changed = project.with_models({CLICK: verdict["model"]})
    store.rounds.record(last.number, verdict={**verdict, "promoted_at": store.db.clock()})
    return changed


def reviewed_edits(store: Store, split: Split) -> list[tuple[Item, Edit]]:
    """The reviewed scans of a split, each with what stands on it."""
    items = {item.id: item for item in store.items.find(split=split) if item.state in ("reviewed", "frozen")}
    heads = store.edits.heads(sorted(items))
    return [(items[number], edits[-1]) for number, edits in heads.items() if len(edits) == 1]


def things_of(item: Item, edit: Edit) -> list[Thing]:
    """The objects of an edit as masks."""
    masks = masks_of(edit.objects, item.size)
    return [Thing(one.label, mask) for one, mask in zip(edit.objects, masks, strict=True)]


def _next_round(store: Store) -> int:
    last = store.rounds.last()
    if last is None:
        return 1
    found = current_figures(store, last)
    store.rounds.record(last.number, figures=found)
    left = found["items"] - found["labelled"]
    if left:
        raise BadInputError(
            f"round {last.number} has {left} items that nobody has labelled; label them first"
        )
    return last.number + 1


def _gate_picks(store: Store, count: int, rng: np.random.Generator) -> list[Pick]:
    free = [item.id for item in store.items.find(state="new", split="gate")]
    return [Pick(int(number), "gate") for number in rng.permutation(free)[:count]]


def _proposal(item: Item, author: str, found: PreLabel) -> Draft:
    objects = tuple(
        EditedObject.drawn(one.label, one.mask, made_by=author, score=round(one.score, 4))
        for one in found.proposals
    )
    said = digest_of(
        item.sha256, author, "proposal", objects
    )  # another floor or detector is another proposal
    return Draft(item.id, author, "proposal", objects, request=f"proposal:{said}")


def _training_folder(project: Project, number: int, pool: Sequence[tuple[Item, Edit]]) -> Path:
    """A folder for what is reviewed now: more reviews, or another start, are another training."""
    said = f"{start_of(project)} {sorted(edit.id for _, edit in pool)}"
    return project.folder / TRAINING / f"round_{number:03d}_{hashlib.sha256(said.encode()).hexdigest()[:8]}"
