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

    def by_class(table: str, figure: str) -> dict[tuple[str, str, str], float]:
        rows = printed_rows("sixray", table)
        return {(r["method"], r["subset"], r["class"]): float(r[figure]) for r in rows}

    ablation = {
        (r["method"], r["subset"]): (float(r["classification_percent"]), float(r["localization_percent"]))
        for r in printed_rows("sixray", "ablation")
    }
    return Printed(
        by_class("classification", "mean_average_precision_percent"),
        by_class("localization", "pointing_accuracy_percent"),
        ablation,
    )
