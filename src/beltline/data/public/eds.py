"""EDS: the same ten classes through three machines, for shifts between domains.

Source:
    Tao et al., Exploring Endogenous Shift for Cross-Domain Detection (CVPR 2022); total, number of
    classes and terms read in the group's index of sets, folders, line format and class spelling in third-
    party readers. The index gives no count for each machine.
"""

from pathlib import Path

from beltline.data.annotations.annotated import Annotated
from beltline.data.public.box_lines import BoxLineSplit, fake_box_lines, read_box_line_set
from beltline.data.public.record import PublicSet
from beltline.data.verdict import Release

CLASSES = (
    "plasticbottle", "knife", "scissor", "laptop", "umbrella", "lighter", "device", "powerbank", "pressure",
    "glassbottle",
)  # fmt: skip
TOTAL = 14_219
SPLITS = tuple(BoxLineSplit(f"domain{n}", f"domain{n}/image", f"domain{n}/txt") for n in (1, 2, 3))


def read_eds(root: str | Path) -> Annotated:
    """Read a copy; each machine is a split, and file names start anew in each.

    Raises:
        BadInputError: If none of its folders is there.
    """
    return read_box_line_set(root, SPLITS, CLASSES)


def fake_eds(out: Path, each: int, seed: int) -> None:
    """Write a tiny tree of its shape."""
    fake_box_lines(out, SPLITS, CLASSES, each=each, seed=seed)


EDS = PublicSet(
    name="eds",
    title="EDS",
    classes=CLASSES,
    read=read_eds,
    fake=fake_eds,
    releases=(Release("CVPR 2022", {"all": TOTAL}),),
    layout="domain{1,2,3}/image/*.jpg, domain{1,2,3}/txt/*.txt",
    terms="Academic purposes only; access on a signed commitment. (C) Beihang University.",
    source="github.com/DIG-Beihang/XrayDetection",
    own_names=True,
)
