"""RWSC-Fusion: equations by hand, guards, gradients, one batch overfitted."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from beltline.metrics import saturation as metric_saturation
from beltline.models.fusion_losses import (
    RwscWeights,
    correlation,
    local_loss,
    luma,
    rwsc_losses,
    saturation,
    saturation_loss,
    ssim,
)
from beltline.models.rwsc import EdgeAttention, RegionStyle, RwscFusion, RwscSettings, region_mean

SMALL = RwscSettings(widths=(16, 16, 16))


def batch(seed: int = 0, size: int = 24):
    generator = torch.Generator().manual_seed(seed)
    bag = 0.3 + 0.7 * torch.rand(2, 3, size, size, generator=generator)
    mask = torch.zeros(2, 1, size, size)
    mask[:, :, 6:18, 4:16] = 1
    item = torch.where(mask > 0, 0.2 + 0.6 * torch.rand(2, 3, size, size, generator=generator), 1.0)
    return bag, item, mask


def test_region_mean_by_hand():
    features = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    region = torch.tensor([[[[1.0, 0.0], [0.5, 0.0]]]])
    assert region_mean(features, region).item() == pytest.approx((1 + 0.5 * 3) / 1.5, rel=1e-4)
    assert region_mean(features, torch.zeros_like(region)).item() == 0


@pytest.mark.parametrize(("sign", "factor"), [("pooled_minus", 1), ("minus_pooled", -1), ("absolute", 0)])
def test_edge_attention_is_equation_5(sign, factor):
    features = torch.zeros(1, 2, 5, 5)
    features[:, :, 2, 2] = 9.0
    # at the peak the 3x3 mean is 1, so AP2D(F) - F = -8
    high_pass = -8.0 * factor if factor else 8.0
    expected = torch.sigmoid(torch.tensor(high_pass)) * 9
    found = EdgeAttention(sign, 3, residual=False)(features)
    assert found[0, 0, 2, 2].item() == pytest.approx(expected.item(), rel=1e-5)
    with_residual = EdgeAttention(sign, 3, residual=True)(features)
    torch.testing.assert_close(with_residual, features + found)


def test_edge_attention_leaves_a_flat_picture_flat_up_to_the_border():
    flat = torch.full((1, 3, 6, 6), 2.0)
    torch.testing.assert_close(EdgeAttention("pooled_minus", 3, False)(flat), flat / 2)
    with pytest.raises(ValueError, match="odd"):
        EdgeAttention("pooled_minus", 4, False)


def test_style_of_one_region_does_not_reach_the_other():
    style = RegionStyle(4, deviation=True, residual=False)
    torch.nn.init.normal_(style.pooled_out.weight)
    composite, item, bag = torch.randn(3, 1, 4, 12, 12).unbind(0)
    mask = torch.zeros(1, 1, 12, 12)
    mask[..., :6] = 1
    before = style(composite, item, bag, mask)
    after = style(composite, item + 3.0, bag, mask)
    # the item's style governs its own region; convolutions reach two pixels over the seam
    torch.testing.assert_close(before[..., 8:], after[..., 8:])
    assert (before[..., :6] - after[..., :6]).abs().max() > 1e-3


def test_pooling_only_knows_no_deviation():
    torch.manual_seed(0)
    full, pooled = (RwscFusion(replace(SMALL, deviation=d)) for d in (True, False))
    extra = {name for name, _ in full.named_parameters()} - {name for name, _ in pooled.named_parameters()}
    assert extra
    assert all("deviation" in name for name in extra)
    pooled.load_state_dict({k: v for k, v in full.state_dict().items() if k not in extra})
    given = batch()
    # the weights they share are the same, so what differs is what the deviation maps tell
    assert (full(*given) - pooled(*given)).abs().max() > 1e-4


def test_pooling_only_is_blind_to_detail_of_the_style():
    torch.manual_seed(0)
    composite, bag = torch.randn(2, 1, 4, 12, 12).unbind(0)
    item = torch.randn(1, 4, 12, 12)
    mixed = item.flatten(2)[..., torch.randperm(144)].view_as(item)  # same mean over the region, other detail
    everywhere = torch.ones(1, 1, 12, 12)
    for deviation in (False, True):
        style = RegionStyle(4, deviation=deviation, residual=False)
        for last in (style.pooled_out, style.deviation_out):
            if last is not None:
                torch.nn.init.normal_(last.weight)
        apart = (
            (style(composite, item, bag, everywhere) - style(composite, mixed, bag, everywhere)).abs().max()
        )
        assert apart > 0.1 if deviation else apart < 1e-3


def test_the_bag_is_untouched_outside_the_mask():
    bag, item, mask = batch()
    fused = RwscFusion(replace(SMALL, paste=True))(bag, item, mask)
    outside = (mask == 0).expand_as(bag)
    assert torch.equal(fused[outside], bag[outside])
    assert ((fused >= 0) & (fused <= 1)).all()
    free = RwscFusion(SMALL)(bag, item, mask)
    assert not torch.equal(free[outside], bag[outside])


@pytest.mark.parametrize(
    "settings", [SMALL, replace(SMALL, residual=False), replace(SMALL, edge_attention=False)]
)
def test_gradients_reach_every_parameter(settings):
    torch.manual_seed(0)
    model = RwscFusion(settings)
    rwsc_losses(model, *batch())["loss"].backward()
    silent = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert silent == []


def test_one_batch_is_overfitted():
    torch.manual_seed(0)
    model = RwscFusion(SMALL)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    given = batch()
    first = {k: v.item() for k, v in rwsc_losses(model, *given).items()}
    for _ in range(60):
        optimizer.zero_grad()
        found = rwsc_losses(model, *given)
        found["loss"].backward()
        optimizer.step()
    assert found["loss"].item() < 0.6 * first["loss"]
    assert found["reconstruction"].item() < 0.6 * first["reconstruction"]
    assert found["outside"].item() < 0.6 * first["outside"]


def test_an_empty_mask_and_a_white_item_give_finite_losses_and_gradients():
    bag, _, mask = batch()
    model = RwscFusion(SMALL)
    for empty in (mask, torch.zeros_like(mask)):
        found = rwsc_losses(model, bag, torch.ones_like(bag), empty)
        found["loss"].backward()
        assert all(torch.isfinite(v) for v in found.values())
        assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


def test_local_loss_is_least_for_threat_image_projection():
    bag, item, mask = (x[:, :1].repeat(1, 3, 1, 1) if x.shape[1] == 3 else x for x in batch())
    weights = RwscWeights()
    at_product = local_loss(bag * item, bag, item, mask, weights)
    assert at_product < 0.02  # grey: the logarithms add, but for the guard against log 0
    assert local_loss(item, bag, item, mask, weights) > 10 * at_product
    assert local_loss(bag * item, bag, item, mask, replace(weights, colour=False)) < 0.02
    assert local_loss(bag * item * 0.8, bag, item, mask, weights) > 5 * at_product


def test_local_loss_of_colours_knows_hues_that_luminance_does_not():
    bag, item, mask = batch()
    product = bag * item
    turned = product[:, [2, 0, 1]]
    turned = turned * luma(product) / luma(turned)  # another hue of the same luminance
    of_colour, of_luma = (RwscWeights(colour=c) for c in (True, False))
    assert local_loss(turned, bag, item, mask, of_colour) > 2 * local_loss(
        product, bag, item, mask, of_colour
    )
    assert local_loss(product, bag, item, mask, of_colour) < 0.03
    assert local_loss(turned, bag, item, mask, of_luma) < local_loss(turned, bag, item, mask, of_colour)


def test_local_loss_knows_the_identities_of_threat_image_projection():
    bag, item, mask = batch()
    white = torch.ones_like(bag)
    exact = RwscWeights(window=1)
    guard = math.log(1 + 1 / 255)  # log(1 + epsilon) of white, which is not quite 0
    assert local_loss(bag, bag, white, mask, exact).item() == pytest.approx(guard, abs=1e-5)
    assert local_loss(item, white, item, mask, exact).item() == pytest.approx(guard, abs=1e-5)
    torch.testing.assert_close(
        local_loss(bag * item, bag, item, mask, exact), local_loss(item * bag, item, bag, mask, exact)
    )
    # by hand: one grey pixel, w1 log f + w2 log b
    b, f, w = 0.5, 0.4, RwscWeights(window=1, item=1.0, bag=0.6)
    grey = [torch.full((1, 3, 1, 1), v) for v in (0.3, b, f)]
    wished = math.log(f + 1 / 255) + 0.6 * math.log(b + 1 / 255)
    expected = abs(math.log(0.3 + 1 / 255) - wished)
    assert local_loss(*grey, torch.ones(1, 1, 1, 1), w).item() == pytest.approx(expected, rel=1e-4)
    assert local_loss(white, bag, item, mask, exact) > 0.5  # and what lies outside the mask does not count
    outside = torch.where(mask > 0, bag * item, white)
    assert torch.equal(
        local_loss(outside, bag, item, mask, exact), local_loss(bag * item, bag, item, mask, exact)
    )


def test_saturation_correlation_and_structure_have_outside_references():
    bag, item, mask = batch()
    for picture in bag:
        np.testing.assert_allclose(
            saturation(picture[None])[0, 0].numpy(),
            metric_saturation(picture.permute(1, 2, 0).numpy()),
            atol=1e-4,
        )
    a, b = luma(bag), luma(item)
    covered = mask[0, 0] > 0
    expected = np.corrcoef(a[0, 0][covered].numpy(), b[0, 0][covered].numpy())[0, 1]
    assert correlation(a, b, mask)[0].item() == pytest.approx(expected, abs=1e-4)
    assert correlation(a, torch.ones_like(a), mask).tolist() == [0, 0]
    _, full = structural_similarity(
        a[0, 0].double().numpy(), b[0, 0].double().numpy(), data_range=1.0, gaussian_weights=True,
        sigma=1.5, use_sample_covariance=False, full=True,
    )  # fmt: skip
    assert ssim(a[:1].double(), b[:1].double()).item() == pytest.approx(full[5:-5, 5:-5].mean(), abs=1e-6)


def test_saturation_loss_rewards_what_comes_from_both():
    bag, item, mask = batch(3)
    both = saturation_loss(bag * item, bag, item, mask)
    assert both < saturation_loss(torch.rand_like(bag), bag, item, mask)
    assert 0 <= both <= 4
