"""Roots by Brent's method, beside those of another implementation."""

import math

import numpy as np
import pytest
from scipy.optimize import brentq

from hdrplan.dose.root import root_between


@pytest.mark.parametrize("seed", range(30))
def test_the_same_steps_as_scipy(seed: int) -> None:
    a, b, c, d = np.random.default_rng(seed).normal(size=4)
    asked: list[float] = []

    def function(x: float) -> float:
        asked.append(x)
        return math.atan(3 * a + 5 * x) + abs(b) * x**3 + math.floor(8 * abs(c) * x) / 8 + d / 10

    mine = root_between(function, -4.0, 3.0, error=1e-4)
    mine_asked, asked[:] = asked[:], []
    theirs = brentq(function, -4.0, 3.0, xtol=1e-4)
    assert mine == theirs
    assert mine_asked == asked[-len(mine_asked) :]


def test_a_root_at_an_end() -> None:
    assert root_between(lambda x: x - 1.0, 1.0, 2.0, error=1e-4) == 1.0
    assert root_between(lambda x: x - 2.0, 1.0, 2.0, error=1e-4) == 2.0
