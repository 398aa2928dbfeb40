"""Containers of luggage by name; how each is built stands in ``luggage/``."""

from __future__ import annotations

from beltline.simulate.luggage.backpacks import backpack
from beltline.simulate.luggage.boxes import parcel, tray
from beltline.simulate.luggage.cases import briefcase, duffel
from beltline.simulate.luggage.container import Container, ContainerMaker
from beltline.simulate.luggage.handbags import handbag, plastic_bag
from beltline.simulate.luggage.suitcases import hard_suitcase, soft_suitcase

__all__ = ["CONTAINERS", "Container", "ContainerMaker"]

CONTAINERS: dict[str, ContainerMaker] = {
    "hard_suitcase": hard_suitcase,
    "soft_suitcase": soft_suitcase,
    "backpack": backpack,
    "handbag": handbag,
    "plastic_bag": plastic_bag,
    "briefcase": briefcase,
    "duffel": duffel,
    "parcel": parcel,
    "tray": tray,
}
