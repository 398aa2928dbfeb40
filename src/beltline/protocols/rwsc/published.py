"""The numbers printed in the RWSC-Fusion paper, as CSV beside this file."""

from __future__ import annotations

from collections.abc import Mapping

from beltline.protocols.tables import printed_rows


def printed_quality() -> Mapping[str, Mapping[str, float]]:
    """QE, Qabf, EI and PSNR of the whole picture, by method."""
    return {
        row["method"].replace("RWSC-Fusion", "RWSC"): {
            "QE, whole": float(row["qe"]),
            "Qabf, whole": float(row["qabf"]),
            "EI, whole": float(row["ei"]),
            "PSNR of sources, whole": float(row["psnr"]),
        }
        for row in printed_rows("rwsc", "quality")
    }


def printed_detection() -> Mapping[tuple[str, str], float]:
    """Average precision in percent by training set (SIXR, SIXR1/2, SIXRS, SIXRS+) and class or "mean"."""
    return {
        (row["training_data"], row["class"]): float(row["ap"])
        for row in printed_rows("rwsc", "sixray_detection")
    }


def printed_edge_attention() -> Mapping[str, tuple[float, float]]:
    """MAE and PSNR outside the mask, by "without EA" and "with EA"."""
    return {
        row["model"]: (float(row["mae"]), float(row["psnr"]))
        for row in printed_rows("rwsc", "edge_attention")
    }
