"""``beltline synthesize xsyn``: threats painted into scans by a diffusion model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from beltline.cli.context import JsonFlag, Seed, note, print_json, progress_bar, say, usage

if TYPE_CHECKING:
    from beltline.synthesis.diffusion.annotating import Refiner
    from beltline.synthesis.diffusion.paint_plan import PaintPlan
    from beltline.synthesis.diffusion.paint_sources import PaintSource
    from beltline.synthesis.diffusion.window_painter import WindowPainter

SDEDIT_STRENGTH, PUBLISHED_ALPHA = 0.4, 0.3
Onto = Literal["benign", "all"]
Car = Literal["auto", "change", "clicks", "off"]
Occlusion = Literal["off", "latent", "physical"]
Method = Literal["ddim", "plms"]


def xsyn(
    bags: Annotated[Path, typer.Option(help="Folder of scans, or a set; of two energies or in colour.")],
    model: Annotated[
        str, typer.Option(help="Run of `beltline train xsyn`, name of a model, or an imported GLIGEN.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the new set; one of the same plan is continued.")],
    classes: Annotated[
        str, typer.Option(help="What is painted, comma separated; empty takes all that the model knows.")
    ] = "",
    boxes: Annotated[
        Path | None, typer.Option(help="COCO file of boxes to paint into; else regions come by chance.")
    ] = None,
    repaint: Annotated[
        bool, typer.Option("--repaint", help="Paint the objects of an annotated set anew (Xsyn-M).")
    ] = False,
    from_threats: Annotated[
        Path | None, typer.Option(help="Library; paint over projections of its threats (SDEdit).")
    ] = None,
    onto: Annotated[
        Onto, typer.Option(help="Add to benign scans, or to all of a set, as published for Xsyn-A.")
    ] = "benign",
    count: Annotated[int, typer.Option(help="Scans with painted threats.", min=0)] = 100,
    benign: Annotated[int, typer.Option(help="Scans without, beside them.", min=0)] = 0,
    most: Annotated[int, typer.Option(help="Most threats added to a scan; published is 1.", min=1)] = 1,
    car: Annotated[
        Car,
        typer.Option(
            help="What refines boxes: change of the bag, clicks as published, or off; auto takes change, and"
            " clicks to repaint."
        ),
    ] = "auto",
    occlusion: Annotated[
        Occlusion,
        typer.Option(help="The bag over threats: latent as published, physical, or off."),
    ] = "off",
    alpha: Annotated[
        float | None,
        typer.Option(help="Share of the bag in it; latent 0.3 as published, physical 1.", min=0.01, max=1),
    ] = None,
    strength: Annotated[
        float | None,
        typer.Option(help="Of --from-threats: 0 is the projection, 1 all painted; 0.4.", min=0, max=0.99),
    ] = None,
    steps: Annotated[int, typer.Option(help="Of the sampler; published are 50.", min=1, max=1000)] = 25,
    guidance: Annotated[float, typer.Option(help="By the class; published is 7.5.", min=1, max=50)] = 3.0,
    method: Annotated[Method, typer.Option(help="Sampler: ddim, or plms as published.")] = "ddim",
    tries: Annotated[int, typer.Option(help="How often a threat that fails is painted.", min=1)] = 3,
    gate: Annotated[
        float, typer.Option(help="Lowest score of the quality gate kept; 0 keeps all.", min=0, max=1)
    ] = 0.0,
    style: Annotated[str, typer.Option(help="Look of pictures of dual-energy scans.")] = "white",
    pixel_mm: Annotated[
        float | None, typer.Option(help="Pixel side of the scans, where no file says.")
    ] = None,
    seed: Seed = 0,
    as_json: JsonFlag = False,
) -> None:
    """Make a labelled set: threats painted into scans, each with box, mask and where it came from.

    A threat that is not to be seen once it is painted is thrown away and painted again.

    Example: beltline synthesize xsyn --bags benign --model RUN --out set
    """
    _refuse_together(boxes, repaint, from_threats, onto)
    _refuse_idle({"--strength": (strength, from_threats is None), "--alpha": (alpha, occlusion == "off")})
    from beltline.synthesis.diffusion.paint_plan import PaintPlan
    from beltline.synthesis.diffusion.painted_set import paint_set
    from beltline.synthesis.diffusion.sampling import SamplerSettings
    from beltline.synthesis.diffusion.scan_occlusion import OcclusionRule
    from beltline.synthesis.library import read_library
    from beltline.systems.xsyn.window_painting import load_painter

    if count + benign < 1:
        raise typer.BadParameter("must be at least 1, or --benign at least 1", param_hint="--count")
    painter = load_painter(model)
    named = _classes(classes, painter)
    library = None if from_threats is None else read_library(from_threats).only(named)
    generator: Any = "boxes" if boxes else "repaint" if repaint else "project" if library else "add"
    share = alpha or (PUBLISHED_ALPHA if occlusion == "latent" else 1.0)
    begun = 1.0 if library is None else SDEDIT_STRENGTH if strength is None else strength
    with usage("--car, --style, --strength"):
        plan = PaintPlan(
            named if library is None else library.labels,
            count, benign, seed, generator, most, _car(car, repaint=repaint),
            OcclusionRule(occlusion, share), SamplerSettings(steps, guidance, method, begun),
            tries, gate, style,
        )  # fmt: skip
    sources = _sources(bags, boxes, plan, onto, pixel_mm)
    refiner = _refiner(plan)
    with progress_bar("painting") as on_progress:
        card = paint_set(
            out, sources, painter, plan, refiner=refiner, library=library, on_progress=on_progress
        )
    _tell(out, card, as_json=as_json)


def register(app: typer.Typer) -> None:
    """Add this command to ``beltline synthesize``."""
    app.command()(xsyn)


def _refuse_together(boxes: Path | None, repaint: bool, threats: Path | None, onto: Onto) -> None:
    given = {"--boxes": boxes is not None, "--repaint": repaint, "--from-threats": threats is not None}
    chosen = [option for option, there in given.items() if there]
    if len(chosen) > 1:
        raise typer.BadParameter(
            "say each where threats are painted; give one", param_hint=" and ".join(chosen)
        )
    if onto == "all" and chosen:
        raise typer.BadParameter(f"is for threats that are added, not for {chosen[0]}", param_hint="--onto")


def _refuse_idle(given: dict[str, tuple[float | None, bool]]) -> None:
    """Options that say nothing here are a mistake, not to be passed over."""
    for option, (value, idle) in given.items():
        if value is not None and idle:
            needs = "--from-threats" if option == "--strength" else "an --occlusion"
            raise typer.BadParameter(f"counts with {needs} alone", param_hint=option)


def _classes(text: str, painter: WindowPainter) -> tuple[str, ...]:
    from beltline.core import canonical

    with usage("--classes"):
        words = dict.fromkeys(canonical(word) for word in text.split(",") if word.strip())
    if not words and not painter.classes:
        raise typer.BadParameter(f"{painter.name} reads any word; say what to paint", param_hint="--classes")
    if unknown := sorted(set(words) - set(painter.classes or words)):
        raise typer.BadParameter(
            f"{painter.name} paints {', '.join(painter.classes)}, got {', '.join(unknown)}",
            param_hint="--classes",
        )
    return tuple(words) or painter.classes


def _car(car: Car, *, repaint: bool) -> Literal["change", "clicks", "off"]:
    if car == "auto":
        return "clicks" if repaint else "change"
    return car


def _sources(
    bags: Path, boxes: Path | None, plan: PaintPlan, onto: Onto, pixel_mm: float | None
) -> list[PaintSource]:
    from dataclasses import replace

    from beltline.synthesis.diffusion import paint_sources

    if boxes is not None:
        found = paint_sources.boxed_sources(bags, boxes, plan.classes)
    elif plan.generator == "repaint":
        found = paint_sources.repaint_sources(bags, plan.classes)
    elif onto == "all":
        found = paint_sources.annotated_sources(bags)
    else:
        found = paint_sources.benign_sources(bags)
    named = [(source, source.scan) for source in found]
    return [replace(source, scan=(name, path, mm or pixel_mm)) for source, (name, path, mm) in named]


def _refiner(plan: PaintPlan) -> Refiner:
    from beltline.synthesis.diffusion.annotating import Refiner

    if plan.car != "clicks":
        return Refiner(plan.car)
    from beltline.systems.xsyn.segment import CAR_WITH_CLICKS, click_segment

    return Refiner("clicks", click_segment(), CAR_WITH_CLICKS)


def _tell(out: Path, card: dict[str, Any], *, as_json: bool) -> None:
    from beltline.formats import read_set

    thrown_away = sum(record.get("thrown_away", 0) for record in read_set(out).records)
    if as_json:
        print_json({**card, "thrown_away": thrown_away})
        return
    counts = card["counts"]
    say(f"{out}: {counts['images']} scans, {counts['annotations']} threats, {counts['positives']} positive")
    if thrown_away:
        note(f"{thrown_away} painted threats were not to be seen or below --gate, and thrown away")
