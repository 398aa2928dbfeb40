"""Official SAM checkpoints in the user's folder of weights: imported once, found by name.

Source:
    Kirillov et al., Segment Anything (arXiv 2304.02643); names of the tensors as in its released files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from safetensors.torch import load
from torch import Tensor

from beltline.core import BadInputError, UntrustedWeightsError
from beltline.models.backbones import read_tensors
from beltline.models.sam import VIT_B, VIT_L, SamSize, check_official, official_shapes
from beltline.screening.weights import user_folder
from beltline.training.checkpoint import save_weights

SUFFIXES = (".pth", ".pt", ".safetensors")
FOLDER = "sam"  # beside the models of the user's folder
#: What can be imported, by the name in the official files.
SIZES: Mapping[str, SamSize] = MappingProxyType({"vit_b": VIT_B, "vit_l": VIT_L})
WIDTH = "image_encoder.pos_embed"  # tells the sizes apart


@dataclass(frozen=True)
class ImportedSam:
    """A checkpoint in the user's folder.

    Attributes:
        name: What ``--sam`` takes.
        size: Key of `SIZES`.
        sha256: Of the file that was imported.
        path: Where its tensors lie now, as safetensors.
    """

    name: str
    size: str
    sha256: str
    path: Path


def import_sam(path: Path, *, name: str | None = None, sha256: str | None = None) -> ImportedSam:
    """Check an official checkpoint tensor by tensor and keep it as safetensors under a name.

    Args:
        path: ``sam_vit_b_01ec64.pth``, ``sam_vit_l_0b3195.pth``, or the same tensors as safetensors.
        name: Name to list it under; the file's stem when None.
        sha256: The sum that its maker published; checked when given.

    Raises:
        BadInputError: If the file is unreadable, or a tensor is missing, unknown or of another shape.
        UntrustedWeightsError: If the sum differs or the file holds more than tensors.
    """
    name = _plain_name(name or path.stem)
    if not path.is_file():
        raise BadInputError(f"{path}: no such file; download the official SAM checkpoint first")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if sha256 and digest != sha256.lower():
        raise UntrustedWeightsError(f"{path}: SHA-256 is {digest}, you expected {sha256.lower()}")
    found = read_tensors(path)
    size = _size_of(path, found)
    check_official(path, found, official_shapes(SIZES[size]))
    target = user_folder() / FOLDER / f"{name}.safetensors"
    target.parent.mkdir(parents=True, exist_ok=True)
    save_weights(target, found)
    return ImportedSam(name, size, digest, target)


def read_sam(name: str) -> dict[str, Tensor]:
    """The tensors of an imported checkpoint, its sum verified, or of a file that is named.

    Raises:
        BadInputError: If there is neither.
        UntrustedWeightsError: If the file was changed since it was imported.
    """
    kept = user_folder() / FOLDER / f"{name}.safetensors"
    if Path(name).name == name and kept.is_file():
        payload = kept.read_bytes()
        digest = kept.with_suffix(".sha256")
        expected = digest.read_text(encoding="utf-8").split()[:1] if digest.is_file() else []
        if [hashlib.sha256(payload).hexdigest()] != expected:
            raise UntrustedWeightsError(f"{kept}: was changed since it was imported; import it again")
        tensors: dict[str, Tensor] = load(payload)
        return tensors
    path = Path(name)
    if not path.is_file():
        known = ", ".join(sorted(found.stem for found in kept.parent.glob("*.safetensors"))) or "none"
        raise BadInputError(
            f"no SAM of the name {name!r} (imported: {known}) and no such file; get one by"
            " beltline models import sam_vit_b_01ec64.pth --name NAME"
        )
    found = read_tensors(path)
    check_official(path, found, official_shapes(SIZES[_size_of(path, found)]))
    return found


def _size_of(path: Path, found: Mapping[str, Tensor]) -> str:
    width = found[WIDTH].shape[-1] if WIDTH in found and found[WIDTH].ndim else 0
    for name, size in SIZES.items():
        if size.width == width:
            return name
    known = ", ".join(SIZES)
    if not width:
        raise BadInputError(f"{path}: lacks {WIDTH}; expected an official SAM checkpoint ({known})")
    raise BadInputError(f"{path}: is a SAM of width {width}; of the official sizes {known} are supported")


def _plain_name(name: str) -> str:
    if not name or Path(name).name != name or name.startswith("."):
        raise BadInputError(f"{name!r} is no plain name; give one by --name, for instance sam_vit_b")
    return name
