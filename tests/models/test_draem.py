"""DRAEM: size, gradients, one batch learnt by heart, losses by hand and against scikit-image."""

import math

import numpy as np
import pytest
import torch
from tests.models.one_class_devices import boards, plant

from beltline.core import ShapeError
from beltline.models.draem import Draem, draem_scores, draem_small, draem_tiny, focal_loss


def batch():
    clean = boards(2, 64, 64)[0][..., 16:-16, 16:-16].contiguous()
    corrupted, mask = clean.clone(), torch.zeros(2, 1, 32, 32)
    corrupted[0] = plant(clean[0], 8, 10, size=16)
    mask[0, :, 8:24, 10:26] = 1
    return corrupted, clean, mask


def test_the_small_size_stays_below_5_million():
    assert 3e6 < sum(p.numel() for p in draem_small().parameters()) < 5e6


def test_gradients_reach_every_parameter():
    torch.manual_seed(0)
    model = draem_tiny()
    model.losses(*batch())["loss"].backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_the_mask_teaches_the_reconstruction_too():
    torch.manual_seed(0)
    model = draem_tiny()
    model.losses(*batch())["focal"].backward()
    assert model.reconstruction.out.weight.grad.abs().sum() > 0


def test_one_batch_is_learnt_by_heart():
    torch.manual_seed(0)
    model = Draem(width=6, judge_width=6)
    data = batch()
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    losses = []
    for _ in range(40):
        found = model.losses(*data)
        optimizer.zero_grad()
        found["loss"].backward()
        optimizer.step()
        losses.append(found["loss"].item())
    assert losses[-1] < 0.15 * losses[0]
    _, mask_logits = model(data[0])  # in training mode: two pictures are their own statistics
    found, true = mask_logits > 0, data[2] > 0
    assert (found & true).sum() / (found | true).sum() > 0.9
    device = torch.ones_like(data[2])
    scores = draem_scores(mask_logits.detach(), device)
    assert scores[0] > scores[1] + 0.2


def test_the_loss_is_the_sum_of_its_parts_and_ssim_that_of_scikit_image():
    structural_similarity = pytest.importorskip("skimage.metrics").structural_similarity
    torch.manual_seed(0)
    model = draem_tiny()
    corrupted, clean, mask = batch()
    found = model.losses(corrupted, clean, mask)
    assert found["loss"].item() == pytest.approx(sum(found[n].item() for n in ("l2", "ssim", "focal")))
    drawn, _ = model(corrupted)
    each = [
        structural_similarity(
            a, b, channel_axis=0, gaussian_weights=True, use_sample_covariance=False, data_range=1.0
        )
        for a, b in zip(drawn.detach().double().numpy(), clean.double().numpy(), strict=True)
    ]
    assert found["ssim"].item() == pytest.approx(1 - np.mean(each), abs=1e-4)


def test_focal_loss_by_hand():
    logits = torch.full((1, 1, 1, 2), math.log(3))  # p = 0.75
    expected = (0.25**2 * -math.log(0.75) + 0.75**2 * -math.log(0.25)) / 2
    assert focal_loss(logits, torch.tensor([[[[1.0, 0.0]]]])).item() == pytest.approx(expected, rel=1e-5)


def test_scores_look_at_the_device_alone():
    logits = torch.full((3, 1, 64, 64), -9.0)
    logits[0, :, :24, :24] = 9  # a corner of air
    logits[1, :, 30:60, 30:60] = 9
    device = torch.zeros(3, 1, 64, 64)
    device[:2, :, 40:, 40:] = 1
    scores = draem_scores(logits, device)
    assert scores[0] < 0.01
    assert scores[1] > 0.9
    assert scores[2].isnan()


def test_other_shapes_are_refused():
    model = draem_tiny()
    with pytest.raises(ShapeError, match="multiples of 16"):
        model(torch.rand(1, 3, 40, 48))
    with pytest.raises(ShapeError, match="mask"):
        model.losses(*(torch.rand(1, 3, 32, 32) for _ in range(3)))
    with pytest.raises(ShapeError, match="like the logits"):
        draem_scores(torch.zeros(1, 1, 8, 8), torch.zeros(1, 8, 8))
