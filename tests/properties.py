"""What must hold for any result of a kind, whatever the input: shared by the tests of all rooms."""

from __future__ import annotations

import numpy as np

from hdrplan.metrics import DVH
from tolerances import ROUNDOFF


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
