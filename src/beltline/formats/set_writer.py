"""A data set on disk, written so that a kill at any moment loses at most the item in hand."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError, Instances, ShapeError, is_threat, xyxy_to_xywh
from beltline.formats.arrays import encode_npz, encode_tiff
from beltline.formats.atomic import remove_leftovers, sha256_of, write_atomic, write_json
from beltline.formats.images import encode_png
from beltline.formats.limits import bad

SET_SCHEMA_VERSION = 1
ITEMS = ".items"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class SetWriter:
    """Writes ``images/ raw/ scenes/ annotations.json labels.csv card.json``.

    Each item's files are written first and its sidecar ``.items/NAME.json`` last, all atomically; ``finish``
    assembles the tables from the sidecars in name order, so the result does not depend on who wrote what
    when. Several processes may each hold a writer of the same folder, and a later run goes on where an
    earlier one was killed: skip the names for which ``has`` is true.

    Args:
        root: The set's folder; made if missing.
        classes: Columns of labels.csv and the first categories, in this order.
        raw: How (low, high) are kept: 16-bit "tiff" or "npz".

    Raises:
        BadInputError: If the root is a file.

    Example:
        >>> import tempfile; folder = tempfile.TemporaryDirectory()
        >>> writer = SetWriter(folder.name, classes=("gun", "knife"))
        >>> writer.add("bag0", image=np.full((16, 20, 3), 255, np.uint8), image_labels=[0, 1])
        >>> writer.has("bag0"), writer.finish()["counts"]["images"]
        (True, 1)
        >>> folder.cleanup()
    """

    def __init__(
        self, root: str | Path, *, classes: Sequence[str], raw: Literal["tiff", "npz"] = "tiff"
    ) -> None:
        self.root = Path(root)
        self.classes = tuple(classes)
        self.raw = raw
        if self.root.exists() and not self.root.is_dir():
            raise bad(self.root, "is a file; a set needs a folder")
        for folder in (ITEMS, "images", "raw", "scenes"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
            remove_leftovers(self.root / folder)
        remove_leftovers(self.root)

    def has(self, name: str) -> bool:
        """Whether an item is complete on disk."""
        return (self.root / ITEMS / f"{name}.json").is_file()

    def names(self) -> tuple[str, ...]:
        """The complete items, sorted."""
        return tuple(sorted(path.stem for path in (self.root / ITEMS).glob("[!.]*.json")))

    def require_only(self, wanted: Iterable[str]) -> None:
        """Refuse a folder that holds items besides those wanted: the set would not be what was asked for.

        Raises:
            BadInputError: Naming how many there are.
        """
        asked = frozenset(wanted)
        if more := sorted(frozenset(self.names()) - asked):
            raise BadInputError(
                f"{self.root}: holds {len(more)} items more than the {len(asked)} asked for, first {more[0]};"
                " ask for as many as are there or more, or name a new folder"
            )

    def add(
        self,
        name: str,
        *,
        image: NDArray[np.uint8],
        raw: tuple[NDArray[Any], NDArray[Any]] | None = None,
        instances: Instances | None = None,
        image_labels: Sequence[float] | NDArray[np.float32] | None = None,
        scene: Mapping[str, Any] | None = None,
        pixel_mm: float | None = None,
        extra: Mapping[str, Any] | None = None,
        instance_extras: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        """Write one item; an item of the same name is replaced.

        Args:
            name: File name without suffix: letters, digits, dot, dash, underscore.
            image: Pseudo-colour, shape (H, W, 3) RGB or (H, W), uint8.
            raw: (low, high) transmission, each (H, W), in 0..1; kept as ``round(65535 * T)``.
            instances: The objects; their masks go into annotations.json.
            image_labels: Shape (K,), one of 0, 1, NaN per class; None derives them from the instances.
            scene: What replays the item, JSON values.
            pixel_mm: Side of a pixel.
            extra: More fields of the image record (view, style, split, partner).
            instance_extras: More fields per annotation (material, occlusion, object_id), N of them.

        Raises:
            ShapeError: If the arrays differ in size, or counts differ.
            ValueError: If the name cannot be a file name or a label is none of 0, 1, NaN.
        """
        if not _NAME.fullmatch(name) or name.endswith(".tmp"):
            raise ValueError(f"an item name needs letters, digits, dot, dash or underscore, got {name!r}")
        height, width = image.shape[:2]
        _check_item(image, raw, instances, instance_extras)
        labels = self._labels(image_labels, instances)
        files: dict[str, bytes | str] = {f"images/{name}.png": encode_png(image)}
        if raw is not None:
            encode = encode_tiff if self.raw == "tiff" else encode_npz
            files[f"raw/{name}.{self.raw}"] = encode(*raw, pixel_mm=pixel_mm)
        if scene is not None:
            files[f"scenes/{name}.json"] = json.dumps(scene, allow_nan=False) + "\n"
        for path, data in files.items():
            write_atomic(self.root / path, data)
        record: dict[str, Any] = {"file_name": f"images/{name}.png", "width": width, "height": height}
        record |= {"raw": f"raw/{name}.{self.raw}"} if raw is not None else {}
        record |= {"scene": f"scenes/{name}.json"} if scene is not None else {}
        record |= {} if pixel_mm is None else {"pixel_mm": pixel_mm}
        sidecar = {
            "image": record | dict(extra or {}),
            "labels": labels,
            "annotations": _annotations(instances, instance_extras),
            "sha256": {path: sha256_of(self.root / path) for path in files},
        }
        write_json(self.root / ITEMS / f"{name}.json", sidecar)

    def finish(self, card: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Assemble annotations.json, labels.csv and, last, card.json; may be called again after more items.

        Args:
            card: Provenance and terms (command, seed, licence, source), JSON values.

        Returns:
            The card as written.
        """
        sidecars = {name: self._sidecar(name) for name in self.names()}
        coco = _assemble(sidecars, self.classes)
        write_json(self.root / "annotations.json", coco)
        write_atomic(self.root / "labels.csv", _labels_csv(sidecars, self.classes))
        hashes = {path: digest for item in sidecars.values() for path, digest in item["sha256"].items()}
        for path in ("annotations.json", "labels.csv"):
            hashes[path] = sha256_of(self.root / path)
        full = {
            "schema_version": SET_SCHEMA_VERSION,
            **dict(card or {}),
            "classes": list(self.classes),
            "counts": {
                "images": len(sidecars),
                "annotations": len(coco["annotations"]),
                "positives": sum(any(value == 1 for value in item["labels"]) for item in sidecars.values()),
            },
            "sha256": hashes,
        }
        write_json(self.root / "card.json", full, indent=1)
        return full

    def _sidecar(self, name: str) -> dict[str, Any]:
        path = self.root / ITEMS / f"{name}.json"
        try:
            sidecar: dict[str, Any] = json.loads(path.read_text("utf-8"))
        except json.JSONDecodeError as error:
            raise bad(path, f"damaged sidecar ({error}); delete it and write the item again") from error
        if len(sidecar["labels"]) != len(self.classes):
            raise BadInputError(
                f"{path}: {len(sidecar['labels'])} image labels but {len(self.classes)} classes; "
                "this folder was begun with other classes"
            )
        return sidecar

    def _labels(
        self, given: Sequence[float] | NDArray[np.float32] | None, instances: Instances | None
    ) -> list[int]:
        """1, -1, and 0 for not annotated, in the order of the classes."""
        if given is None:
            if instances is None:
                return [0] * len(self.classes)
            return [1 if name in instances.labels else -1 for name in self.classes]
        values = np.asarray(given, dtype=np.float32)
        if values.shape != (len(self.classes),):
            raise ShapeError(f"image_labels must be ({len(self.classes)},), got {values.shape}")
        if not (np.isnan(values) | (values == 0) | (values == 1)).all():
            raise ValueError("image_labels must be 0, 1 or NaN")
        return [0 if np.isnan(value) else 1 if value == 1 else -1 for value in values]


def _check_item(
    image: NDArray[np.uint8],
    raw: tuple[NDArray[Any], NDArray[Any]] | None,
    instances: Instances | None,
    extras: Sequence[Mapping[str, Any]] | None,
) -> None:
    size = image.shape[:2]
    if raw is not None and any(plane.shape != size for plane in raw):
        raise ShapeError(f"image is {size} but raw planes are {[plane.shape for plane in raw]}")
    if instances is not None and instances.masks is not None and instances.masks.size != size:
        raise ShapeError(f"image is {size} but masks are {instances.masks.size}")
    if extras is not None and len(extras) != (0 if instances is None else len(instances)):
        raise ShapeError(f"{len(extras)} instance_extras for another number of instances")


def _annotations(
    instances: Instances | None, extras: Sequence[Mapping[str, Any]] | None
) -> list[dict[str, Any]] | None:
    """COCO annotations without ids; None where nobody annotated."""
    if instances is None:
        return None
    xywh = xyxy_to_xywh(instances.boxes)
    masks = instances.masks
    areas = masks.areas() if masks is not None else xywh[:, 2] * xywh[:, 3]
    rles = masks.to_coco() if masks is not None else [None] * len(instances)
    records = []
    for index, label in enumerate(instances.labels):
        record: dict[str, Any] = {
            "label": label,
            "bbox": [round(float(value), 3) for value in xywh[index]],
            "area": float(areas[index]),
            "iscrowd": 0,
        }
        record |= {} if rles[index] is None else {"segmentation": rles[index]}
        records.append(record | (dict(extras[index]) if extras is not None else {}))
    return records


def _assemble(sidecars: Mapping[str, Mapping[str, Any]], classes: Sequence[str]) -> dict[str, Any]:
    """One COCO object; ids follow the sorted names."""
    seen = {record["label"] for item in sidecars.values() for record in item["annotations"] or ()}
    names = [*classes, *sorted(seen - set(classes))]
    ids = {name: number for number, name in enumerate(names, start=1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, item in enumerate(sidecars.values(), start=1):
        records = item["annotations"]
        images.append({"id": image_id, **item["image"], "annotated": records is not None})
        for record in records or ():
            fields = {key: value for key, value in record.items() if key != "label"}
            number = len(annotations) + 1
            ident = {"id": number, "image_id": image_id, "category_id": ids[record["label"]]}
            annotations.append(ident | fields)
    categories = [
        {"id": ids[name], "name": name, "supercategory": "prohibited" if is_threat(name) else "everyday"}
        for name in names
    ]
    info = {"description": "Beltline set", "version": str(SET_SCHEMA_VERSION)}
    return {"info": info, "categories": categories, "images": images, "annotations": annotations}


def _labels_csv(sidecars: Mapping[str, Mapping[str, Any]], classes: Iterable[str]) -> str:
    """SIXray's manner: name, then 1 (there), -1 (not there) or 0 (not annotated) per class."""
    lines = [",".join(["name", *classes])]
    lines += [",".join([name, *map(str, item["labels"])]) for name, item in sidecars.items()]
    return "\n".join(lines) + "\n"
