"""Inpainting by latent diffusion: one sampler for every denoising network.

Needs the ``diffusion`` extra; the noise schedules and update rules are those of diffusers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import torch
from diffusers.schedulers import DDIMScheduler, PNDMScheduler
from torch import Tensor

from beltline.core import ShapeError

#: (noisy latents (B, 4, h, w), timesteps (B,) int64, conditional) -> the network's output (B, 4, h, w), noise
#: or velocity as the scheduler's ``prediction_type`` says. The unconditional pass is asked for first.
Denoise: TypeAlias = Callable[[Tensor, Tensor, bool], Tensor]
#: (evaluations done, latents (B, 4, h, w)), after every step; the known region is not put back in them yet.
OnStep: TypeAlias = Callable[[int, Tensor], None]
#: Source of chance: one of the whole batch, or one a row, so that a row does not depend on its neighbours.
Chance: TypeAlias = torch.Generator | Sequence[torch.Generator]
Method: TypeAlias = Literal["ddim", "plms"]
METHODS: tuple[Method, ...] = ("ddim", "plms")


@dataclass(frozen=True)
class SamplerSettings:
    """How latents are sampled.

    Attributes:
        steps: Steps from pure noise to the picture, at least 1; PLMS evaluates the network once more.
        guidance: Weight of classifier-free guidance, at least 1; 1 is off and saves the unconditional pass.
            Xsyn takes 7.5.
        method: ``"ddim"`` (deterministic, eta = 0) or ``"plms"`` (as Xsyn, with 50 steps).
        strength: In [0, 1]: 1 begins with pure noise, less with the start noised to that share of the
            steps (SDEdit), 0 gives the start back.
        keep_known: Hold what is not painted: noised anew at every step, put back exactly at the end. Without
            it everything is sampled.
    """

    steps: int = 25
    guidance: float = 3.0
    method: Method = "ddim"
    strength: float = 1.0
    keep_known: bool = True

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, got {self.steps}")
        if not self.guidance >= 1:
            raise ValueError(f"guidance must be at least 1 (1 = off), got {self.guidance}")
        if self.method not in METHODS:
            raise ValueError(f"method must be one of {METHODS}, got {self.method!r}")
        if not 0 <= self.strength <= 1:
            raise ValueError(f"strength must lie in [0, 1], got {self.strength}")


def inpaint(
    denoise: Denoise,
    scheduler: Any,
    known: Tensor,
    mask: Tensor,
    settings: SamplerSettings | None = None,
    *,
    generator: Chance,
    start: Tensor | None = None,
    on_step: OnStep | None = None,
) -> Tensor:
    """Sample latents under a mask; what is known around it stays.

    At every step ``x = q(z0, t) * (1 - mask) + x * mask`` with the known latents z0 noised anew, then one
    denoising step.

    Args:
        denoise: The network with its conditions; see `Denoise`.
        scheduler: A scheduler of diffusers, for the noise schedule and ``prediction_type`` in its
            configuration; it is left as it is, and the settings choose the update rule.
        known: Latents of the scan, shape (B, 4, h, w), in the network's scale.
        mask: Shape (B, 1, h, w), float: 1 = painted, 0 = known.
        settings: Defaults to `SamplerSettings`.
        generator: The only source of chance: of the batch, or one a row.
        start: Latents to begin from where ``strength`` is below 1, shape of ``known``.
        on_step: Told of every step.

    Returns:
        Latents, shape (B, 4, h, w).

    Raises:
        ShapeError: If known, mask and start do not belong together.
        ValueError: If ``strength`` is below 1 and no start is given, or PLMS is asked for a schedule that it
            does not know.

    Source:
        Rombach et al., latent diffusion (arXiv 2112.10752); Ho and Salimans, classifier-free guidance
        (2207.12598); Meng et al., SDEdit (2108.01073); holding the known region: released code of GLIGEN
        and Xsyn, where the mask is 1 on what is known.
    """
    settings = settings or SamplerSettings()
    _check(known, mask, start, settings)
    rule = update_rule(scheduler, settings.method)
    timesteps = _timesteps(rule, settings)
    latents = _begin(rule, timesteps, known, start, settings, generator)
    with torch.no_grad():
        for done, timestep in enumerate(timesteps, start=1):
            if settings.keep_known:
                noised = rule.add_noise(known, _noise(known, generator), timestep[None])
                latents = noised * (1 - mask) + latents * mask
            output = _guided(denoise, latents, timestep, settings.guidance)
            latents = rule.step(output, timestep, latents).prev_sample
            if on_step is not None:
                on_step(done, latents)
    return known * (1 - mask) + latents * mask if settings.keep_known else latents


def update_rule(scheduler: Any, method: Method) -> Any:
    """A fresh DDIM or PLMS scheduler of diffusers on the noise schedule of another one.

    Raises:
        ValueError: If the schedule ends in pure noise (zero terminal SNR), which PLMS does not know.
    """
    if method == "ddim":  # latents have no bound to be clipped to, although DDIMScheduler does by default
        return DDIMScheduler.from_config(scheduler.config, clip_sample=False)
    if scheduler.config.get("rescale_betas_zero_snr", False):
        raise ValueError("plms does not know a schedule of zero terminal SNR; take method='ddim'")
    return PNDMScheduler.from_config(scheduler.config, skip_prk_steps=True)


def _timesteps(rule: Any, settings: SamplerSettings) -> Tensor:
    """Timesteps of the evaluations, descending; fewer where the strength is below 1."""
    rule.set_timesteps(settings.steps)
    descending: Tensor = rule.timesteps.unique().flip(0)
    taken = descending[len(descending) - round(settings.strength * len(descending)) :]
    if settings.method == "ddim":
        return taken
    # PLMS opens with Heun's method, which evaluates the second timestep twice. The list of diffusers has it
    # doubled for a start from pure noise alone; cut off further down it would skip one step.
    return torch.cat([taken[:2], taken[1:]])


def _begin(
    rule: Any,
    timesteps: Tensor,
    known: Tensor,
    start: Tensor | None,
    settings: SamplerSettings,
    generator: Chance,
) -> Tensor:
    if settings.strength == 1 or start is None:
        return _noise(known, generator)
    if not len(timesteps):
        return start
    noised: Tensor = rule.add_noise(start, _noise(start, generator), timesteps[:1])
    return noised


def _guided(denoise: Denoise, latents: Tensor, timestep: Tensor, guidance: float) -> Tensor:
    times = timestep.to(latents.device).expand(len(latents))
    if guidance == 1:
        return denoise(latents, times, True)
    unconditional = denoise(latents, times, False)
    return unconditional + guidance * (denoise(latents, times, True) - unconditional)


def _noise(like: Tensor, generator: Chance) -> Tensor:
    if not isinstance(generator, torch.Generator):
        return torch.cat([_noise(row[None], own) for row, own in zip(like, generator, strict=True)])
    drawn = torch.randn(like.shape, generator=generator, device=generator.device, dtype=like.dtype)
    return drawn.to(like.device)


def _check(known: Tensor, mask: Tensor, start: Tensor | None, settings: SamplerSettings) -> None:
    if known.ndim != 4 or mask.shape != (len(known), 1, *known.shape[2:]):
        raise ShapeError(
            "known must be (B, 4, h, w) and mask (B, 1, h, w) of the same size,"
            f" got {tuple(known.shape)} and {tuple(mask.shape)}"
        )
    if start is not None and start.shape != known.shape:
        raise ShapeError(
            f"start must have the shape of known, {tuple(known.shape)}, got {tuple(start.shape)}"
        )
    if start is None and settings.strength < 1:
        raise ValueError(
            f"strength {settings.strength:g} needs a start to begin from; give start, or strength=1"
        )
