"""``beltline data import | verify | convert | fake``: any public set, and formats of annotations."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beltline.cli.context import JsonFlag, Seed, print_json, progress_bar, say

if TYPE_CHECKING:
    from beltline.data.public import PublicSet
    from beltline.data.public.importing import Names
    from beltline.data.verdict import SetVerdict

SIXRAY = "sixray"


def import_set(
    name: Annotated[
        str, typer.Argument(help="sixray, opixray, pidray, hixray, clcxray, eds, pixray, gdxray, xseg.")
    ],
    root: Annotated[Path, typer.Argument(help="Folder of a copy of it.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the Beltline set.")],
    part: Annotated[
        str | None, typer.Option(help="Only this split or part: train, test, OL3, hidden, domain1.")
    ] = None,
    names: Annotated[
        str, typer.Option(help="Classes: taxonomy (one over all sets) or published.")
    ] = "taxonomy",
    copy: Annotated[bool, typer.Option("--copy", help="Copy images instead of hard links.")] = False,
    positive: Annotated[bool, typer.Option("--positive", help="SIXray: only the positive images.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Make a public set a Beltline set: COCO boxes and masks, labels.csv, a card, images as hard links.

    Damaged images are left out and listed; the exit code is then 6.

    Example: beltline data import opixray OPIXRAY --out opixray-test --part test --names published
    """
    from beltline.core import PartialFailureError
    from beltline.data.public.importing import NAMES

    wanted = next((known for known in NAMES if known == names), None)
    if wanted is None:
        raise typer.BadParameter(f"must be {' or '.join(NAMES)}, got {names!r}", param_hint="--names")
    if name.lower() == SIXRAY and part is not None:
        raise typer.BadParameter("SIXray has lists: use data subset", param_hint="--part")
    if name.lower() != SIXRAY and positive:
        raise typer.BadParameter("is for SIXray", param_hint="--positive")
    card = _import(name.lower(), root, out, part=part, names=wanted, copy=copy, positive=positive)
    if as_json:
        print_json(card)
    else:
        there = "{images:,d} of {listed:,d} listed images, {annotations:,d} boxes".format(**card["counts"])
        print(f"{out}: {there}")
    if skipped := card["skipped"]:
        first, reason = next(iter(skipped.items()))
        raise PartialFailureError(f"{len(skipped)} damaged images left out, first {first}: {reason}")


def verify(
    name: Annotated[str, typer.Argument(help="Which set; may be left out for SIXray.")],
    root: Annotated[Path | None, typer.Argument(help="Folder of a copy of it.")] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Decode and hash every image.")] = False,
    workers: Annotated[int, typer.Option(help="Threads that read files.", min=1, max=64)] = 4,
    as_json: JsonFlag = False,
) -> None:
    """Tell what of a public set is there, missing, broken or in two splits, beside the published counts.

    Missing images are normal; a fault (broken file, image in train and test, lists at odds) exits with 7.

    Example: beltline data verify opixray OPIXRAY --deep
    """
    from beltline.core import QualityGateError
    from beltline.data.public import PUBLIC_SETS

    if root is None and not Path(name).exists() and name.lower() in (SIXRAY, *PUBLIC_SETS):
        raise typer.BadParameter(f"name the folder of a copy of {name} too", param_hint="ROOT")
    which, place = (SIXRAY, Path(name)) if root is None else (name, root)
    verdict = _look(which, place, deep=deep, workers=workers)
    if as_json:
        print_json(verdict.to_json())
    else:
        say("\n".join(verdict.lines()))
    if verdict.faults:
        faults = "; ".join(f"{fault.count} {fault.meaning}" for fault in verdict.faults)
        raise QualityGateError(f"{place}: {faults}")


def fake(
    name: Annotated[str, typer.Argument(help="Which set.")],
    out: Annotated[Path, typer.Argument(help="Folder to make.")],
    each: Annotated[int, typer.Option(help="Images a split.", min=1, max=10_000)] = 6,
    seed: Seed = 0,
) -> None:
    """Write a tiny tree shaped like a public set, of random rectangles, to try commands on.

    Example: beltline data fake pidray pidray-fake
    """
    from beltline.data.annotations.set_files import require_new
    from beltline.data.public import fake_public_set
    from beltline.data.sixray import fake_sixray

    if name.lower() == SIXRAY:
        require_new(out)
        fake_sixray(out, positives=each, negatives=3 * each, seed=seed)
    else:
        fake_public_set(_known(name).name, out, each=each, seed=seed)
    print(f"{out}: a fake of {name.lower()}, {each} images a split")


def convert(
    source: Annotated[
        Path, typer.Argument(help="Folder in one of the formats, or a COCO, CVAT or Label Studio file.")
    ],
    out: Annotated[Path, typer.Argument(help="Folder to make.")],
    to: Annotated[
        str, typer.Option("--to", help="coco, voc, yolo (boxes), yolo-seg (polygons), cvat or labelstudio.")
    ],
    from_: Annotated[
        str | None, typer.Option("--from", help="coco, voc, yolo, cvat or labelstudio; default: looked up.")
    ] = None,
    copy: Annotated[bool, typer.Option("--copy", help="Copy images instead of hard links.")] = False,
    images: Annotated[bool, typer.Option("--images/--no-images", help="Bring images along.")] = True,
    jpeg: Annotated[
        bool, typer.Option("--jpeg", help="Write PNG as JPEG, which is all that torchvision's VOC takes.")
    ] = False,
    lossless: Annotated[bool, typer.Option("--lossless", help="Exit with 7 if anything was lost.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Convert annotations between COCO, VOC, YOLO, CVAT and Label Studio; tell what the target cannot hold.

    Example: beltline data convert opixray-set opixray-yolo --to yolo
    """
    from beltline.core import QualityGateError
    from beltline.data.annotations.archives import is_archive, with_images
    from beltline.data.annotations.conversion import FORMATS, REPORT, TARGETS, read_annotated
    from beltline.data.annotations.conversion import convert as write

    target = next((known for known in TARGETS if known == to.lower()), None)
    form = next((known for known in FORMATS if known == (from_ or "").lower()), None)
    if target is None:
        raise typer.BadParameter(f"must be one of {', '.join(TARGETS)}, got {to!r}", param_hint="--to")
    if from_ is not None and form is None:
        raise typer.BadParameter(f"must be one of {', '.join(FORMATS)}, got {from_!r}", param_hint="--from")
    copy = copy or is_archive(source)
    with with_images(source) as place, progress_bar("converting") as bar:
        data = read_annotated(place, form)
        losses = write(
            data, out, target, copy=copy, with_images=images, jpeg=jpeg, source=source, on_progress=bar
        )
    if as_json:
        print_json(losses.to_json())
    else:
        print(f"{out}: {target}, of {len(data):,d} images; {'nothing lost' if losses.lossless else 'lost:'}")
        if losses.counts:
            say("\n".join(losses.lines()))
    if lossless and not losses.lossless:
        raise QualityGateError(f"{out}: not everything fits {target}; see {REPORT}")


def _import(
    name: str,
    root: Path,
    out: Path,
    *,
    part: str | None,
    names: "Names",
    copy: bool,
    positive: bool,
) -> dict[str, Any]:
    from beltline.data.public import import_public_set
    from beltline.data.sixray import import_sixray, read_index

    with progress_bar("importing") as bar:
        if name == SIXRAY:
            return import_sixray(read_index(root), out, copy=copy, only_positive=positive, on_progress=bar)
        known = _known(name)
        return import_public_set(known, root, out, part=part, names=names, copy=copy, on_progress=bar)


def _look(name: str, root: Path, *, deep: bool, workers: int) -> "SetVerdict":
    from beltline.data.public import verify_public_set
    from beltline.data.sixray import verify as verify_sixray

    look = verify_sixray if name.lower() == SIXRAY else partial(verify_public_set, _known(name))
    with progress_bar("looking at images") as bar:
        return look(root, deep=deep, workers=workers, on_progress=bar)


def _known(name: str) -> "PublicSet":
    from beltline.core import BadInputError
    from beltline.data.public import public_set

    try:
        return public_set(name)
    except BadInputError as error:
        raise typer.BadParameter(str(error), param_hint="NAME") from error


def register(app: typer.Typer) -> None:
    """Add these commands to ``beltline data``."""
    app.command("import")(import_set)
    app.command()(verify)
    app.command()(convert)
    app.command()(fake)
