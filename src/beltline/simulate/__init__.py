"""Bags that never were: exact geometry, tabulated physics, labels that no annotator could draw."""
