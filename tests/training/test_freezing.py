"""What is frozen stays bit for bit, what is not learns, and the backbone may learn at a rate of its own."""

import dataclasses

import pytest
import torch

from beltline.core import BadInputError
from beltline.models.backbones import feature_backbone
from beltline.systems.chr.recipe import build_model
from beltline.systems.chr.system import SYSTEM as CHR
from beltline.systems.detector.recipe import DetectorRecipe
from beltline.systems.detector.system import SYSTEM as DETECTOR
from beltline.training import run as engine
from beltline.training.freezing import first_stages, hold_still
from beltline.training.settings import TrainingSettings, build_optimizer, rate_groups


def names_in(body, modules):
    found = {id(m) for m in modules}
    return {name for name, module in body.named_modules() if id(module) in found}


def test_three_stages_of_lite0_reach_to_stride_8():
    body = feature_backbone("EfficientNet-Lite0")
    frozen = names_in(body, first_stages(body, 3))
    assert "conv_stem" in frozen
    assert any(name.startswith("blocks.2.") for name in frozen)
    assert not any(name.startswith("blocks.3.") for name in frozen)
    everything = names_in(body, first_stages(body, 5))
    assert everything >= {name for name, m in body.named_modules() if not any(m.children())}
    norms = {name for name, m in body.named_modules() if isinstance(m, torch.nn.BatchNorm2d)}
    assert norms <= everything, "timm's normalisations have children and count all the same"


def test_what_is_still_costs_no_backward_pass():
    body = feature_backbone("EfficientNet-Lite0")
    hold_still(body, TrainingSettings(frozen_stages=3))
    learning = {name.split(".bn")[0] for name, p in body.named_parameters() if p.requires_grad}
    assert all(name.startswith(("blocks.3", "blocks.4", "blocks.5", "blocks.6")) for name in learning)


@pytest.mark.parametrize("name", ["resnet10t", "DenseNet-121", "MobileNetV4", "ConvNeXt-Atto"])
def test_stages_grow(name):
    body = feature_backbone(name)
    counts = [len(first_stages(body, n)) for n in range(5)]
    assert counts == sorted(set(counts))
    assert counts[0] == 0


def test_more_stages_than_there_are_is_bad_input():
    with pytest.raises(BadInputError, match="at most 5"):
        first_stages(feature_backbone("resnet10t"), 6)


def with_training(recipe, **changes):
    return dataclasses.replace(recipe, training=dataclasses.replace(recipe.training, **changes))


@pytest.fixture(params=["chr", "detector"])
def trained(request, tiny_recipe, tiny_shards, tmp_path):
    """``trained(changes)``: the weights before and after eight steps, as built and as saved."""

    def train(**changes):
        if request.param == "chr":
            system, recipe = CHR, with_training(tiny_recipe, ema_decay=0.0, **changes)
        else:
            training = dataclasses.replace(tiny_recipe.training, ema_decay=0.0, **changes)
            system, recipe = DETECTOR, DetectorRecipe(
                classes=tiny_recipe.classes, backbone="resnet10t", backbone_channels=(8, 8, 8, 8), width=8,
                long_side=96, crop_height=64, crop_width=64, training=training,
            )  # fmt: skip
        before = {k: v.clone() for k, v in system.build(recipe).state_dict().items()}
        engine.train(system, recipe, tiny_shards, tmp_path / "run")
        return before, engine.load(system, tmp_path / "run").model.state_dict()

    return train


def test_frozen_stages_stay_and_the_rest_learns(trained):
    before, after = trained(frozen_stages=2)
    for name in before:
        parts = name.split(".")
        if not {"body", "backbone"} & set(parts) or "num_batches_tracked" in name:
            continue
        low = any(p in parts for p in ("conv1", "bn1", "layer1")) and "layer2" not in parts
        low &= not any(p in parts for p in ("layer3", "layer4"))
        if low:
            assert torch.equal(before[name], after[name]), name
        elif before[name].ndim >= 2:
            assert not torch.equal(before[name], after[name]), name


def test_frozen_normalisation_keeps_its_statistics(trained):
    before, after = trained(frozen_norm=True)
    statistics = [n for n in before if "running_mean" in n and (".body." in f".{n}" or "backbone" in n)]
    assert len(statistics) > 8
    for name in statistics:
        assert torch.equal(before[name], after[name]), name
    convolution = next(n for n in before if n.endswith("layer2.0.conv1.weight"))
    assert not torch.equal(before[convolution], after[convolution])


def test_gradients_reach_exactly_what_is_not_frozen(tiny_recipe):
    model = build_model(tiny_recipe)
    body = model.classifier.backbone
    still = hold_still(body, TrainingSettings(frozen_stages=2))
    model.train()
    for module in still:
        module.eval()
    model(torch.rand(2, 3, 64, 64)).logits.sum().backward()
    held = {id(p) for module in still for p in module.parameters()}
    assert held
    for name, parameter in model.named_parameters():
        assert (parameter.grad is None) == (id(parameter) in held), name


def test_the_backbone_has_a_rate_of_its_own(tiny_recipe):
    model = build_model(tiny_recipe)
    body = model.classifier.backbone
    inside = {id(p) for p in body.parameters()}
    settings = TrainingSettings(lr=0.01, backbone_rate=0.1)
    for kind in ("adamw", "adam", "sgd"):
        optimizer = build_optimizer(dataclasses.replace(settings, optimizer=kind), model, body)
        rates = {id(p): g["lr"] for g in optimizer.param_groups for p in g["params"]}
        assert len(rates) == len(list(model.parameters()))
        assert all(rate == pytest.approx(0.001 if key in inside else 0.01) for key, rate in rates.items())
    assert len(rate_groups(model, TrainingSettings(), body)) == 1  # as optimizers of before had them


def test_resumed_equals_uninterrupted_with_a_slow_frozen_backbone(tiny_recipe, tiny_shards, tmp_path):
    held = with_training(tiny_recipe, frozen_stages=2, backbone_rate=0.5, schedule="constant", warmup=0.0)
    engine.train(CHR, held, tiny_shards, tmp_path / "whole")
    engine.train(CHR, with_training(held, steps=3), tiny_shards, tmp_path / "parts")
    engine.train(CHR, held, tiny_shards, tmp_path / "parts", resume=True)
    whole, parts = (engine.load(CHR, tmp_path / name).model.state_dict() for name in ("whole", "parts"))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_a_system_without_a_backbone_says_so(tiny_recipe, tiny_shards, tmp_path):
    recipe = DetectorRecipe(
        classes=tiny_recipe.classes, detector="FCOS small", long_side=96, crop_height=64, crop_width=64,
        training=dataclasses.replace(tiny_recipe.training, frozen_stages=1),
    )  # fmt: skip
    with pytest.raises(BadInputError, match="has no backbone that could be held still"):
        engine.train(DETECTOR, recipe, tiny_shards, tmp_path / "run")
