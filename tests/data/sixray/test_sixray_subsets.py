"""Subsets: the promised counts, the same from any order of files, one side for an image at any ratio."""

import csv
import json
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beltline.core import BadInputError
from beltline.data.sixray import SixrayIndex, build_subset, read_index, read_subset, take_lists, write_subset
from beltline.data.sixray.draw import priorities
from beltline.data.sixray.fake import SixrayTraps, fake_label_rows, fake_sixray
from beltline.data.sixray.lists import NAMES


def index_of(names, labels, *, present=True):
    names = np.array(names)
    at = np.full(len(names), 0 if present is True else -1, np.int16)
    if present is not True:
        at[present] = 0
    nowhere = np.full(len(names), -1, np.int16)
    places = (("JPEGImage", ".jpg"),)
    return SixrayIndex(Path("copy"), names, labels, NAMES, at, places, nowhere, (), MappingProxyType({}))


def made(positives, negatives, seed=0):
    return index_of(*fake_label_rows(positives, negatives, seed=seed))


def names(index, rows):
    return set(index.names[rows].tolist())


sizes = {"positives": st.integers(5, 60), "negatives": st.integers(2, 900), "seed": st.integers(0, 9)}


@given(**sizes, ratio=st.sampled_from([10, 100, 1000]), share=st.sampled_from([0.1, 0.2, 0.5]))
def test_train_and_test_are_disjoint_and_the_ratio_holds(positives, negatives, seed, ratio, share):
    index = made(positives, negatives)
    subset = build_subset(index, ratio, seed=seed, test_share=share)
    assert not np.intersect1d(subset.train, subset.test).size
    both = np.concatenate([subset.train, subset.test])
    assert len(np.unique(both)) == len(both) == subset.positives + subset.negatives
    assert subset.positives == positives == index.positive[both].sum()
    assert abs(index.positive[subset.test].sum() - share * positives) <= 1
    if ratio == 1000:
        assert subset.negatives == negatives
        assert not subset.complete
    else:
        assert subset.negatives <= ratio * positives
        if negatives >= ratio * positives:
            assert subset.complete
            assert subset.achieved == ratio
            for side in (subset.train, subset.test):
                there = int(index.positive[side].sum())
                assert len(side) == there * (1 + ratio)
        else:
            assert not subset.complete
            assert subset.negatives == negatives


@given(**sizes, ratio=st.sampled_from([10, 100, 1000]), shuffle=st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(positives, negatives, seed, ratio, shuffle):
    labels = fake_label_rows(positives, negatives)
    index = index_of(*labels)
    order = np.random.default_rng(shuffle).permutation(len(index))
    other = index_of(index.names[order], index.labels[order])
    a, b = build_subset(index, ratio, seed=seed), build_subset(other, ratio, seed=seed)
    assert index.names[a.train].tolist() == other.names[b.train].tolist()
    assert index.names[a.test].tolist() == other.names[b.test].tolist()


@given(**sizes)
def test_an_image_keeps_its_side_in_every_subset(positives, negatives, seed):
    index = made(positives, negatives)
    ten, hundred, thousand = (build_subset(index, ratio, seed=seed) for ratio in (10, 100, 1000))
    assert names(index, ten.train) <= names(index, hundred.train) <= names(index, thousand.train)
    assert names(index, ten.test) <= names(index, hundred.test) <= names(index, thousand.test)
    tests = [index.names[s.test][index.positive[s.test]].tolist() for s in (ten, hundred)]
    assert tests[0] == tests[1]


def test_another_seed_draws_others():
    index = made(20, 600)
    a, b = build_subset(index, 10, seed=0), build_subset(index, 10, seed=1)
    assert names(index, a.test) != names(index, b.test)
    assert names(index, a.train) | names(index, a.test) != names(index, b.train) | names(index, b.test)


def test_classes_are_split_four_to_one():
    index = made(2000, 10)
    test = build_subset(index, 10).test
    has = index.labels >= 0
    assert np.abs(has[test].sum(axis=0) / has.sum(axis=0) - 0.2).max() < 0.01


def test_sixray1000_has_at_most_1000_of_a_class_and_fills_up():
    index = made(6000, 100)
    subset = build_subset(index, 1000)
    both = np.concatenate([subset.train, subset.test])
    counts = (index.labels[both] >= 0).sum(axis=0)
    available = (index.labels >= 0).sum(axis=0)
    assert (counts <= 1000).all()
    assert counts[4] == min(1000, available[4])  # scissors, the rarest, first
    assert (counts >= 900).all() or (available < 1000).any()
    assert ((index.labels[subset.test] >= 0).sum(axis=0) <= 200).all()


def test_only_what_is_on_disk_is_drawn_unless_asked():
    rows = fake_label_rows(5, 100)
    index = index_of(*rows, present=np.arange(0, 105, 2))
    subset = build_subset(index, 10)
    assert index.present[np.concatenate([subset.train, subset.test])].all()
    assert (subset.positives, subset.negatives) == (3, 30)
    listed = build_subset(index, 10, listed=True)
    assert (listed.positives, listed.negatives) == (5, 50)


def test_a_hammer_only_image_counts_as_positive_not_as_negative():
    labels = np.full((8, 5), -1, np.int8)
    labels[:4, 0] = 1
    index = index_of(["P1", "P2", "P3", "P4", "P5", "N1", "N2", "N3"], labels)
    subset = build_subset(index, 10)
    assert (subset.positives, subset.negatives) == (5, 3)


def test_the_priority_is_a_pin_and_depends_on_the_name_alone():
    known = priorities(np.array(["P00001", "N00001"]), 0)
    assert known.tolist() == priorities(np.array(["P00001", "N00001", "a much longer name"]), 0)[:2].tolist()
    assert known.tolist() == PIN  # a pin: list hashes of users depend on it
    assert known.tolist() != priorities(np.array(["P00001", "N00001"]), 1).tolist()


PIN = [9369931323785145066, 4405377404022788425]


def reference_priority(name, seed):
    """The same in plain integers."""
    mask, state = 2**64 - 1, 0xCBF29CE484222325
    for letter in name:
        state = ((state ^ ord(letter)) * 0x100000001B3) & mask
    state = (state + seed * 0x9E3779B97F4A7C15) & mask
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & mask
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & mask
    return state ^ (state >> 31)


@given(name=st.text("PNabc0123456789", min_size=1, max_size=20), seed=st.integers(0, 2**40))
def test_priorities_agree_with_plain_integers(name, seed):
    assert priorities(np.array([name]), seed).tolist() == [reference_priority(name, seed)]


@pytest.mark.parametrize(("change", "words"), [({"ratio": 50}, "ratio"), ({"test_share": 1.0}, "test_share")])
def test_wrong_arguments(change, words):
    with pytest.raises(ValueError, match=words):
        build_subset(made(5, 50), **{"ratio": 10, **change})


@pytest.mark.parametrize(("positives", "negatives"), [(0, 5), (5, 0)])
def test_nothing_to_choose_from(positives, negatives):
    with pytest.raises(BadInputError, match=f"found {positives} and {negatives}"):
        build_subset(made(positives, negatives), 10)


def test_too_few_positives_for_two_lists():
    with pytest.raises(BadInputError, match="2 positives are too few for a test list of 20%"):
        build_subset(made(2, 50), 10)


@pytest.fixture
def copy(tmp_path):
    return fake_sixray(tmp_path / "copy", positives=5, negatives=60, traps=SixrayTraps(nested=True))


def written(copy, out, **options):
    index = read_index(copy)
    return write_subset(out, index, build_subset(index, 10, **options))


def test_written_lists_are_in_the_published_form(copy, tmp_path):
    card = written(copy, tmp_path / "out")
    rows = list(csv.reader((tmp_path / "out" / "test.csv").read_text().splitlines()))
    assert rows[0] == ["name", "Gun", "Knife", "Wrench", "Pliers", "Scissors"]
    assert len(rows) - 1 == card["counts"]["test"]["total"] == 11
    assert [row[0] for row in rows[1:]] == sorted(row[0] for row in rows[1:])
    assert {value for row in rows[1:] for value in row[1:]} <= {"1", "-1", "0"}
    assert card["achieved_ratio"] == 10
    assert card["counts"]["train"]["positive"] + card["counts"]["test"]["positive"] == 5
    assert json.loads((tmp_path / "out" / "card.json").read_text()) == card


def test_hashes_are_those_of_the_seed(copy, tmp_path):
    first, again, other = (
        written(copy, tmp_path / str(i), seed=seed)["sha256"] for i, seed in enumerate((0, 0, 1))
    )
    assert first == again
    assert first != other


def test_read_back_as_images_with_boxes(copy, tmp_path):
    written(copy, tmp_path / "out")
    images = read_subset(tmp_path / "out", "train")
    assert len(images) == 44
    assert all(images.path(i).is_file() for i in range(len(images)))
    positive = next(i for i, file in enumerate(images.files) if "/P" in file)
    assert images.boxes(positive).labels
    assert images.classes == NAMES


def test_a_moved_copy_is_found_by_root(copy, tmp_path):
    written(copy, tmp_path / "out")
    moved = copy.rename(tmp_path / "moved")
    with pytest.raises(BadInputError, match="which is gone"):
        read_subset(tmp_path / "out", "test")
    assert len(read_subset(tmp_path / "out", "test", root=moved)) == 11


def damaged_list(out, copy):
    (out / "train.csv").write_text((out / "train.csv").read_text().replace("-1", "1", 1))


def image_gone(out, copy):
    read_subset(out, "train").path(0).unlink()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (damaged_list, "changed since"),
        (image_gone, "1 of 44 images are not in"),
        (lambda out, copy: (out / "train.csv").unlink(), "no such list"),
        (lambda out, copy: (out / "card.json").unlink(), "missing"),
        (lambda out, copy: (out / "card.json").write_text("{"), "damaged"),
        (lambda out, copy: (out / "card.json").write_text("[]"), "not the card"),
        (lambda out, copy: (out / "card.json").write_text('{"kind": "sixray-subset"}'), "which is gone"),
    ],
)
def test_a_spoilt_subset_is_refused(copy, tmp_path, damage, words):
    out = tmp_path / "out"
    written(copy, out)
    damage(out, copy)
    with pytest.raises(BadInputError, match=words):
        read_subset(out, "train")


def test_listed_images_may_be_absent(copy, tmp_path):
    (copy / "JPEGImage" / "train" / "N00001.jpg").unlink()
    card = written(copy, tmp_path / "out", listed=True)
    side = "train" if card["missing_images"]["train"] else "test"
    drawn = sum(card["missing_images"].values())
    assert drawn <= 1
    assert len(read_subset(tmp_path / "out", side)) == card["counts"][side]["total"] - drawn


def test_published_lists_are_taken_as_they_are(tmp_path):
    root = fake_sixray(tmp_path / "copy", positives=10, negatives=20, traps=SixrayTraps(missing=0.5))
    index = read_index(root)
    subset = take_lists(index, "100")
    card = write_subset(tmp_path / "out", index, subset)
    assert index.names[subset.test].tolist() == ["N00005", "N00010", "P00005", "P00010"]
    assert (subset.positives, subset.negatives, subset.wanted_negatives) == (10, 10, 20)
    assert not subset.complete
    assert take_lists(index, "100", listed=True).complete
    assert (card["name"], card["seed"], card["ratio"]) == ("published lists 100", None, None)
    assert len(read_subset(tmp_path / "out", "train")) == 16


def test_the_released_names_of_lists(tmp_path):
    root = fake_sixray(tmp_path, positives=5, negatives=5, traps=SixrayTraps(lists="released"))
    assert take_lists(read_index(root), "train_test_10-5").positives == 5
    with pytest.raises(BadInputError, match="found 'train_test_10-5'"):
        take_lists(read_index(root), "10")


def test_lists_that_overlap_are_refused(tmp_path):
    root = fake_sixray(tmp_path, positives=5, negatives=5)
    path = root / "ImageSet" / "10" / "test.csv"
    path.write_text(path.read_text() + "N00001,-1,-1,-1,-1,-1\n")
    with pytest.raises(BadInputError, match="1 images are in both lists of '10'"):
        take_lists(read_index(root), "10")


def test_lists_without_positives_on_disk_are_refused(tmp_path):
    root = fake_sixray(tmp_path, positives=5, negatives=5)
    (root / "JPEGImage" / "P00005.jpg").unlink()
    with pytest.raises(BadInputError, match=r"have \[4, 0\] positives"):
        take_lists(read_index(root), "10")
