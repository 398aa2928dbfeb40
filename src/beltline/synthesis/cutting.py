"""Threats cut out of scans: by a mask or a box, cleaned of what lay around and under them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError, Scan, mask_window
from beltline.formats import read_set
from beltline.physics import ColorStyle, background_color, colorize, guess_style
from beltline.synthesis.domains import DARKEST, optical_depth, scan_domain
from beltline.synthesis.features import rgb_of
from beltline.synthesis.noise import denoised
from beltline.synthesis.threat import Domain, Threat
from beltline.synthesis.tip_color import low_and_high

Floats = NDArray[np.float32]
ITEM_DEPTH = 0.03  # optical depth from which a pixel of a lone item counts as covered
RIM_SHARE = 0.25
RING = 6  # pixels around an item that tell what it lies on
SMALLEST = 5  # pixels a side; below that nothing can be told of an item
# why an object gives no threat
OTHER = "of classes not asked for"
SHAPELESS = "without a shape that stands out in their box"
SMALL = "too small, or filling their scan"
AMONG = "lying among too much (--clutter)"


def cut_alone(scan: Scan, label: str, article: str, provenance: Mapping[str, Any]) -> Threat:
    """A threat out of a scan that shows nothing else over air.

    Raises:
        BadInputError: If the scan shows nothing, or no air.
    """
    domain = scan_domain(scan)
    pixels = _over_air(scan, domain)
    depth = optical_depth(pixels, domain)
    # blur makes a dense item look wider: its rim counts from a share of the depth beside it
    level = np.maximum(ITEM_DEPTH, RIM_SHARE * cv2.dilate(depth, np.ones((5, 5), np.uint8)))
    covered = np.asarray(cv2.morphologyEx((depth > level).astype(np.uint8), cv2.MORPH_OPEN, _disc(1)))
    if not covered.any() or covered.mean() > 0.9:
        raise BadInputError(
            f"{provenance.get('scan', article)}: {'nothing but air' if not covered.any() else 'no air'};"
            " a lone item over air is needed, or an annotated set for beltline synthesize library"
        )
    return _cut(pixels, covered > 0, domain, (label, article), scan.pixel_mm, {**provenance, "clutter": 0.0})


def cut_out(
    scan: Scan, mask: NDArray[np.bool_], label: str, article: str, provenance: Mapping[str, Any]
) -> Threat:
    """A threat out of a bag: divided by what surrounds it.

    What lies under the item is taken to go on from its surrounding (inward from a ring of 6 pixels). The
    spread of the optical depth in this ring is kept as ``clutter``: 0 over air or a tray, high where the
    item lies among other things and the division is a guess.

    Args:
        scan: The scan.
        mask: (H, W) bool, the item.
        label: Its class.
        article: Its article.
        provenance: Where the scan is from.

    Raises:
        BadInputError: If the mask is smaller than 5 pixels a side, or leaves no surrounding.

    Source:
        RWSC-Fusion, equation 4, read backwards: I_f = I_fb I_0 / I_b; the filling is ours. Colours are
        divided in the two energies that an approximate way back gives, and coloured again.
    """
    domain = scan_domain(scan)
    rows, columns = mask.any(1).sum(), mask.any(0).sum()
    if min(rows, columns) < SMALLEST or mask.all():
        raise BadInputError(
            f"{article}: a mask of {rows}x{columns} pixels; cutting needs {SMALLEST} a side and something"
            " around it"
        )
    window = mask_window(mask, RING + 2)
    pixels, inside = _over_air(scan, domain)[(slice(None), *window)], mask[window]
    wide = cv2.dilate(inside.astype(np.uint8), _disc(2)) > 0  # the blur of the detector reaches out
    around = (cv2.dilate(wide.astype(np.uint8), _disc(RING)) > 0) & ~wide
    if not around.any():
        raise BadInputError(f"{article}: the mask fills its scan; nothing tells what the item lies on")
    depths = optical_depth(pixels, domain)[around]
    clutter = float(np.subtract(*np.quantile(depths, [0.9, 0.1])))
    look = guess_style(rgb_of(scan.pixels)) if domain == "color" else None
    alone = _divided(pixels, around, look)
    known = {**provenance, "clutter": round(clutter, 4), "under": round(float(np.median(depths)), 4)}
    return _cut(alone, inside, domain, (label, article), scan.pixel_mm, known)


def _divided(pixels: Floats, around: NDArray[np.bool_], look: ColorStyle | None) -> Floats:
    """Pixels over what the surrounding, carried on, has there; colours by way of two energies."""
    planes = pixels if look is None else low_and_high(rgb_of(pixels), look)
    under = np.stack([filled(plane, around) for plane in planes])
    alone = np.clip(planes / np.maximum(under, DARKEST), DARKEST, 1).astype(np.float32)
    if look is None:
        return alone
    air = np.asarray(look.background, np.float32)[:, None, None]
    shown = np.moveaxis(colorize(alone[0], alone[1], look), 2, 0).astype(np.float32)
    return np.asarray(np.minimum(shown / air, 1), np.float32)


def mask_of_box(scan: Scan, box: tuple[float, float, float, float]) -> NDArray[np.bool_] | None:
    """(H, W) the item in a box, told by its depth over that along the border of the box.

    Returns:
        None where nothing stands out.

    Source:
        Ours: Otsu's threshold of the depth above a plane through the border, the largest blob.
    """
    domain = scan_domain(scan)
    x1, y1, x2, y2 = (round(v) for v in box)
    depth = optical_depth(_over_air(scan, domain), domain)[max(y1, 0) : y2, max(x1, 0) : x2]
    if min(depth.shape) < SMALLEST:
        return None
    border = np.ones(depth.shape, bool)
    border[2:-2, 2:-2] = False
    above = np.maximum(depth - filled(depth, border), 0)
    scaled = (255 * above / max(float(above.max()), 1e-6)).astype(np.uint8)
    _, shape = cv2.threshold(scaled, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    if float(above.max()) < 2 * ITEM_DEPTH:
        return None
    closed = cv2.morphologyEx(np.asarray(shape, np.uint8), cv2.MORPH_CLOSE, _disc(2))
    count, parts, stats, _ = cv2.connectedComponentsWithStats(closed)
    if count < 2:
        return None
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    mask = np.zeros((scan.height, scan.width), bool)
    mask[max(y1, 0) : y2, max(x1, 0) : x2] = parts == largest
    return mask


def filled(plane: Floats, known: NDArray[np.bool_]) -> Floats:
    """(H, W) the known pixels carried smoothly into all others.

    Source:
        Push-pull interpolation (Gortler et al. 1996): averages at ever coarser scale, taken where finer
        ones know nothing.
    """
    weight = known.astype(np.float32)
    if min(plane.shape) <= 2 or known.all():
        mean = float((plane * weight).sum() / max(float(weight.sum()), 1e-6))
        return np.where(known, plane, np.float32(mean)).astype(np.float32)
    half = (plane.shape[1] + 1) // 2, (plane.shape[0] + 1) // 2
    share = cv2.resize(weight, half, interpolation=cv2.INTER_AREA)
    value = cv2.resize(plane * weight, half, interpolation=cv2.INTER_AREA) / np.maximum(share, 1e-6)
    coarse = filled(value.astype(np.float32), share > 0)
    spread = cv2.resize(coarse, plane.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.where(known, plane, spread).astype(np.float32)


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
        records = [
            {
                "label": label,
                "mask": objects.masks[number] if objects.masks is not None else None,
                "box": tuple(float(v) for v in objects.boxes[number]),
                "article": extras[number].get("article"),
            }
            for number, label in enumerate(objects.labels)
        ]
        yield name, found.scan(index), records


def cut_set(
    samples: Iterator[tuple[str, Scan, Any]],
    labels: Set[str] = frozenset(),
    *,
    dropped: Counter[str] | None = None,
) -> Iterator[Threat]:
    """Threats of annotated scans.

    Args:
        samples: (name, scan, records) with records of label, mask or None, box and article or None.
        labels: Wanted classes; empty takes all.
        dropped: Counts by reason the objects that give no threat.
    """
    dropped = Counter() if dropped is None else dropped
    for name, scan, records in samples:
        for number, record in enumerate(records):
            if labels and record["label"] not in labels:
                dropped[OTHER] += 1
                continue
            mask = record["mask"] if record["mask"] is not None else mask_of_box(scan, record["box"])
            if mask is None or not mask.any():
                dropped[SHAPELESS] += 1
                continue
            article = record["article"] or f"{name}:{number}"
            by = "box" if record["mask"] is None else "mask"
            source = {"scan": name, "annotation": number, "by": by}
            try:
                yield cut_out(scan, mask, record["label"], article, source)
            except BadInputError:
                dropped[SMALL] += 1


def of_classes(threats: Iterable[Threat], labels: Set[str], dropped: Counter[str]) -> Iterator[Threat]:
    """The threats of the wanted classes, the others counted; no class takes all."""
    for threat in threats:
        if labels and threat.label not in labels:
            dropped[OTHER] += 1
        else:
            yield threat


def split_of_set(folder: str | Path) -> dict[str, Any]:
    """``{"split": ...}`` where the scans of a set say which one they are of, else nothing."""
    found = sorted({str(record["split"]) for record in read_set(folder).records if record.get("split")})
    return {"split": ", ".join(found)} if found else {}


def uncluttered(
    threats: Iterator[Threat], most: float, *, dropped: Counter[str] | None = None
) -> Iterator[Threat]:
    """The threats whose surrounding told what lies under them.

    Args:
        threats: From `cut_set`.
        most: Largest ``clutter`` that is kept; see `cut_out`.
        dropped: Counts those that are not.

    Raises:
        BadInputError: At the end, if there were threats and all lie among too much.
    """
    dropped = Counter() if dropped is None else dropped
    refused, kept, least = 0, 0, np.inf
    for threat in threats:
        clutter = float(threat.provenance["clutter"])
        if clutter <= most:
            kept += 1
            yield threat
        else:
            refused, least = refused + 1, min(least, clutter)
            dropped[AMONG] += 1
    if refused and not kept:
        raise BadInputError(
            f"{refused} threats found, but the surrounding of the clearest spreads {least:.2f} in optical"
            f" depth; --clutter {most:g} keeps none, take --clutter {np.ceil(10 * least) / 10:g} or more"
        )


def _cut(
    pixels: Floats,
    covered: NDArray[np.bool_],
    domain: Domain,
    names: tuple[str, str],
    pixel_mm: float | None,
    provenance: Mapping[str, Any],
) -> Threat:
    soft = np.clip(cv2.GaussianBlur(covered.astype(np.float32), (5, 5), 0.9) * 2, 0, 1)
    soft[soft < 0.02] = 0
    window = mask_window(soft)
    clean = denoised(pixels, domain)
    alone = (1 - soft * (1 - clean))[(slice(None), *window)]
    return Threat(alone, covered[window].astype(np.float32), domain, names[0], names[1], pixel_mm, provenance)


def _over_air(scan: Scan, domain: Domain) -> Floats:
    """Pixels with air at 1."""
    if domain != "color":
        return np.minimum(scan.pixels, 1).astype(np.float32)
    rgb = np.round(np.moveaxis(scan.pixels, 0, 2) * 255).astype(np.uint8)
    air = background_color(rgb)[:, None, None] / 255
    return np.minimum(scan.pixels / air, 1).astype(np.float32)


def _disc(radius: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2), np.uint8)
