"""From a folder to a set: what is left out and why, what stays whole, and what bad input comes to."""

import csv
import json
import os
import shutil

import cv2
import numpy as np
import pytest
from PIL import Image
from tests.data.curate.drawn import bag, write, write_bags, write_set

from beltline.core import BadInputError
from beltline.data.annotations.conversion import convert, read_annotated
from beltline.data.curate import CurationRule, curate, open_source, write_curated
from beltline.data.curate.kept_set import file_names
from beltline.data.public import fake_public_set, import_public_set, public_set
from beltline.formats import encode_png, read_set, verify_set

PLAIN = CurationRule(only=("resolution", "aspect"))


def reasons(curation):
    return {curation.file(number): found.reason for number, found in curation.rejected.items()}


def told(curation, file):
    return next(found for number, found in curation.rejected.items() if curation.file(number) == file)


def test_small_and_narrow_pictures_are_left_out_with_their_figures(tmp_path):
    write_bags(tmp_path / "in", 2)
    write(tmp_path / "in/edge.png", bag(50, size=(200, 260)))
    write(tmp_path / "in/small.png", bag(51, size=(199, 260)))
    write(tmp_path / "in/narrow.png", bag(52, size=(200, 801)))
    write(tmp_path / "in/long.png", bag(53, size=(200, 800)))
    found = curate(tmp_path / "in", PLAIN)
    assert reasons(found) == {"small.png": "resolution", "narrow.png": "aspect"}
    assert (told(found, "small.png").figure, told(found, "small.png").limit) == (199, 200)
    assert told(found, "narrow.png").figure == pytest.approx(4.005)
    assert found.counts() == {
        "missing": 0, "unreadable": 0, "unjudged": 0, "resolution": 1, "aspect": 1, "sharpness": 0,
        "duplicate": 0,
    }  # fmt: skip
    assert "6 pictures, 4 kept, 2 left out" in found.lines()[0]


def test_blurred_pictures_are_left_out_and_never_more_than_the_share(tmp_path):
    write_bags(tmp_path / "in", 20)
    write(tmp_path / "in/bag07.png", cv2.GaussianBlur(bag(7), (0, 0), 3))
    only = CurationRule(only=("sharpness",))
    found = curate(tmp_path / "in", only)
    assert reasons(found) == {"bag07.png": "sharpness"}
    assert told(found, "bag07.png").figure < found.sharpness_limit
    shutil.rmtree(tmp_path / "in")
    write_bags(tmp_path / "in", 19)
    assert reasons(curate(tmp_path / "in", only)) == {}
    strict = CurationRule(only=("sharpness",), min_sharpness=1e6)
    assert len(curate(tmp_path / "in", strict).rejected) == 19


def test_the_percentile_is_of_what_came_so_far(tmp_path):
    write_bags(tmp_path / "in", 20)
    for number in range(10):
        small = cv2.GaussianBlur(bag(number), (0, 0), 4)[:100]
        write(tmp_path / f"in/small{number}.png", small)
    rule = CurationRule(only=("resolution", "sharpness"))
    found = curate(tmp_path / "in", rule).counts()
    assert (found["sharpness"], found["resolution"]) == (1, 10)


def test_duplicates_are_found_however_they_lie_and_the_best_stays(tmp_path):
    pixels = bag(1, size=(300, 400))
    write_bags(tmp_path / "in", 6, first=10)
    write(tmp_path / "in/a_small.png", cv2.resize(pixels, (320, 240), interpolation=cv2.INTER_AREA))
    write(tmp_path / "in/b_best.png", pixels)
    write(tmp_path / "in/c_mirrored.png", pixels[4:-4, ::-1])
    write(tmp_path / "in/d_turned.png", np.rot90(pixels)[:-3])
    write(tmp_path / "in/e_grey.png", np.repeat(pixels.mean(2, keepdims=True), 3, 2).astype(np.uint8))
    (tmp_path / "in/f_same.png").write_bytes((tmp_path / "in/b_best.png").read_bytes())
    found = curate(tmp_path / "in", CurationRule(only=("duplicate",)))
    assert set(reasons(found)) == {
        "a_small.png", "c_mirrored.png", "d_turned.png", "e_grey.png", "f_same.png",
    }  # fmt: skip
    assert {r.twin for r in found.rejected.values()} == {"b_best.png"}
    assert told(found, "c_mirrored.png").detail == "mirrored left to right"
    assert told(found, "d_turned.png").detail == "turned by 90 degrees to the right"
    assert told(found, "f_same.png").figure == 1.0
    assert all(r.figure >= 0.7 for r in found.rejected.values())


def test_pictures_of_other_sets_are_left_out_and_those_stay_as_they_are(tmp_path):
    write_bags(tmp_path / "in", 4)
    write(tmp_path / "test/deep/x.png", bag(2)[:, ::-1])
    write(tmp_path / "test/y.png", bag(30))
    (tmp_path / "test/broken.png").write_bytes(b"x")
    before = sorted(path.name for path in (tmp_path / "test").rglob("*"))
    found = curate(tmp_path / "in", CurationRule(only=("duplicate",)), against=[tmp_path / "test"])
    assert reasons(found) == {"bag02.png": "duplicate"}
    assert (told(found, "bag02.png").twin, told(found, "bag02.png").folder) == (
        "deep/x.png", str(tmp_path / "test"),
    )  # fmt: skip
    assert before == sorted(path.name for path in (tmp_path / "test").rglob("*"))
    assert any(f"of them in {tmp_path / 'test'}" in line for line in found.lines())


@pytest.mark.parametrize("places", [("in", "in"), ("in", "in/deep"), ("in/deep", "in")])
def test_a_folder_is_not_held_against_itself(places, tmp_path):
    write_bags(tmp_path / "in/deep", 1)
    with pytest.raises(BadInputError, match="its own twin"):
        curate(tmp_path / places[0], against=[tmp_path / places[1]])


def test_a_bag_with_and_one_without_a_gun_are_two_pictures(tmp_path):
    pixels = bag(1)
    pictures = {"a": (pixels, "gun"), "b": (pixels[1:], ""), "c": (pixels[2:], None), "d": (bag(2), "knife")}
    root = write_set(tmp_path / "set", pictures)
    found = curate(root, CurationRule(only=("duplicate",)))
    assert reasons(found) == {"images/c.png": "duplicate"}
    assert {found.file(n): r.twin for n, r in found.at_odds.items()} == {"images/b.png": "images/a.png"}
    assert any("annotated with other classes" in line for line in found.lines())
    assert found.to_json()["at_odds"][0]["file"] == "images/b.png"
    write_set(tmp_path / "test", {"t": (pixels, "")})
    against = curate(root, CurationRule(only=("duplicate",)), against=[tmp_path / "test"])
    assert set(reasons(against)) == {"images/a.png", "images/b.png", "images/c.png"}  # a leak is a leak


def test_an_annotated_picture_goes_before_a_larger_one_that_is_not(tmp_path):
    pixels = bag(1)
    large = cv2.resize(pixels, None, fx=2, fy=2)
    root = write_set(tmp_path / "set", {"a": (pixels, "gun"), "b": (large, None)})
    assert reasons(curate(root, CurationRule(only=("duplicate",)))) == {"images/b.png": "duplicate"}


def test_what_leaks_goes_from_training(tmp_path):
    pixels = bag(1, size=(300, 400))
    root = write_set(tmp_path / "set", {"train_a": (pixels, "gun"), "test_a": (pixels[:-60, :-80], "gun")})
    write(root / "images/test_a.png", cv2.resize(pixels, (320, 240), interpolation=cv2.INTER_AREA))
    coco = json.loads((root / "annotations.json").read_text())
    for record in coco["images"]:
        record["split"] = record["file_name"].removeprefix("images/").partition("_")[0]
    (root / "annotations.json").write_text(json.dumps(coco))
    assert reasons(curate(root, CurationRule(only=("duplicate",)))) == {"images/train_a.png": "duplicate"}


def test_a_set_keeps_all_that_was_known(tmp_path):
    pictures = {"a": (bag(1), "gun"), "b": (bag(2)[:100], "knife"), "c": (bag(3), ""), "d": (bag(4), None)}
    root = write_set(tmp_path / "set", pictures, raw=True)
    curation, card = write_curated(root, tmp_path / "out", PLAIN)
    before, after = read_set(root), read_set(tmp_path / "out")
    assert after.names == ("a", "c", "d")
    assert after.classes == before.classes
    np.testing.assert_array_equal(after.labels, before.labels[[0, 2, 3]])
    assert after.instances(0).labels == ("gun",)
    assert after.instances(2) is None
    assert after.scene(0) == before.scene(0)
    raw = read_set(tmp_path / "out", pixels="transmission")
    assert raw[1].scan.quantity == "transmission"
    assert verify_set(tmp_path / "out") == []
    assert card["terms"] == "for tests"
    assert os.path.samefile(after.path(0), before.path(0))
    report = json.loads((tmp_path / "out/curation.json").read_text())
    assert report == curation.to_json()
    (row,) = csv.DictReader((tmp_path / "out/curation.csv").read_text().splitlines())
    told_of = [row[name] for name in ("file", "reason", "figure", "limit")]
    assert told_of == ["images/b.png", "resolution", "100", "200"]
    assert not (tmp_path / "out/.measured").exists()


def test_classes_of_an_imported_set_stay_those_of_the_taxonomy(tmp_path):
    copy = fake_public_set("xseg", tmp_path / "copy", each=4)
    import_public_set(public_set("xseg"), copy, tmp_path / "set")
    write_curated(tmp_path / "set", tmp_path / "out", CurationRule(min_side=1, only=("resolution",)))
    before, after = read_set(tmp_path / "set"), read_set(tmp_path / "out")
    assert after.classes == before.classes
    assert [record["split"] for record in after.records] == [record["split"] for record in before.records]
    for number in range(len(after)):
        assert after.instances(number).labels == before.instances(number).labels
        assert (after.instances(number).masks.areas() == before.instances(number).masks.areas()).all()
        assert after.annotations[number][0]["name"] == before.annotations[number][0]["name"]


@pytest.mark.parametrize("target", ["coco", "voc", "yolo"])
def test_other_annotations_come_along(target, tmp_path):
    root = write_set(tmp_path / "set", {"a": (bag(1), "gun"), "b": (bag(2)[:150], "knife")})
    convert(read_annotated(root), tmp_path / target, target)
    write_curated(tmp_path / target, tmp_path / "out", PLAIN)
    opened = read_set(tmp_path / "out")
    assert opened.names == ("a",)
    assert opened.instances(0).labels == ("gun",)
    np.testing.assert_allclose(opened.instances(0).boxes, [[8, 8, 40, 40]], atol=0.01)


def test_pictures_of_one_name_in_two_folders_both_stay(tmp_path):
    write(tmp_path / "in/x/scan.png", bag(1))
    write(tmp_path / "in/y/scan.png", bag(2))
    write(tmp_path / "in/x_scan.png", bag(3))
    write_curated(tmp_path / "in", tmp_path / "out", PLAIN)
    assert sorted(read_set(tmp_path / "out").names) == ["x_scan", "x_scan-2", "y_scan"]
    names = file_names(open_source(tmp_path / "in").data.pictures)
    assert len(set(names.values())) == 3


def bad_files(folder):
    """Damaged files by name, and whether each is left out as unreadable."""
    png, rng = encode_png(bag(1)), np.random.default_rng(0)
    folder.mkdir()
    (folder / "empty.png").write_bytes(b"")
    (folder / "cut.png").write_bytes(png[: len(png) // 2])
    (folder / "text.png").write_text("no picture")
    (folder / "bomb.png").write_bytes(png[:16] + b"\x7f\xff\xff\xff" * 2 + png[24:])
    (folder / "strip.png").write_bytes(encode_png(np.full((3, 400, 3), 9, np.uint8)))
    (folder / "bitmap.bmp").write_bytes(bytes(cv2.imencode(".bmp", bag(1))[1]))
    (folder / "arrays.npz").write_bytes(b"PK\x03\x04 nothing")
    (folder / "folder.png").mkdir()
    (folder / "loop.png").symlink_to(folder / "loop.png")
    flipped = bytearray(png)
    flipped[len(png) // 2 : len(png) // 2 + 8] = bytes(rng.integers(0, 256, 8, dtype=np.uint8))
    (folder / "flipped.png").write_bytes(bytes(flipped))
    os.mkfifo(folder / "pipe.png")
    broken = "empty.png cut.png text.png bomb.png strip.png bitmap.bmp arrays.npz flipped.png"
    return set(broken.split())


def whole_files(folder):
    """Odd files that are whole: every one another bag."""
    for number, mode in enumerate(("P", "CMYK", "RGBA", "L", "1")):
        suffix = "jpg" if mode == "CMYK" else "png"
        Image.fromarray(bag(60 + number)).convert(mode).save(folder / f"{mode}.{suffix}")
    deep = 257 * bag(70).mean(2).astype(np.uint16)
    (folder / "deep.png").write_bytes(encode_png(deep))
    shutil.copy(folder / "CMYK.jpg", folder / "wrong_suffix.png")
    return {"P.png", "CMYK.jpg", "RGBA.png", "L.png", "1.png", "deep.png", "wrong_suffix.png"}


def test_bad_files_are_named_and_the_others_go_on(tmp_path):
    broken = bad_files(tmp_path / "in")
    whole = whole_files(tmp_path / "in")
    curation, card = write_curated(tmp_path / "in", tmp_path / "out", PLAIN)
    assert {file for file, reason in reasons(curation).items() if reason == "unreadable"} == broken
    assert {curation.file(number) for number in curation.kept} == whole
    assert card["skipped"] == {}
    assert len(read_set(tmp_path / "out")) == len(whole)
    for rejection in curation.rejected.values():
        assert rejection.detail
        assert "\n" not in rejection.detail
        assert str(tmp_path) not in rejection.detail


def test_missing_pictures_and_damaged_annotations_of_a_set_are_told(tmp_path):
    root = write_set(tmp_path / "set", {name: (bag(n), "gun") for n, name in enumerate("abc")})
    (root / "images/b.png").unlink()
    found = curate(root, PLAIN)
    assert reasons(found) == {"images/b.png": "missing"}
    convert(read_annotated(root), tmp_path / "voc", "voc")
    (tmp_path / "voc/Annotations/a.xml").write_text("<annotation>")
    assert reasons(curate(tmp_path / "voc", PLAIN)) == {"JPEGImages/a.png": "unreadable"}


@pytest.mark.parametrize("place", ["../secret.json", "/etc/hostname", "scenes/gone.json", "a\0b", 7, None])
def test_a_record_that_leads_out_of_the_set_brings_nothing(place, tmp_path):
    (tmp_path / "secret.json").write_text("{}")
    root = write_set(tmp_path / "set", {"a": (bag(1), "gun")})
    coco = json.loads((root / "annotations.json").read_text())
    coco["images"][0]["note"] = "stays"
    coco["images"][0]["scene"] = place
    (root / "annotations.json").write_text(json.dumps(coco))
    if isinstance(place, int) or place == "a\0b":
        with pytest.raises(BadInputError, match=r"annotations\.json"):
            write_curated(root, tmp_path / "out", PLAIN)
        return
    write_curated(root, tmp_path / "out", PLAIN)
    (record,) = read_set(tmp_path / "out").records
    assert "scene" not in record
    assert record["note"] == "stays"
    assert not (tmp_path / "out/scenes").exists()


@pytest.mark.parametrize("where", ["nowhere", "file", "empty"])
def test_no_folder_of_pictures_is_bad_input(where, tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInputError, match=where):
        curate(tmp_path / where)


def test_annotations_that_cannot_be_read_are_not_passed_over(tmp_path):
    write_bags(tmp_path / "in/images", 1)
    (tmp_path / "in/annotations.json").write_text("{")
    with pytest.raises(BadInputError, match=r"annotations\.json"):
        curate(tmp_path / "in")


def test_out_is_kept_apart_from_the_source_and_from_other_plans(tmp_path):
    write_bags(tmp_path / "in", 2)
    with pytest.raises(BadInputError, match="lies in"):
        write_curated(tmp_path / "in", tmp_path / "in/out", PLAIN)
    write_curated(tmp_path / "in", tmp_path / "out", PLAIN)
    first = (tmp_path / "out/annotations.json").read_bytes()
    write_curated(tmp_path / "in", tmp_path / "out", PLAIN)
    assert (tmp_path / "out/annotations.json").read_bytes() == first
    with pytest.raises(BadInputError, match=r"rule was .* now"):
        write_curated(tmp_path / "in", tmp_path / "out", CurationRule(min_side=100))
    with pytest.raises(BadInputError, match="no picture is left of 2; 2 fall short by resolution"):
        write_curated(tmp_path / "in", tmp_path / "other", CurationRule(min_side=1000))
    assert len(write_curated(tmp_path / "in", tmp_path / "other", PLAIN)[0].kept) == 2


def test_a_stopped_run_goes_on_where_it_was(tmp_path, monkeypatch):
    from beltline.data.curate import measuring

    monkeypatch.setattr(measuring, "BLOCK", 2)
    write_bags(tmp_path / "in", 6)
    measured, real, most = [], measuring.measure, 4

    def counting(paths, judge=None):
        if len(measured) == most:
            raise KeyboardInterrupt
        measured.extend(path.name for path in paths)
        return real(paths, judge)

    monkeypatch.setattr(measuring, "measure", counting)
    with pytest.raises(KeyboardInterrupt):
        write_curated(tmp_path / "in", tmp_path / "out", PLAIN)
    assert len(list((tmp_path / "out/.measured").glob("*.npz"))) == 2
    most = 99
    curation, _ = write_curated(tmp_path / "in", tmp_path / "out", PLAIN)
    assert measured == [f"bag{n:02d}.png" for n in range(6)]
    assert len(curation.kept) == 6


def test_kept_measures_are_those_of_the_files_as_they_are(tmp_path):
    write_bags(tmp_path / "in", 3)
    cache = tmp_path / "cache"
    first = curate(tmp_path / "in", PLAIN, cache=cache)
    (kept,) = cache.glob("*.npz")
    thumbnails = first.measures.thumbnails
    again = curate(tmp_path / "in", PLAIN, cache=cache)
    assert [again.rejected, len(again.measures)] == [first.rejected, 3]
    assert (again.measures.codes == first.measures.codes).all()
    kept.write_bytes(kept.read_bytes()[:-200])
    assert (curate(tmp_path / "in", PLAIN, cache=cache).measures.thumbnails == thumbnails).all()
    write(tmp_path / "in/bag01.png", bag(1)[:90])
    assert reasons(curate(tmp_path / "in", PLAIN, cache=cache)) == {"bag01.png": "resolution"}


def test_processes_change_nothing_and_progress_is_told(tmp_path, monkeypatch):
    from beltline.data.curate import measuring
    from beltline.screening.judgeable import why_not_judged

    monkeypatch.setattr(measuring, "BLOCK", 3)
    write_bags(tmp_path / "in", 7)
    write(tmp_path / "in/black.png", np.zeros((240, 320, 3), np.uint8))
    write_bags(tmp_path / "other", 1, first=40)
    steps = []
    options = {"against": [tmp_path / "other"], "judge": why_not_judged}
    one = curate(tmp_path / "in", on_progress=lambda *step: steps.append(step), **options)
    two = curate(tmp_path / "in", processes=2, **options)
    assert reasons(one)["black.png"] == "unjudged"
    assert "black" in told(one, "black.png").detail
    assert one.to_json() == two.to_json()
    places = [step[0] for step in steps]
    assert places[:4] == [3, 6, 8, 9]
    assert places[4:] == list(range(9 + len(one.rejected), 18))
    assert {step[1] for step in steps} == {17}


@pytest.mark.parametrize(
    "changes",
    [
        {"min_side": 0}, {"max_aspect": 0.5}, {"max_aspect": float("nan")}, {"blurred_percent": 51},
        {"code_bits": 16}, {"min_likeness": 1.1}, {"only": ("colour",)}, {"only": ()}, {"min_sharpness": -1},
    ],
)  # fmt: skip
def test_a_rule_that_makes_no_sense_is_refused(changes):
    with pytest.raises(ValueError, match="must be"):
        CurationRule(**changes)
