"""PIDray: twelve classes with masks; the test split in three parts: easy, hard, and deliberately hidden.

Test pictures carry their part as subset. easy: one prohibited item; hard: more than one; hidden:
deliberately hidden ones.

Source:
    Wang et al., Towards Real-World Prohibited Item Detection (ICCV 2021, arXiv 2108.07020); Zhang et al.,
    PIDray (IJCV 2023). Totals, train and test counts, the second release's table and the terms read in
    the two repositories, file names in third-party readers; the first release's counts of the three parts
    recalled. Both releases are taken to have one layout; they are told apart by counts.
    github.com/bywang2018/security-dataset, github.com/lutao2021/PIDray.
"""

from functools import partial

from beltline.data.public.coco_set import CocoPart, fake_coco_set, read_coco_set
from beltline.data.public.record import PublicSet
from beltline.data.verdict import Release

CLASSES = (
    "Baton", "Pliers", "Hammer", "Powerbank", "Scissors", "Wrench", "Gun", "Bullet", "Sprayer", "HandCuffs",
    "Knife", "Lighter",
)  # fmt: skip
TEST_PARTS = ("easy", "hard", "hidden")
PARTS = (
    CocoPart("train", "annotations/xray_train.json", "train"),
    *(CocoPart("test", f"annotations/xray_test_{part}.json", part, part) for part in TEST_PARTS),
)

PIDRAY = PublicSet(
    name="pidray",
    title="PIDray",
    classes=CLASSES,
    read=partial(read_coco_set, parts=PARTS, classes=CLASSES),
    fake=partial(fake_coco_set, parts=PARTS, classes=CLASSES),
    releases=(
        Release(
            "ICCV 2021, 47,677 images",
            {"train": 29_457, "test": 18_220, "easy": 9_482, "hard": 3_733, "hidden": 5_005},
            TEST_PARTS,
        ),
        Release(
            "IJCV 2023, 124,486 images",
            {"train": 76_913, "test": 47_573, "easy": 24_758, "hard": 9_746, "hidden": 13_069},
        ),
    ),
    terms="Academic purposes only, not commercial. (C) Institute of Software, Chinese Academy of Sciences.",
)
