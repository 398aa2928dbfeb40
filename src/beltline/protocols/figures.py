"""What the figures of every experiment share: a canvas that needs no screen, files, error bars."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from beltline.protocols.claims import Claim


def pyplot() -> Any:
    """Matplotlib's pyplot, drawing into files alone."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot


def save_figure(figure: Any, path: Path, *, dpi: int = 130) -> None:
    """Write a figure as its suffix says, and close it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"pil_kwargs": {"quality": 85}} if path.suffix == ".jpg" else {}
    figure.savefig(path, dpi=dpi, **options)
    pyplot().close(figure)


def plain_axis(axis: Any) -> None:
    """No frame above and to the right; faint lines along x."""
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(axis="x", linewidth=0.4, alpha=0.5)


def points_with_reach(claims: Iterable[Claim]) -> tuple[list[float], list[float]]:
    """Differences in points, and how far Student's interval over the seeds reaches; 0 for a single seed."""
    claims = list(claims)
    middle = [100 * c.difference for c in claims]
    return middle, [100 * (c.interval[1] - c.difference) if c.interval else 0.0 for c in claims]
