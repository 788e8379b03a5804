"""Sums over sessions: voxel by voxel against hand values, bounds against every arrangement of two DVHs."""

from __future__ import annotations

import numpy as np
import pytest

from hdrplan.analysis import accumulated_eqd2_gy, d100_bounds, lower_bounds, single_session_gy
from hdrplan.errors import InputError
from hdrplan.metrics import eqd2_gy

METRICS = {"d100_gy": 1.0, "d98_gy": 0.98, "d95_gy": 0.95, "d90_gy": 0.9, "d50_gy": 0.5, "d2_gy": 0.02}


def metrics(dose: np.ndarray) -> dict[str, float]:
    """D_x of equal voxels: the smallest dose among the hottest x, the minimum for D100."""
    ordered = np.sort(dose)[::-1]
    return {k: float(ordered[min(int(np.ceil(f * dose.size)), dose.size) - 1]) for k, f in METRICS.items()}


def test_one_session_is_its_own_dose() -> None:
    one = {"d100_gy": 18.0, "d98_gy": 20.0, "v100_pct": 97.0}
    assert lower_bounds([one], 10.0) == one
    assert d100_bounds([one], 10.0) == (pytest.approx(18.0 * 2.8 / 1.2), pytest.approx(18.0 * 2.8 / 1.2))


def test_single_session_dose_is_the_inverse_of_eqd2() -> None:
    dose = np.array([0.5, 8.0, 20.0, 60.0])
    for ratio in (3.0, 10.0, 43.1):
        np.testing.assert_allclose(single_session_gy(eqd2_gy(dose, ratio), ratio), dose, rtol=1e-13)


def test_two_sessions_of_12_gy_everywhere_are_44_gy_eqd2() -> None:
    # 12 Gy in one session: 12 (1 + 1.2) / 1.2 = 22 Gy EQD2 with alpha/beta 10.
    found = accumulated_eqd2_gy([np.full(50, 12.0), np.full(50, 12.0)], np.full(50, 0.1), 10.0)
    assert found["eqd2_d100_gy"] == pytest.approx(44.0)
    assert found["d100_gy"] == pytest.approx(5 * (np.sqrt(1 + 4 * 52.8 / 10) - 1))
    with pytest.raises(InputError, match="every session"):
        accumulated_eqd2_gy([np.full(50, 12.0), np.full(49, 12.0)], np.full(50, 0.1), 10.0)


@pytest.mark.parametrize("seed", range(20))
def test_bounds_hold_however_the_sessions_lie(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 400
    sessions = [12.0 + rng.gamma(2.0, 6.0, n) for _ in range(int(rng.integers(2, 4)))]
    # Sorted alike, against each other, and shuffled: the bounds know nothing of it and must hold for all.
    sessions[1:] = [(np.sort(s), np.sort(s)[::-1], s)[seed % 3] for s in sessions[1:]]
    sessions[0] = np.sort(sessions[0])
    each = [metrics(s) for s in sessions]
    total = np.sum([eqd2_gy(s, 10.0) for s in sessions], axis=0)
    low, high = d100_bounds(each, 10.0)
    assert low <= total.min() <= high
    true = metrics(total)
    for name, value in lower_bounds(each, 10.0).items():
        assert eqd2_gy(value, 10.0) <= true[name] * (1 + 1e-12)


def test_the_upper_bound_needs_more_than_d100() -> None:
    assert d100_bounds([{"d100_gy": 10.0}, {"d100_gy": 12.0}], 10.0)[1] == np.inf
