"""Superpixels: they partition the mask, follow edges, and explain as much colour as the library's."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.segmentation import slic

from beltline.core.errors import ShapeError
from beltline.core.superpixels import NOTHING, count_of, superpixels


def blotches(seed: int = 0, shape: tuple[int, int] = (120, 160)) -> np.ndarray:
    """A smooth coloured picture."""
    noise = np.random.default_rng(seed).random((*shape, 3), np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 9)
    low, high = smooth.min(), smooth.max()
    return np.asarray(255 * (smooth - low) / (high - low), np.uint8)


def disc(shape: tuple[int, int] = (120, 160)) -> np.ndarray:
    """A round mask."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    return (y - shape[0] / 2) ** 2 + (x - shape[1] / 2) ** 2 < (0.45 * shape[0]) ** 2


def unexplained(picture: np.ndarray, labels: np.ndarray) -> float:
    """Share of the colour's variance that lies within regions."""
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[labels != NOTHING]
    group = labels[labels != NOTHING]
    sizes = np.bincount(group)
    means = np.stack([np.bincount(group, weights=column) / sizes for column in lab.T], 1)
    return float(((lab - means[group]) ** 2).sum() / ((lab - lab.mean(0)) ** 2).sum())


@pytest.mark.parametrize("distance", ["paper", "usual"])
@pytest.mark.parametrize("count", [1, 8, 30])
@pytest.mark.parametrize("masked", [False, True])
def test_regions_partition_the_mask_and_are_connected(distance: str, count: int, masked: bool) -> None:
    mask = disc() if masked else None
    labels = superpixels(blotches(), count, mask=mask, distance=distance)  # type: ignore[arg-type]
    inside = np.ones(labels.shape, bool) if mask is None else mask
    assert ((labels != NOTHING) == inside).all()
    assert set(np.unique(labels[inside])) == set(range(labels.max() + 1))
    for number in range(labels.max() + 1):
        pieces, _ = cv2.connectedComponents((labels == number).astype(np.uint8), connectivity=8)
        assert pieces == 2
    assert 0.6 * count <= labels.max() + 1 <= 1.5 * count


@pytest.mark.parametrize("seed", range(3))
def test_as_much_colour_is_explained_as_by_the_library(seed: int) -> None:
    picture = blotches(seed)
    theirs = slic(picture, n_segments=40, compactness=20, start_label=0)
    ours = superpixels(picture, int(theirs.max()) + 1, distance="usual")
    assert ours.max() <= theirs.max() * 1.2
    assert unexplained(picture, ours) <= 1.15 * unexplained(picture, theirs)


def test_the_two_distances_differ_where_colour_does() -> None:
    picture = blotches()
    paper, usual = (superpixels(picture, 30, distance=way) for way in ("paper", "usual"))  # type: ignore[arg-type]
    edges = [int((found[:, 1:] != found[:, :-1]).sum()) for found in (paper, usual)]
    assert edges[0] != edges[1]
    flat = np.full((60, 80, 3), 128, np.uint8)
    even = [superpixels(flat, 12, distance=way) for way in ("paper", "usual")]  # type: ignore[arg-type]
    assert (even[0] == even[1]).all()  # of one colour both are the same tiling


def test_an_edge_of_colour_is_an_edge_of_regions() -> None:
    picture = np.full((80, 120, 3), 240, np.uint8)
    picture[20:60, 30:90] = (40, 70, 160)
    labels = superpixels(picture, 24)
    inner = np.zeros((80, 120), bool)
    inner[20:60, 30:90] = True
    shared = np.intersect1d(labels[inner], labels[~inner])
    astray = sum(min((labels[inner] == n).sum(), (labels[~inner] == n).sum()) for n in shared)
    assert astray <= 0.02 * inner.sum()


@given(seed=st.integers(0, 50), count=st.integers(1, 20))
def test_the_same_picture_gives_the_same_regions(seed: int, count: int) -> None:
    picture, mask = blotches(seed, (40, 50)), disc((40, 50))
    first, second = (superpixels(picture, count, mask=mask) for _ in range(2))
    assert (first == second).all()


def test_regions_are_numbered_in_reading_order() -> None:
    labels = superpixels(np.full((60, 60, 3), 90, np.uint8), 9)
    assert labels[5, 5] == 0
    assert labels[55, 55] == labels.max()


def test_small_and_empty_masks() -> None:
    picture = blotches()
    nothing = np.zeros(picture.shape[:2], bool)
    assert (superpixels(picture, 5, mask=nothing) == NOTHING).all()
    dot = nothing.copy()
    dot[50, 60] = True
    assert (superpixels(picture, 5, mask=dot)[dot] == 0).all()
    line = nothing.copy()
    line[50] = True
    assert ((superpixels(picture, 5, mask=line) != NOTHING) == line).all()


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"count": 0}, ValueError),
        ({"compactness": 0.0}, ValueError),
        ({"iterations": 0}, ValueError),
        ({"distance": "far"}, ValueError),
        ({"mask": np.ones((3, 3), bool)}, ShapeError),
        ({"rgb": np.zeros((5, 5), np.uint8)}, ShapeError),
    ],
)
def test_what_cannot_be_is_refused(changed: dict[str, object], error: type[Exception]) -> None:
    arguments: dict[str, object] = {"rgb": blotches(), "count": 5, **changed}
    with pytest.raises(error):
        superpixels(arguments.pop("rgb"), arguments.pop("count"), **arguments)  # type: ignore[arg-type]


def test_counts_follow_the_area_within_bounds() -> None:
    assert count_of(2304 * 20, 2304) == 20
    assert count_of(1, 2304) == 8
    assert count_of(1e9, 2304, most=40) == 40
    with pytest.raises(ValueError, match="part_px"):
        count_of(100, 0)
