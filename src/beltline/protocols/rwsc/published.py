"""The numbers printed in the RWSC-Fusion paper, as CSV beside this file."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from importlib.resources import files


def printed_quality() -> Mapping[str, Mapping[str, float]]:
    """QE, Qabf, EI and PSNR of the whole picture, by method."""
    return {
        row["method"].replace("RWSC-Fusion", "RWSC"): {
            "QE, whole": float(row["qe"]),
            "Qabf, whole": float(row["qabf"]),
            "EI, whole": float(row["ei"]),
            "PSNR of sources, whole": float(row["psnr"]),
        }
        for row in _rows("quality")
    }


def printed_detection() -> Mapping[tuple[str, str], float]:
    """Average precision in percent by training set (SIXR, SIXR1/2, SIXRS, SIXRS+) and class or "mean"."""
    return {(row["training_data"], row["class"]): float(row["ap"]) for row in _rows("sixray_detection")}


def printed_opixray() -> Mapping[str, float]:
    """Average precision in percent by training set (OPIR, OPIRS, OPIRS+)."""
    return {row["training_data"]: float(row["ap"]) for row in _rows("opixray_detection")}


def printed_edge_attention() -> Mapping[str, tuple[float, float]]:
    """MAE and PSNR outside the mask, by "without EA" and "with EA"."""
    return {row["model"]: (float(row["mae"]), float(row["psnr"])) for row in _rows("edge_attention")}


def _rows(name: str) -> list[dict[str, str]]:
    text = files("beltline.protocols.rwsc").joinpath("printed", f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
