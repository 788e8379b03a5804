"""Coverage in most of some scenarios: the bounds hold however few choices are tried."""

from __future__ import annotations

from itertools import combinations, count

import numpy as np
import pytest
from check_certificate import check_bounded
from optimize_cases import case, goal, goals, problem
from scipy.optimize import linprog

from hdrplan.errors import InfeasibleError, InputError, ResourceError
from hdrplan.optimize import robust_times


def scenarios(rate, points, n):
    """Rates of the lesion's points that differ from those planned by up to a fifth."""
    rows, rng = points.rows("lesion1"), np.random.default_rng(0)
    return [{"lesion1": rate.gy_per_s[rows] * rng.uniform(0.8, 1.05, rate.gy_per_s[rows].shape)} for _ in range(n)]


def cheapest(rate, points, moved, held):
    """Smallest mean liver dose of plans that hold as planned and in some scenarios: another solver, all rows."""
    liver = points.rows("liver")
    cost = np.average(rate.gy_per_s[liver], axis=0, weights=points.volume_cc[liver])
    matrix = np.concatenate([rate.gy_per_s[points.rows("lesion1")], *(moved[s]["lesion1"] for s in held)])
    return linprog(cost, A_ub=-matrix, b_ub=np.full(len(matrix), -20.0), bounds=(0, 600), method="highs").fun


def test_bounds_hold_when_few_choices_are_tried():
    rate, points, _ = case(step=5.0, n_catheters=3)
    moved = scenarios(rate, points, 6)
    best = min(cheapest(rate, points, moved, held) for held in combinations(range(6), 4))
    asked = problem(rate, points, goals(), healthy="liver")
    for choices in (1, 3, 300):
        told = []
        robust = robust_times(
            asked,
            moved,
            reached_frac=4 / 6,
            time_limit_s=np.inf,
            choice_limit=choices,
            on_progress=lambda done, total, told=told: told.append((done, total)),
        )
        # Each scenario by itself, each choice, and the end.
        assert told[-1] == (6 + choices, 6 + choices)
        assert [done for done, _ in told[:-1]] == list(range(1, len(told)))
        assert 6 < len(told) - 1 <= 6 + choices
        check_bounded(asked, robust.cost_of_choice, scenarios=moved)
        assert robust.cost.bound <= best * (1 + 1e-9)
        assert best <= robust.cost.value * (1 + 1e-9)
        held = [s for s in range(6) if s not in robust.excused]
        assert len(held) >= 4
        assert robust.cost_of_choice.bound == pytest.approx(cheapest(rate, points, moved, held), rel=1e-6)
        assert robust.every_value == pytest.approx(cheapest(rate, points, moved, range(6)), rel=1e-6)
    assert robust.cost.value == pytest.approx(best, rel=1e-6)
    assert robust.cost.gap_frac < 1e-6
    assert "D100 holds in 4 of 6 scenarios" in robust.text


def test_a_plan_that_was_stopped_is_no_proof_that_there_is_none():
    rate, points, _ = case(step=5.0, n_catheters=3)
    asked = problem(rate, points, goals(), healthy="liver")
    with pytest.raises(ResourceError, match=r"got none within 0 s\. Allow more time"):
        robust_times(asked, scenarios(rate, points, 3), time_limit_s=0.0)


def test_a_slow_machine_finds_the_same_plan(monkeypatch):
    rate, points, _ = case(step=5.0, n_catheters=3)
    asked, moved = problem(rate, points, goals(), healthy="liver"), scenarios(rate, points, 4)
    quick = robust_times(asked, moved, reached_frac=0.75)
    clock = count(0.0, 100.0)
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    assert robust_times(asked, moved, reached_frac=0.75).times_s.tobytes() == quick.times_s.tobytes()


def test_bounds_hold_with_a_dose_volume_goal():
    """A plan that excuses other points may be cheaper: the bound of one choice of points is no bound."""
    rate, points, _ = case(step=5.0, n_catheters=3)
    moved = scenarios(rate, points, 4)
    free = robust_times(problem(rate, points, goals(), healthy="liver"), moved, reached_frac=0.75)
    dose, volume = (rate.gy_per_s @ free.times_s)[points.rows("duodenum")], points.volume_cc[points.rows("duodenum")]
    order = np.argsort(-dose)
    d05_gy = float(dose[order][np.searchsorted(np.cumsum(volume[order]), 0.5)])
    wanted = goals(goal("duodenum", f"D0.5cc <= {0.99 * d05_gy:.3f} Gy"))
    asked = problem(rate, points, wanted, healthy="liver")
    robust = robust_times(asked, moved, reached_frac=0.75)
    check_bounded(asked, robust.cost_of_choice, scenarios=moved)
    held = [s for s in range(4) if s not in robust.excused]
    without_goal = cheapest(rate, points, moved, held)
    assert robust.cost_of_choice.bound == pytest.approx(without_goal, rel=1e-6)
    assert without_goal < robust.cost.value * 0.99
    assert robust.cost.bound <= free.cost.value * (1 + 1e-9)


def test_what_cannot_be_is_refused():
    rate, points, _ = case(step=5.0, n_catheters=3)
    asked = problem(rate, points, goals(), healthy="liver")
    with pytest.raises(InputError, match="at least one scenario"):
        robust_times(asked, [])
    with pytest.raises(InputError, match="reached_frac"):
        robust_times(asked, scenarios(rate, points, 2), reached_frac=0.0)
    with pytest.raises(InputError, match="1: a scenario needs the rates of all points of lesion1"):
        robust_times(asked, [*scenarios(rate, points, 1), {"lesion1": rate.gy_per_s}])
    short = problem(rate, points, goals(), healthy="liver", max_time_s=1.0)
    with pytest.raises(InfeasibleError, match="hold D100 in 2 of 2 scenarios"):
        robust_times(short, scenarios(rate, points, 2))


def test_of_many_choices_those_that_can_help_are_tried_first():
    """Five of eight scenarios cannot hold beside the limit; tries by number missed them, and that was called proof."""
    rate, points, _ = case(step=5.0, n_catheters=3)
    rows = points.rows("lesion1")
    free = robust_times(problem(rate, points, goals(), healthy="liver"), [{"lesion1": rate.gy_per_s[rows]}])
    hottest_gy = float((rate.gy_per_s[points.rows("duodenum")] @ free.times_s).max())
    asked = problem(rate, points, goals(goal("duodenum", f"Dmax <= {1.02 * hottest_gy:.4f} Gy")), healthy="liver")
    # All but three need a third more dose than the limit allows.
    moved = [{"lesion1": rate.gy_per_s[rows] * (1.0 if s in (1, 4, 6) else 0.75)} for s in range(8)]
    robust = robust_times(asked, moved, reached_frac=3 / 8, choice_limit=6)
    assert set(robust.excused) == {0, 2, 3, 5, 7}
    assert robust.cost.value == pytest.approx(free.cost.value, rel=1e-6)
    # With one choice none is found, which proves nothing; with all that count it is proven.
    with pytest.raises(InfeasibleError, match="no dwell times were found in 1 tries that hold D100 in 3 of 8"):
        robust_times(asked, moved, reached_frac=3 / 8, choice_limit=1)
    with pytest.raises(InfeasibleError, match="no dwell times hold D100 in 4 of 8 scenarios"):
        robust_times(asked, moved, reached_frac=0.5)
