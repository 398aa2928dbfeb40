"""The painter: what reaches its loss, what it is told and not told, its mask and weights."""

from __future__ import annotations

import pytest
import torch

from beltline.models.latents import Autoencoder, edge_error
from beltline.models.painter import PaintBatch, Painter, box_mask, min_snr, noise_schedule

WIDTHS = {"latent_widths": (8, 8, 8, 8), "widths": (8, 16, 16)}


@pytest.fixture
def painter() -> Painter:
    torch.manual_seed(0)
    return Painter(3, **WIDTHS)


def batch_of(count: int) -> PaintBatch:
    told = torch.Generator().manual_seed(1)
    drawn = [torch.randn(count, 4, 8, 8, generator=told) for _ in range(3)]
    boxes = torch.tensor([[0.25, 0.25, 0.75, 0.5]]).repeat(count, 1)
    times = torch.randint(100, 900, (count,), generator=told)
    return PaintBatch(drawn[0], drawn[1], torch.arange(count) % 3, boxes, drawn[2], times)


def test_gradients_reach_all_that_is_trained_and_nothing_else(painter: Painter) -> None:
    opened = [p for name, p in painter.named_parameters() if "alpha" in name]
    for gate in opened:  # gates begin closed: what lies behind one learns once it has opened
        torch.nn.init.constant_(gate, 0.5)
    assert opened
    labels = torch.tensor([0, 1, 2, painter.nameless])
    painter(batch_of(4)._replace(labels=labels))["loss"].backward()
    for name, parameter in painter.named_parameters():
        if name.startswith("autoencoder."):
            assert not parameter.requires_grad
        else:
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name


def test_a_batch_can_be_overfitted(painter: Painter) -> None:
    optimizer = torch.optim.Adam([p for p in painter.parameters() if p.requires_grad], lr=3e-3)
    batch, errors = batch_of(2), []
    for _ in range(60):
        found = painter(batch)
        optimizer.zero_grad()
        found["loss"].backward()
        optimizer.step()
        errors.append(float(found["error"].detach()))
    assert errors[-1] < 0.3 * errors[0]


def test_what_is_covered_is_seen_only_where_asked_for() -> None:
    batch, mask = batch_of(2), box_mask(torch.tensor([[0.25, 0.25, 0.75, 0.5]] * 2), 8)
    for seen in (False, True):
        torch.manual_seed(0)
        painter = Painter(3, **WIDTHS, seen=seen)
        words = (batch.painted, batch.times)
        rest = (mask, batch.labels, batch.boxes)
        one = painter.denoise(*words, batch.bag, *rest)
        other = painter.denoise(*words, batch.bag + mask, *rest)
        assert torch.equal(one, other) != seen
        assert not torch.equal(one, painter.denoise(*words, batch.bag + 1 - mask, *rest))


def test_the_nameless_are_told_neither_class_nor_box(painter: Painter) -> None:
    batch = batch_of(1)
    mask = box_mask(batch.boxes, 8)

    def told(label: int, box: list[float]) -> torch.Tensor:
        return painter.denoise(
            batch.painted, batch.times, batch.bag, mask, torch.tensor([label]), torch.tensor([box])
        )

    for gate in (p for name, p in painter.named_parameters() if "alpha" in name):
        torch.nn.init.constant_(gate, 0.5)
    here, there = [0.25, 0.25, 0.75, 0.5], [0.0, 0.5, 0.5, 1.0]
    assert torch.equal(told(painter.nameless, here), told(painter.nameless, there))
    assert not torch.equal(told(0, here), told(0, there))
    assert not torch.equal(told(0, here), told(1, here))


def test_the_mask_is_of_every_latent_that_a_box_touches() -> None:
    mask = box_mask(torch.tensor([[0.0, 0.0, 1.0, 1.0], [0.45, 0.5, 0.55, 0.51], [-0.2, 0.9, 1.4, 1.3]]), 10)
    assert mask.sum((1, 2, 3)).tolist() == [100, 2, 10]
    assert mask[1, 0, 5].tolist() == [0, 0, 0, 0, 1, 1, 0, 0, 0, 0]


def test_min_snr_weights_are_those_of_the_paper() -> None:
    schedule = noise_schedule()
    times = torch.tensor([0, 300, 500, 900, 999])
    share = schedule.alphas_cumprod[times]
    snr = share / (1 - share)
    expected = torch.where(snr > 5, 5 / (snr + 1), snr / (snr + 1))
    torch.testing.assert_close(min_snr(schedule, times), expected)
    assert float(schedule.alphas_cumprod[-1]) < 1e-6, "sampling begins with noise alone"


def test_an_autoencoder_learns_windows_with_their_edges() -> None:
    torch.manual_seed(0)
    net = Autoencoder(2, (8, 8, 8, 8))
    windows = (torch.rand(2, 2, 4, 4).repeat_interleave(16, 2).repeat_interleave(16, 3) * 255).to(torch.uint8)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    errors = []
    for _ in range(80):
        found = net(windows)
        optimizer.zero_grad()
        found["loss"].backward()
        optimizer.step()
        errors.append(float(found["l1"].detach()))
    assert errors[-1] < 0.5 * errors[0]
    assert net.encode(windows.float() / 255).shape == (2, 4, 8, 8)
    flat, step = torch.zeros(1, 1, 2, 2), torch.tensor([[[[0.0, 1.0], [0.0, 1.0]]]])
    assert float(edge_error(flat, flat + 0.5)) == 0
    assert float(edge_error(flat, step)) == pytest.approx(1.0)


def test_a_decoder_learns_on_behind_the_same_latents() -> None:
    torch.manual_seed(0)
    net = Autoencoder(2, (8, 8, 8, 8))
    net.hold_encoder()
    windows = torch.randint(0, 255, (2, 2, 32, 32), dtype=torch.uint8)
    before = net.encode(windows.float() / 255)
    optimizer = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=1e-2)
    net(windows)["loss"].backward()
    optimizer.step()
    assert torch.equal(net.encode(windows.float() / 255), before)
    moved = {name.split(".")[1] for name, p in net.named_parameters() if p.grad is not None}
    assert moved == {"decoder", "post_quant_conv"}
