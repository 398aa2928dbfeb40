"""One click on real scans whose items are masked: the click model beside what a user has without it.

The folder holds ``images/NAME.*`` and ``masks/NAME.png``, the number of a class in each pixel, 0 for none.
A region is a connected part of a class; with ``--single FILE`` those that hold one object, a line
``NAME number`` each, are counted apart. Clicks see the truth only as a user would: the first at the deepest
pixel, the following where the mask is most wrong. Flood fill and GrabCut get their best setting on this very
data, the click model nothing.

    python benchmarks/real_masks.py FOLDER
    python benchmarks/real_masks.py FOLDER --model FILE --detector NAME --pictures OUT --out figures.csv
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from beltline.core import Scan
from beltline.formats import read_scan
from beltline.metrics import centre_click, mask_iou, next_click, random_clicks
from beltline.screening import Clicker, load_clicker, load_model, screen_scan

Mask = NDArray[np.bool_]
SMALLEST_PX = 150  # smaller regions are artefacts of resizing
TOLERANCES = (4, 8, 12, 16, 24, 32)
REACHES = (40, 80, 140, 220)


@dataclass(frozen=True, eq=False)
class Region:
    """A connected part of a class in a real scan."""

    name: str
    number: int
    label: int
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
        picture = np.ascontiguousarray((255 * np.moveaxis(scan.pixels, 0, 2)).astype(np.uint8))
        number = 0
        for label in range(1, int(labels.max()) + 1):
            plane = cv2.morphologyEx((labels == label).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3)))
            count, parts, stats, _ = cv2.connectedComponentsWithStats(plane)
            for part in range(1, count):
                if stats[part, cv2.CC_STAT_AREA] >= SMALLEST_PX:
                    yield Region(path.stem, number, label, scan, picture, parts == part)
                    number += 1


def flooded(region: Region, tolerance: int) -> Mask:
    """Flood fill of alike colours from the click."""
    out = np.zeros((region.mask.shape[0] + 2, region.mask.shape[1] + 2), np.uint8)
    flags = 4 | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE | 255 << 8
    spread = (tolerance,) * 3
    cv2.floodFill(region.picture.copy(), out, region.click, 0, spread, spread, flags)
    return out[1:-1, 1:-1] > 0


def grabbed(region: Region, reach: int) -> Mask:
    """GrabCut in a square about the click."""
    x, y = region.click
    state = np.full(region.mask.shape, cv2.GC_BGD, np.uint8)
    state[max(y - reach, 0) : y + reach, max(x - reach, 0) : x + reach] = cv2.GC_PR_BGD
    cv2.circle(state, (x, y), max(reach // 4, 6), cv2.GC_PR_FGD, -1)
    cv2.circle(state, (x, y), 3, cv2.GC_FGD, -1)
    back, front = np.zeros((2, 1, 65))
    cv2.setRNGSeed(0)
    cv2.grabCut(region.picture, state, None, back, front, 4, cv2.GC_INIT_WITH_MASK)
    found = np.isin(state, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    parts = cv2.connectedComponents(found)[1]
    return parts == parts[y, x]


def of_model(clicker: Clicker, region: Region) -> dict[str, float]:
    """IoU after one click, of the best of three answers, after three, and of clicks anywhere inside."""
    first = clicker.cut(region.scan, [region.click])
    clicks, labels, mask = [region.click], [1], first.mask
    ious = [mask_iou(region.mask, mask)]
    for _ in range(2):
        following = next_click(region.mask, mask, clicks)
        if following is not None:
            clicks.append((following.x, following.y))
            labels.append(int(following.positive))
            mask = clicker.cut(region.scan, clicks, labels, mask=mask).mask
        ious.append(mask_iou(region.mask, mask))
    anywhere = random_clicks(region.mask, 5, rng=np.random.default_rng(region.number))
    inside = [mask_iou(region.mask, clicker.cut(region.scan, [place]).mask) for place in anywhere]
    nested = [mask_iou(region.mask, one.mask) for one in first.candidates.values()]
    return {
        "one click": ious[0], "best of three answers": max(nested), "three clicks": ious[2],
        "a click anywhere": float(np.mean(inside)),
    }  # fmt: skip


def of_detector(name: str, clicker: Clicker) -> Callable[[Region], dict[str, float]]:
    """IoU of the detector's surest box over the click, at its point of 20 % false alarms."""
    model = load_model(name)

    def judge(region: Region) -> dict[str, float]:
        found = screen_scan(region.scan, model, pfa=0.2, deadline_ms=60_000).report
        x, y = region.click
        over = [
            one for one in found.instances
            if one.box[0] <= x < one.box[2] and one.box[1] <= y < one.box[3]
        ]  # fmt: skip
        best = max(over, key=lambda one: one.score, default=None)
        if best is None:
            return {"the detector's box": 0.0, "that box to the click model": 0.0, "box and click": 0.0}
        x1, y1, x2, y2 = (round(value) for value in best.box)
        filled = np.zeros_like(region.mask)
        filled[max(y1, 0) : y2, max(x1, 0) : x2] = True
        cut = [
            mask_iou(region.mask, clicker.cut(region.scan, points, box=best.box).mask)
            for points in ((), [region.click])
        ]
        return {
            "the detector's box": mask_iou(region.mask, filled),
            "that box to the click model": cut[0], "box and click": cut[1],
        }  # fmt: skip

    return judge


def plain(region: Region) -> dict[str, float]:
    """IoU of flood fill and GrabCut in every setting."""
    fill = {f"flood fill {n}": mask_iou(region.mask, flooded(region, n)) for n in TOLERANCES}
    return fill | {f"GrabCut {n}": mask_iou(region.mask, grabbed(region, n)) for n in REACHES}


def table(rows: list[tuple[Region, dict[str, float]]], single: set[tuple[str, int]]) -> list[list[str]]:
    """Lines of mean IoU and the share of regions below 0.5: all regions, then those of one object."""
    groups = {"all": rows, "one object": [(r, v) for r, v in rows if (r.name, r.number) in single]}
    groups = {name: some for name, some in groups.items() if some}
    lines = [["way", *(f"{g} ({len(some)}): {f}" for g, some in groups.items() for f in ("mIoU", "missed"))]]
    ways = [w for w in rows[0][1] if not w.startswith(("flood fill", "GrabCut"))]
    for family in ("flood fill", "GrabCut"):
        settings = [w for w in rows[0][1] if w.startswith(family)]
        ways.append(max(settings, key=lambda w: np.mean([v[w] for _, v in rows])))
    for way in ways:
        line = [way]
        for some in groups.values():
            ious = np.array([values[way] for _, values in some])
            line += [f"{ious.mean():.3f}", f"{(ious < 0.5).mean():.2f}"]
        lines.append(line)
    return lines


def draw(out: Path, region: Region, clicker: Clicker) -> None:
    """Truth in green, answer in red, click in black."""
    picture = region.picture[..., ::-1].copy()
    for mask, colour in (
        (region.mask, (0, 160, 0)),
        (clicker.cut(region.scan, [region.click]).mask, (0, 0, 230)),
    ):
        outline, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, outline, -1, colour, 2)
    cv2.circle(picture, region.click, 5, (0, 0, 0), -1)
    cv2.imwrite(str(out / f"{region.name}_{region.number}.png"), picture)


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
    judges = [
        lambda r: of_model(clicker, r),
        *([of_detector(args.detector, clicker)] if args.detector else []),
    ]
    rows = [
        (r, {k: v for judge in (*judges, plain) for k, v in judge(r).items()}) for r in regions(args.folder)
    ]
    single: set[tuple[str, int]] = set()
    if args.single:
        single = {(n, int(k)) for n, k in (line.split() for line in args.single.read_text().splitlines())}
    if args.pictures:
        args.pictures.mkdir(parents=True, exist_ok=True)
        for region, _ in rows:
            draw(args.pictures, region, clicker)
    lines = table(rows, single)
    for line in lines:
        print("| " + " | ".join(line) + " |")
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        with args.out.open("w", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows(lines)
    if args.pictures:
        for region, values in rows:
            print(
                region.name,
                region.number,
                region.label,
                int(region.mask.sum()),
                {k: round(v, 2) for k, v in values.items() if "flood" not in k and "Grab" not in k},
            )


if __name__ == "__main__":
    main()
