"""Sets that synthesis makes, scan by scan: what all kinds have in common on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beltline.core import Instances, Progress, counted
from beltline.formats import SetWriter, begin_plan, read_scan, require_plan
from beltline.physics import colorize
from beltline.synthesis.domains import scan_domain
from beltline.synthesis.library import ThreatLibrary
from beltline.synthesis.quality import EXEMPLARS, Norms, learn_norms
from beltline.synthesis.threat import Domain

Floats = NDArray[np.float32]
Source = tuple[str, Path, float | None]  # name, file, pixel side in mm
BAGS_LEARNED = 4  # benign scans that the gate learns depth from


@dataclass(frozen=True, eq=False)
class MadeScan:
    """One scan of such a set.

    Attributes:
        bag: Name of the scan that it was made from.
        pixels: (C, H, W), in the domain.
        domain: Of the pixels.
        pixel_mm: Side of a pixel, None where unknown.
        instances: What is annotated.
        extras: More fields of each annotation.
        facts: More fields of the image record.
    """

    bag: str
    pixels: Floats
    domain: Domain
    pixel_mm: float | None
    instances: Instances
    extras: Sequence[Mapping[str, Any]] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class SetKind:
    """What a folder is to hold, by which a later run knows it again.

    Attributes:
        name: Of the kind.
        classes: Columns of labels.csv.
        plan: Settings by name, see `begin_plan`.
        free: Dotted names of settings that a later run may change.
        style: Look of the pictures of dual-energy scans.
    """

    name: str
    classes: tuple[str, ...]
    plan: Mapping[str, Any]
    free: frozenset[str]
    style: str = "white"


def write_made_set(
    out: str | Path,
    kind: SetKind,
    names: Sequence[str],
    make: Callable[[int], MadeScan],
    card: Mapping[str, Any],
    *,
    on_progress: Progress | None = None,
) -> dict[str, Any]:
    """Write a set; scans that are there already are kept.

    Args:
        out: Folder of the set.
        kind: What it is to hold.
        names: Of all scans.
        make: The scan of a number, which depends on the plan and that number alone.
        card: More fields for card.json.
        on_progress: Told scans.

    Returns:
        The card as written.

    Raises:
        BadInputError: If the folder was begun with another plan, or holds more scans than these.
    """
    require_plan(out, kind.name, kind.plan, free=kind.free)
    writer = SetWriter(out, classes=kind.classes)
    writer.require_only(names)
    begin_plan(out, kind.name, kind.plan, free=kind.free)
    for index, name in enumerate(counted(names, on_progress, name=str)):
        if not writer.has(name):
            _add(writer, name, make(index), kind.style)
    return writer.finish({"source": kind.name, **card})


def mark_of_bags(bags: Sequence[Source]) -> str:
    """Their number and a digest of names and sizes, which tells other scans of the same names apart."""
    seen = [(name, path.stat().st_size if path.is_file() else 0) for name, path, _ in bags]
    return f"{len(bags)} scans {hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:12]}"


def picture(pixels: Floats, domain: Domain, style: str = "white") -> NDArray[np.uint8]:
    """(H, W, 3) or (H, W) uint8 for the eye and for detectors that read pictures."""
    if domain == "dual":
        return colorize(np.ascontiguousarray(pixels[0]), np.ascontiguousarray(pixels[1]), style)
    shown = np.round(255 * np.clip(pixels, 0, 1)).astype(np.uint8)
    return shown[0] if domain == "grey" else np.ascontiguousarray(np.moveaxis(shown, 0, 2))


@dataclass(frozen=True, eq=False)
class LearnedNorms:
    """What the quality gate goes by in each domain, learned when it is first asked for.

    Attributes:
        bags: Benign scans.
        library: Threats that tell what a class looks like; None where none are at hand, and the checks by
            class pass.
        style: Look of colours made from two energies.
    """

    bags: Sequence[Source]
    library: ThreatLibrary | None
    style: str = "white"
    _found: dict[Domain, Norms] = field(default_factory=dict)

    def of(self, domain: Domain) -> Norms:
        """Norms of scans of a domain."""
        if domain not in self._found:
            scans = (read_scan(path) for _, path, _ in self.bags[: 4 * BAGS_LEARNED])
            alike = [scan.pixels for scan in scans if scan_domain(scan) == domain][:BAGS_LEARNED]
            exemplars = () if self.library is None else self.library.some(EXEMPLARS)
            self._found[domain] = learn_norms(exemplars, alike, domain, style=self.style)
        return self._found[domain]


def _add(writer: SetWriter, name: str, made: MadeScan, style: str) -> None:
    writer.add(
        name,
        image=picture(made.pixels, made.domain, style),
        raw=(made.pixels[0], made.pixels[1]) if made.domain == "dual" else None,
        instances=made.instances,
        pixel_mm=made.pixel_mm,
        extra={"bag": made.bag, "domain": made.domain, **made.facts},
        instance_extras=made.extras,
    )
