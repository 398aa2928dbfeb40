"""The code of attenuation: monotonous, there and back, fine where air's noise is."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from beltline.physics.attenuation_code import MOST, attenuation_code, coded_transmission


@given(st.floats(float(np.exp(-MOST)), 1.0))
def test_there_and_back(transmission: float) -> None:
    code = attenuation_code(np.array([transmission]))
    assert 0 <= code[0] <= 1
    np.testing.assert_allclose(coded_transmission(code), [transmission], rtol=2e-5)


def test_eight_bits_are_finer_than_the_noise_of_air_and_as_fine_as_dense_metal_needs() -> None:
    levels = coded_transmission(np.arange(256) / 255)
    assert (np.diff(levels) < 0).all()
    steps = -np.diff(np.log(levels))  # attenuation a level
    assert steps[0] < 0.004
    assert steps[-1] < 0.09
    assert attenuation_code(np.array([-0.1, 0.0, 2.0])).tolist() == [1.0, 1.0, 0.0]
