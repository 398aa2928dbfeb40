"""Tables and sentences of the Xsyn report, from detectors whose results are made by hand."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from beltline.formats import write_json
from beltline.metrics.detections import Boxes
from beltline.protocols.cells import RESULT, folder_of, save_arrays
from beltline.protocols.xsyn.cell import FOUND
from beltline.protocols.xsyn.plan import DECIDING, SCALES, XsynCell
from beltline.protocols.xsyn.report import (
    Told,
    aim_sentence,
    differences_table,
    fractions_table,
    per_seed_table,
    verdicts,
    write_report,
)
from beltline.protocols.xsyn.results import Results, read_results

SCANS = 40
TRUTH = Boxes.of_rows([(n, n % 2, 10, 10, 50, 50) for n in range(SCANS // 2)])
SCALE = replace(SCALES["small"], detectors=("FCOS small",))
#: Share of the test items that each arm's detectors find, by arm and percentage.
FOUND_SHARES = {
    ("real", 25): 0.3,
    ("TIP", 25): 0.5,
    ("Xsyn-A", 25): 0.8,
    ("Xsyn-A", 50): 0.9,
    ("TIP", 50): 0.9,
}


def hand_made(out: Path, shares: dict[tuple[str, int], float], seeds: int) -> Results:
    """Detectors that find a share of the items exactly and nothing else."""
    cells = [XsynCell("FCOS small", arm, p, seed) for arm, p in shares for seed in range(seeds)]
    for cell in cells:
        rng = np.random.default_rng(cell.seed)
        number = round(shares[cell.arm, cell.percent] * len(TRUTH)) + int(rng.integers(0, 2))
        hit = TRUTH.take(np.random.default_rng(1).permutation(len(TRUTH))[:number])
        folder = folder_of(out, cell)
        folder.mkdir(parents=True)
        save_arrays(
            folder / FOUND, image=hit.image, label=hit.label, box=hit.box, score=np.full(len(hit), 0.9)
        )
        looks = {"real": 4800, "made": 4800}
        values = {"cell": asdict(cell), "real": 125, "made": 125, "looks": looks, "seconds": 61.0}
        write_json(folder / RESULT, values)
    return read_results(out, cells, TRUTH, SCANS, ("gun", "knife"))


def told(planned: int) -> Told:
    return Told("Hand-made windows.", "trained nowhere", planned, None)


def test_average_precision_is_the_share_found_of_each_class(tmp_path: Path):
    results = hand_made(tmp_path, {("TIP", 25): 0.5}, 3)
    (row,) = fractions_table(results)
    each = [float(one["AP"]) for one in per_seed_table(results)]
    assert row["AP (printed)"] == f"{np.mean(each):.1f} ± {np.std(each, ddof=1):.1f} (61.1)"
    assert all(49 < value < 57 for value in each)
    assert row["AP 50"] == row["AP (printed)"].removesuffix(" (61.1)")  # the boxes are exact
    assert row["looks, real + made"] == "4800 + 4800"


def test_the_verdict_needs_five_seeds_and_stands_first(tmp_path: Path):
    results = hand_made(tmp_path, FOUND_SHARES, 5)
    said = verdicts(results, SCALE)
    assert said[0].startswith("**Better**: Xsyn-A over TIP at 25 % of the real windows, FCOS small: +")
    assert said[0].endswith("points of AP over 5 seeds (printed -0.1).")
    path = write_report(tmp_path, SCALE, results, told(99))
    text = path.read_text(encoding="utf-8")
    assert text.index(said[0]) < text.index("Hand-made windows.")
    assert "25 of 99 detectors trained" in text
    assert "The painter was trained nowhere." in text
    four = Results({g: each[:4] for g, each in results.groups.items()}, results.holds)
    assert verdicts(four, SCALE)[0].startswith("**Not decided**: ")
    assert verdicts(four, SCALE)[0].endswith(f"{DECIDING.seeds} seeds are asked for.")
    none = Results({}, results.holds)
    assert "no seed of both is trained yet" in verdicts(none, SCALE)[0]


def test_worse_is_said_as_plainly(tmp_path: Path):
    results = hand_made(tmp_path, {("TIP", 25): 0.8, ("Xsyn-A", 25): 0.4}, 5)
    assert verdicts(results, SCALE)[0].startswith("**Worse**")
    same = hand_made(tmp_path / "same", {("TIP", 25): 0.5, ("Xsyn-A", 25): 0.5}, 5)
    assert verdicts(same, SCALE)[0].startswith("**Not shown**")


def test_the_aim_counts_percentages(tmp_path: Path):
    results = hand_made(tmp_path, FOUND_SHARES, 2)
    sentence = aim_sentence(results, "FCOS small")
    assert sentence == (
        "Aim (+1.2 points over TIP at 10, 25, 50 % real): of 25, 50 % measured, the means reach it at 25 %."
    )
    assert aim_sentence(Results({}, results.holds), "FCOS small").endswith("nothing to say yet.")


def test_differences_are_paired_with_the_printed_ones_beside(tmp_path: Path):
    rows = differences_table(hand_made(tmp_path, FOUND_SHARES, 3))
    by = {(row["arm"], row["over"], row["real, %"]): row for row in rows}
    assert set(by) == {
        ("TIP", "real", "25"), ("Xsyn-A", "real", "25"), ("Xsyn-A", "TIP", "25"), ("Xsyn-A", "TIP", "50"),
    }  # fmt: skip
    row = by["Xsyn-A", "TIP", "25"]
    assert row["points of AP (printed)"].endswith("] (-0.1)")
    assert float(row["points of AP (printed)"].split()[0]) == pytest.approx(30, abs=0.1)
    assert row["clear"] == "yes"
    assert by["Xsyn-A", "TIP", "50"]["clear"] == ""
