"""One region of a Label Studio result: its label, its shape in pixels, and what is known of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from beltline.core import BadInputError, Masks
from beltline.data.annotations.annotated import Box, Outline, are_places, is_polygon
from beltline.data.annotations.brush_rle import decode_brush
from beltline.data.annotations.coco import outline_box
from beltline.data.annotations.label_studio_writer import OURS
from beltline.data.annotations.object_facts import MADE_BY, MODEL, OBJECT_ID, SCORE
from beltline.data.annotations.turned_boxes import turned_box
from beltline.formats.limits import check_size


def labels_of(region: Mapping[str, Any]) -> list[Any]:
    """The labels that a region has, as they stand."""
    value, kind = region.get("value"), region.get("type")
    found = value.get(kind) if isinstance(value, dict) and isinstance(kind, str) else None
    return found if isinstance(found, list) else []


def region_facts(region: Mapping[str, Any], maker: Any) -> dict[str, Any]:
    """What is known of the object: what we sent along, else its id, its score, the model that drew it."""
    meta = region.get("meta") or {}
    ours = meta.get(OURS) or {}
    facts = {key: value for key, value in meta.items() if key != OURS} | dict(ours)
    own = region.get("id")
    facts |= {OBJECT_ID: own} if isinstance(own, str) and own and OBJECT_ID not in facts else {}
    score = region.get("score")
    if isinstance(score, int | float) and not isinstance(score, bool) and SCORE not in facts:
        facts[SCORE] = score
    if isinstance(maker, str) and maker and not ours:
        facts[MADE_BY] = maker if maker.startswith(MODEL) else f"{MODEL}{maker}"
    return facts


def region_shape(region: Mapping[str, Any], stated: tuple[int, int] | None) -> tuple[Box, Outline | None]:
    """Box and outline of a region.

    Raises:
        ValueError: If it has none that can be used.
    """
    if region.get("image_rotation"):
        raise ValueError("the image was turned in the tool; turn it back")
    size = _region_size(region) or stated
    if size is None or (stated is not None and size != stated):
        wanted = f"{stated[1]}x{stated[0]}" if stated else "a size"
        raise ValueError(f"is of another size than its image: {wanted} wanted, got {_text(size)}")
    value = region["value"]
    if "rle" in value:
        masks = Masks.encode(decode_brush(value["rle"], size)[None])
        left, top, right, bottom = (float(v) for v in masks.boxes()[0])
        if right <= left:
            raise ValueError("a mask without a pixel")
        return (left, top, right, bottom), masks.to_coco()[0]
    if "points" in value:
        polygon = [v for x, y in value["points"] for v in _pixels((x, y), size)]
        if not is_polygon(polygon):
            raise ValueError("expected three points or more, in reach of the image")
        return outline_box([polygon]), [polygon]
    return _rectangle(value, size)


def _rectangle(value: Mapping[str, Any], size: tuple[int, int]) -> tuple[Box, Outline | None]:
    left, top = _pixels((value["x"], value["y"]), size)
    width, height = _pixels((value["width"], value["height"]), size)
    box = (left, top, round(left + width, 6), round(top + height, 6))
    return turned_box(box, value.get("rotation") or 0, (left, top))


def _pixels(shares: tuple[Any, Any], size: tuple[int, int]) -> tuple[float, float]:
    if not are_places(shares):
        raise ValueError(f"expected per cent of the image, got {str(shares)[:60]}")
    return round(shares[0] * size[1] / 100, 6), round(shares[1] * size[0] / 100, 6)


def _region_size(region: Mapping[str, Any]) -> tuple[int, int] | None:
    return size_of(region.get("original_width"), region.get("original_height"))


def size_of_regions(regions: Iterable[Mapping[str, Any]]) -> tuple[int, int] | None:
    """(height, width) that regions state: the first that is one; of an odd one the region was named."""
    for region in regions:
        try:
            found = _region_size(region)
        except ValueError:
            continue
        if found is not None:
            return found
    return None


def size_of(width: Any, height: Any) -> tuple[int, int] | None:
    """(height, width); None where none is stated.

    Raises:
        ValueError: If no scan has that size.
    """
    if not isinstance(width, int) or not isinstance(height, int):
        return None
    try:
        check_size("", height, width)
    except BadInputError as error:
        raise ValueError(str(error).removeprefix(": ")) from error
    return height, width


def _text(size: tuple[int, int] | None) -> str:
    return "none" if size is None else f"{size[1]}x{size[0]}"
