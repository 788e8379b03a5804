"""Series as they are printed, pooled: every number against the formula written out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from hdrplan.errors import InputError
from hdrplan.outcomes import Series, pooled_series


def series(name: str, lesions: int | None, events: float | None, **more: object) -> Series:
    facts = {"tumour_type": "mixed", "horizon": "12 months", "control": None, "dose_gy": None, "overlaps": ""}
    return Series(name=name, lesions=lesions, events=events, place="p", note="", **(facts | {"in_liver": True} | more))


def test_the_interval_of_a_series_is_that_of_its_logit() -> None:
    """Control of 90 in 100 is logit 2.197 with variance 1/10 + 1/90; none of 20 counts as half an event of 21."""
    (pool,) = pooled_series([series("a", 100, 10), series("b", 20, 0)])
    for k, (stays, recurs) in enumerate(((90.0, 10.0), (20.5, 0.5))):
        y, half = np.log(stays / recurs), norm.ppf(0.975) * np.sqrt(1 / stays + 1 / recurs)
        for got, logit in ((pool.control[k], y), (pool.lower[k], y - half), (pool.upper[k], y + half)):
            assert got == pytest.approx(1 / (1 + np.exp(-logit)), rel=1e-12)


def test_what_is_left_out_says_why() -> None:
    assert series("a", 10, 1).left_out == ""
    assert series("a", None, 1).left_out == series("a", 10, None).left_out == "number of lesions not printed"
    assert series("a", 10, 1, overlaps="b").left_out == "same patients as b"
    assert series("a", 10, 1, in_liver=False).left_out == "not liver"


def test_the_series_with_too_many_recurrences_is_the_one_that_is_named() -> None:
    with pytest.raises(InputError, match="second"):
        pooled_series([series("first", 5, 5), series("second", 5, 6), series("third", 5, 7)])


def test_types_within_one_series_have_the_standard_error_of_their_odds() -> None:
    """80 % of all, 90 % of one type and 60 % of the other: two thirds of 120 lesions are of the first."""
    whole = series("w", 120, 24, control=0.8)
    parts = [series("x", None, None, tumour_type=t, control=c, overlaps="w") for t, c in (("CRC", 0.9), ("HCC", 0.6))]
    (pool,) = pooled_series([whole, *parts])
    (pair,) = pool.within
    assert pair.implied_fraction == pytest.approx(2 / 3)
    assert pair.log_odds == pytest.approx(np.log(0.6 / 0.4) - np.log(0.9 / 0.1))
    counts = np.array([80 * 0.9, 80 * 0.1, 40 * 0.6, 40 * 0.4])
    assert pair.implied_se == pytest.approx(np.sqrt((1 / counts).sum()))
