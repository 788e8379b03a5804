"""Indicator columns and restricted cubic splines."""

import numpy as np
import pytest

from hdrplan.errors import InputError
from hdrplan.outcomes import indicator_columns, restricted_spline


def test_spline_is_straight_beyond_its_outer_knots_and_smooth_at_each():
    spline = restricted_spline([], knots=[10.0, 15.0, 20.0, 28.0])
    for outside in (np.linspace(0, 10, 7), np.linspace(28, 40, 7)):
        np.testing.assert_allclose(np.diff(spline.basis(outside), n=2, axis=0), 0, atol=1e-10)
    h = 1e-3
    for knot in spline.knots:  # value, slope and curvature are the same from both sides
        left, right = spline.basis(knot - h * np.arange(3)), spline.basis(knot + h * np.arange(3))
        np.testing.assert_allclose(np.diff(left, axis=0)[0], -np.diff(right, axis=0)[0], atol=1e-4)
        np.testing.assert_allclose(np.diff(left, n=2, axis=0) / h**2, np.diff(right, n=2, axis=0) / h**2, atol=1e-2)


def test_spline_between_knots_is_harrells_formula():
    # one non-linear term of knots 0, 1, 3 at x = 2: (2^3 - 1^3 * 3/2) / 3^2
    assert restricted_spline([], knots=[0, 1, 3]).basis([2.0])[0].tolist() == pytest.approx([2, (8 - 1.5) / 9])


def test_default_knots_are_harrells_quantiles():
    values = np.arange(101.0)
    np.testing.assert_allclose(restricted_spline(values, 5).knots, [5, 27.5, 50, 72.5, 95])


def test_indicator_columns_name_their_reference():
    columns = indicator_columns("type", ["HCC", "CRLM", "other", "HCC"], reference="HCC")
    assert {k: v.tolist() for k, v in columns.items()} == {
        "type: CRLM vs HCC": [0, 1, 0, 0],
        "type: other vs HCC": [0, 0, 1, 0],
    }


def test_a_reference_that_does_not_occur_is_refused():
    with pytest.raises(InputError, match="reference level"):
        indicator_columns("type", ["HCC", "CRLM"], reference="CCC")
    with pytest.raises(InputError, match="3 to 7 knots"):
        restricted_spline([1.0, 2.0], 9)


@pytest.mark.parametrize(("knots", "first"), [(3, 0.10), (4, 0.05), (5, 0.05), (6, 0.05), (7, 0.025)])
def test_knots_lie_evenly_between_harrells_outer_quantiles(knots, first):
    """Table 2.3 of his book: every row goes in equal steps from its outer quantile to that on the other side."""
    values = np.linspace(0.0, 1.0, 100_001)
    spline = restricted_spline(values, knots=knots)
    np.testing.assert_allclose(spline.knots, np.linspace(first, 1.0 - first, knots), atol=1e-4)


def test_a_name_of_each_row_is_no_covariate() -> None:
    names = [f"lesion {k}" for k in range(12)]
    with pytest.raises(InputError, match="12 levels in 12 rows"):
        indicator_columns("lesion", names)
    assert len(indicator_columns("centre", names * 2)) == 11
