"""CLCXray: five kinds of cutters and seven of liquid containers.

Images whose extension differs from the annotation's are found all the same.

Source:
    Zhao et al., Detecting Overlapped Objects in X-ray Security Imagery by a Label-aware Mechanism (TIFS
    2022); total, classes and terms read in its repository, file names and class spelling in third-party
    readers; the counts of the splits recalled. github.com/GreysonPhoenix/CLCXray.
"""

from functools import partial

from beltline.data.public.coco_set import CocoPart, fake_coco_set, read_coco_set
from beltline.data.public.record import PublicSet
from beltline.data.verdict import Release

CLASSES = (
    "blade", "scissors", "knife", "dagger", "SwissArmyKnife", "PlasticBottle", "Cans", "VacuumCup",
    "GlassBottle", "CartonDrinks", "Tin", "SprayCans",
)  # fmt: skip
_SPLITS = ("train", "val", "test")
PARTS = tuple(CocoPart(s, f"annotations/instances_{s}2017.json", f"{s}2017") for s in _SPLITS)

CLCXRAY = PublicSet(
    name="clcxray",
    title="CLCXray",
    classes=CLASSES,
    read=partial(read_coco_set, parts=PARTS, classes=CLASSES),
    fake=partial(fake_coco_set, parts=PARTS, classes=CLASSES),
    releases=(Release("TIFS 2022", {"train": 7_652, "val": 957, "test": 956}, _SPLITS),),
    terms="Academic purposes only, no commercial use. (C) Tongji University.",
)
