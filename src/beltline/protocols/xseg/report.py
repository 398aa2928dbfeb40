"""Tables and report of the XSeg experiment, from the cells that are done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from beltline.formats import write_atomic, write_json
from beltline.protocols.tables import Row, markdown, write_csv
from beltline.protocols.xseg.figures import draw_curves, draw_methods, draw_misses
from beltline.protocols.xseg.misses import MISSED_BELOW, misses_table
from beltline.protocols.xseg.plan import DECIDING, MAIN, Cell, XsegScale
from beltline.protocols.xseg.results import claim, load_done, pick, verdict
from beltline.protocols.xseg.sources import XsegData
from beltline.protocols.xseg.tables import (
    ablation_table,
    cross_domain_table,
    difference_table,
    main_table,
    mean_curves,
    per_seed_table,
    protocol_table,
)
from beltline.protocols.xseg.trivial import measure_rule, trivial_rules

HONEST = """\
One click an instance, at its deepest place; the network sees the click and nothing else of the truth. Random
clicks: anywhere within, the same for every row, mean over the draws and the standard deviation that the draws
make. Further clicks go where they mend most. NoC: clicks to an IoU, the length of the curve where never
reached. Missed: IoU below 0.5 after the one click.
"""
PRINTED = """\
Printed scores of APSAM are **oracle-prompt scores**: its released code takes both points from the true mask,
in training and in the test, and merges all instances of a picture into one mask. Ours beside them are honest;
rows that are not say so. DeepLabV3+ and Mask2Former do not look at clicks: they find items by themselves, so
that their rows are **no like-for-like comparison**. Instance by instance they are given the connected part of
their foreground that holds the click, or nothing. The printed row "SAM (finetune)" trains 10.06 million
parameters, more than a mask decoder has, and its figures are those of the ablation without EAE and APG.
"""
START = """\
All rows made of SAM start from the same small SAM, trained by this experiment on *everyday* things of the
training bags with SAM's own objective (three nested masks, expected IoU, a second click). That stands in for
the weights that SA-1B gave SAM, which a simulator cannot have; what is printed in the paper started from
those. The frozen row is this SAM as it is.
"""
OFFICIAL = "All rows made of SAM start from the official weights that were named by `--sam`.\n"
EQUAL = """\
Equal size: the same transformer and the same number of tokens. SAMUS and APSAM lay SAM's 16-pixel patches 8
pixels apart on pictures of {side} pixels; SAM gets the same pictures resized to {double} pixels.
"""
CLAIMS = """\
Paired, in points of mIoU after the click at the centre. The interval beside each difference is Student's over
the seeds (would another training agree), 95 %; the one under "test scans" is a bootstrap over these with all
of their instances, the trainings held fixed (would another test set agree). Clear is what leaves out 0 by
both, from three seeds on.
"""


def write_report(
    out: Path, scale: XsegScale, data: XsegData, cells: Sequence[Cell], *, planned: int, official: bool
) -> Path:
    """Write ``tables/*.csv``, ``figures/*.png``, ``report.json`` and ``report.md``.

    Args:
        out: Folder of the experiment.
        scale: What was planned.
        data: All sets.
        cells: Cells that are done.
        planned: How many are planned.
        official: Whether SAM's official weights were the start.

    Returns:
        Path of report.md.
    """
    found = load_done(out, cells)
    rules = trivial_rules(data.train)
    trivial = {
        name: {rule: measure_rule(how, test, draws=scale.draws) for rule, how in rules.items()}
        for name, test in data.tests.items()
    }
    main = next(iter(data.tests))
    deciding = claim(found, DECIDING.first, DECIDING.second, main, data.tests[main])
    tables = {
        "main": main_table(found, trivial[main], scale, main),
        "ablation": ablation_table(found, main),
        "differences": difference_table(found, data),
        "protocols": protocol_table(found, main),
        "cross_domain": cross_domain_table(found, trivial, data),
        "misses": misses_table(
            {name: [d.scores[main].ious for d in pick(found, name)] for name in MAIN if pick(found, name)},
            data.tests[main],
        ),
        "per_seed": per_seed_table(found),
    }
    for name, rows in tables.items():
        write_csv(out / "tables" / f"{name}.csv", rows)
    said = verdict(deciding)
    facts = {"verdict": said, "cells": {"done": len(found), "planned": planned}, "tables": tables}
    write_json(out / "report.json", facts)
    draw_methods(out / "figures" / "methods.png", tables["main"])
    draw_curves(out / "figures" / "clicks.png", mean_curves(found, main))
    draw_misses(out / "figures" / "misses.png", tables["misses"])
    text = _text(tables, scale, data, said, len(found), planned, official)
    write_atomic(out / "report.md", text.encode())
    return out / "report.md"


def _text(
    tables: Mapping[str, list[Row]],
    scale: XsegScale,
    data: XsegData,
    said: str,
    done: int,
    planned: int,
    official: bool,
) -> str:
    main = next(iter(data.tests))
    test = data.tests[main]
    source = (
        "**Simulated bags**; heights are not comparable with the printed ones, only what beats what. Pictures"
        f" show {_part(scale)}, brought"
        if data.simulated
        else "An imported set with masks, scans whole, brought"
    )
    counts = f"{len(test.rows())} instances in {len(np.unique(test.instances['image'][test.rows()]))} scans"
    return "\n".join(
        [
            "# XSeg: one click cuts out an item\n",
            f"{source} to {scale.side} pixels a side; {len(data.train.rows())} training instances,"
            f" {counts} in the test set, {test.left_out} smaller ones left out. {done} of {planned} cells"
            " trained.\n",
            said + "\n",
            "## Main table\n",
            HONEST,
            markdown(tables["main"]),
            PRINTED,
            "![one click](figures/methods.png)\n\n![further clicks](figures/clicks.png)\n",
            "## What is compared\n",
            EQUAL.format(side=scale.side, double=2 * scale.side),
            OFFICIAL if official else START,
            "## Is a row better?\n",
            CLAIMS,
            markdown(tables["differences"]),
            "## Ablation: energy-aware encoder, points\n",
            markdown(tables["ablation"]),
            "## Instance by instance, and all of a picture as one\n",
            markdown(tables["protocols"]),
            "## Another look, another set\n",
            markdown(tables["cross_domain"]),
            f"## Share of instances missed (IoU below {MISSED_BELOW:g}), percent\n",
            markdown(tables["misses"]),
            "![misses](figures/misses.png)\n",
        ]
    )


def _part(scale: XsegScale) -> str:
    if scale.window >= 1:
        return "scans whole"
    side = scale.window * max(scale.canvas) * scale.pixel_mm
    return f"a square part of a bag about {side:.0f} mm wide"
