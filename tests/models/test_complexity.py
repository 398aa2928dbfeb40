"""MACs by hand, and against the published overhead of CHR."""

import pytest
import torch
from tests.tiny_chr import TinyBackbone
from torch import nn

from beltline.models.backbones import BACKBONES
from beltline.models.chr import Chr, build_chr
from beltline.models.complexity import Complexity, measure_complexity

PAPER_OVERHEAD = 0.0781  # 7.68 ms to 8.28 ms


@pytest.mark.parametrize(
    ("layer", "macs", "params"),
    [
        (nn.Conv2d(3, 8, 3, padding=1), 10 * 12 * 8 * 3 * 9, 8 * 27 + 8),
        (nn.Conv2d(3, 8, 3, padding=1, stride=2, bias=False), 5 * 6 * 8 * 3 * 9, 8 * 27),
        (nn.Conv2d(3, 6, 3, padding=1, groups=3, bias=False), 10 * 12 * 6 * 9, 6 * 9),
        (nn.Sequential(nn.Flatten(), nn.Linear(360, 7)), 360 * 7, 360 * 7 + 7),
        (nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(), nn.AvgPool2d(2)), 0, 6),
    ],
)
def test_layers_by_hand(layer, macs, params):
    assert measure_complexity(layer, height=10, width=12) == Complexity(macs, params)


def test_the_model_stays_as_it_was():
    model = nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2)).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    measure_complexity(model, height=8, width=8)
    assert model.training
    for name, value in model.state_dict().items():
        assert value.device.type == "cpu"
        assert torch.equal(value, before[name])


def test_added_macs_is_a_share():
    assert Complexity(145, 1).added_macs(Complexity(100, 1)) == pytest.approx(0.45)


def test_chr_by_hand():
    """Both wirings on 64 x 64: maps of 8 x 8, 4 x 4 and 2 x 2 cells, 8, 12 and 16 channels, 3 classes."""
    body = measure_complexity(TinyBackbone(), height=64, width=64).macs

    def measured(wiring, variant):
        model = Chr(TinyBackbone(), (8, 12, 16), 3, wiring=wiring, variant=variant)
        return measure_complexity(model, height=64, width=64).macs - body

    assert measured("released", "plain") == (4 + 1) * 16 * 3  # map and pooled logit
    lateral = 64 * 8 * 8 + 16 * 12 * 12 + 4 * 16 * 16
    heads = (65 * 8 + 17 * 12 + 5 * 16) * 3
    assert measured("released", "H") == lateral + heads
    merge = 64 * (12 + 8) * 8 + 16 * (16 + 12) * 12
    assert measured("released", "CHR") == lateral + merge + heads
    lateral = 64 * 8 * 8 + 16 * 12 * 8 + 4 * 16 * 8
    merge = (64 + 16) * (9 * 8 + 8 * 8)
    assert measured("light", "CHR") == lateral + merge + (65 + 17 + 5) * 8 * 3


def overhead(name, wiring="released"):
    side = BACKBONES[name].input_size
    with torch.device("meta"):
        plain, refined = (build_chr(name, 5, variant=v, wiring=wiring) for v in ("plain", "CHR"))
    base, cost = (measure_complexity(model, height=side, width=side) for model in (plain, refined))
    return cost.added_macs(base), cost.params - base.params


@pytest.mark.parametrize(
    ("name", "macs", "params"),
    [
        ("ResNet18", 0.064, 0.59e6),
        ("ResNet34", 0.032, 0.59e6),
        ("ResNet50", 0.45, 9.4e6),
        ("ResNet101", 0.24, 9.4e6),
    ],
)
def test_released_wiring_costs_what_its_wiring_implies(name, macs, params):
    """Computed independently from the released wiring at 224 x 224, two digits."""
    found = overhead(name)
    assert found[0] == pytest.approx(macs, abs=0.005 if macs > 0.1 else 0.0005)
    assert found[1] == pytest.approx(params, rel=0.01)


@pytest.mark.parametrize("name", list(BACKBONES))
def test_light_wiring_stays_below_the_papers_overhead(name):
    macs, params = overhead(name, "light")
    assert 0 < macs < PAPER_OVERHEAD
    assert params < 0.5e6
