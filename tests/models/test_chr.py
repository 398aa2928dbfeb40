"""CHR, the network: wiring, class maps, pooling."""

import math

import pytest
import torch
from tests.tiny_chr import TinyBackbone, chr_tiny
from torch.nn import functional as F

from beltline.core import BadInputError
from beltline.models.chr import (
    LIGHT_WIDTH,
    REFERENCE_CELLS,
    Chr,
    ChrOutput,
    build_chr,
    class_balanced_loss,
    fuse_cams,
    mean_logits,
)

VARIANTS = ["plain", "H", "CH", "HR", "CHR"]
POOLINGS = ["avg", "lse", "topk"]
WIRINGS = ["released", "light"]


def image(batch=2, height=64, width=96, seed=0):
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("wiring", WIRINGS)
@pytest.mark.parametrize("pooling", POOLINGS)
def test_gradient_reaches_every_parameter(variant, wiring, pooling, filled):
    model = filled(chr_tiny(variant=variant, wiring=wiring, pooling=pooling))
    output = model(image())
    # the class-balanced loss alone: no map supervision
    class_balanced_loss(output.logits, torch.tensor([[1.0, 0, 0], [0, 1, 1]])).backward()
    silent = [
        name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum().isfinite()
    ]
    assert silent == []
    zero = [name for name, p in model.named_parameters() if not p.grad.abs().sum() > 0]
    assert zero == []


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("wiring", WIRINGS)
@pytest.mark.parametrize(("height", "width"), [(64, 96), (32, 32), (97, 65)])
def test_mean_of_the_class_map_is_the_logit(variant, wiring, height, width, filled):
    model = filled(chr_tiny(variant=variant, wiring=wiring))
    output = model(image(height=height, width=width))
    for stage, cam in enumerate(model.cams_with_bias(output)):
        torch.testing.assert_close(cam.mean((2, 3)), output.logits[:, stage], rtol=1e-5, atol=1e-6)


def test_wiring_of_the_light_form(filled):
    """Written out again: narrow every stage, add the coarser one, depth-wise 3x3, then 1x1."""
    model = filled(chr_tiny(wiring="light"))
    own = [
        F.relu(F.conv2d(x, conv.weight, conv.bias))
        for conv, x in zip(model.lateral, model.backbone(image()), strict=True)
    ]
    assert {x.shape[1] for x in own} == {8}  # of the thinnest stage

    def refine(stage, coarse):
        up = F.interpolate(coarse, size=own[stage].shape[-2:], mode="bilinear", align_corners=False)
        depth, point = model.merge[stage]
        joined = F.pad(up + own[stage], (1, 1, 1, 1), mode="replicate")
        mixed = F.conv2d(joined, depth.weight, depth.bias, groups=8)
        return F.relu(F.conv2d(mixed, point.weight, point.bias))

    middle = refine(1, own[2])
    stages = (refine(0, middle), middle, own[2])
    expected = [model.heads[i](x.mean((2, 3))) for i, x in enumerate(stages)]
    torch.testing.assert_close(model(image()).logits, torch.stack(expected, 1))


class EvenBackbone(torch.nn.Module):
    """Ones, shaped as `TinyBackbone` shapes them."""

    def forward(self, image):
        return [image.new_ones(1, c, s, s) for c, s in ((8, 8), (12, 4), (16, 2))]


@pytest.mark.parametrize("wiring", WIRINGS)
def test_even_features_give_an_even_map(wiring, filled):
    """Zeros around a map would draw the peaks of the pointing game into its corners."""
    model = filled(chr_tiny(wiring=wiring))
    model.backbone = EvenBackbone()
    for cam in model(image(1)).cams:
        torch.testing.assert_close(cam, cam[:, :, :1, :1].expand_as(cam))


def test_the_light_form_is_at_most_as_wide_as_said():
    model = Chr(TinyBackbone(), (512, 1024, 2048), 5, wiring="light")
    assert [conv.out_channels for conv in model.lateral] == [LIGHT_WIDTH] * 3
    assert [head.in_features for head in model.heads] == [LIGHT_WIDTH] * 3


def test_plain_has_no_wiring():
    plain, light = (chr_tiny(variant="plain", wiring=wiring).state_dict() for wiring in WIRINGS)
    assert {k: v.shape for k, v in plain.items()} == {k: v.shape for k, v in light.items()}


def test_names_of_the_released_wiring_do_not_change():
    """Shipped weights are stored under these names."""
    own = [name for name in chr_tiny(pooling="lse").state_dict() if not name.startswith("backbone.")]
    layers = [
        *(f"lateral.{i}" for i in range(3)),
        *(f"merge.{i}" for i in range(2)),
        *(f"heads.{i}" for i in range(3)),
    ]
    pairs = [f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")]
    assert sorted(own) == sorted([*pairs, "log_gain", "offset"])


@pytest.mark.parametrize("variant", VARIANTS)
def test_shapes_run_from_fine_to_coarse(variant):
    output = chr_tiny(4, variant=variant)(image())
    stages = 1 if variant == "plain" else 3
    assert output.logits.shape == (2, stages, 4)
    sizes = [(8, 12), (4, 6), (2, 3)][-stages:]
    assert [tuple(cam.shape) for cam in output.cams] == [(2, 4, *size) for size in sizes]


def test_wiring_of_the_released_code(filled):
    """Written out again from the reference: raw layer 4 feeds stage 2, the refined stage 2 feeds stage 1."""
    model = filled(chr_tiny(variant="CHR"))
    x1, x2, x3 = model.backbone(image())

    def lateral(stage, x):
        conv = model.lateral[stage]
        return F.relu(F.conv2d(x, conv.weight, conv.bias))

    def refine(stage, coarse, own):
        up = F.interpolate(coarse, size=own.shape[-2:], mode="bilinear", align_corners=False)
        return F.relu(F.conv2d(torch.cat([up, own], 1), model.merge[stage].weight, model.merge[stage].bias))

    top = lateral(2, x3)
    middle = refine(1, x3, lateral(1, x2))
    fine = refine(0, middle, lateral(0, x1))
    expected = [model.heads[i](x.mean((2, 3))) for i, x in enumerate((fine, middle, top))]
    torch.testing.assert_close(model(image()).logits, torch.stack(expected, 1))


@pytest.mark.parametrize(
    ("variant", "merges", "laterals"),
    [("plain", 0, 0), ("H", 0, 3), ("CH", 0, 3), ("HR", 2, 3), ("CHR", 2, 3)],
)
def test_layers_of_the_variants(variant, merges, laterals):
    model = chr_tiny(variant=variant)
    assert (len(model.merge), len(model.lateral)) == (merges, laterals)


def test_without_refinement_coarse_features_do_not_reach_fine_logits(filled):
    model = filled(chr_tiny(variant="H"))
    x = image()
    model(x).logits[:, 0].sum().backward()
    assert not model.lateral[2].weight.grad.any()
    assert not model.backbone.blocks[2].weight.grad.any()


def test_parameters_beside_resnet_34():
    """methods.md: CHR on ResNet-34 adds 0.59 M parameters."""
    model = Chr(TinyBackbone(), (128, 256, 512), 5)
    added = sum(p.numel() for part in (model.lateral, model.merge) for p in part.parameters())
    assert added == (128 * 129 + 256 * 257 + 512 * 513) + ((512 + 256) * 256 + 256) + (
        (256 + 128) * 128 + 128
    )
    assert added == pytest.approx(0.59e6, rel=5e-3)


def test_pinned_output(filled):
    """A pin: computed by this code, to notice unwanted changes of the network."""
    logits = mean_logits(filled(chr_tiny(2))(torch.full((1, 3, 64, 64), 0.5)))
    assert logits[0].tolist() == pytest.approx([0.03286025, 0.08177990], abs=1e-6)


def test_pooling_of_a_constant_map_keeps_its_value_up_to_the_reference():
    """lse of a map that is c everywhere is c + ln(cells / reference) / r; topk and avg give c."""
    c, cells = 0.7, 8 * 12
    for pooling in ("lse", "topk"):
        model = Chr(_Constant(), (1,), 1, variant="plain", pooling=pooling)
        with torch.no_grad():
            model.heads[0].weight.fill_(c)
            model.heads[0].bias.zero_()
            model.offset.zero_()
        expected = c + (math.log(cells / REFERENCE_CELLS) / 2 if pooling == "lse" else 0)
        assert model(image()).logits.flatten().tolist() == pytest.approx([expected] * 2)


class _Constant(torch.nn.Module):
    def forward(self, x):
        return [torch.ones(len(x), 1, 8, 12)]


def test_lse_does_not_depend_on_the_air_around_the_bag():
    """Cells of strongly negative evidence add nothing, while a mean would be diluted."""
    peak = torch.full((1, 1, 8, 8), -40.0)
    peak[0, 0, 3, 4] = 5.0
    wide = F.pad(peak, (8, 8, 8, 8), value=-40.0)
    model = Chr(_Given(peak), (1,), 1, variant="plain", pooling="lse")
    other = Chr(_Given(wide), (1,), 1, variant="plain", pooling="lse")
    other.load_state_dict(model.state_dict())
    for m in (model, other):
        m.heads[0].weight.data.fill_(1)
    torch.testing.assert_close(model(image()).logits, other(image()).logits)


def test_topk_is_the_mean_of_the_highest_cells():
    cam = torch.arange(200.0).reshape(1, 1, 10, 20)
    model = Chr(_Given(cam), (1,), 1, variant="plain", pooling="topk", topk_fraction=0.02)
    with torch.no_grad():
        model.heads[0].weight.fill_(1)
        model.heads[0].bias.zero_()
        model.offset.zero_()
    assert model(image()).logits.item() == pytest.approx((199 + 198 + 197 + 196) / 4)


class _Given(torch.nn.Module):
    def __init__(self, feature):
        super().__init__()
        self.feature = feature

    def forward(self, x):
        return [self.feature]


@pytest.mark.parametrize(
    ("wiring", "pooling", "mode"),
    [*(("released", pooling, "drop_easy") for pooling in POOLINGS), ("light", "avg", "all")],
)
def test_one_batch_can_be_overfitted(wiring, pooling, mode):
    torch.manual_seed(0)
    model = chr_tiny(2, wiring=wiring, pooling=pooling)
    x = torch.ones(4, 3, 64, 64)
    x[0, :, 10:30, 10:30] = 0  # class 0: a dark block
    x[1, 0, 30:60, 20:40] = 0  # class 1: a bluish one
    x[2, :, 10:30, 30:50] = 0
    x[2, 0, 32:60, 0:30] = 0  # both
    target = torch.tensor([[1.0, 0], [0, 1], [1, 1], [0, 0]])
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(250):
        optimizer.zero_grad()
        loss = class_balanced_loss(model(x * 2 - 1).logits, target, mode=mode, epsilon=0.02)
        loss.backward()
        optimizer.step()
    probs = mean_logits(model(x * 2 - 1)).sigmoid()
    assert ((probs > 0.5) == (target > 0.5)).all()
    assert loss.item() < 0.1


def test_fused_map_is_the_mean_at_the_finest_resolution():
    fine, coarse = torch.zeros(1, 1, 4, 4), torch.full((1, 1, 2, 2), 2.0)
    assert fuse_cams([fine, coarse]).tolist() == torch.ones(1, 1, 4, 4).tolist()
    assert fuse_cams([fine]).shape == fine.shape


def test_mean_logits_is_the_mean_over_stages():
    output = ChrOutput(torch.tensor([[[1.0, 2], [3, 6]]]), ())
    assert mean_logits(output).tolist() == [[2.0, 4.0]]


@pytest.mark.parametrize("argument", ["variant", "wiring", "pooling"])
def test_unknown_choices_are_refused(argument):
    with pytest.raises(ValueError, match=f"{argument} must be one of .*'XX'"):
        chr_tiny(**{argument: "XX"})


def test_chr_over_a_timm_backbone():
    model = build_chr(
        "resnet10t", 3, backbone_options={"channels": (8, 8, 16, 24)}, variant="CHR", pooling="lse"
    )
    output = model(image())
    assert [tuple(cam.shape[2:]) for cam in output.cams] == [(8, 12), (4, 6), (2, 3)]
    assert model.merge[1].weight.shape == (16, 24 + 16, 1, 1)


def test_unknown_backbones_and_stages_are_refused():
    with pytest.raises(BadInputError, match=r"no backbone 'resnetty'.*ResNet34"):
        build_chr("resnetty", 3)
    with pytest.raises(BadInputError, match="hf-hub"):  # would reach for the network
        build_chr("hf-hub:someone/model", 3)
    with pytest.raises(BadInputError, match=r"stages must be in 1\.\.5, got 6"):
        build_chr("resnet10t", 3, stages=6)


def test_other_numbers_of_stages():
    model = build_chr("ResNet18", 3, stages=2, backbone_options={"channels": (8, 8, 16, 24)})
    assert model(image()).logits.shape == (2, 2, 3)
