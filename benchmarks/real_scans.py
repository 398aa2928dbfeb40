"""What models do on real scans that you hold: ranking, pointing, thresholds of one's own, false alarms.

    python benchmarks/real_scans.py DIR [--model NAME]... [--out FILE.csv] [--markdown]

DIR holds the scans, ``index.csv`` and ``boxes.csv``; `real_folder` says what is in them. Every figure is a
row: model, figure, class, source, value with its range low to high, n, and what the best trivial answer gets:
brightness or share of dark pixels, whichever way round; for points the centre of the bag, its densest spot, a
random point. ``any`` is the scan as a whole, ``mean`` that of n classes. Ranges are 95 % intervals, over
scans by bootstrap or Wilson; for thresholds of one's own where 90 % of the draws of halves lie, which share
scans. A class that a model does not know has no row; models are to be compared on rows of the same n.

Sets often differ in more than their threats, so that figures within one source, points and boxes say most.
Real scans are read only; nothing of them is written.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from real_folder import (
    ANY,
    Box,
    Floats,
    Point,
    Seen,
    benign_sets,
    groups,
    read_boxes,
    screen_all,
    with_threats,
)

from beltline.core import box_iou, canonical
from beltline.metrics import conformal_rank, fewest, roc_auc, wilson
from beltline.protocols.tables import markdown, write_csv
from beltline.screening import load_model
from beltline.screening.cards import ModelCard
from beltline.screening.own_thresholds import BenignScores, choose_own

PFA = 0.05
DRAWS = 400
RESAMPLES = 1000
ENOUGH = 5  # with fewer scans on either side an AUC has no interval
IN_TABLE = 10  # the Markdown table leaves smaller figures to the CSV
AGAINST_BENIGN, AMONG_OTHERS = "AUC against benign scans", "AUC among other classes"
PD = f"PD at {PFA:.0%}, thresholds from half of the benign scans"
PFA_REACHED = f"PFA of the other half, {PFA:.0%} wanted"
FALSE_ALARMS = "benign scans that alarm at the shipped thresholds"
ALARMS = "scans with it that alarm at the shipped thresholds"
POINTING, OVERLAP, BY_HALF = "pointing", "box IoU, median", "boxes that overlap by half"


@dataclass(frozen=True)
class Row:
    """One figure."""

    model: str
    figure: str
    label: str
    source: str
    value: float
    low: float | None
    high: float | None
    n: int
    trivial: float | None = None

    def cells(self) -> dict[str, str]:
        """As text, three decimals, by the table's column names."""
        named = {("class" if f.name == "label" else f.name): getattr(self, f.name) for f in fields(self)}
        return {
            k: "" if v is None else f"{v:.3f}" if isinstance(v, float) else str(v) for k, v in named.items()
        }


def auc_row(model: str, figure: str, label: str, source: str, scans: Sequence[Seen]) -> Row | None:
    """AUC of a class's score among scans with and without it; None where there is but one kind."""
    truth = np.array([float(s.holds(label)) for s in scans])
    fewer = min(truth.sum(), len(truth) - truth.sum())
    if not fewer:
        return None
    score = np.array([s.scores[label] for s in scans])
    each = [roc_auc(truth, np.array([s.trivial[name] for s in scans])) for name in scans[0].trivial]
    low, high = bootstrap(truth, score) if fewer >= ENOUGH else (None, None)
    best = float(max(max(value, 1 - value) for value in each))
    return Row(model, figure, label, source, float(roc_auc(truth, score)), low, high, len(truth), best)


def bootstrap(truth: Floats, score: Floats) -> tuple[float, float]:
    """95 % range of the AUC over draws of scans."""
    rng, drawn = np.random.default_rng(0), []
    for _ in range(RESAMPLES):
        pick = rng.integers(0, len(truth), len(truth))
        if 0 < truth[pick].sum() < len(pick):
            drawn.append(roc_auc(truth[pick], score[pick]))
    low, high = np.percentile(drawn, (2.5, 97.5))
    return float(low), float(high)


def against_benign(model: str, seen: Sequence[Seen], labels: Sequence[str]) -> Iterator[Row]:
    """AUC of every class against the benign scans of the same source."""
    for source, benign in benign_sets(seen).items():
        for name, scans in with_threats(seen, source).items():
            for label in (*labels, ANY):
                chosen = [*(s for s in scans if s.holds(label)), *benign]
                if row := auc_row(model, AGAINST_BENIGN, label, name, chosen):
                    yield row


def within_source(model: str, seen: Sequence[Seen], labels: Sequence[str]) -> Iterator[Row]:
    """AUC of every class among scans of one source that hold other classes, and the means."""
    known, of_sources = [s for s in seen if s.classes], []
    for name, scans in groups(known).items():
        rows = [row for label in labels if (row := auc_row(model, AMONG_OTHERS, label, name, scans))]
        yield from rows
        if len(rows) > 1:
            yield mean_row(rows, name)
        if len(scans) == sum(s.source == scans[0].source for s in known):
            of_sources += rows
    if of_sources:
        yield mean_row(of_sources, "all sources")


def mean_row(rows: Sequence[Row], source: str) -> Row:
    """Mean over classes; n counts them."""
    value, trivial = (float(np.mean([getattr(row, key) for row in rows])) for key in ("value", "trivial"))
    return Row(rows[0].model, rows[0].figure, "mean", source, value, None, None, len(rows), trivial)


def own_thresholds(card: ModelCard, seen: Sequence[Seen], labels: Sequence[str]) -> Iterator[Row]:
    """PD and PFA at thresholds of one half of the benign scans, tried on the other half and on threats."""
    for source, benign in benign_sets(seen).items():
        raw = np.array([s.raw for s in benign])
        half = len(raw) // 2
        if half < fewest(PFA):
            continue  # so few scans cannot promise the rate
        threats = [s for s in seen if not s.benign and s.source == source]
        armed = np.array([s.raw for s in threats]).reshape(-1, raw.shape[1])
        on_armed, on_rest = [], []
        rng = np.random.default_rng(0)
        for _ in range(DRAWS):
            order = rng.permutation(len(raw))
            alarming = chosen_on(card, raw[order[:half]])
            on_armed.append(alarming(armed))
            on_rest.append(alarming(raw[order[half:]]).mean(axis=0))
        for place, label in enumerate((*labels, ANY)):
            for name, scans in with_threats(seen, source).items():
                with_it = [n for n, s in enumerate(threats) if s in scans and s.holds(label)]
                if with_it:
                    found = np.array(on_armed)[:, with_it, place].mean(axis=1)
                    yield spread(card.name, PD, label, name, found, len(with_it))
            if any(s.holds(label) for s in threats):
                reached = np.array(on_rest)[:, place]
                yield spread(card.name, PFA_REACHED, label, source, reached, len(raw) - half)


def chosen_on(card: ModelCard, benign: Floats) -> Callable[[Floats], NDArray[np.bool_]]:
    """What alarms at thresholds of benign scores (N, K): (M, K) scores give (M, K + 1) alarms.

    Each class alone by the conformal rank of its score, and last the whole scan as `beltline calibrate` does.
    """
    each = np.sort(benign, axis=0)[conformal_rank(len(benign), PFA) - 1]
    names = tuple(str(n) for n in range(len(benign)))
    whole = choose_own(card, BenignScores(names, benign), PFA, name="own").card.thresholds[PFA]
    return lambda scores: np.column_stack([scores > each, (scores >= whole).any(axis=1)])


def spread(model: str, figure: str, label: str, source: str, shares: Floats, count: int) -> Row:
    low, high = np.quantile(shares, [0.05, 0.95])
    return Row(model, figure, label, source, float(shares.mean()), float(low), float(high), count)


def share_row(
    model: str, figure: str, label: str, source: str, hits: Sequence[bool], trivial: float | None = None
) -> Row:
    rate = wilson(sum(hits), len(hits))
    return Row(model, figure, label, source, rate.value, rate.low, rate.high, len(hits), trivial)


def alarms(model: str, seen: Sequence[Seen], labels: Sequence[str]) -> Iterator[Row]:
    """Scans that alarm at the model's own operating point: benign ones, and those of each class for it."""
    for figure, benign in ((FALSE_ALARMS, True), (ALARMS, False)):
        for name, scans in groups([s for s in seen if s.benign == benign]).items():
            for label in (*labels, ANY):
                hits = [label in s.alarms for s in scans if benign or s.holds(label)]
                if hits:
                    yield share_row(model, figure, label, name, hits)


def pointing(
    model: str, seen: Sequence[Seen], labels: Sequence[str], boxes: dict[tuple[str, str], list[Box]]
) -> Iterator[Row]:
    """Whether the model's point of a class lies in a box of it, and how well its box fits."""
    boxed = [s for s in seen if any((s.image, label) in boxes for label in labels)]
    for name, scans in groups(boxed).items():
        for label in (*labels, ANY):
            each = labels if label == ANY else (label,)
            asked = [(s, one, boxes[s.image, one]) for s in scans for one in each if (s.image, one) in boxes]
            if not asked:
                continue
            hits = [inside(s.points.get(one), target) for s, one, target in asked]
            trivial = {
                title: [inside(s.trivial_points[title], target) for s, _, target in asked]
                for title in scans[0].trivial_points
            }
            best = max(float(np.mean(found)) for found in trivial.values())
            yield share_row(model, POINTING, label, name, hits, best)
            for title, found in trivial.items():
                yield share_row(model, f"{POINTING} of the {title}", label, name, found)
            fits = np.array([fit(s.boxes.get(one), target) for s, one, target in asked])
            yield Row(model, OVERLAP, label, name, float(np.median(fits)), None, None, len(fits))
            yield share_row(model, BY_HALF, label, name, (fits >= 0.5).tolist())


def inside(point: Point | None, boxes: Sequence[Box]) -> bool:
    """Whether a point lies in one of the boxes; a detector may have none of a class."""
    return point is not None and any(b[0] <= point[0] <= b[2] and b[1] <= point[1] <= b[3] for b in boxes)


def fit(box: Box | None, boxes: Sequence[Box]) -> float:
    """Best overlap of a box with one of the boxes."""
    return 0.0 if box is None else float(box_iou([box], boxes).max())


def measured(root: Path, name: str) -> tuple[list[Row], list[str]]:
    """Every figure of one model, a shipped one or a file, which goes by its own name; and what has none."""
    model = load_model(name, trust=Path(name).is_file())
    title = Path(name).stem if Path(name).is_file() else name
    card, (seen, not_judged) = replace(model.card, name=title), screen_all(root, model)
    labels, boxes = [canonical(label) for label in card.classes], read_boxes(root)
    rows = [
        *against_benign(title, seen, labels), *within_source(title, seen, labels),
        *pointing(title, seen, labels, boxes), *own_thresholds(card, seen, labels),
        *alarms(title, seen, labels),
    ]  # fmt: skip
    there = {label for s in seen for label in s.classes} | {label for _, label in boxes}
    unknown = sorted(there - set(labels))
    said = [f"{title} does not know {', '.join(unknown)}: no row for them"] if unknown else []
    said += [
        f"{source}: {len(benign)} benign scans, {2 * fewest(PFA)} are needed for thresholds at {PFA:.0%}"
        for source, benign in benign_sets(seen).items()
        if len(benign) // 2 < fewest(PFA)
    ]
    return rows, said + [f"{title} gives no result for {image}: left out" for image in not_judged]


def beside(rows: Sequence[Row]) -> list[dict[str, str]]:
    """A line a figure with the models beside each other; few scans and false alarms by class are left out."""
    lines: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in rows:
        by_class = row.figure == FALSE_ALARMS and row.label != ANY
        if (row.n >= IN_TABLE and not by_class) or row.label == "mean":
            line = lines.setdefault((row.figure, row.label, row.source), {
                "figure": row.figure, "class": row.label, "source": row.source, "n": str(row.n),
                **dict.fromkeys((r.model for r in rows), ""), "trivial": "",
            })  # fmt: skip
            line[row.model] = f"{row.value:.2f}"
            line[row.model] += "" if row.low is None else f" [{row.low:.2f}, {row.high:.2f}]"
            line[row.model] += "" if line["n"] == str(row.n) else f", n {row.n}"
            if row.trivial is not None and not line["trivial"]:
                line["trivial"] = f"{row.trivial:.2f}"
    return list(lines.values())


def main() -> None:
    """Print the figures as JSON, or as a Markdown table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("root", type=Path)
    parser.add_argument("--model", action="append", help="shipped name or ONNX file, repeatable")
    parser.add_argument("--out", type=Path, help="CSV file, a row a figure")
    parser.add_argument("--markdown", action="store_true", help="print a table instead of JSON")
    given = parser.parse_args()
    if not (given.root / "index.csv").is_file():
        parser.error(f"{given.root}: expected index.csv and the scans that it names")
    rows, said = [], []
    for name in given.model or [load_model(warm=False).card.name]:
        found, remarks = measured(given.root, name)
        rows += found
        said += [remark for remark in remarks if remark not in said]
    if given.out:
        write_csv(given.out, [row.cells() for row in rows])
    if given.markdown:
        print(markdown(beside(rows)), *(f"\n- {remark}" for remark in said), sep="")
    else:
        print(json.dumps({"rows": [asdict(row) for row in rows], "remarks": said}, indent=1))


if __name__ == "__main__":
    main()
