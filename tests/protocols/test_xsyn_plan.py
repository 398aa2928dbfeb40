"""The Xsyn experiment: what is printed, what is trained and in which order, what an ablation changes."""

from collections import Counter
from dataclasses import replace

import pytest

from beltline.models.detection import DETECTORS
from beltline.protocols.xsyn.arms import (
    ABLATIONS,
    ARMS,
    BOMS,
    CARS,
    NO_BOM,
    OURS,
    OWN_ITEMS,
    PLAIN,
    TRUTH,
    Arm,
    Bom,
    Car,
    arm_of,
)
from beltline.protocols.xsyn.plan import AIMS, DECIDING, PERCENTS, SCALES, SELECTS, cells
from beltline.protocols.xsyn.published import (
    CLAIMED_POINTS,
    printed_finals,
    printed_fractions,
    printed_over_projection,
)


def test_the_printed_figures_show_how_strong_projection_is():
    printed = printed_fractions()
    assert len(printed) == 25
    assert printed["real", 5] == 28.0
    assert [round(points, 1) for points in printed_over_projection("Xsyn-A").values()] == [
        1.9,
        0.5,
        -0.1,
        0.5,
        1.0,
    ]
    assert all(points < 0 for points in printed_over_projection("Xsyn-M").values())
    with pytest.raises(ValueError, match="there is real, GLIGEN"):
        printed_over_projection("SAGAN")


def test_the_claim_is_the_first_difference_of_the_finals():
    finals = printed_finals()
    assert finals["Xsyn-A"] - finals["SAGAN"] == pytest.approx(CLAIMED_POINTS) == pytest.approx(AIMS.points)


def test_every_printed_arm_is_trained_at_every_printed_percentage():
    arms, percents = map(set, zip(*printed_fractions(), strict=True))
    assert arms <= set(ARMS)
    assert percents < set(PERCENTS)
    assert set(AIMS.percents) < percents


def test_the_small_scale_counts():
    plan = list(cells(SCALES["small"]))
    assert len({cell.name for cell in plan}) == len(plan) == 89
    first, second = SCALES["small"].detectors
    by = Counter((cell.detector, cell.arm in ABLATIONS) for cell in plan)
    # 7 arms at 6 percentages, 4 more seeds of the 3 that decide; 16 ablations; 7 arms of the other detector
    assert by == {(first, False): 42 + 12, (first, True): 16, (second, False): 7 + 12}


def test_what_decides_comes_first_with_five_seeds_of_both_detectors():
    plan = list(cells(SCALES["small"]))
    deciding = plan[: 5 * 2 * 3]
    assert {cell.percent for cell in deciding} == {DECIDING.percent} == {25}
    assert {cell.arm for cell in deciding} == {"real", "TIP", "Xsyn-A"}
    assert [cell.seed for cell in deciding] == sorted(cell.seed for cell in deciding)
    for detector in SCALES["small"].detectors:
        for arm in (DECIDING.first, DECIDING.second):
            own = {c.seed for c in plan if (c.detector, c.arm, c.percent) == (detector, arm, 25)}
            assert len(own) == DECIDING.seeds


@pytest.mark.parametrize("name", SCALES)
def test_every_scale_names_detectors_and_arms_that_exist(name):
    scale = SCALES[name]
    assert set(scale.detectors) <= set(DETECTORS)
    assert {cell.arm for cell in cells(scale)} == {*scale.arms, *scale.ablations}
    assert all(hasattr(scale, field) for field in SELECTS)


def test_a_narrower_scale_keeps_to_what_it_has():
    only = replace(SCALES["small"], percents=(5,), arms=("real", "SDEdit"))
    assert {(cell.arm, cell.percent) for cell in cells(only)} == {("real", 5), ("SDEdit", 5)}
    assert len(list(cells(replace(SCALES["small"], ablations=())))) == 88 - 15


def test_percentages_are_of_the_real_windows_and_what_is_made_follows():
    small = SCALES["small"]
    assert [small.real_windows(percent) for percent in PERCENTS] == [25, 50, 125, 250, 375, 500]
    assert replace(small, made_each=0.5).made_windows(25) == 62


def test_an_ablation_changes_one_thing():
    whole = ARMS["Xsyn-A"]
    changed = {
        name: (arm.car != whole.car) + (arm.bom != whole.bom)
        for name, arm in ABLATIONS.items()
        if arm.generator == "A" and name != OURS
    }
    assert ABLATIONS[OURS] == Arm("A", Car("own", 0), NO_BOM)
    assert len(changed) == len(CARS) + len(BOMS) == 13
    assert set(changed.values()) == {1}
    assert ABLATIONS[OWN_ITEMS] == replace(ARMS["TIP"], library="fraction")
    assert ABLATIONS[TRUTH].generator == "truth"
    assert ARMS[PLAIN].car == ARMS["GLIGEN"].car == CARS["layout box"]
    depths = {a.car.depth for a in (whole, *ABLATIONS.values()) if a.car.by == "points"}
    assert depths == {1, 2, 3, 4}


def test_settings_that_mean_nothing_are_refused():
    for wrong in ({"by": "points", "depth": 0}, {"by": "none", "depth": 4}):
        with pytest.raises(ValueError, match="depth belongs to points"):
            Car(**wrong)
    for shape, alpha in (("off", 0.3), ("window", 0.0), ("mask", 1.0), ("product", 0.1)):
        with pytest.raises(ValueError, match="alpha belongs"):
            Bom(shape, alpha)
    with pytest.raises(ValueError, match="no arm 'CutMix'"):
        arm_of("CutMix")
    with pytest.raises(ValueError, match="percents"):
        replace(SCALES["small"], percents=(0,))
    with pytest.raises(ValueError, match="made_share"):
        replace(SCALES["small"], made_share=1.0)
