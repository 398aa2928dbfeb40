"""The whole experiment in miniature: cells, resume, report."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from beltline.core import BadInputError
from beltline.protocols.sixray import experiment
from beltline.protocols.sixray.cell import read_cell
from beltline.protocols.sixray.plan import SCALES, Net
from beltline.protocols.sixray.trivial import RULES

TINY = replace(
    SCALES["smoke"],
    nets={"tiny": Net("resnet18", {"channels": (8, 8, 16, 16)})},
    ablation="tiny",
    methods=("plain", "CHR", "query"),
    subsets=("SIXray10",),
    seeds=(0, 1),
    images=16,
    batch_size=8,
    pretraining=8,
    train_positives=10,
    train_negatives=30,
    test_positives=10,
    test_negatives=15,
    pixel_mm=5.0,
    threats_each=1,
)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    out = tmp_path_factory.mktemp("experiment")
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(experiment, "SCALES", {"smoke": TINY})
        experiment.reproduce_sixray(out, scale="smoke", say=said.append)
    return out, said


def read_rows(out: Path, name: str) -> list[dict[str, str]]:
    with (out / "tables" / f"{name}.csv").open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_every_cell_is_trained_and_reported(done: tuple[Path, list[str]]) -> None:
    out, _ = done
    assert len(list(out.glob("cells/*/result.json"))) == 6
    text = (out / "report.md").read_text(encoding="utf-8")
    assert "6 of 6 cells" in text
    assert "Simulated windows" in text
    for table in ("table2_classification", "table3_localization", "table4_ablation", "differences", "misses"):
        lines = (out / "tables" / f"{table}.csv").read_text(encoding="utf-8").splitlines()
        assert len(lines) > 1, table
    rows, table = read_rows(out, "per_seed"), read_rows(out, "table4_ablation")
    assert len(rows) == 6
    by_seed = [float(row["pointing"]) for row in rows if row["method"] == "plain"]
    plain = next(row for row in table if row["method"] == "plain")
    assert plain["pointing"].startswith(f"{sum(by_seed) / 2:.1f}")
    assert {row["method"] for row in table if row["backbone"] == "none"} == set(RULES)
    assert all(rule in text for rule in RULES)
    assert all(not row["clear"] for row in read_rows(out, "differences"))  # two seeds
    for figure in ("gain_by_imbalance", "methods"):
        assert (out / "figures" / f"{figure}.png").read_bytes().startswith(b"\x89PNG")
    card = json.loads((out / "card.json").read_text(encoding="utf-8"))
    assert card["seeds"] == [0, 1]


def test_scores_cover_the_test_set(done: tuple[Path, list[str]]) -> None:
    out, _ = done
    result, logits, points = read_cell(out / "cells" / "tiny--CHR--SIXray10--0")
    assert logits.shape[1:] == (3, 5)
    assert points.shape[1] == 4
    assert np.isfinite(logits).all()
    assert np.isfinite(points).all()
    assert len(np.unique(logits[:, 0])) > len(logits)  # bfloat16 would leave a few dozen values
    assert result["steps"] == 2
    assert read_cell(out / "cells" / "tiny--plain--SIXray10--0")[1].shape[1] == 1


def test_what_is_done_is_not_done_again(
    done: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, _ = done
    monkeypatch.setattr(experiment, "SCALES", {"smoke": TINY})
    before = {p: p.stat().st_mtime_ns for p in out.glob("cells/*/scores.npz")}
    (out / "cells" / "tiny--plain--SIXray10--1" / "result.json").unlink()
    experiment.reproduce_sixray(out, scale="smoke")
    after = {p: p.stat().st_mtime_ns for p in out.glob("cells/*/scores.npz")}
    changed = {p.parent.name for p in after if after[p] != before[p]}
    assert changed == {"tiny--plain--SIXray10--1"}


def test_a_cell_trained_again_is_the_same(
    done: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, _ = done
    monkeypatch.setattr(experiment, "SCALES", {"smoke": TINY})
    folder = out / "cells" / "tiny--CHR--SIXray10--1"
    _, first, _ = read_cell(folder)
    (folder / "result.json").unlink()
    experiment.reproduce_sixray(out, scale="smoke")
    np.testing.assert_array_equal(read_cell(folder)[1], first)


def test_no_time_means_a_report_of_what_is_there(
    done: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, _ = done
    monkeypatch.setattr(experiment, "SCALES", {"smoke": replace(TINY, seeds=(0, 1, 2))})
    said: list[str] = []
    report = experiment.reproduce_sixray(out, scale="smoke", max_minutes=0, say=said.append)
    assert "6 of 9 cells" in report.read_text(encoding="utf-8")
    assert any("time is up" in line for line in said)


def test_an_unknown_scale_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="smoke, small, paper"):
        experiment.reproduce_sixray(tmp_path, scale="huge")


def test_cells_scored_in_bfloat16_are_not_mixed_with_others(tmp_path: Path) -> None:
    # what versions before wrote
    (tmp_path / "scale.json").write_text(json.dumps({"images": TINY.images}), encoding="utf-8")
    with pytest.raises(BadInputError, match="bfloat16"):
        experiment.reproduce_sixray(tmp_path, scale=TINY, max_minutes=0)


def test_cells_trained_another_way_are_not_mixed(done: tuple[Path, list[str]]) -> None:
    out, _ = done
    with pytest.raises(BadInputError, match="images was"):
        experiment.reproduce_sixray(out, scale=replace(TINY, images=2 * TINY.images), max_minutes=0)
    experiment.reproduce_sixray(out, scale=replace(TINY, seeds=(0,)), max_minutes=0)
