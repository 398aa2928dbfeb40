"""Features of pictures: those that the classifier judges by, whatever the batches, never in training mode."""

import numpy as np
import pytest
import torch

from beltline.core import ShapeError
from beltline.models.picture_features import CHANNELS, FEATURES, PictureFeatures, picture_features


@pytest.fixture(scope="module")
def network():
    return PictureFeatures()


def pictures(count=5, height=48, width=64):
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3)).astype(np.uint8)


def test_they_are_what_the_classifier_judges_by(network):
    """A cat by name: weights, order of channels, mean and spread are right."""
    from skimage import data

    features = picture_features(data.chelsea()[None], network)
    assert features.shape == (1, CHANNELS)
    with torch.no_grad():
        named = network.network.get_classifier()(torch.from_numpy(features))
    assert int(named.argmax()) in (281, 282, 285)  # tabby, tiger and Egyptian cat


def test_batches_change_nothing_and_neither_does_a_second_call(network):
    many = pictures()
    whole = picture_features(many, network, side=64)
    np.testing.assert_allclose(picture_features(many, network, side=64, batch=2), whole, rtol=1e-4, atol=1e-5)
    assert (picture_features(many, network, side=64) == whole).all()
    assert np.unique(whole, axis=0).shape == whole.shape


def test_shrinking_smooths_first(network):
    """A fine checkerboard is grey from afar; taking every eighth pixel would make it black or white."""
    checks = np.where(np.indices((512, 512)).sum(0) % 2, 255, 0).astype(np.uint8)
    grey = np.full_like(checks, 127)
    far = picture_features(
        np.stack([np.repeat(each[..., None], 3, 2) for each in (checks, grey)]), network, side=64
    )
    assert np.linalg.norm(far[0] - far[1]) < 0.05 * np.linalg.norm(far[1])


def test_training_mode_and_gradients_are_not_for_them():
    random = PictureFeatures(pretrained=False).train()
    assert not any(module.training for module in random.modules())
    assert not any(parameter.requires_grad for parameter in random.parameters())
    images = torch.rand(2, 3, 64, 64)
    assert torch.equal(random(images)[:1], random(images[:1])) or torch.allclose(
        random(images)[:1], random(images[:1]), atol=1e-5
    )


def test_the_name_is_not_that_of_inceptions_features():
    assert FEATURES == "EfficientNet-Lite0 features"


def test_other_arrays_are_refused(network):
    with pytest.raises(ShapeError, match="uint8, got float32"):
        picture_features(pictures().astype(np.float32), network)
    with pytest.raises(ShapeError, match=r"\(B, 3, H, W\)"):
        network(torch.rand(1, 1, 64, 64))
