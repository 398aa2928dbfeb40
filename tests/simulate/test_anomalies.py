"""A twin differs from its benign device only where the anomaly lies."""

from __future__ import annotations

import numpy as np
import pytest

from beltline.simulate.items import make_item
from beltline.simulate.items.anomalies import DEVICES, KINDS, anomalous
from beltline.simulate.projection import IDENTITY, item_window, material_thickness
from beltline.simulate.raster import Beam, Window
from beltline.simulate.scanner import add_to_canvas
from beltline.simulate.solids import Item, Part

BEAM = Beam(1.0, 620.0)


def basis_of(parts: tuple[Part, ...], window: Window) -> np.ndarray:
    canvas = np.zeros((6, window.height, window.width), np.float32)
    add_to_canvas(canvas, material_thickness(parts, IDENTITY, BEAM, window), window, window)
    return canvas


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", sorted(DEVICES))
def test_twins_differ_only_inside_the_anomaly(family: str, kind: str) -> None:
    benign, twin = anomalous(family, 4, kind)
    window = item_window(benign.parts, IDENTITY, BEAM)
    assert item_window(twin.parts, IDENTITY, BEAM) == window, "the anomaly sticks out of the shell"
    hidden = tuple(twin.parts[i] for i in twin.threat_parts) or twin.mask_parts
    inside = np.abs(basis_of(hidden, window)).max(axis=0) > 0
    change = np.abs(basis_of(twin.parts, window) - basis_of(benign.parts, window)).max(axis=0)
    assert inside.any()
    assert change[inside].max() > 1e-3
    assert change[~inside].max() < 1e-4


@pytest.mark.parametrize("family", sorted(DEVICES))
def test_the_site_lies_inside_the_device(family: str) -> None:
    for seed in range(12):
        benign, twin = anomalous(family, seed)
        assert twin.site is not None
        low, high = benign.bounds
        hidden: tuple[Part, ...] = tuple(twin.parts[i] for i in twin.threat_parts) or twin.mask_parts
        corners = np.concatenate([part.mesh.bounds for part in hidden])
        assert (corners.min(axis=0) >= low - 1e-6).all()
        assert (corners.max(axis=0) <= high + 1e-6).all()
        assert (twin.label, twin.threat, benign.threat) == ("anomaly", True, False)


def test_laptops_come_in_three_layouts_and_anomalies_in_all_kinds() -> None:
    laptops: list[Item] = [make_item("laptop", seed) for seed in range(24)]
    assert len({item.params["design"] for item in laptops}) >= 3
    sites = [anomalous("laptop", seed)[1].site for seed in range(60)]
    assert {site["kind"] for site in sites if site is not None} == set(KINDS)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="family must be one of"):
        anomalous("teapot", 0)
    with pytest.raises(ValueError, match="kind must be one of"):
        anomalous("laptop", 0, "cheese")
