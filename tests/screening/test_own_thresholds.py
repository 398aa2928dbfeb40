"""Thresholds from the user's own benign scans: a model of its own, a known rate, a word when things drift."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from beltline.cli.app import main
from beltline.core import BadInputError, ClassFinding, ScanReport
from beltline.formats import write_png
from beltline.screening import load_model, make_card
from beltline.screening.own_thresholds import OWN, BenignScores, choose_own, drift

CARD = make_card("m", ("gun", "knife"), 64, thresholds={"0.05": [0.5, 0.5]})


def benign(count, rng, centers=(-4.0, 1.0)):
    odds = np.array(centers) + rng.normal(size=(count, 2))
    return BenignScores(tuple(f"{n}.png" for n in range(count)), 1 / (1 + np.exp(-odds)))


def test_new_benign_scans_alarm_at_the_rate_whatever_each_class_says_of_them(rng):
    """The second class is far bolder here than where the model was calibrated; it gets its own place."""
    rates, by_class = [], []
    for _ in range(150):
        chosen = choose_own(CARD, benign(60, rng), 0.1, name="own")
        fresh = benign(1000, rng).scores >= chosen.card.thresholds[0.1]
        rates.append(fresh.any(1).mean())
        by_class.append(fresh.mean(0))
    assert np.mean(rates) == pytest.approx(0.1, abs=0.012)
    gun, knife = np.mean(by_class, axis=0)
    assert gun == pytest.approx(knife, rel=0.3)
    assert chosen.low < 0.1 < chosen.high


def test_too_few_scans_are_refused_with_what_would_do(rng):
    with pytest.raises(BadInputError, match=r"19 are needed; .* a rate of 0\.0909 or more"):
        choose_own(CARD, benign(10, rng), 0.05, name="own")
    assert choose_own(CARD, benign(19, rng), 0.05, name="own").scans == 19


def test_scores_that_are_all_the_same_do_not_alarm():
    same = BenignScores(tuple("abcdefghij"), np.full((10, 2), 0.3))
    chosen = choose_own(CARD, same, 0.2, name="own")
    assert not (same.scores >= chosen.card.thresholds[0.2]).any()
    assert chosen.above == ()


def test_a_threat_among_the_benign_scans_is_named(rng):
    scores = benign(40, rng)
    with_threat = scores.scores.copy()
    with_threat[7] = 0.9999
    chosen = choose_own(CARD, BenignScores(scores.names, with_threat), 0.05, name="own")
    assert chosen.above[0] == "7.png"


def test_the_limits_tell_what_the_new_thresholds_change_and_are_not_told_twice(rng):
    card = replace(CARD, details={"limits": ["Simulated bags only."], "purpose": "tests"})
    once = choose_own(card, benign(20, rng), 0.05, name="own").card
    first, second = once.details["limits"]
    assert first.startswith("Thresholds chosen on benign scans")
    assert second == "Simulated bags only."
    twice = choose_own(once, benign(30, rng), 0.05, name="own").card
    assert twice.details["limits"] == [first, second]
    assert twice.details[OWN]["benign scans"] == 30
    assert twice.details[OWN]["model"] == "m"
    assert twice.details["purpose"] == "tests"


def entries(alarms, clear):
    seen = {name: ClassFinding("gun", 0.5, name == "alarm") for name in ("alarm", "clear")}
    found = [ScanReport("a", "", 9, 9, name, (gun,)) for name, gun in seen.items()]
    return [*found[:1] * alarms, *found[1:] * clear, ScanReport("c", "", 9, 9, "no_machine_result")]


def test_drift_is_told_where_a_run_leaves_the_range(rng):
    card = choose_own(CARD, benign(200, rng), 0.05, name="own").card
    assert drift(entries(3, 60), card) == ()
    assert "40 of 60 scans alarm, more than" in drift(entries(40, 20), card)[0]
    assert "0 of 900 scans alarm, fewer than" in drift(entries(0, 900), card)[0]
    assert drift(entries(40, 20), CARD) == ()
    assert drift([], card) == ()


def test_drift_of_one_of_several_models_is_told_by_its_own_classes(rng):
    card = choose_own(CARD, benign(200, rng), 0.05, name="own").card
    other = ClassFinding("anomaly", 0.9, True)
    joint = [replace(each, decision="alarm", classes=(*each.classes, other)) for each in entries(3, 60)]
    assert drift(joint, card) == ()


def test_from_a_folder_to_a_model_that_screens(fake, tmp_path: Path, monkeypatch, capsys, rng):
    monkeypatch.setenv("BELTLINE_HOME", str(tmp_path / "home"))
    file = fake.build(tmp_path / "dark.onnx")
    bags = tmp_path / "bags"
    bags.mkdir()
    for n in range(24):
        pixels = np.full((80, 100, 3), 255, np.uint8)
        pixels[20:60, 20:80] = 120 + n
        write_png(bags / f"{n:02}.png", pixels)
    (bags / "copy.png").write_bytes((bags / "00.png").read_bytes())
    write_png(bags / "black.png", np.zeros((80, 100, 3), np.uint8))
    words = ["calibrate", str(file), "--trust", "--benign", str(bags), "--out", "lane-3"]
    assert main([*words, "--scanner", "lane 3", "--pfa", "0.1", "--json"]) == 0
    told = capsys.readouterr()
    found = json.loads(told.out)
    assert (found["benign_scans"], len(found["duplicates"]), len(found["not_judged"])) == (24, 1, 1)
    assert "1 files are copies" in told.err
    assert "24 scans are few" in told.err
    assert "take 50 or more" in told.err
    assert main(["models", "list", "--json"]) == 0
    assert {m["name"]: m for m in json.loads(capsys.readouterr().out)["models"]}["lane-3"][
        "origin"
    ] == "calibrated"
    own = load_model("lane-3")
    assert own.card.details[OWN]["scanner"] == "lane 3"
    assert own.card.classes == load_model(file, trust=True).card.classes
    assert own.sha256 != load_model(file, trust=True).sha256
    out = tmp_path / "out"
    assert main(["screen", str(bags), "--model", "lane-3", "--out", str(out), "--overlays", "none"]) == 0
    report = json.loads((out / "report.json").read_text())
    assert report["operating_point"] == {"pfa": 0.1}  # the only one it has
    assert report["model"]["name"] == "lane-3"
    assert "24 benign scans (lane 3, " in (out / "report.html").read_text(encoding="utf-8")
    assert main([*words, "--pfa", "0.01"]) == 3
    assert "99 are needed" in capsys.readouterr().err
    assert main([*words[:-1], "starter-chr-3"]) == 4
    assert main([*words, "--pfa", "2"]) == 2


def test_a_changed_card_is_refused(fake, tmp_path: Path, monkeypatch, capsys, rng):
    monkeypatch.setenv("BELTLINE_HOME", str(tmp_path / "home"))
    file = fake.build(tmp_path / "dark.onnx")
    for n in range(20):
        write_png(tmp_path / f"{n:02}.png", rng.integers(100, 255, (60, 60, 3)).astype(np.uint8))
    words = ["calibrate", str(file), "--trust", "--benign", str(tmp_path), "--out", "mine"]
    assert main(words) == 0
    (card,) = (tmp_path / "home" / "weights").glob("*[0-9a-f].json")
    card.write_text(card.read_text().replace("0.", "0.0", 1))
    assert main(["models", "verify", "mine"]) == 4
    assert "the file was changed" in capsys.readouterr().out
