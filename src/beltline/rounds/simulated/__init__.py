"""Rounds that nobody has to sit through: a simulated annotator, several arms, one table that decides.

The arms that train import torch.
"""
