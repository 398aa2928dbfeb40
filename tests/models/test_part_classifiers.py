"""Every part classifier: one interface, published sizes, gradients, a batch overfitted, weights of a file."""

import pytest
import torch

from beltline.core import BadInputError, ShapeError
from beltline.models.part_classifiers import (
    OBJECT_SIZE,
    PART_CLASSIFIERS,
    PART_SIZE,
    DflOptions,
    MaCnnOptions,
    build_part_classifier,
)

NAMES = list(PART_CLASSIFIERS)
SAME_WHEN_TINY = {"ResNet-50", "EfficientNet-Lite0"}  # as ResNet-18
LITE0 = 2_958_848  # EfficientNet-Lite0's feature stages, as timm has them


def tiny(name):
    torch.manual_seed(0)
    return build_part_classifier(name, size="tiny")


@pytest.mark.parametrize("name", NAMES)
def test_two_logits_for_parts_objects_and_the_smallest_picture(name):
    model = tiny(name).eval()
    with torch.no_grad():
        for size in (PART_SIZE, OBJECT_SIZE, (64, 64), (65, 101)):
            assert model(torch.rand(2, 3, *size)).shape == (2, 2)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [  # torchvision's counts with two classes; of BCNN, MA-CNN and DFL, layers added by hand
        ("VGG-16", 134_268_738),
        ("SqueezeNet", 722_496 + 1_026),
        ("ResNet-18", 11_177_538),
        ("ResNet-50", 23_512_130),
        ("EfficientNet-Lite0", LITE0 + 642),
        ("BCNN", 14_714_688 + 512 * 512 * 2 + 2),
        ("MA-CNN", 20_024_384 + 4 * 2 * (512 * 512 + 512) + 8 + 5 * 1_026),
        ("DFL", 14_714_688 + 20 * 513 + 42 + 1_026 + 4),
    ],
)
def test_published_sizes(name, parameters):
    with torch.device("meta"):
        model = build_part_classifier(name, pretrained=False).eval()
        assert model(torch.rand(2, 3, *PART_SIZE)).shape == (2, 2)
    assert sum(tensor.numel() for tensor in model.parameters()) == parameters


@pytest.mark.parametrize("name", ["VGG-16", "MA-CNN", "DFL"])
def test_small_ones_stay_below_five_million_parameters(name):
    with torch.device("meta"):
        model = build_part_classifier(name, size="small", pretrained=False).eval()
        assert model(torch.rand(2, 3, *PART_SIZE)).shape == (2, 2)
    assert sum(tensor.numel() for tensor in model.parameters()) < 5e6


@pytest.mark.parametrize("name", [name for name in NAMES if name not in SAME_WHEN_TINY])
def test_a_batch_is_overfitted_and_gradients_reach_everything(name, devices):
    model, (images, labels) = tiny(name).train(), devices(8)
    model.begin(images, labels)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 0.5  # so that few steps are enough for eval mode to follow
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    wanted, reached = {n for n, _ in model.named_parameters()}, set()
    for _ in range(60):
        loss = model.losses(images, labels)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        reached |= {n for n, p in model.named_parameters() if p.grad is not None and p.grad.any()}
        if reached == wanted and fits(model, images, labels):
            break
    assert wanted - reached == set()
    assert fits(model, images, labels)


def fits(model, images, labels):
    with torch.no_grad():
        right = torch.equal(model.eval()(images).argmax(1), labels)
    model.train()
    return right


@pytest.mark.parametrize("name", NAMES)
def test_losses_are_named_and_begin_leaves_the_mode_as_it_was(name, devices):
    model, (images, labels) = tiny(name).train(), devices(4)
    model.trunk.eval()
    state = {key: value.clone() for key, value in model.trunk.state_dict().items()}
    model.begin(images, labels)
    assert model.training
    assert not model.trunk.training
    assert all(torch.equal(value, state[key]) for key, value in model.trunk.state_dict().items())
    assert all(loss.shape == () for loss in model.losses(images, labels).values())


def test_white_is_what_the_trunk_knows_for_white():
    model = tiny("ResNet-18")
    white = model.normalised(torch.ones(1, 3, 64, 64))
    expected = [(1 - mean) / std for mean, std in ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))]
    assert white[0, :, 0, 0].tolist() == pytest.approx(expected)
    assert not {"mean", "spread"} & set(model.state_dict())


@pytest.mark.parametrize("shape", [(3, 64, 64), (1, 1, 64, 64), (1, 3, 63, 64), (1, 3, 64, 63)])
def test_other_images_are_refused(shape):
    with pytest.raises(ShapeError, match="from 64 px on"):
        tiny("ResNet-18")(torch.rand(shape))


@pytest.mark.parametrize("name", ["ResNet-18", "DFL", "MA-CNN"])
def test_other_labels_are_refused(name):
    model, images = tiny(name), torch.rand(2, 3, 64, 64)
    with pytest.raises(ShapeError, match=r"labels \(2,\)"):
        model.losses(images, torch.zeros(3, dtype=torch.int64))
    with pytest.raises(ValueError, match="int64"):
        model.losses(images, torch.zeros(2))


def test_unknown_names_and_sizes_are_refused():
    with pytest.raises(ValueError, match=r"there is VGG-16, SqueezeNet, .*DFL"):
        build_part_classifier("AlexNet")
    with pytest.raises(ValueError, match="ResNet-50 comes in published, tiny"):
        build_part_classifier("ResNet-50", size="small")


def test_options_reach_the_model_that_has_them_and_no_other():
    assert build_part_classifier("DFL", size="tiny", options=DflOptions(filters=2)).options.filters == 2
    assert len(build_part_classifier("MA-CNN", size="tiny", options=MaCnnOptions(parts=2)).groups) == 2
    with pytest.raises(ValueError, match="BCNN has no DflOptions"):
        build_part_classifier("BCNN", size="tiny", options=DflOptions())


def test_the_package_starts_the_small_sizes_and_nothing_else():
    first = build_part_classifier("BCNN", size="small").trunk.state_dict()
    again = build_part_classifier("DFL", size="small", pretrained="package").trunk.state_dict()
    assert all(torch.equal(value, again[key]) for key, value in first.items())
    drawn = build_part_classifier("BCNN", size="small", pretrained=False).trunk.state_dict()
    assert not torch.equal(drawn["backbone.conv_stem.weight"], first["backbone.conv_stem.weight"])
    with pytest.raises(BadInputError, match=r"no package has ImageNet weights of VGG-16: name a file"):
        build_part_classifier("DFL", pretrained="package")


def test_a_file_of_torchvision_starts_squeezenet(tmp_path):
    from torchvision.models import squeezenet1_1  # after the operators

    torch.manual_seed(1)
    theirs = squeezenet1_1(weights=None).state_dict()
    torch.save(theirs, tmp_path / "squeezenet.pth")
    model = build_part_classifier("SqueezeNet", pretrained=tmp_path / "squeezenet.pth")
    ours = model.trunk.backbone.state_dict()
    assert all(torch.equal(value, theirs[key]) for key, value in ours.items())
    with pytest.raises(BadInputError, match="does not fit"):
        build_part_classifier("DFL", size="tiny", pretrained=tmp_path / "squeezenet.pth")


@pytest.mark.parametrize("depth", [16, 19])
def test_trunks_have_the_names_of_torchvision(depth):
    from torchvision import models  # after the operators

    trunks = {16: ("VGG-16", "BCNN", "DFL"), 19: ("MA-CNN",)}
    with torch.device("meta"):
        theirs = getattr(models, f"vgg{depth}")(weights=None).state_dict()
        ours = [build_part_classifier(name).trunk.backbone.state_dict() for name in trunks[depth]]
    for state in ours:
        assert {key: value.shape for key, value in state.items()}.items() <= {
            key: value.shape for key, value in theirs.items()
        }.items()
