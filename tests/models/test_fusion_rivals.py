"""The rivals of RWSC-Fusion: one interface, gradients everywhere, a batch overfitted."""

import numpy as np
import pytest
import torch

from beltline.models.fusiongan import FusionGan
from beltline.models.luma_fusion import LumaFusion, box_of, mef_ssim_loss, merge_chroma, to_rgb, to_ycbcr
from beltline.models.mefnet import MefNet, guided_upsample
from beltline.models.u2fusion import information
from beltline.systems.fusion.recipe import METHODS, published_recipe

RIVALS = ("U2Fusion", "FusionGAN", "DeepFuse", "MEFNet")


def batch(seed: int = 0, size: int = 32):
    generator = torch.Generator().manual_seed(seed)
    bag = 0.3 + 0.7 * torch.rand(2, 3, size, size, generator=generator)
    mask = torch.zeros(2, 1, size, size)
    mask[:, :, 6:18, 4:16] = 1
    item = torch.where(mask > 0, 0.2 + 0.6 * torch.rand(2, 3, size, size, generator=generator), 1.0)
    return bag, item, mask


def test_colours_go_to_ycbcr_and_back():
    image = torch.rand(2, 3, 5, 7)
    torch.testing.assert_close(to_rgb(to_ycbcr(image)), image, atol=1e-5, rtol=0)
    grey = to_ycbcr(torch.full((1, 3, 1, 1), 0.4))
    torch.testing.assert_close(grey.flatten(), torch.tensor([0.4, 0.0, 0.0]), atol=1e-6, rtol=0)


def test_strong_chroma_wins():
    strong, weak = torch.full((1, 2, 1, 1), 0.4), torch.full((1, 2, 1, 1), -0.1)
    torch.testing.assert_close(
        merge_chroma(strong, weak), torch.full((1, 2, 1, 1), (0.16 - 0.01) / 0.5), atol=1e-5, rtol=0
    )


def test_box_is_the_bounding_box():
    mask = torch.zeros(1, 1, 6, 8)
    mask[0, 0, 1, 5] = mask[0, 0, 3, 2] = 0.3
    expected = torch.zeros(6, 8)
    expected[1:4, 2:6] = 1
    assert torch.equal(box_of(mask)[0, 0], expected)
    assert box_of(torch.zeros_like(mask)).sum() == 0


def test_mef_loss_vanishes_for_equal_pictures_and_prefers_the_stronger_structure():
    rng = torch.Generator().manual_seed(1)
    strong = torch.rand(1, 1, 32, 32, generator=rng)
    weak = 0.5 + 0.05 * torch.rand(1, 1, 32, 32, generator=rng)
    assert mef_ssim_loss((strong, strong), strong).item() == pytest.approx(0, abs=1e-3)
    assert mef_ssim_loss((strong, weak), strong) < 0.05
    assert mef_ssim_loss((strong, weak), weak) > 0.5


@pytest.mark.parametrize("name", RIVALS)
def test_every_rival_works_inside_the_box_only_and_learns(name):
    torch.manual_seed(0)
    recipe = published_recipe(name, width=8)
    model, losses_of = METHODS[name].build(recipe), METHODS[name].losses(recipe)
    bag, item, mask = batch()
    fused = model.eval()(bag, item, mask)
    free = (box_of(mask) == 0).expand_as(bag)
    assert torch.equal(fused[free], bag[free])
    assert ((fused >= 0) & (fused <= 1)).all()
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        found = losses_of(model, bag, item, mask)
        found["loss"].backward()
        silent = [
            n for n, p in model.named_parameters() if p.grad is None or not torch.isfinite(p.grad).all()
        ]
        assert silent == []
        losses.append(found.get("content", found["loss"]).item())
        optimizer.step()
    assert np.mean(losses[-5:]) < 0.95 * np.mean(losses[:3])


def test_gan_players_do_not_push_each_other():
    torch.manual_seed(0)
    recipe = published_recipe("FusionGAN", width=8)
    model = METHODS["FusionGAN"].build(recipe)
    assert isinstance(model, LumaFusion)
    assert isinstance(model.net, FusionGan)
    found = METHODS["FusionGAN"].losses(recipe)(model, *batch())
    (found["adversarial"]).backward(retain_graph=True)
    assert all(p.grad is None for p in model.net.discriminator.parameters())
    model.zero_grad()
    found["discriminator"].backward()
    assert all(p.grad is None for p in model.net.generator.parameters())


def test_mefnet_weighs_and_the_guided_filter_keeps_edges():
    bag, item, _ = batch(size=40)
    y = (to_ycbcr(bag)[:, :1], to_ycbcr(item)[:, :1])
    fused = MefNet(4, side=20)(*y)
    low, high = torch.minimum(*y), torch.maximum(*y)
    assert ((fused >= low - 1e-5) & (fused <= high + 1e-5)).all()
    step = torch.zeros(1, 1, 16, 16)
    step[..., 8:] = 1
    torch.testing.assert_close(guided_upsample(step, 2 * step, step), 2 * step, atol=0.02, rtol=0)


def test_information_grows_with_structure():
    flat, fine = torch.full((1, 1, 16, 16), 0.5), torch.rand(1, 1, 16, 16)
    assert information(flat).item() == 0
    assert information(fine) > information(0.5 * fine) > 0
