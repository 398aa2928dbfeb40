"""CLCXray: five kinds of cutters and seven of liquid containers.

Source:
    Zhao et al., Detecting Overlapped Objects in X-ray Security Imagery by a Label-aware Mechanism (TIFS
    2022); total, classes and terms read in its repository, file names and class spelling in third-party
    readers; the counts of the splits recalled.
"""

from pathlib import Path

from beltline.data.annotations.annotated import Annotated
from beltline.data.public.coco_set import CocoPart, fake_coco_set, read_coco_set
from beltline.data.public.record import PublicSet
from beltline.data.verdict import Release

CLASSES = (
    "blade", "scissors", "knife", "dagger", "SwissArmyKnife", "PlasticBottle", "Cans", "VacuumCup",
    "GlassBottle", "CartonDrinks", "Tin", "SprayCans",
)  # fmt: skip
_SPLITS = ("train", "val", "test")
PARTS = tuple(CocoPart(s, f"annotations/instances_{s}2017.json", f"{s}2017") for s in _SPLITS)


def read_clcxray(root: str | Path) -> Annotated:
    """Read a copy; images whose extension differs from the annotation's are found all the same.

    Raises:
        BadInputError: If none of its COCO files is there.
    """
    return read_coco_set(root, PARTS, CLASSES)


def fake_clcxray(out: Path, each: int, seed: int) -> None:
    """Write a tiny tree of its shape."""
    fake_coco_set(out, PARTS, CLASSES, each=each, seed=seed, suffix=".png")


CLCXRAY = PublicSet(
    name="clcxray",
    title="CLCXray",
    classes=CLASSES,
    read=read_clcxray,
    fake=fake_clcxray,
    releases=(Release("TIFS 2022", {"train": 7_652, "val": 957, "test": 956}, _SPLITS),),
    layout="{train,val,test}2017/*, annotations/instances_{train,val,test}2017.json",
    terms="Academic purposes only, no commercial use. (C) Tongji University.",
    source="github.com/GreysonPhoenix/CLCXray",
)
