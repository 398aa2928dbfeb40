"""Metrics: pure functions of NumPy arrays."""

from beltline.metrics.ranking import average_precision, mean_average_precision, roc_auc

__all__ = ["average_precision", "mean_average_precision", "roc_auc"]
