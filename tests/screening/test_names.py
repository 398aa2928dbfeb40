"""File names of any bytes and lengths neither end a run nor reach a terminal as they are."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from beltline.core import Report, path_text, printable, printable_lines
from beltline.formats import write_atomic, write_png
from beltline.screening import RunOptions, ScreeningModel, screen_files
from beltline.screening.results import file_name, is_result

PICTURE = np.full((40, 60, 3), 240, np.uint8)
LATIN = os.fsdecode(b"b-caf\xe9.png")
LONG = "c" * 250 + ".png"
WIDE = "d" + "é" * 124 + ".png"  # 253 bytes
ESCAPES = "e\x1b[31m\nred.png"


@pytest.fixture
def bags(tmp_path: Path) -> Path:
    folder = tmp_path / "bags"
    folder.mkdir()
    write_png(tmp_path / "a.png", PICTURE)
    for name in ("a.png", LATIN, LONG, WIDE, ESCAPES, "f.png"):
        os.link(tmp_path / "a.png", folder / name)
    (folder / os.fsdecode(b"broken\xff.png")).write_bytes(b"")
    return folder


@pytest.mark.parametrize("out", ["out", os.fsdecode(b"out-\xe9"), "o" * 250])
def test_odd_names_are_screened_and_written(
    bags: Path, tmp_path: Path, model: ScreeningModel, out: str
) -> None:
    report = screen_files([bags], tmp_path / out, model, options=RunOptions())
    assert len(report.scans) == 6
    assert len(report.failed) == 1
    text = (tmp_path / out / "report.json").read_text("utf-8")
    assert Report.from_json(text) == report
    assert any(scan.path.endswith(r"b-caf\xe9.png") for scan in report.scans)
    assert report.failed[0].path.endswith(r"broken\xff.png")
    json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8")  # no lone surrogate for strict readers
    page = (tmp_path / out / "report.html").read_text("utf-8")
    assert r"b-caf\xe9.png" in page
    assert "\x1b" not in page
    overlays = sorted((tmp_path / out / "overlays").iterdir())
    assert len(overlays) == 6
    assert all(len(os.fsencode(file.name)) <= 143 for file in overlays)


def test_an_overlay_is_called_as_its_scan() -> None:
    assert file_name(1, "bag 3", "jpg") == "00001_bag 3.jpg"
    assert file_name(12, "x" * 300, "png") == f"00012_{'x' * 120}.png"
    assert "/" not in file_name(1, "../../etc", "jpg")
    for stem in ("", "...", " ", "a\nb", "bag 3"):
        assert is_result(Path("overlays", file_name(3, stem, "jpg"))), "a later run knows it as ours"


def test_printable_keeps_what_people_write() -> None:
    for name in ("bag 1.png", "Gepäck №7.png", "行李.png", "حقيبة.png", "می\u200cخواهم.png"):
        assert printable(name) == name
    assert printable("a\tb\r\nc\x9b") == r"a\x09b\x0d\x0ac\x9b"
    assert printable_lines("a\n\x1bb") == "a\n\\x1bb"
    assert path_text(Path(LATIN)) == r"b-caf\xe9.png"


def test_json_of_foreign_bytes_is_written_and_read_back(tmp_path: Path) -> None:
    write_atomic(tmp_path / "x.json", json.dumps({"path": LATIN}, ensure_ascii=False))
    assert json.loads((tmp_path / "x.json").read_text("utf-8")) == {"path": LATIN}
