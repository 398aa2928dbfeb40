"""The click model: shapes, what clicks reach, what stays still, how large it is."""

import pytest
import torch

from beltline.core import ShapeError
from beltline.models.click import ClickModel
from beltline.training.freezing import hold_still
from beltline.training.settings import TrainingSettings

TINY = {"backbone": "resnet10t", "width": 8, "channels": (8, 8, 8, 8), "normalisation": "xray"}


@pytest.fixture(scope="module")
def lite0():
    torch.manual_seed(0)
    return ClickModel()


def inputs(side=64, rows=2):
    drawn = torch.Generator().manual_seed(1)
    shapes = ((rows, 3, side, side), (rows, 2, side, side), (rows, 4, side // 4, side // 4))
    return [torch.rand(shape, generator=drawn) for shape in shapes]


def test_it_stays_below_8_megabytes_in_half_weights(lite0):
    count = sum(tensor.numel() for tensor in lite0.parameters())
    assert 2.9e6 < count < 3.2e6
    assert 2 * count < 6.5e6  # bytes; the graph itself takes its share of the 8 MB


def test_masks_at_stride_4_and_a_quality_of_each(lite0):
    with torch.no_grad():
        logits, quality = lite0.eval()(*inputs(96))
    assert logits.shape == (2, 3, 24, 24)
    assert quality.shape == (2, 3)
    assert ((quality > 0) & (quality < 1)).all()


def test_another_shape_is_refused():
    model = ClickModel(**TINY)
    image, energy, guide = inputs()
    with pytest.raises(ShapeError, match="multiple of 32"):
        model(image[..., :48, :48], energy[..., :48, :48], guide[..., :12, :12])
    with pytest.raises(ShapeError, match="S / 4"):
        model(image, energy, guide[..., :8, :8])


def test_a_backbone_without_the_levels_is_refused():
    with pytest.raises(ValueError, match=r"strides \[4, 8, 16, 16\]"):
        ClickModel(**TINY, output_stride=16)


def test_both_halves_run_what_the_whole_backbone_runs(lite0):
    image = inputs(96)[0]
    normed = (image - lite0.mean) / lite0.spread
    with torch.no_grad():
        low = lite0.eval()._levels(normed, 0, 2)
        high = lite0._levels(low[-1], 2, 4)
        for ours, whole in zip([*low, *high], lite0.body(normed), strict=True):
            assert torch.equal(ours, whole)


def test_a_click_changes_the_answer_and_the_energies_do():
    torch.manual_seed(0)
    model = ClickModel(**TINY).eval()
    image, energy, guide = inputs()
    with torch.no_grad():
        before = model(image, energy, guide).logits
        assert not torch.equal(model(image, energy, guide.roll(3, 2)).logits, before)
        assert not torch.equal(model(image, 1 - energy, guide).logits, before)


def test_without_energy_it_does_not_look_at_it():
    model = ClickModel(**TINY, energy=False).eval()
    image, energy, guide = inputs()
    with torch.no_grad():
        assert torch.equal(
            model(image, energy, guide).logits, model(image, torch.zeros_like(energy), guide).logits
        )


def test_the_image_half_needs_no_second_run_for_a_further_click():
    model = ClickModel(**TINY).eval()
    image, energy, guide = inputs()
    with torch.no_grad():
        encoded = model.encode(image, energy)
        model.decode(encoded, torch.zeros_like(guide))
        assert torch.equal(model.decode(encoded, guide).logits, model(image, energy, guide).logits)


def test_gradients_reach_everything_that_is_not_held_still(lite0):
    still = hold_still(lite0.body, TrainingSettings(frozen_stages=3, frozen_norm=True))
    assert still
    trained = {name: p for name, p in lite0.named_parameters() if p.requires_grad}
    assert not any(name.startswith(("body.conv_stem", "body.blocks.0", "body.blocks.2")) for name in trained)
    assert any(name.startswith("body.blocks.3") for name in trained)
    step = torch.optim.SGD(trained.values(), lr=0.1)
    for _ in range(2):  # what enters at stride 8 is silent until its last layer has moved
        step.zero_grad()
        answer = lite0.train()(*inputs())
        (answer.logits.square().mean() + answer.quality.mean()).backward()
        step.step()
    assert [n for n, p in trained.items() if p.grad is None or not p.grad.abs().sum() > 0] == []


def test_corrections_see_the_answer_and_move_no_statistics():
    torch.manual_seed(0)
    model = ClickModel(**TINY).train()
    model.body.bn1.eval()  # held still
    image, energy, guide = inputs()
    before = {name: value.clone() for name, value in model.state_dict().items() if "running" in name}
    seen = []

    def correct(answer, given):
        moved = [
            n for n, old in before.items() if "lateral" in n and not torch.equal(model.state_dict()[n], old)
        ]
        seen.append((answer.logits.requires_grad, moved))
        return given * 0

    answer = model(image, energy, guide, [correct, correct])
    assert seen == [(False, []), (False, [])]
    assert answer.logits.requires_grad
    assert model.head[0][1].training
    assert not model.body.bn1.training
    torch.manual_seed(0)
    plain = ClickModel(**TINY).train()
    plain.body.bn1.eval()
    assert torch.allclose(plain(image, energy, guide * 0).logits, answer.logits)
