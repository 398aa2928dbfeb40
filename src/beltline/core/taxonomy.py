"""One set of class names, with aliases for each public data set."""

import re
from collections.abc import Mapping
from types import MappingProxyType

ANOMALY = "anomaly"
"""Something concealed in an electronic device."""

PROHIBITED: tuple[str, ...] = (
    "gun", "gun_part", "knife", "wrench", "pliers", "scissors", "hammer", "screwdriver", "saw", "axe",
    "razor_blade", "dart", "bat", "baton", "handcuffs", "knuckles", "bullet", "lighter",
    "pressure_vessel", "fireworks", "battery", "power_bank", "liquid", "powder", "organic_bulk",
)  # fmt: skip

LABELS: tuple[str, ...] = (*PROHIBITED, ANOMALY)

# Names seen in more than one public set, normalised by _key.
_ALIASES: dict[str, str] = {
    "pistol": "gun", "handgun": "gun", "revolver": "gun", "firearm": "gun", "guns": "gun", "rifle": "gun",
    "gun_parts": "gun_part", "firearm_part": "gun_part", "firearm_parts": "gun_part", "magazine": "gun_part",
    "knives": "knife", "blade": "knife", "dagger": "knife", "cutter": "knife", "folding_knife": "knife",
    "straight_knife": "knife", "utility_knife": "knife", "multi_tool_knife": "knife",
    "ceramic_knife": "knife", "fruit_knife": "knife", "swiss_army_knife": "knife", "multi_tool": "knife",
    "swissarmyknife": "knife", "throwing_knife": "knife", "shuriken": "dart", "darts": "dart",
    "plier": "pliers", "pincers": "pliers", "wrenches": "wrench", "spanner": "wrench",
    "scissor": "scissors", "screwdrivers": "screwdriver", "hammers": "hammer",
    "saw_blade": "saw", "razorblade": "razor_blade", "razor": "razor_blade", "hatchet": "axe",
    "tomahawk": "axe", "baseball_bat": "bat", "truncheon": "baton", "handcuff": "handcuffs",
    "brass_knuckles": "knuckles", "knuckle": "knuckles", "bullets": "bullet", "ammunition": "bullet",
    "cartridge": "bullet", "lighters": "lighter", "nonmetallic_lighter": "lighter",
    "sprayer": "pressure_vessel", "spray_can": "pressure_vessel", "spraycans": "pressure_vessel",
    "spray_cans": "pressure_vessel", "pressure": "pressure_vessel", "aerosol": "pressure_vessel",
    "gas_cylinder": "pressure_vessel", "firecracker": "fireworks", "firework": "fireworks",
    "fire_cracker": "fireworks", "fireworks_firecrackers": "fireworks", "batteries": "battery",
    "powerbank": "power_bank", "portable_charger": "power_bank", "portable_charger_1": "power_bank",
    "portable_charger_2": "power_bank", "water": "liquid", "bottle": "liquid", "plasticbottle": "liquid",
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
    """Whether a taxonomy name is a prohibited item or an anomaly.

    Example:
        >>> is_threat("knife"), is_threat("shoes")
        (True, False)
    """
    return label in LABELS


def _key(name: str) -> str:
    return re.sub(r"[^0-9a-z]+", "_", name.strip().lower()).strip("_")
