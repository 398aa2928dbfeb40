"""docs/sixray.md and the committed reports say what their tables say."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from scipy import stats

from beltline.protocols.sixray.plan import SUBSETS
from beltline.protocols.sixray.published import read_printed
from beltline.protocols.sixray.trivial import RULES

DOCS = Path(__file__).parents[2] / "docs"
REPORTS = sorted(DOCS.glob("reports/sixray_*"))
GONE = ("sixray_small", "sixray_small_long")  # cells of which the figures of each seed were not kept
METHODS = {
    "CHR, ε 0.05": "CHR",
    "CHR, ε 0.001": "CHR epsilon 0.001",
    "balanced drawing": "balanced",
    "CHR, balanced drawing": "CHR balanced",
}
# thresholds, the share of a class in the rarest subset, and what ties were worth (measured on one training)
SETTINGS = {"0.05", "0.001", "0.3", "0.2"}


def rows(report: str, table: str) -> list[dict[str, str]]:
    with (DOCS / "reports" / report / "tables" / f"{table}.csv").open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def section() -> str:
    page = (DOCS / "sixray.md").read_text(encoding="utf-8")
    return page.split("## What the idea is worth")[1]


def test_the_pages_table_is_that_of_the_report(section: str) -> None:
    of_ablation = [r for r in rows("sixray_small", "differences") if r["backbone"] == "ResNet18 half"]
    found = {(r["difference"], r["subset"]): r for r in of_ablation}
    printed = read_printed().ablation
    table = section.split("### What else")[1]
    lines = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(lines) == 5
    for line in lines:
        name, *cells = (cell.strip(" *") for cell in line.strip("|").split("|"))
        wanted = []
        for panel, kind in enumerate(("mAP", "pointing")):
            for subset in SUBSETS:
                gain = printed["ResNet34+CHR", subset][panel] - printed["ResNet34", subset][panel]
                if name in METHODS:
                    wanted.append(found[f"{METHODS[name]} - plain", subset][f"{kind} points"])
                else:
                    wanted.append(f"{gain:+.1f}")
        assert cells == wanted, name


def test_the_pages_verdict_is_that_of_five_seeds(section: str) -> None:
    report = "sixray_small_seeds"
    (said,) = rows(report, "differences")
    table = {row["method"]: row for row in rows(report, "table4_ablation")}
    lines = [line for line in section.split("### What else")[0].splitlines() if line.startswith("| ")][1:]
    cells = {name.strip(): [c.strip() for c in rest] for name, *rest in (x[1:-1].split("|") for x in lines)}
    for name, method in (("plain", "plain"), ("CHR, ε 0.001", "CHR epsilon 0.001")):
        row = table[method]
        assert row["training positives"] == "200"
        wanted = [row["seeds"], row["passes over them"], row["mAP"], "", row["pointing"], ""]
        assert cells[name] == wanted
    kinds = ("mAP points", "mAP, test images", "pointing points", "pointing, test images")
    assert cells["CHR - plain, paired"] == [said["seeds"], "", *(said[kind] for kind in kinds)]
    assert cells["always the densest spot"][4] == table["always its densest spot"]["pointing"]
    assert said["clear"] == ""


def test_every_figure_of_the_page_stands_in_a_report(section: str) -> None:
    known = set(SETTINGS)
    for report in REPORTS:
        for path in report.glob("tables/*.csv"):
            known |= set(re.findall(r"\d+\.\d+", path.read_text(encoding="utf-8")))
    text = "\n".join(line for line in section.splitlines() if not line.startswith("| "))
    quoted = re.findall(r"\d+\.\d+", text)
    assert len(quoted) > 40
    assert [figure for figure in quoted if figure not in known] == []
    intervals = re.findall(r"[+-]\d+\.\d \[[+-]\d+\.\d, [+-]\d+\.\d\]", text)
    reports = "".join((report / "report.md").read_text(encoding="utf-8") for report in REPORTS)
    assert len(intervals) > 10
    assert [one for one in intervals if one not in reports] == []


def test_no_network_is_praised_for_less_than_the_trivial_rules(section: str) -> None:
    assert "the paper's shape" not in section.lower().replace("no shape of the paper's", "")
    for report in REPORTS:
        table = rows(report.name, "table4_ablation")
        subsets = {row["subset"] for row in table}
        trivial = {(row["method"], row["subset"]): float(row["pointing"]) for row in table if not row["mAP"]}
        assert set(trivial) == {(rule, subset) for rule in RULES for subset in subsets}
        by_class = rows(report.name, "table3_localization")
        assert {(r["model"], r["subset"]) for r in by_class if r["model"] in RULES} == set(trivial)
        text = (report / "report.md").read_text(encoding="utf-8")
        assert all(text.count(f"| {rule} |") == 2 * len(subsets) for rule in RULES)


@pytest.mark.parametrize("report", GONE)
def test_differences_of_cells_that_are_gone_are_welchs_of_the_means(report: str) -> None:
    table = {(r["method"], r["subset"]): r for r in rows(report, "table4_ablation")}
    assert "gone" in (DOCS / "reports" / report / "report.md").read_text(encoding="utf-8")
    for row in rows(report, "differences"):
        assert "clear" not in row
        second, first = (table.get((name, row["subset"])) for name in row["difference"].split(" - "))
        for kind in ("mAP", "pointing"):
            said = [float(value) for value in re.findall(r"[+-]\d+\.\d", row[f"{kind} points"])]
            if row["backbone"] != "ResNet18 half":
                assert len(said) == 1  # no deviation is known
                continue
            assert first is not None
            assert second is not None
            (m1, s1), (m2, s2) = (map(float, r[kind].split(" ± ")) for r in (first, second))
            v1, v2 = s1**2 / 3, s2**2 / 3
            freedom = (v1 + v2) ** 2 / (v1**2 / 2 + v2**2 / 2)  # Welch and Satterthwaite
            reach = stats.t.ppf(0.975, freedom) * (v1 + v2) ** 0.5
            assert said[0] == pytest.approx(m2 - m1, abs=0.16)
            assert said[1:] == pytest.approx([said[0] - reach, said[0] + reach], abs=0.06)


@pytest.mark.parametrize("report", [r.name for r in REPORTS if r.name not in GONE])
def test_differences_are_students_of_the_figures_of_each_seed(report: str) -> None:
    by_seed = {(r["method"], r["subset"], r["seed"]): r for r in rows(report, "per_seed")}
    differences = rows(report, "differences")
    assert differences
    for row in differences:
        second, first = row["difference"].split(" - ")
        seeds = sorted({s for m, sub, s in by_seed if (m, sub) == (second, row["subset"])})
        assert len(seeds) == int(row["seeds"]) >= 3
        for kind in ("mAP", "pointing"):
            each = [
                float(by_seed[second, row["subset"], s][kind]) - float(by_seed[first, row["subset"], s][kind])
                for s in seeds
            ]
            interval = stats.ttest_1samp(each, 0).confidence_interval()
            said = [float(value) for value in re.findall(r"[+-]\d+\.\d", row[f"{kind} points"])]
            assert said == pytest.approx([sum(each) / len(each), *interval], abs=0.06)
            if kind in row["clear"]:
                assert interval.low > 0 or interval.high < 0
