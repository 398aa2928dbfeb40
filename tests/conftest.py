"""Settings that every test shares: quiet threads, one Hypothesis profile, a seeded generator."""

import os

# Before NumPy, numba or torch are imported: idle OpenMP threads must not spin beside the other workers.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "beltline",
    deadline=None,  # the first numba or tensor call compiles
    derandomize=True,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("beltline")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240)
