"""GLIGEN as the synthesis wants a painter: whole scans in colour, one item at a time, told by words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from beltline.models import gligen
from beltline.models.attention_store import AttentionStore
from beltline.models.gligen import Gligen
from beltline.models.gligen_prompt import grounded_prompt
from beltline.synthesis.diffusion.sampling import SamplerSettings, inpaint
from beltline.synthesis.diffusion.window_painter import PaintedWindows
from beltline.training.gligen_weights import gligen_digest, read_gligen

Floats = NDArray[np.float32]
#: Of the unconditional pass; that of GLIGEN's released code. Xsyn's is likewise of no use to scans.
NEGATIVE = (
    "longbody, lowres, bad anatomy, bad hands, missing fingers, extra digit, fewer digits, cropped, worst"
    " quality, low quality"
)


@dataclass(frozen=True, eq=False)
class GligenPainter:
    """A text-box inpainting model as a `WindowPainter`; it is shown whole scans, as published.

    Attributes:
        model: Its parts.
        name: Of the model.
        sha256: Of the list of its checksums.
        classes: Empty: it reads any word.
    """

    model: Gligen
    name: str
    sha256: str
    classes: tuple[str, ...] = ()
    channels: int = 3
    whole: bool = True
    adds: bool = False

    @property
    def cell(self) -> int:
        """Pixels a latent: 8 for Stable Diffusion."""
        return int(2 ** (len(self.model.vae.config.block_out_channels) - 1))

    @property
    def size(self) -> int:
        """Pixels of a picture: 512 for Stable Diffusion."""
        return int(self.model.unet.config.sample_size * self.cell)

    def prompt(self, label: str) -> str:
        """The caption: Xsyn's grounding phrase of the one item."""
        return grounded_prompt(self.model.tokenizer, [_words(label)]).caption

    def paint(
        self,
        bags: Floats,
        labels: Sequence[str],
        boxes: Floats,
        seeds: Sequence[int],
        settings: SamplerSettings,
        starts: Floats | None = None,
    ) -> PaintedWindows:
        """One picture after the other: a caption goes with a whole batch."""
        made = [
            self._one(
                bags[row], label, boxes[row], seeds[row], settings, None if starts is None else starts[row]
            )
            for row, label in enumerate(labels)
        ]
        return PaintedWindows(*(np.stack(part) for part in zip(*made, strict=True)))

    def encode(self, windows: Floats) -> Floats:
        """Latents in the scale of the unet."""
        return np.asarray(gligen.encode(self.model, torch.from_numpy(2 * windows - 1)).numpy())

    def decode(self, latents: Floats) -> Floats:
        """Pictures in [0, 1]."""
        return np.asarray((gligen.decode(self.model, torch.from_numpy(latents)).numpy() + 1) / 2)

    def _one(
        self, bag: Floats, label: str, box: Floats, seed: int, settings: SamplerSettings, start: Floats | None
    ) -> tuple[Floats, Floats]:
        known = torch.from_numpy(self.encode(bag[None]))
        begin = None if start is None else torch.from_numpy(self.encode(start[None]))
        place = torch.from_numpy(np.asarray(box[None], np.float32))
        mask = gligen.box_mask(place, *known.shape[-2:])
        told = grounded_prompt(self.model.tokenizer, [_words(label)])
        denoise = gligen.gligen_denoise(self.model, told, place, known, mask, negative=NEGATIVE)
        with AttentionStore(self.model.unet) as store:
            latents = inpaint(
                store.watching(denoise), self.model.scheduler, known, mask, settings,
                generator=torch.Generator().manual_seed(seed), start=begin,
            )  # fmt: skip
        after = self.decode(latents.numpy())[0]
        cells = np.kron(mask[0, 0].numpy(), np.ones((self.cell, self.cell), np.float32))
        return bag + cells * (after - bag), store.maps(told.tokens)[0, 0].numpy()


def load_gligen_painter(name: str) -> GligenPainter:
    """An imported GLIGEN, or one of a folder in the layout of diffusers.

    Raises:
        BadInputError: If there is none, or it is not whole.
        UntrustedWeightsError: If a file was changed since it was imported.
    """
    return GligenPainter(read_gligen(name), Path(name).name, gligen_digest(name))


def _words(label: str) -> str:
    """``pressure_vessel`` as a text encoder reads it."""
    return label.replace("_", " ")
