"""Operating points in figures and tables: one shape in JSON, one look in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from numpy.typing import ArrayLike

from beltline.metrics import rates_at_threshold


def point(truth: ArrayLike, scores: ArrayLike, threshold: float) -> dict[str, dict[str, float]]:
    """PD and PFA at a threshold, each ``{"value", "low", "high"}`` with a 95 % Wilson interval.

    Args:
        truth: (N,) 1, 0 or NaN = not known.
        scores: (N,).
        threshold: Scores from here on alarm.
    """
    rates = rates_at_threshold(truth, scores, threshold)
    return {"pd": asdict(rates.pd), "pfa": asdict(rates.pfa)}


def rate_text(rate: Mapping[str, float]) -> str:
    """A rate with its interval: ``0.833 [0.436, 0.970]``."""
    return f"{rate['value']:.3f} [{rate['low']:.3f}, {rate['high']:.3f}]"


def whole_scan_lines(found: Mapping[str, Any]) -> list[str]:
    """Lines on the decision for whole scans, or on how to get it."""
    lines = [
        f"whole scan at {float(rate):.0%}: PD {rate_text(at['pd'])}, PFA {rate_text(at['pfa'])}"
        for rate, at in found.get("whole_scan", {}).items()
    ]
    return lines or ["For PD at fixed PFA run it with --calibrate on a validation set first."]
