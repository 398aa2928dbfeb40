"""Label Studio out: tasks.json with brush masks and rectangles, and the labeling configuration it needs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from beltline.core import BadInputError
from beltline.data.annotations.annotated import Annotated, AnnotatedObject, Picture
from beltline.data.annotations.brush_rle import encode_brush
from beltline.data.annotations.losses import Losses
from beltline.data.annotations.object_facts import (
    MADE_BY,
    OBJECT_ID,
    PREDICTED,
    facts_of,
    is_predicted,
    score_of,
)
from beltline.data.annotations.tool_masks import tool_mask
from beltline.formats import write_atomic
from beltline.formats.json_files import finite_json

TASKS, CONFIG = "tasks.json", "labeling_config.xml"
OURS = "beltline"
"""Key of a region's ``meta`` with the facts of an object; Label Studio keeps keys that it does not know."""
LOCAL_FILES = "/data/local-files/?d="
_MODEL = "beltline"
_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")  # Label Studio cuts an id at '#'
_TOOLS = (("BrushLabels", "mask"), ("RectangleLabels", "box"), ("PolygonLabels", "polygon"))


def write_label_studio(out: Path, data: Annotated, files: Mapping[int, str], losses: Losses) -> None:
    """Write ``tasks.json``, and ``labeling_config.xml`` to be pasted into the project's settings.

    Objects that a model drew and nobody looked at are a prediction, others an annotation; a picture that
    nobody annotated has neither. Pictures are named as Label Studio's local storage finds them when its
    document root is ``out``.

    Args:
        out: Folder.
        data: The pictures; each needs its size.
        files: Path of each picture below ``out``, by its position.
        losses: Takes what the format cannot hold.
    """
    rows = [_task(data.pictures[i], file, losses) for i, file in files.items()]
    write_atomic(out / CONFIG, labeling_config(data.classes))
    write_atomic(out / TASKS, "[\n" + ",\n".join(rows) + "\n]\n")


def labeling_config(classes: Iterable[str]) -> str:
    """The configuration of a project that shows our masks, boxes and polygons.

    Example:
        >>> print(labeling_config(["gun"]).splitlines()[2])
          <BrushLabels name="mask" toName="image"><Label value="gun"/></BrushLabels>
    """
    labels = "".join(f"<Label value={quoteattr(name)}/>" for name in classes)
    tools = "".join(f'  <{tag} name="{name}" toName="image">{labels}</{tag}>\n' for tag, name in _TOOLS)
    image = '  <Image name="image" value="$image" zoom="true" zoomControl="true"/>\n'
    return f"<View>\n{image}{tools}</View>\n"


def _task(picture: Picture, file: str, losses: Losses) -> str:
    if picture.size is None:
        raise BadInputError(f"{picture.file}: Label Studio needs the size of the image, which is not known")
    height, width = picture.size
    about: dict[str, Any] = {
        "image": f"{LOCAL_FILES}{quote(file)}", "file": file, "width": width, "height": height,
    }  # fmt: skip
    fields = {key: value for key, value in picture.extra.items() if key != PREDICTED}
    about |= {"split": picture.split} if picture.split else {}
    about |= {"parts": list(picture.subsets)} if picture.subsets else {}
    about |= {"fields": finite_json(fields)} if fields else {}
    task: dict[str, Any] = {"data": about}
    if picture.objects is not None:
        result = [_region(item, k, picture, losses) for k, item in enumerate(picture.objects)]
        if is_predicted(picture):
            task["predictions"] = [{**_model(picture.objects), "result": result}]
        else:
            task["annotations"] = [{"result": result}]
    return json.dumps(task, ensure_ascii=False, allow_nan=False)


def _model(items: Iterable[AnnotatedObject]) -> dict[str, Any]:
    """Who predicted, and the score of the least sure object, by which Label Studio sorts tasks."""
    makers = sorted({str(item.extra[MADE_BY]) for item in items if MADE_BY in item.extra})
    scores = [score for score in map(score_of, items) if score is not None]
    version = ", ".join(makers) or _MODEL
    return {"model_version": version} | ({"score": min(scores)} if scores else {})


def _region(item: AnnotatedObject, number: int, picture: Picture, losses: Losses) -> dict[str, Any]:
    height, width = picture.size or (0, 0)
    found = str(item.extra.get(OBJECT_ID, ""))
    region: dict[str, Any] = {
        "id": found if _PLAIN_ID.fullmatch(found) else f"object{number}", "to_name": "image",
        "original_width": width, "original_height": height, "image_rotation": 0,
    }  # fmt: skip
    score = score_of(item)
    region |= {} if score is None else {"score": score}
    region["meta"] = {OURS: finite_json(facts_of(item))}
    mask = tool_mask(item, picture, losses)
    if mask is not None:
        value: dict[str, Any] = {"format": "rle", "rle": encode_brush(mask), "brushlabels": [item.label]}
        return region | {"type": "brushlabels", "from_name": "mask", "value": value}
    left, top, right, bottom = item.box
    shares = {
        "x": left / width, "y": top / height, "width": (right - left) / width,
        "height": (bottom - top) / height,
    }  # fmt: skip
    value = {key: min(100 * share, 100.0) for key, share in shares.items()}
    value |= {"rotation": 0, "rectanglelabels": [item.label]}
    return region | {"type": "rectanglelabels", "from_name": "box", "value": value}
