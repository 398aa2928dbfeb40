"""Recipes of the CHR paper: on SIXray list files as the released code trains it, and on single labels."""

from dataclasses import replace

from beltline.systems.chr.recipe import ChrRecipe
from beltline.training.augment import NO_AUGMENTATION
from beltline.training.settings import TrainingSettings

SIXRAY_CLASSES = ("gun", "knife", "wrench", "pliers", "scissors")


def chr_paper() -> ChrRecipe:
    """ResNet-34 with CHR, stochastic gradient descent at a rate that never decays, 15 epochs of 320 images.

    The released schedule steps at epoch 20 of 15 and on a copy of the optimizer's state, so the rate stays.
    Sides and normalisation are those of the backbone's weights: 224 of 256 pixels for ResNet-34.
    The paper gives no epsilon; 0.001 lies below the share of every class in SIXray10 and SIXray100.

    Source:
        Released main.py, engine.py and runme.sh; class balance ``drop_easy``, see
        `beltline.models.chr.keep_negatives`.
    """
    return ChrRecipe(
        classes=SIXRAY_CLASSES,
        backbone="ResNet34",
        backbone_channels=(),
        pooling="avg",
        mask_weight=0.0,
        epsilon=0.001,
        crop_height=0,
        crop_width=0,
        warp=0,
        long_side=0,
        epochs=15.0,
        normalisation="backbone",
        augmentation=NO_AUGMENTATION,
        training=TrainingSettings(
            batch_size=64,
            accumulate=5,
            optimizer="sgd",
            lr=0.01,
            weight_decay=1e-4,
            schedule="constant",
            warmup=0.0,
            ema_decay=0.0,
            workers=4,
        ),
    )


def chr_single_label() -> ChrRecipe:
    """The settings of `chr_paper`, cross-entropy at every stage, classes as the folder has them.

    Images hold one class each and are laid out as ILSVRC is: the paper's check on balanced data.

    Source:
        SIXray paper, experiment on ILSVRC-2012, where the class-balanced weights are off; its rate and length
        are not given, those of SIXray stand in.
    """
    return replace(chr_paper(), loss="cross_entropy", classes=())
