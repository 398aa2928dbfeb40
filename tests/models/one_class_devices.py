"""Devices for one-class models: boards of a regular texture on white, and what is planted in them."""

import torch


def boards(count=4, height=96, width=128, *, seed=0):
    """Pictures (B, 3, H, W) and masks (B, 1, H, W): stripes with noise, 16 pixels of air around."""
    drawn = torch.Generator().manual_seed(seed)
    stripes = 0.5 + 0.2 * torch.sin(torch.arange(width) / 2.0).expand(height, width)
    noise = 0.04 * torch.randn(count, 3, height, width, generator=drawn)
    masks = torch.zeros(count, 1, height, width)
    masks[..., 16:-16, 16:-16] = 1
    return torch.where(masks > 0, (stripes + noise).clamp(0, 1), 1.0), masks


def plant(pictures, row, column, size=24):
    """A checkerboard of 3 pixels, dark and orange, with its corner at (row, column)."""
    cells = (torch.arange(size)[:, None] // 3 + torch.arange(size) // 3) % 2
    patch = torch.stack([0.9 * cells, 0.4 * cells, 0.05 * torch.ones_like(cells)])
    planted = pictures.clone()
    planted[..., row : row + size, column : column + size] = patch
    return planted
