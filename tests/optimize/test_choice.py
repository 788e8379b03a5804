"""Which catheters: against every subset, solved by another program. Limited by linear programs, never by seconds."""

from __future__ import annotations

from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest
from optimize_cases import CANDIDATES, candidates_case, goal, goals, problem
from scipy.optimize import linprog

from hdrplan.errors import InfeasibleError, InputError
from hdrplan.optimize import Candidates, WorkLimit, choose_catheters
from hdrplan.optimize.bounded import Bounded
from hdrplan.optimize.catheters.incumbents import Incumbents, PlannedSet
from hdrplan.optimize.catheters.placement import Placement
from hdrplan.optimize.objectives import MeanDose

# More than any of these small proofs needs.
ENOUGH = 20_000


def every_subset(rate, points, owner, largest, conflicts=None, limits=()):
    """Least mean liver dose of every set of at most ``largest`` candidates: {set: value}, HiGHS through scipy."""
    liver = points.rows("liver")
    mean = points.volume_cc[liver] @ rate.gy_per_s[liver] / points.volume_cc[liver].sum()
    rows, most_of = [-rate.gy_per_s[points.rows("lesion1")]], [-20.0]
    for structure, gy in limits:
        rows.append(rate.gy_per_s[points.rows(structure)])
        most_of.append(gy)
    values = {}
    for k in range(1, largest + 1):
        for chosen in combinations(range(CANDIDATES), k):
            if conflicts is not None and conflicts[np.ix_(chosen, chosen)].any():
                continue
            at = np.isin(owner, chosen)
            matrix = np.concatenate([r[:, at] for r in rows])
            right = np.concatenate([np.full(len(r), b) for r, b in zip(rows, most_of, strict=True)])
            found = linprog(mean[at], A_ub=matrix, b_ub=right, bounds=(0, 600), method="highs")
            values[chosen] = found.fun if found.status == 0 else np.inf
    return values


def best_of_at_most(values, count):
    return min(value for chosen, value in values.items() if len(chosen) <= count)


def with_given(rate, points, owner, given):
    """Make some candidates catheters that are in: the others are numbered anew, in their order."""
    others = [c for c in range(CANDIDATES) if c not in given]
    return rate, points, np.array([-1 if c in given else others.index(c) for c in owner]), others


def placed(rate, points, owner, wanted=None, *, conflicts=None, scenarios=(), max_time_s=600.0, **rest):
    """Choose under goals, D100 >= 20 Gy alone by default."""
    asked = problem(rate, points, goals() if wanted is None else wanted, healthy="liver", max_time_s=max_time_s)
    candidates = Candidates(owner, conflicts=conflicts, scenarios=tuple(scenarios))
    return choose_catheters(asked, candidates, **({"limit": WorkLimit(steps=ENOUGH)} | rest))


@pytest.mark.parametrize("seed", [1, 2, 5, 6])
def test_the_best_of_every_number_is_the_best_of_all_subsets(seed):
    rate, points, owner = candidates_case(seed)
    conflicts = np.zeros((CANDIDATES, CANDIDATES), dtype=bool)
    conflicts[0, 1] = conflicts[1, 0] = conflicts[2, 5] = conflicts[5, 2] = True
    found = placed(rate, points, owner, maximum_count=3, conflicts=conflicts, gap_frac=1e-6)
    assert found.solves < ENOUGH, "the proof has ended by itself"
    values = every_subset(rate, points, owner, 3, conflicts)
    for chosen in found.curve:
        best = best_of_at_most(values, chosen.count)
        assert chosen.cost.value == pytest.approx(best, rel=1e-6)
        assert chosen.cost.bound <= best * (1 + 1e-9)
        assert chosen.cost.gap_frac <= 1.1e-6
        assert values[chosen.candidates] == pytest.approx(chosen.cost.value, rel=1e-6)


def test_with_an_organ_limit_the_sets_that_cannot_hold_it_are_left_aside():
    rate, points, owner = candidates_case(3)
    free = every_subset(rate, points, owner, 2)
    # A limit that some single catheters and pairs hold and others do not.
    for limit in (30.0, 22.0, 18.0, 15.0):
        values = every_subset(rate, points, owner, 2, limits=[("duodenum", limit)])
        if any(np.isinf(v) for v in values.values()) and any(np.isfinite(v) for v in values.values()):
            break
    else:
        pytest.fail("no limit tells the sets apart")
    wanted = goals(goal("duodenum", f"Dmax <= {limit:g} Gy"))
    for chosen in placed(rate, points, owner, wanted, maximum_count=2, gap_frac=1e-6).curve:
        best = best_of_at_most(values, chosen.count)
        if np.isinf(best):
            assert chosen.candidates == ()
        else:
            assert chosen.cost.value == pytest.approx(best, rel=1e-6)
            assert chosen.cost.bound <= best * (1 + 1e-9)
    assert min(values.values()) >= min(free.values()) * (1 - 1e-9)


def test_displaced_catheters_cost_dose_and_the_set_holds_in_every_scenario():
    rate, points, owner = candidates_case(4)
    rows = points.rows("lesion1")
    rng = np.random.default_rng(0)
    scenarios = [{"lesion1": rate.gy_per_s[rows] * rng.uniform(0.8, 1.0, rate.gy_per_s[rows].shape)} for _ in range(3)]
    sure = placed(rate, points, owner, maximum_count=2)
    wide = placed(rate, points, owner, maximum_count=2, scenarios=scenarios)
    for count in (1, 2):
        assert wide.at(count).cost.value > sure.at(count).cost.value
        for matrix in [rate.gy_per_s[rows], *(s["lesion1"] for s in scenarios)]:
            assert (matrix @ wide.at(count).times_s).min() >= 20.0 * (1 - 1e-6)


def test_a_bound_stays_a_bound_when_the_work_is_cut_short():
    rate, points, owner = candidates_case(1)
    values = every_subset(rate, points, owner, 3)
    for solves in (3, 30):
        found = placed(rate, points, owner, maximum_count=3, limit=WorkLimit(steps=solves))
        assert found.at(3).cost.gap_frac > 1e-3 or not found.at(3).candidates
        for chosen in found.curve:
            assert chosen.cost.bound <= best_of_at_most(values, chosen.count) * (1 + 1e-9)


def test_the_same_work_gives_the_same_sets_and_bounds():
    rate, points, owner = candidates_case(1)
    first, again = (placed(rate, points, owner, maximum_count=3, limit=WorkLimit(steps=60)) for _ in range(2))
    assert first.solves == again.solves
    assert [(s.candidates, s.cost, s.d100) for s in first.curve] == [
        (s.candidates, s.cost, s.d100) for s in again.curve
    ]


def test_without_time_for_a_first_plan_nothing_is_claimed():
    rate, points, owner = candidates_case(1)
    with pytest.raises(InfeasibleError, match="no plan within the time"):
        placed(rate, points, owner, maximum_count=2, limit=WorkLimit(seconds=0.0))


@pytest.mark.parametrize("seed", range(8))
def test_every_bound_lies_below_the_best_set_whatever_conflicts_limits_and_work(seed):
    rng = np.random.default_rng(seed)
    rate, points, owner = candidates_case(10 + seed)
    conflicts = np.triu(rng.random((CANDIDATES, CANDIDATES)) < 0.4, 1)
    conflicts = conflicts | conflicts.T
    limit = float(rng.choice([18.0, 25.0, 1000.0]))
    values = every_subset(rate, points, owner, 3, conflicts, [("duodenum", limit)])
    wanted = goals(goal("duodenum", f"Dmax <= {limit:g} Gy"))
    found = placed(
        rate, points, owner, wanted, maximum_count=3, conflicts=conflicts, gap_frac=1e-4,
        limit=WorkLimit(steps=int(rng.choice([50, ENOUGH]))),
    )  # fmt: skip
    for chosen in found.curve:
        best = best_of_at_most(values, chosen.count)
        assert chosen.cost.value >= best * (1 - 1e-6)
        # Infinite means that no set holds the prescription: proven, so it must be so.
        assert chosen.cost.bound <= best * (1 + 1e-9)
        if chosen.candidates:
            assert not conflicts[np.ix_(chosen.candidates, chosen.candidates)].any()
            assert values[chosen.candidates] == pytest.approx(chosen.cost.value, rel=1e-6)


def test_that_so_few_cannot_hold_the_prescription_is_proven_and_bounds_d100():
    rate, points, owner = candidates_case(3)
    # Every single catheter gives the organ too much; two together do not.
    limit = 14.0
    values = every_subset(rate, points, owner, 2, limits=[("duodenum", limit)])
    found = placed(rate, points, owner, goals(goal("duodenum", f"Dmax <= {limit:g} Gy")), maximum_count=2)
    assert np.isinf([value for chosen, value in values.items() if len(chosen) == 1]).all()
    assert np.isfinite(min(values.values()))
    assert found.at(1).candidates == ()
    assert np.isinf(found.at(1).cost.bound)
    assert found.at(1).d100.value <= found.at(1).d100.bound < 20.0
    assert found.at(2).cost.value == pytest.approx(min(values.values()), rel=1e-3)


def test_dose_volume_goals_hold_in_every_plan_chosen():
    rate, points, owner = candidates_case(1)
    organ = points.rows("duodenum")
    free = placed(rate, points, owner, maximum_count=3)
    found = placed(
        rate, points, owner, goals(goal("duodenum", "D0.5cc <= 7.5 Gy")), maximum_count=3, limit=WorkLimit(steps=4000)
    )
    assert found.left_out == ("duodenum D0.5cc <= 7.5 Gy",)

    def above_cc(chosen):
        dose = rate.gy_per_s[organ] @ chosen.times_s
        return points.volume_cc[organ][dose > 7.5 * (1 + 1e-9)].sum()

    assert above_cc(free.at(3)) > 0.5
    held = [chosen for chosen in found.curve if chosen.candidates]
    assert held
    for chosen in held:
        assert above_cc(chosen) < 0.5
        assert chosen.cost.bound <= chosen.cost.value
        assert chosen.cost.value >= free.at(chosen.count).cost.bound


def test_limits_that_all_candidates_together_cannot_hold_are_named():
    rate, points, owner = candidates_case(1)
    with pytest.raises(InfeasibleError, match=r"short with all 8 together, held back by duodenum Dmax <= 1 Gy"):
        placed(rate, points, owner, goals(goal("duodenum", "Dmax <= 1 Gy")), maximum_count=2)


def test_candidates_that_cannot_be_are_refused():
    rate, points, owner = candidates_case(1)
    with pytest.raises(InputError, match="at most 64"):
        Candidates(np.arange(len(owner)) + 60)
    with pytest.raises(InputError, match="0 or higher"):
        Candidates(owner - 2)
    with pytest.raises(InputError, match="0 or higher"):
        Candidates(np.full(4, -1))
    with pytest.raises(InputError, match="conflicts need a row and a column for each candidate"):
        Candidates(owner, conflicts=np.zeros((3, 3), dtype=bool))
    with pytest.raises(InputError, match="every dwell needs its candidate"):
        placed(rate, points, owner[1:], maximum_count=2)
    with pytest.raises(InputError, match="at least one catheter"):
        placed(rate, points, owner, maximum_count=0)
    with pytest.raises(InputError, match="rates of all points of lesion1"):
        placed(rate, points, owner, maximum_count=1, scenarios=[{"lesion1": rate.gy_per_s}])


@pytest.mark.parametrize("limits", [(), (("duodenum", 25.0),)])
def test_no_set_reaches_more_d100_at_the_same_liver_dose_than_the_bound_says(limits):
    rate, points, owner = candidates_case(2)
    wanted = goals(*(goal(name, f"Dmax <= {gy:g} Gy") for name, gy in limits))
    found = placed(rate, points, owner, wanted, maximum_count=3)
    budget = found.at(3).cost.value
    liver, lesion = points.rows("liver"), points.rows("lesion1")
    mean = points.volume_cc[liver] @ rate.gy_per_s[liver] / points.volume_cc[liver].sum()
    for k in (1, 2):
        best = 0.0
        for chosen in combinations(range(CANDIDATES), k):
            at = np.isin(owner, chosen)
            # Columns: times, then D100, which is made greatest.
            rows = [
                np.c_[-rate.gy_per_s[lesion][:, at], np.ones(lesion.stop - lesion.start)],
                np.r_[mean[at], 0.0][None],
            ]
            most = [np.zeros(len(rows[0])), [budget]]
            for name, gy in limits:
                organ = points.rows(name)
                rows.append(np.c_[rate.gy_per_s[organ][:, at], np.zeros(organ.stop - organ.start)])
                most.append(np.full(organ.stop - organ.start, gy))
            cost = np.r_[np.zeros(at.sum()), -1.0]
            bounds = [(0, 600)] * int(at.sum()) + [(0, 20)]
            answer = linprog(cost, A_ub=np.concatenate(rows), b_ub=np.concatenate(most), bounds=bounds, method="highs")
            best = max(best, -answer.fun)
        d100 = found.at(k).d100
        assert d100.value <= best * (1 + 1e-6)
        assert d100.bound >= best * (1 - 1e-6)
        assert d100.bound <= 20.0 * (1 + 1e-9)


def test_where_so_few_hold_nothing_the_message_says_what_they_reach():
    rate, points, owner = candidates_case(1)
    found = placed(rate, points, owner, maximum_count=1, max_time_s=10.0)
    assert found.at(1).candidates == ()
    with pytest.raises(
        InfeasibleError, match=r"no 1 of these .*: proven.* a D100 of \d+\.\d\d Gy with 1, at most .*`maximum_count`"
    ):
        found.fewest(0.05)


def test_candidates_cannot_be_changed_afterwards():
    conflicts = np.eye(3, dtype=bool)
    candidates = Candidates(np.array([0, 1, 2]), conflicts)
    conflicts[0, 1] = True
    assert candidates.conflicts.sum() == 3
    assert not candidates.conflicts.flags.writeable
    assert not candidates.owner.flags.writeable


def planned(chosen, value, held=True):
    return PlannedSet(frozenset(chosen), None, value, held)


def test_the_best_set_of_each_size_is_kept():
    """One that holds the prescriptions comes before any that does not; a set without a plan is known and not best."""
    known = Incumbents().knowing(frozenset({4}), None)
    assert known.values[frozenset({4})] == np.inf
    assert known.best(3) is None
    assert known.value(3) == np.inf
    for one in (planned({1}, 9.0), planned({2}, 8.0), planned({3}, 8.5), planned({5}, 7.0, held=False)):
        known = known.knowing(one.chosen, one)
    assert known.best(1).chosen == {2}
    assert known.best(0) is None
    assert [known.values[frozenset({k})] for k in (1, 2, 3, 5)] == [9.0, 8.0, 8.5, 7.0]
    # More catheters are taken where they are better.
    worse, better = planned({1, 2}, 8.1), planned({1, 3}, 7.9)
    assert known.knowing(worse.chosen, worse).best(2).chosen == {2}
    assert known.knowing(better.chosen, better).best(2).chosen == {1, 3}


@pytest.mark.parametrize(("values", "count"), [((10.0, 9.0, 8.9), 2), ((10.0, 9.6, 8.9), 3), ((10.0, 9.6, 9.5), 1)])
def test_a_further_catheter_is_taken_where_it_saves_what_was_asked(values, count):
    """5 % for each: two together may save 9.75 % where the first alone saves 4."""
    cost = [Bounded(objective=MeanDose("liver"), value=v, bound=v) for v in values]
    curve = tuple(SimpleNamespace(count=k + 1, candidates=(k,), cost=cost[k]) for k in range(3))
    assert Placement(curve=curve, with_all=cost[-1], left_out=(), solves=0).fewest(0.05).count == count


@pytest.mark.parametrize("seed", [1, 2, 5])
def test_beside_catheters_that_are_in_the_best_rest_is_the_best_of_all_rests(seed):
    rate, points, owner = candidates_case(seed)
    given = (3, 6)
    values = every_subset(rate, points, owner, 4)
    rate, points, fewer, others = with_given(rate, points, owner, given)
    found = placed(rate, points, fewer, maximum_count=2, gap_frac=1e-6)
    assert [chosen.count for chosen in found.curve] == [0, 1, 2]
    for chosen in found.curve:
        best = min(
            value
            for subset, value in values.items()
            if set(given) <= set(subset) and len(subset) <= len(given) + chosen.count
        )
        if np.isinf(best):
            assert chosen.candidates == ()
            assert np.isinf(chosen.cost.bound)
            continue
        assert chosen.cost.value == pytest.approx(best, rel=1e-6)
        assert chosen.cost.bound <= best * (1 + 1e-9)
        whole = tuple(sorted((*given, *(others[c] for c in chosen.candidates))))
        assert values[whole] == pytest.approx(chosen.cost.value, rel=1e-6)


@pytest.mark.parametrize("given", [(), (3,)])
def test_the_catheter_whose_loss_costs_most_goes_in_first_and_its_replacement_is_the_best_of_all(given):
    rate, points, owner = candidates_case(2)
    values = every_subset(rate, points, owner, 3)
    rate, points, fewer, others = with_given(rate, points, owner, given)
    count = 3 - len(given)
    found = placed(
        rate, points, fewer, maximum_count=count, gap_frac=1e-6, decide=lambda placement: placement.curve[-1]
    )
    chosen, recourse = found.curve[-1], found.recourse

    def value_of(candidates):
        return values.get(tuple(sorted((*given, *(others[c] for c in candidates)))), np.inf)

    losses = [loss.value for loss in recourse.order]
    assert losses == sorted(losses, reverse=True)
    for loss in recourse.order:
        assert loss.value == pytest.approx(value_of(set(chosen.candidates) - {loss.candidate}), rel=1e-6)
    lost = recourse.order[0].candidate
    rest = [c for c in range(len(others)) if c != lost]
    best = min(value_of(s) for k in range(count + 1) for s in combinations(rest, k))
    assert recourse.replaced.value == pytest.approx(best, rel=1e-6)
    assert best * (1 - 1e-5) <= recourse.replaced.bound <= best * (1 + 1e-9)
    assert lost not in recourse.replacement
    assert value_of(recourse.replacement) == pytest.approx(best, rel=1e-6)


def test_a_loss_that_nothing_makes_up_for_says_what_d100_is_left():
    rate, points, owner = candidates_case(1)
    found = placed(rate, points, owner, maximum_count=1, decide=lambda placement: placement.curve[-1])
    (loss,) = found.recourse.order
    assert np.isinf(loss.value)
    assert loss.d100_gy == 0.0
