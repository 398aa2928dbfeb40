"""The unattended rounds, at the smallest size that goes through every step."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from benchmarks import rounds_elsewhere
from scipy.stats import bootstrap

from beltline.core import BadInputError
from beltline.rounds.simulated.experiment import simulate_rounds
from beltline.rounds.simulated.plan import Cell, SimulationPlan, cells
from beltline.rounds.simulated.report import MEASURES, PAGE, REPORT, share_over_scans

TINY = SimulationPlan(
    rounds=1, per_round=2, pool=4, gate=1, test=2, arms=("untrained", "by hand"), positives=1.0,
    pixel_mm=2.0, items=(1, 2), garments=(0, 0), steps=2, side=64,
)  # fmt: skip


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    out = tmp_path_factory.mktemp("rounds")
    said = []
    return out, simulate_rounds(out, TINY, say=said.append), said


def test_every_cell_is_done_and_told(tiny):
    out, found, said = tiny
    assert found["cells"] == found["planned"] == len(said) == 2
    assert {path.name for path in (out / "cells").iterdir()} == {cell.name for cell in cells(TINY)}


def test_the_report_holds_what_the_page_says(tiny):
    out, found, _ = tiny
    assert json.loads((out / REPORT).read_text()) == json.loads(json.dumps(found))
    page = (out / PAGE).read_text()
    assert "| by hand | 1 |" in page
    assert "not compared yet" in page
    for name, value in found["trivial"].items():
        assert f"{name}: {value:.3f}" in page
    assert len(list((out / "figures").glob("*.svg"))) == 4


def test_each_test_scan_is_kept_and_adds_up(tiny):
    out, _, _ = tiny
    for path in (out / "cells").glob("*/result.json"):
        test = json.loads(path.read_text())["test"]
        assert len(test["each"]) == TINY.test
        assert np.sum(test["each"], axis=0).tolist() == [test["presses"], test["masks"]]


def test_the_interval_over_scans_is_scipys():
    rng = np.random.default_rng(3)
    masks = rng.integers(1, 4, (2, 3, 40))
    each = np.stack([masks * rng.integers(2, 60, masks.shape), masks], axis=-1)

    def share(rows):
        presses, count = np.moveaxis(each[:, :, rows.astype(int)].sum(axis=2), -1, 0)
        clicks = presses / count
        return (clicks[0] / clicks[1]).mean()

    theirs = bootstrap(
        (np.arange(40.0),), share, vectorized=False, method="percentile", n_resamples=4000, rng=rng
    )
    assert share_over_scans(*each.tolist()) == pytest.approx(tuple(theirs.confidence_interval), abs=0.03)


def test_scans_without_masks_or_not_kept_give_no_interval():
    assert share_over_scans([[(0, 0), (0, 0)]], [[(0, 0), (3, 1)]]) is None
    assert share_over_scans([()], [[(3, 1)]]) is None


def test_by_hand_nothing_is_proposed_and_every_mask_is_an_outline(tiny):
    out, _, _ = tiny
    test = json.loads((out / "cells" / "by_hand_seed0_round1" / "result.json").read_text())["test"]
    assert test["firsts"] == 0
    assert test["by_hand"] >= 1
    assert test["effort"]["label"]["click"] == test["effort"]["label"]["corner"] == 0
    assert MEASURES["final IoU"](test) > 0.8


def test_other_scans_are_asked_with_the_models_of_the_end(tiny, tmp_path, monkeypatch, capsys):
    out, _, _ = tiny
    words = ["rounds_elsewhere", str(out), str(tmp_path), "--test", "2", "--out", str(tmp_path / "found.csv")]
    monkeypatch.setattr("sys.argv", words)
    rounds_elsewhere.main()
    assert "| by hand | 1 |" in capsys.readouterr().out
    with (tmp_path / "found.csv").open() as stream:
        found = {row["arm"]: row for row in csv.DictReader(stream)}
    kept = json.loads((tmp_path / "tested" / "by_hand_seed0.json").read_text())["test"]
    assert float(found["by hand"]["clicks per mask"]) == pytest.approx(
        MEASURES["clicks per mask"](kept), rel=5e-3
    )
    before = json.loads((out / "cells" / "by_hand_seed0_round1" / "result.json").read_text())["test"]
    assert kept["each"] != before["each"]
    monkeypatch.setattr("sys.argv", [*words, "--data-seed", str(TINY.data_seed)])
    with pytest.raises(SystemExit, match="must be another"):
        rounds_elsewhere.main()


def test_done_cells_are_kept_and_another_plan_is_refused(tiny):
    out, _, _ = tiny
    files = {path: path.stat().st_mtime_ns for path in (out / "cells").glob("*/result.json")}
    said = []
    simulate_rounds(out, TINY, say=said.append)
    assert not said
    assert files == {path: path.stat().st_mtime_ns for path in files}
    with pytest.raises(BadInputError, match="simulated otherwise"):
        simulate_rounds(out, replace(TINY, per_round=1))


def test_plans_that_cannot_be_are_refused():
    with pytest.raises(BadInputError, match="need a pool of 10"):
        SimulationPlan(rounds=5, per_round=2, pool=9)
    with pytest.raises(BadInputError, match="arms must be among"):
        SimulationPlan(arms=("best",))
    assert Cell("by hand", 1, 2).name == "by_hand_seed1_round2"


@pytest.mark.slow
def test_all_arms_train_and_meet_the_gate(tmp_path):
    plan = replace(
        TINY, rounds=2, per_round=3, pool=8, gate=8, test=3, arms=("picked", "random", "untrained", "by hand")
    )
    found = simulate_rounds(tmp_path, plan)
    assert found["cells"] == 8
    assert {one["arm"] for one in found["gate"]} == {"picked", "random"}
    assert len(found["gate"]) == 4
    assert found["decides"]["by hand"]["share"] > 0
    assert (
        found["test"]["untrained"]["clicks per mask"][0] == found["test"]["untrained"]["clicks per mask"][1]
    )
    picked = json.loads((tmp_path / "cells" / "picked_seed0_round2" / "result.json").read_text())["picked"]
    before = json.loads((tmp_path / "cells" / "picked_seed0_round1" / "result.json").read_text())["picked"]
    assert not {one["item"] for one in picked} & {one["item"] for one in before}
    assert all(one["why"] for one in picked)
