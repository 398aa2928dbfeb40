"""Codes follow a picture into every orientation, and the index finds exactly what is near."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.data.curate.drawn import bag

from beltline.data.curate import ORIENTATIONS, CodeIndex, all_orientations, oriented, picture_code
from beltline.data.curate.code_index import MOST_BITS


def grey(seed):
    return bag(seed).mean(2).astype(np.float32)


@pytest.mark.parametrize("orientation", range(8), ids=ORIENTATIONS)
def test_one_code_gives_those_of_all_orientations(orientation):
    picture = grey(1)[:, :240]
    turned = oriented(picture.astype(np.uint8), orientation).astype(np.float32)
    codes = all_orientations(np.array([picture_code(picture.astype(np.uint8).astype(np.float32))], np.uint64))
    assert picture_code(turned) == codes[0, orientation]


def test_codes_are_turned_together_as_one_by_one():
    codes = np.random.default_rng(0).integers(0, 2**63, 50, dtype=np.uint64) << np.uint64(1)
    together = all_orientations(codes)
    assert together.shape == (50, 8)
    for row, code in zip(together, codes, strict=True):
        assert (row == all_orientations(np.array([code]))[0]).all()
        assert row[0] == code


def test_the_words_for_orientations_are_numpys():
    picture = np.arange(9, dtype=np.uint8).reshape(3, 3)
    for words, expected in (
        ("mirrored left to right", picture[:, ::-1]),
        ("mirrored top to bottom", picture[::-1]),
        ("turned by 90 degrees to the left", np.rot90(picture)),
        ("turned by 90 degrees to the right", np.rot90(picture, -1)),
        ("turned by 180 degrees", np.rot90(picture, 2)),
        ("transposed", picture.T),
    ):
        assert (oriented(picture, ORIENTATIONS.index(words)) == expected).all()


def test_different_bags_have_different_codes_and_the_mean_counts_for_nothing():
    codes = [picture_code(grey(seed)) for seed in range(20)]
    apart = [(a ^ b).bit_count() for a in codes for b in codes if a != b]
    assert len(set(codes)) == 20
    assert min(apart) > 10
    assert all(code < 2**64 for code in codes)
    assert picture_code(np.full((40, 40), 9, np.float32)) == 0


def changed(code, bits, rng):
    for place in rng.choice(64, bits, replace=False):
        code ^= 1 << int(place)
    return code


@given(bits=st.integers(0, MOST_BITS), seed=st.integers(0, 1000))
def test_the_index_finds_what_comparing_with_each_finds(bits, seed):
    rng = np.random.default_rng(seed)
    whole = [int(v) for v in rng.integers(0, 2**63, 20, dtype=np.uint64)]
    codes = np.array(whole + [changed(c, int(rng.integers(20)), rng) for c in whole], np.uint64)
    index = CodeIndex(len(codes), bits=bits)
    for code in codes:
        index.add(code)
    for query in codes[::7]:
        turned = all_orientations(np.array([query], np.uint64))[0]
        apart = np.array([[int(t ^ c).bit_count() for c in codes] for t in turned])
        numbers, distances, orientations = index.near(query)
        assert sorted(numbers) == np.flatnonzero(apart.min(0) <= bits).tolist()
        assert (apart.min(0)[numbers] == distances).all()
        assert (apart[orientations, numbers] == distances).all()
        assert (np.diff(distances) >= 0).all()


def test_an_index_grows_and_refuses_a_wider_search():
    index = CodeIndex(4, bits=3)
    assert index.near(np.uint64(5))[0].tolist() == []
    assert [index.add(np.uint64(v)) for v in (5, 5, 0)] == [0, 1, 2]
    assert len(index) == 3
    assert index.near(np.uint64(5))[0].tolist() == [0, 1, 2]
    for bits in (-1, MOST_BITS + 1):
        with pytest.raises(ValueError, match=f"0 to {MOST_BITS} bits"):
            CodeIndex(4, bits=bits)
