"""The Durham experiment: what is printed and implied, what is trained in which order, a small run."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from beltline.core import BadInputError
from beltline.formats import write_png
from beltline.metrics import roc_auc
from beltline.protocols.durham import SCALES, narrow, reproduce_durham
from beltline.protocols.durham.cell import recipe_of
from beltline.protocols.durham.plan import (
    DECIDING,
    KNOWN_DEVICES,
    METHODS,
    RULES,
    UNSEEN_DEVICES,
    UNSEEN_KINDS,
    Cell,
    available,
    cells,
)
from beltline.protocols.durham.published import printed_tables
from beltline.protocols.durham.report import auc_of_counts
from beltline.simulate import PAPER_KINDS

ROWS = ("EfficientNet-Lite0, parts", "EfficientNet-Lite0, objects", "dense", *RULES)


def test_the_printed_tables_contradict_themselves_where_they_do() -> None:
    printed = printed_tables()
    assert len(printed) == 12
    assert printed["part", "DFL"].tp == 98.2
    apart = {key: abs(row.accuracy - row.implied_accuracy) for key, row in printed.items()}
    plain = [apart["part", name] for name in ("ResNet-18", "ResNet-50", "SqueezeNet", "VGG-16")]
    assert max(plain) < 0.9
    assert apart["part", "BCNN"] == pytest.approx(97.54 - 95.595, abs=0.01)
    assert apart["object", "ResNet-50"] > 4


def test_what_decides_is_trained_first_and_with_every_seed() -> None:
    small = SCALES["small"]
    plan = list(cells(small))
    assert len({cell.name for cell in plan}) == len(plan)
    named = {name for one in DECIDING for name in (one.first, one.second)}
    first = plan[: len(named) * len(small.deciding_seeds)]
    assert {cell.method for cell in first} == named
    assert {cell.seed for cell in first} == {0, 1, 2, 3, 4}
    assert {cell.method for cell in plan} == set(available(small))


def test_rows_come_in_the_sizes_of_their_scale() -> None:
    assert "ResNet-50, parts" not in available(SCALES["small"])
    assert set(available(SCALES["paper"])) == set(METHODS) == set(available(SCALES["smoke"]))
    paper = SCALES["paper"]
    assert (paper.train + paper.val) * 2 == 14_964
    assert paper.test * 2 == 7_878
    assert paper.train / (paper.train + paper.val) == pytest.approx(0.7, abs=0.001)


def test_nothing_of_the_unseen_is_trained_on() -> None:
    assert not set(UNSEEN_KINDS) & set(PAPER_KINDS)
    assert not set(UNSEEN_DEVICES) & set(KNOWN_DEVICES)


def test_rows_and_seeds_are_chosen_by_name() -> None:
    chosen = narrow(SCALES["small"], methods=["dense", "darkness"], seeds=[3, 4])
    assert [cell.name for cell in cells(chosen)] == ["dense--3", "darkness--3", "dense--4"]
    with pytest.raises(ValueError, match="ResNet-50, parts: not in this scale"):
        narrow(SCALES["small"], methods=["ResNet-50, parts"])


def test_a_rule_has_no_recipe() -> None:
    with pytest.raises(ValueError, match="darkness is not trained"):
        recipe_of(Cell("darkness", 0), SCALES["small"])
    recipe = recipe_of(Cell("DFL, parts", 3), SCALES["paper"])
    assert (recipe.classifier, recipe.level, recipe.shape, recipe.training.seed) == (
        "DFL",
        "part",
        (190, 150),
        3,
    )


def test_the_auc_of_draws_is_that_of_the_devices_drawn() -> None:
    rng = np.random.default_rng(0)
    truth, group = np.arange(40) % 2 == 1, np.arange(40) // 2
    scores = np.round(rng.random(40) + 0.3 * truth, 1)  # with ties
    auc = auc_of_counts(truth, scores, group)
    assert auc(np.ones((1, 20), int))[0] == pytest.approx(roc_auc(truth, scores))
    counts = rng.multinomial(20, np.full(20, 0.05), size=3)
    for drawn, found in zip(counts, auc(counts), strict=True):
        rows = np.concatenate([np.flatnonzero(group == g) for g in np.repeat(np.arange(20), drawn)])
        assert found == pytest.approx(roc_auc(truth[rows], scores[rows]))


def test_a_run_and_its_report(tmp_path: Path) -> None:
    scale = replace(
        narrow(SCALES["smoke"], methods=(*ROWS, "Mask R-CNN"), seeds=[0, 1]),
        train=4,
        val=20,
        test=6,
        in_bags=0.0,
        steps=2,
    )
    said: list[str] = []
    report = reproduce_durham(tmp_path, scale=scale, say=said.append)
    text = report.read_text()
    assert "12 of 12 cells trained" in text
    assert text.count("**Not decided**") == 2
    tables = {
        path.stem: list(csv.DictReader(path.read_text().splitlines()))
        for path in (tmp_path / "tables").iterdir()
    }
    assert [row["row"] for row in tables["devices"]] == list(ROWS)
    assert tables["parts"][0]["printed accuracy"] == ""
    assert {row["by"] for row in tables["found"]} >= {"kind", "device", "place"}
    assert [row["row"] for row in tables["finding"]] == ["dense", "Mask R-CNN", "darkness"]
    decided = [row for row in tables["differences"] if row["decides"]]
    assert [row["asks"] for row in decided] == ["parts over whole devices"]
    card = json.loads((tmp_path / "card.json").read_text())
    assert card["cells"] == {"planned": 12, "done": 12}
    said.clear()
    again = reproduce_durham(tmp_path, scale=scale, say=said.append)
    assert again.read_text() == text
    assert not any("/12 " in line for line in said)


def pictures(root: Path, count: int) -> None:
    rng = np.random.default_rng(len(root.name))
    for kind, shade in (("benign", 150), ("anomalous", 60)):
        (root / kind).mkdir(parents=True)
        for number in range(count):
            picture = np.full((80, 110, 3), 255, np.uint8)
            picture[10:70, 10:100] = rng.integers(140, 160, (60, 90, 1), dtype=np.uint8)
            picture[25:45, 30:60] = shade
            write_png(root / kind / f"{number}.png", picture)


def test_devices_of_ones_own_without_masks(tmp_path: Path) -> None:
    for name, count in (("train", 4), ("val", 20), ("test", 6)):
        pictures(tmp_path / "mine" / name, count)
    scale = replace(narrow(SCALES["smoke"], methods=ROWS, seeds=[0]), steps=2)
    said: list[str] = []
    report = reproduce_durham(tmp_path / "out", data=str(tmp_path / "mine"), scale=scale, say=said.append)
    assert "where things are hidden is not known: rows of whole devices alone" in said
    text = report.read_text()
    assert "**Devices of your own**: 8 scans to train on, 40 to choose on; test sets test 12." in text
    assert "1 of 1 cells trained" in text
    assert json.loads((tmp_path / "out" / "card.json").read_text())["data"] == "devices of a user"
    with pytest.raises(BadInputError, match="its cells were trained otherwise"):
        reproduce_durham(tmp_path / "out", scale=scale)


def test_devices_of_ones_own_must_be_split(tmp_path: Path) -> None:
    pictures(tmp_path / "mine" / "train", 1)
    with pytest.raises(BadInputError, match="has no val, test/"):
        reproduce_durham(tmp_path / "out", data=str(tmp_path / "mine"), scale="smoke")
