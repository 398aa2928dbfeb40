"""Which weights may be loaded: a manifest of SHA-256 sums, shipped and the user's own.

Weights are data, but a swapped file silently changes every decision. So a model is loaded only when its
sum stands in a manifest: the one shipped with the package, or the user's (`beltline models import`).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
        origin: "shipped", "imported", or "calibrated" where it has a card of its own.
        default: Whether this model is used when none is named.
        start: The same network's weights for training to start from (safetensors), where there are some.
        start_sha256: Their sum.
        graphs: Files of the model's further graphs by name, with their sums.
        card: File of a card that takes the place of the one in the graph, with its sum; see `add_card`.
    """

    name: str
    path: Path
    sha256: str
    origin: str
    default: bool = False
    start: Path | None = None
    start_sha256: str = ""
    graphs: Mapping[str, tuple[Path, str]] = field(default_factory=dict)
    card: tuple[Path, str] | None = None


@dataclass(frozen=True)
class StartEntry:
    """A network that ships as bare weights alone, because nothing screens with it: a painter.

    Attributes:
        name: What it is found by.
        path: The safetensors file; what rebuilds the network stands in its metadata.
        sha256: Expected sum, lower-case hex.
        origin: "shipped" or "imported".
    """

    name: str
    path: Path
    sha256: str
    origin: str


@dataclass(frozen=True, eq=False)
class VerifiedWeights:
    """The bytes of a model whose sums have been checked (or that the user trusted by hand).

    Attributes:
        name: Of the model.
        sha256: Of its file; of a model of several files, of their sums.
        payload: The file with the card.
        graphs: The bytes of its further graphs by name.
        card: JSON of the card that counts instead of the one in the file, or None.
    """

    name: str
    sha256: str
    payload: bytes
    graphs: Mapping[str, bytes] = field(default_factory=dict)
    card: str | None = None


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


def list_starts() -> tuple[StartEntry, ...]:
    """Every network that is there as bare weights alone (``starts`` of a manifest), the shipped ones first.

    Raises:
        BadInputError: If a manifest is not readable as JSON of the expected form.
    """
    shipped = _read_starts(SHIPPED, "shipped")
    names = {entry.name for entry in shipped}
    return shipped + tuple(e for e in _read_starts(user_folder(), "imported") if e.name not in names)


def verify(entry: WeightsEntry) -> VerifiedWeights:
    """Read a listed model and check the sums of all its files.

    Raises:
        UntrustedWeightsError: If a file is missing or its SHA-256 differs from the manifest.
    """
    payload = _verified(entry.name, entry.path, entry.sha256)
    graphs = {name: _verified(entry.name, *file) for name, file in entry.graphs.items()}
    card = None if entry.card is None else _verified(entry.name, *entry.card).decode("utf-8")
    return VerifiedWeights(entry.name, _joint_sum(entry), payload, graphs, card)


def _verified(name: str, path: Path, sha256: str) -> bytes:
    if not path.is_file():
        raise UntrustedWeightsError(f"model {name!r}: {path} is missing; reinstall or import it again")
    payload = _read_bounded(path)
    found = hashlib.sha256(payload).hexdigest()
    if found != sha256:
        raise UntrustedWeightsError(
            f"model {name!r}: SHA-256 of {path} is {found[:12]}…, "
            f"the manifest says {sha256[:12]}…; the file was changed, do not use it"
        )
    return payload


def _joint_sum(entry: WeightsEntry) -> str:
    further = {**entry.graphs, **({"card": entry.card} if entry.card else {})}
    if not further:
        return entry.sha256
    sums = [entry.sha256, *(f"{name} {sha256}" for name, (_, sha256) in sorted(further.items()))]
    return hashlib.sha256("\n".join(sums).encode()).hexdigest()


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
        _refuse_retired(str(model))
        names = ", ".join(entry.name for entry in known) or "none"
        raise UntrustedWeightsError(f"no model named {str(model)!r} (known: {names}) and no such file")
    payload = _read_bounded(path)
    found = hashlib.sha256(payload).hexdigest()
    listed = next((entry for entry in known if entry.sha256 == found and entry.card is None), None)
    if listed is not None:
        return replace(verify(listed), name=path.stem)
    if not trust:
        raise UntrustedWeightsError(
            f"{path}: SHA-256 {found[:12]}… stands in no manifest; "
            f"use --trust for this run, or `beltline models import {path}`"
        )
    graphs = {graph: _read_bounded(file) for graph, file in graph_files(path).items()}
    return VerifiedWeights(path.stem, found, payload, graphs)


def graph_files(path: Path) -> dict[str, Path]:
    """Files of a model's further graphs by name: ``click.decoder.onnx`` beside ``click.onnx``."""
    stem = f"{path.stem}."
    found = sorted(path.parent.glob("*.onnx"))
    return {file.stem.removeprefix(stem): file for file in found if file.stem.startswith(stem)}


def find_start(name: str) -> Path | None:
    """The weights that training starts from when a model is named; None where no model has them.

    Raises:
        UntrustedWeightsError: If the file is missing or its SHA-256 differs from the manifest, or the name is
            that of a retired model.
    """
    for entry in list_weights():
        if entry.name == name and entry.start is not None:
            _verified(name, entry.start, entry.start_sha256)
            return entry.start
    for bare in list_starts():
        if bare.name == name:
            _verified(name, bare.path, bare.sha256)
            return bare.path
    if not Path(name).exists():
        _refuse_retired(name)
    return None


def import_weights(
    path: Path, *, name: str | None = None, sha256: str | None = None, graphs: Sequence[str] = ()
) -> WeightsEntry:
    """Copy a model into the user's folder and note its sums there, so that it loads by name.

    Args:
        path: An ONNX file. The caller checks that it is one of ours (`read_card`).
        name: Name to list it under; the file's stem when None.
        sha256: Sum published by whoever made the file; checked when given.
        graphs: Names of its further graphs, see `graph_files`.

    Raises:
        UntrustedWeightsError: If the sum differs from ``sha256``, the name belongs to a shipped model, or
            weights lie in other files.
        BadInputError: If a file cannot be read.
    """
    name = name or path.stem
    _refuse_shipped(name)
    beside = graph_files(path)
    payloads = {graph: _read_bounded(file) for graph, file in {"": path, **beside}.items()
                if graph in ("", *graphs)}  # fmt: skip
    sums = {graph: hashlib.sha256(payload).hexdigest() for graph, payload in payloads.items()}
    if sha256 is not None and sha256.lower() != sums[""]:
        raise UntrustedWeightsError(f"{path}: SHA-256 is {sums['']}, you expected {sha256.lower()}")
    folder = user_folder()
    folder.mkdir(parents=True, exist_ok=True)
    targets = {graph: folder / f"{found[:16]}.onnx" for graph, found in sums.items()}
    for graph, payload in payloads.items():
        refuse_external_data(payload, name)
        write_atomic(targets[graph], payload)
    further = {graph: (targets[graph], found) for graph, found in sums.items() if graph}
    return _add(WeightsEntry(name, targets[""], sums[""], "imported", graphs=further))


def add_card(base: VerifiedWeights, name: str, card: Mapping[str, Any]) -> WeightsEntry:
    """A model of the user's own: the graphs of another, with a card that takes the place of theirs.

    Args:
        base: Whose graphs.
        name: To list it under.
        card: See `ModelCard.to_json`.

    Raises:
        UntrustedWeightsError: If the name belongs to a shipped model.
        BadInputError: If it belongs to a model of other graphs.
    """
    folder = user_folder()
    _refuse_shipped(name)
    payloads = {"": base.payload, **base.graphs}
    sums = {graph: hashlib.sha256(data).hexdigest() for graph, data in payloads.items()}
    for entry in _read_manifest(folder, "imported"):
        if entry.name == name and (entry.card is None or entry.sha256 != sums[""]):
            raise BadInputError(f"{name!r} is another model already; choose another name")
    folder.mkdir(parents=True, exist_ok=True)
    files = {graph: (folder / f"{found[:16]}.onnx", found) for graph, found in sums.items()}
    for graph, data in payloads.items():
        write_atomic(files[graph][0], data)
    text = json.dumps(card, indent=1, ensure_ascii=False, allow_nan=False)
    found = hashlib.sha256(text.encode("utf-8")).hexdigest()
    written = (folder / f"{found[:16]}.json", found)
    write_atomic(written[0], text)
    path, sha256 = files.pop("")
    return _add(WeightsEntry(name, path, sha256, "calibrated", graphs=files, card=written))


def _add(added: WeightsEntry) -> WeightsEntry:
    folder = user_folder()
    kept = [entry for entry in _read_manifest(folder, "imported") if entry.name != added.name]
    before = _document(folder) or {}
    lines = [_line(e) for e in (*kept, added)]
    document = {**before, "schema_version": 1, "default": None, "models": lines}
    write_json(folder / MANIFEST, document, indent=2)
    return added


def add_start(added: StartEntry) -> StartEntry:
    """List bare weights that lie in the user's folder already; those of the same name give way.

    Raises:
        UntrustedWeightsError: If the name belongs to a shipped model, or to one that screens.
    """
    folder = user_folder()
    _refuse_shipped(added.name)
    if any(entry.name == added.name for entry in _read_manifest(folder, "imported")):
        raise UntrustedWeightsError(f"{added.name!r} is a model that screens; choose another name")
    kept = [entry for entry in _read_starts(folder, "imported") if entry.name != added.name]
    lines = [{"name": e.name, "file": e.path.name, "sha256": e.sha256} for e in (*kept, added)]
    before = _document(folder) or {"schema_version": 1, "default": None, "models": []}
    write_json(folder / MANIFEST, {**before, "starts": lines}, indent=2)
    return added


def _refuse_shipped(name: str) -> None:
    if name in {e.name for e in _read_manifest(SHIPPED, "")} | {e.name for e in _read_starts(SHIPPED, "")}:
        raise UntrustedWeightsError(f"{name!r} is the name of a shipped model; choose another name")


def _refuse_retired(name: str) -> None:
    """Say where a model went that shipped once: another answers for it, but not in its name."""
    document = _document(SHIPPED)
    successor = document.get("retired", {}).get(name) if document else None
    if successor:
        raise UntrustedWeightsError(
            f"{name!r} no longer ships, {successor!r} took its place (it has other classes and thresholds); "
            "the file of before goes on working: beltline models import FILE"
        )


def _default(known: tuple[WeightsEntry, ...]) -> WeightsEntry:
    for entry in known:
        if entry.default:
            return entry
    raise MissingExtraError("no default model is shipped with this build; name one with --model FILE --trust")


def _line(entry: WeightsEntry) -> dict[str, Any]:
    line: dict[str, Any] = {"name": entry.name, "file": entry.path.name, "sha256": entry.sha256}
    if entry.start is not None:
        line["start"] = {"file": entry.start.name, "sha256": entry.start_sha256}
    if entry.graphs:
        line["graphs"] = {
            name: {"file": path.name, "sha256": sha256} for name, (path, sha256) in entry.graphs.items()
        }
    if entry.card is not None:
        line["card"] = {"file": entry.card[0].name, "sha256": entry.card[1]}
    return line


def _read_manifest(folder: Path, origin: str) -> tuple[WeightsEntry, ...]:
    document = _document(folder)
    if document is None:
        return ()
    try:
        default = document["default"]
        return tuple(_entry(folder, line, origin, default) for line in document["models"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadInputError(f"{folder / MANIFEST}: not a manifest of weights ({error})") from error


def _read_starts(folder: Path, origin: str) -> tuple[StartEntry, ...]:
    document = _document(folder) or {}
    try:
        lines = document.get("starts", ())
        return tuple(StartEntry(str(line["name"]), *_file(folder, line), origin) for line in lines)
    except (ValueError, KeyError, TypeError) as error:
        raise BadInputError(f"{folder / MANIFEST}: not a manifest of weights ({error})") from error


def _document(folder: Path) -> dict[str, Any] | None:
    file = folder / MANIFEST
    if not file.is_file():
        return None
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise BadInputError(f"{file}: not a manifest of weights ({error})") from error


def _entry(folder: Path, line: Mapping[str, Any], origin: str, default: str | None) -> WeightsEntry:
    path, sha256 = _file(folder, line)
    start, start_sha256 = _file(folder, line["start"]) if "start" in line else (None, "")
    return WeightsEntry(
        name=str(line["name"]),
        path=path,
        sha256=sha256,
        origin="calibrated" if "card" in line else origin,
        default=line["name"] == default,
        start=start,
        start_sha256=start_sha256,
        graphs={str(name): _file(folder, graph) for name, graph in line.get("graphs", {}).items()},
        card=_file(folder, line["card"]) if "card" in line else None,
    )


def _file(folder: Path, line: Mapping[str, Any]) -> tuple[Path, str]:
    return folder / Path(str(line["file"])).name, str(line["sha256"]).lower()


def _read_bounded(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise BadInputError(f"{path}: {size} bytes, more than the {MAX_BYTES} a model may have")
        return path.read_bytes()
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror or error}") from error
