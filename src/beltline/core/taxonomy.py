"""One set of class names, with aliases for each public data set."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

ANOMALY = "anomaly"
"""Something concealed in an electronic device."""

ELECTRONICS: tuple[str, ...] = (
    "laptop", "tablet", "phone", "radio", "power_tool", "camera", "speaker", "game_console",
)  # fmt: skip
"""Devices in which something may be concealed; no label of theirs is prohibited."""

STARTER_CLASSES: tuple[str, ...] = (
    "gun", "knife", "wrench", "pliers", "scissors", "hammer", "handcuffs", "baton", "bullet", "lighter",
    "battery", "pressure_vessel", "razor_blade", "saw_blade", "screwdriver", "fireworks", "dart",
)  # fmt: skip
"""What the starters know: the classes of PIXray and PIDray together, and so those of SIXray and OPIXray."""

PROHIBITED: tuple[str, ...] = (
    *STARTER_CLASSES, "gun_part", "axe", "knuckles", "liquid", "powder", "organic_bulk",
)  # fmt: skip

LABELS: tuple[str, ...] = (*PROHIBITED, ANOMALY)

FORMER: Mapping[str, str] = MappingProxyType({"bat": "baton", "power_bank": "battery", "saw": "saw_blade"})
"""Labels of earlier versions, which sets and models still hold, and what they are called now."""

# Names seen in more than one public set, normalised by _key.
_ALIASES: dict[str, str] = {
    **FORMER,
    "pistol": "gun", "handgun": "gun", "revolver": "gun", "firearm": "gun", "guns": "gun", "rifle": "gun",
    "gun_parts": "gun_part", "firearm_part": "gun_part", "firearm_parts": "gun_part", "magazine": "gun_part",
    "knives": "knife", "blade": "knife", "dagger": "knife", "cutter": "knife", "folding_knife": "knife",
    "straight_knife": "knife", "utility_knife": "knife", "multi_tool_knife": "knife",
    "ceramic_knife": "knife", "fruit_knife": "knife", "swiss_army_knife": "knife", "multi_tool": "knife",
    "swissarmyknife": "knife", "throwing_knife": "knife", "shuriken": "dart", "darts": "dart",
    "plier": "pliers", "pincers": "pliers", "wrenches": "wrench", "spanner": "wrench",
    "scissor": "scissors", "screwdrivers": "screwdriver", "hammers": "hammer",
    "hand_saw": "saw_blade", "razorblade": "razor_blade", "razor": "razor_blade", "hatchet": "axe",
    "tomahawk": "axe", "baseball_bat": "baton", "truncheon": "baton", "handcuff": "handcuffs",
    "brass_knuckles": "knuckles", "knuckle": "knuckles", "bullets": "bullet", "ammunition": "bullet",
    "cartridge": "bullet", "lighters": "lighter", "nonmetallic_lighter": "lighter",
    "sprayer": "pressure_vessel", "spray_can": "pressure_vessel", "spraycans": "pressure_vessel",
    "spray_cans": "pressure_vessel", "pressure": "pressure_vessel", "aerosol": "pressure_vessel",
    "gas_cylinder": "pressure_vessel", "firecracker": "fireworks", "firework": "fireworks",
    "fire_cracker": "fireworks", "fireworks_firecrackers": "fireworks", "batteries": "battery",
    "powerbank": "battery", "portable_charger": "battery", "portable_charger_1": "battery",
    "portable_charger_2": "battery", "water": "liquid", "bottle": "liquid", "plasticbottle": "liquid",
    "plastic_bottle": "liquid", "glassbottle": "liquid", "glass_bottle": "liquid", "cartondrinks": "liquid",
    "carton_drinks": "liquid", "metalbottle": "liquid", "cans": "liquid",
    "vacuumcup": "liquid", "vacuum_cup": "liquid", "explosive": "organic_bulk",
    "mobile_phone": "phone", "cellphone": "phone", "cell_phone": "phone",
}  # fmt: skip

# Where one set's word means something else than the shared alias, or is a short code.
_BY_DATASET: dict[str, dict[str, str]] = {
    "sixray": {},
    "opixray": {},
    "pidray": {},
    "hixray": {"cosmetic": "cosmetics"},
    "clcxray": {"tin": "liquid"},
    "eds": {},
    "gdxray": {},
    "pixray": {},
    "xseg": {
        "metalhandlecleaver": "knife", "plastichandlecleaver": "knife", "plastichandlescissors": "scissors",
        "plasticbottleliquid": "liquid", "metalbottleliquid": "liquid", "columnarblockbattery": "battery",
    },
}  # fmt: skip

DATASETS: Mapping[str, Mapping[str, str]] = MappingProxyType(_BY_DATASET)


def canonical(name: str, dataset: str | None = None) -> str:
    """The taxonomy's name of a class; an unknown name comes back in our spelling, not as an error.

    Case, spaces and hyphens do not matter. A data set's own meaning goes before the shared aliases.

    Raises:
        ValueError: If the name is empty or the data set is unknown.

    Example:
        >>> canonical("Gun"), canonical("Multi-tool Knife", "opixray"), canonical("HandCuffs", "pidray")
        ('gun', 'knife', 'handcuffs')
        >>> canonical("Hair dryer")
        'hair_dryer'
    """
    if dataset is not None and dataset.lower() not in _BY_DATASET:
        raise ValueError(f"dataset must be one of {tuple(_BY_DATASET)}, got {dataset!r}")
    key = _key(name)
    if not key:
        raise ValueError(f"a class name needs letters, got {name!r}")
    own = _BY_DATASET.get((dataset or "").lower(), {})
    return own.get(key) or _ALIASES.get(key) or key


def is_threat(label: str) -> bool:
    """Whether a taxonomy name, one of earlier versions too, is a prohibited item or an anomaly.

    Example:
        >>> is_threat("knife"), is_threat("shoes")
        (True, False)
    """
    return label in LABELS or label in FORMER


def with_former(labels: Iterable[str]) -> frozenset[str]:
    """Labels together with what the same classes are called now and were called in earlier versions.

    Example:
        >>> sorted(with_former(["baton", "gun"])), sorted(with_former(["bat"]))
        (['bat', 'baton', 'gun'], ['bat', 'baton'])
    """
    now = {FORMER.get(label, label) for label in labels}
    return frozenset(now | {before for before, name in FORMER.items() if name in now})


def _key(name: str) -> str:
    return re.sub(r"[^0-9a-z]+", "_", name.strip().lower()).strip("_")
