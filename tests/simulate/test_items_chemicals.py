"""Liquids, pressure, energy and organics: contents lie inside their vessels, cells can be counted."""

from __future__ import annotations

import numpy as np
import pytest

from beltline.simulate.items import make_item
from beltline.simulate.packing import random_rotation
from beltline.simulate.projection import IDENTITY, Pose, item_window, material_thickness
from beltline.simulate.raster import Beam
from beltline.simulate.solids import Item, Part

VESSELS = (
    "plastic_bottle",
    "glass_bottle",
    "metal_bottle",
    "aerosol_can",
    "gas_cartridge",
    "liquid_canister",
)
LABELS = {
    "lighter": "lighter",
    "matches": "lighter",
    "aerosol_can": "pressure_vessel",
    "gas_cartridge": "pressure_vessel",
    "fire_extinguisher": "pressure_vessel",
    "lighter_refill": "pressure_vessel",
    "fireworks": "fireworks",
    "battery_cells": "battery",
    "battery_pack": "battery",
    "power_bank": "battery",
    "plastic_bottle": "liquid",
    "glass_bottle": "liquid",
    "metal_bottle": "liquid",
    "liquid_canister": "liquid",
    "powder_pack": "powder",
    "sheet_organic": "organic_bulk",
    "block_organic": "organic_bulk",
    "moulded_organic": "organic_bulk",
}
LIQUIDS = {"water", "ethanol", "gasoline", "oil", "cream", "peroxide", "butane"}


@pytest.mark.parametrize(("family", "label"), sorted(LABELS.items()))
def test_family_has_its_label_and_several_designs(family: str, label: str) -> None:
    items = [make_item(family, seed) for seed in range(24)]
    assert {item.label for item in items} == {label}
    assert all(item.threat for item in items)
    designs = {str(item.params.get("design")) for item in items}
    assert len(designs) >= (1 if family == "fire_extinguisher" else 2), designs


@pytest.mark.parametrize("family", sorted(LABELS))
def test_no_part_removes_what_is_not_there(family: str) -> None:
    for seed in range(8):
        item, rng = make_item(family, seed), np.random.default_rng(seed)
        for pose in (IDENTITY, Pose(random_rotation(rng), np.zeros(3))):
            beam = Beam(1.0, 620.0)
            maps = material_thickness(item.parts, pose, beam, item_window(item.parts, pose, beam))
            assert min(float(m.min()) for m in maps.values()) >= -1e-6, seed


@pytest.mark.parametrize("family", VESSELS)
def test_contents_lie_inside_the_vessel(family: str) -> None:
    for seed in range(12):
        item = make_item(family, seed)
        low, high = item.bounds
        for part in contents(item):
            inner_low, inner_high = part.mesh.bounds
            assert (inner_low >= low - 1e-6).all(), seed
            assert (inner_high <= high + 1e-6).all(), seed


def contents(item: Item) -> list[Part]:
    return [part for part in item.parts if part.material in LIQUIDS and part.sign > 0]


def test_a_fuller_bottle_holds_more() -> None:
    bottles = [make_item("plastic_bottle", seed) for seed in range(60)]
    share = []
    for item in bottles:
        if item.params["contents"] not in ("water", "ethanol", "gasoline"):
            continue
        shell = max((p.mesh.volume_mm3 for p in item.parts if p.sign > 0), default=0.0)
        level = item.params["level"]
        assert isinstance(level, float)
        share.append((level, contents(item)[0].mesh.volume_mm3 / shell))
    levels, volumes = np.array(share).T
    assert np.corrcoef(levels, volumes)[0, 1] > 0.8
    assert volumes.max() < 1.0


def test_leads_are_drawn_when_params_say_so() -> None:
    for seed in range(16):
        item = make_item("moulded_organic", seed)
        assert bool(item.params["leads"]) == any(
            p.material == "cu" and len(p.mesh.faces) > 100 for p in item.parts
        )
