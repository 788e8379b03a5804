from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import dblquad

from hdrplan.errors import InputError
from hdrplan.metrics import bed_gy, eqd2_gy, protraction_factor

# Single fraction, G = 1: n d (1 + d / (a/b)) and its EQD2, rounded to the digits given.
TABLE = [
    (10, 20.0, 16.7, 12.3, 43.3, 26.0),
    (15, 37.5, 31.3, 20.2, 90.0, 54.0),
    (20, 60.0, 50.0, 29.3, 153.3, 92.0),
    (25, 87.5, 72.9, 39.5, 233.3, 140.0),
]


@pytest.mark.parametrize(("dose", "bed10", "eqd2_10", "bed43", "bed3", "eqd2_3"), TABLE)
def test_single_fractions(dose: float, bed10: float, eqd2_10: float, bed43: float, bed3: float, eqd2_3: float) -> None:
    half_digit = 0.0501
    assert bed_gy(dose, 10.0) == pytest.approx(bed10, abs=half_digit)
    assert eqd2_gy(dose, 10.0) == pytest.approx(eqd2_10, abs=half_digit)
    assert bed_gy(dose, 43.0) == pytest.approx(bed43, abs=half_digit)
    assert bed_gy(dose, 3.0) == pytest.approx(bed3, abs=half_digit)
    assert eqd2_gy(dose, 3.0) == pytest.approx(eqd2_3, abs=half_digit)


def test_two_gray_fractions_are_their_own_eqd2() -> None:
    assert eqd2_gy(60.0, 7.3, fractions=30) == pytest.approx(60.0, rel=1e-12)


def test_arrays_keep_their_shape() -> None:
    assert bed_gy(np.full((2, 3), 20.0), 10.0).tolist() == np.full((2, 3), 60.0).tolist()


@pytest.mark.parametrize(("minutes", "half_time_min"), [(30.0, 90.0), (74.0, 90.0), (600.0, 30.0), (0.001, 90.0)])
def test_protraction_is_the_double_integral_of_repair(minutes: float, half_time_min: float) -> None:
    # G = 2 / T^2 times the integral over t of the integral over t' < t of exp(-mu (t - t')).
    mu, t_end = np.log(2.0) / half_time_min, minutes
    integral, _ = dblquad(lambda s, t: np.exp(-mu * (t - s)), 0, t_end, 0, lambda t: t, epsabs=0, epsrel=1e-11)
    assert protraction_factor(minutes * 60, half_time_min * 60) == pytest.approx(2 * integral / t_end**2, rel=1e-9)


def test_protraction_limits() -> None:
    assert protraction_factor(0.0, 5400.0) == 1.0
    assert protraction_factor(30 * 60, 90 * 60) == pytest.approx(0.93, abs=0.005)
    # Series and closed form meet where one takes over from the other.
    step = 1e-4 / np.log(2.0)
    assert protraction_factor(step * (1 - 1e-9), 1.0) == pytest.approx(
        protraction_factor(step * (1 + 1e-9), 1.0), rel=1e-7
    )
    assert protraction_factor(1e9, 1.0) < 1e-8


def test_bad_input() -> None:
    for bad in (0.0, -3.0, float("nan")):
        with pytest.raises(InputError, match="alpha/beta"):
            bed_gy(20.0, bad)
    with pytest.raises(InputError, match="fraction"):
        bed_gy(20.0, 10.0, fractions=0)
    with pytest.raises(InputError, match="protraction"):
        bed_gy(20.0, 10.0, protraction=1.1)
    with pytest.raises(InputError, match="half-time"):
        protraction_factor(60.0, 0.0)
    with pytest.raises(InputError, match="0 s"):
        protraction_factor(-1.0, 60.0)


@pytest.mark.parametrize("x", [1e-7, 5e-5, 9.9e-5, 1.01e-4, 3e-3])
def test_protraction_of_short_irradiations_to_the_last_digits(x: float) -> None:
    # x = ln 2 times duration over half-time; on both sides of where the closed form takes over from the series.
    series = sum(2.0 * (-x) ** k / math.factorial(k + 2) for k in range(8))
    assert protraction_factor(x, math.log(2.0)) == pytest.approx(series, rel=1e-11, abs=0.0)
