"""``beltline click``: point at something in a scan and get its mask."""

import time
from os.path import realpath  # Path.resolve raises at a loop of links
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beltline.cli.context import JsonFlag, note, print_json, say, usage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from beltline.core import Scan
    from beltline.screening import Clicked

WHICH = ("part", "object", "group", "surest")
Point = tuple[int, int]


def click(
    scan: Annotated[Path, typer.Argument(help="Scan file.")],
    out: Annotated[Path, typer.Option("--out", help="PNG of the mask: 255 on the object, 0 beside it.")],
    at: Annotated[list[str] | None, typer.Option("--at", help="Pixel X,Y on the object; repeatable.")] = None,
    beside: Annotated[
        list[str] | None, typer.Option("--not", help="Pixel X,Y that is not the object; repeatable.")
    ] = None,
    box: Annotated[str, typer.Option("--box", help="X1,Y1,X2,Y2 around the object.")] = "",
    mask: Annotated[
        Path | None,
        typer.Option("--mask", help="Picture of a mask to mend; it changes only around the clicks."),
    ] = None,
    which: Annotated[
        str,
        typer.Option(help="part that was clicked, object, group of its kind that touches, or the surest."),
    ] = "object",
    polygon: Annotated[
        bool, typer.Option("--polygon", help="JSON with polygons of 200 points at most, and what they cost.")
    ] = False,
    overlay: Annotated[
        Path | None, typer.Option("--overlay", help="PNG of the scan with outline and clicks.")
    ] = None,
    model: Annotated[str, typer.Option(help="Name (see beltline models list) or ONNX file.")] = "",
    trust: Annotated[bool, typer.Option("--trust", help="Run an ONNX file that no manifest lists.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Cut out what is clicked: a mask of the scan's size; run lengths, box and quality as JSON.

    A second --at or a --not mends the first answer. Quality is the overlap (IoU) that the model expects of
    its mask with the object. X counts columns and Y rows, both from 0 at the left top.

    Example: beltline click bag.png --at 412,230 --out knife.png --overlay seen.png
    """
    from beltline.core import BeltlineError
    from beltline.formats import read_scan, write_png
    from beltline.screening import ModelFailure, load_clicker

    points = [(*_pixel(text, "--at"), 1) for text in at or ()]
    points += [(*_pixel(text, "--not"), 0) for text in beside or ()]
    frame = _box(box) if box else None
    _check(which, (scan, mask), {"--out": out, "--overlay": overlay})
    clicks, labels = [(x, y) for x, y, _ in points], [label for *_, label in points]
    clicker = load_clicker(model or None, trust=trust)
    bag = read_scan(scan)
    given = None if mask is None else _read_mask(mask, bag)
    started = time.perf_counter()
    try:
        with usage("--at, --not, --box, --mask"):
            found = clicker.cut(bag, clicks, labels, frame, given, which=which)
    except ModelFailure as error:
        raise BeltlineError(f"{scan}: {error}") from error
    ms = 1000 * (time.perf_counter() - started)
    write_png(out, (found.mask * 255).astype("uint8"))
    if overlay is not None:
        _draw(overlay, bag, found, clicks, labels, frame)
    facts = {"scan": str(scan), "mask": str(out), **_facts(found, given, polygon), "ms": round(ms, 1)}
    facts["model"] = {"name": clicker.model.card.name, "sha256": clicker.model.sha256}
    if as_json or polygon:
        print_json(facts)
    else:
        say(_line(facts))
    if not found.mask.any():
        note(f"beltline: {scan}: nothing found there; click elsewhere, add --box, or try --which group")


def _pixel(text: str, option: str) -> Point:
    numbers = _numbers(text, 2, option, "X,Y")
    return int(numbers[0] // 1), int(numbers[1] // 1)


def _box(text: str) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = _numbers(text, 4, "--box", "X1,Y1,X2,Y2")
    return x1, y1, x2, y2


def _numbers(text: str, count: int, option: str, form: str) -> list[float]:
    import math

    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != count or not all(math.isfinite(number) for number in numbers):
        raise typer.BadParameter(f"must be {form} in pixels, got {text!r}", param_hint=option)
    return numbers


def _check(which: str, inputs: tuple[Path | None, ...], outputs: dict[str, Path | None]) -> None:
    if which not in WHICH:
        raise typer.BadParameter(f"must be one of {', '.join(WHICH)}, got {which!r}", param_hint="--which")
    scan = inputs[0]
    for option, path in outputs.items():
        if path is None:
            continue
        if path.suffix.lower() != ".png":
            raise typer.BadParameter(f"must be named .png, got {path.name!r}", param_hint=option)
        if scan is not None and realpath(path) == realpath(scan):
            raise typer.BadParameter("would overwrite the scan; choose another name", param_hint=option)
    written = [realpath(path) for path in outputs.values() if path is not None]
    if len(set(written)) < len(written):
        raise typer.BadParameter("is the mask's own file; choose another name", param_hint="--overlay")


def _read_mask(path: Path, scan: "Scan") -> "NDArray[np.bool_]":
    """Where a picture is bright: more than half of its brightest pixel."""
    from beltline.core import BadInputError
    from beltline.formats import read_scan

    pixels = read_scan(path).pixels.max(axis=0)
    if pixels.shape != (scan.height, scan.width):
        height, width = pixels.shape
        raise BadInputError(
            f"{path}: a mask of {width} x {height} pixels, expected the scan's {scan.width} x {scan.height}"
        )
    mask: NDArray[np.bool_] = pixels > pixels.max() / 2
    return mask


def _draw(
    path: Path,
    scan: "Scan",
    found: "Clicked",
    clicks: list[Point],
    labels: list[int],
    box: tuple[float, float, float, float] | None,
) -> None:
    from beltline.formats import write_png
    from beltline.screening.outlines import draw_clicks
    from beltline.screening.pictures import display_picture

    picture = display_picture(scan, long_side=max(scan.width, scan.height))
    write_png(path, draw_clicks(picture, found.mask, clicks, labels, box=box))


def _facts(found: "Clicked", given: "NDArray[np.bool_] | None", polygon: bool) -> dict[str, Any]:
    from beltline.core import Masks
    from beltline.core.polygons import polygons_of

    masks = {name: Masks.encode(candidate.mask[None]) for name, candidate in found.candidates.items()}
    sizes = {name: {"area": int(one.areas()[0]), "box": _tight(one)} for name, one in masks.items()}
    facts: dict[str, Any] = {
        "which": found.which,
        "quality": found.quality,
        **sizes[found.which],
        "segmentation": masks[found.which].to_coco()[0],
        "candidates": {
            name: {"quality": candidate.quality, **sizes[name]}
            for name, candidate in found.candidates.items()
        },
    }
    if given is not None:
        facts["changed_px"] = int((given != found.mask).sum())
    if polygon:
        drawn = polygons_of(found.mask)
        facts["polygons"] = [[[list(point) for point in ring] for ring in part] for part in drawn.polygons]
        facts["polygon"] = {
            "points": drawn.points, "iou": round(drawn.iou, 4), "left_out": drawn.left_out
        }  # fmt: skip
    return facts


def _tight(masks: Any) -> list[int] | None:
    return [int(value) for value in masks.boxes()[0]] if masks.areas()[0] else None


def _line(facts: dict[str, Any]) -> str:
    where = "nowhere" if facts["box"] is None else "in {},{} to {},{}".format(*facts["box"])
    changed = f", {facts['changed_px']} px changed" if "changed_px" in facts else ""
    return (
        f"{facts['which']}: {facts['area']} px {where}{changed}, expected IoU {facts['quality']:.2f},"
        f" {facts['ms']:.0f} ms: {facts['mask']}"
    )
