"""SIXray10, 100 and 1000 out of whatever is on disk, the same for everybody with the same seed.

An image's side (train or test) follows from its name, the seed and the images there are, never from the
ratio or the order of files: what SIXray10 trains on is in no test list of SIXray100 or 1000.

Source:
    Miao et al., SIXray (CVPR 2019), Sec. 3.2: all positives and 10 or 100 times as many negatives; at most
    1,000 positive images of a class and all negatives; 4:1. The choice of images is reconstructed: the
    paper's own lists are part of the published set.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError
from beltline.data.image_list import ImageList
from beltline.data.sixray import Difficult, SixrayIndex, build_index, find_holdings, sortable, to_image_list
from beltline.data.sixray_lists import LabelList, write_label_list
from beltline.formats import sha256_of, write_json

Ratio: TypeAlias = Literal[10, 100, 1000]
RATIOS: tuple[Ratio, ...] = (10, 100, 1000)
MOST_PER_CLASS = 1000
PUBLISHED_NEGATIVES = 1_050_302
_POSITIVES, _NEGATIVES, _SIDES = 1, 2, 3  # three independent orders of one seed
TERMS = "SIXray is for academic purposes only, not for commercial use; images must not be passed on."


@dataclass(frozen=True, eq=False)
class Subset:
    """Rows of an index that make up one subset.

    Attributes:
        ratio: 10, 100 or 1000.
        seed: Of the choice.
        train: Rows of the index, sorted by name.
        test: Same.
        positives: Positive images in both.
        negatives: Negative images in both.
        wanted_negatives: As many as the subset should have: ratio x positives, for 1000 the published ones.
    """

    ratio: Ratio
    seed: int
    train: NDArray[np.intp]
    test: NDArray[np.intp]
    positives: int
    negatives: int
    wanted_negatives: int

    @property
    def achieved(self) -> float:
        """Negatives for each positive image."""
        return self.negatives / self.positives

    @property
    def complete(self) -> bool:
        """Whether the subset has as many negatives as it should."""
        return self.negatives >= self.wanted_negatives


def build_subset(
    index: SixrayIndex, ratio: Ratio, *, seed: int = 0, test_share: float = 0.2, listed: bool = False
) -> Subset:
    """Choose the images of SIXray10, 100 or 1000 and part them.

    Positives are parted by class combination, negatives at random; each side has the ratio. Where there are
    too few negatives all are taken, and `Subset.complete` is False.

    Args:
        index: Of a copy.
        ratio: 10, 100 or 1000.
        seed: Of the choice.
        test_share: Share of the test list, in (0, 1); 0.2 as published.
        listed: Also images that are not on disk.

    Raises:
        ValueError: If the ratio or the share is another.
        BadInputError: If there are too few positives for two lists, or no negatives.
    """
    if ratio not in RATIOS:
        raise ValueError(f"ratio must be one of {RATIOS}, got {ratio!r}")
    if not 0 < test_share < 1:
        raise ValueError(f"test_share must be in (0, 1), got {test_share}")
    there = np.ones(len(index), np.bool_) if listed else index.present
    positives = np.flatnonzero(there & index.positive)
    negatives = np.flatnonzero(there & ~index.positive)
    if not len(positives) or not len(negatives):
        raise BadInputError(
            f"{index.root}: a subset needs positives and negatives on disk, found {len(positives)} and"
            f" {len(negatives)} of {len(index)} listed; unpack more archives, or take --listed"
        )
    in_test = _part_positives(index, positives, seed, test_share)
    if in_test.all() or not in_test.any():
        raise BadInputError(
            f"{index.root}: {len(positives)} positives are too few for a test list of {test_share:.0%};"
            " unpack more archives, or take another --test-share"
        )
    pool_test, pool_train = _part_negatives(index, negatives, seed, in_test.sum() / len(in_test))
    sides = []
    for chosen, pool, most in (
        (positives[~in_test], pool_train, MOST_PER_CLASS - round(MOST_PER_CLASS * test_share)),
        (positives[in_test], pool_test, round(MOST_PER_CLASS * test_share)),
    ):
        kept = _at_most(index, chosen, seed, most) if ratio == 1000 else chosen
        drawn = pool if ratio == 1000 else pool[: ratio * len(kept)]
        sides.append((kept, drawn))
    train, test = (_by_name(index, np.concatenate(side)) for side in sides)
    count = sum(len(kept) for kept, _ in sides)
    wanted = PUBLISHED_NEGATIVES if ratio == 1000 else ratio * count
    return Subset(ratio, seed, train, test, count, sum(len(drawn) for _, drawn in sides), wanted)


def write_subset(out: str | Path, index: SixrayIndex, subset: Subset) -> dict[str, Any]:
    """Write train.csv and test.csv in the published form, and card.json with counts and hashes.

    Returns:
        The card.
    """
    out = Path(out)
    sides = {"train": subset.train, "test": subset.test}
    for name, rows in sides.items():
        write_label_list(out / f"{name}.csv", LabelList(index.names[rows], index.labels[rows], index.classes))
    card = {
        "schema_version": 1,
        "kind": "sixray-subset",
        "name": f"SIXray{subset.ratio}",
        "root": str(index.root.resolve()),
        "seed": subset.seed,
        "ratio": subset.ratio,
        "achieved_ratio": round(subset.achieved, 4),
        "negatives_wanted": subset.wanted_negatives,
        "complete": subset.complete,
        "missing_images": {name: int((~index.present[rows]).sum()) for name, rows in sides.items()},
        "counts": {name: _counts(index, rows) for name, rows in sides.items()},
        "sha256": {f"{name}.csv": sha256_of(out / f"{name}.csv") for name in sides},
        "terms": TERMS,
    }
    write_json(out / "card.json", card, indent=1)
    return card


def read_subset(
    folder: str | Path,
    split: Literal["train", "test"],
    *,
    difficult: Difficult = "nan",
    root: str | Path | None = None,
) -> ImageList:
    """The images of a list that `write_subset` wrote.

    Args:
        folder: Holds train.csv, test.csv and card.json.
        split: Which list.
        difficult: See `to_image_list`.
        root: Folder of the images; None takes the one that the card names.

    Raises:
        BadInputError: If a file is missing or damaged, the list changed since, or images are gone.
    """
    folder = Path(folder)
    card = read_card(folder)
    path = folder / f"{split}.csv"
    expected = card.get("sha256", {}).get(path.name)
    if not path.is_file():
        raise BadInputError(f"{path}: no such list; build it with beltline data subset")
    if expected is not None and sha256_of(path) != expected:
        raise BadInputError(f"{path}: changed since card.json was written; build the subset anew")
    place = Path(root if root is not None else str(card.get("root") or "(no root in card.json)"))
    if not place.is_dir():
        raise BadInputError(f"{folder}: its images were in {place}, which is gone; build the subset anew")
    holdings = find_holdings(place)
    index = build_index(type(holdings)(place, holdings.images, holdings.annotations, {split: path}))
    gone = len(index) - int(index.present.sum())
    if gone > card.get("missing_images", {}).get(split, 0):
        raise BadInputError(
            f"{path}: {gone} of {len(index)} images are not in {place}; build the subset anew"
        )
    return to_image_list(index, difficult=difficult)


def read_card(folder: Path) -> Mapping[str, Any]:
    """card.json of a subset.

    Raises:
        BadInputError: If it is missing or no card of a subset.
    """
    path = folder / "card.json"
    try:
        card = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise BadInputError(f"{path}: missing; is this a folder of beltline data subset?") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path}: damaged ({error})") from error
    if not isinstance(card, dict) or card.get("kind") != "sixray-subset":
        raise BadInputError(f"{path}: not the card of a SIXray subset")
    return card


def priorities(names: NDArray[np.str_], seed: int, stream: int = 0) -> NDArray[np.uint64]:
    """A pseudo-random 64-bit number for each name that depends on name, seed and stream alone.

    Source:
        FNV-1a over the letters, finished by the mixer of SplitMix64 (Steele et al. 2014).
    """
    if not len(names):
        return np.zeros(0, np.uint64)
    letters = np.ascontiguousarray(names).view(np.uint32).reshape(len(names), -1)
    mixed = np.full(len(names), 0xCBF29CE484222325, np.uint64)
    for column in letters.T:
        letter = column.astype(np.uint64)
        mixed = np.where(letter > 0, (mixed ^ letter) * np.uint64(0x100000001B3), mixed)
    mixed = mixed + np.uint64((seed * 0x9E3779B97F4A7C15 + stream * 0xD1B54A32D192ED03) % 2**64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _shuffled(index: SixrayIndex, rows: NDArray[np.intp], seed: int, stream: int) -> NDArray[np.intp]:
    """Rows in the order of their priorities; names break a tie."""
    names = index.names[rows]
    return rows[np.lexsort((sortable(names), priorities(names, seed, stream)))]


def _by_name(index: SixrayIndex, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    return rows[np.argsort(sortable(index.names[rows]))]


def _combination(index: SixrayIndex, rows: NDArray[np.intp]) -> NDArray[np.int64]:
    return (index.labels[rows] >= 0) @ (1 << np.arange(len(index.classes)))


def _part_positives(index: SixrayIndex, rows: NDArray[np.intp], seed: int, share: float) -> NDArray[np.bool_]:
    """Whether each positive is in the test list: every 1 / share-th of the row of class combinations."""
    shuffled = _shuffled(index, rows, seed, _POSITIVES)
    ordered = shuffled[np.argsort(_combination(index, shuffled), kind="stable")]
    steps = np.floor(np.arange(len(rows) + 1) * share + 0.5 + 1e-9)
    tests = ordered[np.diff(steps) > 0]
    return np.isin(rows, tests)


def _part_negatives(
    index: SixrayIndex, rows: NDArray[np.intp], seed: int, share: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(test, train) negatives, each in the order in which subsets draw them."""
    sides = _shuffled(index, rows, seed, _SIDES)
    cut = round(len(rows) * share)
    return (
        _shuffled(index, sides[:cut], seed, _NEGATIVES),
        _shuffled(index, sides[cut:], seed, _NEGATIVES),
    )


def _at_most(index: SixrayIndex, rows: NDArray[np.intp], seed: int, most: int) -> NDArray[np.intp]:
    """Images so that no class has more than ``most``; classes fill up from the rarest on."""
    shuffled = _shuffled(index, rows, seed, _POSITIVES)
    has = index.labels[shuffled] >= 0
    taken = np.zeros(len(rows), np.bool_)
    counts = np.zeros(has.shape[1], np.int64)
    for k in np.argsort(has.sum(axis=0), kind="stable"):
        for i in np.flatnonzero(has[:, k] & ~taken):
            if (counts[has[i]] < most).all():
                taken[i] = True
                counts += has[i]
    return shuffled[taken]


def _counts(index: SixrayIndex, rows: NDArray[np.intp]) -> dict[str, int]:
    has = index.labels[rows] >= 0
    per_class = dict(zip(index.classes, has.sum(axis=0).tolist(), strict=True))
    positive = int(index.positive[rows].sum())
    return {**per_class, "positive": positive, "negative": len(rows) - positive, "total": len(rows)}
