"""GLIGEN weights in the user's folder of weights: imported once, found by name.

Source:
    Li et al., GLIGEN (arXiv 2301.07093); layout of diffusers. The published weights stand under CreativeML
    OpenRAIL-M and are pickles; they are not part of Beltline.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from beltline.core import BadInputError, UntrustedWeightsError
from beltline.models.gligen import Gligen
from beltline.models.gligen_folder import PARTS, WEIGHTS, load_gligen
from beltline.screening.weights import user_folder
from beltline.training.unpickle import convert

FOLDER = "gligen"  # beside the models of the user's folder
SUMS = "sha256.json"
PICKLES = {"diffusion_pytorch_model": "diffusion_pytorch_model.bin", "model": "pytorch_model.bin"}
_PLAIN = (".json", ".txt")  # configurations and vocabularies; code that lies beside them stays where it is


@dataclass(frozen=True)
class ImportedGligen:
    """A model in the user's folder.

    Attributes:
        name: What it is found by.
        sha256: Of its list of checksums, so of all its files.
        path: Its folder, in the layout of diffusers, weights as safetensors.
    """

    name: str
    sha256: str
    path: Path


def import_gligen(folder: Path, *, name: str | None = None) -> ImportedGligen:
    """Copy a GLIGEN of the layout of diffusers, its pickles converted, and check that it loads whole.

    Args:
        folder: Holds ``unet, vae, text_encoder, tokenizer, scheduler``; others are left out.
        name: Name to list it under; the folder's name when None. A model of that name is replaced.

    Raises:
        BadInputError: If a part is missing, unreadable or of another shape. What was there stays.
        UntrustedWeightsError: If a pickle holds more than tensors and plain values.
    """
    name = name or folder.resolve().name
    if Path(name).name != name or name.startswith("."):
        raise BadInputError(f"{name!r} is no plain name; give one by --name, for instance gligen-pidray")
    missing = [part for part in PARTS if not (folder / part).is_dir()]
    if missing:
        raise BadInputError(
            f"{folder}: lacks {', '.join(missing)}; expected a GLIGEN in the layout of diffusers. One file is"
            " a checkpoint of the original code: convert it by diffusers' convert_gligen_to_diffusers.py"
        )
    kept = user_folder() / FOLDER / name
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".import-") as made:
        copy = Path(made) / name
        pickles: dict[Path, Path] = {}
        for part in PARTS:
            pickles |= _copy_part(folder / part, copy / part)
        if pickles:
            convert(pickles)
        load_gligen(copy)
        sums = json.dumps(_sums(copy), indent=1)
        (copy / SUMS).write_text(sums, encoding="utf-8")
        if kept.exists():
            shutil.rmtree(kept)
        copy.rename(kept)
    return ImportedGligen(name, hashlib.sha256(sums.encode()).hexdigest(), kept)


def read_gligen(name: str) -> Gligen:
    """An imported model, its sums verified, or one of a folder that is named.

    Raises:
        BadInputError: If there is neither, or it is not whole.
        UntrustedWeightsError: If a file was changed since it was imported.
    """
    kept = user_folder() / FOLDER / name
    if Path(name).name != name or not kept.is_dir():
        if Path(name).is_dir():
            return load_gligen(Path(name))
        known = ", ".join(sorted(found.parent.name for found in kept.parent.glob(f"[!.]*/{SUMS}"))) or "none"
        raise BadInputError(
            f"no GLIGEN of the name {name!r} (imported: {known}) and no such folder; get one by"
            " beltline models import FOLDER --name NAME"
        )
    listed = kept / SUMS
    expected = json.loads(listed.read_text(encoding="utf-8")) if listed.is_file() else None
    if _sums(kept) != expected:
        raise UntrustedWeightsError(f"{kept}: was changed since it was imported; import it again")
    return load_gligen(kept)


def gligen_digest(name: str) -> str:
    """SHA-256 of the list of checksums of a model that `read_gligen` reads.

    Raises:
        OSError: If there is none.
    """
    kept = user_folder() / FOLDER / name
    imported = Path(name).name == name and (kept / SUMS).is_file()
    sums = (kept / SUMS).read_text(encoding="utf-8") if imported else json.dumps(_sums(Path(name)), indent=1)
    return hashlib.sha256(sums.encode()).hexdigest()


def _copy_part(source: Path, target: Path) -> dict[Path, Path]:
    """Copy what needs no conversion; gives what does, with its place."""
    target.mkdir(parents=True)
    for file in sorted(source.iterdir()):
        if file.suffix in _PLAIN and file.is_file():
            shutil.copyfile(file, target / file.name)
    stem = WEIGHTS.get(source.name)
    if stem is None:
        return {}
    weights, pickled = source / f"{stem}.safetensors", source / PICKLES[stem]
    if weights.is_file():
        shutil.copyfile(weights, target / weights.name)
        return {}
    if pickled.is_file():
        return {pickled: target / weights.name}
    raise BadInputError(f"{source}: neither {weights.name} nor {pickled.name}; get the whole model")


def _sums(folder: Path) -> dict[str, str]:
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != SUMS)
    return {file.relative_to(folder).as_posix(): _sha256(file) for file in files}


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
