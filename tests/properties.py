"""What must hold for any result of a kind, whatever the input: shared by the tests of all rooms."""

from __future__ import annotations

import numpy as np

from hdrplan.dose import DoseRate, SamplePoints
from hdrplan.metrics import DVH
from hdrplan.optimize import Optimum
from hdrplan.outcomes import KaplanMeier
from tolerances import PRIMAL_DUAL, ROUNDOFF


def assert_is_dvh(curve: DVH, dose_gy: np.ndarray, volume_cc: np.ndarray) -> None:
    """Falls monotonically, keeps the volume, and D_x and V_x undo each other."""
    total = volume_cc.sum()
    assert np.all(np.diff(curve.dose_gy) <= 0)
    assert np.all(np.diff(curve.cumulative_cc) >= 0)
    assert abs(curve.volume_cc - total) <= ROUNDOFF * total * len(volume_cc)
    assert curve.min_gy == dose_gy.min()
    assert curve.max_gy == dose_gy.max()
    assert curve.dose_at_frac(1.0) == curve.min_gy
    # V falls from everything to nothing.
    levels = np.concatenate(([0.0], np.sort(dose_gy), [np.nextafter(dose_gy.max(), np.inf)]))
    volumes = curve.volume_at_gy(levels)
    assert np.all(np.diff(volumes) <= 0)
    assert volumes[0] == curve.volume_cc
    assert volumes[-1] == 0.0
    slack = 2e-9 * total  # the DVH's own allowance for the roundoff of sums
    for part in (1e-3, 0.02, 0.1, 0.5, 0.9, 0.98):
        dose = curve.dose_at_frac(part)
        assert dose in dose_gy
        # At least this volume receives D_x, and less than it receives more.
        assert curve.volume_at_gy(dose) >= part * total - slack
        assert curve.volume_at_gy(np.nextafter(dose, np.inf)) < part * total + slack
        assert curve.dose_at_cc(part * total) == dose


def assert_is_survival_curve(curve: KaplanMeier) -> None:
    """Falls from at most 1 to at least 0, only where events are; who is at risk leaves by event or by censoring."""
    steps = np.diff(np.concatenate(([1.0], curve.survival)))
    assert np.all(np.diff(curve.time) > 0)
    assert np.all((curve.survival >= 0.0) & (curve.survival <= 1.0))
    assert np.all(steps <= 0.0)
    assert np.all((steps < 0.0) == (curve.events > 0))
    assert np.all(np.diff(curve.at_risk) == -(curve.events + curve.censored)[:-1])
    assert curve.at_risk[0] == curve.n
    assert curve.events.sum() == curve.n_events
    known = np.isfinite(curve.lower)
    assert np.all(curve.lower[known] <= curve.survival[known] + ROUNDOFF)
    assert np.all(curve.survival[known] <= curve.upper[known] + ROUNDOFF)


def assert_is_certified(optimum: Optimum, rate: DoseRate, points: SamplePoints, healthy: str) -> None:
    """Holds its limits, costs what it says, and no less than its bound."""
    proof, rows = optimum.certificate, points.rows(healthy)
    dose, volume = rate.gy_per_s[rows] @ optimum.times_s, points.volume_cc[rows]
    assert (optimum.times_s >= 0.0).all()
    assert proof.proven
    assert proof.violation_frac == 0.0
    assert proof.main.bound <= proof.main.value
    assert proof.main.gap_frac <= PRIMAL_DUAL
    # The last step gives back a millionth of the mean dose for the least time.
    assert abs(float(dose @ volume) / volume.sum() - proof.main.value) <= 2 * PRIMAL_DUAL * proof.main.value
