"""OPIXray: five kinds of cutters inserted by inspectors, test images by level of occlusion.

Test pictures carry their level of occlusion as subset: OL1 none or slight to OL3 severe.

Source:
    Wei et al., Occluded Prohibited Items Detection (ACM MM 2020); layout and lists read in its repository
    (README, DOAM/data/OPIXray.py), image counts in the group's index of sets; counts of the levels
    recalled. github.com/OPIXray-author/OPIXray.
"""

from functools import partial

from beltline.data.public.box_lines import BoxLineSplit, fake_box_lines, read_box_line_set
from beltline.data.public.record import PublicSet
from beltline.data.verdict import Release

CLASSES = ("Folding_Knife", "Straight_Knife", "Scissor", "Utility_Knife", "Multi-tool_Knife")
LEVELS = ("OL1", "OL2", "OL3")
SPLITS = (
    BoxLineSplit("train", "train/train_image", "train/train_annotation", "train/train_knife.txt"),
    BoxLineSplit(
        "test", "test/test_image", "test/test_annotation", "test/test_knife.txt",
        {level: f"test/test_knife-{number}.txt" for number, level in enumerate(LEVELS, start=1)},
    ),
)  # fmt: skip

OPIXRAY = PublicSet(
    name="opixray",
    title="OPIXray",
    classes=CLASSES,
    read=partial(read_box_line_set, splits=SPLITS, classes=CLASSES),
    fake=partial(fake_box_lines, splits=SPLITS, classes=CLASSES),
    releases=(
        Release("ACM MM 2020", {"train": 7109, "test": 1776, "OL1": 922, "OL2": 548, "OL3": 306}, LEVELS),
    ),
    terms="Academic purposes only, not commercial; access on a signed commitment. (C) Beihang University.",
)
