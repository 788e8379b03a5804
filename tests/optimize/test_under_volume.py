"""Searches under goals on a volume: where they begin, what they leave out of the solver, how good they end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from check_certificate import check_certificate
from optimize_cases import case, goal, goals, optimize_times, problem

from hdrplan.optimize import PlanProblem
from hdrplan.optimize.program import lazy_lp
from hdrplan.optimize.program.goal_rows import points_of
from hdrplan.optimize.program.lazy_lp import LPStatus
from hdrplan.optimize.program.mean_tail import MeanTail
from hdrplan.optimize.program.point_rows import LimitedPoints
from hdrplan.optimize.program.requirements import Kind, requirements
from hdrplan.optimize.program.simplex import Simplex
from hdrplan.optimize.times import dose_volume


def asked(text: str = "V150 <= 35 %", *, seed: int = 1) -> PlanProblem:
    rate, points, _ = case(step=2.0, seed=seed)
    return problem(rate, points, goals(goal("lesion1", text)), healthy="liver")


def test_rows_left_out_of_the_solver_change_no_optimum() -> None:
    rng = np.random.default_rng(3)
    rows, cost = rng.uniform(0.0, 1.0, (400, 12)) ** 4, rng.uniform(0.5, 1.5, 12)
    whole, thinned = (Simplex(np.zeros(12), np.full(12, 600.0)) for _ in range(2))
    for solver in (whole, thinned):
        solver.add_rows(rows, np.full(400, 20.0), np.full(400, np.inf))
        solver.set_cost(cost)
    first = thinned.run(primal=False, deadline=np.inf)
    spare = rows @ first.x > 25.0
    gone = thinned.leave_out(spare)
    assert set(gone) <= set(np.flatnonzero(spare))
    assert len(gone) > 50
    more = rng.uniform(0.0, 1.0, (30, 12))
    kept = int(thinned.held[0])
    for solver in (whole, thinned):
        solver.add_rows(more, np.full(30, 22.0), np.full(30, np.inf))
        # A row that was left out takes no limits any more; one that was not takes them under its old number.
        solver.bound_row(int(gone[0]), 0.0, np.inf)
        solver.bound_row(kept, 20.5, np.inf)
    runs = [solver.run(primal=False, deadline=np.inf) for solver in (whole, thinned)]
    assert [run.status for run in runs] == [LPStatus.OPTIMAL] * 2
    x, y = runs[1].x, runs[1].y
    assert rows[kept] @ x >= 20.5 - 1e-6
    # Its families would find a row again that does not hold.
    assert cost @ x <= cost @ runs[0].x * (1 + 1e-9)
    assert len(y) == 430
    assert not y[gone].any()
    assert cost @ x == pytest.approx(
        y @ np.r_[np.where(np.arange(400) == kept, 20.5, 20.0), np.full(30, 22.0)], rel=1e-6
    )


@pytest.mark.parametrize("many", [0.0, 5.0, np.inf])
def test_a_plan_does_not_depend_on_how_many_rows_are_too_many(many: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lazy_lp, "MANY", many)
    wanted = asked()
    optimum = optimize_times(wanted)
    check_certificate(wanted, optimum)
    rows = wanted.points.rows("lesion1")
    volume_cc = wanted.points.volume_cc[rows]
    hot_cc = volume_cc[wanted.rate.at(rows) @ optimum.times_s > 30.0 * (1 + 1e-6)].sum()
    assert hot_cc < 0.35 * volume_cc.sum()


@pytest.mark.parametrize("sense", [1, -1])
@pytest.mark.parametrize("seed", range(8))
def test_the_share_of_the_hottest_volume_is_that_of_a_full_sort(seed: int, sense: int) -> None:
    rng = np.random.default_rng(seed)
    n = 200
    dose_gy = rng.integers(0, 12, n) if seed % 2 else rng.uniform(0.0, 30.0, n)
    volume_cc = rng.uniform(0.0, 1.0, n) * (rng.uniform(size=n) > 0.2)
    tail_cc = float(rng.uniform(0.05, 1.0) * volume_cc.sum())
    wanted = asked()
    tail = MeanTail(_points_of(wanted, sense), volume_cc, tail_cc)
    order = np.lexsort((np.arange(n), sense * dose_gy))
    before = np.cumsum(volume_cc[order]) - volume_cc[order]
    share = np.zeros(n)
    share[order] = np.clip(tail_cc - before, 0.0, volume_cc[order])
    assert tail._share(dose_gy.astype(float)) == pytest.approx(share / share.sum(), abs=1e-12)


def _points_of(wanted: PlanProblem, sense: int) -> LimitedPoints:
    found = next(r for r in requirements(wanted) if r.kind == Kind.DOSE_VOLUME)
    return points_of(wanted, replace(found, sense=sense), miss_column=None, n_columns=wanted.n_dwells)


def test_many_beginnings_keep_more_dose_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """By 0.2, 1.5 and 0.9 Gy here."""
    cases = [asked("V150 <= 60 %", seed=seed) for seed in (3, 5, 6)]

    def coldest_gy(wanted: PlanProblem) -> float:
        return float((wanted.rate.at(wanted.points.rows("lesion1")) @ optimize_times(wanted).times_s).min())

    many = np.array([coldest_gy(wanted) for wanted in cases])
    monkeypatch.setattr(dose_volume, "_by_mean_tails", lambda program, cost, relaxed: [])
    one = np.array([coldest_gy(wanted) for wanted in cases])
    assert (many - one).mean() > 0.4


def test_a_search_goes_on_from_a_plan_that_is_near(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = asked("V150 <= 22 %")
    first = optimize_times(wanted)

    def no_search(*given: object) -> list[object]:
        raise AssertionError("begun anew")

    monkeypatch.setattr(dose_volume, "_by_mean_tails", no_search)
    again = optimize_times(replace(wanted, near_s=first.times_s))
    check_certificate(wanted, again)
    reached = [min(s.reached_gy for s in optimum.shortfalls) for optimum in (first, again)]
    assert reached[1] >= reached[0] - 1e-4
