"""The prompt of grounded inpainting, and which of its tokens belong to which instance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MAX_BOXES = 30


@dataclass(frozen=True)
class GroundedPrompt:
    """One caption for the picture, one phrase for each box.

    Attributes:
        caption: What the whole picture shows.
        phrases: Of each instance, what its box holds.
        tokens: Of each instance, the positions of its category's tokens in the tokenised caption, the start
            token counted. Two instances of one category have each their own.
    """

    caption: str
    phrases: tuple[str, ...]
    tokens: tuple[tuple[int, ...], ...]


def grounded_prompt(tokenizer: Any, categories: Sequence[str], *, released: bool = False) -> GroundedPrompt:
    """The prompt for one instance of each category named; a category named twice has two instances.

    The caption joins the grounding phrases, ``one Gun, one Knife``, so that both say the same.

    Args:
        tokenizer: Fast tokenizer of transformers, which tells the places of its tokens in the text.
        categories: Names, at least one, at most 30 (`MAX_BOXES`).
        released: Join the bare names, ``Gun, Knife``; the phrases are the same.

    Raises:
        ValueError: If the number of categories is wrong, a name is empty or leaves no token, or the caption
            is longer than the text encoder reads.

    Source:
        Released code of Xsyn, whose training captions join bare names, while a later helper writes other
        captions; one form for both is ours. Positions by instance, not by word, are ours too.
    """
    if not 1 <= len(categories) <= MAX_BOXES:
        raise ValueError(f"a prompt takes 1 to {MAX_BOXES} instances, got {len(categories)}; paint in turns")
    phrases = tuple(f"one {category}" for category in categories)
    shown = tuple(categories) if released else phrases
    caption = ", ".join(shown)
    encoded = tokenizer(caption, return_offsets_mapping=True, verbose=False)
    if len(encoded["input_ids"]) > tokenizer.model_max_length:
        raise ValueError(
            f"the caption of {len(categories)} instances has {len(encoded['input_ids'])} tokens, the text"
            f" encoder reads {tokenizer.model_max_length}; paint fewer at a time"
        )
    tokens, begin = [], 0
    for category, part in zip(categories, shown, strict=True):
        end = begin + len(part)
        tokens.append(_tokens_within(encoded["offset_mapping"], end - len(category), end))
        begin = end + len(", ")
        if not tokens[-1]:
            raise ValueError(f"the category {category!r} leaves no token in the caption; give it a name")
    return GroundedPrompt(caption, phrases, tuple(tokens))


def _tokens_within(offsets: Sequence[tuple[int, int]], begin: int, end: int) -> tuple[int, ...]:
    """Tokens that share a character with [begin, end); start and end tokens have no characters."""
    return tuple(place for place, (first, last) in enumerate(offsets) if max(first, begin) < min(last, end))
