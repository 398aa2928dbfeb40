"""The RWSC experiment, small enough for a test: counts match, the test set stays apart, a run goes on."""

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from beltline.core import BadInputError
from beltline.metrics import edge_intensity, luminance, piella_qe
from beltline.protocols.rwsc import SCALES, reproduce_rwsc
from beltline.protocols.rwsc.cell import RESULT, training_set
from beltline.protocols.rwsc.data import RwscData, simulated_data
from beltline.protocols.rwsc.plan import WITHOUT_EDGES, DetectorCell, cells, shown
from beltline.protocols.rwsc.published import (
    printed_detection,
    printed_edge_attention,
    printed_quality,
)
from beltline.protocols.rwsc.quality import AGAINST_TRUTH, WHOLE, outside, paired_interval, quality
from beltline.protocols.rwsc.synthesis import of_pairs, synthesis
from beltline.protocols.tables import printed_rows
from beltline.synthesis.fuser import copy_paste
from beltline.systems.fusion.recipe import METHODS

TINY = replace(
    SCALES["smoke"],
    half=6,
    test_positives=6,
    test_negatives=4,
    fusion_pairs=6,
    quality_pairs=5,
    size=48,
    pixel_mm=7.0,
    threats_each=1,
    fusion_steps=2,
    detector_steps=2,
    detector_batch=4,
    seeds=(0,),
    methods=("TIP", "RWSC"),
    quality=("TIP", "product", "RWSC", WITHOUT_EDGES),
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("rwsc")
    reproduce_rwsc(out, scale=TINY)
    return out


@pytest.fixture(scope="module")
def data(run: Path) -> RwscData:
    return simulated_data(run / "data", TINY, lambda text: None)


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_every_cell_is_trained_and_reported(run: Path):
    planned = list(cells(TINY))
    assert [cell.name for cell in planned][:3] == ["R--real--0", "R2--real--0", "S--TIP--0"]
    assert all((run / "cells" / cell.name / RESULT).is_file() for cell in planned)
    text = (run / "report.md").read_text(encoding="utf-8")
    assert "6 of 6 detectors trained" in text
    assert {p.name for p in (run / "figures").iterdir()} == {"gallery.jpg", "worth.png"}
    card = json.loads((run / "card.json").read_text(encoding="utf-8"))
    assert card["detectors"] == {"planned": 6, "done": 6}
    assert str(run) not in (run / "card.json").read_text(encoding="utf-8") + text


def test_object_counts_match_class_by_class(run: Path):
    counts = {
        name: json.loads((run / "cells" / f"{name}--0" / RESULT).read_text(encoding="utf-8"))["objects"]
        for name in ("R--real", "R2--real", "S--TIP", "S+--TIP", "S--RWSC")
    }
    assert counts["S--TIP"] == counts["R--real"] == counts["S--RWSC"]
    assert counts["S+--TIP"] == [a + b for a, b in zip(counts["R--real"], counts["R2--real"], strict=True)]


def test_libraries_share_no_item(run: Path):
    seeds = {}
    for name in ("a", "b", "test"):
        index = json.loads((run / "data" / f"items-{name}" / "index.json").read_text(encoding="utf-8"))
        seeds[name] = {(o["family"], o["seed"]) for o in index["objects"]}
    assert not seeds["a"] & seeds["test"]
    assert not seeds["b"] & seeds["test"]
    assert not seeds["a"] & seeds["b"]


def test_settings_are_what_they_say(data: RwscData, run: Path):
    first = training_set(DetectorCell("R/2", "real", 0), data, TINY, run)
    assert len(first) == 2 * len(data.first)
    assert len(first.objects) == len(data.first.objects)
    synthetic = training_set(DetectorCell("S", "TIP", 0), data, TINY, run)
    # the same bags, but with something in them, and a box around it
    bags, fused = first.images[len(data.first) :], synthetic.images[len(data.first) :]
    for bag, image, (x1, y1, x2, y2) in zip(bags, fused, data.objects.box, strict=True):
        changed = np.argwhere((bag.astype(int) - image).sum(2) > 30)
        assert len(changed)
        assert (changed >= [y1 - 2, x1 - 2]).all()
        assert (changed < [y2 + 2, x2 + 2]).all()


def test_a_stopped_run_goes_on_and_another_scale_is_refused(run: Path):
    before = (run / "cells" / "R--real--0" / RESULT).stat().st_mtime_ns
    reproduce_rwsc(run, scale=TINY, max_minutes=0)
    assert (run / "cells" / "R--real--0" / RESULT).stat().st_mtime_ns == before
    with pytest.raises(BadInputError, match="half was 6, now 7"):
        reproduce_rwsc(run, scale=replace(TINY, half=7))
    with pytest.raises(ValueError, match="smoke, small"):
        reproduce_rwsc(run, scale="huge")


def test_outside_the_mask_the_network_itself_is_measured(data: RwscData, run: Path):
    errors, ratios = outside(of_pairs(copy_paste), data.quality)
    assert errors.max() == 0
    assert ratios.min() == 99
    white = np.full_like(data.quality.bag[0], 255)
    errors, _ = outside(lambda pairs, row: white, data.quality)
    free = np.asarray(data.quality.mask[0]) == 0
    assert errors[0] == pytest.approx((255.0 - np.asarray(data.quality.bag[0])[free]).mean())
    with (run / "tables" / "outside.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    named = [shown("RWSC"), shown(WITHOUT_EDGES)]
    assert [row["network"] for row in rows] == [*named, " - ".join(named)]
    assert float(rows[0]["MAE outside"].split()[0]) > 1  # two steps of training do not draw a bag


def test_the_whole_picture_is_measured_beside_the_box(data: RwscData):
    """What is printed is of whole pictures; in the item's box the true composite scores far lower."""
    found = quality(synthesis("true composite", data, TINY, Path("unused")), data.quality)
    pairs = data.quality
    for row in range(len(pairs)):
        grey = [luminance(np.asarray(p[row])) for p in (pairs.bag, pairs.item, pairs.truth)]
        assert found["QE, whole"][row] == pytest.approx(piella_qe(*grey))
        assert found["EI, whole"][row] == pytest.approx(edge_intensity(grey[2]))
    assert {*WHOLE} >= {*printed_quality()["RWSC"]}  # the printed ones stand beside these
    assert not np.allclose(found["QE, whole"], found["QE"])


def test_reports_call_ours_a_residual_variant_and_keep_the_seeds(run: Path):
    names = ("detection", "differences", "per_seed", "quality")
    rows = {name: read_rows(run / "tables" / f"{name}.csv") for name in names}
    assert len(rows["per_seed"]) == 6
    assert all(not row["clear"] and "[" not in row["points of AP 0.5"] for row in rows["differences"])
    assert all(row["test windows"].startswith("[") for row in rows["differences"])
    assert "RWSC (residual)" in {row["synthesis"] for row in rows["detection"]}
    quality_row = next(row for row in rows["quality"] if row["fusion"] == "RWSC (residual)")
    assert "(0.8339)" not in quality_row["QE"]
    assert "(0.8339)" in quality_row["QE, whole"]
    by_seed = next(r for r in rows["per_seed"] if (r["training set"], r["synthesis"]) == ("R", "real"))
    table = next(r for r in rows["detection"] if (r["training set"], r["synthesis"]) == ("R", "real"))
    assert f"{float(by_seed['AP 0.5']):.1f}" == table["AP 0.5"]


def test_quality_knows_the_truth(data: RwscData):
    exact = quality(synthesis("true composite", data, TINY, Path("unused")), data.quality)
    assert exact["MAE"].max() == 0
    assert exact["SSIM"].min() == pytest.approx(1)
    pasted = quality(of_pairs(copy_paste), data.quality)
    tip = quality(synthesis("TIP", data, TINY, Path("unused")), data.quality)
    assert pasted["MAE"].mean() > tip["MAE"].mean() > 0
    assert {*AGAINST_TRUTH} < {*tip}
    product = quality(synthesis("product", data, TINY, Path("unused")), data.quality)
    assert product["LL"].mean() < 0.1 * pasted["LL"].mean()  # the product is what LL asks for
    middle, low, high = paired_interval(
        np.zeros(50), np.full(50, 2.0) + np.random.default_rng(0).normal(0, 0.1, 50)
    )
    assert low < middle < high
    assert low > 1.9


def test_an_unknown_synthesis_is_refused(data: RwscData):
    with pytest.raises(ValueError, match="magic"):
        synthesis("magic", data, TINY, Path("unused"))


def test_printed_tables_are_whole():
    assert printed_detection()["SIXR", "mean"] == 70.76
    opixray = {row["training_data"]: row["ap"] for row in printed_rows("rwsc", "opixray_detection")}
    assert float(opixray["OPIRS+"]) == 84.8
    assert printed_edge_attention()["with EA"] == (1.938, 39.084)
    assert printed_quality()["RWSC"]["QE, whole"] == 0.8339
    assert {name for name in printed_quality()} <= {*METHODS}


def test_the_page_on_synthesis_says_what_the_committed_report_says():
    docs = Path(__file__).parents[2] / "docs"
    page = (docs / "synthesis.md").read_text(encoding="utf-8")
    folder = docs / "reports" / "rwsc_small"
    report = (folder / "report.md").read_text(encoding="utf-8")
    interval = r"[+-]\d+\.\d+ \[[+-]?\d+\.\d+, [+-]?\d+\.\d+\]"
    assert "clear" not in page.split("## What a synthesis is worth")[1].split("\n## ")[0]
    said = re.findall(interval, page)
    assert len(said) > 20
    assert [one for one in said if one not in report] == []
    with (folder / "tables" / "quality.csv").open(encoding="utf-8") as lines:
        measured = {row["fusion"]: row for row in csv.DictReader(lines)}
    names = {
        "TIP of two energies, hardening corrected": "TIP with hardening",
        "TIP of two energies": "TIP",
        "RWSC (residual) taught by the simulator": "RWSC (residual) taught",
        "product of colours": "product",
        "RWSC (residual), unsupervised, narrow": "RWSC (residual)",
    }
    table = page.split("| | MAE | PSNR |")[1].split("\n\n")[0].splitlines()[2:]
    assert len(table) == 13
    for line in table:
        name, *values = (cell.strip(" *") for cell in line.strip("|").split("|"))
        row = measured[names.get(name, name)]
        kinds = ("MAE", "PSNR", "luminance error", "saturation error")
        assert values == [row[kind] for kind in kinds], name
    section = page.split("**Where plain TIP wins")[1].split("**Ablations**")[0]
    figures = {value.split(" ")[0] for row in measured.values() for value in row.values()}
    printed = {f"{value:g}" for row in printed_quality().values() for value in row.values()}
    quoted = re.findall(r"\d\.\d+", section)
    assert len(quoted) > 12
    assert [one for one in quoted if one not in figures | printed] == []


def test_the_committed_differences_are_welchs_of_the_committed_means():
    """Of cells that are gone: nothing else can be computed without the figures of each seed."""
    tables = Path(__file__).parents[2] / "docs" / "reports" / "rwsc_small" / "tables"
    by_set = {}
    for row in read_rows(tables / "detection.csv"):
        mean, deviation = map(float, row["AP 0.5"].split(" ± "))
        by_set[f"{row['training set']} {row['synthesis']}"] = (mean, deviation, int(row["seeds"]))
    for row in read_rows(tables / "differences.csv"):
        assert "clear" not in row
        (m1, s1, n1), (m2, s2, n2) = by_set[row["over"]], by_set[row["training set"]]
        said = [float(value) for value in re.findall(r"[+-]\d+\.\d", row["points of AP 0.5"])]
        if min(n1, n2) < 3:
            assert len(said) == 1
            continue
        v1, v2 = s1**2 / n1, s2**2 / n2
        freedom = (v1 + v2) ** 2 / (v1**2 / (n1 - 1) + v2**2 / (n2 - 1))  # Welch and Satterthwaite
        reach = stats.t.ppf(0.975, freedom) * (v1 + v2) ** 0.5
        assert said[0] == pytest.approx(m2 - m1, abs=0.16)
        assert said[1:] == pytest.approx([said[0] - reach, said[0] + reach], abs=0.06)
