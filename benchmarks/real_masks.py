"""Clicks on real scans whose items are masked: the click model beside what a user has without it.

The folder holds ``images/NAME.*`` and ``masks/NAME.png``, the number of a class in each pixel, 0 for none.
A region is a connected part of a class; with ``--single FILE`` those that hold one object, a line
``NAME number`` each, are counted apart. Clicks see the truth only as a user would: the first at the deepest
pixel, the following where the mask is most wrong. Flood fill and GrabCut get the setting that is best for
them on this very data, the click model nothing. Differences are paired, their ranges over scans.

    python benchmarks/real_masks.py FOLDER
    python benchmarks/real_masks.py FOLDER --model FILE --detector NAME --pictures OUT --out figures.csv
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import Scan
from beltline.formats import read_scan
from beltline.metrics import centre_click, click_curve, mask_iou, paired_miou, random_clicks
from beltline.protocols.tables import markdown, write_csv
from beltline.screening import Clicker, load_clicker, load_model, screen_scan
from beltline.screening.outlines import draw_clicks

Mask = NDArray[np.bool_]
Values = dict[str, float]
SMALLEST_PX = 150  # smaller regions are artefacts of resizing
TOLERANCES = (8, 16, 24, 32, 48, 64, 80, 96, 128)
REACHES = (40, 80, 140, 220)
OURS, THREE = "click model", ", three clicks"


@dataclass(frozen=True, eq=False)
class Region:
    """A connected part of a class in a real scan."""

    name: str
    number: int
    scan: Scan
    picture: NDArray[np.uint8]
    mask: Mask

    @property
    def click(self) -> tuple[int, int]:
        """The deepest pixel."""
        return centre_click(self.mask)


def regions(folder: Path) -> Iterator[Region]:
    """Regions of every scan; thin rims of a wrong value, which resizing left, are opened away."""
    for path in sorted((folder / "images").iterdir()):
        labels = cv2.imread(str(folder / "masks" / f"{path.stem}.png"), cv2.IMREAD_UNCHANGED)
        scan = read_scan(path)
        picture = np.ascontiguousarray(np.rint(255 * np.moveaxis(scan.pixels, 0, 2)).astype(np.uint8))
        number = 0
        for label in range(1, int(labels.max()) + 1):
            plane = cv2.morphologyEx((labels == label).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3)))
            count, parts, stats, _ = cv2.connectedComponentsWithStats(plane)
            for part in range(1, count):
                if stats[part, cv2.CC_STAT_AREA] >= SMALLEST_PX:
                    yield Region(path.stem, number, scan, picture, parts == part)
                    number += 1


def flooded(region: Region, tolerance: int) -> Mask:
    """Flood fill of alike colours from the click."""
    out = np.zeros((region.mask.shape[0] + 2, region.mask.shape[1] + 2), np.uint8)
    flags = 4 | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE | 255 << 8
    spread = (tolerance,) * 3
    cv2.floodFill(region.picture.copy(), out, region.click, 0, spread, spread, flags)
    return out[1:-1, 1:-1] > 0


def grabbed(picture: NDArray[np.uint8], points: Sequence[Any], labels: Sequence[Any], reach: int) -> Mask:
    """GrabCut in a square about the first click; what is connected to a click on the object."""
    x, y = (int(value) for value in points[0])
    state = np.full(picture.shape[:2], cv2.GC_BGD, np.uint8)
    state[max(y - reach, 0) : y + reach, max(x - reach, 0) : x + reach] = cv2.GC_PR_BGD
    cv2.circle(state, (x, y), max(reach // 4, 6), cv2.GC_PR_FGD, -1)
    for (column, line), label in zip(points, labels, strict=True):
        cv2.circle(state, (int(column), int(line)), 3, cv2.GC_FGD if label else cv2.GC_BGD, -1)
    back, front = np.zeros((2, 1, 65))
    cv2.setRNGSeed(0)
    cv2.grabCut(picture, state, None, back, front, 4, cv2.GC_INIT_WITH_MASK)
    found = np.isin(state, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    parts = cv2.connectedComponents(found)[1]
    on = {int(parts[line, column]) for (column, line), label in zip(points, labels, strict=True) if label}
    return np.isin(parts, list(on - {0}))


def of_model(clicker: Clicker, region: Region) -> Values:
    """IoU after one click and three, of the best of the three answers, and of clicks anywhere inside."""
    first = clicker.cut(region.scan, [region.click])
    anywhere = random_clicks(region.mask, 5, rng=np.random.default_rng(region.number))
    inside = [mask_iou(region.mask, clicker.cut(region.scan, [place]).mask) for place in anywhere]
    curve = click_curve(
        lambda points, labels, given: clicker.cut(region.scan, points, labels, mask=given).mask,
        region.mask, region.click, 3,
    )  # fmt: skip
    return {
        OURS: curve[0],
        OURS + THREE: curve[2],
        f"{OURS}, best of its three answers": max(
            mask_iou(region.mask, one.mask) for one in first.candidates.values()
        ),
        f"{OURS}, a click anywhere inside": float(np.mean(inside)),
    }


def of_detector(name: str, clicker: Clicker) -> Callable[[Region], Values]:
    """IoU of the detector's surest box over the click, at its point of 20 % false alarms; 0 without one."""
    model = load_model(name)

    def judge(region: Region) -> Values:
        found = screen_scan(region.scan, model, pfa=0.2, deadline_ms=60_000).report
        x, y = region.click
        over = [
            one for one in found.instances if one.box[0] <= x < one.box[2] and one.box[1] <= y < one.box[3]
        ]
        best = max(over, key=lambda one: one.score, default=None)
        ways = ("detector's box", f"{OURS}, that box", f"{OURS}, that box and a click")
        if best is None:
            return dict.fromkeys(ways, 0.0)
        x1, y1, x2, y2 = (round(value) for value in best.box)
        filled = np.zeros_like(region.mask)
        filled[max(y1, 0) : y2, max(x1, 0) : x2] = True
        cut = [clicker.cut(region.scan, points, box=best.box).mask for points in ((), [region.click])]
        return {way: mask_iou(region.mask, mask) for way, mask in zip(ways, (filled, *cut), strict=True)}

    return judge


def plain(region: Region) -> Values:
    """IoU of flood fill after one click and of GrabCut after one and three, in every setting."""
    found = {f"flood fill {n}": mask_iou(region.mask, flooded(region, n)) for n in TOLERANCES}
    for reach in REACHES:
        curve = click_curve(
            lambda points, labels, _, n=reach: grabbed(region.picture, points, labels, n),
            region.mask, region.click, 3,
        )  # fmt: skip
        found |= {f"GrabCut {reach}": curve[0], f"GrabCut {reach}{THREE}": curve[2]}
    return found


def best_settings(rows: Sequence[tuple[Region, Values]]) -> list[str]:
    """The ways to show: of flood fill and GrabCut the one setting that is best after one click."""
    names = list(rows[0][1])
    ways = [way for way in names if not way.startswith(("flood fill", "GrabCut"))]
    for family in ("flood fill", "GrabCut"):
        settings = [way for way in names if way.startswith(family) and not way.endswith(THREE)]
        best = max(settings, key=lambda way: np.mean([values[way] for _, values in rows]))
        ways += [way for way in (best, best + THREE) if way in names]
    return ways


def table(rows: Sequence[tuple[Region, Values]], single: set[tuple[str, int]]) -> list[dict[str, str]]:
    """A row a way: mean IoU, what it is above the click model's after as many clicks, and regions missed."""
    groups = {"all": rows, "one object": [(r, v) for r, v in rows if (r.name, r.number) in single]}
    out = []
    for way in best_settings(rows):
        row = {"way": way}
        ours = OURS + THREE if way.endswith(THREE) else OURS
        for title, some in groups.items():
            if not some:
                continue
            found, theirs = (np.array([values[name] for _, values in some]) for name in (way, ours))
            row[f"{title} ({len(some)}): mIoU"] = f"{found.mean():.3f}"
            row[f"{title}: over the click model"] = "" if way == ours else _difference(theirs, found, some)
            row[f"{title}: missed"] = f"{(found < 0.5).mean():.2f}"
        out.append(row)
    return out


def _difference(ours: Any, found: Any, some: Sequence[tuple[Region, Values]]) -> str:
    scans = [region.name for region, _ in some]
    gain = paired_miou(ours, found, scans, rng=np.random.default_rng(0))
    return f"{gain.difference:+.2f} [{gain.low:+.2f}, {gain.high:+.2f}]"


def draw(out: Path, region: Region, clicker: Clicker) -> None:
    """What one click cuts out."""
    mask = clicker.cut(region.scan, [region.click]).mask
    drawn = draw_clicks(region.picture, mask, [region.click], [1])
    cv2.imwrite(str(out / f"{region.name}_{region.number}.png"), drawn[..., ::-1])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", help="click model; default the shipped one")
    parser.add_argument("--trust", action="store_true", help="accept a file that no manifest lists")
    parser.add_argument("--detector", help="detector whose boxes stand beside")
    parser.add_argument("--single", type=Path, help="regions of one object, a line 'NAME number' each")
    parser.add_argument("--pictures", type=Path, help="folder for overlays")
    parser.add_argument("--out", type=Path, help="CSV of the table")
    args = parser.parse_args()
    clicker = load_clicker(args.model, trust=args.trust)
    judges = [lambda region: of_model(clicker, region), plain]
    if args.detector:
        judges.insert(1, of_detector(args.detector, clicker))
    rows = [(r, {way: v for judge in judges for way, v in judge(r).items()}) for r in regions(args.folder)]
    single: set[tuple[str, int]] = set()
    if args.single:
        single = {(n, int(k)) for n, k in (line.split() for line in args.single.read_text().splitlines())}
    if args.pictures:
        args.pictures.mkdir(parents=True, exist_ok=True)
        for region, _ in rows:
            draw(args.pictures, region, clicker)
    lines = table(rows, single)
    print(markdown(lines))
    if args.out:
        write_csv(args.out, lines)


if __name__ == "__main__":
    main()
