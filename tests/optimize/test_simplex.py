"""A deadline stops the solver when it is over, and not before, however often one object has solved."""

from __future__ import annotations

import time

import numpy as np

from hdrplan.optimize.program.lazy_lp import LPStatus
from hdrplan.optimize.program.simplex import Simplex

N = 200


def covering(seed: int) -> Simplex:
    """The smallest sum of times that hold a dose at many points: some hundred steps of the simplex method."""
    rng = np.random.default_rng(seed)
    solver = Simplex(np.zeros(N), np.full(N, 600.0))
    solver.add_rows(rng.uniform(0.0, 1.0, (3 * N, N)) ** 4, np.full(3 * N, 20.0), np.full(3 * N, np.inf))
    solver.set_cost(rng.uniform(0.5, 1.5, N))
    return solver


def test_a_deadline_that_is_over_stops_a_solve() -> None:
    run = covering(1).run(primal=False, deadline=time.monotonic() - 1.0)
    assert run.status == LPStatus.STOPPED


def test_a_deadline_far_away_does_not() -> None:
    solver, rng = covering(1), np.random.default_rng(2)
    for _ in range(2):
        assert solver.run(primal=False, deadline=time.monotonic() + 1000.0).status == LPStatus.OPTIMAL
        solver.set_cost(rng.uniform(0.5, 1.5, N))
