"""CHR, the loss: the cascade of masks and its readings, by hand and by property; map supervision."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from beltline.models.chr import cam_mask_loss, class_balanced_loss, keep_negatives

MODES = ["drop_easy", "paper_literal"]
nan = math.nan


def drawn_logits(seed, shape=(4, 3, 5), spread=4.0):
    return spread * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def logit(probability):
    return math.log(probability / (1 - probability))


# --- which negatives count -------------------------------------------------------------------------------


@given(st.integers(0, 999), st.sampled_from(MODES), st.floats(0.01, 0.9))
def test_the_mask_only_shrinks_from_coarse_to_fine(seed, mode, epsilon):
    keep = keep_negatives(drawn_logits(seed), mode=mode, epsilon=epsilon)
    assert (keep[:, :-1] <= keep[:, 1:]).all()


@given(st.integers(0, 999), st.floats(0.01, 0.9))
def test_the_two_readings_of_the_paper_are_opposite_at_the_top(seed, epsilon):
    logits = drawn_logits(seed)
    a, b = (keep_negatives(logits, mode=mode, epsilon=epsilon)[:, -1] for mode in MODES)
    assert (a ^ b).all()


def test_cascade_by_hand():
    p_fine_to_coarse = [0.5, 0.01, 0.5]
    logits = torch.tensor([[[logit(p)] for p in p_fine_to_coarse]])
    keep = keep_negatives(logits, mode="drop_easy", epsilon=0.05)[0, :, 0]
    assert keep.tolist() == [False, False, True]  # hard at the top; easy in the middle ends it
    keep = keep_negatives(logits, mode="paper_literal", epsilon=0.05)[0, :, 0]
    assert keep.tolist() == [False, False, False]


def test_released_mask_has_no_cascade():
    logits = torch.tensor([[[0.0], [-21.0], [-20.0]]])
    assert keep_negatives(logits, mode="released_code")[0, :, 0].tolist() == [True, False, True]


def test_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="drop_easy"):
        keep_negatives(torch.zeros(1, 1, 1), mode="hard")


# --- the loss ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_gradient_is_exactly_zero_where_dropped_and_nowhere_else(mode):
    logits = drawn_logits(5).requires_grad_()
    target = (drawn_logits(6)[:, 0] > 2).float()
    class_balanced_loss(logits, target, mode=mode, epsilon=0.3).backward()
    dropped = ~keep_negatives(logits, mode=mode, epsilon=0.3) & (target[:, None] == 0)
    assert dropped[:, -1].any()
    assert (logits.grad[dropped] == 0).all()
    assert (logits.grad[~dropped] != 0).all()


def test_the_mask_is_detached():
    """The gradient of what is kept is that of plain BCE: the threshold adds no term of its own."""
    logits = drawn_logits(1).requires_grad_()
    target = torch.zeros(4, 5)
    class_balanced_loss(logits, target, epsilon=0.5).backward()
    keep = keep_negatives(logits, epsilon=0.5)
    expected = logits.detach().sigmoid() * keep / (4 * 5) / 3
    torch.testing.assert_close(logits.grad, expected)


HAND = torch.tensor([[[2.0, -4.0], [1.0, -1.0]]])  # one scan, stages fine and coarse, two classes
HAND_TARGET = torch.tensor([[1.0, 0.0]])
POS = [math.log1p(math.exp(-2)), math.log1p(math.exp(-1))]  # of the positive, fine and coarse
NEG = [math.log1p(math.exp(-4)), math.log1p(math.exp(-1))]  # probabilities 0.018 and 0.27


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"mode": "all"}, (POS[0] + NEG[0] + POS[1] + NEG[1]) / 2 / 2),
        ({"mode": "drop_easy"}, (POS[0] + POS[1] + NEG[1]) / 2 / 2),
        ({"mode": "drop_easy", "normalise": "kept"}, (POS[0] / 1 + (POS[1] + NEG[1]) / 2) / 2),
        ({"mode": "drop_easy", "stage_reduction": "sum"}, (POS[0] + POS[1] + NEG[1]) / 2),
        ({"mode": "paper_literal"}, (POS[0] + POS[1]) / 2 / 2),  # hard at the top: out everywhere
        ({"mode": "paper_literal", "epsilon": 0.3}, (POS[0] + NEG[0] + POS[1] + NEG[1]) / 2 / 2),
        ({"mode": "paper_literal", "normalise": "kept"}, (POS[0] + POS[1]) / 2),
        ({"mode": "drop_easy", "epsilon": 0.3}, (POS[0] + POS[1]) / 2 / 2),
        ({"mode": "released_code", "stage_reduction": "sum"}, (POS[0] + NEG[0] + POS[1] + NEG[1]) / 2),
    ],
)
def test_loss_by_hand(options, expected):
    assert class_balanced_loss(HAND, HAND_TARGET, **options).item() == pytest.approx(expected, rel=1e-5)


@given(st.integers(0, 999), st.sampled_from([*MODES, "released_code", "all"]), st.floats(0.01, 0.99))
def test_positives_count_in_every_mode(seed, mode, epsilon):
    logits = drawn_logits(seed, spread=8.0)
    loss = class_balanced_loss(logits, torch.ones(4, 5), mode=mode, epsilon=epsilon)
    plain = F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))
    torch.testing.assert_close(loss, plain)


@given(st.integers(0, 999), st.floats(1, 40))
def test_the_released_mask_changes_nothing(seed, spread):
    """What it drops has a loss below 2.1e-9 an entry, and a gradient as small."""
    logits = drawn_logits(seed, spread=spread).double().requires_grad_()
    target = (drawn_logits(seed + 1)[:, 0] > 2).double()
    found, plain = (class_balanced_loss(logits, target, mode=mode) for mode in ("released_code", "all"))
    assert 0 <= plain.item() - found.item() < 2.1e-9
    a, b = (torch.autograd.grad(loss, logits, retain_graph=True)[0] for loss in (found, plain))
    assert (a - b).abs().max().item() < 2.1e-9


@pytest.mark.parametrize("mode", [*MODES, "released_code", "all"])
@pytest.mark.parametrize("normalise", ["all", "kept"])
def test_unknown_labels_are_as_if_they_were_not_there(mode, normalise):
    logits = drawn_logits(3)
    target = (drawn_logits(4)[:, 0] > 1).float()
    unknown = target.clone()
    unknown[:, 2] = nan
    options = {"mode": mode, "normalise": normalise}
    kept = [0, 1, 3, 4]
    torch.testing.assert_close(
        class_balanced_loss(logits, unknown, **options),
        class_balanced_loss(logits[:, :, kept], target[:, kept], **options),
    )
    logits.requires_grad_()
    class_balanced_loss(logits, unknown, **options).backward()
    assert (logits.grad[:, :, 2] == 0).all()


@pytest.mark.parametrize("normalise", ["all", "kept"])
def test_nothing_known_or_nothing_kept_is_zero_not_nan(normalise):
    logits = torch.zeros(2, 3, 2)
    assert class_balanced_loss(logits, torch.full((2, 2), nan), normalise=normalise).item() == 0
    assert class_balanced_loss(logits - 9, torch.zeros(2, 2), normalise=normalise).item() == 0


# --- supervision of the maps ------------------------------------------------------------------------------


def test_mask_loss_by_hand():
    cam = torch.zeros(1, 1, 2, 2)  # p = 0.5 everywhere
    mask = torch.tensor([[[[1.0, 0], [0, 0]]]])
    bce = 0.25 * math.log(2) + 0.75 * math.log(2)
    dice = 1 - (2 * 0.5 + 1) / (4 * 0.25 + 1 + 1)
    assert cam_mask_loss(cam, mask).item() == pytest.approx(bce + dice)


def test_mask_loss_is_low_where_right_and_high_where_wrong():
    mask = torch.zeros(1, 1, 8, 8)
    mask[:, :, 2:5, 2:5] = 1
    right = cam_mask_loss(20 * mask - 10, mask)
    assert right.item() < 0.05
    assert cam_mask_loss(10 - 20 * mask, mask).item() > 5


def test_mask_loss_averages_masks_down_to_the_map():
    mask = torch.zeros(1, 1, 8, 8)
    mask[:, :, :4, :4] = 1
    small = torch.zeros(1, 1, 2, 2)
    small[0, 0, 0, 0] = 1
    cam = drawn_logits(0, (1, 1, 2, 2))
    torch.testing.assert_close(cam_mask_loss(cam, mask), cam_mask_loss(cam, small))


def test_mask_loss_leaves_unknown_planes_out():
    mask = torch.zeros(1, 2, 4, 4)
    mask[0, 0, :2, :2] = 1
    unknown = mask.clone()
    unknown[0, 1] = nan
    cam = drawn_logits(2, (1, 2, 4, 4)).requires_grad_()
    found = cam_mask_loss(cam, unknown)
    torch.testing.assert_close(found, cam_mask_loss(cam[:, :1], mask[:, :1]))
    found.backward()
    assert (cam.grad[0, 1] == 0).all()


def test_mask_loss_without_objects_only_presses_down():
    cam = torch.zeros(1, 1, 4, 4, requires_grad=True)
    cam_mask_loss(cam, torch.zeros(1, 1, 4, 4)).backward()
    assert (cam.grad > 0).all()
