"""The XSeg experiment in miniature: cells, resume, tables; its verdict; what is printed."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from tests.protocols.xseg_pictures import TINY, tiny_set

from beltline.core import BadInputError
from beltline.metrics.paired import PairedDifference
from beltline.protocols.claims import Claim
from beltline.protocols.xseg import SCALES, experiment, narrow
from beltline.protocols.xseg.cell import read_cell
from beltline.protocols.xseg.plan import DECIDING, MAIN, METHODS, cells
from beltline.protocols.xseg.published import printed_ablation, printed_cross_domain, printed_main
from beltline.protocols.xseg.results import verdict
from beltline.protocols.xseg.sources import XsegData


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> XsegData:
    folder = tmp_path_factory.mktemp("sets")
    train = tiny_set(folder / "train", 6)
    tests = {"test": tiny_set(folder / "test", 3, 1), "unseen look": tiny_set(folder / "unseen", 2, 2)}
    return XsegData(train, tests, train, simulated=True)


@pytest.fixture(scope="module")
def done(sets: XsegData, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    out = tmp_path_factory.mktemp("xseg")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(experiment, "simulated_data", lambda *_: sets)
        experiment.reproduce_xseg(out, scale=TINY)
        yield out


def rows(out: Path, name: str) -> list[dict[str, str]]:
    with (out / "tables" / f"{name}.csv").open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_every_cell_is_trained_and_reported(done: Path) -> None:
    assert len(list(done.glob("cells/*/result.json"))) == 8
    text = (done / "report.md").read_text(encoding="utf-8")
    assert "8 of 8 cells" in text
    assert "oracle-prompt scores" in text
    assert "no like-for-like comparison" in text
    assert "everyday" in text
    assert "**Not decided**" in text  # two seeds
    main = {row["row"]: row for row in rows(done, "main")}
    assert main["APSAM"]["printed mIoU"] == "72.83"
    assert main["DeepLabV3+"]["prompt"] == "none: not like for like"
    assert main["DeepLabV3+"]["mIoU, 3 clicks"] == ""
    assert main["SAM frozen"]["trained, millions"] == "0.00"
    assert any(name.startswith("flood fill") for name in main)
    assert json.loads((done / "report.json").read_text())["cells"] == {"done": 8, "planned": 8}
    card = json.loads((done / "card.json").read_text())
    assert card["decides"]["second"] == "APSAM"
    assert card["seeds"] == [0, 1]
    for figure in ("methods", "clicks", "misses"):
        assert (done / "figures" / f"{figure}.png").read_bytes().startswith(b"\x89PNG")


def test_tables_say_what_the_scores_say(done: Path, sets: XsegData) -> None:
    main = {row["row"]: row for row in rows(done, "main")}
    _, scores = read_cell(done / "cells" / "SAM_frozen--0")
    found = scores["test"]
    instances = len(sets.tests["test"].rows())
    assert found.curves.shape == (instances, TINY.clicks)
    assert found.random.shape == (TINY.draws, instances)
    assert main["SAM frozen"]["mIoU"] == f"{100 * found.curves[:, 0].mean():.1f}"
    assert main["SAM frozen"]["missed"] == f"{100 * (found.ious < 0.5).mean():.1f}"
    misses = rows(done, "misses")
    for title in {row["property"] for row in misses}:
        assert sum(int(row["instances"]) for row in misses if row["property"] == title) == instances
    assert {row["bin"] for row in misses if row["property"] == "class"} == {"gun", "knife"}


def test_differences_are_students_over_the_seeds(done: Path) -> None:
    by_seed = {(r["row"], r["seed"], r["test set"]): float(r["mIoU"]) for r in rows(done, "per_seed")}
    said = next(row for row in rows(done, "differences") if row["decides"])
    assert said["difference"] == "APSAM - SAM tuned"
    each = [by_seed["APSAM", s, "test"] - by_seed["SAM tuned", s, "test"] for s in ("0", "1")]
    interval = stats.ttest_1samp(each, 0).confidence_interval()
    middle, low, high = (float(part.strip("[],")) for part in said["mIoU points"].split())
    assert [middle, low, high] == pytest.approx([sum(each) / 2, *interval], abs=0.06)


def test_what_is_done_is_not_done_again(done: Path) -> None:
    folder = done / "cells" / "APSAM--1"
    _, before = read_cell(folder)
    kept = (done / "cells" / "APSAM--0" / "scores.npz").stat().st_mtime_ns
    (folder / "result.json").unlink()
    experiment.reproduce_xseg(done, scale=TINY)
    assert (done / "cells" / "APSAM--0" / "scores.npz").stat().st_mtime_ns == kept
    np.testing.assert_array_equal(read_cell(folder)[1]["test"].curves, before["test"].curves)


def test_no_time_means_a_report_of_what_is_there(done: Path) -> None:
    said: list[str] = []
    report = experiment.reproduce_xseg(
        done, scale=replace(TINY, deciding_seeds=(0, 1, 2)), max_minutes=0, say=said.append
    )
    assert "8 of 10 cells" in report.read_text(encoding="utf-8")
    assert said[-1] == "time is up, 2 of 10 not trained"


def test_another_training_is_refused(done: Path) -> None:
    with pytest.raises(BadInputError, match="steps"):
        experiment.reproduce_xseg(done, scale=replace(TINY, steps=3))


def test_the_pair_that_decides_is_trained_first_and_most_often() -> None:
    plan = list(cells(SCALES["small"]))
    assert [cell.method for cell in plan[:2]] == [DECIDING.first, DECIDING.second]
    for name in (DECIDING.first, DECIDING.second):
        assert [cell.seed for cell in plan if cell.method == name] == [0, 1, 2, 3, 4]
    assert len({cell.name for cell in plan}) == len(plan)
    assert sum(cell.method == "SAM frozen" for cell in cells(SCALES["paper"])) == 1


def test_a_part_of_a_scale_is_known_by_its_rows() -> None:
    chosen = narrow(SCALES["small"], methods=["APSAM", "SAM tuned"], seeds=[3])
    assert [(cell.method, cell.seed) for cell in cells(chosen)] == [("SAM tuned", 3), ("APSAM", 3)]
    with pytest.raises(ValueError, match="SAM 3: not in this scale"):
        narrow(SCALES["small"], methods=["SAM 3"])


def claim(each: tuple[float, ...], low: float, high: float) -> Claim:
    return Claim(each, PairedDifference(sum(each) / len(each), low, high, 0.0, 400, len(each)))


@pytest.mark.parametrize(
    ("found", "word"),
    [
        (None, "Not decided"),
        (claim((0.09, 0.1), 0.05, 0.12), "Not decided"),
        (claim((0.09, 0.1, 0.1, 0.11, 0.1), 0.05, 0.12), "Reached"),
        (claim((0.02, 0.1, 0.04, 0.11, 0.05), 0.01, 0.12), "Reached on average"),
        (claim((0.02, 0.03, 0.02, 0.03, 0.02), 0.01, 0.04), "by less than was aimed at"),
        (claim((0.0, 0.01, -0.01, 0.0, 0.01), -0.02, 0.02), "not shown better"),
        (claim((-0.05, -0.06, -0.05, -0.04, -0.05), -0.07, -0.03), "worse"),
        (claim((-0.1, 0.15, 0.0, 0.1, -0.05), -0.01, 0.05), "Open"),
    ],
)
def test_the_verdict_is_a_plain_word(found: Claim | None, word: str) -> None:
    assert word in verdict(found)


def test_printed_numbers_belong_to_rows() -> None:
    main, ablation = printed_main(), printed_ablation()
    assert main["APSAM"] == (72.83, 82.31, 11.91)
    assert {METHODS[name].published for name in MAIN} - {None} == set(main)
    assert {method.ablation for method in METHODS.values()} - {None} <= set(ablation)
    assert printed_cross_domain()["SAMUS", "PIDray"] == 67.01
