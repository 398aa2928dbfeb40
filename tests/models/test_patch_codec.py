"""The linear codec of lone threats: little is lost, air is nothing, and what it keeps comes from the data."""

from __future__ import annotations

import pytest
import torch

from beltline.models.patch_codec import CELL, LATENTS, PatchCodec


def windows(channels: int, count: int = 24) -> torch.Tensor:
    """Slanted bars of several widths over air, denser in one channel than in the other."""
    generator = torch.Generator().manual_seed(0)
    rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    found = []
    for _ in range(count):
        slope, offset, width, depth = torch.rand(4, generator=generator)
        bar = ((rows - 20 - 24 * offset - (slope - 0.5) * columns).abs() < 3 + 8 * width).float()
        dark = torch.stack([bar * (0.3 + 0.5 * depth) * share for share in (1.0, 0.9, 0.8)[:channels]])
        found.append(dark if channels == 2 else 1 - dark)
    return torch.stack(found)


@pytest.mark.parametrize("channels", [2, 3])
def test_windows_come_back_and_air_is_nothing(channels: int) -> None:
    codec, seen = PatchCodec(channels), windows(channels)
    codec.fit(seen[:16])
    latents = codec.encode(seen)
    assert latents.shape == (24, LATENTS, 64 // CELL, 64 // CELL)
    unseen = (codec.decode(latents) - seen)[16:]
    air = torch.full((1, channels, 64, 64), 0.0 if channels == 2 else 1.0)
    assert unseen.abs().mean() < 0.1 * (seen[16:] - air).abs().mean()
    assert torch.equal(codec.encode(air), torch.zeros(1, LATENTS, 8, 8))
    assert torch.allclose(codec.decode(codec.encode(air)), air)


def test_what_is_drawn_is_a_fixed_point() -> None:
    codec, seen = PatchCodec(2), windows(2)
    codec.fit(seen)
    latents = torch.randn(2, LATENTS, 8, 8)
    assert torch.allclose(codec.encode(codec.decode(latents)), latents, atol=1e-4)


def test_nothing_to_fit_to_is_refused() -> None:
    with pytest.raises(ValueError, match="16 squares with something in them"):
        PatchCodec(2).fit(torch.zeros(4, 2, 64, 64))
