"""What the product of two scans leaves out, against the polychromatic reference."""

import numpy as np
import pytest

from beltline.physics import exact_transmission
from beltline.synthesis.hardening import hardening_factor


def seen(thickness_mm, tube_kv=160):
    pair = np.array(exact_transmission(thickness_mm, tube_kv=tube_kv), np.float32)
    return pair.reshape(2, 1, 1) * np.ones((2, 4, 4), np.float32)


@pytest.mark.parametrize(
    ("bag", "item"),
    [
        ({"water": 50}, {"fe": 2}),
        ({"water": 150}, {"fe": 1}),
        ({"pe": 80, "al": 3}, {"fe": 2}),
        ({"water": 60}, {"al": 10}),
        ({"cu": 0.5, "pe": 40}, {"fe": 3}),
    ],
)
def test_the_correction_gives_the_reference_where_the_product_is_too_dark(bag, item):
    truth = seen({name: bag.get(name, 0) + item.get(name, 0) for name in {*bag, *item}})
    product = seen(bag) * seen(item)
    corrected = product * hardening_factor(seen(bag), seen(item))
    assert float(product[0, 0, 0] / truth[0, 0, 0]) < 0.93
    assert corrected == pytest.approx(truth, rel=0.01)


@pytest.mark.parametrize("tube_kv", [140, 180])
def test_another_tube_than_assumed_still_gains_most_of_it(tube_kv):
    bag, item, both = (seen(m, tube_kv) for m in ({"water": 80}, {"fe": 2}, {"water": 80, "fe": 2}))
    corrected = bag * item * hardening_factor(bag, item)
    off = [abs(float(np.log(made[0, 0, 0] / both[0, 0, 0]))) for made in (bag * item, corrected)]
    assert off[1] < 0.25 * off[0]


def test_nothing_changes_beside_the_item_or_over_air():
    item = seen({"fe": 2})
    item[:, :2] = 1
    factor = hardening_factor(seen({"water": 50}), item)
    assert (factor[:, :2] == 1).all()
    assert factor[0, 3, 3] > 1.1
    assert hardening_factor(np.ones((2, 4, 4), np.float32), seen({"fe": 2})) == pytest.approx(1, abs=0.01)
    assert (hardening_factor(seen({"water": 50}), np.ones((2, 4, 4), np.float32)) == 1).all()
