"""Tables, figures and the report of the SIXray experiment, from the cells that are done."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beltline.formats import write_atomic
from beltline.metrics import known_mean
from beltline.protocols.claims import over_scans, over_seeds
from beltline.protocols.sixray.compare import compare
from beltline.protocols.sixray.figures import Gains, Pair, draw_gains, draw_methods
from beltline.protocols.sixray.misses import misses_table
from beltline.protocols.sixray.plan import METHODS, Cell, SixrayScale
from beltline.protocols.sixray.published import Printed, read_printed
from beltline.protocols.sixray.results import Done, PartOf, columns, load_done, per_seed, pick
from beltline.protocols.sixray.timing import timing_table
from beltline.protocols.sixray.trivial import trivial_pointing
from beltline.protocols.tables import Row, beside, markdown, spread, write_csv

Trivial = Mapping[str, Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]]  # by subset and rule
CLAIMS = """\
Differences are paired. The interval beside each is Student's over the seeds (would another training agree),
95 %; the one under "test images" is a bootstrap over these, the trainings held fixed (would another test set
agree). A difference is called clear from three seeds on, if both leave out 0. One that is not clear was not
shown, in a training of so few passes over the positives; that is not to say that there is none.
"""


def write_report(
    out: Path, scale: SixrayScale, done: Sequence[Cell], parts: PartOf, *, simulated: bool, planned: int
) -> Path:
    """Write ``tables/*.csv``, ``figures/*.png`` and ``report.md``.

    Args:
        out: Folder of the experiment with its ``cells``.
        scale: What was planned.
        done: Cells to report.
        parts: Gives the subset as a cell sees it.
        simulated: Said in every table.
        planned: Number of cells planned, to say what is missing.

    Returns:
        Path of report.md.
    """
    found = [load_done(out, cell, scale, parts) for cell in done]
    printed = read_printed()
    trivial = _trivial(found, parts)
    gains = _gains(found, scale)
    tables = {
        "table4_ablation": [*_ablation(found, scale, printed), *_trivial_ablation(trivial)],
        "differences": [
            _gain_row(net, f"{method} - {baseline}", subset, pair)
            for (net, method, baseline, subset), pair in gains.items()
        ],
        "table2_classification": _by_class(found, scale, printed, "classification"),
        "table3_localization": [
            *_by_class(found, scale, printed, "localization"),
            *_trivial_by_class(trivial, found),
        ],
        "operating_point": _operating(found, scale),
        "overhead": _overhead(out, scale),
        "misses": misses_table([(d.cell, parts(d.cell), d.figures) for d in found], scale),
        "per_seed": per_seed(found),
    }
    for name, rows in tables.items():
        write_csv(out / "tables" / f"{name}.csv", rows)
    draw_gains(out / "figures" / "gain_by_imbalance.png", gains, _ratios(found), scale, printed)
    draw_methods(out / "figures" / "methods.png", tables["table4_ablation"])
    text = _text(tables, scale, simulated, len(done), planned, _ratios(found))
    write_atomic(out / "report.md", text.encode())
    return out / "report.md"


def _overhead(out: Path, scale: SixrayScale) -> list[Row]:
    """Measured once an experiment: a report written again says the same."""
    path = out / "tables" / "overhead.csv"
    if path.is_file():
        return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    return timing_table(scale)


def _trivial(found: Sequence[Done], parts: PartOf) -> Trivial:
    """Of each subset once: every seed answers the same test set."""
    first = {d.cell.subset: d.cell for d in reversed(found)}
    return {subset: trivial_pointing(parts(first[subset])) for subset in sorted(first)}


def _ratios(found: Sequence[Done]) -> dict[str, float]:
    """Mean over the seeds, whose draws differ a little where few positives are drawn."""
    each: dict[str, list[float]] = {}
    for d in found:
        each.setdefault(d.cell.subset, []).append(d.ratio)
    return {name: float(np.mean(ratios)) for name, ratios in each.items()}


def _trained(
    found: Sequence[Done], net: str, methods: Iterable[str], scale: SixrayScale
) -> Iterator[tuple[str, str, list[Done]]]:
    """Method, subset and the seeds of each row that has some."""
    for method in methods:
        for subset in scale.subsets:
            if mine := pick(found, net, method, subset):
                yield method, subset, mine


def _ablation(found: Sequence[Done], scale: SixrayScale, printed: Printed) -> list[Row]:
    rows = []
    for method, subset, mine in _trained(found, scale.ablation, scale.methods, scale):
        name = METHODS[method].published
        paper = printed.ablation.get((f"ResNet34{name}", subset)) if name is not None else None
        figures = [columns(d.figures) for d in mine]
        rows.append(
            {
                "backbone": scale.ablation,
                "method": method,
                "subset": subset,
                "seeds": str(len(mine)),
                "training positives": f"{np.mean([d.positives for d in mine]):.0f}",
                "passes over them": f"{np.mean([d.passes for d in mine]):.1f}",
                **{name: spread([each[name] for each in figures]) for name in figures[0]},
                "paper mAP (ResNet34)": f"{paper[0]:.1f}" if paper else "",
                "paper pointing": f"{paper[1]:.1f}" if paper else "",
            }
        )
    return rows


def _trivial_ablation(trivial: Trivial) -> list[Row]:
    return [
        {
            "backbone": "none",
            "method": rule,
            "subset": subset,
            "pointing": f"{100 * float(known_mean(strict)):.1f}",
            "pointing 15 px": f"{100 * float(known_mean(near)):.1f}",
        }
        for subset, rules in trivial.items()
        for rule, (strict, near) in rules.items()
    ]


def _gains(found: Sequence[Done], scale: SixrayScale) -> Gains:
    gains: dict[tuple[str, str, str, str], Pair] = {}
    for net in scale.nets:
        for subset in scale.subsets:
            for method in scale.methods if net == scale.ablation else ("CHR",):
                for baseline in ("plain", METHODS[method].beside):
                    first, second = (pick(found, net, name, subset) for name in (baseline, method))
                    shared = {d.cell.seed for d in first} & {d.cell.seed for d in second}
                    if method == baseline or not shared:
                        continue
                    gains[net, method, baseline, subset] = compare(
                        [d.run for d in first if d.cell.seed in shared],
                        [d.run for d in second if d.cell.seed in shared],
                    )
    return gains


def _gain_row(net: str, difference: str, subset: str, pair: Pair) -> Row:
    return {
        "backbone": net,
        "difference": difference,
        "subset": subset,
        "seeds": str(len(pair[0].each)),
        "mAP points": over_seeds(pair[0]),
        "mAP, test images": over_scans(pair[0]),
        "pointing points": over_seeds(pair[1]),
        "pointing, test images": over_scans(pair[1]),
        "clear": ", ".join(name for name, d in zip(("mAP", "pointing"), pair, strict=True) if d.clear),
    }


def _trivial_by_class(trivial: Trivial, found: Sequence[Done]) -> list[Row]:
    rows = []
    for subset, rules in trivial.items():
        names = next(d.classes for d in found if d.cell.subset == subset)
        for rule, (strict, _) in rules.items():
            each = 100 * np.append(strict, known_mean(strict))
            values = {name: f"{value:.1f}" for name, value in zip((*names, "mean"), each, strict=True)}
            rows.append({"model": rule, "subset": subset, **values})
    return rows


def _by_class(found: Sequence[Done], scale: SixrayScale, printed: Printed, kind: str) -> list[Row]:
    table = printed.classification if kind == "classification" else printed.localization
    rows = []
    for net, spec in scale.nets.items():
        for method, subset, mine in _trained(found, net, ("plain", "CHR"), scale):
            values = np.array(
                [d.figures.ap if kind == "classification" else d.figures.pointing for d in mine]
            )
            row = {"model": net if method == "plain" else f"{net}+CHR", "subset": subset}
            row["seeds"] = str(len(mine))
            each = np.append(known_mean(values, 0), known_mean(values))
            for name, value in zip((*mine[0].classes, "mean"), each, strict=True):
                paper = table.get((f"{spec.published}{METHODS[method].published}", subset, name))
                row[name] = beside(f"{100 * value:.1f}", paper)
            rows.append(row)
    return rows


def _operating(found: Sequence[Done], scale: SixrayScale) -> list[Row]:
    rows = []
    for method, subset, mine in _trained(found, scale.ablation, scale.methods, scale):
        each = 100 * known_mean(np.array([d.figures.pd for d in mine]), 0)
        row = {"method": method, "subset": subset, "seeds": str(len(mine))}
        row |= {name: f"{v:.1f}" for name, v in zip(mine[0].classes, each, strict=True)}
        rows.append({**row, "mean": f"{known_mean(each):.1f}"})
    return rows


def _text(
    tables: dict[str, list[Row]],
    scale: SixrayScale,
    simulated: bool,
    done: int,
    planned: int,
    ratios: dict[str, float],
) -> str:
    source = (
        f"**Simulated windows** of {scale.warp} pixels at {scale.pixel_mm} mm, {scale.train_positives}"
        f" training positives with SIXray's class counts, {scale.train_negatives} benign ones; ours are not"
        " comparable with the printed numbers in height, only in what beats what."
        if simulated
        else "The SIXray copy on disk."
    )
    reached = ", ".join(f"{name} 1:{ratio:.0f}" for name, ratio in ratios.items())
    return "\n".join(
        [
            "# SIXray: CHR and its rivals\n",
            f"{source} Negatives a positive, as trained: {reached}. {done} of {planned} cells trained.\n",
            "Figures in percent: mean over classes, then over seeds ± their standard deviation.\n",
            CLAIMS,
            "## Is a method better?\n",
            markdown(tables["differences"]),
            "![gain by imbalance](figures/gain_by_imbalance.png)\n",
            "## Ablation (Table 4 and beyond)\n",
            markdown(tables["table4_ablation"]),
            "![methods](figures/methods.png)\n",
            "## Average precision by class (Table 2), in brackets as printed\n",
            markdown(tables["table2_classification"]),
            "## Pointing accuracy by class (Table 3), in brackets as printed\n",
            "The last rows of a subset are rules that know no item.\n",
            markdown(tables["table3_localization"]),
            "## What CHR costs: one image, paired repetitions, median ratio and quartiles\n",
            markdown(tables["overhead"]),
            "## Items found at 5 % false alarms a class\n",
            markdown(tables["operating_point"]),
            "## Misses by size and occlusion, at the same false alarms\n",
            markdown(tables["misses"]),
        ]
    )
