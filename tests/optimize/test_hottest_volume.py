"""The hottest volume by bins is the hottest volume by sorting."""

import numpy as np
import pytest

from hdrplan.optimize.program.requirements import hottest


def by_sorting(dose_gy, volume_cc, below_cc):
    mask = np.zeros(len(dose_gy), dtype=bool)
    filled = 0.0
    for i in sorted(range(len(dose_gy)), key=lambda k: (-dose_gy[k], k)):
        filled += volume_cc[i]
        if filled >= below_cc * (1 - 1e-9):
            break
        mask[i] = True
    return mask


@pytest.mark.parametrize("seed", range(40))
def test_same_points(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 300))
    dose = np.round(rng.gamma(1.0, 10.0, n), int(rng.integers(0, 4))) * rng.choice([1.0, -1.0])  # many ties
    volume = rng.choice([0.0, 0.001, 0.002, 0.008], n)
    below = float(rng.uniform(0.0, 1.2 * volume.sum() + 1e-6))
    np.testing.assert_array_equal(hottest(dose, volume, below), by_sorting(dose, volume, below))


def test_equal_doses_go_by_row():
    np.testing.assert_array_equal(hottest(np.full(4, 3.0), np.full(4, 1.0), 2.5), [True, True, False, False])


def test_doses_whose_span_does_not_divide_evenly():
    """(high - low) * (bins / (high - low)) may round to less than bins: the hottest point is not in the last bin."""
    rng = np.random.default_rng(7)
    volume = np.ones(3)
    for dose, below in zip(rng.uniform(0.0, 50.0, (400, 3)), [0.5, 1.5] * 200, strict=True):
        np.testing.assert_array_equal(hottest(dose, volume, below), by_sorting(dose, volume, below))
