"""The bilinear descriptor beside a loop over the places of a map, and its root at nothing."""

import torch
from torch.testing import assert_close

from beltline.models.bcnn import bilinear_vector, signed_root


def naive(features):
    """Outer products of one picture's places, one after another."""
    channels, height, width = features.shape
    pairs = torch.zeros(channels, channels)
    for y in range(height):
        for x in range(width):
            pairs += torch.outer(features[:, y, x], features[:, y, x])
    root = pairs.sign() * pairs.abs().sqrt()
    return (root / root.norm()).flatten()


def test_it_is_a_sum_over_places():
    features = 3 * torch.randn(2, 5, 4, 3, generator=torch.Generator().manual_seed(0))
    expected = torch.stack([naive(picture) for picture in features])
    assert_close(bilinear_vector(features), expected, atol=1e-5, rtol=1e-3)


def test_its_length_is_one_and_places_do_not_matter():
    features = torch.randn(1, 4, 3, 5, generator=torch.Generator().manual_seed(1))
    vector = bilinear_vector(features)
    assert_close(vector.norm(dim=1), torch.ones(1))
    assert_close(bilinear_vector(features.flip(2).transpose(2, 3)), vector)


def test_the_gradient_is_finite_where_features_are_nothing():
    features = torch.zeros(1, 3, 2, 2, requires_grad=True)
    bilinear_vector(features).sum().backward()
    assert features.grad.isfinite().all()
    values = torch.tensor([-4.0, 0.0, 9.0], requires_grad=True)
    signed_root(values).sum().backward()
    assert_close(values.grad, torch.tensor([1 / 4, 1e5**0.5, 1 / 6]))
