"""Which of the four domains a scan is in, and a threat brought from one to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError, Scan
from beltline.physics import ColorStyle, basis_matrix, colorize, dual_energy_transmission, spectrum
from beltline.synthesis.threat import Domain, Threat

Floats = NDArray[np.float32]
DARKEST = np.float32(1e-3)
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601

#: Domains that a threat can be brought to, the cheapest first. Nothing leads back from colour.
REACHABLE: Mapping[Domain, tuple[Domain, ...]] = MappingProxyType(
    {
        "basis": ("basis", "dual", "grey", "color"),
        "dual": ("dual", "grey", "color"),
        "grey": ("grey",),
        "color": ("color",),
    }
)


def scan_domain(scan: Scan) -> Domain:
    """The domain that a scan off the disk is in; an 8-bit grey picture is taken as a grey transmission."""
    if len(scan.channels) == 1:
        return "grey"
    return "dual" if scan.quantity == "transmission" else "color"


def converted(threat: Threat, domain: Domain, style: str | ColorStyle = "white") -> Threat:
    """The threat in another domain.

    Args:
        threat: The item.
        domain: Where to: from basis maps to transmissions, from those to grey or colour.
        style: Look of the colours.

    Raises:
        BadInputError: If no way leads there.
    """
    if domain not in REACHABLE[threat.domain]:
        raise BadInputError(
            f"a {threat.domain} threat cannot become {domain} (only {', '.join(REACHABLE[threat.domain])});"
            " cut the threats from scans of the kind of the bags"
        )
    if domain == threat.domain:
        return threat
    dual = threat.pixels
    if threat.domain == "basis":
        dual = np.stack(dual_energy_transmission(threat.pixels))
    if domain == "grey":
        dual = dual.mean(axis=0, keepdims=True)
    if domain == "color":
        rgb = (colorize(dual[0], dual[1], style) / 255).astype(np.float32)
        share = threat.mask[..., None]
        dual = np.moveaxis(1 - share * (1 - rgb), 2, 0)
    return replace(threat, pixels=np.ascontiguousarray(dual, np.float32), domain=domain)


def optical_depth(pixels: Floats, domain: Domain) -> Floats:
    """(H, W) depth, unitless and >= 0: -ln of the mean transmission, of the luminance where there is colour.

    Basis maps give the depth of the low channel, as if every layer were thin.
    """
    if domain == "basis":
        weights = np.asarray(spectrum().low @ basis_matrix(), np.float32)
        return np.maximum(np.tensordot(weights, pixels, axes=1), np.float32(0)).astype(np.float32)
    return np.maximum(-np.log(np.clip(tone(pixels, domain), DARKEST, 1)), 0).astype(np.float32)


def tone(pixels: Floats, domain: Domain) -> Floats:
    """(H, W) brightness in (0, 1]: mean transmission, or luminance over that of the air."""
    if domain == "basis":
        return np.exp(-optical_depth(pixels, domain))
    if domain == "color":
        luminance = np.tensordot(LUMA, pixels, axes=1)
        air = max(float(np.quantile(luminance, 0.99)), 0.7)
        return np.asarray(np.minimum(luminance / np.float32(air), 1), np.float32)
    return np.asarray(pixels.mean(axis=0), np.float32)
