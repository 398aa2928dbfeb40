"""The numbers printed in the XSeg paper, as CSV beside this file."""

from __future__ import annotations

from collections.abc import Mapping

from beltline.protocols.tables import printed_rows


def printed_main() -> Mapping[str, tuple[float, float, float]]:
    """MIoU and Dice in percent, and trained parameters in millions, by method.

    Source:
        XSeg (CVPR 2026, arXiv 2604.03706).
    """
    return {
        row["method"]: (float(row["miou"]), float(row["dice"]), float(row["trainable_millions"]))
        for row in printed_rows("xseg", "main")
    }


def printed_ablation() -> Mapping[str, tuple[float, float]]:
    """MIoU and Dice in percent by configuration."""
    return {
        row["configuration"]: (float(row["miou"]), float(row["dice"]))
        for row in printed_rows("xseg", "ablation")
    }


def printed_cross_domain() -> Mapping[tuple[str, str], float]:
    """MIoU in percent by method and data set."""
    return {(row["method"], row["data"]): float(row["miou"]) for row in printed_rows("xseg", "cross_domain")}
