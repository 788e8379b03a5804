"""Which catheters: against every subset, solved by another program."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from optimize_cases import case, goal, goals, problem
from scipy.optimize import linprog

from hdrplan.errors import InfeasibleError, InputError
from hdrplan.optimize import choose_catheters

CANDIDATES = 8


def every_subset(rate, points, owner, most, apart, limits=()):
    """Least mean liver dose of every set of at most ``most`` candidates: {set: value}, HiGHS through scipy."""
    liver = points.rows("liver")
    mean = points.volume_cc[liver] @ rate.gy_per_s[liver] / points.volume_cc[liver].sum()
    rows, most_of = [-rate.gy_per_s[points.rows("lesion1")]], [-20.0]
    for structure, gy in limits:
        rows.append(rate.gy_per_s[points.rows(structure)])
        most_of.append(gy)
    values = {}
    for k in range(1, most + 1):
        for chosen in combinations(range(CANDIDATES), k):
            if apart[np.ix_(chosen, chosen)].any():
                continue
            at = np.isin(owner, chosen)
            matrix = np.concatenate([r[:, at] for r in rows])
            right = np.concatenate([np.full(len(r), b) for r, b in zip(rows, most_of, strict=True)])
            found = linprog(mean[at], A_ub=matrix, b_ub=right, bounds=(0, 600), method="highs")
            values[chosen] = found.fun if found.status == 0 else np.inf
    return values


def small(seed):
    rate, points, dwells = case(n_catheters=CANDIDATES, seed=seed, step=5.0)
    owner = np.repeat(np.arange(CANDIDATES), len(dwells) // CANDIDATES)
    return rate, points, owner


@pytest.mark.parametrize("seed", [1, 2, 5, 6])
def test_the_best_of_every_number_is_the_best_of_all_subsets(seed):
    rate, points, owner = small(seed)
    apart = np.zeros((CANDIDATES, CANDIDATES), dtype=bool)
    apart[0, 1] = apart[1, 0] = apart[2, 5] = apart[5, 2] = True
    found = choose_catheters(
        problem(rate, points, goals(), healthy="liver"), owner, most=3, apart=apart, gap_frac=1e-6, time_limit_s=100
    )
    values = every_subset(rate, points, owner, 3, apart)
    for one in found.curve:
        best = min(v for s, v in values.items() if len(s) <= one.count)
        assert one.value == pytest.approx(best, rel=1e-6)
        assert one.bound <= best * (1 + 1e-9)
        assert one.gap_frac <= 1.1e-6
        assert values[one.chosen] == pytest.approx(one.value, rel=1e-6)


def test_with_an_organ_limit_the_sets_that_cannot_hold_it_are_left_aside():
    rate, points, owner = small(3)
    apart = np.zeros((CANDIDATES, CANDIDATES), dtype=bool)
    free = every_subset(rate, points, owner, 2, apart)
    # A limit that some single catheters and pairs hold and others do not.
    for limit in (30.0, 22.0, 18.0, 15.0):
        values = every_subset(rate, points, owner, 2, apart, [("duodenum", limit)])
        if any(np.isinf(v) for v in values.values()) and any(np.isfinite(v) for v in values.values()):
            break
    else:
        pytest.fail("no limit tells the sets apart")
    found = choose_catheters(
        problem(rate, points, goals(goal("duodenum", f"Dmax <= {limit:g} Gy")), healthy="liver"),
        owner,
        most=2,
        gap_frac=1e-6,
        time_limit_s=100,
    )
    for one in found.curve:
        best = min(v for s, v in values.items() if len(s) <= one.count)
        if np.isinf(best):
            assert one.chosen == ()
        else:
            assert one.value == pytest.approx(best, rel=1e-6)
            assert one.bound <= best * (1 + 1e-9)
    assert min(values.values()) >= min(free.values()) * (1 - 1e-9)


def test_displaced_catheters_cost_dose_and_the_set_holds_in_every_scenario():
    rate, points, owner = small(4)
    rows = points.rows("lesion1")
    rng = np.random.default_rng(0)
    scenarios = [{"lesion1": rate.gy_per_s[rows] * rng.uniform(0.8, 1.0, rate.gy_per_s[rows].shape)} for _ in range(3)]
    sure = choose_catheters(
        problem(rate, points, goals(), healthy="liver"), owner, most=2, gap_frac=1e-3, time_limit_s=60
    )
    wide = choose_catheters(
        problem(rate, points, goals(), healthy="liver"),
        owner,
        most=2,
        gap_frac=1e-3,
        time_limit_s=60,
        scenarios=scenarios,
    )
    for k in (1, 2):
        assert wide.at(k).value > sure.at(k).value
        for matrix in [rate.gy_per_s[rows], *(s["lesion1"] for s in scenarios)]:
            assert (matrix @ wide.at(k).times_s).min() >= 20.0 * (1 - 1e-6)


def test_a_bound_stays_a_bound_when_the_time_is_short():
    rate, points, owner = small(1)
    apart = np.zeros((CANDIDATES, CANDIDATES), dtype=bool)
    found = choose_catheters(problem(rate, points, goals(), healthy="liver"), owner, most=3, time_limit_s=0.3)
    values = every_subset(rate, points, owner, 3, apart)
    for one in found.curve:
        assert one.bound <= min(v for s, v in values.items() if len(s) <= one.count) * (1 + 1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_every_bound_lies_below_the_best_set_whatever_conflicts_limits_and_time(seed):
    rng = np.random.default_rng(seed)
    rate, points, owner = small(10 + seed)
    apart = np.triu(rng.random((CANDIDATES, CANDIDATES)) < 0.4, 1)
    apart = apart | apart.T
    limit = float(rng.choice([18.0, 25.0, 1000.0]))
    values = every_subset(rate, points, owner, 3, apart, [("duodenum", limit)])
    wanted = goals(goal("duodenum", f"Dmax <= {limit:g} Gy"))
    found = choose_catheters(
        problem(rate, points, wanted, healthy="liver"),
        owner,
        most=3,
        apart=apart,
        gap_frac=1e-4,
        time_limit_s=float(rng.choice([1.0, 60.0])),
    )
    for one in found.curve:
        best = min(v for s, v in values.items() if len(s) <= one.count)
        assert one.value >= best * (1 - 1e-6)
        # Infinite means that no set holds the prescription: proven, so it must be so.
        assert one.bound <= best * (1 + 1e-9)
        if one.chosen:
            assert not apart[np.ix_(one.chosen, one.chosen)].any()
            assert values[one.chosen] == pytest.approx(one.value, rel=1e-6)


def test_that_so_few_cannot_hold_the_prescription_is_proven_and_bounds_d100():
    rate, points, owner = small(3)
    apart = np.zeros((CANDIDATES, CANDIDATES), dtype=bool)
    # Every single catheter gives the organ too much; two together do not.
    limit = 14.0
    values = every_subset(rate, points, owner, 2, apart, [("duodenum", limit)])
    found = choose_catheters(
        problem(rate, points, goals(goal("duodenum", f"Dmax <= {limit:g} Gy")), healthy="liver"),
        owner,
        most=2,
        time_limit_s=60,
    )
    alone = [v for s, v in values.items() if len(s) == 1]
    assert np.isinf(alone).all()
    assert np.isfinite(min(values.values()))
    assert found.at(1).chosen == ()
    assert np.isinf(found.at(1).bound)
    assert found.at(1).d100_gy <= found.at(1).d100_bound_gy < 20.0
    assert found.at(2).value == pytest.approx(min(values.values()), rel=1e-3)


def test_dose_volume_goals_hold_in_every_plan_chosen():
    rate, points, owner = small(1)
    organ = points.rows("duodenum")
    wanted = goals(goal("duodenum", "D0.5cc <= 7.5 Gy"))
    free = choose_catheters(problem(rate, points, goals(), healthy="liver"), owner, most=3, time_limit_s=60)
    found = choose_catheters(problem(rate, points, wanted, healthy="liver"), owner, most=3, time_limit_s=60)
    assert found.left_out == ("duodenum D0.5cc <= 7.5 Gy",)

    def above_cc(one):
        dose = rate.gy_per_s[organ] @ one.times_s
        return points.volume_cc[organ][dose > 7.5 * (1 + 1e-9)].sum()

    assert above_cc(free.at(3)) > 0.5
    held = [one for one in found.curve if one.chosen]
    assert held
    for one in held:
        assert above_cc(one) < 0.5
        assert one.bound <= one.value
        assert one.value >= free.at(one.count).bound


def test_limits_that_all_candidates_together_cannot_hold_are_named():
    rate, points, owner = small(1)
    with pytest.raises(InfeasibleError, match=r"short with all 8 together, held back by duodenum Dmax <= 1 Gy"):
        choose_catheters(problem(rate, points, goals(goal("duodenum", "Dmax <= 1 Gy")), healthy="liver"), owner, most=2)


def test_more_candidates_than_a_word_has_bits_are_refused():
    rate, points, owner = small(1)
    with pytest.raises(InputError, match="at most 64"):
        choose_catheters(problem(rate, points, goals()), np.arange(len(owner)) + 60, most=2)


@pytest.mark.parametrize("limits", [(), (("duodenum", 25.0),)])
def test_no_set_reaches_more_d100_at_the_same_liver_dose_than_the_bound_says(limits):
    rate, points, owner = small(2)
    wanted = goals(*(goal(name, f"Dmax <= {gy:g} Gy") for name, gy in limits))
    found = choose_catheters(problem(rate, points, wanted, healthy="liver"), owner, most=3, time_limit_s=60)
    budget = found.at(3).value
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
        one = found.at(k)
        assert one.d100_gy <= best * (1 + 1e-6)
        assert one.d100_bound_gy >= best * (1 - 1e-6)
        assert one.d100_bound_gy <= 20.0 * (1 + 1e-9)


def test_where_so_few_hold_nothing_the_message_says_what_they_reach():
    rate, points, owner = small(1)
    found = choose_catheters(
        problem(rate, points, goals(), healthy="liver", max_time_s=10.0), owner, most=1, time_limit_s=20
    )
    assert found.at(1).chosen == ()
    with pytest.raises(
        InfeasibleError, match=r"no 1 of these .*: proven.* a D100 of \d+\.\d\d Gy with 1, at most .*`most`"
    ):
        found.fewest(0.05)
