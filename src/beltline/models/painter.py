"""A small grounded painter: latent inpainting of a threat into a window of a scan (after Xsyn, 2025).

The structure is GLIGEN's text-box inpainting, as Xsyn has it: a UNet with gated self-attention over grounded
boxes and nine input channels (noisy latents, latents of what is known, mask). Ours is trained whole, has a
token a class instead of a text encoder, and learns ``v`` (Salimans and Ho 2022) with min-SNR weights (Hang
2023). Reconstructed at a size that a CPU trains and runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from torch import Tensor, nn

from beltline.models.latents import CELL, LATENTS, Autoencoder
from beltline.models.patch_codec import LATENTS as PATCH_LATENTS
from beltline.models.patch_codec import PatchCodec

TOKEN = 64  # channels of a token
SNR_MOST = 5.0  # gamma of min-SNR
KNOWN_WEIGHT = 0.1  # of the error where nothing is painted: sampling puts the bag back there
STEPS = 1000  # of the noise schedule
MOST_BETA = 0.999
LONE_SHIFT = 0.04  # half of a lone threat is made out at a signal of 0.02 of the noise, all but 6 % at 1
THREAT = 1  # which token is the threat's; token 0 stands for the scan


class PaintBatch(NamedTuple):
    """B windows to learn from, h x w latents of L channels each.

    Attributes:
        painted: (B, L, h, w) float32 latents of the window with the threat, as the autoencoder gives them.
        bag: (B, L, h, w) float32, without it.
        labels: (B,) int64 class; the number of classes stands for "none said".
        boxes: (B, 4) float32 xyxy, shares of the window in [0, 1].
        noise: (B, L, h, w) float32, normal.
        times: (B,) int64 step of the noise schedule.
    """

    painted: Tensor
    bag: Tensor
    labels: Tensor
    boxes: Tensor
    noise: Tensor
    times: Tensor


class LoneBatch(NamedTuple):
    """B lone threats over air to learn from.

    Attributes:
        windows: (B, C, S, S) uint8.
        labels: (B,) int64, as in `PaintBatch`.
        boxes: (B, 4) float32 xyxy, shares of the window.
        noise: (B, L, h, w) float32, normal, of the latents' shape.
        times: (B,) int64 step of the noise schedule.
    """

    windows: Tensor
    labels: Tensor
    boxes: Tensor
    noise: Tensor
    times: Tensor


def noise_schedule(shift: float = 1.0) -> DDIMScheduler:
    """Cosine schedule of 1,000 steps, v prediction, last step first (Lin 2023).

    Args:
        shift: Factor on the signal's power over the noise's, in (0, 1]. The larger a picture, the more noise
            its outline is seen through, and the less is learned of it at a shift of 1 (Hoogeboom 2023, simple
            diffusion).
    """
    plain = DDIMScheduler(num_train_timesteps=STEPS, beta_schedule="squaredcos_cap_v2")
    power = plain.alphas_cumprod.double()
    power = shift * power / (1 - power + shift * power)
    betas = 1 - power / torch.cat([torch.ones(1, dtype=power.dtype), power[:-1]])
    return DDIMScheduler(
        num_train_timesteps=STEPS,
        trained_betas=betas.clamp(max=MOST_BETA).tolist(),
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
    )


class Painter(nn.Module):
    """Autoencoder (frozen) and denoiser.

    Args:
        classes: How many.
        channels: Of a window, see `Autoencoder`.
        latent_widths: Of the autoencoder.
        widths: Of the denoiser at 1, 1/2 and 1/4 of the latents' size; cross-attention from 1/2 on.
        seen: Whether the denoiser is shown the bag's latents where it paints, and not alone around it. Ours:
            published painters do not see what they cover, and invent it anew.
        alone: Whether it paints lone threats over air, in windows of half the side, and the bag is left to
            physics. Ours. Behind a `PatchCodec` instead of an autoencoder.
    """

    def __init__(
        self,
        classes: int,
        channels: int = 2,
        latent_widths: tuple[int, ...] = (16, 32, 64, 64),
        widths: tuple[int, ...] = (64, 96, 144),
        *,
        seen: bool = False,
        alone: bool = False,
    ) -> None:
        super().__init__()
        self.seen, self.alone = seen, alone
        self.channels = channels
        self.autoencoder = PatchCodec(channels) if alone else Autoencoder(channels, latent_widths)
        self.autoencoder.requires_grad_(False)
        latents = PATCH_LATENTS if alone else LATENTS
        self.tokens = nn.Embedding(classes + 2, TOKEN)  # of the classes, of "none said", of the scan
        last = len(widths) - 1
        self.unet = UNet2DConditionModel(
            in_channels=2 * latents + 1,
            out_channels=latents,
            block_out_channels=widths,
            down_block_types=("DownBlock2D", *("CrossAttnDownBlock2D",) * last),
            up_block_types=(*("CrossAttnUpBlock2D",) * last, "UpBlock2D"),
            layers_per_block=1,
            cross_attention_dim=TOKEN,
            attention_head_dim=8,
            norm_num_groups=8,
            attention_type="gated",
        )
        self.scale: Tensor
        self.register_buffer("scale", torch.ones(()))  # of latents to a spread of 1
        self.schedule = noise_schedule(LONE_SHIFT) if alone else noise_schedule()

    @property
    def nameless(self) -> int:
        """The label that stands for "none said"."""
        return self.tokens.num_embeddings - 2

    def encode(self, windows: Tensor) -> Tensor:
        """Latents of a spread of about 1, (B, L, S / 8, S / 8), of windows (B, C, S, S) in [0, 1]."""
        return self.autoencoder.encode(windows) * self.scale

    def decode(self, latents: Tensor) -> Tensor:
        """Windows (B, C, S, S) of such latents."""
        return self.autoencoder.decode(latents / self.scale)

    def forward(self, batch: PaintBatch | LoneBatch) -> Mapping[str, Tensor]:
        """Squared error of ``v``, which counts fully where the threat is painted.

        Weighted by min-SNR, but for lone threats: it passes over the noise that their outline is drawn at.
        """
        if isinstance(batch, LoneBatch):
            alone = self.autoencoder.encode(batch.windows.float() / 255)
            batch = PaintBatch(alone, torch.zeros_like(alone), *batch[1:])  # air is 0
        painted, known = batch.painted * self.scale, batch.bag * self.scale
        mask = box_mask(batch.boxes, painted.shape[-1])
        noisy = self.schedule.add_noise(painted, batch.noise, batch.times)
        wanted = self.schedule.get_velocity(painted, batch.noise, batch.times)
        told = self.denoise(noisy, batch.times, known, mask, batch.labels, batch.boxes)
        weight = (mask + KNOWN_WEIGHT * (1 - mask)).expand_as(wanted)
        error = ((told.float() - wanted) ** 2 * weight).sum((1, 2, 3)) / weight.sum((1, 2, 3))
        counts = torch.ones_like(error) if self.alone else min_snr(self.schedule, batch.times)
        return {"loss": (counts * error).mean(), "error": error.mean()}

    def denoise(
        self, noisy: Tensor, times: Tensor, known: Tensor, mask: Tensor, labels: Tensor, boxes: Tensor
    ) -> Tensor:
        """What the denoiser says, (B, L, h, w).

        Args:
            noisy: (B, L, h, w) latents.
            times: (B,) step of the schedule.
            known: (B, L, h, w) latents of the bag.
            mask: (B, 1, h, w) 1 where it is painted.
            labels: (B,) class; `nameless` also takes the box away.
            boxes: (B, 4) xyxy in [0, 1].
        """
        context = known if self.seen else known * (1 - mask)
        scan = torch.full_like(labels, self.nameless + 1)
        tokens = self.tokens(torch.stack([scan, labels], dim=1))
        named = (labels != self.nameless).to(tokens.dtype)[:, None]
        grounding = {
            "boxes": boxes[:, None].to(tokens.dtype),
            "positive_embeddings": tokens[:, THREAT:],
            "masks": named,
        }
        found: Tensor = self.unet(
            torch.cat([noisy, context, mask], dim=1),
            times,
            encoder_hidden_states=tokens,
            cross_attention_kwargs={"gligen": grounding},
            return_dict=False,
        )[0]
        return found


def min_snr(schedule: DDIMScheduler, times: Tensor) -> Tensor:
    """Weights (B,) of squared errors of ``v``: min(SNR, 5) / (SNR + 1) (Hang 2023, table of predictions)."""
    share = schedule.alphas_cumprod.to(times.device)[times]
    snr: Tensor = share / (1 - share)
    return snr.clamp(max=SNR_MOST) / (snr + 1)


def box_mask(boxes: Tensor, cells: int) -> Tensor:
    """(B, 1, cells, cells) float32: 1 in every latent that a box touches.

    Args:
        boxes: (B, 4) xyxy in [0, 1].
        cells: Latents along a side.

    Example:
        >>> box_mask(torch.tensor([[0.3, 0.0, 0.5, 0.2]]), 4)[0, 0].int().tolist()
        [[0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    """
    places = torch.arange(cells, device=boxes.device)
    first = (boxes[:, :2] * cells).floor().clamp(0, cells - 1)
    last = (boxes[:, 2:] * cells).ceil().clamp(1, cells)

    def inside(axis: int) -> Tensor:
        return (places >= first[:, axis, None]) & (places < last[:, axis, None])

    return (inside(1)[:, None, :, None] & inside(0)[:, None, None, :]).float()


__all__ = ["CELL", "PaintBatch", "Painter", "box_mask", "min_snr", "noise_schedule"]
