"""A data set off the disk: tables at once, pixels when asked for."""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError, Instances, Masks, Sample, Scan, xywh_to_xyxy
from beltline.formats.atomic import sha256_of
from beltline.formats.limits import bad
from beltline.formats.scans import read_scan

Pixels: TypeAlias = Literal["color", "transmission"]
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
        target: Path = (self.root / relative).resolve()
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
        """
        record, found = self.records[index], self.annotations[index]
        if not record.get("annotated", True):
            return None
        size = (int(record["height"]), int(record["width"]))
        rles = [item["segmentation"] for item in found if isinstance(item.get("segmentation"), dict)]
        masks = Masks.from_coco(rles, size) if len(rles) == len(found) else None
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
        scene: dict[str, Any] = _json(self.root / relative)
        return scene


def read_set(path: str | Path, *, pixels: Pixels = "color") -> ScanSet:
    """Open a set; only its tables are read.

    Raises:
        BadInputError: If annotations.json is missing, damaged or inconsistent.
    """
    root = Path(path)
    if not root.is_dir():
        raise bad(root, "no such folder")
    coco = _json(root / "annotations.json")
    try:
        names = {category["id"]: category["name"] for category in coco["categories"]}
        records = tuple(coco["images"])
        grouped: dict[Any, list[Mapping[str, Any]]] = {record["id"]: [] for record in records}
        for item in coco["annotations"]:
            grouped[item["image_id"]].append({**item, "label": names[item["category_id"]]})
        stems = tuple(Path(record["file_name"]).stem for record in records)
        annotations = tuple(tuple(grouped[record["id"]]) for record in records)
    except (KeyError, TypeError) as error:
        raise bad(root / "annotations.json", f"not a COCO file with boxes ({error!r})") from error
    card = _json(root / "card.json") if (root / "card.json").is_file() else {}
    if (root / "labels.csv").is_file():
        classes, labels = _labels(root / "labels.csv", stems)
    else:
        classes = tuple(names.values())
        labels = _labels_of(annotations, classes)
    return ScanSet(root, classes, stems, records, annotations, labels, pixels, card)


def verify_set(path: str | Path) -> list[str]:
    """Compare every file with the hashes of card.json; one line per problem, none if all is well.

    Raises:
        BadInputError: If the set has no card with hashes.
    """
    root = Path(path)
    hashes = _json(root / "card.json").get("sha256")
    if not isinstance(hashes, dict):
        raise bad(root / "card.json", "holds no hashes")
    problems = []
    for relative, expected in hashes.items():
        if not (root / relative).is_file():
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
    except (KeyError, IndexError, ValueError, UnicodeDecodeError) as error:
        raise bad(path, f"does not fit annotations.json ({error!r})") from error


def _labels_of(
    annotations: tuple[tuple[Mapping[str, Any], ...], ...], classes: tuple[str, ...]
) -> NDArray[np.float32]:
    present = [{item["label"] for item in found} for found in annotations]
    rows = [[float(name in seen) for name in classes] for seen in present]
    return np.array(rows, dtype=np.float32).reshape(len(annotations), len(classes))


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise bad(path, "missing; is this a Beltline set?") from error
    except (json.JSONDecodeError, UnicodeDecodeError, OSError) as error:
        raise BadInputError(f"{path}: damaged ({error})") from error
