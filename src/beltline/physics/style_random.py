"""Random scanner looks, so that a network trained on them meets unknown scanners without surprise.

A draw blends the measured tables, or invents a palette around other hues, then turns hue, saturation, tone,
edges, floor and background.  Luminance always rises with transmission: no look is inverted.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from beltline.physics.color import HUES, LUMINANCE, STYLES, ColorStyle, find_style

Array = NDArray[np.float64]

_LUMA = np.array([0.299, 0.587, 0.114])
INVENTED_SHARE = 0.2
GRAYSCALE_SHARE = 0.04
PURE_WHITE_SHARE = 0.35


def luma(rgb: Array) -> Array:
    """Display luminance (Rec. 601) of RGB in the last axis, same scale."""
    return np.asarray(rgb @ _LUMA)


def _chroma_axes() -> tuple[Array, Array]:
    """Two orthonormal RGB directions without luminance."""
    first = np.array([1.0, 0.0, -1.0])
    first -= _LUMA * (first @ _LUMA) / (_LUMA @ _LUMA)
    first /= np.linalg.norm(first)
    second = np.cross(_LUMA / np.linalg.norm(_LUMA), first)
    return first, second


def _from_chroma(luminance: Array, chroma: Array) -> Array:
    """RGB of a luminance and a chroma vector, chroma shrunk where the colour would leave 0..255."""
    axes = np.stack(_chroma_axes())
    offset = chroma @ axes
    grey = luminance[..., None]
    room = np.where(offset > 0, 255.0 - grey, grey)
    scale = np.min(room / np.maximum(np.abs(offset), 1e-6), axis=-1, keepdims=True)
    return np.asarray(grey + offset * np.clip(scale, 0.0, 1.0))


def shift_palette(table: Array, *, hue_turn: float, saturation: float, tone: float) -> Array:
    """Turn the hues of a colour table, scale its chroma and bend its tone; luminance order is kept.

    Args:
        table: RGB (..., 3), 0..255.
        hue_turn: Rotation in radians about the grey axis.
        saturation: Factor on chroma; 0 is grey.
        tone: Exponent on luminance; above 1 darkens mid tones.

    Returns:
        RGB of the same shape, 0..255.
    """
    first, second = _chroma_axes()
    bright = luma(table)
    chroma = table - bright[..., None]
    along, across = chroma @ first * saturation, chroma @ second * saturation
    cos, sin = np.cos(hue_turn), np.sin(hue_turn)
    turned = np.stack([along * cos - across * sin, along * sin + across * cos], axis=-1)
    return _from_chroma(255.0 * (bright / 255.0) ** tone, turned)


def invented_table(rng: np.random.Generator) -> Array:
    """A palette around five drawn hues, organic to metal, shape (5, 14, 3), 0..255."""
    start = np.deg2rad(rng.uniform(-50, 60))
    span = np.deg2rad(rng.uniform(90, 230)) * rng.choice([-1.0, 1.0], p=[0.75, 0.25])
    steps = np.cumsum(rng.uniform(0.4, 1.6, len(HUES)))
    angles = start + span * (steps - steps[0]) / (steps[-1] - steps[0])
    strength = rng.uniform(55, 150, len(HUES))
    peak = rng.uniform(0.35, 0.7)
    level = LUMINANCE[None, :]
    profile = np.minimum(level / peak, (1 - level) / (1 - peak)) ** rng.uniform(0.6, 1.3)
    chroma = strength[:, None] * profile
    directions = np.stack([np.cos(angles), -np.sin(angles)], axis=-1)
    bright = np.broadcast_to(255.0 * level, chroma.shape)
    return _from_chroma(bright, chroma[..., None] * directions[:, None, :])


def _drawn_table(base: ColorStyle | None, strength: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Table and background: a blend of the measured looks (towards ``base``), or an invented palette."""
    looks = tuple(STYLES.values())
    weights = rng.dirichlet(np.full(len(looks), 0.6))
    table = np.einsum("s,shlc->hlc", weights, np.stack([s.table for s in looks]))
    background = weights @ np.stack([np.asarray(s.background) for s in looks])
    kind = rng.uniform()
    invented = invented_table(rng)
    if base is not None:
        share = min(0.6 * strength, 1.0)
        table = (1 - share) * base.table + share * table
        background = (1 - share) * np.asarray(base.background) + share * background
    elif kind < INVENTED_SHARE * strength:
        table = invented
    if base is None and kind > 1 - GRAYSCALE_SHARE * strength:
        table = np.repeat(luma(table)[..., None], 3, axis=-1)
    return table, np.asarray(background)


def _fit_background(table: Array, background: Array) -> Array:
    """Let every hue run into the background at full luminance; no level is brighter than it."""
    top = luma(background)
    bright = luma(table)
    limited = table * np.minimum(1.0, top / np.maximum(bright, 1.0))[..., None]
    share = np.clip((LUMINANCE - 0.8) / 0.2, 0, 1)[None, :, None] ** 2
    return np.asarray(limited * (1 - share) + background * share)


def random_style(
    rng: np.random.Generator, base: str | ColorStyle | None = None, strength: float = 1.0
) -> ColorStyle:
    """Draw a look.

    Args:
        rng: Source of chance; equal generators give equal looks.
        base: Look to stay near; None draws from everywhere, invented palettes and a few grey ones included.
        strength: Width of the draw, 0 (the base itself, or a measured look) to 1.

    Returns:
        A style named ``random-...`` whose luminance rises with transmission.

    Raises:
        ValueError: For an unknown base or a strength outside 0..1.

    Example:
        >>> import numpy as np
        >>> random_style(np.random.default_rng(0), "grey").table.shape
        (5, 14, 3)
    """
    if not 0 <= strength <= 1:
        raise ValueError(f"strength must lie in 0..1, got {strength!r}")
    anchor = None if base is None else find_style(base)
    template = anchor or STYLES[str(rng.choice(list(STYLES)))]
    if strength == 0:
        return template

    def spread(low: float, high: float, center: float) -> float:
        return float(center + strength * (rng.uniform(low, high) - center))

    table, background = _drawn_table(anchor, strength, rng)
    table = shift_palette(
        table,
        hue_turn=float(np.deg2rad(rng.normal(0, 9 * strength))),
        saturation=float(np.exp(rng.normal(0, 0.22 * strength))),
        tone=spread(0.85, 1.2, 1.0),
    )
    background = np.clip(background + rng.normal(0, 2 * strength, 3) + rng.normal(0, 5 * strength), 205, 255)
    if rng.uniform() < PURE_WHITE_SHARE * strength:
        background = np.full(3, 255.0)
    shift = rng.normal(0, 0.35 * strength, len(template.zeff_anchors))
    anchors = np.maximum.accumulate(np.asarray(template.zeff_anchors) + shift + 0.01 * np.arange(shift.size))
    clear = spread(0.965, 0.985, template.air_range[0])
    return replace(
        template,
        name=f"random-{template.name}",
        table=np.clip(_fit_background(table, background), 0, 255),
        background=(float(background[0]), float(background[1]), float(background[2])),
        zeff_anchors=tuple(float(z) for z in anchors + 1e-3 * np.arange(shift.size)),
        gamma=spread(0.38, 0.68, template.gamma),
        metal_darkening=spread(0.0, 0.35, template.metal_darkening),
        knee=spread(0.4, 0.65, template.knee),
        compression=spread(0.15, 0.75, template.compression),
        edge_gain=spread(0.8, 3.2, template.edge_gain),
        edge_limit=spread(0.04, 0.2, template.edge_limit),
        halo_gain=spread(0.0, 0.9, template.halo_gain),
        halo_limit=spread(0.02, 0.12, template.halo_limit),
        floor=spread(0.0, 0.22, template.floor),
        air_range=(clear, clear + spread(0.008, 0.02, 0.02)),
        zeff_smoothing_px=spread(0.4, 1.6, template.zeff_smoothing_px),
    )
