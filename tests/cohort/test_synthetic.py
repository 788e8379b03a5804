"""Endpoints derived from simulated tables equal the simulated truth, in every row, on several cohorts."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from hdrplan.cohort import Rules, checked_cohort, derive
from synthetic_cohort import synthetic_cohort


@pytest.mark.parametrize("seed", range(6))
def test_derived_endpoints_equal_the_truth(seed: int) -> None:
    made = synthetic_cohort(np.random.default_rng(seed), {"HCC": 114, "CRLM": 50}, log_hr_per_gy=-0.1)
    cohort, _ = checked_cohort(made.raw, Rules(), today=dt.date(2026, 1, 1))
    got = {(e.unit, e.id, e.cycle, e.endpoint): (e.days, e.event) for e in derive(cohort, Rules()).endpoints}
    assert len(got) > 164 * 8
    assert got == made.truth
