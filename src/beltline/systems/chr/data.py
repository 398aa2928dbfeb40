"""What a classifier learns from and is measured on: a folder of shards, of lists, or with class folders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

from beltline.core import BadInputError
from beltline.data.annotations import ImageList, repeat_positives
from beltline.formats import read_classes
from beltline.systems.chr.lists import (
    ListBatches,
    Split,
    classes_of,
    holds_class_folders,
    holds_lists,
    read_list,
    whole_list,
)
from beltline.systems.chr.recipe import ChrRecipe, with_sides
from beltline.training.augment import require_amplitudes
from beltline.training.files import FileBatches
from beltline.training.loop import Batches
from beltline.training.shards import Batch, ShardBatches, require_shards, whole_scans


class ChrData(Protocol):
    """A data folder that was looked at."""

    def batches(self, recipe: ChrRecipe) -> Batches:
        """Endless augmented batches; raises `BadInputError` where the recipe asks for what is not there."""
        ...

    def scans(self, recipe: ChrRecipe, split: Split, limit: int | None) -> Iterator[Batch]:
        """Every scan once, for measuring."""
        ...

    def steps(self, recipe: ChrRecipe) -> int:
        """Optimizer steps of a training."""
        ...


@dataclass(frozen=True)
class ShardData:
    """A folder of shards, where shards added while training runs are taken up; it has one split."""

    folder: Path

    def batches(self, recipe: ChrRecipe) -> Batches:
        """See `ChrData`."""
        if recipe.sampling == "balanced":
            raise BadInputError(
                f"{self.folder}: sampling=balanced is for lists of image files; make shards with the share of"
                " positives that they should have"
            )
        size = (recipe.crop_height, recipe.crop_width)
        require_amplitudes(recipe.augmentation, size)
        return ShardBatches(
            self.folder,
            recipe.classes,
            batch_size=recipe.training.batch_size,
            size=size,
            ranges=recipe.augmentation,
            long_side=recipe.long_side,
            seed=recipe.training.seed,
            workers=recipe.training.workers,
        )

    def scans(self, recipe: ChrRecipe, split: Split, limit: int | None) -> Iterator[Batch]:
        """See `ChrData`."""
        return whole_scans(
            self.folder,
            recipe.classes,
            batch_size=recipe.training.batch_size,
            limit=limit,
            long_side=recipe.long_side,
        )

    def steps(self, recipe: ChrRecipe) -> int:
        """See `ChrData`; shards may grow meanwhile, so there are no epochs.

        Raises:
            BadInputError: If the recipe counts some.
        """
        if recipe.epochs > 0:
            raise BadInputError(
                f"{self.folder}: the recipe's epochs={recipe.epochs:g} count passes over a list of image"
                " files; shards need --set steps=..."
            )
        return recipe.training.steps


@dataclass(frozen=True, eq=False)
class ListData:
    """Image files by list or class folder; each list is read when it is first wanted."""

    folder: Path
    classes: tuple[str, ...]

    @cached_property
    def train(self) -> ImageList:
        """The training list."""
        return read_list(self.folder, "train", self.classes)

    def batches(self, recipe: ChrRecipe) -> Batches:
        """See `ChrData`."""
        if recipe.mask_weight > 0:
            raise BadInputError(
                f"{self.folder}: lists of files have no masks to train on; use --recipe chr_paper or --set"
                " mask_weight=0"
            )
        return ListBatches(
            FileBatches(
                repeat_positives(self.train) if recipe.sampling == "balanced" else self.train,
                batch_size=recipe.training.batch_size,
                size=recipe.crop_height,
                warp=recipe.warp,
                seed=recipe.training.seed,
                workers=recipe.training.workers,
            )
        )

    def scans(self, recipe: ChrRecipe, split: Split, limit: int | None) -> Iterator[Batch]:
        """See `ChrData`."""
        images = self.train if split == "train" else read_list(self.folder, split, self.classes)
        return whole_list(images, batch_size=recipe.training.batch_size, size=recipe.long_side, limit=limit)

    def steps(self, recipe: ChrRecipe) -> int:
        """By epochs, where the recipe counts them."""
        training = recipe.training
        if recipe.epochs <= 0:
            return training.steps
        return max(1, round(recipe.epochs * len(self.train) / (training.batch_size * training.accumulate)))


def open_data(folder: Path, recipe: ChrRecipe) -> tuple[ChrData, ChrRecipe]:
    """A data folder of any kind, and the recipe with its classes and sides where it leaves them open.

    Raises:
        BadInputError: If the folder is none, lacks a class, or does not fit the loss.
    """
    lists = holds_lists(folder)
    if not recipe.classes:
        recipe = replace(recipe, classes=classes_of(folder) if lists else read_classes(folder))
    if recipe.loss == "cross_entropy" and not holds_class_folders(folder):
        raise BadInputError(
            f"{folder}: cross-entropy wants images of exactly one class, in train/CLASS and val/CLASS;"
            " use --set loss=bce"
        )
    recipe = with_sides(recipe)
    if lists:
        return ListData(folder, recipe.classes), recipe
    require_shards(folder, recipe.classes)
    return ShardData(folder), recipe
