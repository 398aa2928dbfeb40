"""The numbers printed in Durham's tables I and II, as CSV beside this file, and what they imply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from beltline.metrics.confusion import implied
from beltline.protocols.tables import printed_rows


@dataclass(frozen=True)
class Printed:
    """A row as printed; percent.

    Attributes:
        accuracy: A.
        precision: P.
        f1: F1.
        tp: TP %.
        fp: FP %.
    """

    accuracy: float
    precision: float
    f1: float
    tp: float
    fp: float

    @property
    def implied_accuracy(self) -> float:
        """What TP and FP imply on balanced data, which the paper's are said to be; percent."""
        return 100 * implied(self.tp / 100, self.fp / 100).accuracy


def printed_tables() -> Mapping[tuple[str, str], Printed]:
    """Rows by level (``part`` for the paper's sub-component, ``object``) and classifier.

    Source:
        Durham, object and sub-component level anomaly detection in X-ray scans of electronics, I and II.
    """
    levels = {"sub-component": "part", "object": "object"}
    names = ("accuracy", "precision", "f1", "tp_percent", "fp_percent")
    own = {"MA": "MA-CNN"}
    return {
        (levels[row["strategy"]], own.get(row["architecture"], row["architecture"])): Printed(
            *(float(row[name]) for name in names)
        )
        for row in printed_rows("durham", "tables")
    }
