"""The gate: each check against what it is for, and all against projections spoilt on purpose."""

from dataclasses import replace

import numpy as np
import pytest

from beltline.core import BadInputError, Scan
from beltline.physics import Detector, basis_vector, detect, dual_energy_transmission
from beltline.synthesis.cutting import cut_alone
from beltline.synthesis.features import steepness
from beltline.synthesis.laying import noises_of
from beltline.synthesis.library import ThreatLibrary, write_library
from beltline.synthesis.placement import Place, Wish, find_place, ground_of
from beltline.synthesis.quality import CHECKS, Norms, assess, learn_norms
from beltline.synthesis.spoil import SPOILS, Case, good, measure_gate


def scanned(water_mm: np.ndarray, iron_mm: np.ndarray, seed: int) -> np.ndarray:
    basis = basis_vector("water")[:, None, None] * water_mm + basis_vector("fe")[:, None, None] * iron_mm
    clean = dual_energy_transmission(np.asarray(basis, np.float32))
    return np.stack(detect(*clean, Detector(), np.random.default_rng(seed)))


def bag(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    water = np.zeros((220, 260), np.float32)
    water[20:200, 30:200] = 20
    for _ in range(6):
        top, left = rng.integers(25, 120), rng.integers(35, 110)
        water[top : top + rng.integers(30, 70), left : left + rng.integers(30, 80)] += rng.uniform(5, 30)
    return scanned(water, np.zeros_like(water), seed)


def article(seed: int) -> np.ndarray:
    rng = np.random.default_rng(100 + seed)
    iron = np.zeros((60, 120), np.float32)
    length, width = int(rng.integers(70, 84)), int(rng.integers(16, 22))
    iron[20 : 20 + width, 15 : 15 + length] = rng.uniform(1.4, 2.0)
    iron[20 : 20 + width, 15:35] += 1.5
    return scanned(np.zeros_like(iron), iron, 100 + seed)


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> ThreatLibrary:
    threats = [
        cut_alone(Scan(article(i), "transmission", ("low", "high")), "knife", f"k{i}", {}) for i in range(8)
    ]
    return write_library(tmp_path_factory.mktemp("library"), threats)


@pytest.fixture(scope="module")
def norms(library: ThreatLibrary) -> Norms:
    return learn_norms(library, [bag(1), bag(2)], "dual")


@pytest.fixture(scope="module")
def case(library: ThreatLibrary) -> Case:
    pixels = bag(5)
    ground, wish = ground_of(pixels, "dual"), Wish()
    place = find_place(ground, library[3], wish, np.random.default_rng(0))
    assert isinstance(place, Place)
    return Case(pixels, ground, library[3], place, noises_of(pixels, "dual"), wish)


def test_a_good_projection_passes_every_check(case: Case, norms: Norms) -> None:
    made = good(case, np.random.default_rng(0))
    verdict = assess(case.bag, made.pixels, made.mask, "knife", norms)
    assert set(verdict.checks) == set(CHECKS)
    assert verdict.score == min(verdict.checks.values())
    assert verdict.score > 0.5


@pytest.mark.parametrize(
    ("spoil", "check"),
    [
        ("hard edges", "edge"),
        ("wrong noise", "noise"),
        ("wrong brightness", "luminance"),
        ("wrong colour", "saturation"),
        ("over air", "place"),
        ("wrong scale", "scale"),
        ("too thick", "thickness"),
    ],
)
def test_each_spoil_fails_the_check_that_is_for_it(case: Case, norms: Norms, spoil: str, check: str) -> None:
    for seed in range(3):
        made = SPOILS[spoil](case, np.random.default_rng(seed))
        assert made is not None
        verdict = assess(case.bag, made.pixels, made.mask, "knife", norms)
        assert verdict.checks[check] < 0.5
        assert verdict.score < 0.5


def test_unknown_classes_pass_the_checks_by_class(case: Case, norms: Norms) -> None:
    made = SPOILS["wrong scale"](case, np.random.default_rng(0))
    assert made is not None
    assert assess(case.bag, made.pixels, made.mask, "gun", norms).checks["scale"] == 1


def test_a_step_is_steeper_than_a_ramp() -> None:
    mask = np.zeros((40, 40), np.float32)
    mask[10:30, 10:30] = 1
    ramp = np.clip(np.minimum.outer(*[np.minimum(np.arange(40) - 8, 31 - np.arange(40))] * 2) / 4, 0, 1)
    assert steepness(mask, mask) == pytest.approx(1)
    assert steepness(ramp.astype(np.float32), mask) == pytest.approx(0.25, abs=0.05)
    assert steepness(0.01 * mask, mask) is None


def test_the_gate_is_measured_on_articles_that_it_has_not_seen(library: ThreatLibrary) -> None:
    bags = [(bag(seed), None) for seed in range(4)]
    report = measure_gate(bags, library, "dual", count=8)
    assert report.good == 8
    assert report.kept >= 0.75
    assert all(report.auc[name] > 0.8 for name in SPOILS)
    with pytest.raises(BadInputError, match="2 bags and 2 articles"):
        measure_gate(bags[:1], library, "dual")
    lone = replace(library, records=library.records[:1])
    with pytest.raises(BadInputError, match="2 articles of a class"):
        measure_gate(bags, lone, "dual")
