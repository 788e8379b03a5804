"""What finer steps and free offsets buy."""

import time
from dataclasses import replace

import numpy as np
import pytest
from check_certificate import check_bounded, check_certificate
from optimize_cases import case, goals, problem

from hdrplan.dose import DoseRate
from hdrplan.errors import InputError
from hdrplan.optimize import compare_steps


def candidates():
    """The 5 mm dwells of four catheters."""
    rate, points, positions = case()
    each = len(positions) // 4
    return rate, points, np.repeat(np.arange(4), each), np.tile(np.arange(each) * 5.0, 4)


def test_finer_steps_never_lose_and_the_loss_is_bounded():
    rate, points, catheter, offset = candidates()
    asked = problem(rate, points, goals(), healthy="liver")
    begun = time.perf_counter()
    fine, coarse = compare_steps(asked, catheter, offset, steps_mm=[5.0, 10.0])
    assert 0.0 < fine.seconds + coarse.seconds < time.perf_counter() - begun
    for step in (fine, coarse):
        part = DoseRate(np.ascontiguousarray(rate.gy_per_s[:, step.used]), rate.extrapolated)
        check_certificate(replace(asked, rate=part), step.optimum)
        check_bounded(asked, step.cost)
    assert fine.loss_frac < 1e-6
    assert fine.used.all()
    assert coarse.loss_frac > 0
    assert coarse.used.sum() <= 16
    assert len(coarse.optimum.times_s) == coarse.used.sum()
    dose = rate.gy_per_s[:, coarse.used] @ coarse.optimum.times_s
    assert dose[points.rows("lesion1")].min() >= 20.0 - 1e-9 or coarse.optimum.shortfalls


def test_uneven_candidates_and_odd_steps_are_refused():
    rate, points, catheter, offset = candidates()
    with pytest.raises(InputError, match="multiples"):
        compare_steps(problem(rate, points, goals(), healthy="liver"), catheter, offset, steps_mm=[7.0])
    with pytest.raises(InputError, match="evenly"):
        compare_steps(problem(rate, points, goals(), healthy="liver"), catheter, offset**1.1, steps_mm=[5.0])
