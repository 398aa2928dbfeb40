"""Electronics and their anomalous twins: same parts, one difference, inside the shell, under the mask."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from beltline.simulate.items import families, make_item
from beltline.simulate.items._board import boxes, circuit_board
from beltline.simulate.items._device import Device
from beltline.simulate.items.anomalies import DEVICES, KINDS, anomalous
from beltline.simulate.packing import random_rotation
from beltline.simulate.projection import IDENTITY, Pose, item_window, material_thickness
from beltline.simulate.raster import Beam, Window
from beltline.simulate.scanner import add_to_canvas
from beltline.simulate.solids import Item, Part

BEAM = Beam(1.0, 620.0)
SEEDS = range(5)


def pose_of(seed: int) -> Pose:
    """Flat for even seeds, any turn for odd ones."""
    return Pose(random_rotation(np.random.default_rng(seed)), np.zeros(3)) if seed % 2 else IDENTITY


def mask_of(twin: Item, pose: Pose, window: Window) -> NDArray[np.bool_]:
    """Where added or taken parts have thickness."""
    marked: tuple[Part, ...] = (*(twin.parts[i] for i in twin.threat_parts), *twin.mask_parts)
    maps = material_thickness(marked, pose, BEAM, window)
    mask: NDArray[np.bool_] = np.any([np.abs(m) > 1e-9 for m in maps.values()], axis=0)
    return mask


def basis_of(parts: tuple[Part, ...], pose: Pose, window: Window) -> NDArray[np.float32]:
    basis = np.zeros((6, window.height, window.width), np.float32)
    add_to_canvas(basis, material_thickness(parts, pose, BEAM, window), window, window)
    return basis


def corners(parts: tuple[Part, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    ends = np.stack([p.mesh.bounds for p in parts])
    return ends[:, 0].min(axis=0), ends[:, 1].max(axis=0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", sorted(DEVICES))
def test_twin_differs_from_the_benign_device_under_its_mask_only(family: str, kind: str) -> None:
    for seed in SEEDS:
        benign, twin = anomalous(family, seed, kind)
        pose = pose_of(seed)
        window = item_window((*benign.parts, *twin.parts), pose, BEAM)
        a, b = (basis_of(item.parts, pose, window) for item in (benign, twin))
        mask = mask_of(twin, pose, window)
        assert mask.any()
        np.testing.assert_allclose(a[:, ~mask], b[:, ~mask], atol=1e-5)
        assert np.abs(a - b).max() > 1e-3, "the twin looks the same"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", sorted(DEVICES))
def test_what_is_added_lies_inside_the_shell(family: str, kind: str) -> None:
    for seed in SEEDS:
        device: Device = DEVICES[family](np.random.default_rng(seed))
        benign, twin = anomalous(family, seed, kind)
        low, high = corners(tuple(p for p in benign.parts if p.sign > 0))
        assert twin.site is not None
        centre = np.array(twin.site["centre_mm"])
        assert (centre > low).all()
        assert (centre < high).all()
        for i in twin.threat_parts:
            a, b = twin.parts[i].mesh.bounds
            if str(twin.site["site"]).startswith("in place of"):
                assert (a >= low - 0.01).all()
                assert (b <= high + 0.01).all()
            else:
                assert any((a >= r.low - 0.01).all() and (b <= r.high + 0.01).all() for r in device.rooms)


@pytest.mark.parametrize("family", sorted(DEVICES))
def test_what_is_added_touches_no_component(family: str) -> None:
    for seed in range(12):
        device = DEVICES[family](np.random.default_rng(seed))
        _, twin = anomalous(family, seed, "metal_plate")
        if twin.mask_parts:
            continue
        a, b = corners(tuple(twin.parts[i] for i in twin.threat_parts))
        shared = np.minimum(b, device.blocks[:, 1]) - np.maximum(a, device.blocks[:, 0])
        assert not (shared > 0.05).all(axis=1).any()


@pytest.mark.parametrize("family", sorted(DEVICES))
def test_rooms_lie_inside_the_device(family: str) -> None:
    for seed in range(30):
        device = DEVICES[family](np.random.default_rng(seed))
        low, high = device.item.bounds
        for room in device.rooms:
            assert (room.low < room.high).all(), (seed, room)
            assert (room.low >= low).all(), (seed, room)
            assert (room.high <= high).all(), (seed, room)


def test_a_laptop_comes_in_five_layouts() -> None:
    made = {str(make_item("laptop", seed).params["design"]) for seed in range(40)}
    assert made == {"ultrabook", "classic", "gaming", "small", "business"}


def test_kinds_sites_and_materials_vary() -> None:
    sites = [anomalous("laptop", seed)[1].site for seed in range(60)]
    assert {s["kind"] for s in sites if s} == set(KINDS)
    assert len({s["site"] for s in sites if s}) >= 6
    assert len({s["material"] for s in sites if s}) >= 8


def test_harder_things_are_smaller() -> None:
    def volume(difficulty: float) -> float:
        found = [anomalous("laptop", s, "metal_plate", difficulty=difficulty)[1] for s in range(12)]
        return float(np.median([np.prod(np.array(t.site["size_mm"])) for t in found if t.site]))

    assert volume(0.0) > 4 * volume(1.0)


def test_the_registered_family_leads_back_to_its_pair() -> None:
    twin = make_item("laptop_anomaly", 7)
    seed = twin.params["twin_seed"]
    assert isinstance(seed, int)
    benign, again = anomalous("laptop", seed)
    assert again.site == twin.site
    assert not benign.threat
    assert benign.label == "laptop"
    assert twin.label == "anomaly"
    assert twin.threat


def test_required_twins_are_registered() -> None:
    names = {f"{f}_anomaly" for f in ("laptop", "tablet", "phone", "radio", "power_tool")}
    assert names <= set(families())


def test_unknown_requests_are_named() -> None:
    with pytest.raises(ValueError, match="family must be one of"):
        anomalous("teapot", 0)
    with pytest.raises(ValueError, match="kind must be one of"):
        anomalous("laptop", 0, "elephant")
    with pytest.raises(ValueError, match="difficulty must be in"):
        anomalous("laptop", 0, difficulty=2.0)


def test_boxes_enclose_their_volume() -> None:
    mesh = boxes([(0, 0, 0), (5, 0, 1)], [(1, 2, 3), (2, 2, 2)])
    assert mesh.volume_mm3 == pytest.approx(14)
    assert mesh.faces.shape == (24, 3)


def test_boards_are_cheap_and_full() -> None:
    for seed in range(10):
        parts = circuit_board(np.random.default_rng(seed), 220, 100)
        assert sum(len(p.mesh.faces) for p in parts) < 7000
        assert {"fr4", "cu", "glass"} <= {p.material for p in parts}


@pytest.mark.parametrize("name", ["laptop", "tablet", "phone", "radio", "power_tool", "camera"])
def test_electronics_stay_cheap(name: str) -> None:
    counts = [sum(len(p.mesh.faces) for p in make_item(name, s).parts) for s in range(20)]
    assert np.median(counts) <= 12_000
