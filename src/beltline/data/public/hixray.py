"""HiXray: eight everyday classes of an airport, most of them electronics.

Source:
    Tao et al., Towards Real-world X-ray Security Inspection (ICCV 2021, arXiv 2108.09917); layout,
    classes and counts read in its repository (README, MuBo/data/HiXray.py) and the group's index of sets.
"""

from pathlib import Path

from beltline.data.annotations.annotated import Annotated
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


def read_hixray(root: str | Path) -> Annotated:
    """Read a copy.

    Raises:
        BadInputError: If none of its folders is there.
    """
    return read_box_line_set(root, SPLITS, CLASSES)


def fake_hixray(out: Path, each: int, seed: int) -> None:
    """Write a tiny tree of its shape."""
    fake_box_lines(out, SPLITS, CLASSES, each=each, seed=seed)


HIXRAY = PublicSet(
    name="hixray",
    title="HiXray",
    classes=CLASSES,
    read=read_hixray,
    fake=fake_hixray,
    releases=(Release("ICCV 2021", {"train": 36_295, "test": 9_069}),),
    layout="SPLIT/SPLIT_image/*.jpg, SPLIT_annotation/*.txt, SPLIT_name.txt",
    terms="Academic purposes only; access on a signed commitment. (C) Beihang University.",
    source="github.com/HiXray-author/HiXray, github.com/DIG-Beihang/XrayDetection",
)
