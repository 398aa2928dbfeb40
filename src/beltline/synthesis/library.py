"""Threat libraries on disk, and how large one is against the published rules.

A library is a folder: ``library.json`` (one record per exemplar) and ``items/NAME.npz`` (pixels, mask).
A folder with one sub-folder per class, each holding scans of lone items over air, is read as well.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError, canonical
from beltline.formats import begin_plan, find_scans, read_scan, require_plan, write_atomic, write_json
from beltline.formats.limits import bad
from beltline.formats.plan_file import PLAN
from beltline.synthesis.cutting import cut_alone
from beltline.synthesis.threat import DOMAINS, Threat

INDEX, ITEMS = "library.json", "items"
KIND = "threat library"
THERE = "in the library already"
RULE_IMAGES, RULE_ARTICLES, RULE_REPLACED = 6000, 250, 100
ORIENTATION_DEGREES = 30


@dataclass(frozen=True, eq=False)
class ThreatLibrary:
    """Exemplars of threats; pixels are read when asked for.

    Attributes:
        root: Its folder.
        records: Per exemplar its name, label, article, domain, pixel_mm, orientation and provenance.
        history: Of each time that exemplars were added, how many were kept and how many dropped for which
            reason.
    """

    root: Path
    records: tuple[Mapping[str, Any], ...]
    history: tuple[Mapping[str, Any], ...] = ()

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> Threat:
        record = self.records[index]
        if "scan" in record:
            scan = read_scan(self.root / record["scan"])
            return cut_alone(scan, record["label"], record["article"], {"scan": record["scan"]})
        path = self.root / ITEMS / f"{record['name']}.npz"
        try:
            with np.load(path, allow_pickle=False) as arrays:
                pixels, mask = arrays["pixels"].astype(np.float32), arrays["mask"].astype(np.float32)
            mm = record["pixel_mm"]
            kind = record["domain"], record["label"], record["article"]
            return Threat(pixels, mask / 255, *kind, mm, record["provenance"])
        except (OSError, KeyError, ValueError) as error:
            raise bad(path, f"damaged or missing exemplar ({error}); make the library again") from error

    def __iter__(self) -> Iterator[Threat]:
        return (self[index] for index in range(len(self)))

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Classes, sorted."""
        return tuple(sorted({record["label"] for record in self.records}))

    @cached_property
    def mark(self) -> str:
        """Number of exemplars and a digest of their records, which tells libraries apart."""
        scans = [self.root / record["scan"] for record in self.records if "scan" in record]
        sizes = [path.stat().st_size if path.is_file() else 0 for path in scans]
        text = json.dumps([[dict(record) for record in self.records], sizes], sort_keys=True)
        return f"{len(self)} exemplars {hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def only(self, labels: Collection[str]) -> ThreatLibrary:
        """The exemplars of these classes.

        Raises:
            BadInputError: If there is none.
        """
        kept = tuple(record for record in self.records if record["label"] in labels)
        if not kept:
            raise bad(self.root, f"no threat of {', '.join(labels)}, only of {', '.join(self.labels)}")
        return replace(self, records=kept)

    def articles(self, label: str) -> dict[str, list[int]]:
        """Exemplars of each article of a class."""
        return self._articles[label]

    @cached_property
    def _articles(self) -> dict[str, dict[str, list[int]]]:
        found: dict[str, dict[str, list[int]]] = {label: {} for label in self.labels}
        for index, record in enumerate(self.records):
            found[record["label"]].setdefault(record["article"], []).append(index)
        return found

    def some(self, most: int) -> Iterator[Threat]:
        """At most so many exemplars of each class, evenly spread over its articles."""
        for label in self.labels:
            indices = [index for views in self.articles(label).values() for index in views]
            for at in np.linspace(0, len(indices) - 1, min(most, len(indices))).round().astype(int):
                yield self[indices[at]]


def write_library(
    root: str | Path,
    threats: Iterable[Threat],
    *,
    plan: Mapping[str, Any] | None = None,
    dropped: Counter[str] | None = None,
) -> ThreatLibrary:
    """Write exemplars into a folder; those that are there already stay, and are not written twice.

    Args:
        root: Folder of the library.
        threats: What to add.
        plan: What the exemplars have in common besides their source, see `beltline.formats.begin_plan`.
        dropped: Counts what is left out by reason, here and in what makes ``threats``; kept in library.json.

    Raises:
        BadInputError: If there is no exemplar, or the folder holds another thing or was begun with another
            plan.
    """
    folder, dropped = Path(root), Counter() if dropped is None else dropped
    before = read_library(folder) if (folder / INDEX).is_file() else None
    _adopt(folder, plan)
    require_plan(folder, KIND, plan or {})
    records = [] if before is None else list(before.records)
    known = set() if before is None else {digest_of(before, index) for index in range(len(before))}
    kept = 0
    for threat in threats:
        arrays = stored(threat)
        mark = _digest(threat.label, threat.article, *arrays)
        if mark in known:
            dropped[THERE] += 1
            continue
        if not kept:
            begin_plan(folder, KIND, plan or {})
        known.add(mark)
        name = f"{re.sub(r'[^A-Za-z0-9_-]+', '_', threat.label)}_{len(records):05d}"
        write_atomic(folder / ITEMS / f"{name}.npz", _npz(*arrays))
        records.append({**_record(name, threat), "digest": mark})
        kept += 1
    if not records:
        raise BadInputError(f"{folder}: no threat to keep{told(dropped)}; name other labels")
    if kept or before is None:
        history = [] if before is None else list(before.history)
        history.append({"kept": kept, "dropped": dict(dropped), **(plan or {})})
        index = {"schema_version": 1, "history": history, "exemplars": records}
        write_json(folder / INDEX, index, indent=1)
    return read_library(folder)


def told(dropped: Mapping[str, int]) -> str:
    """Counts as text: " (40 dropped: 30 of other classes, 10 too small)"; empty if nothing was."""
    if not sum(dropped.values()):
        return ""
    reasons = ", ".join(f"{count} {reason}" for reason, count in dropped.items() if count)
    return f" ({sum(dropped.values())} dropped: {reasons})"


def _adopt(folder: Path, plan: Mapping[str, Any] | None) -> None:
    # a library of an earlier version has no plan, and its index does not tell one
    if (folder / INDEX).is_file() and not (folder / PLAN).is_file():
        write_json(folder / PLAN, {"kind": KIND, **(plan or {})}, indent=1)


def stored(threat: Threat) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """Pixels and mask as they are kept."""
    kind = np.float32 if threat.domain == "basis" else np.float16
    return threat.pixels.astype(kind), np.round(threat.mask * 255).astype(np.uint8)


def digest_of(library: ThreatLibrary, index: int) -> str:
    """What tells an exemplar from all others: class, article, pixels and mask."""
    known = library.records[index].get("digest")
    if known is not None:
        return str(known)
    threat = library[index]
    return _digest(threat.label, threat.article, *stored(threat))


def _digest(label: str, article: str, pixels: NDArray[Any], mask: NDArray[np.uint8]) -> str:
    whole = hashlib.sha256(json.dumps([label, article, pixels.shape]).encode())
    whole.update(np.ascontiguousarray(pixels).tobytes() + np.ascontiguousarray(mask).tobytes())
    return whole.hexdigest()[:16]


def _npz(pixels: NDArray[Any], mask: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, pixels=pixels, mask=mask)
    return stream.getvalue()


def _record(name: str, threat: Threat) -> dict[str, Any]:
    return {
        "name": name,
        "label": threat.label,
        "article": threat.article,
        "domain": threat.domain,
        "pixel_mm": threat.pixel_mm,
        "size": list(threat.mask.shape),
        "orientation": round(orientation(threat), 1),
        "added": date.today().isoformat(),
        "provenance": dict(threat.provenance),
    }


def read_library(root: str | Path) -> ThreatLibrary:
    """Open a library, or a folder with a sub-folder of scans of lone items per class.

    Raises:
        BadInputError: If it is neither.
    """
    folder = Path(root)
    if not folder.is_dir():
        raise bad(folder, "no such folder; make a threat library with: beltline synthesize library")
    if not (folder / INDEX).is_file():
        return ThreatLibrary(folder, tuple(_plain(folder)))
    try:
        index = json.loads((folder / INDEX).read_text("utf-8"))
        records = index["exemplars"]
        for record in records:
            if record["domain"] not in DOMAINS:
                raise ValueError(f"unknown domain {record['domain']!r}")
            record["name"], record["label"], record["article"], record["pixel_mm"], record["provenance"]
    except (ValueError, KeyError, TypeError) as error:
        raise bad(folder / INDEX, f"damaged ({error!r}); make the library again") from error
    return ThreatLibrary(folder, tuple(records), tuple(index.get("history", ())))


def _plain(folder: Path) -> list[dict[str, Any]]:
    classes = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not classes or (folder / "annotations.json").is_file():
        raise bad(
            folder,
            "no threat library: wanted library.json (made by: beltline synthesize library)"
            " or a folder per class, as knife/a.png",
        )
    found = []
    for path in classes:
        for scan in find_scans(path):
            relative = scan.relative_to(folder)
            label = canonical(path.name)
            # the views of one article share a folder below the class
            article = str(relative.parent if relative.parent != Path(path.name) else relative.with_suffix(""))
            found.append({"scan": str(relative), "label": label, "article": article, "name": str(relative)})
    return found


def orientation(threat: Threat) -> float:
    """Direction of the longest axis, degrees in [0, 180), by the second moments of the mask."""
    rows, columns = np.nonzero(threat.mask >= 0.5 * threat.mask.max())
    spread = np.cov(np.stack([columns, rows])) if len(rows) > 1 else np.eye(2)
    angle = 0.5 * np.degrees(np.arctan2(2 * spread[0, 1], spread[0, 0] - spread[1, 1]))
    return float(angle % 180)


@dataclass(frozen=True)
class Census:
    """A library counted against the rules.

    Attributes:
        images: Exemplars; the rules want 6,000.
        articles: Physical articles; the rules want 250.
        replaced: Articles added within a year; the rules want 100.
        by_label: Exemplars, articles and mean orientations an article, for each class.
    """

    images: int
    articles: int
    replaced: int
    by_label: Mapping[str, tuple[int, int, float]]

    def shortfalls(self) -> tuple[str, ...]:
        """What the rules ask for and the library lacks, one line each."""
        rules = (
            ("images", self.images, RULE_IMAGES),
            ("articles", self.articles, RULE_ARTICLES),
            ("articles replaced within a year", self.replaced, RULE_REPLACED),
        )
        return tuple(f"{have} of {want} {what}" for what, have, want in rules if have < want)


def census(library: ThreatLibrary, *, today: date | None = None) -> Census:
    """Count exemplars, articles and orientations (classes of 30 degrees).

    Source:
        The published rules of threat libraries: 6,000 images of 250 articles, 100 of them replaced a year.
    """
    start = ((today or date.today()) - timedelta(days=365)).isoformat()
    fresh = {(r["label"], r["article"]) for r in library.records if r.get("added", "") >= start}
    images = Counter(record["label"] for record in library.records)
    by_label = {}
    for label in library.labels:
        articles = library.articles(label)
        views = [
            len({int(library.records[i].get("orientation", 0) // ORIENTATION_DEGREES) for i in group})
            for group in articles.values()
        ]
        by_label[label] = (images[label], len(articles), float(np.mean(views)))
    return Census(len(library), sum(a for _, a, _ in by_label.values()), len(fresh), by_label)
