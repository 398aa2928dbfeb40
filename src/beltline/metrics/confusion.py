"""One confusion matrix from which every printed rate follows, and what two rates imply on balanced data.

Tables whose columns were computed apart contradict each other; figures from one `Confusion` cannot.
"""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from beltline.metrics.operating_points import Rate, wilson
from beltline.metrics.ranking import known_pairs


@dataclass(frozen=True)
class Confusion:
    """Counts of a yes-no decision, positive meaning an anomaly.

    Shares without trials are NaN with the interval 0 to 1; see `Rate`.

    Attributes:
        tp: Positives that alarmed.
        fp: Negatives that alarmed.
        tn: Negatives that did not.
        fn: Positives that did not.

    Raises:
        ValueError: If a count is negative.

    Example:
        >>> found = Confusion(tp=9, fp=2, tn=8, fn=1)
        >>> found.accuracy.value, found.recall.value, round(found.precision.value, 3), round(found.f1, 3)
        (0.85, 0.9, 0.818, 0.857)
    """

    tp: int
    fp: int
    tn: int
    fn: int

    def __post_init__(self) -> None:
        if min(self.tp, self.fp, self.tn, self.fn) < 0:
            raise ValueError(f"counts must be 0 or more, got {self}")

    @property
    def accuracy(self) -> Rate:
        """Share of all decisions that are right."""
        return wilson(self.tp + self.tn, self.tp + self.fp + self.tn + self.fn)

    @property
    def precision(self) -> Rate:
        """Share of the alarms that are right."""
        return wilson(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> Rate:
        """Share of the positives that alarm: TP % of printed tables, PD of `OperatingPoint`."""
        return wilson(self.tp, self.tp + self.fn)

    @property
    def false_positive_rate(self) -> Rate:
        """Share of the negatives that alarm: FP % of printed tables, PFA of `OperatingPoint`."""
        return wilson(self.fp, self.fp + self.tn)

    @property
    def f1(self) -> float:
        """``2 tp / (2 tp + fp + fn)`` in [0, 1]; NaN without a positive and without an alarm."""
        total = 2 * self.tp + self.fp + self.fn
        return 2 * self.tp / total if total else float("nan")


@dataclass(frozen=True)
class ImpliedRates:
    """What a true and a false positive rate imply where half of the data are positives; shares in [0, 1].

    Attributes:
        accuracy: A.
        precision: P; NaN where nothing alarms.
        f1: Of P and recall; 0 where nothing is found, NaN where nothing alarms.
    """

    accuracy: float
    precision: float
    f1: float


def confusion_of(labels: ArrayLike, alarms: ArrayLike) -> Confusion:
    """Counts of decisions.

    Args:
        labels: (N,) 1, 0, or NaN left out.
        alarms: (N,) 1 or 0; scores go through a threshold first, for example ``scores >= threshold``.

    Raises:
        ValueError: If shapes differ, a label is none of 0, 1, NaN, or an alarm none of 0, 1.

    Example:
        >>> confusion_of([1, 1, 0, 0, float("nan")], [1, 0, 0, 1, 1])
        Confusion(tp=1, fp=1, tn=1, fn=1)
    """
    truth, value = known_pairs(labels, alarms)
    if not ((value == 0) | (value == 1)).all():
        raise ValueError("alarms must be 0 or 1, got other values; compare scores with a threshold first")
    alarm = value == 1
    tp, fp = int((alarm & truth).sum()), int((alarm & ~truth).sum())
    return Confusion(tp, fp, int((~truth).sum()) - fp, int(truth.sum()) - tp)


def implied(tp_rate: float, fp_rate: float) -> ImpliedRates:
    """Accuracy, precision and F1 that two rates imply on balanced data, to check printed tables.

    ``A = (TPR + 1 - FPR) / 2``, ``P = TPR / (TPR + FPR)``, ``F1 = 2 P TPR / (P + TPR)``.

    Args:
        tp_rate: Share of positives that alarm, in [0, 1]; a printed per cent over 100.
        fp_rate: Share of negatives that alarm, in [0, 1].

    Raises:
        ValueError: If a rate is outside [0, 1].

    Source:
        Definitions of the rates with as many positives as negatives.

    Example:
        >>> round(implied(0.8370, 0.0388).precision, 3)  # of a table that prints 0.837
        0.956
    """
    if not (0 <= tp_rate <= 1 and 0 <= fp_rate <= 1):
        raise ValueError(f"rates must be shares in 0..1, got {tp_rate} and {fp_rate}; divide per cent by 100")
    alarms = tp_rate + fp_rate
    precision = tp_rate / alarms if alarms else float("nan")
    f1 = 2 * tp_rate / (alarms + 1) if alarms else float("nan")
    return ImpliedRates((tp_rate + 1 - fp_rate) / 2, precision, f1)
