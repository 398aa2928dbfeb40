import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from beltline.core import ClassFinding, FailedScan, ModelRef, Report, ScanReport
from beltline.formats import write_png
from beltline.screening import RunOptions, ScreeningModel, screen_files
from beltline.screening.report_html import Card, Limits, percent, render_report

VOID = {"meta", "img", "input", "br", "link", "hr"}
SVG_EMPTY = {"rect"}
EVIL = '<script>alert("x")</script>&"\'.png'


class Checker(HTMLParser):
    """Balanced tags, unique ids, every picture with an alternative text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.faults: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if len(values) != len(attrs):
            self.faults.append(f"double attribute in {tag}")
        self.tags.append((tag, values))
        if values.get("id"):
            self.ids.append(str(values["id"]))
        if tag == "img" and "alt" not in values:
            self.faults.append("img without alt")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in SVG_EMPTY:
            self.faults.append(f"self-closed {tag}")
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"unexpected </{tag}>")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, model: ScreeningModel) -> str:
    root = tmp_path_factory.mktemp("html")
    picture = np.full((120, 160, 3), 255, np.uint8)
    picture[40:80, 50:110] = 5
    write_png(root / "in" / "dark.png", picture)
    write_png(root / "in" / "empty.png", np.full((120, 160, 3), 255, np.uint8))
    (root / "in" / "broken.jpg").write_bytes(b"")
    screen_files([root / "in"], root / "out", model, options=RunOptions(pfa=0.10))
    return (root / "out" / "report.html").read_text()


def check(text: str) -> Checker:
    checker = Checker()
    checker.feed(text)
    checker.close()
    assert checker.faults == []
    assert checker.open == []
    assert len(set(checker.ids)) == len(checker.ids)
    return checker


def test_page_is_valid(page: str) -> None:
    checker = check(page)
    assert page.startswith("<!DOCTYPE html>")
    assert [values.get("lang") for tag, values in checker.tags if tag == "html"] == ["en"]


def test_page_loads_nothing_from_anywhere(page: str) -> None:
    assert not re.search(
        r"https?:|//[a-z]|@import|url\(", re.sub(r"base64,[A-Za-z0-9+/=]+", "", page).split("<script>")[0]
    )
    for _, values in check(page).tags:
        for name in ("src", "href", "action", "data", "poster"):
            value = values.get(name) or ""
            assert value == "" or value.startswith(("data:image/", "#")), value
    script = page.split("<script>")[1]
    assert not re.search(r"fetch|XMLHttpRequest|import\(|https?:", script)


def test_policy_allows_only_the_one_script(page: str) -> None:
    assert page.count("<script>") == 1
    assert re.search(
        r"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-", page
    )
    assert not re.search(r"\son[a-z]+=", page)


def test_decisions_stand_in_words(page: str) -> None:
    for words in ("ALARM", "CLEAR", "NO MACHINE RESULT", "UNREADABLE", "Limits of this model."):
        assert words in page
    assert "Finds dark places, not items." in page
    assert "empty file" in page


def entry(name: str, decision: str = "clear", probability: float = 0.2) -> ScanReport:
    finding = ClassFinding("gun", probability, decision == "alarm", (5.0, 5.0), (1.0, 1.0, 9.0, 9.0))
    findings = () if decision == "no_machine_result" else (finding,)
    return ScanReport(name, "ab" * 32, 100, 80, decision, findings, ms={"total": 9.0}, reason=None)  # type: ignore[arg-type]


def test_names_from_outside_cannot_become_markup(model: ScreeningModel) -> None:
    report = Report(ModelRef(EVIL, "00"), {"pfa": 0.05}, (entry(EVIL),), (FailedScan(EVIL, EVIL),))
    text = render_report(report, [Card(report.scans[0], b"jpeg", overlay=EVIL)], model.card)
    check(text)
    assert text.count("<script>") == 1
    assert "alert(&#34;x&#34;)" in text


def test_alarms_come_first_then_what_the_operator_must_decide(model: ScreeningModel) -> None:
    entries = (
        entry("c1"), entry("a1", "alarm", 0.6), entry("n1", "no_machine_result"), entry("a2", "alarm", 0.9),
    )  # fmt: skip
    report = Report(ModelRef("m", "00"), {"pfa": 0.05}, entries)
    text = render_report(report, [Card(e, None) for e in entries], model.card)
    order = re.findall(r'<article.*?data-name="(\w+)"', text)
    assert order == ["a2", "a1", "n1", "c1"]
    assert "The operator decides." in text
    assert "Picture not embedded" in text


def test_an_empty_report_is_a_page_too(model: ScreeningModel) -> None:
    check(render_report(Report(ModelRef("m", "00"), {"pfa": 0.05}), [], model.card))


def test_long_reports_get_smaller_pictures() -> None:
    sides = [Limits.for_count(n).long_side for n in (1, 200, 5000)]
    assert sides == sorted(sides, reverse=True)
    assert len(set(sides)) == 3


def test_pictures_beyond_the_limit_stay_out(
    tmp_path: Path, model: ScreeningModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Limits, "for_count", classmethod(lambda cls, count: cls(100, 60, 3000)))
    rng = np.random.default_rng(0)
    for i in range(3):
        write_png(tmp_path / "in" / f"{i}.png", rng.integers(0, 255, (90, 90, 3)).astype(np.uint8))
    screen_files([tmp_path / "in"], tmp_path / "out", model)
    text = (tmp_path / "out" / "report.html").read_text()
    assert text.count("Picture not embedded") >= 2
    assert "overlays/00003_2.jpg" in text


@pytest.mark.parametrize(
    ("probability", "text"), [(0, "0 %"), (0.004, "< 1 %"), (0.5, "50 %"), (0.996, "> 99 %"), (1, "100 %")]
)
def test_percent_never_claims_certainty(probability: float, text: str) -> None:
    assert percent(probability) == text
