"""Durham: anomalies in electronics, whole devices against their parts, to the decision for the scan."""

from beltline.protocols.durham.experiment import reproduce_durham
from beltline.protocols.durham.plan import SCALES, narrow

__all__ = ["SCALES", "narrow", "reproduce_durham"]
