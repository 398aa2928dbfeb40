"""Exemplars of a threat library as windows over air, so that a painter learns a user's own threats."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from beltline.core import BadInputError
from beltline.formats import begin_plan
from beltline.formats.inpainting_shards import (
    InpaintingWindow,
    write_inpainting_classes,
    write_inpainting_shard,
)
from beltline.formats.lone_window import LONE_SHARE, lone_window
from beltline.formats.shard_writer import shard_path
from beltline.physics.attenuation_code import attenuation_code
from beltline.synthesis.library import ThreatLibrary
from beltline.synthesis.threat import Domain, Threat

A_SHARD = 600  # windows
COVERED = 0.5  # share of a pixel from which it is the threat's


def write_library_windows(out: Path, library: ThreatLibrary, *, seed: int = 0) -> int:
    """Write every exemplar once; a training turns and mirrors them.

    Args:
        out: Folder of the set.
        library: Exemplars, all of two energies or all in colour.
        seed: Of how large each stands in its window.

    Returns:
        Windows.

    Raises:
        BadInputError: If the exemplars are grey, of several kinds, or the folder was begun with others.
    """
    domain = _domain(library)
    begin_plan(out, "lone threat shards", {"seed": seed, "library": library.mark, "domain": domain})
    write_inpainting_classes(out, library.labels)
    windows = _windows(library, seed)
    count, index = 0, 0
    while part := list(islice(windows, A_SHARD)):
        if not shard_path(out, index).exists():
            write_inpainting_shard(out, index, part)
        count, index = count + len(part), index + 1
    return count


def _domain(library: ThreatLibrary) -> Domain:
    found = {threat.domain for threat in library.some(1)}
    found |= {record["domain"] for record in library.records if "domain" in record}
    if len(found) != 1 or not found <= {"dual", "color"}:
        raise BadInputError(
            f"{library.root}: a painter learns from threats of two energies or from threats in colour, got"
            f" {' and '.join(sorted(found))}; cut a library out of scans of one kind"
        )
    domain: Domain = found.pop()
    return domain


def _windows(library: ThreatLibrary, seed: int) -> Iterator[InpaintingWindow]:
    rng = np.random.default_rng(seed)
    for threat in library:
        share = rng.uniform(*LONE_SHARE)
        if (threat.mask >= COVERED).any():
            yield _window(threat, library.labels.index(threat.label), share)


def _window(threat: Threat, label: int, share: float) -> InpaintingWindow:
    covered = threat.mask >= COVERED
    alone = np.where(threat.mask > 0, threat.pixels, np.float32(1))
    if threat.domain == "dual":
        return lone_window(alone, covered, label, share=share, code=attenuation_code)
    return lone_window(alone, covered, label, share=share)
