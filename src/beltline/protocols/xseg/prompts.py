"""What a network is given for an answer, by the row's rule; the same in training and in the test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from beltline.core.point_generator import PointGenerator
from beltline.models.apsam import generated_points
from beltline.models.segmenter import ClickSegmenter
from beltline.protocols.xseg.plan import ONE_CLICK, Points

#: The honest generator, one that always draws, and the released one.
GENERATORS = {
    "generated": PointGenerator(),
    "drawn": PointGenerator(min_distance=inf),
    "oracle": PointGenerator(oracle=True),
}
TRAINING_JITTER = 0.1  # the paper's scale of the box


class Prompt(NamedTuple):
    """Clicks (B, N, 2) xy, pixels, and their labels (B, N): 1, 0 or -1 for none."""

    points: Tensor
    labels: Tensor

    def also(self, points: Tensor) -> Prompt:
        """With further points on the item (B, M, 2)."""
        ones = torch.ones(points.shape[:2], dtype=self.labels.dtype, device=self.labels.device)
        return Prompt(torch.cat([self.points, points.to(self.points)], 1), torch.cat([self.labels, ones], 1))


@dataclass(frozen=True)
class Asker:
    """Asks a network in the way of a row.

    Attributes:
        rule: Which points it is given.
        jitter: Of the generator's box, 0 in the test.
    """

    rule: Points
    jitter: float = 0.0

    def answers(
        self,
        segmenter: ClickSegmenter,
        embedding: Any,
        image: Tensor,
        prompt: Prompt,
        *,
        truth: Tensor,
        seeds: Sequence[int],
    ) -> list[Tensor]:
        """Mask logits (B, 1, h, w), the last of them the answer; those before are its steps.

        Args:
            segmenter: Network.
            embedding: Of the pictures.
            image: (B, 3, S, S) in [0, 1].
            prompt: What the user clicked.
            truth: (B, S, S) bool, for the two rules that are no answer to a click; no other looks at it.
            seeds: B, of what is drawn.
        """
        if not segmenter.promptable or self.rule == "click":
            return [segmenter.decode(embedding, *prompt)]
        if self.rule == "two random":
            return [segmenter.decode(embedding, *prompt.also(_drawn_on(truth, seeds)))]
        if self.rule == "oracle":
            points = _oracle_points(image, truth, seeds)
            labels = torch.ones(points.shape[:2], dtype=torch.int64, device=image.device)
            return [segmenter.decode(embedding, points, labels)]
        first = segmenter.decode(embedding, *prompt)
        known = GENERATORS[self.rule]
        generator = PointGenerator(min_distance=known.min_distance, jitter=self.jitter)
        points = generated_points(image, first, prompt.points[:, 0], generator, seeds=seeds)
        return [first, segmenter.decode(embedding, *prompt.also(points))]


class Batch(NamedTuple):
    """What one training step sees; whole numbers, which mixed precision leaves as they are."""

    image: Tensor  # (B, 3, S, S) uint8
    click: Tensor  # (B, 2) int64 xy, any pixel of the item
    mask: Tensor  # (B, 1, S, S) bool
    seed: Tensor  # (B,) int64
    corrected: bool  # whether a second click follows, where the first answer was wrong


class ClickTraining(nn.Module):
    """A segmenter as it is trained: all answers of a batch in one forward pass.

    Args:
        segmenter: Network.
        asker: How it is asked.
    """

    def __init__(self, segmenter: ClickSegmenter, asker: Asker) -> None:
        super().__init__()
        self.segmenter, self.asker = segmenter, asker

    def forward(self, batch: Batch) -> list[Tensor]:
        """Mask logits (B, 1, h, w) of each answer that is taught."""
        segmenter, truth = self.segmenter, batch.mask[:, 0]
        image, prompt = picture_and_click(batch)
        embedding = segmenter.encode(image)
        seeds = [int(seed) for seed in batch.seed]
        answers = self.asker.answers(segmenter, embedding, image, prompt, truth=truth, seeds=seeds)
        if batch.corrected and segmenter.promptable and self.asker.rule in ONE_CLICK:
            points, labels = corrections(answers[-1].detach(), truth, seeds)
            both = Prompt(torch.cat([prompt.points, points], 1), torch.cat([prompt.labels, labels], 1))
            answers.append(segmenter.decode(embedding, *both))
        return answers


def picture_and_click(batch: Batch) -> tuple[Tensor, Prompt]:
    """The pictures in [0, 1], float32, and the clicks as a prompt."""
    ones = torch.ones(len(batch.image), 1, dtype=torch.int64, device=batch.image.device)
    return batch.image.float() / 255, Prompt(batch.click[:, None].float(), ones)


def corrections(logits: Tensor, truth: Tensor, seeds: Sequence[int]) -> tuple[Tensor, Tensor]:
    """A click at random on what an answer has wrong, (B, 1, 2) and its label (B, 1), -1 where nothing is.

    Args:
        logits: (B, 1, h, w).
        truth: (B, S, S) bool.
        seeds: B.
    """
    whole = F.interpolate(logits.float(), truth.shape[1:], mode="bilinear", align_corners=False)[:, 0] > 0
    wrong = (whole != truth).cpu().numpy()
    points = np.zeros((len(wrong), 1, 2), np.float32)
    labels = np.full((len(wrong), 1), -1)
    known = truth.cpu().numpy()
    for row, (mask, seed) in enumerate(zip(wrong, seeds, strict=True)):
        if mask.any():
            x, y = pixel_of(mask, np.random.default_rng((seed, 1)))
            points[row, 0], labels[row, 0] = (x, y), int(known[row, y, x])
    return torch.from_numpy(points).to(logits.device), torch.from_numpy(labels).to(truth.device)


def pixel_of(mask: NDArray[np.bool_], rng: np.random.Generator) -> tuple[int, int]:
    """Any pixel x, y of a mask (H, W), each as likely."""
    places = np.flatnonzero(mask)
    y, x = divmod(int(places[rng.integers(len(places))]), mask.shape[1])
    return x, y


def _drawn_on(truth: Tensor, seeds: Sequence[int]) -> Tensor:
    drawn = [
        pixel_of(mask, np.random.default_rng((seed, 2)))
        for mask, seed in zip(truth.cpu().numpy(), seeds, strict=True)
    ]
    return torch.tensor(drawn, dtype=torch.float32, device=truth.device)[:, None]


def _oracle_points(image: Tensor, truth: Tensor, seeds: Sequence[int]) -> Tensor:
    rows = zip(image.float().cpu().numpy(), truth.cpu().numpy(), seeds, strict=True)
    pairs = [
        GENERATORS["oracle"].points(pixels, mask, (0.0, 0.0), truth=mask, seed=seed)
        for pixels, mask, seed in rows
    ]
    return torch.from_numpy(np.stack(pairs)).to(image.device)
