from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdrplan.errors import InputError
from hdrplan.metrics import dvh
from naive import metrics as naive
from properties import assert_is_dvh
from tolerances import ROUNDOFF


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 60), surface=st.integers(0, 10), levels=st.integers(2, 400))
def test_any_weighted_points(seed: int, n: int, surface: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    # Few dose levels make ties.
    dose = rng.integers(0, levels, size=n + surface) / 7.0
    volume = np.concatenate((rng.choice([0.001, 0.008, 0.5], size=n), np.zeros(surface)))
    curve = dvh(dose, volume)
    assert_is_dvh(curve, dose, volume)
    for level in (0.0, 3.0, 20.0, levels / 14.0):
        assert curve.volume_at_gy(level) == pytest.approx(naive.volume_at_gy(dose, volume, level), abs=1e-12)
    for part in (0.13, 0.37, 0.71):
        wanted = part * float(volume.sum())
        assert curve.dose_at_cc(wanted) == naive.dose_at_cc(dose, volume, wanted * (1 - 1e-9))


@pytest.mark.parametrize("levels", [1, 3, 700, 10**9])
def test_ties_keep_their_order(levels: int) -> None:
    """The same bits on every machine: a vectorised sort alone leaves equal doses in any order."""
    rng = np.random.default_rng(levels)
    dose, volume = rng.integers(0, levels, 1000) / 7.0, rng.random(1000)
    order = np.argsort(-dose, kind="stable")
    curve = dvh(dose, volume)
    np.testing.assert_array_equal(curve.dose_gy, dose[order])
    np.testing.assert_array_equal(curve.cumulative_cc, np.cumsum(volume[order]))


@given(seed=st.integers(0, 10**6), n=st.integers(1, 60), scale=st.floats(1e-3, 1e3))
def test_order_splitting_and_units_change_nothing(seed: int, n: int, scale: float) -> None:
    """Points in any order; a cell in two halves; dose in other units; more volume of everything."""
    rng = np.random.default_rng(seed)
    dose, volume = rng.uniform(0.0, 60.0, n), rng.choice([0.001, 0.008, 0.5], n)
    curve, order, cut = dvh(dose, volume), rng.permutation(n), rng.uniform(0.1, 0.9, n)
    shuffled = dvh(dose[order], volume[order])
    split = dvh(np.concatenate((dose, dose)), np.concatenate((volume * cut, volume * (1 - cut))))
    scaled, larger = dvh(scale * dose, volume), dvh(dose, scale * volume)
    levels = np.concatenate((dose, rng.uniform(0.0, 60.0, 5)))
    for other in (shuffled, split):
        np.testing.assert_allclose(other.volume_at_gy(levels), curve.volume_at_gy(levels), rtol=1e2 * ROUNDOFF)
        assert other.mean_gy == pytest.approx(curve.mean_gy, rel=1e2 * ROUNDOFF)
    np.testing.assert_allclose(larger.volume_at_gy(levels), scale * curve.volume_at_gy(levels), rtol=1e2 * ROUNDOFF)
    np.testing.assert_array_equal(scaled.volume_at_gy(scale * dose), curve.volume_at_gy(dose))
    # Off the steps of the staircase, where roundoff decides which cell a fraction falls into.
    ends = curve.cumulative_cc / curve.volume_cc
    for part in rng.uniform(0.0, 1.0, 6):
        if np.abs(ends - part).min() > 1e-6:
            wanted = curve.dose_at_frac(part)
            assert shuffled.dose_at_frac(part) == split.dose_at_frac(part) == larger.dose_at_frac(part) == wanted
            assert scaled.dose_at_frac(part) == scale * wanted


def test_the_five_bins_that_interpolation_gets_wrong() -> None:
    # D98 by numpy.interp on the falling volume axis gave the greatest dose here.
    curve = dvh([10.0, 20.0, 30.0, 40.0, 50.0], [1.0] * 5)
    assert curve.dose_at_frac(0.98) == 10.0
    assert curve.dose_at_frac(0.6) == 30.0
    assert curve.dose_at_frac(0.2) == 50.0
    assert curve.volume_frac_at_gy(30.0) == pytest.approx(0.6)


def test_linear_dose_in_a_slab() -> None:
    # Dose falls linearly from 40 to 20 Gy through a slab: D_x is linear in x, to half the dose step of a cell.
    n = 4000
    dose = 40 - 20 * (np.arange(n) + 0.5) / n
    curve = dvh(dose, np.full(n, 8.0 / n))
    for part in (0.01, 0.25, 0.5, 0.9, 0.999):
        assert curve.dose_at_frac(part) == pytest.approx(40 - 20 * part, abs=20 / n)
        assert curve.volume_at_gy(40 - 20 * part) == pytest.approx(8 * part, abs=8 / n)
    assert curve.mean_gy == pytest.approx(30.0, rel=1e-12)


def test_surface_points_set_d100_and_nothing_else() -> None:
    inner = dvh([30.0, 25.0, 22.0], [1.0, 1.0, 1.0])
    both = dvh([30.0, 25.0, 22.0, 19.5, 35.0], [1.0, 1.0, 1.0, 0.0, 0.0])
    assert (both.min_gy, both.max_gy, both.dose_at_frac(1.0)) == (19.5, 35.0, 19.5)
    assert both.mean_gy == inner.mean_gy
    for part in (0.3, 0.5, 0.9, 0.99):
        assert both.dose_at_frac(part) == inner.dose_at_frac(part)
    assert both.volume_at_gy(20.0) == inner.volume_at_gy(20.0) == 3.0


def test_more_cc_than_there_are_is_not_a_number() -> None:
    curve = dvh([3.0, 2.0], [0.4, 0.4])
    assert np.isnan(curve.dose_at_cc(1.0))
    assert curve.dose_at_cc(0.8) == 2.0
    assert curve.dose_at_cc(0.4) == 3.0


def test_volumes_that_sum_badly_in_binary() -> None:
    # Ten times 0.1 is 0.9999999999999999: the last point must still belong to 1 cc.
    curve = dvh(np.arange(10.0), np.full(10, 0.1))
    assert curve.dose_at_cc(1.0) == 0.0
    assert curve.dose_at_cc(0.3) == 7.0


@pytest.mark.parametrize(
    ("dose", "volume", "message"),
    [
        ([], [], "at least one point"),
        ([1.0, 2.0], [1.0], "one length"),
        ([np.nan], [1.0], "finite"),
        ([1.0], [np.inf], "finite"),
        ([-1.0], [1.0], "negative"),
        ([1.0], [-1.0], "negative"),
        ([1.0], [0.0], "above 0 cc"),
    ],
)
def test_bad_input(dose: list[float], volume: list[float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        dvh(dose, volume)


def test_questions_that_cannot_be() -> None:
    curve = dvh([1.0], [1.0])
    with pytest.raises(InputError, match="between 0 and 1"):
        curve.dose_at_frac(98.0)
    with pytest.raises(InputError, match="negative"):
        curve.dose_at_cc(-1.0)
