"""Ratios in tables: as many digits as tell them from 1."""

from __future__ import annotations

import math

import pytest

from hdrplan.analysis import ratio_text
from hdrplan.outcomes import ratio_decimals


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        ((0.927, 0.844, 1.018), "0.927 (0.844-1.018)"),
        ((1.0000330, 1.0000192, 1.0000468), "1.0000330 (1.0000192-1.0000468)"),
        ((1.0, 1.0, 1.0), "1.000 (1.000-1.000)"),
        ((0.9985, 0.9931, 1.0040), "0.99850 (0.99310-1.00400)"),
        ((1.2, math.nan, math.nan), "1.200 (NR-NR)"),
    ],
)
def test_a_ratio_has_the_digits_that_tell_it_from_1(ratio: tuple[float, float, float], text: str) -> None:
    assert ratio_text(*ratio) == text


def test_no_ratio_has_more_digits_than_numbers_hold() -> None:
    assert ratio_decimals(1.0 + 1e-15) == 15
    assert ratio_decimals(math.inf) == 3
