"""A GLIGEN of about a million random weights that reads any text: for tests and for a try without weights."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import AutoencoderKL, PNDMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from beltline.models.gligen import Gligen

WIDTH = 32


def gligen_tiny(*, latents: int = 32, seed: int = 0) -> Gligen:
    """Random weights, one letter a token, cross-attention at half the latents' size.

    Args:
        latents: Rows and columns of the latents; pictures have twice as many. 32 has attention at 16x16.
        seed: Of the weights; the global generator is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        tokenizer = letter_tokenizer()
        unet: Any = UNet2DConditionModel(
            sample_size=latents,
            in_channels=9,
            out_channels=4,
            attention_type="gated",
            block_out_channels=(WIDTH, 2 * WIDTH),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            layers_per_block=1,
            attention_head_dim=4,
            cross_attention_dim=WIDTH,
            norm_num_groups=8,
        )
        vae: Any = AutoencoderKL(
            sample_size=2 * latents,
            block_out_channels=(16, 32),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            latent_channels=4,
            norm_num_groups=8,
        )
        text_encoder = CLIPTextModel(_text_config(len(tokenizer)))
        _open_gates(unet)
    return Gligen(unet.eval(), vae.eval(), text_encoder.eval(), tokenizer, _schedule())


def letter_tokenizer() -> CLIPTokenizer:
    """CLIP's tokenizer without its merges: a token for each letter, so that every name has sub-tokens."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]  # bytes that stand for themselves
    letters = [*map(chr, visible), *(chr(256 + place) for place in range(256 - len(visible)))]
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer({token: place for place, token in enumerate(tokens)}, [], model_max_length=77)


def _open_gates(unet: Any) -> None:
    """Gates and null features begin at zero, where no box would be felt."""
    with torch.no_grad():
        for name, parameter in unet.named_parameters():
            if name.endswith(("alpha_attn", "alpha_dense")) or "null_" in name:
                parameter.copy_(torch.randn(parameter.shape))


def _text_config(tokens: int) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=tokens,
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=77,
        bos_token_id=tokens - 2,
        eos_token_id=tokens - 1,
        pad_token_id=tokens - 1,
    )


def _schedule() -> PNDMScheduler:
    """That of Stable Diffusion 1.4."""
    return PNDMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        skip_prk_steps=True,
        set_alpha_to_one=False,
        steps_offset=1,
    )
