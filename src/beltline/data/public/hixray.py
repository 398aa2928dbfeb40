"""HiXray: eight everyday classes of an airport, most of them electronics.

Source:
    Tao et al., Towards Real-world X-ray Security Inspection (ICCV 2021, arXiv 2108.09917); layout,
    classes and counts read in its repository (README, MuBo/data/HiXray.py) and the group's index of sets.
    github.com/HiXray-author/HiXray, github.com/DIG-Beihang/XrayDetection.
"""

from functools import partial

from beltline.data.public.box_lines import BoxLineSplit, fake_box_lines, read_box_line_set
from beltline.data.public.record import PublicSet
from beltline.data.verdict import Release

CLASSES = (
    "Portable_Charger_1", "Portable_Charger_2", "Water", "Laptop", "Mobile_Phone", "Tablet", "Cosmetic",
    "Nonmetallic_Lighter",
)  # fmt: skip
SPLITS = tuple(
    BoxLineSplit(split, f"{split}/{split}_image", f"{split}/{split}_annotation", f"{split}/{split}_name.txt")
    for split in ("train", "test")
)

HIXRAY = PublicSet(
    name="hixray",
    title="HiXray",
    classes=CLASSES,
    read=partial(read_box_line_set, splits=SPLITS, classes=CLASSES),
    fake=partial(fake_box_lines, splits=SPLITS, classes=CLASSES),
    releases=(Release("ICCV 2021", {"train": 36_295, "test": 9_069}),),
    terms="Academic purposes only; access on a signed commitment. (C) Beihang University.",
)
