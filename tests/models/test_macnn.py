"""MA-CNN: its losses by hand on 3x3 maps, what each of them moves, and the groups that it begins with."""

import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.testing import assert_close

from beltline.models.macnn import MaCnn, MaCnnOptions, distance_loss, diversity_loss, peak_positions
from beltline.models.part_trunks import tiny_trunk, vgg_trunk


def model(**options):
    torch.manual_seed(0)
    return MaCnn(tiny_trunk(), MaCnnOptions(**options))


def maps(*rows):
    return torch.tensor(rows).reshape(1, -1, 3, 3)


CORNER = [0.6, 0.2, 0.0, 0.2, 0.0, 0.0, 0.0, 0.0, 0.0]  # the peak and one cell beside it on either axis
MIDDLE = [0.0, 0.1, 0.0, 0.1, 0.6, 0.1, 0.0, 0.1, 0.0]


def test_distance_by_hand():
    cell = (1 / 3) ** 2
    assert_close(distance_loss(maps(CORNER)), torch.tensor(0.4 * cell))
    assert_close(distance_loss(maps(CORNER, MIDDLE)), torch.tensor(0.4 * cell + 0.4 * cell))
    far = [0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5]  # two cells away on both axes
    assert_close(distance_loss(maps(far)), torch.tensor(0.5 * 8 * cell))
    assert distance_loss(maps([0.0] * 4 + [1.0] + [0.0] * 4)) == 0


def test_diversity_by_hand():
    shared = 2 * (0.2 * 0.1 + 0.2 * 0.1)  # two cells that both see, once from either side
    assert_close(diversity_loss(maps(CORNER, MIDDLE), margin=0.0), torch.tensor(shared))
    assert_close(diversity_loss(maps(CORNER, MIDDLE), margin=0.02), torch.tensor(shared - 2 * 0.02))
    three = maps(CORNER, MIDDLE, MIDDLE)  # the strongest of the others counts alone
    corner = 0.2 * 0.1 * 2
    middle = 0.6 * 0.6 + 2 * 0.1 * 0.2 + 2 * 0.1 * 0.1
    assert_close(diversity_loss(three, margin=0.0), torch.tensor(corner + 2 * middle))


def test_peaks_are_xy_in_fractions_and_nothing_has_its_peak_in_the_middle():
    flat = [0.1] * 9
    right = [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    assert_close(peak_positions(maps(CORNER, right, flat)), torch.tensor([[[1, 1], [5, 3], [3, 3]]]) / 6)


def test_attention_sums_to_one_and_the_answer_is_the_mean_of_parts_and_object():
    network, images = model(parts=3).eval(), torch.rand(2, 3, 128, 96)
    with torch.no_grad():
        attention = network.attention(images)
        features = network.trunk(network.normalised(images))[-1]
        parts = [(features * attention[:, part, None]).sum((2, 3)) for part in range(3)]
        seen = [*parts, features.mean((2, 3))]
        by_hand = sum(head(one) for head, one in zip(network.heads, seen, strict=True)) / 4
        assert attention.shape == (2, 3, 4, 3)
        assert_close(attention.sum((2, 3)), torch.ones(2, 3))
        assert_close(network(images), by_hand)


def test_losses_are_weighed():
    network, images, labels = (
        model(distance=3.0, diversity=5.0).eval(),
        torch.rand(2, 3, 64, 64),
        torch.tensor([0, 1]),
    )
    found = network.losses(images, labels)
    assert_close(found["loss"], found["class"] + 3 * found["distance"] + 5 * found["diversity"])
    features = network.trunk(network.normalised(images))[-1]
    each = network._part_logits(features, network.attention(images))
    assert_close(found["class"], sum(cross_entropy(each[:, part], labels) for part in range(5)))


@pytest.mark.parametrize("apart", [True, False])
def test_apart_each_loss_moves_its_own(apart):
    network, images = model(apart=apart).train(), torch.rand(2, 3, 128, 128)
    network.losses(images, torch.tensor([0, 1]))["class"].backward()
    assert all(p.grad is None for p in network.groups.parameters()) == apart
    network.zero_grad()
    network.losses(images, torch.tensor([0, 1]))["distance"].backward()
    assert any(p.grad is not None for p in network.groups.parameters())
    assert all(p.grad is None for p in network.trunk.parameters()) == apart


def test_it_begins_with_channels_that_peak_together(devices):
    images, labels = devices(6, 96)
    torch.manual_seed(0)
    network = MaCnn(vgg_trunk(19, stages=(5,), narrow=16), MaCnnOptions(parts=3))
    network.begin(images, labels)
    biases = torch.stack([group[2].bias for group in network.groups])  # (N, C)
    assert (biases.amax(0) == 3).all()
    assert ((biases == 3).sum(0) == 1).all()  # each channel is of one part
    assert ((biases == 3).sum(1) > 0).all()
    first = biases.clone()
    network.begin(images, 1 - labels)
    assert torch.equal(first, torch.stack([group[2].bias for group in network.groups]))
    with torch.no_grad():
        features = network.eval().trunk(network.normalised(images))[-1]
    peaks = peak_positions(features).permute(1, 0, 2).flatten(1)
    inside, across = [], []
    members = biases.argmax(0)
    distances = torch.cdist(peaks, peaks)
    for a in range(len(peaks)):
        for b in range(a):
            (inside if members[a] == members[b] else across).append(distances[a, b])
    assert torch.stack(inside).mean() < torch.stack(across).mean()


@pytest.mark.parametrize("wrong", [{"parts": 1}, {"margin": -0.1}, {"distance": -1.0}, {"diversity": -1.0}])
def test_wrong_options_are_refused(wrong):
    with pytest.raises(ValueError, match="two parts or more"):
        MaCnnOptions(**wrong)
