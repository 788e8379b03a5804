"""The rest of an implant chosen without a proof: against every subset, solved by another program."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from optimize_cases import CANDIDATES, candidates_case, goal, goals, problem
from test_choice import best_of_at_most, every_subset, with_given

from hdrplan.errors import InputError
from hdrplan.optimize import Candidates, chosen_rest, with_each


def asked_of(rate, points, wanted=None):
    return problem(rate, points, goals() if wanted is None else wanted, healthy="liver", max_time_s=600.0)


@pytest.mark.parametrize("seed", [1, 2, 5, 6])
def test_the_choice_is_near_the_best_of_all_subsets_and_its_proof_below(seed):
    rate, points, owner = candidates_case(seed)
    conflicts = np.zeros((CANDIDATES, CANDIDATES), dtype=bool)
    conflicts[0, 1] = conflicts[1, 0] = True
    found = chosen_rest(asked_of(rate, points), Candidates(owner, conflicts=conflicts), 3, gap_frac=1e-6)
    values = every_subset(rate, points, owner, 3, conflicts)
    best = best_of_at_most(values, 3)
    assert found.value == pytest.approx(best, rel=1e-6)
    assert best * (1 - 2e-6) <= found.bound <= best * (1 + 1e-9)
    assert values[tuple(sorted(found.order))] == pytest.approx(found.value, rel=1e-6)
    without = [values[tuple(sorted(set(found.order) - {lost}))] for lost in found.order]
    assert without == sorted(without, reverse=True), "the one whose loss costs most goes in first"


def test_beside_what_is_in_it_is_a_choice_of_the_others_and_never_worse_than_what_was_planned():
    rate, points, owner = candidates_case(2)
    rate, points, now, others = with_given(rate, points, owner, {1, 4})
    asked = asked_of(rate, points)
    values = every_subset(rate, points, owner, 4)
    for before in combinations(range(len(others)), 2):
        planned = values[tuple(sorted({1, 4} | {others[k] for k in before}))]
        quick = chosen_rest(asked, Candidates(now), 2, planned_before=before)
        assert quick.value <= planned * (1 + 1e-6)
        assert quick.bound <= quick.value * (1 + 1e-9)
    none = chosen_rest(asked, Candidates(now), 0)
    assert none.order == ()
    assert none.value == pytest.approx(values[1, 4], rel=1e-6)
    assert none.bound == pytest.approx(values[1, 4], rel=1e-6)


def test_limits_that_no_set_holds_leave_a_prescription_short():
    rate, points, owner = candidates_case(3)
    found = chosen_rest(asked_of(rate, points, goals(goal("duodenum", "Dmax <= 0.5 Gy"))), Candidates(owner), 2)
    assert not found.held
    assert 0 < found.short_gy <= 20.1


def test_each_candidate_with_the_best_others_of_a_choice():
    rate, points, owner = candidates_case(1)
    values = every_subset(rate, points, owner, 3)
    chosen = (0, 2, 5)
    for candidate, (value, others) in enumerate(with_each(asked_of(rate, points), Candidates(owner), chosen, 3)):
        pairs = combinations([c for c in chosen if c != candidate], 2)
        sets = {tuple(sorted((candidate, *pair))): pair for pair in pairs}
        best = min(sets, key=lambda together: values[together])
        assert value == pytest.approx(values[best], rel=1e-6)
        assert values[tuple(sorted((candidate, *others)))] == pytest.approx(value, rel=1e-6)


def test_a_negative_number_is_refused():
    rate, points, owner = candidates_case(1)
    with pytest.raises(InputError, match="must not be negative"):
        chosen_rest(asked_of(rate, points), Candidates(owner), -1)
