import pytest

from beltline.core import LABELS, PROHIBITED, STARTER_CLASSES, canonical, is_threat
from beltline.core.taxonomy import DATASETS, FORMER, with_former
from beltline.data.public.table import PUBLIC_SETS


@pytest.mark.parametrize(
    ("dataset", "names"),
    [
        ("sixray", {
            "Gun": "gun", "Knife": "knife", "Wrench": "wrench", "Pliers": "pliers", "Scissors": "scissors",
            "Hammer": "hammer",
        }),
        ("opixray", {
            "Folding_Knife": "knife", "Straight_Knife": "knife", "Scissor": "scissors",
            "Utility_Knife": "knife", "Multi-tool_Knife": "knife",
        }),
        ("pidray", {
            "Baton": "baton", "Pliers": "pliers", "Hammer": "hammer", "Powerbank": "battery",
            "Scissors": "scissors", "Wrench": "wrench", "Gun": "gun", "Bullet": "bullet",
            "Sprayer": "pressure_vessel", "HandCuffs": "handcuffs", "Knife": "knife", "Lighter": "lighter",
        }),
        ("hixray", {
            "Portable_Charger_1": "battery", "Portable_Charger_2": "battery", "Mobile_Phone": "phone",
            "Laptop": "laptop", "Tablet": "tablet", "Cosmetic": "cosmetics", "Water": "liquid",
            "Nonmetallic_Lighter": "lighter",
        }),
        ("clcxray", {
            "blade": "knife", "scissors": "scissors", "knife": "knife", "dagger": "knife",
            "SwissArmyKnife": "knife", "PlasticBottle": "liquid", "Cans": "liquid", "VacuumCup": "liquid",
            "GlassBottle": "liquid", "CartonDrinks": "liquid", "Tin": "liquid",
            "SprayCans": "pressure_vessel",
        }),
        ("eds", {
            "plasticbottle": "liquid", "knife": "knife", "scissor": "scissors", "laptop": "laptop",
            "umbrella": "umbrella", "lighter": "lighter", "device": "device", "powerbank": "battery",
            "pressure": "pressure_vessel", "glassbottle": "liquid",
        }),
        ("pixray", {
            "Gun": "gun", "Knife": "knife", "Lighter": "lighter", "Battery": "battery", "Pliers": "pliers",
            "Scissors": "scissors", "Wrench": "wrench", "Hammer": "hammer", "Screwdriver": "screwdriver",
            "Dart": "dart", "Bat": "baton", "Fireworks": "fireworks", "Saw_blade": "saw_blade",
            "Razor_blade": "razor_blade", "Pressure_vessel": "pressure_vessel",
        }),
        ("gdxray", {
            "Knife": "knife", "Handgun": "gun", "Shuriken": "dart", "Razor_blade": "razor_blade",
            "Object": "object",
        }),
    ],
)  # fmt: skip
def test_names_of_public_sets(dataset, names):
    assert {name: canonical(name, dataset) for name in names} == names
    if dataset != "sixray":  # which has readers of its own
        assert PUBLIC_SETS[dataset].labels() == names


def test_the_starters_know_every_class_of_pixray_and_pidray():
    assert len(set(STARTER_CLASSES)) == len(STARTER_CLASSES) == 17
    assert set(STARTER_CLASSES) <= set(PROHIBITED)
    pixray, pidray = (PUBLIC_SETS[name].labels().values() for name in ("pixray", "pidray"))
    assert {*pixray, *pidray} == set(STARTER_CLASSES)


@pytest.mark.parametrize(("before", "now"), FORMER.items())
def test_names_of_earlier_versions_are_aliases(before, now):
    assert before not in LABELS
    assert canonical(before) == now
    assert is_threat(before), "sets of earlier versions still hold it"
    assert before in with_former([now])
    assert now in with_former([before])


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
