"""GLIGEN from a folder in the layout of diffusers: safetensors alone, every tensor there, no network reached.

Needs the ``diffusion`` extra and transformers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from safetensors import SafetensorError
from transformers import CLIPTextModel, CLIPTokenizer

from beltline.core import BadInputError
from beltline.models.gligen import Gligen

#: Folders with weights, and the stem of the weights in each.
WEIGHTS = {"unet": "diffusion_pytorch_model", "vae": "diffusion_pytorch_model", "text_encoder": "model"}
PARTS = (*WEIGHTS, "tokenizer", "scheduler")


def load_gligen(folder: Path) -> Gligen:
    """Load a model in the layout of diffusers: ``unet, vae, text_encoder, tokenizer, scheduler``.

    Args:
        folder: Holds the five; weights as safetensors.

    Returns:
        The model in float32, in evaluation mode, on the CPU.

    Raises:
        BadInputError: If a part is missing or damaged, a tensor is missing or has another shape, or the
            parts make another kind of model.
    """
    for part, stem in WEIGHTS.items():
        _check_files(folder / part, stem)
    dtype = {"torch_dtype": torch.float32, "low_cpu_mem_usage": False}
    return Gligen(
        unet=_whole(UNet2DConditionModel, folder / "unet", dtype),
        vae=_whole(AutoencoderKL, folder / "vae", dtype),
        text_encoder=_whole(CLIPTextModel, folder / "text_encoder", {"dtype": torch.float32}),
        tokenizer=_read(CLIPTokenizer, folder / "tokenizer", {}),
        scheduler=_read(DDIMScheduler, folder / "scheduler", {}),
    )


def save_gligen(model: Gligen, folder: Path) -> None:
    """Write a model in the layout that `load_gligen` reads."""
    for part in PARTS:
        getattr(model, part).save_pretrained(str(folder / part))


def _check_files(folder: Path, stem: str) -> None:
    if not (folder / "config.json").is_file():
        raise BadInputError(f"{folder}: no config.json; expected a model in the layout of diffusers")
    if (folder / f"{stem}.safetensors").is_file():
        return
    pickled = next(iter(sorted(folder.glob("*.bin"))), None)
    way_out = f"{pickled.name} is a pickle: convert it by beltline models import FOLDER" if pickled else ""
    raise BadInputError(f"{folder}: no {stem}.safetensors; {way_out or 'get the whole model'}")


def _whole(kind: Any, folder: Path, options: dict[str, Any]) -> Any:
    """A network with all its weights: the libraries leave a missing tensor random and only log it."""
    strict = {"use_safetensors": True, "output_loading_info": True}
    model, info = _read(kind, folder, {**options, **strict})
    if info["missing_keys"]:
        raise BadInputError(f"{folder}: lacks {min(info['missing_keys'])}; get the whole model")
    return model.eval()


def _read(kind: Any, folder: Path, options: dict[str, Any]) -> Any:
    try:
        return kind.from_pretrained(str(folder), local_files_only=True, **options)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:200]
        raise BadInputError(f"{folder}: not readable as {kind.__name__}: {reason}") from error
