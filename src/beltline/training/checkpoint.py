"""What a run saves: an atomic checkpoint to go on from, and safetensors weights to use."""

import hashlib
import io
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from beltline.core import BadInputError, UntrustedWeightsError
from beltline.formats import write_atomic

CHECKPOINT = "checkpoint.pt"
WEIGHTS = "weights.safetensors"


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Save a nested dict of tensors and plain values, atomically."""
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    write_atomic(path, buffer.getvalue())


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint on the CPU; only tensors and plain values are accepted, never code.

    Raises:
        UntrustedWeightsError: If the file holds anything else.
        BadInputError: If it is no checkpoint at all, or cut.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UntrustedWeightsError(f"{path}: holds more than tensors and plain values") from error
    except (RuntimeError, EOFError) as error:
        raise BadInputError(f"{path}: not a readable checkpoint: {error}") from error
    if not isinstance(state, dict):
        raise UntrustedWeightsError(f"{path}: expected a checkpoint of beltline, got {type(state).__name__}")
    return state


def save_weights(path: Path, state: Mapping[str, Tensor]) -> str:
    """Save tensors as safetensors with a ``.sha256`` file beside it.

    Returns:
        The SHA-256 of the file, hexadecimal.
    """
    data = save({name: tensor.detach().cpu().contiguous() for name, tensor in state.items()})
    digest = hashlib.sha256(data).hexdigest()
    write_atomic(path, data)
    write_atomic(path.with_suffix(".sha256"), f"{digest}  {path.name}\n".encode())
    return digest


def load_weights(model: nn.Module, path: Path, *, sha256: str | None = None) -> str:
    """Load safetensors into a model, strictly: every tensor, no other, checksum verified.

    Args:
        model: Receives the weights.
        path: A ``.safetensors`` file.
        sha256: Expected checksum; without it the ``.sha256`` file beside ``path`` is used.

    Returns:
        The SHA-256 of the file.

    Raises:
        UntrustedWeightsError: If the checksum is missing or differs, or names or shapes do not match.
    """
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    beside = path.with_suffix(".sha256")
    if sha256 is None and beside.is_file():
        sha256 = beside.read_text(encoding="utf-8").split()[0]
    if sha256 is None:
        raise UntrustedWeightsError(f"{path}: no checksum given and no {beside.name} beside it")
    if digest != sha256:
        raise UntrustedWeightsError(f"{path}: SHA-256 is {digest}, expected {sha256}")
    try:
        model.load_state_dict(load(data), strict=True)
    except (RuntimeError, ValueError) as error:
        raise UntrustedWeightsError(f"{path}: does not fit the model: {error}") from error
    return digest


def hash_json(value: Mapping[str, Any]) -> str:
    """Short SHA-256 of a JSON value, independent of key order."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
