"""EDS: the same ten classes through three machines, for shifts between domains.

Each machine is a split, and file names start anew in each.

Source:
    Tao et al., Exploring Endogenous Shift for Cross-Domain Detection (CVPR 2022); total, number of
    classes and terms read in the group's index of sets, folders, line format and class spelling in third-
    party readers. The index gives no count for each machine. github.com/DIG-Beihang/XrayDetection.
"""

from functools import partial

from beltline.data.public.box_lines import BoxLineSplit, fake_box_lines, read_box_line_set
from beltline.data.public.record import PublicSet
from beltline.data.verdict import Release

CLASSES = (
    "plasticbottle", "knife", "scissor", "laptop", "umbrella", "lighter", "device", "powerbank", "pressure",
    "glassbottle",
)  # fmt: skip
TOTAL = 14_219
SPLITS = tuple(BoxLineSplit(f"domain{n}", f"domain{n}/image", f"domain{n}/txt") for n in (1, 2, 3))

EDS = PublicSet(
    name="eds",
    title="EDS",
    classes=CLASSES,
    read=partial(read_box_line_set, splits=SPLITS, classes=CLASSES),
    fake=partial(fake_box_lines, splits=SPLITS, classes=CLASSES),
    releases=(Release("CVPR 2022", {"all": TOTAL}),),
    terms="Academic purposes only; access on a signed commitment. (C) Beihang University.",
    own_names=True,
)
