"""Threats cut out, kept and counted."""

import json
from datetime import date

import numpy as np
import pytest

from beltline.core import BadInputError, Instances, Masks, Scan
from beltline.formats import SetWriter, encode_tiff, write_png
from beltline.synthesis.cutting import (
    annotated_scans,
    cut_alone,
    cut_out,
    cut_set,
    filled,
    mask_of_box,
    uncluttered,
)
from beltline.synthesis.library import census, orientation, read_library, write_library
from beltline.synthesis.output import benign_scans
from beltline.synthesis.threat import Threat


def tray_with_bar(tray: float = 0.8, bar: float = 0.4, slope: float = 0.0) -> tuple[Scan, np.ndarray]:
    """A bar of known transmission over a tray whose own may fall to the right."""
    under = np.full((60, 80), tray, np.float32) - slope * np.arange(80, dtype=np.float32)
    mask = np.zeros((60, 80), bool)
    mask[20:30, 15:60] = True
    pixels = np.where(mask, under * bar, under).astype(np.float32)
    return Scan(np.stack([pixels, np.sqrt(pixels)]), "transmission", ("low", "high"), 1.5), mask


@pytest.mark.parametrize("slope", [0.0, 0.002])
def test_cutting_divides_by_what_lies_around(slope: float) -> None:
    scan, mask = tray_with_bar(slope=slope)
    threat = cut_out(scan, mask, "knife", "a1", {"scan": "s"})
    inner = threat.pixels[:, 3:-3, 4:-4]
    assert inner[0].mean() == pytest.approx(0.4, rel=0.02)
    assert inner[1].mean() == pytest.approx(np.sqrt(0.4), rel=0.02)
    assert np.abs(inner[0] - 0.4).max() < 0.03
    assert (threat.domain, threat.pixel_mm, threat.provenance["scan"]) == ("dual", 1.5, "s")
    assert threat.provenance["clutter"] < 0.2
    rim = np.concatenate([threat.pixels[:, 0].ravel(), threat.pixels[:, -1].ravel()])
    assert rim.min() > 0.6  # nothing of the tray is left around it


def test_clutter_around_an_item_is_told() -> None:
    scan, mask = tray_with_bar()
    busy = scan.pixels.copy()
    busy[:, :20, ::7] *= 0.3
    busy[:, 30:, ::5] *= 0.3
    other = Scan(busy, scan.quantity, scan.channels)
    clean, cluttered = (cut_out(s, mask, "knife", "a", {}).provenance["clutter"] for s in (scan, other))
    assert cluttered > 5 * clean + 0.3


def test_a_box_is_enough_where_the_item_stands_out() -> None:
    scan, mask = tray_with_bar()
    found = mask_of_box(scan, (10, 14, 66, 36))
    assert found is not None
    assert (found & mask).sum() / (found | mask).sum() > 0.9
    assert mask_of_box(scan, (62, 40, 78, 58)) is None  # nothing but tray


def test_a_smooth_surface_is_carried_on() -> None:
    rows, columns = np.mgrid[:40, :40].astype(np.float32)
    plane = 0.5 + 0.005 * rows + 0.003 * columns
    known = np.ones((40, 40), bool)
    known[12:28, 12:28] = False
    assert np.abs(filled(np.where(known, plane, 9).astype(np.float32), known) - plane).max() < 0.04


def test_a_lone_item_needs_air_and_something_in_it() -> None:
    air = np.ones((2, 40, 50), np.float32)
    with pytest.raises(BadInputError, match="nothing but air"):
        cut_alone(Scan(air, "transmission", ("low", "high")), "gun", "g", {"scan": "x.tif"})
    with pytest.raises(BadInputError, match=r"x\.tif: no air"):
        cut_alone(Scan(air * 0.5, "transmission", ("low", "high")), "gun", "g", {"scan": "x.tif"})
    held = air.copy()
    held[:, 10:20, 5:30] = 0.5
    threat = cut_alone(Scan(held, "transmission", ("low", "high")), "gun", "g", {})
    assert float(threat.mask.sum()) == pytest.approx(250, abs=10)


def bar(angle: float, article: str, label: str = "knife") -> Threat:
    rows, columns = np.mgrid[-20:21, -20:21]
    along = columns * np.cos(np.radians(angle)) + rows * np.sin(np.radians(angle))
    across = rows * np.cos(np.radians(angle)) - columns * np.sin(np.radians(angle))
    mask = ((abs(along) < 18) & (abs(across) < 4)).astype(np.float32)
    return Threat(1 - 0.5 * mask[None], mask, "grey", label, article, 1.0, {"scan": "s"})


@pytest.mark.parametrize("angle", [0, 20, 75, 120, 160])
def test_orientation_is_that_of_the_long_axis(angle: int) -> None:
    assert orientation(bar(angle, "a")) == pytest.approx(angle, abs=2)


def test_a_library_comes_back_as_written_and_grows(tmp_path) -> None:
    write_library(tmp_path, [bar(10, "a"), bar(70, "a")])
    library = write_library(tmp_path, [bar(70, "b", "gun")])
    again = read_library(tmp_path)
    assert [t.label for t in again] == ["knife", "knife", "gun"]
    assert again.labels == ("gun", "knife")
    assert again.articles("knife") == {"a": [0, 1]}
    assert np.abs(again[0].pixels - bar(10, "a").pixels).max() < 1e-3
    assert (again[0].mask == bar(10, "a").mask).all()
    assert again[2].provenance == {"scan": "s"}
    assert len(library) == 3


def test_the_census_counts_against_the_published_rules(tmp_path) -> None:
    library = write_library(tmp_path, [bar(10, "a"), bar(15, "a"), bar(70, "a"), bar(70, "b", "gun")])
    found = census(library, today=date.today())
    assert (found.images, found.articles, found.replaced) == (4, 2, 2)
    assert found.by_label["knife"] == (3, 1, 2.0)  # 10 and 15 degrees are one class of orientation
    assert found.shortfalls()[0] == "4 of 6000 images"
    later = census(library, today=date(date.today().year + 3, 1, 1))
    assert later.replaced == 0


def test_a_folder_per_class_is_a_library(tmp_path) -> None:
    item = np.full((40, 60, 3), 255, np.uint8)
    item[10:20, 10:50] = (40, 90, 160)
    (tmp_path / "Pistol" / "no1").mkdir(parents=True)
    write_png(tmp_path / "Pistol" / "no1" / "front.png", item)
    write_png(tmp_path / "Pistol" / "no1" / "side.png", item)
    write_png(tmp_path / "Pistol" / "lone.png", item)
    library = read_library(tmp_path)
    assert library.labels == ("gun",)
    assert sorted(map(len, library.articles("gun").values())) == [1, 2]
    assert library[0].domain == "color"


@pytest.mark.parametrize(
    "text", ["{", '{"exemplars": [{"domain": "dual"}]}', '{"exemplars": [{"domain": "x"}]}']
)
def test_a_damaged_library_says_so(tmp_path, text) -> None:
    (tmp_path / "library.json").write_text(text)
    with pytest.raises(BadInputError, match=r"library\.json: damaged"):
        read_library(tmp_path)


def test_no_library_says_what_one_is(tmp_path) -> None:
    with pytest.raises(BadInputError, match=r"knife/a\.png"):
        read_library(tmp_path)
    with pytest.raises(BadInputError, match="beltline synthesize library"):
        read_library(tmp_path / "none")
    with pytest.raises(BadInputError, match="no threat to keep"):
        write_library(tmp_path / "new", [])


def write_set(root, *, raw: bool) -> None:
    scan, mask = tray_with_bar()
    writer = SetWriter(root, classes=("knife",))
    image = np.round(255 * np.repeat(scan.pixels[0][..., None], 3, 2)).astype(np.uint8)
    held = Instances(np.array([[15, 20, 60, 30]]), ("knife",), masks=Masks.encode(mask[None]))
    planes = (scan.pixels[0], scan.pixels[1]) if raw else None
    writer.add(
        "a", image=image, raw=planes, instances=held, pixel_mm=2.0, instance_extras=[{"article": "k7"}]
    )
    writer.add("b", image=image, raw=planes, instances=Instances([], ()))
    writer.finish()


@pytest.mark.parametrize("raw", [True, False])
def test_an_annotated_set_gives_threats_with_their_article(tmp_path, raw) -> None:
    write_set(tmp_path, raw=raw)
    found = list(cut_set(annotated_scans(tmp_path), {"knife"}))
    assert [(t.article, t.domain, t.pixel_mm) for t in found] == [("k7", "dual" if raw else "color", 2.0)]
    assert found[0].provenance["by"] == "mask"
    assert list(cut_set(annotated_scans(tmp_path), {"gun"})) == []
    clutter = found[0].provenance["clutter"]
    assert list(uncluttered(iter(found), clutter)) == found
    with pytest.raises(
        BadInputError, match=rf"1 threats found.* take --clutter {np.ceil(10 * clutter) / 10:g}"
    ):
        list(uncluttered(iter(found), clutter - 0.01))
    assert list(uncluttered(iter(()), 0.0)) == []


def test_of_a_set_only_benign_scans_are_taken(tmp_path) -> None:
    write_set(tmp_path, raw=True)
    assert [(name, path.name) for name, path, _ in benign_scans(tmp_path)] == [("b", "b.tiff")]
    card = json.loads((tmp_path / "annotations.json").read_text())
    card["images"] = card["images"][:1]
    (tmp_path / "annotations.json").write_text(json.dumps(card))
    (tmp_path / "labels.csv").unlink()
    with pytest.raises(BadInputError, match="every scan of this set holds a threat"):
        benign_scans(tmp_path)


def test_tiff_and_pixel_side_survive(tmp_path) -> None:
    (tmp_path / "knife").mkdir()
    held = np.ones((40, 60), np.float32)
    held[10:20, 10:50] = 0.5
    (tmp_path / "knife" / "a.tif").write_bytes(encode_tiff(held, held, pixel_mm=1.0))
    assert read_library(tmp_path)[0].domain == "dual"
