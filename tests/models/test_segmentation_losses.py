"""The click loss by hand, and against an outside Dice."""

import math

import pytest
import torch

from beltline.models.segmentation_losses import click_loss, dice_loss

LOGIT_3 = math.log(3)  # p = 0.75


def test_dice_by_hand():
    logits = torch.tensor([[LOGIT_3, -LOGIT_3]])  # p = 0.75 and 0.25
    masks = torch.tensor([[1.0, 0.0]])
    # 1 - 2 * 0.75 / (0.75^2 + 0.25^2 + 1)
    assert dice_loss(logits, masks).item() == pytest.approx(1 - 1.5 / 1.625, abs=1e-5)


def test_dice_sums_over_the_batch():
    logits = torch.tensor([[LOGIT_3], [-LOGIT_3]])
    masks = torch.tensor([[1.0], [0.0]])
    assert dice_loss(logits, masks).item() == pytest.approx(1 - 1.5 / 1.625, abs=1e-5)


def test_the_whole_loss_by_hand():
    logits = torch.tensor([LOGIT_3, -LOGIT_3]).view(1, 1, 1, 2)
    masks = torch.tensor([1.0, 0.0]).view(1, 1, 1, 2)
    entropy = (2 * -math.log(0.75) - math.log(0.75)) / 2  # the positive weighs twice
    expected = 0.2 * entropy + 0.8 * (1 - 1.5 / 1.625)
    assert click_loss(logits, masks).item() == pytest.approx(expected, abs=1e-5)


def test_dice_equals_one_minus_f1_on_decided_masks():
    from sklearn.metrics import f1_score

    generator = torch.Generator().manual_seed(0)
    found, true = (torch.rand(2, 1, 8, 8, generator=generator) > 0.6 for _ in range(2))
    dice = dice_loss((found.float() - 0.5) * 200, true.float()).item()
    assert dice == pytest.approx(1 - f1_score(true.ravel().numpy(), found.ravel().numpy()), abs=1e-5)


def test_masks_are_taken_to_the_logits_by_the_nearest_pixel():
    masks = torch.zeros(1, 1, 4, 6)
    masks[..., 2:, :3] = 1
    logits = torch.tensor([[[[-9.0, -9, -9], [9, 9, -9]]]])
    # nearest pixels of columns 0, 2, 4: the first two lie in the mask
    assert click_loss(logits, masks).item() < 1e-3


def test_nothing_to_find_and_nothing_found_costs_nothing():
    assert click_loss(torch.full((2, 1, 4, 4), -20.0), torch.zeros(2, 1, 4, 4)).item() < 1e-3
