"""SIXray10, 100 and 1000 out of whatever is on disk, the same for everybody with the same seed.

An image's side (train or test) follows from its name, the seed and the images there are, never from the
ratio or the order of files: what SIXray10 trains on is in no test list of SIXray100 or 1000.

Source:
    Miao et al., SIXray (CVPR 2019), Sec. 3.2: all positives and 10 or 100 times as many negatives; at most
    1,000 positive images of a class and all negatives; 4:1. The choice of images is reconstructed: the
    paper's own lists are part of the published set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError
from beltline.core.printable import path_text
from beltline.data.annotations.image_list import ImageList
from beltline.data.sixray.draw import at_most, by_name, part_negatives, part_positives
from beltline.data.sixray.index import Difficult, SixrayIndex, build_index, find_holdings, to_image_list
from beltline.data.sixray.lists import LabelList, write_label_list
from beltline.formats import begin_plan, sha256_of, write_json
from beltline.formats.json_files import read_json

Ratio: TypeAlias = Literal[10, 100, 1000]
RATIOS: tuple[Ratio, ...] = (10, 100, 1000)
KIND = "sixray-subset"
MOST_PER_CLASS = 1000
PUBLISHED_NEGATIVES = 1_050_302
TERMS = "SIXray is for academic purposes only, not for commercial use; images must not be passed on."


@dataclass(frozen=True, eq=False)
class Subset:
    """Rows of an index that make up one subset.

    Attributes:
        name: "SIXray100", or which published lists.
        ratio: 10, 100 or 1000; None for published lists.
        seed: Of the choice; None for published lists.
        train: Rows of the index, sorted by name.
        test: Same.
        positives: Positive images in both.
        negatives: Negative images in both.
        wanted_negatives: As many as it should have: ratio x positives, for 1000 the published ones, for
            published lists as they name.
        test_share: Wanted share of the test list; None for published lists.
        listed: Whether images that are not on disk belong to it.
    """

    name: str
    ratio: Ratio | None
    seed: int | None
    train: NDArray[np.intp]
    test: NDArray[np.intp]
    positives: int
    negatives: int
    wanted_negatives: int
    test_share: float | None = None
    listed: bool = False

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
    in_test = part_positives(index, positives, seed, test_share)
    if in_test.all() or not in_test.any():
        raise BadInputError(
            f"{index.root}: {len(positives)} positives are too few for a test list of {test_share:.0%};"
            " unpack more archives, or take another --test-share"
        )
    pool_test, pool_train = part_negatives(index, negatives, seed, in_test.sum() / len(in_test))
    most = round(MOST_PER_CLASS * test_share)
    sides = (
        (positives[~in_test], pool_train, MOST_PER_CLASS - most),
        (positives[in_test], pool_test, most),
    )
    drawn = [_draw(index, *side, ratio=ratio, seed=seed) for side in sides]
    train, test = (by_name(index, np.concatenate(side)) for side in drawn)
    count = sum(len(kept) for kept, _ in drawn)
    wanted = PUBLISHED_NEGATIVES if ratio == 1000 else ratio * count
    negative = sum(len(n) for _, n in drawn)
    return Subset(f"SIXray{ratio}", ratio, seed, train, test, count, negative, wanted, test_share, listed)


def take_lists(index: SixrayIndex, name: str, *, listed: bool = False) -> Subset:
    """A published pair of lists as they are, for instance "10" for ImageSet/10/{train,test}.csv.

    Args:
        index: Of a copy.
        name: Folder in ImageSet; "" where the lists lie in ImageSet itself.
        listed: Also images that are not on disk.

    Raises:
        BadInputError: If there is no such pair, an image is in both or one of them is empty on this disk.
    """
    pairs = {subset: (train, test) for subset, train, test in split_pairs(index)}
    if name not in pairs:
        known = ", ".join(repr(pair) for pair in pairs) or "none"
        raise BadInputError(
            f"{index.root}: no train and test lists named {name!r} in ImageSet, found {known}"
        )
    train, test = pairs[name]
    if both := len(np.intersect1d(train, test)):
        raise BadInputError(
            f"{index.root}: {both} images are in both lists of {name!r}; see beltline data verify"
        )
    positive = index.positive
    wanted = int((~positive[np.concatenate([train, test])]).sum())
    there = [np.unique(rows if listed else rows[index.present[rows]]) for rows in (train, test)]
    counts = [int(positive[rows].sum()) for rows in there]
    if not all(counts):
        raise BadInputError(f"{index.root}: train and test of {name!r} have {counts} positives on this disk")
    negatives = sum(len(rows) for rows in there) - sum(counts)
    train, test = (by_name(index, rows) for rows in there)
    title = f"published lists {name}".strip()
    return Subset(title, None, None, train, test, sum(counts), negatives, wanted, listed=listed)


def split_pairs(index: SixrayIndex) -> Iterator[tuple[str, NDArray[np.intp], NDArray[np.intp]]]:
    """(subset, train rows, test rows) of every pair of lists that part one subset."""
    for name, rows in index.lists.items():
        subset, _, kind = name.rpartition("/")
        if kind.startswith("train"):
            for other, others in index.lists.items():
                folder, _, side = other.rpartition("/")
                if folder == subset and side.startswith(("test", "val")):
                    yield subset, rows, others


def write_subset(out: str | Path, index: SixrayIndex, subset: Subset) -> dict[str, Any]:
    """Write train.csv and test.csv in the published form, and card.json with counts and hashes.

    Returns:
        The card.

    Raises:
        BadInputError: If the folder holds another subset: a model may have been trained on its list.
    """
    out = Path(out)
    plan = {
        "name": subset.name, "root": path_text(index.root.resolve()), "seed": subset.seed,
        "ratio": subset.ratio,
        "test_share": subset.test_share, "listed": subset.listed,
    }  # fmt: skip
    begin_plan(out, KIND, plan)
    sides = {"train": subset.train, "test": subset.test}
    for name, rows in sides.items():
        write_label_list(out / f"{name}.csv", LabelList(index.names[rows], index.labels[rows], index.classes))
    card = {
        "schema_version": 1,
        "kind": KIND,
        **plan,
        "achieved_ratio": round(subset.achieved, 4),
        "negatives_wanted": subset.wanted_negatives,
        "complete": subset.complete,
        "missing_images": {name: int((~index.present[rows]).sum()) for name, rows in sides.items()},
        "counts": {name: index.counts(rows) for name, rows in sides.items()},
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
    card = _card(folder)
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


def _card(folder: Path) -> Mapping[str, Any]:
    path = folder / "card.json"
    if not path.is_file():
        raise BadInputError(f"{path}: missing; is this a folder of beltline data subset?")
    card = read_json(path)
    if not isinstance(card, dict) or card.get("kind") != KIND:
        raise BadInputError(f"{path}: not the card of a SIXray subset")
    return card


def _draw(
    index: SixrayIndex,
    positives: NDArray[np.intp],
    pool: NDArray[np.intp],
    most: int,
    *,
    ratio: Ratio,
    seed: int,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Positives and negatives of one side; ``most`` positives a class in SIXray1000."""
    if ratio == 1000:
        return at_most(index, positives, seed, most), pool
    return positives, pool[: ratio * len(positives)]
