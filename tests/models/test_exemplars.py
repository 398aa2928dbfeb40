"""Differences to the nearest exemplar: identical pictures, planted blocks, moved and scaled devices."""

import pytest
import torch
from tests.models.one_class_devices import boards, plant
from torch.nn.functional import interpolate, pad

from beltline.core import ShapeError
from beltline.models.exemplars import Exemplars

TINY = {"backbone": "resnet10t", "pretrained": False, "channels": (8, 8, 8, 8), "normalisation": "xray"}


def seeded(**settings):
    torch.manual_seed(0)
    return Exemplars(**{"side": 64, **TINY, **settings})


@pytest.fixture(scope="module")
def fitted():
    return seeded().fit([boards(3, seed=1), boards(3, seed=2)])


def test_an_identical_picture_has_no_difference(fitted):
    difference, scores = fitted(*boards(3, seed=1))
    assert difference.max() == 0
    assert scores.tolist() == [0, 0, 0]


def test_benign_devices_differ_by_about_one_unit(fitted):
    pictures, masks = boards(3, seed=5)
    difference, _ = fitted(pictures, masks)
    assert 0.5 < difference[masks[:, 0] > 0].median() < 2


def test_a_planted_block_is_found(fitted):
    pictures, masks = boards(3, seed=3)
    pictures[2] = plant(pictures[2], 40, 72)
    difference, scores = fitted(pictures, masks)
    assert scores.argmax() == 2
    assert scores[2] > 2 * scores[:2].max()
    row, column = divmod(int(difference[2].argmax()), difference.shape[2])
    assert 40 <= row < 64
    assert 72 <= column < 96


def test_air_does_not_count(fitted):
    pictures, masks = boards(1, seed=1)
    difference, scores = fitted(plant(pictures, 0, 0, size=16), masks)  # in the corner, off the device
    assert scores.item() == 0
    assert (difference[masks[:, 0] == 0] == 0).all()


def test_a_device_elsewhere_and_larger_is_the_same_device(fitted):
    pictures, masks = boards(1, seed=1)
    larger = interpolate(pictures, scale_factor=2.0, mode="bilinear")
    large_mask = interpolate(masks, scale_factor=2.0, mode="nearest")
    moved = pad(larger, (30, 0, 0, 14), value=1.0), pad(large_mask, (30, 0, 0, 14))
    _, scores = fitted(*moved)
    _, of_another = fitted(plant(pictures, 40, 72), masks)
    assert scores < 0.3 * of_another


def test_the_nearest_exemplar_is_of_its_own_kind():
    narrow, wide = boards(2, 128, 64, seed=1), boards(2, 64, 128, seed=2)
    model = seeded().fit([narrow, wide])
    _, own = model(*boards(1, 64, 128, seed=3))
    alone = seeded().fit([narrow])
    _, others = alone(*boards(1, 64, 128, seed=3))
    assert own < 0.5 * others * alone.unit / model.unit


def test_no_more_than_the_most_are_kept_and_the_same_seed_repeats():
    first, again, other = (
        seeded(most=4, seed=seed).fit(boards(3, seed=s) for s in range(3)) for seed in (0, 0, 1)
    )
    assert first.bank.shape == (4, 3, 64, 64)
    assert torch.equal(first.bank, again.bank)
    assert not torch.equal(first.bank, other.bank)


def test_one_exemplar_has_the_least_unit():
    assert seeded().fit([boards(1)]).unit == pytest.approx(1 / 255)


def test_a_saved_bank_loads_into_an_empty_model(fitted, tmp_path):
    torch.save(fitted.state_dict(), tmp_path / "bank.pt")
    other = seeded()
    other.load_state_dict(torch.load(tmp_path / "bank.pt", weights_only=True))
    for ours, theirs in zip(other(*boards(2, seed=8)), fitted(*boards(2, seed=8)), strict=True):
        assert torch.equal(ours, theirs)


def test_a_picture_without_a_device_has_no_score(fitted):
    pictures, masks = boards(2)
    masks[0] = 0
    difference, scores = fitted(pictures, masks)
    assert scores.isnan().tolist() == [True, False]
    assert (difference[0] == 0).all()
    with pytest.raises(ValueError, match="all zero"):
        seeded().fit([(pictures, torch.zeros_like(masks))])


def test_a_device_thinner_than_the_square_can_show_has_no_score(fitted):
    pictures, masks = boards(1, 96, 256)
    masks[:] = 0
    masks[..., 10, ::8] = 1  # eight pixels of the picture are two of the square
    assert fitted(pictures, masks)[1].isnan().all()


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="call fit"):
        seeded()(*boards(1))
    with pytest.raises(ValueError, match="odd smoothing"):
        seeded(smoothing=4)
    with pytest.raises(ShapeError, match="like the images"):
        seeded().fit([(boards(1)[0], boards(2)[1])])
