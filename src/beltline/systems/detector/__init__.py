"""Detectors: a box an object."""
