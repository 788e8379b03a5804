"""Sums over rates in single precision are those of the same numbers in double precision."""

import numpy as np
import pytest

from hdrplan.dose import doses_of, weighted_rates


@pytest.mark.parametrize("n", [0, 1, 127, 128, 129, 5000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_are_made_in_double_precision(n: int, dtype: type[np.floating]) -> None:
    rng = np.random.default_rng(n)
    rates = rng.uniform(0.0, 1e-3, (n, 11)).astype(dtype)
    rates.setflags(write=False)
    times_s, weights = rng.uniform(0.0, 300.0, 11), rng.uniform(size=n) * (rng.random(n) < 0.3)
    double = rates.astype(np.float64)
    doses, sums = doses_of(rates, times_s), weighted_rates(weights, rates)
    assert doses.dtype == sums.dtype == np.float64
    np.testing.assert_allclose(doses, double @ times_s, rtol=1e-13)
    np.testing.assert_allclose(sums, weights @ double, rtol=1e-12, atol=1e-18)
