"""Which fields of a recipe count when: a ``--set`` that would change nothing is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from beltline.core import BadInputError
from beltline.training.recipes.chr_starter import ChrStarterRecipe
from beltline.training.recipes.detector_starter import STARTER, DetectorRecipe

R = TypeVar("R")


class Use(NamedTuple, Generic[R]):
    """When a field counts.

    Attributes:
        field: Its name, or the name that its own fields share.
        counts: Whether it does, or has the one value that it stands for anyway.
        when: The same in words.
    """

    field: str
    counts: Callable[[R], bool]
    when: str


def require_used(recipe: R, changes: Sequence[str], uses: Sequence[Use[R]]) -> None:
    """Refuse a change that has no effect.

    Args:
        recipe: With the changes.
        changes: Texts of ``--set``.
        uses: Fields that do not always count.

    Raises:
        BadInputError: Naming the field, and when it counts.
    """
    named = [change.partition("=")[0] for change in changes]
    for field, counts, when in uses:
        found = [name for name in named if name == field or name.startswith(f"{field}.")]
        if found and not counts(recipe):
            raise BadInputError(f"--set {found[0]} would change nothing: it counts {when}")


def uses_of_classifier(*, lists: bool) -> tuple[Use[ChrStarterRecipe], ...]:
    """Of `ChrStarterRecipe`, on lists of image files or on shards."""
    on_lists, on_shards = "on lists of image files, not on shards", "on shards, not on lists of image files"
    return (
        Use("loss_mode", _balances, "with loss=bce and variant CH or CHR"),
        Use(
            "epsilon",
            lambda r: _balances(r) and r.loss_mode in ("drop_easy", "paper_literal"),
            "with loss=bce, variant CH or CHR, and loss_mode=drop_easy or paper_literal",
        ),
        Use("normalise", lambda r: r.loss == "bce", "with loss=bce"),
        Use("warmup", lambda r: r.schedule == "cosine", "with schedule=cosine"),
        Use("pretrained", lambda r: not (r.init or r.backbone_weights), "without init and backbone_weights"),
        Use("warp", lambda r: lists, on_lists),
        Use("crop_width", lambda r: not lists or r.crop_width == r.crop_height,
            f"{on_shards}, which are cut to squares of crop_height"),
        Use("augmentation", lambda r: not lists, f"{on_shards}, which are flipped and cropped as published"),
    )  # fmt: skip


def uses_of_detector() -> tuple[Use[DetectorRecipe], ...]:
    """Of `DetectorRecipe`."""
    own = ("backbone", "backbone_channels", "width", "convolutions")
    return (
        *(Use[DetectorRecipe](name, _is_starter, f"with detector={STARTER}") for name in own),
        Use("warmup", lambda r: r.schedule == "cosine", "with schedule=cosine"),
    )


def _balances(recipe: ChrStarterRecipe) -> bool:
    return recipe.loss == "bce" and recipe.variant in ("CH", "CHR")


def _is_starter(recipe: DetectorRecipe) -> bool:
    return recipe.detector == STARTER
