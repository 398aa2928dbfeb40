"""Benign scans and a threat library in, a labelled set out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError, Instances, Masks, Scan, is_threat
from beltline.formats import SetWriter, find_scans, read_scan, read_set
from beltline.formats.limits import bad
from beltline.physics import colorize
from beltline.synthesis.domains import REACHABLE, converted, scan_domain
from beltline.synthesis.library import ThreatLibrary
from beltline.synthesis.noise import Noise, estimate_noise, lacking
from beltline.synthesis.placement import Ground, Place, Wish, find_place, ground_of, turned
from beltline.synthesis.threat import Domain, Threat
from beltline.synthesis.tip import Projection, project
from beltline.synthesis.tip_color import project_color

Floats = NDArray[np.float32]
MARGIN = 16  # pixels around a crop in colour, so that edge enhancement sees what lies there
TURNS = 6  # draws of article and turn before a bag is given up
MAGNIFICATION = (0.96, 1.06)  # by height over the belt


@dataclass(frozen=True)
class TipPlan:
    """What a set of projections holds.

    Attributes:
        count: Scans with threats.
        benign: Scans without, beside them.
        seed: Of everything; scan i depends on this and i alone.
        threats: Fewest and most in a scan.
        wish: Where they go.
        noise: Whether the noise that the product lacks is added.
        gate: Lowest score of the quality gate that is kept; 0 keeps all.
        style: Look of the pictures of dual-energy scans.
    """

    count: int
    benign: int = 0
    seed: int = 0
    threats: tuple[int, int] = (1, 1)
    wish: Wish = field(default_factory=Wish)
    noise: bool = True
    gate: float = 0.0
    style: str = "white"

    def __post_init__(self) -> None:
        if self.count < 0 or self.benign < 0 or self.count + self.benign < 1:
            raise ValueError(f"a set needs at least one scan, got {self.count} and {self.benign} benign")
        if not 1 <= self.threats[0] <= self.threats[1]:
            raise ValueError(f"threats must be 1 <= fewest <= most, got {self.threats}")


@dataclass(frozen=True, eq=False)
class Placed:
    """One threat in one bag.

    Attributes:
        threat: As placed: turned, scaled, in the bag's domain.
        place: Where.
        projection: The bag with it, and the exact annotation.
        drawn: Article and turn, for the record.
    """

    threat: Threat
    place: Place
    projection: Projection
    drawn: Mapping[str, Any]


def benign_scans(folder: str | Path) -> list[tuple[str, Path, float | None]]:
    """Name, file and pixel size of every benign scan of a folder; of a set those without a threat.

    Raises:
        BadInputError: If there is none.
    """
    root = Path(folder)
    if (root / "annotations.json").is_file():
        found = read_set(root)
        kept = []
        for index, record in enumerate(found.records):
            labels = [
                label for label, value in zip(found.classes, found.labels[index], strict=True) if value == 1
            ]
            labels += [item["label"] for item in found.annotations[index]]
            if not any(is_threat(label) for label in labels):
                path = root / record.get("raw", record["file_name"])
                kept.append((found.names[index], path, record.get("pixel_mm")))
        if not kept:
            raise bad(root, "every scan of this set holds a threat; benign ones are needed")
        return kept
    return [(path.stem, path, None) for path in find_scans(root)]


def project_set(
    out: str | Path,
    bags: Sequence[tuple[str, Path, float | None]],
    library: ThreatLibrary,
    plan: TipPlan,
    *,
    progress: Callable[[int, int], None] | None = None,
    card: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write a set of projections; scans that are there already are kept.

    Args:
        out: Folder of the set.
        bags: Name, file and pixel size of benign scans, see `benign_scans`.
        library: The threats.
        plan: What to make.
        progress: Called with (scans done, scans in all).
        card: More fields for card.json.

    Returns:
        The card as written.

    Raises:
        BadInputError: If the threats cannot be brought to the domain of the bags, or fit nowhere.
    """
    classes = library.labels
    writer = SetWriter(out, classes=classes)
    total = plan.count + plan.benign
    missed = 0
    for index in range(total):
        name = f"{'tip' if index < plan.count else 'bag'}_{index:06d}"
        if not writer.has(name):
            rng = np.random.default_rng([plan.seed, index])
            missed += _write(writer, name, bags, library, plan, rng, positive=index < plan.count)
        if progress is not None:
            progress(index + 1, total)
    terms = {
        "source": "threat image projection",
        "terms": "The terms of the benign scans and of the threat library hold.",
        "plan": asdict(plan),
        "library": {"exemplars": len(library), "labels": list(classes)},
        "redrawn": missed,
    }
    return writer.finish({**terms, **(card or {})})


def _write(
    writer: SetWriter,
    name: str,
    bags: Sequence[tuple[str, Path, float | None]],
    library: ThreatLibrary,
    plan: TipPlan,
    rng: np.random.Generator,
    *,
    positive: bool,
) -> int:
    """Write one scan; returns how many bags had no place."""
    for tries, at in enumerate(rng.permutation(len(bags))[:20]):
        source, path, pixel_mm = bags[int(at)]
        scan = read_scan(path)
        domain, mm = scan_domain(scan), pixel_mm or scan.pixel_mm
        placed: list[Placed] = []
        pixels = scan.pixels
        wanted = int(rng.integers(plan.threats[0], plan.threats[1] + 1)) if positive else 0
        for item in threats_in(pixels, domain, mm, library, plan, rng, wanted):
            placed.append(item)
            pixels = item.projection.pixels
        if len(placed) >= (plan.threats[0] if positive else 0):
            _add(writer, name, pixels, domain, mm, placed, plan, source)
            return tries
    raise BadInputError(
        f"no place for a threat in {min(len(bags), 20)} bags; widen --difficulty or --overlap,"
        " or check --pixel-mm"
    )


def threats_in(
    pixels: Floats,
    domain: Domain,
    pixel_mm: float | None,
    library: ThreatLibrary,
    plan: TipPlan,
    rng: np.random.Generator,
    wanted: int,
) -> Iterator[Placed]:
    """Threats laid into one bag, one over the other; fewer than wanted where there is no place."""
    if not wanted:
        return
    ground = ground_of(pixels, domain)
    noises = (
        [estimate_noise(plane) for plane in pixels] if plan.noise and domain in ("dual", "grey") else None
    )
    for _ in range(wanted):
        found = _draw_place(ground, domain, pixel_mm, library, plan, rng)
        if found is None:
            return
        threat, place, drawn = found
        result = laid(pixels, threat, place, rng, noises=noises)
        pixels = result.pixels
        ground = Ground(ground_of(pixels, domain).depth, ground.inside)
        yield Placed(threat, place, result, drawn)


def laid(
    pixels: Floats,
    threat: Threat,
    place: Place,
    rng: np.random.Generator,
    *,
    noises: Sequence[Noise] | None = None,
) -> Projection:
    """The threat in the bag: the product of transmissions, the sum of basis maps, colours by way back.

    Args:
        pixels: (C, H, W), the bag.
        threat: In the bag's domain, as turned.
        place: Where.
        rng: Of the noise.
        noises: Of each channel; None adds none.
    """
    if threat.domain == "color":
        return _laid_color(pixels, threat, place)
    result = project(pixels, threat, place.corner)
    if noises is not None and threat.domain != "basis":
        height, width = threat.mask.shape
        row, column = place.corner
        window = np.s_[row : row + height, column : column + width]
        for channel, noise in enumerate(noises):
            extra = lacking(pixels[channel][window], threat.pixels[channel], noise, rng)
            plane = result.pixels[channel][window]
            np.clip(plane + extra, 0, 1, out=plane)
    return result


def _laid_color(pixels: Floats, threat: Threat, place: Place) -> Projection:
    height, width = threat.mask.shape
    row, column = place.corner
    top, left = max(row - MARGIN, 0), max(column - MARGIN, 0)
    window = np.s_[top : row + height + MARGIN, left : column + width + MARGIN]
    bag = np.round(255 * np.moveaxis(pixels, 0, 2)[window]).astype(np.uint8)
    item = np.full(bag.shape, 255, np.uint8)
    inner = np.s_[row - top : row - top + height, column - left : column - left + width]
    item[inner] = np.round(255 * np.moveaxis(threat.pixels, 0, 2)).astype(np.uint8)
    mask = np.zeros(bag.shape[:2], np.float32)
    mask[inner] = threat.mask
    fused = project_color(bag, item, mask)
    result = project(pixels, threat, place.corner)  # for the annotation
    whole = np.array(pixels, np.float32)
    whole[(slice(None), *window)] = np.moveaxis(fused, 2, 0).astype(np.float32) / 255
    return replace(result, pixels=whole)


def _draw_place(
    ground: Ground,
    domain: Domain,
    pixel_mm: float | None,
    library: ThreatLibrary,
    plan: TipPlan,
    rng: np.random.Generator,
) -> tuple[Threat, Place, dict[str, Any]] | None:
    for _ in range(TURNS):
        label = str(rng.choice(library.labels))
        articles = library.articles(label)
        article = sorted(articles)[int(rng.integers(len(articles)))]
        index = int(rng.choice(articles[article]))
        threat = library[index]
        if domain not in REACHABLE[threat.domain]:
            converted(threat, domain)  # raises, and says why
        scale = float(rng.uniform(*MAGNIFICATION))
        if threat.pixel_mm and pixel_mm:
            scale *= threat.pixel_mm / pixel_mm
        turn = {"degrees": float(rng.uniform(0, 360)), "mirror": bool(rng.random() < 0.5)}
        laid_down = converted(
            turned(threat, scale=scale, degrees=turn["degrees"], mirror=turn["mirror"]), domain, plan.style
        )
        place = find_place(ground, laid_down, plan.wish, rng)
        if place is not None:
            named = {"article": article, "exemplar": library.records[index]["name"]}
            rounded = {"degrees": round(turn["degrees"], 1), "mirror": turn["mirror"]}
            return laid_down, place, {**named, "scale": round(scale, 4), **rounded}
    return None


def _add(
    writer: SetWriter,
    name: str,
    pixels: Floats,
    domain: Domain,
    pixel_mm: float | None,
    placed: Sequence[Placed],
    plan: TipPlan,
    source: str,
) -> None:
    masks = [item.projection.mask >= 0.5 for item in placed]
    stack = np.stack(masks) if masks else np.zeros((0, *pixels.shape[1:]), bool)
    boxes = np.array([item.projection.box for item in placed], np.float32).reshape(-1, 4)
    instances = Instances(boxes, tuple(p.threat.label for p in placed), masks=Masks.encode(stack))
    extras = [
        {
            **item.drawn,
            "occlusion": round(item.place.difficulty, 4),
            "overlap": round(item.place.overlap, 4),
            "depth": round(item.place.depth, 3),
        }
        for item in placed
    ]
    writer.add(
        name,
        image=picture(pixels, domain, plan.style),
        raw=(pixels[0], pixels[1]) if domain == "dual" else None,
        instances=instances,
        pixel_mm=pixel_mm,
        extra={"bag": source, "domain": domain},
        instance_extras=extras,
    )


def picture(pixels: Floats, domain: Domain, style: str = "white") -> NDArray[np.uint8]:
    """(H, W, 3) or (H, W) uint8 for the eye and for detectors that read pictures."""
    if domain == "dual":
        return colorize(np.ascontiguousarray(pixels[0]), np.ascontiguousarray(pixels[1]), style)
    shown = np.round(255 * np.clip(pixels, 0, 1)).astype(np.uint8)
    return shown[0] if domain == "grey" else np.ascontiguousarray(np.moveaxis(shown, 0, 2))


def annotated_scans(folder: str | Path) -> Iterator[tuple[str, Scan, list[dict[str, Any]]]]:
    """Scans of a set with the records that cutting needs: label, mask or None, box, article or None."""
    found = read_set(folder)
    if any(record.get("raw") for record in found.records):
        found = read_set(folder, pixels="transmission")
    for index, name in enumerate(found.names):
        objects = found.instances(index)
        if objects is None or not len(objects):
            continue
        extras = found.annotations[index]
        yield (
            name,
            found.scan(index),
            [
                {
                    "label": label,
                    "mask": objects.masks[number] if objects.masks is not None else None,
                    "box": tuple(float(v) for v in objects.boxes[number]),
                    "article": extras[number].get("article"),
                }
                for number, label in enumerate(objects.labels)
            ],
        )
