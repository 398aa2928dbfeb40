"""GLIGEN, the network that Xsyn paints with: Stable Diffusion told by boxes and phrases what goes where.

For users who have the weights; see `beltline.models.gligen_folder`.

Source:
    Li et al., GLIGEN (arXiv 2301.07093), text-box inpainting; `StableDiffusionGLIGENPipeline` of diffusers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from beltline.core import BadInputError, ShapeError
from beltline.models.gligen_prompt import MAX_BOXES, GroundedPrompt

#: (noisy (B, 4, h, w), timesteps (B,), conditional) -> the network's output; see the sampler.
Denoise: TypeAlias = Callable[[Tensor, Tensor, bool], Tensor]
CHANNELS = 9  # noisy latents 4, known latents 4, known 1
_TRAINED = ("position_net.", "conv_in.")


@dataclass(frozen=True, eq=False)
class Gligen:
    """The parts of a text-box inpainting model, as diffusers and transformers have them.

    Attributes:
        unet: ``UNet2DConditionModel`` with gated attention and nine input channels.
        vae: ``AutoencoderKL`` of four latent channels.
        text_encoder: ``CLIPTextModel``; its width is the cross-attention's.
        tokenizer: ``CLIPTokenizer``.
        scheduler: The noise schedule that it was trained with, as a scheduler of diffusers.

    Raises:
        BadInputError: If the parts do not make a text-box inpainting model.
    """

    unet: Any
    vae: Any
    text_encoder: Any
    tokenizer: Any
    scheduler: Any

    def __post_init__(self) -> None:
        unet = self.unet.config
        width = self.text_encoder.config.hidden_size
        found = {
            "attention_type of the unet": (unet.attention_type, "gated"),
            "input channels of the unet": (unet.in_channels, CHANNELS),
            "cross_attention_dim of the unet": (unet.cross_attention_dim, width),
            "latent channels of the vae": (self.vae.config.latent_channels, 4),
        }
        for what, (got, expected) in found.items():
            if got != expected:
                raise BadInputError(
                    f"no GLIGEN for text-box inpainting: {what}: expected {expected}, got {got}"
                )


def encode(model: Gligen, image: Tensor) -> Tensor:
    """Latents of pictures in [-1, 1], shape (B, 3, H, W) -> (B, 4, h, w), in the scale of the unet.

    The mean of the posterior: the same picture has the same latents. (The pipeline of diffusers draws.)
    """
    with torch.no_grad():
        latents: Tensor = model.vae.encode(image).latent_dist.mode() * model.vae.config.scaling_factor
    return latents


def decode(model: Gligen, latents: Tensor) -> Tensor:
    """Pictures in [-1, 1], shape (B, 3, H, W), of latents (B, 4, h, w)."""
    with torch.no_grad():
        image: Tensor = model.vae.decode(latents / model.vae.config.scaling_factor).sample.clamp(-1, 1)
    return image


def box_mask(boxes: Tensor, height: int, width: int) -> Tensor:
    """Mask (1, 1, height, width), float: 1 in the boxes, in the cells of a latent grid.

    Args:
        boxes: Shape (N, 4), xyxy as shares of the picture, in [0, 1].
        height: Rows of the grid.
        width: Columns of the grid.

    Source:
        GLIGEN's inpainting, except that a cell which a box touches is painted: its code rounds down and
        loses the last row and column, and a box below one cell altogether.
    """
    mask = torch.zeros(1, 1, height, width)
    for left, top, right, bottom in (boxes * boxes.new_tensor([width, height] * 2)).tolist():
        rows = slice(int(top + 1e-4), -int(-(bottom - 1e-4) // 1))
        mask[:, :, rows, int(left + 1e-4) : -int(-(right - 1e-4) // 1)] = 1
    return mask


def gligen_denoise(
    model: Gligen, prompt: GroundedPrompt, boxes: Tensor, known: Tensor, mask: Tensor, *, negative: str = ""
) -> Denoise:
    """The network under a prompt, for the sampler.

    The unconditional pass has the negative prompt for a caption, and no grounded box.

    Args:
        model: All parts on one device.
        prompt: One instance for each box.
        boxes: Shape (N, 4), N at most 30, xyxy as shares of the picture, in [0, 1].
        known: Latents of the scan, shape (B, 4, h, w).
        mask: Shape (B, 1, h, w), 1 = painted. The network is given what it was trained with, 1 = known.
        negative: Caption of the unconditional pass.

    Raises:
        ShapeError: If boxes, phrases, latents and mask do not fit each other.
        ValueError: If a box does not lie in [0, 1] or is empty.
    """
    _check_boxes(prompt, boxes)
    if mask.shape != (len(known), 1, *known.shape[2:]):
        raise ShapeError(f"mask must be (B, 1, h, w) like {tuple(known.shape)}, got {tuple(mask.shape)}")
    context = {True: _read_caption(model, prompt.caption), False: _read_caption(model, negative)}
    objects = {yes: _objects(model, prompt, boxes, grounded=yes) for yes in (True, False)}
    beside = torch.cat([known * (1 - mask), 1 - mask], dim=1)  # (B, 5, h, w)

    def denoise(noisy: Tensor, timesteps: Tensor, conditional: bool) -> Tensor:
        count = len(noisy)
        output: Tensor = model.unet(
            torch.cat([noisy, beside], dim=1),
            timesteps,
            encoder_hidden_states=context[conditional].expand(count, -1, -1),
            cross_attention_kwargs={
                "gligen": {
                    name: value.expand(count, *value.shape[1:])
                    for name, value in objects[conditional].items()
                }
            },
        ).sample
        return output

    return denoise


def trained_parameters(unet: nn.Module) -> dict[str, nn.Parameter]:
    """What GLIGEN trains, by name: gated attention, grounding net and first convolution.

    The gates begin at zero, where only they themselves have a gradient; the layers behind them follow.

    Source:
        Released trainer of GLIGEN.
    """
    return {
        name: parameter
        for name, parameter in unet.named_parameters()
        if name.startswith(_TRAINED) or ".fuser." in name
    }


def freeze_base(unet: nn.Module) -> dict[str, nn.Parameter]:
    """Freeze everything but `trained_parameters`, which are given back."""
    trained = trained_parameters(unet)
    for name, parameter in unet.named_parameters():
        parameter.requires_grad_(name in trained)
    return trained


def _read_caption(model: Gligen, caption: str) -> Tensor:
    ids = model.tokenizer(
        caption,
        padding="max_length",
        max_length=model.tokenizer.model_max_length,
        truncation=True,
        return_tensors="pt",
    ).input_ids
    with torch.no_grad():
        states: Tensor = model.text_encoder(ids.to(model.text_encoder.device)).last_hidden_state
    return states  # (1, tokens, C)


def _objects(model: Gligen, prompt: GroundedPrompt, boxes: Tensor, *, grounded: bool) -> dict[str, Tensor]:
    """What the grounding net takes, padded to 30 objects; where the mask is 0 it puts its learnt null."""
    device = model.text_encoder.device
    encoded = model.tokenizer(list(prompt.phrases), padding=True, return_tensors="pt").to(device)
    with torch.no_grad():
        phrases = model.text_encoder(**encoded).pooler_output  # (N, C)
    count = len(boxes)
    padded = {
        "boxes": phrases.new_zeros(1, MAX_BOXES, 4),
        "positive_embeddings": phrases.new_zeros(1, MAX_BOXES, phrases.shape[1]),
        "masks": phrases.new_zeros(1, MAX_BOXES),
    }
    padded["boxes"][0, :count] = boxes.to(phrases)
    padded["positive_embeddings"][0, :count] = phrases
    padded["masks"][0, :count] = float(grounded)
    return padded


def _check_boxes(prompt: GroundedPrompt, boxes: Tensor) -> None:
    count = len(prompt.phrases)
    if boxes.shape != (count, 4) or count > MAX_BOXES:
        raise ShapeError(
            f"boxes must be ({count}, 4), one for each phrase and at most {MAX_BOXES},"
            f" got {tuple(boxes.shape)}"
        )
    if not bool(((boxes >= 0) & (boxes <= 1)).all() and (boxes[:, 2:] > boxes[:, :2]).all()):
        raise ValueError(
            f"boxes must be xyxy shares of the picture in [0, 1], none empty, got {boxes.tolist()};"
            " divide pixels by width and height"
        )
