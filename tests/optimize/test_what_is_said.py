"""Sentences and losses of a result: each figure is the one that it is said to be."""

import numpy as np
import pytest
from dose_volume_cases import free_dose, small
from optimize_cases import case, goal, goals, optimize_times, problem

from hdrplan.optimize import LossCause, WorkLimit, split_sessions
from hdrplan.optimize.held import Held
from hdrplan.optimize.notes import ProofEnd, ProofWork, StopsLengthened
from hdrplan.optimize.objectives import GoalId, NamedGoal

SMALL_FRAC = 1e-5


@pytest.mark.parametrize(
    ("structure", "text", "limit", "said"),
    [
        ("lesion", "D100 >= 20 Gy", 18.2149, "lesion D100 >= 18.215 Gy"),
        ("duodenum", "D1cc <= 8 Gy", 8.5, "duodenum D1cc <= 8.5 Gy"),
        ("plan", "time <= 300 s", 341.5, "plan time <= 341.5 s"),
        ("liver", "V5Gy <= 16 %", 6.2, "liver V5Gy <= 16 % at 6.2 Gy"),
    ],
)
def test_what_a_bound_holds_is_said_as_a_goal(structure, text, limit, said):
    wanted = goal(structure, text)
    named = NamedGoal(GoalId(structure=structure, metric=wanted.metric.text, level=1), wanted)
    assert Held(named, limit).text == said


def test_what_longer_stops_cost_is_said_in_percent():
    note = StopsLengthened(shortest_s=3.0, before=8.0, after=8.2)
    assert note.text.endswith("This changes the objective from 8 to 8.2 (+2.5 %).")
    assert StopsLengthened(shortest_s=3.0, before=0.0, after=8.2).text.endswith("or left out.")


def reserved(steps, reserve_frac):
    """A dose-volume goal that binds, under a prescription with a reserve."""
    rate, points = small(3)
    limit = round(0.9 * free_dose(rate, points, "duodenum", 0.5), 3)
    wanted = goals(goal("duodenum", f"D0.5cc <= {limit} Gy"))
    asked = problem(rate, points, wanted, healthy="liver", reserve_frac=reserve_frac)
    optimum = optimize_times(asked, proof=WorkLimit(steps=steps))
    (work,) = (note for note in optimum.notes if isinstance(note, ProofWork))
    return optimum, work, {loss.cause: loss.amount for loss in optimum.certificate.losses}


def test_a_proof_ends_where_no_plan_without_the_reserve_is_better_by_a_thousandth():
    optimum, work, losses = reserved(40, 0.01)
    main = optimum.certificate.main
    assert work.ended == ProofEnd.CLOSED
    assert losses[LossCause.EVERY_POINT] > 0.005 * main.value
    assert main.value - main.bound - losses[LossCause.EVERY_POINT] <= 1.01e-3 * main.value


def test_what_a_proof_leaves_open_is_no_price_of_the_reserve(monkeypatch):
    """What the search leaves open is shared: the reserve costs what its multipliers say, the rest is not closed."""
    monkeypatch.setattr("hdrplan.optimize.times.proof.GAP_FRAC", -1.0)
    optimum, work, losses = reserved(1, SMALL_FRAC)
    main = optimum.certificate.main
    assert work.ended == ProofEnd.WORK
    cost = SMALL_FRAC * main.value
    # The mean dose rises faster than the prescription, since an organ limit stands.
    assert cost <= losses[LossCause.EVERY_POINT] <= 3 * cost
    assert losses[LossCause.NOT_CLOSED] > cost
    assert sum(losses.values()) == pytest.approx(main.value - main.bound)


def test_a_session_knows_what_was_given_before_the_first():
    """A budget of a mean dose is that of the session itself, whatever an earlier treatment gave."""
    rate, points, _ = case()
    plain = problem(rate, points, goals(), healthy="liver")
    (free,) = split_sessions(plain)
    earlier_gy = np.where(np.arange(len(points)) < points.rows("lesion1").stop, 0.0, 2.0)
    liver = points.rows("liver")
    mean_gy = float(np.average(rate.gy_per_s[liver] @ free.optimum.times_s, weights=points.volume_cc[liver]))
    asked = problem(rate, points, goals(), healthy="liver", earlier_gy=earlier_gy)
    (only,) = split_sessions(asked, budgets=[goal("liver", f"Dmean <= {1.0001 * mean_gy:.6f} Gy")])
    assert only.optimum.times_s.sum() > 0
    assert (rate.gy_per_s @ only.optimum.times_s)[points.rows("lesion1")].min() >= 20.0 - 1e-9
