"""CHR, the loss: the cascade of masks and its readings, by hand and by property; map supervision."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from beltline.models.chr import (
    cam_mask_loss,
    cascade_logits,
    class_balanced_loss,
    hierarchical_cross_entropy,
    keep_negatives,
)

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


# --- the gradient, entry by entry ------------------------------------------------------------------------


@given(
    st.integers(0, 999),
    st.sampled_from([*MODES, "released_code", "all"]),
    st.floats(0.02, 0.6),
    st.sampled_from(["all", "kept"]),
    st.sampled_from(["mean", "sum"]),
)
def test_gradient_of_every_entry_in_closed_form(seed, mode, epsilon, normalise, stage_reduction):
    """(sigmoid - target) where an entry counts, exactly 0 where dropped or unknown, over the right number.

    Which entries count is written out again, stage by stage.
    """
    logits = drawn_logits(seed, spread=8.0 if mode != "released_code" else 15.0).double().requires_grad_()
    target = (drawn_logits(seed + 1)[:, 0] > 2).double()
    target[drawn_logits(seed + 2)[:, 0] > 4] = nan
    options = {"mode": mode, "epsilon": epsilon, "normalise": normalise, "stage_reduction": stage_reduction}
    class_balanced_loss(logits, target, **options).backward()
    probs = logits.detach().sigmoid()
    for n in range(4):
        for c in range(5):
            alive = True
            for stage in (2, 1, 0):
                p, z = probs[n, stage, c], logits[n, stage, c]
                counts = {
                    "all": True,
                    "released_code": bool(z >= -20),
                    "drop_easy": alive and bool(p >= epsilon),
                    "paper_literal": alive and bool(p < epsilon),
                }[mode]
                alive = counts
                counts = counts or target[n, c] == 1
                if not counts or target[n, c].isnan():
                    assert logits.grad[n, stage, c] == 0
                    continue
                kept = _kept(logits.detach(), target, stage, options)
                share = kept * (3 if stage_reduction == "mean" else 1)
                assert logits.grad[n, stage, c].item() == pytest.approx((p - target[n, c]).item() / share)


def _kept(logits, target, stage, options):
    known = ~target.isnan()
    if options["normalise"] == "all":
        return int(known.sum())
    keep = keep_negatives(logits, mode=options["mode"], epsilon=options["epsilon"])[:, stage]
    return int(((keep | (target == 1)) & known).sum())


def test_a_negative_that_is_easy_at_the_top_is_free_below():
    """What the cascade implies: no stage contradicts the finer ones, and their mean may alarm."""
    logits = torch.tensor([[[9.0], [9.0], [-5.0]]], requires_grad=True)
    loss = class_balanced_loss(logits, torch.zeros(1, 1), mode="drop_easy", epsilon=0.05)
    loss.backward()
    assert loss.item() == 0
    assert not logits.grad.any()
    assert logits.mean() > 0


@pytest.mark.parametrize("mode", [*MODES, "released_code", "all"])
def test_no_gradient_passes_through_the_mask(mode):
    logits = drawn_logits(8).requires_grad_()
    assert not keep_negatives(logits, mode=mode).requires_grad


def test_stages_are_summed_or_averaged():
    logits, target = drawn_logits(9), (drawn_logits(10)[:, 0] > 2).float()
    mean, total = (class_balanced_loss(logits, target, stage_reduction=how) for how in ("mean", "sum"))
    torch.testing.assert_close(total, 3 * mean)


# --- single labels ---------------------------------------------------------------------------------------


def test_hierarchical_cross_entropy_by_hand():
    logits = torch.tensor([[[2.0, 0.0], [0.0, 0.0]]])  # one image, fine and coarse
    stages = [math.log1p(math.exp(-2)), math.log(2)]
    target = torch.tensor([0])
    assert hierarchical_cross_entropy(logits, target).item() == pytest.approx(sum(stages) / 2)
    total = hierarchical_cross_entropy(logits, target, stage_reduction="sum")
    assert total.item() == pytest.approx(sum(stages))


def test_hierarchical_cross_entropy_is_the_mean_of_the_stages():
    logits, target = drawn_logits(11), torch.tensor([0, 4, 2, 2])
    each = [F.cross_entropy(logits[:, stage], target) for stage in range(3)]
    torch.testing.assert_close(hierarchical_cross_entropy(logits, target), torch.stack(each).mean())


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


def test_cascade_hears_a_stage_only_where_coarser_ones_were_not_sure() -> None:
    logits = torch.tensor([[[9.0, 1.0, 9.0], [9.0, 2.0, 2.0], [-9.0, 3.0, -1.0]]])  # fine, middle, coarse
    assert cascade_logits(logits, epsilon=0.05).tolist() == [[-9.0, 2.0, pytest.approx(10 / 3)]]
    middle_easy = torch.tensor([[[9.0], [-9.0], [1.0]]])  # the middle stage is heard, the fine one not
    assert cascade_logits(middle_easy).tolist() == [[-4.0]]


def test_cascade_of_one_stage_is_that_stage() -> None:
    logits = torch.randn(4, 1, 5)
    assert torch.equal(cascade_logits(logits), logits[:, 0])
