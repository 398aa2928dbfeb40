"""How much of a bag its items take up: longer side of the box over the longer side of what is not air.

Real scans with boxes (a folder as `real_folder` reads it) beside training shards as they are stored, and in
montages as ``--montage`` of the training looks shows them (see `beltline.training.montage`).

    python benchmarks/item_sizes.py FOLDER SHARDS --out sizes.csv
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from real_folder import read_boxes

from beltline.formats import read_scan
from beltline.physics import whiten_background
from beltline.protocols.tables import markdown, write_csv
from beltline.systems.detector.data import Opened, SourceBatches, montaged
from beltline.training.augment import NO_AUGMENTATION
from beltline.training.montage import content, draw_others
from beltline.training.sources import open_source

QUANTILES = (0.1, 0.5, 0.9)
FEWEST = 5  # objects of a class that make a row
Sizes = dict[str, list[float]]


def shares(pixels: NDArray[np.uint8], boxes: NDArray[np.float32]) -> list[float]:
    """Longer side of each box (M, 4) over that of the bag in a white picture (H, W, 3)."""
    top, left, bottom, right = content(pixels)
    sides = (boxes[:, 2:] - boxes[:, :2]).max(1) / max(bottom - top, right - left)
    return [float(share) for share in sides]


def real(folder: Path) -> Sizes:
    """Of every class with boxes."""
    found: Sizes = defaultdict(list)
    for (image, label), boxes in read_boxes(folder).items():
        pixels = np.rint(255 * np.moveaxis(read_scan(folder / image).pixels, 0, 2)).astype(np.uint8)
        found[label] += shares(whiten_background(np.ascontiguousarray(pixels)), np.array(boxes, np.float32))
    return found


def simulated(shards: Path, scans: int, montage: float) -> Sizes:
    """Of the first scans of a folder of shards, alone or in montages."""
    batches = SourceBatches(open_source(shards), 1, 640, (640, 640), NO_AUGMENTATION)
    found: Sizes = defaultdict(list)
    for seen in _shown(batches, scans, montage):
        for label, share in zip(seen.labels, shares(seen.pixels, seen.boxes), strict=True):
            found[batches.source.classes[int(label)]].append(share)
    return found


def _shown(batches: SourceBatches, scans: int, montage: float) -> Iterator[Opened]:
    rng = np.random.default_rng(0)
    for number in range(min(scans, len(batches.source))):
        others = draw_others(rng, montage, len(batches.source))
        yield montaged(rng, [batches.opened(int(one)) for one in (number, *others)], batches.long_side)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("shards", type=Path)
    parser.add_argument("--scans", type=int, default=1000, help="of the shards")
    parser.add_argument("--out", type=Path, help="CSV of the table")
    args = parser.parse_args()
    columns = {
        "real": real(args.folder),
        "simulated, alone": simulated(args.shards, args.scans, 0.0),
        "simulated, in montages": simulated(args.shards, args.scans, 1.0),
    }
    rows = []
    for label in sorted(label for label, some in columns["real"].items() if len(some) >= FEWEST):
        row = {"class": label}
        for name, found in columns.items():
            low, middle, high = np.quantile(found[label], QUANTILES)
            row[name] = f"{middle:.2f} ({low:.2f} to {high:.2f}), n {len(found[label])}"
        rows.append(row)
    print(markdown(rows))
    if args.out:
        write_csv(args.out, rows)


if __name__ == "__main__":
    main()
