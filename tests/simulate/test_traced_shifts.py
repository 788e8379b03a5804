"""Where traced catheters really lay: the spread is the stated one on each side, however the catheter runs."""

from __future__ import annotations

import numpy as np
import pytest

from hdrplan.geometry import Dwells, TracedErrors
from hdrplan.simulate.traced_shifts import traced_shifts


@pytest.mark.parametrize("axis", [(0.0, 0.0, 1.0), (0.6, 0.64, 0.48), (0.8, 0.0, 0.6)])
def test_the_spread_across_is_the_stated_one_along_every_direction(axis: tuple[float, float, float]) -> None:
    along = np.array(axis) / np.linalg.norm(axis)
    dwells = Dwells(
        positions_mm=np.outer([0.0, 5.0], along),
        axes=np.tile(along, (2, 1)),
        catheter=np.array([0, 0]),
        offset_mm=np.array([0.0, 5.0]),
        catheter_names=("a",),
    )
    errors = (TracedErrors(name="a", from_tip_mm=(0.0, 400.0), across_mm=(0.7, 0.7), tip_mm=0.0),)
    rng = np.random.default_rng(5)
    drawn = np.array([traced_shifts(dwells, errors, rng)[0] for _ in range(4000)])
    covariance = drawn.T @ drawn / len(drawn)
    # 0.49 mm2 across, nothing along; 4,000 draws tell a variance within 7 % in 3 of their standard deviations.
    np.testing.assert_allclose(covariance, 0.49 * (np.eye(3) - np.outer(along, along)), atol=0.07 * 0.49)
