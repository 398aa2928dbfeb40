import time
from collections import Counter

import numpy as np
import pytest

from beltline.core import ShapeError
from beltline.rounds.pick import BY_CHANCE, Candidates, PickWeights, entropies, pick, rarities


def candidates(chances, disagreement=None, embeddings=None):
    chances = np.asarray(chances, float)
    n = len(chances)
    return Candidates(
        list(range(100, 100 + n)),
        chances,
        np.zeros(n) if disagreement is None else np.asarray(disagreement, float),
        np.zeros((n, 2), np.float32) if embeddings is None else np.asarray(embeddings, np.float32),
    )


def chosen(found, count, labelled=(0, 0), seen=(), **weights):
    rng = np.random.default_rng(0)
    seen = np.asarray(seen, np.float32).reshape(-1, found.embeddings.shape[1])
    asked = PickWeights(
        **{"chance": 0.0, "entropy": 0, "disagreement": 0, "rarity": 0, "novelty": 0} | weights
    )
    return pick(found, count, labelled=np.asarray(labelled, float), seen=seen, rng=rng, weights=asked)


def test_the_uncertain_come_first():
    found = chosen(candidates([[0.99, 0.01], [0.5, 0.5], [0.9, 0.1]]), 2, entropy=1)
    assert [one.item for one in found] == [101, 102]
    assert found[0].why == "entropy"
    assert found[0].scores["entropy"] == 1.0


def test_the_disputed_come_first():
    assert chosen(candidates(np.zeros((3, 2)), [0.1, 0.7, 0.3]), 1, disagreement=1)[0].item == 101


def test_a_rare_class_comes_before_a_common_one():
    rows = candidates([[0.9, 0.0], [0.0, 0.9]])
    assert chosen(rows, 1, labelled=(100, 1), rarity=1)[0].item == 101
    assert chosen(rows, 1, labelled=(1, 100), rarity=1)[0].item == 100


def test_novelty_spreads_the_picks_over_clusters():
    points = [[0, 0], [0.1, 0], [10, 0], [10.1, 0], [0, 10]]
    found = chosen(candidates(np.zeros((5, 2)), embeddings=points), 3, seen=[[0, 0]], novelty=1)
    assert 104 in {one.item for one in found[:2]}
    assert {one.item for one in found[:2]} & {102, 103}


def test_a_tenth_is_drawn_by_chance_whatever_it_scores():
    rng = np.random.default_rng(1)
    n = 400
    rows = candidates(np.column_stack([np.linspace(0, 0.5, n), np.zeros(n)]))
    found = pick(rows, 100, labelled=np.zeros(2), seen=np.zeros((0, 2), np.float32), rng=rng)
    why = Counter(one.why for one in found)
    assert why["chance"] == 10
    drawn = [one.item - 100 for one in found if one.why == "chance"]
    assert min(drawn) < 200  # the score alone would never take these


def test_random_picking_is_fair():
    rows = candidates(np.random.default_rng(0).random((20, 2)))
    seen = Counter()
    for seed in range(300):
        rng = np.random.default_rng(seed)
        found = pick(
            rows, 5, labelled=np.zeros(2), seen=np.zeros((0, 2), np.float32), rng=rng, weights=BY_CHANCE
        )
        seen.update(one.item for one in found)
    assert min(seen.values()) > 45  # 75 expected
    assert max(seen.values()) < 105


def test_nothing_is_picked_twice_and_never_more_than_there_are():
    found = chosen(candidates(np.random.default_rng(0).random((7, 2))), 50, entropy=1, chance=0.3)
    assert sorted(one.item for one in found) == list(range(100, 107))


def test_ten_thousand_take_well_under_five_seconds():
    rng = np.random.default_rng(0)
    rows = Candidates(
        list(range(10_000)),
        rng.random((10_000, 17)),
        rng.random(10_000),
        rng.random((10_000, 81), np.float32),
    )
    began = time.process_time()
    pick(rows, 100, labelled=np.zeros(17), seen=rng.random((1000, 81), np.float32), rng=rng)
    assert time.process_time() - began < 5


def test_parts_by_hand():
    assert entropies(np.array([[0.5, 0.5], [1.0, 0.0]])).tolist() == [1.0, 0.0]
    assert rarities(np.array([[0.6, 0.9]]), np.array([0, 8])).tolist() == [0.6]


def test_columns_of_other_lengths_are_refused():
    with pytest.raises(ShapeError, match="as many rows"):
        Candidates([1, 2], np.zeros((3, 2)), np.zeros(2), np.zeros((2, 2), np.float32))
    with pytest.raises(ValueError, match="weights must be"):
        PickWeights(chance=1.5)
