"""Every small click segmenter runs and learns; the published ones have the sizes of the papers."""

import pytest
import torch

from beltline.models.segmentation import CLICK_SEGMENTERS, build_click_segmenter
from beltline.models.segmentation_losses import click_loss

SMALL = [name for name in CLICK_SEGMENTERS if name.endswith("small")]
PROMPTLESS = {"DeepLabV3+ small", "Mask2Former small"}


def clicks(rows: int, x: float) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.full((rows, 1, 2), x), torch.ones(rows, 1)


@pytest.mark.parametrize("name", SMALL)
def test_one_interface(name):
    torch.manual_seed(0)
    segmenter = build_click_segmenter(name)
    image = torch.rand(2, 3, segmenter.side, segmenter.side)
    target = torch.zeros(2, 1, segmenter.side, segmenter.side)
    target[:, :, 20:60, 30:90] = 1
    parameters = [p for p in segmenter.parameters() if p.requires_grad]
    assert bool(parameters) != (name == "SAM frozen small")
    logits = segmenter(image, *clicks(2, 40))
    assert logits.shape[:2] == (2, 1)
    assert logits.isfinite().all()
    if parameters:
        optimizer = torch.optim.AdamW(parameters, lr=1e-3)
        before = click_loss(logits, target)
        before.backward()
        optimizer.step()
        assert click_loss(segmenter(image, *clicks(2, 40)), target) < before
    segmenter.eval()
    with torch.inference_mode():
        here, there = (segmenter(image, *clicks(2, x)) for x in (10, 100))
    assert segmenter.promptable == (name not in PROMPTLESS)
    assert torch.equal(here, there) != segmenter.promptable


@pytest.mark.parametrize(
    ("name", "side", "millions", "trained"),
    [
        ("SAM frozen", 1024, 93.7, 0),
        ("SAM tuned", 1024, 93.7, 4_058_340),
        ("SAM tuned ViT-L", 1024, 312.3, 4_058_340),
        ("DeepLabV3+", 512, 59.3, 59_339_169),  # the paper prints 60.21 M
    ],
)
def test_published_sizes(name, side, millions, trained):
    with torch.device("meta"):
        segmenter = build_click_segmenter(name)
    assert segmenter.side == side
    assert sum(p.numel() for p in segmenter.parameters()) / 1e6 == pytest.approx(millions, abs=0.05)
    assert sum(p.numel() for p in segmenter.parameters() if p.requires_grad) == trained


@pytest.mark.slow
def test_mask2former_has_the_published_size():
    with torch.device("meta"):
        segmenter = build_click_segmenter("Mask2Former")
    # 216 M with Swin-L in the paper of Mask2Former; XSeg prints 144.85 M
    assert sum(p.numel() for p in segmenter.parameters()) / 1e6 == pytest.approx(216, abs=1)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match="APSAM small"):
        build_click_segmenter("MobileSAM")
