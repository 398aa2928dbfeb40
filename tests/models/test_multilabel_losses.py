"""Baseline losses against timm's and torchvision's implementations."""

import math

import pytest
import torch
from torch.nn import functional as F

from beltline.models.multilabel_losses import asymmetric_loss, focal_loss


def drawn(seed=0, shape=(6, 5)):
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(shape, generator=generator), (torch.rand(6, 5, generator=generator) < 0.3).float()


@pytest.mark.parametrize("options", [{}, {"gamma_positive": 1.0, "gamma_negative": 2.0, "margin": 0.1}])
def test_asymmetric_loss_is_timms_over_the_entries(options):
    from timm.loss import AsymmetricLossMultiLabel

    logits, target = drawn()
    theirs = AsymmetricLossMultiLabel(
        gamma_neg=options.get("gamma_negative", 4),
        gamma_pos=options.get("gamma_positive", 0),
        clip=options.get("margin", 0.05),
    )
    found = asymmetric_loss(logits, target, **options)
    torch.testing.assert_close(found, theirs(logits, target) / target.shape[1])  # it sums the classes


def test_focal_loss_is_torchvisions():
    from torchvision.ops import sigmoid_focal_loss

    logits, target = drawn()
    expected = sigmoid_focal_loss(logits, target, alpha=0.25, gamma=2, reduction="mean")
    torch.testing.assert_close(focal_loss(logits, target), expected)


def test_without_focus_both_are_bce():
    logits, target = drawn()
    bce = F.binary_cross_entropy_with_logits(logits, target)
    torch.testing.assert_close(asymmetric_loss(logits, target, gamma_negative=0, margin=0), bce)
    torch.testing.assert_close(focal_loss(logits, target, gamma=0, alpha=0.5), bce / 2)


@pytest.mark.parametrize("loss", [asymmetric_loss, focal_loss])
def test_stages_are_averaged(loss):
    logits, target = drawn(shape=(6, 3, 5))
    each = torch.stack([loss(logits[:, stage], target) for stage in range(3)])
    torch.testing.assert_close(loss(logits, target), each.mean())


@pytest.mark.parametrize("loss", [asymmetric_loss, focal_loss])
def test_unknown_labels_are_as_if_they_were_not_there(loss):
    logits, target = drawn()
    unknown = target.clone()
    unknown[:, 2] = math.nan
    kept = [0, 1, 3, 4]
    torch.testing.assert_close(loss(logits, unknown), loss(logits[:, kept], target[:, kept]))
    assert loss(logits, torch.full_like(target, math.nan)).item() == 0


@pytest.mark.parametrize("loss", [asymmetric_loss, focal_loss])
def test_extreme_logits_have_finite_gradients(loss):
    logits = torch.tensor([[-200.0, 200.0, 0.0]] * 2, requires_grad=True)
    loss(logits, torch.tensor([[1.0, 0, 1], [0, 1, 0]])).backward()
    assert logits.grad.isfinite().all()


def test_very_easy_negatives_are_dropped():
    logits = torch.tensor([[math.log(0.04 / 0.96)]], requires_grad=True)
    asymmetric_loss(logits, torch.zeros(1, 1), margin=0.05).backward()
    assert logits.grad.item() == 0


def test_focal_loss_by_hand():
    """p = 0.8 for a positive and a negative, gamma 2, alpha 0.25."""
    logits = torch.full((1, 2), math.log(0.8 / 0.2))
    positive = 0.25 * 0.2**2 * -math.log(0.8)
    negative = 0.75 * 0.8**2 * -math.log(0.2)
    found = focal_loss(logits, torch.tensor([[1.0, 0.0]]))
    assert found.item() == pytest.approx((positive + negative) / 2, rel=1e-5)
