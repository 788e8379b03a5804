"""The rate matrix against the formula written twice, and against the laws it must obey."""

from __future__ import annotations

import numpy as np
import pytest
from dose_cases import invented_source, one_dwell, some_dwells

from hdrplan.dose import dose_at_points, dose_rate
from hdrplan.errors import InputError
from naive_tg43 import rates
from tolerances import ROUNDOFF

STRENGTH_U = 40700.0


def test_matrix_is_the_formula() -> None:
    source, dwells = invented_source(), some_dwells()
    points = np.random.default_rng(2).uniform(-90.0, 90.0, (150, 3))
    rate = dose_rate(dwells, points, source, strength_u=STRENGTH_U)
    np.testing.assert_allclose(rate.gy_per_s, rates(dwells, points, source, STRENGTH_U), rtol=1e3 * ROUNDOFF)


def test_reference_point_gives_strength_times_constant() -> None:
    source = invented_source()
    rate = dose_rate(one_dwell(), [[10.0, 0.0, 0.0]], source, strength_u=STRENGTH_U)
    expected = STRENGTH_U * source.dose_rate_constant_gy_per_s_per_u
    assert rate.gy_per_s[0, 0] == pytest.approx(expected, rel=ROUNDOFF)


def test_theta_zero_is_the_tip() -> None:
    up, down = (
        dose_rate(one_dwell(axis), [[0.0, 0.0, 20.0]], invented_source(), strength_u=1.0).gy_per_s[0, 0]
        for axis in ((0.0, 0.0, 1.0), (0.0, 0.0, -1.0))
    )
    f_tip, f_cable = 0.62, 0.4
    assert up / down == pytest.approx(f_tip / f_cable, rel=0.03)  # F varies by 0.02 ln(r) beside these two values


def test_inside_the_capsule_the_side_wall_counts() -> None:
    wall = dose_rate(one_dwell(), [[0.5, 0.0, 1.0], [0.5, 0.0, 0.0]], invented_source(), strength_u=1.0).gy_per_s[:, 0]
    inside = [[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
    np.testing.assert_allclose(
        dose_rate(one_dwell(), inside, invented_source(), strength_u=1.0).gy_per_s[:, 0], wall, rtol=ROUNDOFF
    )


def test_on_the_axis_is_the_limit_from_beside_it() -> None:
    on, beside = ([[x, 0.0, z] for z in (-40.0, -5.0, 5.0, 40.0)] for x in (0.0, 1e-7))
    on_axis, near = (
        dose_rate(one_dwell(), p, invented_source(), strength_u=1.0).gy_per_s for p in (list(on), list(beside))
    )
    np.testing.assert_allclose(on_axis, near, rtol=1e-6)


def test_points_off_the_table_are_marked() -> None:
    points = [[1.9, 0.0, 0.0], [2.1, 0.0, 0.0], [99.0, 0.0, 0.0], [101.0, 0.0, 0.0]]
    rate = dose_rate(one_dwell(), points, invented_source(), strength_u=1.0)
    assert rate.extrapolated.tolist() == [True, False, False, True]
    assert np.isfinite(rate.gy_per_s).all()


def test_sum_without_the_matrix_is_the_product() -> None:
    source, dwells = invented_source(), some_dwells()
    points = np.random.default_rng(3).uniform(-60.0, 60.0, (400, 3))
    times_s = np.where(np.arange(len(dwells)) % 3, 7.0, 0.0)
    rate = dose_rate(dwells, points, source, strength_u=STRENGTH_U)
    dose = dose_at_points(dwells, times_s, points, source, strength_u=STRENGTH_U)
    np.testing.assert_allclose(dose.gy, rate.gy_per_s @ times_s, rtol=ROUNDOFF)


@pytest.mark.parametrize("strength_u", [0.0, -1.0, np.nan, np.inf])
def test_strength_must_be_positive(strength_u: float) -> None:
    with pytest.raises(InputError, match="strength must be positive"):
        dose_rate(one_dwell(), [[0.0, 0.0, 20.0]], invented_source(), strength_u=strength_u)
