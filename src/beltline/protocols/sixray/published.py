"""The numbers printed in the CHR paper, as CSV beside this file."""

from __future__ import annotations

from dataclasses import dataclass

from beltline.protocols.tables import printed_rows


@dataclass(frozen=True)
class Printed:
    """Tables 2 to 4, in percent.

    Attributes:
        classification: By model, subset and class (or "mean").
        localization: Same, pointing accuracy.
        ablation: (classification, localisation) by method and subset.
    """

    classification: dict[tuple[str, str, str], float]
    localization: dict[tuple[str, str, str], float]
    ablation: dict[tuple[str, str], tuple[float, float]]


def read_printed() -> Printed:
    """Read the printed tables.

    Source:
        Miao et al., SIXray (CVPR 2019), Tables 2, 3 and 4.
    """
    classification = {
        (r["method"], r["subset"], r["class"]): float(r["mean_average_precision_percent"])
        for r in printed_rows("sixray", "classification")
    }
    localization = {
        (r["method"], r["subset"], r["class"]): float(r["pointing_accuracy_percent"])
        for r in printed_rows("sixray", "localization")
    }
    ablation = {
        (r["method"], r["subset"]): (float(r["classification_percent"]), float(r["localization_percent"]))
        for r in printed_rows("sixray", "ablation")
    }
    return Printed(classification, localization, ablation)
