"""Bags that never were: exact geometry, tabulated physics, labels that no annotator could draw."""

from beltline.simulate.bags import SPLITS, BagRecipe, draw_scene, split_of
from beltline.simulate.dataset import SetPlan, simulate_set
from beltline.simulate.electronics import PAPER_KINDS, ElectronicsRecipe, draw_electronics
from beltline.simulate.generate import SimulatedBag, photograph_scene, preview, simulate_bag
from beltline.simulate.items import families, make_item
from beltline.simulate.items.anomalies import DEVICES, KINDS
from beltline.simulate.scanner import Scanner, Seen, View, scan_scene
from beltline.simulate.scene import Scene
from beltline.simulate.solids import Item, Part, Texture

__all__ = [
    "DEVICES",
    "KINDS",
    "PAPER_KINDS",
    "SPLITS",
    "BagRecipe",
    "ElectronicsRecipe",
    "Item",
    "Part",
    "Scanner",
    "Scene",
    "Seen",
    "SetPlan",
    "SimulatedBag",
    "Texture",
    "View",
    "draw_electronics",
    "draw_scene",
    "families",
    "make_item",
    "photograph_scene",
    "preview",
    "scan_scene",
    "simulate_bag",
    "simulate_set",
    "split_of",
]
