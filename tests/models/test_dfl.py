"""DFL: what a filter sees, the side branch by hand, the filters that it begins with, streams left out."""

import pytest
import torch
from torch import nn
from torch.nn.functional import normalize
from torch.testing import assert_close

from beltline.models.dfl import Dfl, DflOptions, cross_channel_pool
from beltline.models.discriminative_filters import (
    FilterStart,
    Moments,
    class_filters,
    strong_patches,
    whitening,
)
from beltline.models.part_trunks import vgg_trunk


def model(**options):
    torch.manual_seed(0)
    return Dfl(vgg_trunk(16, stages=(4, 5), narrow=16), DflOptions(**options))


def test_a_filter_sees_92_pixels_and_filters_lie_8_apart():
    trunk = vgg_trunk(16, stages=(4,), narrow=64).double()
    layers = trunk.backbone.features
    with torch.no_grad():
        for parameter in trunk.parameters():
            parameter.fill_(0.01)  # nothing is cut off by a ReLU, nothing cancels
    for index, layer in enumerate(layers):
        if isinstance(layer, nn.MaxPool2d):  # it would pass the gradient to one of the four that it sees
            layers[index] = nn.AvgPool2d(layer.kernel_size, layer.stride)
    image = torch.ones(1, 3, 256, 256, dtype=torch.float64, requires_grad=True)
    features = trunk(image)[0]
    assert features.shape[2:] == (32, 32)
    seen = []
    for place in (15, 16):
        (grad,) = torch.autograd.grad(features[0, :, place, place].sum(), image, retain_graph=True)
        rows = grad.abs().sum((0, 1, 3)).nonzero()[:, 0]
        seen.append((int(rows[0]), int(rows[-1]) + 1))
    assert [end - begin for begin, end in seen] == [92, 92]
    assert seen[1][0] - seen[0][0] == 8


def test_the_side_branch_is_a_mean_and_has_no_parameters():
    network, images = model(filters=3).eval(), torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        answers = network.filters(network.trunk(network.normalised(images))[0])
        streams = network._streams(network.normalised(images))
        by_hand = torch.zeros(2, 2)
        for row in range(2):
            for label in range(2):
                bank = answers[row, 3 * label : 3 * label + 3]
                by_hand[row, label] = sum(float(one.max()) for one in bank) / 3
        assert_close(streams["side"], by_hand)
        assert_close(network(images), streams["global"] + streams["part"] + 0.1 * streams["side"])
    alone = model(filters=3, streams=("side",))
    outside = [name for name, _ in alone.named_parameters() if not name.startswith("trunk")]
    assert outside == ["filters.weight", "filters.bias"]
    assert_close(cross_channel_pool(torch.tensor([[0.0, 2.0, 1.0, -1.0]])), torch.tensor([[1.0, 0.0]]))


def test_losses_are_weighed_as_the_answer_is():
    network = model().eval()
    found = network.losses(torch.rand(2, 3, 64, 64), torch.tensor([0, 1]))
    assert_close(found["loss"], found["global"] + found["part"] + 0.1 * found["side"])


@pytest.mark.parametrize("streams", [("global",), ("part",), ("side",), ("global", "part")])
def test_streams_that_are_left_out_have_no_loss(streams):
    network = model(streams=streams).train()
    found = network.losses(torch.rand(2, 3, 64, 64), torch.tensor([0, 1]))
    assert set(found) == {"loss", *streams}
    assert network.eval()(torch.rand(1, 3, 64, 64)).shape == (1, 2)


def test_it_begins_the_same_twice_with_filters_of_length_one(devices):
    images, labels = devices(20)
    first, again = model(filters=4), model(filters=4)
    drawn = first.filters.weight.clone()
    first.begin(images, labels)
    again.filters.weight.data.normal_()
    again.begin(images, labels)
    assert torch.equal(first.filters.weight, again.filters.weight)
    assert_close(first.filters.weight.flatten(1).norm(dim=1), torch.ones(8))
    assert not first.filters.bias.any()
    assert not torch.allclose(first.filters.weight, drawn)


def test_it_does_not_begin_when_it_is_told_not_to(devices):
    network = model(begins=False)
    before = network.filters.weight.clone()
    network.begin(*devices(4))
    assert torch.equal(network.filters.weight, before)
    model(streams=("global",)).begin(*devices(4))


@pytest.mark.parametrize("seed", range(3))
def test_its_filters_answer_to_what_one_class_hides(seed, devices):
    images, labels = devices(24)
    torch.manual_seed(seed)
    network = Dfl(
        vgg_trunk(16, stages=(4,), narrow=16), DflOptions(filters=4, streams=("part", "side"))
    ).eval()
    network.begin(images, labels)
    bank = network.filters.weight.detach()[:, :, 0, 0]
    random = normalize(torch.randn(400, bank.shape[1], generator=torch.Generator().manual_seed(5)))
    with torch.no_grad():
        features = network.trunk(network.normalised(images))[0]
    benign, hidden, drawn = (rise(features, labels, one) for one in (bank[:4], bank[4:], random))
    assert hidden.mean() > benign.mean()
    assert hidden.mean() > drawn.quantile(0.9)


def rise(features, labels, bank):
    """Each filter's strongest answers to the pictures that hide something, in deviations over the others."""
    answers = torch.einsum("kc,bchw->kbhw", bank, features)
    plain = answers[:, labels == 0].flatten(1)
    return (answers[:, labels == 1].amax((2, 3)).mean(1) - plain.mean(1)) / plain.std(1)


def test_heat_is_the_strongest_filter_of_each_class():
    network, images = model(filters=3).eval(), torch.rand(1, 3, 190, 150)
    with torch.no_grad():
        heat = network.heat(images)
        answers = network.filters(network.trunk(network.normalised(images))[0])
    assert heat.shape == (1, 2, 23, 18)
    assert torch.equal(heat[0, 1], answers[0, 3:].amax(0))
    with pytest.raises(ValueError, match="G-stream alone"):
        model(streams=("global",)).heat(images)


def test_neighbours_are_suppressed_and_of_equals_one_is_left():
    features = torch.zeros(2, 2, 5, 5)
    features[0, :, 1, 1] = torch.tensor([3.0, 4.0])
    features[0, :, 1, 2] = 3.0  # shorter, beside it
    features[0, :, 4, 4] = 1.0
    features[1] = 2.0
    found = strong_patches(features, peaks=5, window=3)
    assert found.pictures.tolist() == [0, 0, 1]
    assert found.vectors.tolist() == [[3.0, 4.0], [1.0, 1.0], [2.0, 2.0]]
    assert strong_patches(features, peaks=1, window=3).pictures.tolist() == [0, 1]


def test_whitened_vectors_have_a_round_covariance():
    mixed = torch.randn(8, 3, 10, 10, generator=torch.Generator().manual_seed(0)).double()
    mixed = (
        torch.einsum("dc,bchw->bdhw", torch.tensor([[2.0, 1, 0], [0, 1, 3], [0, 0, 1]]).double(), mixed) + 5
    )
    moments = Moments()
    for half in mixed.split(4):
        moments.add(half)
    rows = mixed.transpose(0, 1).flatten(1)
    assert_close(moments.mean, rows.mean(1))
    assert_close(moments.covariance, rows.cov(correction=0))
    turn = whitening(moments.covariance, shrinkage=1e-9)
    assert_close(turn @ moments.covariance @ turn.T, torch.eye(3).double(), atol=1e-6, rtol=0)


def test_too_few_patches_and_wrong_options_are_refused(devices):
    moments = Moments()
    moments.add(torch.rand(1, 2, 3, 3))
    with pytest.raises(ValueError, match="2 patches of a class do not make 3 filters"):
        class_filters(torch.rand(2, 2), moments, count=3, start=FilterStart())
    images, labels = devices(4)
    with pytest.raises(ValueError, match="begin with more of its pictures"):
        model().begin(images, torch.zeros_like(labels))
    with pytest.raises(ValueError, match="odd window"):
        FilterStart(window=2)
    with pytest.raises(ValueError, match="streams must be some of"):
        DflOptions(streams=("whole",))
    with pytest.raises(ValueError, match="filters from 1 on"):
        DflOptions(filters=0)
