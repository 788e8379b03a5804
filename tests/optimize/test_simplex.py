"""A deadline stops the solver when it is over, and not before, however often one object has solved."""

from __future__ import annotations

import time

import numpy as np
import pytest

from hdrplan.optimize.program.lazy_lp import LPStatus
from hdrplan.optimize.program.simplex import Simplex

N = 200


def covering(seed: int, *, rows_from: int = 0) -> Simplex:
    """The smallest sum of times that hold a dose at many points: some hundred steps of the simplex method."""
    rng = np.random.default_rng(seed)
    solver = Simplex(np.zeros(N), np.full(N, 600.0))
    rows = rng.uniform(0.0, 1.0, (3 * N, N))[rows_from:] ** 4
    solver.add_rows(rows, np.full(len(rows), 20.0), np.full(len(rows), np.inf))
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


def steps(solver: Simplex) -> int:
    """Steps of the last run."""
    return int(solver._solver.getInfo().simplex_iteration_count)


def test_a_program_that_begins_at_a_solution_of_nearly_the_same_rows_needs_few_steps() -> None:
    """Its rows are those of the former program and ten more."""
    former = covering(1, rows_from=10)
    x = former.run(primal=False, deadline=np.inf).x
    alone = covering(1)
    expected = alone.run(primal=False, deadline=np.inf).x
    rows = np.random.default_rng(1).uniform(0.0, 1.0, (3 * N, N)) ** 4
    again = covering(1)
    again.begin_at(x, lower=np.zeros(N), upper=np.full(N, 600.0), tight=np.abs(rows @ x - 20.0) < 1e-5)
    assert again.run(primal=False, deadline=np.inf).x == pytest.approx(expected, abs=1e-6)
    assert 0 < 3 * steps(again) < steps(alone)


@pytest.mark.parametrize("tight", [False, True])
def test_a_start_that_is_no_basis_changes_no_result(tight: bool) -> None:
    """Far too few of its rows and variables are free, or far too many."""
    alone, again = covering(2), covering(2)
    x = np.zeros(N) if tight else np.full(N, 1.0)
    again.begin_at(x, lower=np.zeros(N), upper=np.full(N, 600.0), tight=np.full(3 * N, tight))
    expected, run = (solver.run(primal=False, deadline=np.inf) for solver in (alone, again))
    assert run.status == LPStatus.OPTIMAL
    assert run.x == pytest.approx(expected.x, abs=1e-6)
