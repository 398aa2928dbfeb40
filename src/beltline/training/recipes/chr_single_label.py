"""Recipe of CHR on images of one class each, laid out as ILSVRC is: the paper's check on balanced data."""

from dataclasses import replace

from beltline.training.recipes.chr_paper import chr_paper
from beltline.training.recipes.chr_starter import ChrStarterRecipe


def chr_single_label() -> ChrStarterRecipe:
    """The settings of `chr_paper`, cross-entropy at every stage, classes as the folder has them.

    Source:
        SIXray paper, experiment on ILSVRC-2012, where the class-balanced weights are off; its rate and length
        are not given, those of SIXray stand in.
    """
    return replace(chr_paper(), recipe="chr_single_label", loss="cross_entropy", classes=())
