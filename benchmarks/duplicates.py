"""What tells the same picture from a picture of another bag: ways to compare two pictures, side by side.

    beltline simulate bags --bags 400 --seed 1 --pixel-mm 1.2
    python benchmarks/duplicates.py bags --out docs/reports/curation/likeness.csv

Each way is asked about copies of simulated bags, and about the pairs of different bags that look most alike
by code. Where a way compares pictures one way round, it is told which by the code, as curation does. The
features of the shipped classifier need the extra `train` (onnx).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray
from planted_faults import COPIES, RELATIVES, Bag, armed, pitch_of

from beltline.data.curate import all_orientations, likeness, oriented, picture_code, thumbnail
from beltline.data.curate.alignment import alignment
from beltline.formats import read_set
from beltline.protocols.tables import markdown, write_csv
from beltline.screening import find_weights
from beltline.screening.runtime import onnxruntime

STRANGERS, EACH, TIMED = 1000, 40, 50
SIDE = 320  # of the picture that the classifier sees
HEADS = ("conv2d_55", "conv2d_56", "conv2d_57")  # the three scales of starter-chr-3's classifier
Floats = NDArray[np.float32]


class Seen(NamedTuple):
    """A picture, as far as any way asks."""

    code: int
    small: NDArray[np.uint8]
    rgb: NDArray[np.uint8]


def seen(rgb: NDArray[np.uint8]) -> Seen:
    """What the ways compare of (H, W, 3)."""
    luminance = rgb.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    square = cv2.resize(np.ascontiguousarray(rgb), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return Seen(picture_code(luminance), thumbnail(luminance), np.asarray(square, np.uint8))


def nearest(first: Seen, second: Seen) -> tuple[int, int]:
    """Orientation in which the first comes nearest to the second by code, and the bits left."""
    turned = all_orientations(np.array([first.code], np.uint64))[0]
    apart = [int(code ^ np.uint64(second.code)).bit_count() for code in turned]
    return int(np.argmin(apart)), min(apart)


def correlation(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Pearson's, of all values."""
    return float(np.corrcoef(np.ravel(a).astype(np.float64), np.ravel(b).astype(np.float64))[0, 1])


def detail(small: NDArray[np.uint8]) -> Floats:
    """Without what is broad."""
    return np.asarray(small - cv2.GaussianBlur(small.astype(np.float32), (0, 0), 2.25), np.float32)


def aligned(first: Seen, second: Seen) -> Floats:
    """Detail of the second where that of the first lies."""
    one, other = detail(first.small), detail(second.small)
    way = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(other, alignment(one, other), other.shape, flags=way), np.float32)


class Features:
    """Answers and features of the shipped classifier."""

    def __init__(self) -> None:
        model = onnx.load_from_string(find_weights("starter-chr-3").payload)
        inputs = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "Conv"}
        self._maps = [inputs[name] for name in HEADS]
        for name in self._maps:
            model.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
        providers = ["CPUExecutionProvider"]
        self._session = onnxruntime.InferenceSession(model.SerializeToString(), providers=providers)
        self._kept: dict[int, tuple[Seen, tuple[Floats, Floats, Floats]]] = {}

    def of(self, picture: Seen) -> tuple[Floats, Floats, Floats]:
        """See `computed`; of one picture once."""
        if id(picture) not in self._kept:
            self._kept[id(picture)] = (
                picture,
                self.computed(picture.rgb),
            )  # alive, so that no other has its id
        return self._kept[id(picture)][1]

    def computed(self, rgb: NDArray[np.uint8]) -> tuple[Floats, Floats, Floats]:
        """Answers with their maps; features averaged over the picture; features on a grid of 5 x 5."""
        image = np.moveaxis(rgb.astype(np.float32) / 255, 2, 0)[None]
        logits, cams, *maps = self._session.run(["logits", "cams", *self._maps], {"image": image})
        means = np.concatenate([m.mean((2, 3)).ravel() for m in maps])
        grids = np.concatenate([_grid(m[0]).ravel() for m in maps])
        return np.concatenate([logits.ravel(), _grid(cams[0]).ravel()]), means, grids


def _grid(maps: Floats) -> Floats:
    return np.stack([cv2.resize(each, (5, 5), interpolation=cv2.INTER_AREA) for each in maps])


def ways() -> dict[str, Callable[[Seen, Seen], float]]:
    """Higher is more alike."""
    features = Features()

    def by_features(number: int) -> Callable[[Seen, Seen], float]:
        return lambda a, b: correlation(features.of(a)[number], features.of(b)[number])

    return {
        "code alone (bits that agree)": lambda a, b: (64 - nearest(a, b)[1]) / 64,
        "brightness of thumbnails": lambda a, b: correlation(a.small, b.small),
        "detail of thumbnails": lambda a, b: correlation(detail(a.small), detail(b.small)),
        "detail, aligned": lambda a, b: correlation(detail(a.small), aligned(a, b)),
        "detail, aligned, least alike window (taken)": lambda a, b: likeness(a.small, b.small),
        "classifier: answers and maps": by_features(0),
        "classifier: features, averaged": by_features(1),
        "classifier: features on a grid": by_features(2),
    }


def laid(first: Seen, second: Seen) -> Seen:
    """The first turned as the second lies."""
    turn = nearest(first, second)[0]
    planes = [oriented(np.ascontiguousarray(first.rgb[..., c]), turn) for c in range(3)]
    return Seen(first.code, oriented(first.small, turn), np.stack(planes, axis=2))


def most_alike(bags: list[Seen]) -> list[tuple[int, int]]:
    """The pairs of bags whose codes are nearest."""
    codes = np.array([bag.code for bag in bags], np.uint64)
    apart = np.bitwise_count(all_orientations(codes)[:, :, None] ^ codes).min(1)
    first, second = np.tril_indices(len(bags), -1)
    order = np.argsort(apart[first, second], kind="stable")[:STRANGERS]
    return [(int(i), int(j)) for i, j in zip(first[order], second[order], strict=True)]


def measured(
    pairs: Iterable[tuple[Seen, Seen]], way: Callable[[Seen, Seen], float]
) -> tuple[NDArray[np.float64], float]:
    """Likeness of each pair, and milliseconds a pair."""
    pairs, started = list(pairs), time.process_time()
    values = np.array([way(a, b) for a, b in pairs])
    return values, 1e3 * (time.process_time() - started) / len(pairs)


def main() -> None:
    """Print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("bags", type=Path, help="a simulated set with raw transmissions and scenes")
    parser.add_argument("--out", type=Path, default=Path("docs/reports/curation/likeness.csv"))
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    color, raw = read_set(args.bags), read_set(args.bags, pixels="transmission")
    bags = [seen(Bag.read(color, raw, number).rgb) for number in range(len(color))]
    changes = {**COPIES, **{k: (lambda b, r, f=f: f(b, r, pitch_of(b))) for k, f in RELATIVES.items()}}
    holding = armed(color, range(len(color)))
    groups: dict[str, list[tuple[Seen, Seen]]] = {}
    for kind, change in changes.items():
        for number in rng.choice(holding if kind in RELATIVES else len(color), EACH, replace=False):
            copy = seen(change(Bag.read(color, raw, int(number)), rng))
            groups.setdefault(kind, []).append((laid(copy, bags[int(number)]), bags[int(number)]))
    strangers = [(laid(bags[i], bags[j]), bags[j]) for i, j in most_alike(bags)]
    rows = []
    for name, way in ways().items():
        others, _ = measured(strangers, way)
        row = {"compared by": name, "other bags: highest": f"{others.max():.2f}"}
        copies = {kind: measured(groups[kind], way)[0] for kind in COPIES}
        lowest = min(copies, key=lambda kind: copies[kind].min())
        row["copies: lowest"] = f"{copies[lowest].min():.2f} ({lowest})"
        every = np.concatenate(list(copies.values()))
        row["copies above every other bag"] = f"{100 * np.mean(every > others.max()):.1f} %"
        for kind, short in zip(RELATIVES, ("scanned again", "item taken out"), strict=True):
            values = measured(groups[kind], way)[0]
            row[short] = f"{np.median(values):.2f} ({values.min():.2f} to {values.max():.2f})"
        again = [(Seen(*a), Seen(*b)) for a, b in strangers[:TIMED]]  # which no way has seen
        row["ms a pair"] = f"{measured(again, way)[1]:.1f}"
        rows.append(row)
    print(markdown(rows))
    write_csv(args.out, rows)


if __name__ == "__main__":
    main()
