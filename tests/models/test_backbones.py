"""The table of backbones against timm, and weights from files."""

import hashlib
import pickle

import pytest
import torch
from safetensors.torch import save_file
from tests.tiny_chr import chr_tiny
from torch import nn

from beltline.core import BadInputError, UntrustedWeightsError
from beltline.models.backbones import (
    BACKBONES,
    expected_input,
    feature_backbone,
    find_backbone,
    load_backbone_weights,
)
from beltline.models.chr import build_chr, class_balanced_loss
from beltline.models.torchvision_ops import ensure_torchvision_ops

ensure_torchvision_ops()
import timm  # noqa: E402

SMALL = {"channels": (8, 8, 16, 24)}
CELLS = {  # the paper's three resolutions at the input size of the weights
    "Inception-v3": (35, 17, 8),
}


@pytest.mark.parametrize("name", list(BACKBONES))
def test_taps_are_the_stages_of_the_table(name):
    entry = BACKBONES[name]
    with torch.device("meta"):
        body = feature_backbone(name).eval()
        features = body(torch.zeros(1, 3, entry.input_size, entry.input_size))
    sides = CELLS.get(name, (28, 14, 7))
    expected = [(c, side, side) for c, side in zip(entry.channels, sides, strict=True)]
    assert [tuple(x.shape[1:]) for x in features] == expected
    assert tuple(body.feature_info.channels()) == entry.channels


@pytest.mark.parametrize(
    ("name", "modules"),
    [
        ("ResNet50", ["layer2", "layer3", "layer4"]),
        ("DenseNet-121", ["features.denseblock2", "features.denseblock3", "features.norm5"]),
        ("Inception-v3", ["Mixed_5d", "Mixed_6e", "Mixed_7c"]),
    ],
)
def test_taps_are_the_papers_layers(name, modules):
    with torch.device("meta"):
        assert feature_backbone(name).feature_info.module_name() == modules


@pytest.mark.parametrize("name", list(BACKBONES))
def test_input_and_normalisation_are_those_of_the_weights(name):
    entry = BACKBONES[name]
    theirs = timm.get_pretrained_cfg(entry.timm_name)
    assert (theirs.mean, theirs.std) == (entry.mean, entry.std)
    assert theirs.input_size == (3, entry.input_size, entry.input_size)
    assert timm.is_model_pretrained(entry.timm_name)
    own = expected_input(name)
    assert (own.size, own.mean, own.std) == (entry.input_size, entry.mean, entry.std)


def test_a_backbone_that_only_timm_knows_is_asked_there():
    theirs = timm.get_pretrained_cfg("inception_v3")
    own = expected_input("inception_v3")
    assert (own.size, own.mean, own.std) == (299, theirs.mean, theirs.std)
    assert expected_input("resnet10t").size == timm.get_pretrained_cfg("resnet10t").input_size[1]


def silent_parameters(name, side=64, **options):
    """Names of the parameters that one step of the loss does not reach."""
    torch.manual_seed(0)
    model = build_chr(name, 2, **options).train()
    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.any():  # residual branches of timm start at zero, which blocks the first step
                parameter.fill_(0.5)
    output = model(torch.randn(2, 3, side, side))
    assert output.logits.shape == (2, 3, 2)
    class_balanced_loss(output.logits, torch.tensor([[1.0, 0], [0, 1]]), mode="all").backward()
    return [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow if n == "ResNet101" else ()) for n in BACKBONES]
)
def test_every_parameter_learns(name):
    assert silent_parameters(name, side=96 if name == "Inception-v3" else 64) == []


@pytest.mark.parametrize("name", ["ResNet18", "MobileNetV4", "ConvNeXt-Atto"])
def test_every_parameter_of_the_light_wiring_learns(name):
    assert silent_parameters(name, wiring="light") == []


@pytest.mark.parametrize("name", list(BACKBONES))
def test_plain_uses_the_last_stage(name):
    with torch.device("meta"):
        model = build_chr(name, 5, variant="plain")
    assert [head.in_features for head in model.heads] == [BACKBONES[name].channels[-1]]


@pytest.mark.parametrize("name", ["ResNet34", "ResNet-34", "resnet-34", "RESNET34"])
def test_spelling_of_display_names(name):
    assert find_backbone(name) is BACKBONES["ResNet34"]


def test_names_of_timm_stay_timms():
    assert find_backbone("resnet34") is None
    assert find_backbone("densenet121") is None


# --- weights from files -----------------------------------------------------------------------------------


def classifier(name="resnet18", **options):
    """A full timm model with its classifier, as its ImageNet files are."""
    torch.manual_seed(1)
    return timm.create_model(name, **options)


def same(model, full):
    fold = {name.replace(".", "_"): value for name, value in full.state_dict().items()}
    return all(
        torch.equal(value, fold[name.replace(".", "_")])
        for name, value in model.backbone.state_dict().items()
    )


@pytest.mark.parametrize("name", ["resnet18", "mobilenetv4_conv_small", "convnext_atto"])
def test_safetensors_of_timm_with_a_classifier(name, tmp_path):
    """Files of timm hold the classifier and nested names; some feature nets flatten them."""
    full, path = classifier(name), tmp_path / "w.safetensors"
    save_file(full.state_dict(), path)
    model = build_chr(name, 2)
    assert not same(model, full)
    loaded = load_backbone_weights(model, path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    assert same(model, full)
    assert loaded.tensors == len(model.backbone.state_dict())
    assert len(loaded.unused) == len(full.state_dict()) - loaded.tensors
    assert any(n.startswith(("fc", "classifier", "head")) for n in loaded.unused)


@pytest.mark.parametrize("nest", ["bare", "state_dict", "model", "module."])
def test_checkpoints_of_torch(nest, tmp_path):
    full, path = classifier(**SMALL), tmp_path / "w.pth"
    state = full.state_dict()
    if nest == "module.":
        state = {"module." + name: value for name, value in state.items()}
    torch.save(state if nest in ("bare", "module.") else {nest: state, "epoch": 3}, path)
    model = build_chr("resnet18", 2, backbone_options=SMALL)
    assert load_backbone_weights(model, path).unused == ("fc.weight", "fc.bias")
    assert same(model, full)


def test_weights_of_a_whole_chr_or_of_its_backbone_alone(tmp_path):
    source, target = chr_tiny(3), chr_tiny(5)
    save_file(source.state_dict(), tmp_path / "chr.safetensors")
    loaded = load_backbone_weights(target, tmp_path / "chr.safetensors")
    assert "heads.0.weight" in loaded.unused
    torch.testing.assert_close(target.backbone.state_dict(), source.backbone.state_dict())
    save_file(source.backbone.state_dict(), tmp_path / "body.safetensors")
    alone = chr_tiny().backbone
    assert load_backbone_weights(alone, tmp_path / "body.safetensors").unused == ()
    torch.testing.assert_close(alone.state_dict(), source.backbone.state_dict())


def test_counters_of_batch_normalisation_may_lack(tmp_path):
    state = {n: v for n, v in classifier(**SMALL).state_dict().items() if "num_batches" not in n}
    save_file(state, tmp_path / "w.safetensors")
    model = build_chr("resnet18", 2, backbone_options=SMALL)
    assert load_backbone_weights(model, tmp_path / "w.safetensors").tensors == len(state) - 2


def test_a_file_of_another_backbone_names_what_differs_and_changes_nothing(tmp_path):
    model = chr_tiny()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = model.backbone.state_dict()
    lacking = {n: v for n, v in state.items() if n != "stem.bias"} | {"odd.weight": torch.zeros(1)}
    save_file(lacking, tmp_path / "lacking.safetensors")
    with pytest.raises(BadInputError, match=r"lacks: stem\.bias; has but .*: odd\.weight"):
        load_backbone_weights(model, tmp_path / "lacking.safetensors")
    save_file({**state, "stem.bias": torch.zeros(9)}, tmp_path / "shape.safetensors")
    with pytest.raises(BadInputError, match=r"other shapes: stem\.bias \(9,\) for \(8,\)"):
        load_backbone_weights(model, tmp_path / "shape.safetensors")
    torch.testing.assert_close(model.state_dict(), before)


def test_files_that_are_no_weights(tmp_path):
    with pytest.raises(BadInputError, match="no such file"):
        load_backbone_weights(chr_tiny(), tmp_path / "none.pth")
    for name in ("cut.safetensors", "cut.pth"):
        (tmp_path / name).write_bytes(b"\x00" * 40)
        with pytest.raises((BadInputError, UntrustedWeightsError)):
            load_backbone_weights(chr_tiny(), tmp_path / name)
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(BadInputError, match="expected a state dict of named tensors, got list"):
        load_backbone_weights(chr_tiny(), tmp_path / "list.pth")


class Malicious:
    def __reduce__(self):
        return (print, ("executed",))


def test_code_in_a_checkpoint_is_never_run(tmp_path, capsys):
    torch.save({"stem.weight": Malicious()}, tmp_path / "evil.pth")
    (tmp_path / "raw.pth").write_bytes(pickle.dumps(Malicious(), protocol=2))
    torch.save(nn.Linear(1, 1), tmp_path / "module.pth")
    for name in ("evil.pth", "raw.pth", "module.pth"):
        with pytest.raises(UntrustedWeightsError, match=name):
            load_backbone_weights(chr_tiny(), tmp_path / name)
    assert capsys.readouterr().out == ""


def test_a_changed_file_is_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    save_file(chr_tiny().backbone.state_dict(), path)
    with pytest.raises(UntrustedWeightsError, match="expected 00"):
        load_backbone_weights(chr_tiny(), path, sha256="0" * 64)
