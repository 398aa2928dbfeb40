import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from beltline.core import ClassFinding, FailedScan, Interrupted, ModelRef, Report, ScanReport
from beltline.formats import write_png
from beltline.screening import RunOptions, ScreeningModel, screen_files
from beltline.screening.album import Limits, Pictures
from beltline.screening.report_html import Card, percent, render_report

VOID = {"meta", "img", "input", "br", "link", "hr"}
SVG_EMPTY = {"rect", "path"}
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
    text = render_report(report, [Card(report.scans[0], Pictures(b"jpeg"), overlay=EVIL)], model.card)
    check(text)
    assert text.count("<script>") == 1
    assert "alert(&#34;x&#34;)" in text


def test_alarms_come_first_then_what_the_operator_must_decide(model: ScreeningModel) -> None:
    entries = (
        entry("c1"), entry("a1", "alarm", 0.6), entry("n1", "no_machine_result"), entry("a2", "alarm", 0.9),
    )  # fmt: skip
    report = Report(ModelRef("m", "00"), {"pfa": 0.05}, entries)
    text = render_report(report, [Card(e) for e in entries], model.card)
    order = re.findall(r'<article.*?data-name="(\w+)"', text)
    assert order == ["a2", "a1", "n1", "c1"]
    assert "The operator decides." in text
    assert "No picture was kept" in text


def test_an_empty_report_is_a_page_too(model: ScreeningModel) -> None:
    check(render_report(Report(ModelRef("m", "00"), {"pfa": 0.05}), [], model.card))


def test_long_reports_get_smaller_pictures_and_thumbnails() -> None:
    limits = [Limits.for_count(n) for n in (1, 100, 200, 5000)]
    sides = [limit.long_side for limit in limits]
    assert sides == sorted(sides, reverse=True)
    assert len(set(sides)) == 4
    assert [limit.thumb_side is None for limit in limits] == [True, True, False, False]


def noisy_bags(folder: Path, count: int) -> Path:
    rng = np.random.default_rng(0)
    for i in range(count):
        write_png(folder / f"{i}.png", rng.integers(0, 255, (90, 90, 3)).astype(np.uint8))
    return folder


def test_pictures_beyond_the_limit_lie_beside_the_page(
    tmp_path: Path, model: ScreeningModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Limits, "for_count", classmethod(lambda cls, count: cls(100, 60, 3000)))
    screen_files([noisy_bags(tmp_path / "in", 3)], tmp_path / "out", model)
    text = (tmp_path / "out" / "report.html").read_text()
    named = re.findall(r'class="scan" src="(pictures/[^"]+)"', text)
    assert len(named) >= 2
    assert sorted(named) == sorted(
        f"pictures/{f.name}" for f in (tmp_path / "out" / "pictures").glob("*.jpg")
    )
    assert "img-src data: &#39;self&#39; file:;" not in text
    assert "img-src data: 'self' file:;" in text
    check(text)


def test_a_long_report_embeds_thumbnails_and_names_the_larger_pictures(
    tmp_path: Path, model: ScreeningModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Limits, "for_count", classmethod(lambda cls, count: cls(90, 80, 1500, 24)))
    screen_files([noisy_bags(tmp_path / "in", 3)], tmp_path / "out", model, options=RunOptions(pfa=0.10))
    text = (tmp_path / "out" / "report.html").read_text()
    scans = [values for tag, values in check(text).tags if tag == "img" and values.get("class") == "scan"]
    thumbs = [values for values in scans if str(values["src"]).startswith("data:image/jpeg")]
    assert 1 <= len(thumbs) < 3, "the budget takes some thumbnails, not all"
    for values in scans:
        file = tmp_path / "out" / str(values.get("data-larger") or values["src"])
        assert file.read_bytes().startswith(b"\xff\xd8")
    assert len("".join(str(values["src"]) for values in thumbs)) < 1500 * 4 / 3 + 100


def test_two_thousand_scans_make_a_page_below_15_mb(model: ScreeningModel) -> None:
    """Markup of a card with all its pictures beside, and the most that thumbnails may take, as base64."""
    entries = tuple(entry(f"folder/bag{i}.png", "alarm", 0.9) for i in range(400))
    report = Report(ModelRef("m", "00"), {"pfa": 0.05}, entries)
    text = render_report(report, [Card(e, Pictures(None, "pictures/1.jpg")) for e in entries], model.card)
    markup = 2000 * len(text) / len(entries)
    assert markup + Limits.for_count(2000).total_bytes * 4 / 3 < 15e6


def test_the_full_list_of_classes_is_made_from_the_card(model: ScreeningModel) -> None:
    chances = {"gun": 0.9, "knife": 0.5, "liquid": 0.004}
    findings = tuple(ClassFinding(label, p, p > 0.8) for label, p in chances.items())
    scan = ScanReport("a", "", 9, 9, "alarm", findings)
    page = check(render_report(Report(ModelRef("m", "0"), {"pfa": 0.05}, (scan,)), [Card(scan)], model.card))
    article = next(values for tag, values in page.tags if tag == "article")
    classes = json.loads(str(next(values for tag, values in page.tags if tag == "main")["data-classes"]))
    assert [label for label, _ in classes] == ["gun", "knife", "liquid"]
    assert article["data-p"] == "0.9,0.5,0.004"


def test_an_interrupted_report_says_so(model: ScreeningModel) -> None:
    entries = tuple(entry(f"{i}") for i in range(74))
    report = Report(
        ModelRef("m", "0"), {"pfa": 0.05}, entries, (FailedScan("x", "y"),), interrupted=Interrupted(74, 150)
    )
    text = " ".join(render_report(report, [Card(e) for e in entries], model.card).split())
    assert "Interrupted, 74 of 150 screened." in text
    assert "75 files were not reached" in text
    finished = render_report(Report(ModelRef("m", "0"), {"pfa": 0.05}), [], model.card)
    assert "nterrupted" not in finished.split("</style>")[1]


def test_what_was_not_screened_is_counted_by_kind(model: ScreeningModel) -> None:
    report = Report(ModelRef("m", "0"), {"pfa": 0.05}, skipped={".dcm": 3, "without suffix": 1})
    text = render_report(report, [], model.card)
    check(text)
    assert "<strong>4</strong><span>– NOT SCREENED</span>" in text
    assert "<li><strong>3</strong> .dcm</li><li><strong>1</strong> without suffix</li>" in text


def test_control_characters_and_foreign_bytes_are_shown_as_escapes(model: ScreeningModel) -> None:
    evil = "bag\x1b[2J\udce9\u202egnp.png"
    report = Report(ModelRef(evil, "0"), {"pfa": 0.05}, (entry(evil),), (FailedScan(evil, evil),), {evil: 1})
    text = render_report(report, [Card(entry(evil), overlay=evil)], model.card)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e\ud800-\udfff]", text)
    assert r"bag\x1b[2J\xe9\u202egnp.png" in text


@pytest.mark.parametrize(
    ("probability", "text"), [(0, "0 %"), (0.004, "< 1 %"), (0.5, "50 %"), (0.996, "> 99 %"), (1, "100 %")]
)
def test_percent_never_claims_certainty(probability: float, text: str) -> None:
    assert percent(probability) == text
