"""``beltline synthesize``: threats cut out of scans, and laid into benign ones."""

from collections import Counter
from collections.abc import Mapping
from os.path import realpath  # Path.resolve raises at a loop of links
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beltline.cli import synthesize_xsyn
from beltline.cli.context import JsonFlag, Seed, note, print_json, progress, progress_bar, usage

if TYPE_CHECKING:
    from beltline.synthesis.fuser import Fuser
    from beltline.synthesis.library import Census

synthesize_app = typer.Typer(
    no_args_is_help=True, help="Lay threats into benign scans; keep threat libraries."
)
synthesize_xsyn.register(synthesize_app)
Threats = Annotated[Path, typer.Option(help="Threat library, or a folder per class of lone items over air.")]


@synthesize_app.callback()
def _synthesize() -> None:
    """Lay threats into benign scans; keep threat libraries."""


@synthesize_app.command()
def tip(
    bags: Annotated[
        Path, typer.Option(help="Folder of benign scans, or a set (its positives are left out).")
    ],
    threats: Threats,
    out: Annotated[Path, typer.Option(help="Folder of the new set; one of the same plan is continued.")],
    count: Annotated[int, typer.Option(help="Scans with threats.", min=0)] = 100,
    benign: Annotated[int, typer.Option(help="Scans without, beside them.", min=0)] = 0,
    most: Annotated[int, typer.Option(help="Most threats in one scan.", min=1)] = 1,
    difficulty: Annotated[
        str, typer.Option(help="Share of the optical depth at a threat that is the bag's, LOW:HIGH in 0..1.")
    ] = "0:0.8",
    overlap: Annotated[
        str, typer.Option(help="Share of a threat that lies over something, LOW:HIGH in 0..1.")
    ] = "0.5:1",
    pixel_mm: Annotated[
        float | None, typer.Option(help="Pixel side of the bags, where no file says.")
    ] = None,
    noise: Annotated[bool, typer.Option(help="Add the noise that a product of two scans lacks.")] = True,
    hardening: Annotated[
        bool, typer.Option(help="Correct two energies for the beam that the bag has filtered.")
    ] = True,
    gate: Annotated[float, typer.Option(help="Lowest score of the quality gate kept; 0 keeps all.")] = 0.2,
    style: Annotated[str, typer.Option(help="Look of pictures of dual-energy scans.")] = "white",
    fusion: Annotated[
        str,
        typer.Option(
            help="What fuses colours: product, copy-paste, Poisson, alpha blending, or the run folder of a"
            " trained network; empty goes by way of two energies."
        ),
    ] = "",
    seed: Seed = 0,
    as_json: JsonFlag = False,
) -> None:
    """Make a labelled set: each threat multiplied into a benign scan, with exact box and mask.

    Example: beltline synthesize tip --bags benign --threats threats --out set --difficulty 0.3:0.7
    """
    from beltline.synthesis.library import read_library
    from beltline.synthesis.output import TipPlan, benign_scans, project_set
    from beltline.synthesis.placement import Wish

    wish = Wish(_range(difficulty, "--difficulty"), _range(overlap, "--overlap"))
    if count + benign < 1:
        raise typer.BadParameter("must be at least 1, or --benign at least 1", param_hint="--count")
    with usage("--style"):
        plan = TipPlan(count, benign, seed, (1, most), wish, noise, hardening, gate, style, fusion)
    scans = [(name, path, mm or pixel_mm) for name, path, mm in benign_scans(bags)]
    fuse = _fuser(fusion) if fusion else None
    with progress_bar("projecting") as on_progress:
        card = project_set(out, scans, read_library(threats), plan, fuse=fuse, on_progress=on_progress)
    if as_json:
        print_json(card)
        return
    counts = card["counts"]
    print(f"{out}: {counts['images']} scans, {counts['annotations']} threats, {counts['positives']} positive")


@synthesize_app.command("library")
def make_library(
    scans: Annotated[
        Path, typer.Argument(help="Annotated set, or a folder per class of lone items over air.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the library; exemplars are added to one there.")],
    labels: Annotated[str, typer.Option(help="Classes, comma separated; empty takes all prohibited.")] = "",
    clutter: Annotated[
        float, typer.Option(help="Most spread of optical depth around a threat that is kept.", min=0)
    ] = 1.0,
    as_json: JsonFlag = False,
) -> None:
    """Cut threats out of annotated scans, divide by what lies around them, keep where they came from.

    Example: beltline synthesize library positives --out threats --labels knife,gun
    """
    from beltline.core import LABELS, with_former
    from beltline.synthesis.cutting import annotated_scans, cut_set, of_classes, split_of_set, uncluttered
    from beltline.synthesis.library import INDEX, census, read_library, write_library

    wanted = with_former({name.strip() for name in labels.split(",") if name.strip()} or LABELS)
    dropped: Counter[str] = Counter()
    plan: dict[str, Any] = {"clutter": clutter}
    if (scans / "annotations.json").is_file():
        plan |= split_of_set(scans)
        found = cut_set(annotated_scans(scans), wanted, dropped=dropped)
        threats = uncluttered(found, clutter, dropped=dropped)
    else:
        plain = read_library(scans)
        if (scans / INDEX).is_file() and realpath(scans) == realpath(out):
            note(f"{out}: counted, nothing added")
            _tell(census(plain), out, as_json=as_json)
            return
        threats = of_classes(progress(plain, label="cutting"), wanted if labels else set(), dropped)
    made = write_library(out, threats, plan=plan, dropped=dropped)
    _tell(census(made), out, as_json=as_json, dropped=dropped)


@synthesize_app.command("census")
def count_library(
    threats: Annotated[Path, typer.Argument(help="Threat library.")], as_json: JsonFlag = False
) -> None:
    """Count exemplars, articles and orientations against the published rules of threat libraries.

    Example: beltline synthesize census threats
    """
    from beltline.synthesis.library import census, read_library

    _tell(census(read_library(threats)), threats, as_json=as_json)


@synthesize_app.command("gate")
def measure(
    bags: Annotated[Path, typer.Option(help="Folder of benign scans, or a set.")],
    threats: Threats,
    count: Annotated[int, typer.Option(help="Projections, each also spoilt in every way.", min=2)] = 60,
    threshold: Annotated[float, typer.Option(help="Score that is kept.", min=0, max=1)] = 0.5,
    pixel_mm: Annotated[
        float | None, typer.Option(help="Pixel side of the bags, where no file says.")
    ] = None,
    limit: Annotated[int, typer.Option(help="Most bags read.", min=2)] = 40,
    seed: Seed = 0,
    as_json: JsonFlag = False,
) -> None:
    """Measure the quality gate: how well its score tells good projections from ones spoilt on purpose.

    Ranges are learned from half of the articles and bags, and measured on the other half.

    Example: beltline synthesize gate --bags benign --threats threats --count 100
    """
    from beltline.formats import read_scan
    from beltline.synthesis.domains import scan_domain
    from beltline.synthesis.library import read_library
    from beltline.synthesis.output import benign_scans
    from beltline.synthesis.spoil import measure_gate

    found = benign_scans(bags)[:limit]
    scans = [(read_scan(path), mm or pixel_mm) for _, path, mm in progress(found, label="reading")]
    domain = scan_domain(scans[0][0])
    of_kind = [(scan.pixels, mm or scan.pixel_mm) for scan, mm in scans if scan_domain(scan) == domain]
    report = measure_gate(of_kind, read_library(threats), domain, count=count, seed=seed, threshold=threshold)
    if as_json:
        made = {name: value if report.counts[name] else None for name, value in report.auc.items()}
        print_json({**vars(report), "auc": made, "passed": dict(report.passed), "domain": domain})
        return
    print(f"{domain}: {report.good} good projections, {100 * report.kept:.0f} % score {threshold:g} and more")
    print(f"{'spoilt by':18s}{'number':>8s}{'AUC':>8s}{'pass':>8s}  mostly caught by")
    for name, number in report.counts.items():
        if number:
            row = f"{number:8d}{report.auc[name]:8.3f}{100 * report.passed[name]:6.0f} %"
            print(f"{name:18s}{row}  {report.named[name]}")


def _tell(found: "Census", root: Path, *, as_json: bool, dropped: Mapping[str, int] | None = None) -> None:
    if as_json:
        shown = {**vars(found), "by_label": dict(found.by_label), "shortfalls": list(found.shortfalls())}
        print_json(shown if dropped is None else {**shown, "dropped": dict(dropped)})
        return
    print(f"{root}: {found.images} exemplars of {found.articles} articles")
    for reason, count in (dropped or {}).items():
        print(f"  dropped {count:d} {reason}")
    for label, (images, articles, views) in found.by_label.items():
        print(f"  {label:18s}{images:6d} exemplars{articles:6d} articles{views:6.1f} orientations an article")
    for line in found.shortfalls():
        print(f"  the published rules ask for more: {line}")


def _fuser(name: str) -> "Fuser":
    from beltline.synthesis.fuser import UNTRAINED

    if name in UNTRAINED:
        return UNTRAINED[name]
    if not Path(name).is_dir():
        raise typer.BadParameter(
            f"must be one of {', '.join(UNTRAINED)} or the folder of a run, got {name!r}",
            param_hint="--fusion",
        )
    from beltline.synthesis.fusion import learned_fuser
    from beltline.systems.fusion.system import load_fusion

    return learned_fuser(load_fusion(Path(name)))


def _range(text: str, option: str) -> tuple[float, float]:
    parts = text.split(":")
    try:
        low, high = float(parts[0]), float(parts[1])
    except (ValueError, IndexError):
        low, high = 1.0, 0.0
    if len(parts) != 2 or not 0 <= low <= high <= 1:
        raise typer.BadParameter(f"must be LOW:HIGH within 0 and 1, got {text!r}", param_hint=option)
    return low, high
