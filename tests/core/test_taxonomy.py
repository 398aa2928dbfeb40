import pytest

from beltline.core import LABELS, PROHIBITED, canonical, is_threat
from beltline.core.taxonomy import DATASETS


@pytest.mark.parametrize(
    ("dataset", "names"),
    [
        ("sixray", {
            "Gun": "gun", "Knife": "knife", "Wrench": "wrench", "Pliers": "pliers", "Scissors": "scissors",
        }),
        ("opixray", {
            "Folding_Knife": "knife", "Straight_Knife": "knife", "Scissor": "scissors",
            "Utility_Knife": "knife", "Multi-tool_Knife": "knife",
        }),
        ("pidray", {
            "Baton": "baton", "Pliers": "pliers", "Hammer": "hammer", "Powerbank": "power_bank",
            "Scissors": "scissors", "Wrench": "wrench", "Gun": "gun", "Bullet": "bullet",
            "Sprayer": "pressure_vessel", "HandCuffs": "handcuffs", "Knife": "knife", "Lighter": "lighter",
        }),
        ("hixray", {
            "Portable_Charger_1": "power_bank", "Portable_Charger_2": "power_bank", "Mobile_Phone": "phone",
            "Laptop": "laptop", "Cosmetic": "cosmetics", "Water": "liquid", "Nonmetallic_Lighter": "lighter",
        }),
    ],
)  # fmt: skip
def test_names_of_public_sets(dataset, names):
    assert {name: canonical(name, dataset) for name in names} == names


@pytest.mark.parametrize("label", LABELS)
def test_our_own_names_stay(label):
    assert canonical(label) == label
    assert canonical(label.replace("_", " ").title()) == label
    assert is_threat(label)


def test_canonical_is_idempotent_for_every_set():
    for dataset in (None, *DATASETS):
        for name in ("Gun", "Razor blade", "Some New Thing"):
            once = canonical(name, dataset)
            assert canonical(once, dataset) == once


def test_everyday_names_pass_through():
    assert canonical("Umbrella") == "umbrella"
    assert not is_threat("umbrella")


def test_labels_are_unique():
    assert len(set(LABELS)) == len(LABELS) == len(PROHIBITED) + 1


def test_bad_questions():
    with pytest.raises(ValueError, match="dataset"):
        canonical("gun", "cifar")
    with pytest.raises(ValueError, match="letters"):
        canonical("--")
