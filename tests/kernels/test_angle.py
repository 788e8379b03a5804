"""The polynomials of the arc tangent: their numbers from where they come, and their errors as told."""

import numpy as np
import pytest
from numpy.polynomial import Chebyshev, Polynomial

from hdrplan.kernels import angle

_SINGLES = np.array([getattr(angle, f"_S{k}") for k in range(8)])
_DEGREES = np.array([getattr(angle, f"_D{k}") for k in range(6)])
_DOUBLES = np.array([getattr(angle, f"_C{k}") for k in range(13)])


def test_singles_are_the_least_squares_at_chebyshev_points() -> None:
    x2 = 0.5 + 0.5 * np.cos(np.linspace(0.0, np.pi, 4001)[:-1])
    x = np.sqrt(x2)
    again = np.linalg.lstsq(np.vander(x2, 8, increasing=True), np.arctan(x) / x, rcond=None)[0]
    assert {type(c) for c in _SINGLES} == {np.float32}
    assert np.allclose(_SINGLES, again, rtol=2.0**-23, atol=0.0)


def test_degrees_are_the_least_squares_at_chebyshev_points() -> None:
    x2 = 0.5 * (0.5 + 0.5 * np.cos(np.linspace(0.0, np.pi, 4001)[:-1]))
    ratio = np.rad2deg(np.arcsin(np.sqrt(x2))) / np.sqrt(x2)
    powers = np.vander(x2, 6, increasing=True)
    again = np.linalg.lstsq(powers / ratio[:, None], np.ones_like(x2), rcond=None)[0]
    assert {type(c) for c in _DEGREES} == {np.float32}
    assert np.allclose(_DEGREES, again, rtol=2.0**-23, atol=0.0)
    assert np.abs(powers @ _DEGREES.astype(float) / ratio - 1.0).max() < 1e-6


def test_doubles_are_interpolated_at_chebyshev_points() -> None:
    def ratio(x2: np.ndarray) -> np.ndarray:
        x = np.sqrt(np.maximum(x2, 1e-300))
        return np.arctan(x) / x

    end = (np.sqrt(2.0) - 1.0) ** 2
    again = Chebyshev.interpolate(ratio, 12, [0.0, end]).convert(kind=Polynomial).coef
    at = np.linspace(0.0, end, 1001)
    # Rounding of the fit moves the high coefficients together, and their sum by nothing.
    assert np.allclose(Polynomial(_DOUBLES)(at), Polynomial(again)(at), rtol=2e-15, atol=0.0)
    assert np.allclose(_DOUBLES, again, rtol=1e-3, atol=1e-12)


@pytest.mark.parametrize(
    ("function", "number", "error"), [("angle32", np.float32, 3e-7), ("angle64", np.float64, 4e-16)]
)
def test_angle_is_that_of_the_library(function: str, number: type, error: float) -> None:
    turn = np.linspace(1e-6, np.pi - 1e-6, 20_001)
    for y, x in zip(np.sin(turn).astype(number), np.cos(turn).astype(number), strict=True):
        exact = np.arctan2(np.float64(y), np.float64(x))
        assert abs(getattr(angle, function)(y, x) - exact) <= error * np.pi
