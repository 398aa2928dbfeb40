"""Which objects can be clicked, what of them is metal, and which touch."""

from __future__ import annotations

import numpy as np
import pytest

from beltline.physics import basis_vector, dual_energy_transmission
from beltline.simulate.clickable import clickable_objects, touching, without_specks
from beltline.simulate.composed import Composed, ComposedObject, add_window, is_metal
from beltline.simulate.framing import Frame
from beltline.simulate.twins import corner_beside

AS_IT_IS = Frame((60, 80), False, (60, 80), (60, 80), (0, 0))
RULES = {"min_area_px": 60, "min_contrast": 0.03, "min_depth": 0.05}


def slab(size: tuple[int, int], **thickness_mm: float) -> np.ndarray:
    vector = sum(basis_vector(name) * mm for name, mm in thickness_mm.items())
    return np.broadcast_to(np.asarray(vector, np.float32)[:, None, None], (6, *size)).copy()


@pytest.mark.parametrize(("thickness_mm", "metal"), [
    ({"water": 50}, False), ({"wood": 20}, False), ({"abs": 3}, False), ({"glass": 4}, False),
    ({"al": 1}, True), ({"fe": 0.2}, True), ({"fe": 30}, True), ({"brass": 3}, True), ({"pb": 1}, True),
    ({"abs": 20, "fe": 2}, True), ({"wood": 20, "al": 0.3}, False),
])  # fmt: skip
def test_metal_is_told_by_its_own_attenuation_however_thick(thickness_mm, metal) -> None:
    assert is_metal(slab((1, 1), **thickness_mm)).item() is metal


def test_an_object_without_its_basis_has_no_material() -> None:
    with pytest.raises(ValueError, match="material of gun needs its basis window"):
        _ = ComposedObject("gun", True, np.ones((2, 2), np.float32), (0, 0)).metal


def listed(*things: tuple[str, str, tuple[int, int], np.ndarray], garments: int = 1) -> list[str]:
    canvas = np.zeros((6, 60, 80), np.float32)
    known = {"label": "", "threat": False}
    added = [add_window(canvas, w, at, family=name, role=role, **known) for name, role, at, w in things]
    bag = Composed(canvas, tuple(one for one in added if one is not None))
    low, _ = dual_energy_transmission(canvas)
    found = clickable_objects(bag, low, AS_IT_IS, garments=garments, **RULES)
    return [one.thing.family for one in found]


def test_what_nobody_sees_is_not_listed() -> None:
    seen = ("seen", "thing", (2, 2), slab((8, 8), abs=10))
    small = ("small", "thing", (2, 20), slab((7, 8), abs=10))
    faint = ("faint", "thing", (2, 40), slab((9, 9), foam=60))
    cup = ("cup", "thing", (30, 40), slab((9, 9), abs=10))
    behind = ("behind", "thing", (25, 35), slab((20, 20), pb=8))
    assert listed(seen, small, faint, cup) == ["seen", "cup"]
    assert listed(seen, cup, behind) == ["seen", "behind"]


def test_few_garments_are_listed_those_that_darken_most() -> None:
    cloth = [(f"shirt {mm}", "garment", (0, 0), slab((30, 30), cotton=mm)) for mm in (15, 60, 30)]
    assert listed(*cloth, garments=2) == ["shirt 60", "shirt 30"]
    assert listed(*cloth, garments=0) == []


def test_a_screw_is_no_part_of_its_handle_and_a_hole_none_of_its_blade() -> None:
    mask = np.zeros((40, 60), bool)
    mask[10:30, 5:55] = True
    metal = mask.copy()
    metal[:, 30:] = False
    split = metal.copy()
    metal[15:18, 45:48] = True  # a screw in the handle
    metal[15:18, 15:18] = False  # a hole in the blade
    np.testing.assert_array_equal(without_specks(metal, mask), split)
    chain = np.zeros((40, 60), bool)
    chain[5:8:2, 5:50:6] = True
    np.testing.assert_array_equal(without_specks(chain, chain), chain)


def square(left: int, width: int = 10) -> np.ndarray:
    mask = np.zeros((20, 80), bool)
    mask[5:15, left : left + width] = True
    return mask


def test_touching_joins_a_kind_over_small_gaps_and_chains() -> None:
    masks = [square(0), square(11), square(20), square(60), square(55)]
    twins, groups = touching(["knife", "knife", "knife", "knife", "gun"], masks)
    assert twins == [1, 2, 1, -1, -1]
    assert groups == [0, 0, 0, 3, 4]
    assert touching(["knife", "knife"], [square(0), square(12)])[0] == [-1, -1]


def test_a_twin_is_laid_against_its_like_inside_the_bag() -> None:
    rng = np.random.default_rng(0)
    disc = (np.hypot(*np.mgrid[-10:11, -10:11]) < 10).astype(np.float32)
    shared = []
    for _ in range(40):
        spot = corner_beside(rng, disc, (40, 5), disc, (100, 60), (80, 50))
        assert spot is not None
        assert 10 <= spot[0] + 10.5 <= 90
        assert 5 <= spot[1] + 10.5 <= 55
        one, two = (np.zeros((120, 120), bool) for _ in range(2))
        one[50:71, 15:36] = disc > 0
        two[spot[0] + 10 : spot[0] + 31, spot[1] + 10 : spot[1] + 31] = disc > 0
        shared.append((one & two).sum() / (disc > 0).sum())
    assert min(shared) > 0
    assert 10 < sum(share < 0.1 for share in shared) < 38
    assert max(shared) < 0.65
    assert corner_beside(rng, disc, (40, 5), disc, (100, 60), (2, 2)) is None
