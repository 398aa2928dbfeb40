"""Nothing in a folder is passed over in silence."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from beltline.core import BadInputError
from beltline.formats import find_scans, read_scan, write_png
from beltline.screening import ScreeningModel, collect, screen_files

BAG = np.full((40, 60, 3), 255, np.uint8)


def bag(path: Path) -> Path:
    write_png(path, BAG)
    return path


def a_set(root: Path) -> Path:
    """As the simulator writes one: images/, raw/, tables, sidecars."""
    for folder, suffix in (("images", "png"), ("raw", "tiff"), ("masks", "png")):
        bag(root / folder / f"a.{suffix}")
    for name in (".items/a.json", "scenes/a.json", "card.json"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("{}")
    (root / "labels.csv").write_text("name,gun\na,1\n")
    coco = {"images": [{"id": 1, "file_name": "images/a.png"}], "categories": [], "annotations": []}
    (root / "annotations.json").write_text(json.dumps(coco))
    return root


def names(folder: Path) -> list[str]:
    return [str(file.relative_to(folder)) for file in collect([folder]).files]


def test_scans_beside_a_folder_called_images_are_screened(tmp_path: Path) -> None:
    bag(tmp_path / "images" / "a.png")
    bag(tmp_path / "b.png")
    bag(tmp_path / "lane2" / "c.png")
    assert names(tmp_path) == ["b.png", "images/a.png", "lane2/c.png"]
    assert {file.name for file in find_scans(tmp_path)} == {"a.png", "b.png", "c.png"}


@pytest.mark.parametrize("text", ["{", '{"images": 3}', '{"images": [{"file_name": "elsewhere.png"}]}', "[]"])
def test_annotations_about_something_else_make_no_set(tmp_path: Path, text: str) -> None:
    bag(tmp_path / "images" / "a.png")
    bag(tmp_path / "raw" / "b.png")
    (tmp_path / "annotations.json").write_text(text)
    assert names(tmp_path) == ["images/a.png", "raw/b.png"]
    assert len(find_scans(tmp_path)) == 2


def test_a_set_gives_each_bag_once_and_has_nothing_skipped(tmp_path: Path) -> None:
    a_set(tmp_path / "set")
    found = collect([tmp_path / "set"])
    assert [file.relative_to(tmp_path / "set") for file in found.files] == [Path("images/a.png")]
    assert found.skipped == {}


def test_a_scan_laid_beside_a_set_is_screened_too(tmp_path: Path) -> None:
    bag(a_set(tmp_path / "deep" / "set") / "new.png")
    assert names(tmp_path) == ["deep/set/new.png", "deep/set/images/a.png"]


def test_what_is_no_scan_is_counted_by_kind(tmp_path: Path) -> None:
    bag(tmp_path / "a.png")
    for name in ("1.dcm", "2.DCM", "IM0001", "bag.17", "Thumbs.db", ".hidden.png", ".git/b.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"no picture")
    (tmp_path / "link").symlink_to(tmp_path)
    found = collect([tmp_path])
    assert [file.name for file in found.files] == ["a.png"]
    assert found.skipped == {
        ".dcm": 2, "without suffix": 2, ".db": 1, "hidden": 1, "hidden folder": 1, "linked folder": 1,
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "WEBP"])
def test_content_says_that_a_file_without_suffix_is_a_scan(tmp_path: Path, kind: str) -> None:
    Image.fromarray(BAG).save(tmp_path / "IM0001", format=kind)
    (tmp_path / "BMW").write_text("BMW drives in; a text and no bitmap, whatever its first two letters.")
    found = collect([tmp_path])
    assert [file.name for file in found.files] == ["IM0001"]
    assert found.skipped == {"without suffix": 1}


@pytest.mark.parametrize(
    ("suffix", "mode", "options"),
    [
        (".bmp", "RGB", {}), (".bmp", "L", {}), (".webp", "RGB", {"lossless": True}),
        (".WEBP", "RGBA", {"lossless": True}),
    ],
)  # fmt: skip
def test_bmp_and_webp_are_read(tmp_path: Path, suffix: str, mode: str, options: dict[str, bool]) -> None:
    picture = BAG.copy()
    picture[10:20, 10:30] = (200, 120, 40)
    stored = Image.fromarray(picture).convert(mode)
    stored.save(tmp_path / f"bag{suffix}", **options)
    expected = np.moveaxis(np.asarray(stored.convert("RGB"), dtype=np.float32) / 255, 2, 0)
    scan = read_scan(collect([tmp_path]).files[0])
    assert scan.quantity == "color"
    assert np.array_equal(np.broadcast_to(scan.pixels, expected.shape), expected)


@pytest.mark.parametrize("kind", ["BMP", "WEBP"])
def test_truncated_bmp_and_webp_are_bad_input(tmp_path: Path, kind: str) -> None:
    Image.fromarray(BAG).save(tmp_path / "whole", format=kind)
    (tmp_path / "half").write_bytes((tmp_path / "whole").read_bytes()[:-30])
    with pytest.raises(BadInputError, match="half"):
        read_scan(tmp_path / "half")


def test_a_pipe_among_the_files_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert collect([tmp_path]) == ([], [], {"without suffix": 1})


def test_a_folder_that_cannot_be_listed_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shut").mkdir()
    bag(tmp_path / "a.png")
    scandir = os.scandir

    def shut(place: str) -> object:
        if str(place).endswith("shut"):
            raise PermissionError(13, "Permission denied", str(place))
        return scandir(place)

    monkeypatch.setattr(os, "scandir", shut)
    found = collect([tmp_path])
    assert len(found.files) == 1
    assert [(Path(f.path).name, f.reason) for f in found.failed] == [
        ("shut", "cannot be listed (Permission denied)")
    ]


@pytest.mark.parametrize("name", ["²5.png", "x" * 300, "nul\0.png"])
def test_odd_names_are_no_crash(tmp_path: Path, name: str) -> None:
    if name.endswith("5.png"):
        bag(tmp_path / name)
    found = collect([tmp_path, tmp_path / name])
    assert len(found.files) + len(found.failed) == 1


def test_an_earlier_run_hides_only_its_own_pictures(tmp_path: Path, model: ScreeningModel) -> None:
    bag(tmp_path / "a.png")
    screen_files([tmp_path], tmp_path, model)
    bag(tmp_path / "overlays" / "mine.png")
    assert names(tmp_path) == ["a.png", "overlays/mine.png"]
    assert collect([tmp_path]).skipped == {}


def test_the_limit_is_counted(tmp_path: Path, model: ScreeningModel) -> None:
    from beltline.screening import RunOptions

    for name in "abc":
        bag(tmp_path / "in" / f"{name}.png")
    report = screen_files([tmp_path / "in"], tmp_path / "out", model, options=RunOptions(limit=1))
    assert report.skipped == {"beyond the limit": 2}
    assert report.interrupted is None


def test_a_folder_of_other_files_says_what_it_holds(tmp_path: Path, model: ScreeningModel) -> None:
    (tmp_path / "a.dcm").write_bytes(b"x")
    with pytest.raises(BadInputError, match=r"no scans found in .*, only 1 \.dcm; looked for \.png"):
        screen_files([tmp_path], tmp_path / "out", model)
