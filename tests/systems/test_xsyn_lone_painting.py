"""Threats painted alone: laid in by physics, exact masks, nothing else touched, projections as a start."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from beltline.models.painter import LoneBatch, Painter
from beltline.physics.attenuation_code import attenuation_code, coded_transmission
from beltline.synthesis.diffusion.sampling import SamplerSettings
from beltline.systems.xsyn.painting import paint

QUICK = SamplerSettings(steps=2)
BOXES = np.array([[0.25, 0.25, 0.75, 0.5], [0.0, 0.0, 0.3, 0.3]], np.float32)


def painter(channels: int = 2) -> Painter:
    """Fitted to bars, its denoiser as it is drawn at random."""
    torch.manual_seed(0)
    found = Painter(3, channels, widths=(8, 16, 16), alone=True).eval()
    dark = torch.zeros(8, channels, 128, 128)
    for row in range(8):
        dark[row, :, 20 + row : 60 + 3 * row, 10 : 90 + row] = 0.3 + 0.06 * row
    noise = 0.1 * torch.rand(dark.shape, generator=torch.Generator().manual_seed(1)) * (dark > 0)
    found.autoencoder.fit(dark + noise if channels == 2 else 1 - dark - noise)
    return found


@pytest.fixture(scope="module")
def bags() -> np.ndarray:
    return np.random.default_rng(1).random((2, 2, 256, 256), dtype=np.float32) * 0.8


@pytest.mark.parametrize("channels", [2, 3])
def test_a_threat_only_takes_light_away_and_stays_near_its_box(channels: int) -> None:
    bags = np.random.default_rng(1).random((2, channels, 256, 256), dtype=np.float32) * 0.8
    found = paint(painter(channels), bags, [0, 2], BOXES, seed=4, settings=QUICK)
    darker = found.windows - bags if channels == 2 else bags - found.windows
    assert (darker >= -1e-5).all()
    assert found.masks is not None
    assert (darker[0].max(0)[found.masks[0]] > 0).any()
    assert found.masks.any((1, 2)).all()
    changed = (found.windows != bags).any(1)
    for one, box in zip(changed, 256 * BOXES, strict=True):
        x1, y1, x2, y2 = box
        near = 0.2 * max(x2 - x1, y2 - y1)  # a latent of the threat's own window
        outside = np.ones((256, 256), bool)
        outside[max(int(y1 - near), 0) : int(y2 + near) + 1, max(int(x1 - near), 0) : int(x2 + near) + 1] = (
            False
        )
        assert not one[outside].any()
    assert found.attention.shape == (2, 16, 16)
    assert found.attention[1, :6, :6].max() > 0
    assert found.attention[1, 10:].max() == 0, "nothing was looked at beside the threat's own window"


def test_the_bag_behind_a_threat_is_the_bag(bags: np.ndarray) -> None:
    """The same noise paints the same threat, whatever lies behind it."""
    net = painter()
    air = np.zeros_like(bags)
    over_air, over_bag = (paint(net, one, [0, 2], BOXES, seed=4, settings=QUICK) for one in (air, bags))
    assert over_air.masks is not None
    np.testing.assert_array_equal(over_air.masks, over_bag.masks)
    expected = coded_transmission(over_air.windows) * coded_transmission(bags)
    np.testing.assert_allclose(coded_transmission(over_bag.windows), expected, atol=2e-3)


def test_sdedit_begins_from_what_was_projected(bags: np.ndarray) -> None:
    net = painter()
    item = np.ones_like(bags)
    item[0, :, 80:110, 80:180] = 0.4
    item[1, :, 10:60, 10:60] = 0.5
    starts = attenuation_code(coded_transmission(bags) * item)
    still = SamplerSettings(steps=2, strength=0.0)
    found = paint(net, bags, [0, 2], BOXES, seed=4, settings=still, starts=starts)
    # nothing is painted at strength 0: what comes back is the projection as the codec keeps it
    assert found.masks is not None
    truth = item[:, 0] < 1
    overlap = (found.masks & truth).sum((1, 2)) / (found.masks | truth).sum((1, 2))
    assert (overlap > 0.8).all()


def test_gradients_reach_all_that_is_trained() -> None:
    net = painter().train()
    windows = torch.randint(0, 200, (4, 2, 128, 128), dtype=torch.uint8)
    boxes = torch.tensor([[0.1, 0.2, 0.9, 0.7]] * 4)
    labels, times = torch.tensor([0, 1, 2, 3]), torch.tensor([5, 200, 700, 990])
    # gates of grounded attention are born shut: what lies behind them learns once they have opened
    for name, value in net.named_parameters():
        if "alpha" in name:
            value.data.fill_(0.1)
    net(LoneBatch(windows, labels, boxes, torch.randn(4, 16, 16, 16), times))["loss"].backward()
    missed = [
        name for name, value in net.named_parameters()
        if value.requires_grad and (value.grad is None or not value.grad.abs().max() > 0)
    ]  # fmt: skip
    assert not missed
