"""APSAM: the paper's number of trained parameters, where gradients go, and that it learns."""

import pytest
import torch

from beltline.core.point_generator import PointGenerator
from beltline.models.apsam import (
    Apsam,
    EnergyEncoder,
    TokenSelection,
    apsam,
    apsam_small,
    apsam_vit_l,
    segment_with_points,
)
from beltline.models.sam_encoder import SMALL, VIT_B, VIT_L
from beltline.models.samus import Samus, samus
from beltline.models.segmentation_losses import click_loss
from beltline.models.segmenter import ClickSegmenter

SIDE = 64


def trained(*parts: torch.nn.Module) -> int:
    return sum(p.numel() for part in parts for p in part.parameters() if p.requires_grad)


def scene(side: int = SIDE) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Two images with the same two rectangles; the click names another one in each."""
    image = torch.ones(2, 3, side, side)
    image[:, :, 8:28, 6:30] = torch.tensor([0.9, 0.5, 0.1])[:, None, None]
    image[:, :, 34:58, 36:60] = torch.tensor([0.1, 0.2, 0.6])[:, None, None]
    masks = torch.zeros(2, 1, side, side)
    masks[0, 0, 8:28, 6:30] = 1
    masks[1, 0, 34:58, 36:60] = 1
    return image, torch.tensor([[[18.0, 18.0]], [[48.0, 46.0]]]), torch.ones(2, 1), masks


def iou(logits: torch.Tensor, masks: torch.Tensor) -> float:
    masks = torch.nn.functional.interpolate(masks, logits.shape[2:]) > 0
    found = logits > 0
    return ((found & masks).sum((1, 2, 3)) / (found | masks).sum((1, 2, 3))).min().item()


# of the released configuration, summed in XSeg's code
BREAKDOWN = {
    "position-embedding down-sampler": (lambda m: [m.image_encoder.halve_positions], 5_309_952),
    "adapters": (lambda m: [m.image_encoder.patch_adapter, m.image_encoder.adapters], 1_479_360),
    "global relative positions": (lambda m: [m.image_encoder.blocks], 32_256),
    "energy-aware encoder": (lambda m: [m.energy_encoder], 961_024),
    "mask decoder": (lambda m: [m.mask_decoder, m.selection], 4_123_622),
    "new layers of the decoder": (lambda m: [m.selection], 66_306),
    "whole": (lambda m: [m], 11_906_214),
}


@pytest.fixture(scope="module")
def released() -> Apsam:
    with torch.device("meta"):
        return apsam()


@pytest.mark.parametrize("part", BREAKDOWN)
def test_trained_parameters_of_the_released_model(released, part):
    pick, count = BREAKDOWN[part]
    assert trained(*pick(released)) == count


def test_the_released_model_lays_patches_eight_pixels_apart(released):
    assert released.image_encoder.patch_embed.proj.stride == (8, 8)
    assert released.image_encoder.resized == 264
    assert released.size == VIT_B
    assert set(released.image_encoder.adapters) == {"2", "5", "8", "11"}


def test_the_paper_and_the_small_size():
    with torch.device("meta"):
        large = apsam_vit_l()
        branch = samus()
    assert (large.size, large.side) == (VIT_L, 512)
    assert trained(large) == 17_183_974  # our sum (pin)
    assert trained(branch) == 43_711_460  # SAMUS with its decoder, summed in its code
    assert sum(p.numel() for p in apsam_small().parameters()) < 3_000_000


def reached(model: ClickSegmenter) -> tuple[set[str], set[str]]:
    """Names with a gradient, and names that want one, after two steps."""
    image, points, labels, masks = scene(model.side)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    got: set[str] = set()
    for _ in range(2):
        optimizer.zero_grad()
        click_loss(model(image, points, labels), masks).backward()
        got |= {n for n, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
        optimizer.step()
    return got, {n for n, p in model.named_parameters() if p.requires_grad}


def idle(name: str) -> bool:
    """The heads that the paper's loss does not touch, and that it counts all the same."""
    return "iou_prediction_head" in name or any(f"hypernetworks_mlps.{i}." in name for i in (1, 2, 3))


@pytest.mark.parametrize("selection", ["fixed", "released"])
def test_gradients_reach_what_is_trained_and_nothing_else(selection):
    torch.manual_seed(0)
    got, wanted = reached(Apsam(SMALL, SIDE, selection=selection))
    dead = {"selection.scorer.weight", "selection.scorer.bias"} if selection == "released" else set()
    assert got <= wanted
    assert {name for name in wanted - got if not idle(name)} == dead


def test_gradients_reach_all_of_samus_that_is_trained():
    torch.manual_seed(0)
    got, wanted = reached(Samus(SMALL, stem=8))
    assert got <= wanted
    assert {name for name in wanted - got if not idle(name)} == set()


def test_a_batch_is_overfitted_by_the_click_alone():
    torch.manual_seed(0)
    model = apsam_small(SIDE)
    image, points, labels, masks = scene()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    found = 0.0
    for _ in range(60):
        logits = model(image, points, labels)
        found = iou(logits.detach(), masks)
        if found > 0.85:
            break
        optimizer.zero_grad()
        click_loss(logits, masks).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    assert found > 0.85


def test_the_energy_encoder_sees_the_largest_and_the_smallest_channel():
    torch.manual_seed(0)
    encoder = EnergyEncoder(32)
    image = torch.rand(1, 3, 16, 16)
    tokens = encoder(image)
    assert tokens.shape == (1, 4, 32)
    torch.testing.assert_close(encoder(image[:, [2, 0, 1]]), tokens)  # the order of the channels is nothing
    middle = image.sort(1).values
    middle[:, 1] = (middle[:, 0] + middle[:, 2]) / 2
    torch.testing.assert_close(encoder(middle), tokens)  # nor is the middle one
    for channel, change in ((0, -0.5), (2, 0.5)):
        other = middle.clone()
        other[:, channel] += change
        assert not torch.allclose(encoder(other), tokens)


def test_metal_and_organic_matter_of_one_brightness_give_different_tokens():
    torch.manual_seed(0)
    encoder = EnergyEncoder(32)
    orange, blue = (
        torch.tensor(c)[None, :, None, None].expand(1, 3, 16, 16)
        for c in ((0.9, 0.6, 0.3), (0.65, 0.6, 0.55))
    )
    assert not torch.allclose(encoder(orange), encoder(blue))


@pytest.mark.parametrize("selection", ["fixed", "released"])
def test_the_four_best_scored_tokens_are_taken_best_first(selection):
    chosen = TokenSelection(8, selection)
    with torch.no_grad():
        chosen.scorer.weight.zero_()
        chosen.scorer.weight[0, 0] = 1  # the first channel is the score
        chosen.scorer.bias.zero_()
        chosen.project.weight.copy_(torch.eye(8))
        chosen.project.bias.zero_()
    tokens = torch.zeros(1, 6, 8)
    tokens[0, :, 0] = torch.tensor([0.0, 3.0, 1.0, 5.0, 2.0, 4.0])
    scores = torch.tensor([5.0, 4, 3, 2]).sigmoid() if selection == "fixed" else torch.ones(4)
    torch.testing.assert_close(chosen(tokens)[0, :, 0], torch.tensor([5.0, 4, 3, 2]) * scores)


def test_points_of_the_first_mask_reach_the_decoder():
    torch.manual_seed(0)
    model = apsam_small(SIDE)
    image, points, _, _ = scene()
    clicks = points[:, 0]
    seen = []
    decode = model.decode

    def spy(embedding, points, labels):
        seen.append(points)
        return decode(embedding, points, labels)

    model.decode = spy  # type: ignore[method-assign]
    logits = segment_with_points(model, image, clicks, PointGenerator())
    assert logits.shape == (2, 1, 64, 64)
    first, second = seen
    assert torch.equal(first[:, 0], clicks)
    assert torch.equal(second[:, 0], clicks)
    assert second.shape == (2, 3, 2)
    segment_with_points(model, image, clicks, PointGenerator(), keep_click=False)
    assert torch.equal(seen[-1], second[:, 1:])


def test_what_is_unknown_is_refused():
    with pytest.raises(ValueError, match="'fixed' or 'released'"):
        TokenSelection(8, "best")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="multiple of 16"):
        Apsam(SMALL, 100)
