"""CVAT for images 1.1 out: annotations.xml, which CVAT uploads, and the labels that its task needs first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError
from beltline.core.boxes import mask_window
from beltline.data.annotations.annotated import Annotated, AnnotatedObject, Picture
from beltline.data.annotations.archives import ANNOTATIONS
from beltline.data.annotations.cvat import IMAGES, NO_SUBSET
from beltline.data.annotations.losses import Losses
from beltline.data.annotations.object_facts import FLAGS, MADE_BY, MODEL, TEXT_FACTS, as_text, facts_of
from beltline.data.annotations.row_runs import row_runs
from beltline.data.annotations.tool_masks import tool_mask
from beltline.formats import write_atomic, write_json

LABELS = "cvat_labels.json"


def write_cvat(out: Path, data: Annotated, files: Mapping[int, str], losses: Losses) -> None:
    """Write ``annotations.xml``, and ``cvat_labels.json`` for the raw editor of a task's labels.

    CVAT keeps an attribute only where its label has it, so both name those that an object of the set has: its
    id, who made it, its score, how far it is covered, VOC's and COCO's flags. Image names are below
    ``images/``, as CVAT calls uploaded images.

    Args:
        out: Folder.
        data: The pictures; each needs its size.
        files: Path of each picture below ``out`` (``images/NAME``), by its position.
        losses: Takes what the format cannot hold.

    Raises:
        BadInputError: If a class name has letters that XML cannot hold.
    """
    chosen = {i: data.pictures[i] for i in files}
    for name in data.classes:
        if not name.isprintable():
            raise BadInputError(f"class {name[:40]!r} has letters that XML cannot hold; rename it")
    splits = tuple(sorted({picture.split for picture in chosen.values()} - {""}))
    images = [
        _image(number, files[i].removeprefix(f"{IMAGES}/"), picture, bool(splits), losses)
        for number, (i, picture) in enumerate(chosen.items())
    ]
    names = _attributes(item for picture in chosen.values() for item in picture.objects or ())
    meta = _meta(data, len(chosen), splits, names)
    head = '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n'
    write_json(out / LABELS, [_label(name, names) for name in data.classes], indent=1)
    write_atomic(out / ANNOTATIONS, f"{head}{meta}{''.join(images)}</annotations>\n")


def _image(number: int, name: str, picture: Picture, with_subset: bool, losses: Losses) -> str:
    height, width = picture.size or (0, 0)
    kinds = (("read_as_empty", picture.objects is None), ("part", picture.subsets))
    losses.add_all((*kinds, ("image_field", picture.extra)), picture.file)
    subset = f" subset={quoteattr(picture.split or NO_SUBSET)}" if with_subset else ""
    head = f'  <image id="{number}" name={quoteattr(name)}{subset} width="{width}" height="{height}">\n'
    shapes = "".join(_shape(item, picture, losses) for item in picture.objects or ())
    return f"{head}{shapes}  </image>\n"


def _shape(item: AnnotatedObject, picture: Picture, losses: Losses) -> str:
    facts = facts_of(item)
    facts.pop("occluded", None)
    texts = {key: as_text(key, value) for key, value in facts.items()}
    losses.add_all([("extra_field", None in texts.values())], picture.file)
    maker = str(item.extra.get(MADE_BY, ""))
    head = {
        "label": item.label, "source": "auto" if maker.startswith(MODEL) else "manual",
        "occluded": int(item.occluded),
    }  # fmt: skip
    mask = tool_mask(item, picture, losses)
    tag, place = ("box", _box(item)) if mask is None else ("mask", _mask(mask))
    attributes = " ".join(
        f"{key}={quoteattr(str(value))}" for key, value in (head | place | {"z_order": 0}).items()
    )
    rows = "".join(
        f"      <attribute name={quoteattr(key)}>{escape(text)}</attribute>\n"
        for key, text in texts.items()
        if text is not None
    )
    return f"    <{tag} {attributes}>\n{rows}    </{tag}>\n"


def _box(item: AnnotatedObject) -> dict[str, Any]:
    return dict(zip(("xtl", "ytl", "xbr", "ybr"), map(float, item.box), strict=True))


def _mask(mask: NDArray[np.bool_]) -> dict[str, Any]:
    rows, columns = mask_window(mask)
    window = mask[rows, columns]
    return {
        "rle": ", ".join(map(str, row_runs(window))), "left": columns.start, "top": rows.start,
        "width": window.shape[1], "height": window.shape[0],
    }  # fmt: skip


def _attributes(items: Iterable[AnnotatedObject]) -> tuple[str, ...]:
    """The attributes that an object has, in the order of the table."""
    used = {key for item in items for key, value in facts_of(item).items() if as_text(key, value) is not None}
    return tuple(key for key in TEXT_FACTS if key in used)


def _label(name: str, attributes: Iterable[str]) -> dict[str, Any]:
    return {"name": name, "type": "any", "attributes": [_attribute(key) for key in attributes]}


def _attribute(key: str) -> dict[str, Any]:
    default, kind = ("false", "checkbox") if key in FLAGS else ("", "text")
    return {
        "name": key, "mutable": False, "input_type": kind, "default_value": default, "values": [default],
    }  # fmt: skip


def _meta(data: Annotated, images: int, splits: Iterable[str], attributes: Iterable[str]) -> str:
    """What CVAT writes of a task; of a project of several tasks where pictures have splits."""
    labels = "".join(_label_xml(_label(name, attributes)) for name in data.classes)
    about = f"<name>{escape(_title(data))}</name>"
    labels = f"<labels>\n{labels}      </labels>"
    if not splits:
        size = f"<size>{images}</size><mode>annotation</mode>"
        return f"  <meta>\n    <task>{about}{size}\n      {labels}\n    </task>\n  </meta>\n"
    subsets = [*splits, NO_SUBSET] if any(not p.split for p in data.pictures) else splits
    tasks = "".join(
        f"<task><name>{escape(name)}</name><subset>{escape(name)}</subset></task>" for name in subsets
    )
    inside = f"{about}\n      <tasks>{tasks}</tasks>\n      {labels}"
    return f"  <meta>\n    <project>{inside}\n    </project>\n  </meta>\n"


def _label_xml(label: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<attribute><name>{row['name']}</name><mutable>{row['mutable']}</mutable>"
        f"<input_type>{row['input_type']}</input_type><default_value>{row['default_value']}</default_value>"
        f"<values>{row['values'][0]}</values></attribute>"
        for row in label["attributes"]
    )
    name = f"<name>{escape(label['name'])}</name><type>{label['type']}</type>"
    return f"        <label>{name}<attributes>{rows}</attributes></label>\n"


def _title(data: Annotated) -> str:
    """The folder's name without the letters that XML cannot hold."""
    return "".join(letter for letter in data.root.name if letter.isprintable()) or "beltline"
