"""A data set off the disk: tables at once, pixels when asked for."""

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from beltline.core import Instances, Masks, Sample, Scan, ShapeError, xywh_to_xyxy
from beltline.formats.atomic import sha256_of
from beltline.formats.json_files import read_json
from beltline.formats.limits import bad
from beltline.formats.scans import read_scan

Pixels: TypeAlias = Literal["color", "transmission"]
_FARTHEST_PX = 10_000_000
_LABEL_VALUES = {"1": 1.0, "-1": 0.0, "0": float("nan")}


@dataclass(frozen=True, eq=False)
class ScanSet:
    """A set as ``SetWriter`` lays it out, or any COCO set with the same file names.

    A sequence of samples: ``len(set)``, ``set[3]``, iteration; pixels are read on access.

    Attributes:
        root: Its folder.
        classes: K names, the order of ``image_labels``.
        names: One per scan, sorted as in annotations.json.
        records: The COCO image record of each scan.
        annotations: The COCO annotations of each scan, with their extra fields and a ``label``.
        labels: Shape (N, K), 0, 1 or NaN.
        pixels: Which of the two to read: "color" (images/) or "transmission" (raw/).
        card: card.json.
    """

    root: Path
    classes: tuple[str, ...]
    names: tuple[str, ...]
    records: tuple[Mapping[str, Any], ...]
    annotations: tuple[tuple[Mapping[str, Any], ...], ...]
    labels: NDArray[np.float32]
    pixels: Pixels
    card: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Sample:
        return Sample(self.scan(index), self.labels[index], self.instances(index))

    def __iter__(self) -> Iterator[Sample]:
        return (self[index] for index in range(len(self)))

    def path(self, index: int) -> Path:
        """The file that ``scan`` reads.

        Raises:
            BadInputError: If the set keeps no raw transmission of this scan.
        """
        record = self.records[index]
        relative: str | None = record["file_name"] if self.pixels == "color" else record.get("raw")
        if relative is None:
            raise bad(self.root, f"{self.names[index]} has no raw transmission; read the set as color")
        return self._inside(relative)

    def _inside(self, relative: str) -> Path:
        try:
            target: Path = (self.root / relative).resolve()
        except (OSError, RuntimeError, ValueError) as error:  # a link that leads to itself is a RuntimeError
            raise bad(self.root, f"{relative[:80]!r} is no place in the set ({error})") from error
        if not target.is_relative_to(self.root.resolve()):
            raise bad(self.root, f"annotations.json points outside the set ({relative})")
        return target

    def scan(self, index: int) -> Scan:
        """The pixels of one scan.

        Raises:
            BadInputError: If the file is bad, or of another size than its record.
        """
        scan = read_scan(self.path(index))
        record = self.records[index]
        if (scan.height, scan.width) != (record["height"], record["width"]):
            raise bad(self.path(index), f"is {scan.width}x{scan.height}, annotations.json says otherwise")
        mm = record.get("pixel_mm")
        return scan if mm is None else Scan(scan.pixels, scan.quantity, scan.channels, float(mm))

    def instances(self, index: int) -> Instances | None:
        """The objects of one scan; None where nobody annotated.

        Those with COCO's ``iscrowd`` or VOC's ``difficult`` are ignored; masks are there where every object
        has run lengths.

        Raises:
            BadInputError: If run lengths are damaged, or of another size than the scan.
        """
        record, found = self.records[index], self.annotations[index]
        if not record.get("annotated", True):
            return None
        size = (int(record["height"]), int(record["width"]))
        rles = [item["segmentation"] for item in found if isinstance(item.get("segmentation"), dict)]
        try:
            masks = Masks.from_coco(rles, size) if len(rles) == len(found) else None
        except ShapeError as error:
            raise bad(self.root / "annotations.json", f"{self.names[index]}: {error}") from error
        return Instances(
            xywh_to_xyxy([item["bbox"] for item in found]),
            tuple(item["label"] for item in found),
            masks=masks,
            ignored=np.array([bool(item.get("iscrowd") or item.get("difficult")) for item in found], bool),
            occlusion=np.array([item.get("occlusion", np.nan) for item in found], np.float32),
        )

    def scene(self, index: int) -> dict[str, Any] | None:
        """What replays the scan, or None."""
        relative = self.records[index].get("scene")
        if relative is None:
            return None
        scene: dict[str, Any] = _object(self._inside(relative))
        return scene


def read_set(path: str | Path, *, pixels: Pixels = "color") -> ScanSet:
    """Open a set; only its tables are read.

    Raises:
        BadInputError: If annotations.json is missing, damaged or inconsistent.
    """
    root = Path(path)
    if not root.is_dir():
        raise bad(root, "no such folder")
    categories, records, annotations = read_annotations(root / "annotations.json")
    stems = tuple(Path(record["file_name"]).stem for record in records)
    card = _object(root / "card.json") if (root / "card.json").is_file() else {}
    if (root / "labels.csv").is_file():
        classes, labels = _labels(root / "labels.csv", stems)
    else:
        classes = categories
        labels = _labels_of(annotations, classes)
    return ScanSet(root, classes, stems, records, annotations, labels, pixels, card)


def read_annotations(
    path: Path,
) -> tuple[tuple[str, ...], tuple[Mapping[str, Any], ...], tuple[tuple[Mapping[str, Any], ...], ...]]:
    """The tables of a COCO file with boxes.

    Returns:
        The categories; the image records; the annotations of each image, with a ``label``.

    Raises:
        BadInputError: If it is missing, damaged or inconsistent.
    """
    coco = _object(path)
    try:
        names = {category["id"]: str(category["name"]) for category in coco["categories"]}
        records = tuple(_checked_record(record) for record in coco["images"])
        grouped: dict[Any, list[Mapping[str, Any]]] = {record["id"]: [] for record in records}
        for item in coco["annotations"]:
            grouped[item["image_id"]].append({**_checked(item), "label": names[item["category_id"]]})
        annotations = tuple(tuple(grouped[record["id"]]) for record in records)
    except (KeyError, TypeError, ValueError) as error:
        raise bad(path, f"not a COCO file with boxes ({error!r})") from error
    return tuple(names.values()), records, annotations


def verify_set(path: str | Path) -> list[str]:
    """Compare every file with the hashes of card.json; one line per problem, none if all is well.

    Raises:
        BadInputError: If the set has no card with hashes.
    """
    root = Path(path)
    hashes = _object(root / "card.json").get("sha256")
    if not isinstance(hashes, dict):
        raise bad(root / "card.json", "holds no hashes")
    problems = []
    for relative, expected in hashes.items():
        if not _is_file(root / relative):
            problems.append(f"{relative}: missing")
        elif sha256_of(root / relative) != expected:
            problems.append(f"{relative}: changed since the set was finished")
    return problems


def _labels(path: Path, names: tuple[str, ...]) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.reader(stream))
        classes = tuple(rows[0][1:])
        by_name = {row[0]: [_LABEL_VALUES[value] for value in row[1:]] for row in rows[1:]}
        table = np.array([by_name[name] for name in names], dtype=np.float32)
        return classes, table.reshape(len(names), len(classes))
    except (KeyError, IndexError, ValueError, OSError, csv.Error) as error:
        raise bad(path, f"does not fit annotations.json ({error!r})") from error


def _labels_of(
    annotations: tuple[tuple[Mapping[str, Any], ...], ...], classes: tuple[str, ...]
) -> NDArray[np.float32]:
    present = [{item["label"] for item in found} for found in annotations]
    rows = [[float(name in seen) for name in classes] for seen in present]
    return np.array(rows, dtype=np.float32).reshape(len(annotations), len(classes))


def _checked_record(record: Any) -> Mapping[str, Any]:
    """An image record of which size, places and pitch are what they should be.

    Raises:
        ValueError: If one is not.
    """
    places = [record["file_name"], *(record[key] for key in ("raw", "scene") if record.get(key) is not None)]
    if not all(isinstance(place, str) and place and "\0" not in place for place in places):
        raise ValueError(f"image {record['id']} has no file names of text")
    if not all(isinstance(record[side], int) and record[side] > 0 for side in ("height", "width")):
        raise ValueError(f"{record['file_name']} needs a height and a width in whole pixels")
    mm = record.get("pixel_mm")
    if mm is not None and not (isinstance(mm, int | float) and 0 < mm < math.inf):
        raise ValueError(f"{record['file_name']} has a pixel_mm of {str(mm)[:20]}")
    return dict(record)


def _checked(item: Any) -> Mapping[str, Any]:
    """An annotation with a box that is one.

    Raises:
        ValueError: If it has none.
    """
    box = item["bbox"]
    if not isinstance(box, list) or len(box) != 4 or not all(isinstance(v, int | float) for v in box):
        raise ValueError(f"annotation {item.get('id')} needs a bbox of four numbers")
    if not all(abs(v) <= _FARTHEST_PX for v in box) or min(box[2:]) < 0:
        raise ValueError(f"annotation {item.get('id')} has the bbox {str(box)[:60]}")
    return dict(item)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _object(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise bad(path, "missing; is this a Beltline set?")
    found = read_json(path)
    if not isinstance(found, dict):
        raise bad(path, f"damaged: expected a JSON object, got {type(found).__name__}")
    return found
