"""Which weights may be loaded: a manifest of SHA-256 sums, shipped and the user's own.

Weights are data, but a swapped file silently changes every decision. So a model is loaded only when its
sum stands in a manifest: the one shipped with the package, or the user's (`beltline models import`).
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from beltline.core import BadInputError, MissingExtraError, UntrustedWeightsError
from beltline.formats import write_atomic, write_json
from beltline.screening.external_data import refuse_external_data

SHIPPED = Path(__file__).resolve().parent.parent / "weights"
MANIFEST = "manifest.json"
MAX_BYTES = 512 * 2**20


@dataclass(frozen=True)
class WeightsEntry:
    """One line of a manifest.

    Attributes:
        name: What `--model` takes.
        path: The ONNX file.
        sha256: Expected sum, lower-case hex.
        origin: "shipped" or "imported".
        default: Whether this model is used when none is named.
        start: The same network's weights for training to start from (safetensors), where there are some.
        start_sha256: Their sum.
    """

    name: str
    path: Path
    sha256: str
    origin: str
    default: bool = False
    start: Path | None = None
    start_sha256: str = ""


@dataclass(frozen=True, eq=False)
class VerifiedWeights:
    """The bytes of a model whose sum has been checked (or that the user trusted by hand)."""

    name: str
    sha256: str
    payload: bytes


def user_folder() -> Path:
    """Folder of imported models: ``$BELTLINE_HOME/weights`` or ``~/.local/share/beltline/weights``."""
    home = os.environ.get("BELTLINE_HOME")
    base = Path(home) if home else Path.home() / ".local" / "share" / "beltline"
    return base / "weights"


def list_weights() -> tuple[WeightsEntry, ...]:
    """Every model that may be loaded by name, the shipped ones first.

    Raises:
        BadInputError: If a manifest is not readable as JSON of the expected form.
    """
    shipped = _read_manifest(SHIPPED, "shipped")
    names = {entry.name for entry in shipped}
    imported = _read_manifest(user_folder(), "imported")
    return shipped + tuple(entry for entry in imported if entry.name not in names)


def verify(entry: WeightsEntry) -> VerifiedWeights:
    """Read a listed model and check its sum.

    Raises:
        UntrustedWeightsError: If the file is missing or its SHA-256 differs from the manifest.
    """
    if not entry.path.is_file():
        raise UntrustedWeightsError(
            f"model {entry.name!r}: {entry.path} is missing; reinstall or import it again"
        )
    payload = _read_bounded(entry.path)
    found = hashlib.sha256(payload).hexdigest()
    if found != entry.sha256:
        raise UntrustedWeightsError(
            f"model {entry.name!r}: SHA-256 of {entry.path} is {found[:12]}…, "
            f"the manifest says {entry.sha256[:12]}…; the file was changed, do not use it"
        )
    return VerifiedWeights(entry.name, found, payload)


def find_weights(model: str | Path | None = None, *, trust: bool = False) -> VerifiedWeights:
    """Find a model by name or file and verify it.

    Args:
        model: Name in a manifest, path of an ONNX file, or None for the default model.
        trust: Accept a file whose sum stands in no manifest.

    Raises:
        UntrustedWeightsError: Unknown name, unknown sum, or changed file.
        MissingExtraError: If no model was named and none is shipped.
    """
    known = list_weights()
    if model is None:
        return verify(_default(known))
    for entry in known:
        if entry.name == str(model):
            return verify(entry)
    path = Path(model)
    if not path.is_file():
        names = ", ".join(entry.name for entry in known) or "none"
        raise UntrustedWeightsError(f"no model named {str(model)!r} (known: {names}) and no such file")
    payload = _read_bounded(path)
    found = hashlib.sha256(payload).hexdigest()
    if not trust and all(entry.sha256 != found for entry in known):
        raise UntrustedWeightsError(
            f"{path}: SHA-256 {found[:12]}… stands in no manifest; "
            f"use --trust for this run, or `beltline models import {path}`"
        )
    return VerifiedWeights(path.stem, found, payload)


def find_start(name: str) -> Path | None:
    """The weights that training starts from when a model is named; None where no model has them.

    Raises:
        UntrustedWeightsError: If the file is missing or its SHA-256 differs from the manifest.
    """
    for entry in list_weights():
        if entry.name == name and entry.start is not None:
            found = replace(entry, path=entry.start, sha256=entry.start_sha256)
            verify(found)
            return entry.start
    return None


def import_weights(path: Path, *, name: str | None = None, sha256: str | None = None) -> WeightsEntry:
    """Copy a model into the user's folder and note its sum there, so that it loads by name.

    Args:
        path: An ONNX file. The caller checks that it is one of ours (`read_card`).
        name: Name to list it under; the file's stem when None.
        sha256: Sum published by whoever made the file; checked when given.

    Raises:
        UntrustedWeightsError: If the sum differs from ``sha256``, the name belongs to a shipped model, or
            weights lie in other files.
        BadInputError: If the file cannot be read.
    """
    name = name or path.stem
    if any(entry.name == name for entry in _read_manifest(SHIPPED, "shipped")):
        raise UntrustedWeightsError(f"{name!r} is the name of a shipped model; choose another with --name")
    payload = _read_bounded(path)
    found = hashlib.sha256(payload).hexdigest()
    if sha256 is not None and sha256.lower() != found:
        raise UntrustedWeightsError(f"{path}: SHA-256 is {found}, you expected {sha256.lower()}")
    refuse_external_data(payload, name)
    folder = user_folder()
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{found[:16]}.onnx"
    write_atomic(target, payload)
    kept = [entry for entry in _read_manifest(folder, "imported") if entry.name != name]
    added = WeightsEntry(name, target, found, "imported")
    document = {"schema_version": 1, "default": None, "models": [_line(e) for e in (*kept, added)]}
    write_json(folder / MANIFEST, document, indent=2)
    return added


def _default(known: tuple[WeightsEntry, ...]) -> WeightsEntry:
    for entry in known:
        if entry.default:
            return entry
    raise MissingExtraError("no default model is shipped with this build; name one with --model FILE --trust")


def _line(entry: WeightsEntry) -> dict[str, Any]:
    line: dict[str, Any] = {"name": entry.name, "file": entry.path.name, "sha256": entry.sha256}
    if entry.start is not None:
        line["start"] = {"file": entry.start.name, "sha256": entry.start_sha256}
    return line


def _read_manifest(folder: Path, origin: str) -> tuple[WeightsEntry, ...]:
    file = folder / MANIFEST
    if not file.is_file():
        return ()
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        default = document["default"]
        return tuple(
            WeightsEntry(
                name=str(line["name"]),
                path=folder / Path(str(line["file"])).name,
                sha256=str(line["sha256"]).lower(),
                origin=origin,
                default=line["name"] == default,
                start=folder / Path(str(line["start"]["file"])).name if "start" in line else None,
                start_sha256=str(line["start"]["sha256"]).lower() if "start" in line else "",
            )
            for line in document["models"]
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInputError(f"{file}: not a manifest of weights ({error})") from error


def _read_bounded(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise BadInputError(f"{path}: {size} bytes, more than the {MAX_BYTES} a model may have")
        return path.read_bytes()
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror or error}") from error
