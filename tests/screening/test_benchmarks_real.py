"""The benchmark on real scans, run on a made-up folder whose figures can be counted by hand."""

import csv
import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from beltline.formats import write_png

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
LEFT, RIGHT = (20, 40, 36, 72), (104, 40, 120, 72)  # where the dark object of a bag lies, xyxy


@pytest.fixture(scope="module")
def bench():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        yield importlib.import_module("real_scans")
    finally:
        sys.path.remove(str(BENCHMARKS))


def bag(path, level, box):
    """A light bag with one object; the fake model's gun is what is dark in every channel."""
    picture = np.full((128, 160, 3), 255, np.uint8)
    picture[16:112, 8:152] = 200
    x1, y1, x2, y2 = box
    picture[y1:y2, x1:x2] = level
    path.parent.mkdir(parents=True, exist_ok=True)
    write_png(path, picture)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """40 benign bags of line_benign (dark 60 to 138), six guns of line_guns, six lighter than all benign."""
    root = tmp_path_factory.mktemp("real")
    rows = [("line_benign", f"b{n}.png", 60 + 2 * n, RIGHT, "negative", "") for n in range(40)]
    rows += [("line_guns", f"g{n}.png", 20 + 2 * n, RIGHT, "positive", "Gun") for n in range(5)]
    rows += [("line_guns", "g5.png", 99, RIGHT, "positive", "Pistol")]  # lighter than 20 of the benign
    rows += [("line_other", f"o{n}.png", 150 + n, RIGHT, "positive", "bat") for n in range(6)]
    rows += [("lab_unknown", "u.png", 30, LEFT, "positive (by design)", "")]
    with (root / "index.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["dataset", "image", "image_label", "classes"])
        for dataset, name, level, box, label, classes in rows:
            bag(root / dataset / name, level, box)
            writer.writerow([dataset, f"{dataset}/{name}", label, classes])
    with (root / "boxes.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image", "class", "xmin", "ymin", "xmax", "ymax"])
        for n in range(4):  # the fourth box is elsewhere: a miss, for the densest spot too
            writer.writerow([f"line_guns/g{n}.png", "gun", *(RIGHT if n < 3 else LEFT)])
    return root


@pytest.fixture(scope="module")
def found(bench, folder, model_file):
    rows, remarks = bench.measured(folder, str(model_file))
    return {(r.figure, r.label, r.source): r for r in rows}, remarks


def test_auc_is_counted_over_pairs_beside_the_trivial(bench, found):
    rows, _ = found
    row = rows[bench.AGAINST_BENIGN, "gun", "line_guns"]
    assert row.value == pytest.approx((5 * 40 + 20) / (6 * 40))  # g5 is darker than half of the benign
    assert row.n == 46
    assert row.low <= row.value <= row.high
    assert row.trivial == pytest.approx(row.value), "brightness falls with the object's"
    assert row.model == "fake"
    whole = rows[bench.AGAINST_BENIGN, bench.ANY, "line"]
    assert whole.n == 52
    assert whole.value == pytest.approx((5 * 40 + 20) / (12 * 40)), "the six of other classes lie below all"


def test_class_against_class_leaves_benign_scans_out(bench, found):
    rows, _ = found
    row = rows[bench.AMONG_OTHERS, "gun", "line"]
    assert (row.value, row.n) == (1.0, 12)
    assert rows[bench.AMONG_OTHERS, "mean", "all sources"].value == 1.0
    assert (bench.AMONG_OTHERS, "gun", "line_guns") not in rows, "nothing but guns there"


def test_points_and_boxes(bench, found):
    rows, _ = found
    row = rows[bench.POINTING, "gun", "line_guns"]
    assert (row.value, row.n, row.trivial) == (0.75, 4, 0.75)
    assert rows["pointing of the densest spot", "gun", "line_guns"].value == 0.75
    assert rows["pointing of the centre of the bag", "gun", "line_guns"].value == 0.0
    assert rows[bench.OVERLAP, "gun", "line_guns"].value > 0.5
    assert rows[bench.BY_HALF, "any", "line_guns"].value == 0.75


def test_thresholds_of_half_the_benign_scans_promise_what_conformal_ones_do(bench, found):
    rows, remarks = found
    reached = rows[bench.PFA_REACHED, "gun", "line"]
    assert reached.value == pytest.approx(1 / 21, abs=0.01)  # the boldest of 20 others is the threshold
    assert reached.n == 20
    row = rows[bench.PD, "gun", "line_guns"]
    # five guns alarm always, g5 only where the 20 benign darker than it are all in the other half
    assert row.value == pytest.approx(5 / 6, abs=0.001)
    assert (row.low, row.high, row.n) == (pytest.approx(5 / 6), pytest.approx(5 / 6), 6)
    assert rows[bench.PD, bench.ANY, "line_other"].value < 0.5
    assert not any("benign scans" in remark for remark in remarks)


def test_alarms_at_the_shipped_thresholds(bench, found):
    rows, _ = found
    # calibrated at 0.5: 12 x - 6 for darkness x, and 0.9 at 5 %: darkness above 0.683, level below 81
    benign = rows[bench.FALSE_ALARMS, "gun", "line_benign"]
    assert (benign.value, benign.n) == (11 / 40, 40)
    assert benign.low < benign.value < benign.high
    assert rows[bench.ALARMS, "gun", "line_guns"].value == 5 / 6
    assert rows[bench.ALARMS, "any", "lab_unknown"].value == 1.0
    assert (bench.ALARMS, "gun", "lab_unknown") not in rows, "nobody says what it is"


def test_what_has_no_row_is_said(found):
    rows, remarks = found
    assert not any(label == "baton" for _, label, _ in rows)
    assert remarks == ["fake does not know baton: no row for them"]


def test_a_threat_between_the_two_boldest_is_found_by_every_second_half(bench, model):
    nothing = dict.fromkeys(("gun", "knife", "liquid", bench.ANY), 0.0)

    def seen(name, score, *classes):
        raw = np.array([score, 0.1, 0.1])
        truth = (name, "line_all", not classes, frozenset(classes))
        return bench.Seen(*truth, raw, nothing, frozenset(), {}, {}, {}, {})

    scans = [seen(f"b{n}", n / 100) for n in range(40)] + [seen("t", 0.385, "gun")]
    rows = {
        (r.figure, r.label): r for r in bench.own_thresholds(model.card, scans, ("gun", "knife", "liquid"))
    }
    assert rows[bench.PD, "gun"].value == pytest.approx(0.5, abs=0.08)  # 0.39 is in the other half, 400 draws
    assert (rows[bench.PD, "gun"].low, rows[bench.PD, "gun"].high) == (0.0, 1.0)
    assert rows[bench.PFA_REACHED, "gun"].value == pytest.approx(1 / 21, abs=0.01)
    too_few = [*scans[3:40], scans[-1]]
    assert list(bench.own_thresholds(model.card, too_few, ("gun", "knife", "liquid"))) == []


def test_the_scan_as_a_whole_alarms_by_the_boldest_class(bench, model):
    alarming = bench.chosen_on(model.card, np.tile([0.3, 0.2, 0.1], (20, 1)))
    found = alarming(np.array([[0.3, 0.2, 0.1], [0.31, 0.2, 0.1], [0.1, 0.21, 0.1]]))
    assert found.tolist() == [[False] * 4, [True, False, False, True], [False, True, False, True]]


def test_the_command_prints_tables_and_compares_models(bench, folder, found, tmp_path, monkeypatch, capsys):
    rows, remarks = list(found[0].values()), found[1]
    monkeypatch.setattr(bench, "measured", lambda _, name: ([replace(r, model=name) for r in rows], remarks))
    words = ["real_scans", str(folder), "--model", "one", "--model", "two"]
    monkeypatch.setattr("sys.argv", [*words, "--out", str(tmp_path / "rows.csv"), "--markdown"])
    bench.main()
    text = capsys.readouterr().out
    assert text.startswith("| figure | class | source | n | one | two | trivial |\n")
    assert text.count("fake does not know baton: no row for them") == 1
    with (tmp_path / "rows.csv").open() as stream:
        written = list(csv.DictReader(stream))
    assert list(written[0]) == ["model", "figure", "class", "source", "value", "low", "high", "n", "trivial"]
    assert [row["model"] for row in written] == ["one"] * len(rows) + ["two"] * len(rows)
    monkeypatch.setattr("sys.argv", words[:4])
    bench.main()
    printed = json.loads(capsys.readouterr().out)
    assert [row["value"] for row in printed["rows"]] == [row.value for row in rows]
    monkeypatch.setattr("sys.argv", ["real_scans", str(tmp_path)])
    with pytest.raises(SystemExit):
        bench.main()
    assert "expected index.csv and the scans that it names" in capsys.readouterr().err


def test_a_class_that_one_model_lacks_has_its_n_beside(bench):
    row = bench.Row("a", bench.AMONG_OTHERS, "mean", "all sources", 0.7, None, None, 4, 0.6)
    lines = bench.beside([row, replace(row, model="b", value=0.8, n=6, trivial=0.5)])
    assert lines == [
        {"figure": bench.AMONG_OTHERS, "class": "mean", "source": "all sources", "n": "4", "a": "0.70",
         "b": "0.80, n 6", "trivial": "0.60"},
    ]  # fmt: skip
