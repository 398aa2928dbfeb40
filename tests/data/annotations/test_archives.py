"""Zip archives as CVAT exports them: read in place or unpacked; none leads outside or grows without end."""

import zipfile

import numpy as np
import pytest

from beltline.core import BadInputError, Masks
from beltline.data.annotations import Annotated, AnnotatedObject, Picture
from beltline.data.annotations.archives import MOST_GROWTH, unpacked, with_images
from beltline.data.annotations.conversion import convert, guess_format, read_annotated
from beltline.data.annotations.cvat import read_cvat
from beltline.data.annotations.fake import write_picture

SIZE = (48, 64)


@pytest.fixture
def plain(tmp_path):
    ring = np.zeros(SIZE, bool)
    ring[10:30, 20:50], ring[15:20, 25:30] = True, False
    item = AnnotatedObject("gun", (20, 10, 50, 30), Masks.encode(ring[None]).to_coco()[0])
    pictures = (Picture("a.png", (item,), "", SIZE), Picture("b.png", (), "", SIZE))
    for picture in pictures:
        write_picture(tmp_path / "plain", picture, rng=np.random.default_rng(0))
    return Annotated(tmp_path / "plain", ("gun",), pictures)


def packed(target, files):
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target


@pytest.fixture
def export(plain, tmp_path):
    """A folder as it went out, and the files of the zip that CVAT would give back."""
    convert(plain, tmp_path / "out", "cvat")
    below = [path for path in sorted((tmp_path / "out").rglob("*")) if path.is_file()]
    return {path.relative_to(tmp_path / "out").as_posix(): path.read_bytes() for path in below}


def test_a_zip_without_images_is_read_beside_them(export, tmp_path):
    back = packed(tmp_path / "out" / "task.zip", {"annotations.xml": export["annotations.xml"]})
    assert guess_format(back) == "cvat"
    with with_images(back) as place:
        data = read_annotated(place)
        assert (place, data.root) == (back, tmp_path / "out")
    assert [(p.file, p.present) for p in data.pictures] == [("images/a.png", True), ("images/b.png", True)]
    assert len(data.pictures[0].objects) == 1


def test_a_zip_with_images_is_unpacked_and_converted(export, tmp_path):
    back = packed(tmp_path / "task.zip", export)
    with with_images(back) as place:
        data = read_annotated(place)
        losses = convert(data, tmp_path / "coco", "coco", copy=True, source=back)
    assert not place.exists()
    assert not [kind for kind in losses.counts if kind != "own_field"]
    assert [p.present for p in read_annotated(tmp_path / "coco").pictures] == [True, True]
    assert str(back) in (tmp_path / "coco" / "losses.json").read_text()


@pytest.mark.parametrize(
    "name", ["../up.png", "/tmp/up.png", "images/../../up.png", "images\\..\\up.png", "C:up.png"]
)
def test_no_file_of_an_archive_leads_outside(export, tmp_path, name):
    back = packed(tmp_path / "task.zip", export | {name: b"x"})
    with pytest.raises(BadInputError, match="no place inside the archive"), unpacked(back):
        pass
    assert not (tmp_path / "up.png").exists()


def test_a_link_in_an_archive_becomes_a_file(export, tmp_path):
    link = zipfile.ZipInfo("images/c.png")
    link.external_attr = 0o120777 << 16
    back = packed(tmp_path / "task.zip", export)
    with zipfile.ZipFile(back, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    with unpacked(back) as place:
        assert not (place / "images" / "c.png").is_symlink()
        assert (place / "images" / "c.png").read_text() == "/etc/passwd"


def test_an_archive_may_not_grow_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr("beltline.data.annotations.archives._SPARE", 0)
    back = packed(tmp_path / "task.zip", {"annotations.xml": b"<a>" + b" " * 3_000_000})
    assert MOST_GROWTH * back.stat().st_size < 3_000_000
    with pytest.raises(BadInputError, match="would unpack to"), unpacked(back):
        pass


def test_a_large_file_in_an_archive_is_refused(tmp_path, monkeypatch):
    back = packed(tmp_path / "task.zip", {"annotations.xml": b"<annotations>" + b" " * 10_000})
    monkeypatch.setattr("beltline.data.annotations.archives.MAX_FILE_BYTES", 9_000)
    with pytest.raises(BadInputError, match="above the limit of 9000"):
        read_cvat(back)
    monkeypatch.undo()
    monkeypatch.setattr("beltline.data.annotations.annotation_xml.MAX_FILE_BYTES", 9_000)
    with pytest.raises(BadInputError, match="above the limit of 9000"):
        read_cvat(back)


@pytest.mark.parametrize("damage", [
    lambda data: data[:-30], lambda data: b"no archive", lambda data: b"",
    lambda data: data[:60] + bytes(80) + data[140:],
])  # fmt: skip
def test_a_damaged_archive_is_one_clear_line(export, tmp_path, damage):
    back = packed(tmp_path / "task.zip", {"annotations.xml": export["annotations.xml"]})
    back.write_bytes(damage(back.read_bytes()))
    with pytest.raises(BadInputError, match=r"task\.zip: ") as caught:
        read_cvat(back)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("names", [(), ("a/annotations.xml", "b/annotations.xml"), ("other.xml",)])
def test_an_archive_holds_one_annotations_xml(export, tmp_path, names):
    back = packed(tmp_path / "task.zip", dict.fromkeys(names, export["annotations.xml"]))
    with pytest.raises(BadInputError, match=r"expected one annotations\.xml"):
        read_cvat(back)


def test_an_encrypted_archive_is_refused(export, tmp_path):
    back = packed(tmp_path / "task.zip", {"annotations.xml": export["annotations.xml"]})
    data = bytearray(back.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    back.write_bytes(data)
    with pytest.raises(BadInputError, match="encrypted"):
        read_cvat(back)


def test_errors_name_the_archive_and_not_the_folder_it_was_in(export, tmp_path):
    back = packed(tmp_path / "task.zip", export | {"annotations.xml": b"<annotations>"})
    with (
        pytest.raises(BadInputError, match=r"task\.zip: annotations\.xml: damaged XML"),
        with_images(back) as place,
    ):
        read_annotated(place)
