"""The rest beside one catheter after the other: against every subset, solved by another program."""

from __future__ import annotations

import numpy as np
import pytest
from optimize_cases import CANDIDATES, candidates_case, goal, goals, problem
from test_choice import best_of_at_most, every_subset

from hdrplan.dose import DoseRate
from hdrplan.errors import InputError
from hdrplan.optimize import Candidates, RestsBesideGuest, chosen_rest

NONE = np.zeros((CANDIDATES, CANDIDATES), dtype=bool)


def asked_of(rate, points, wanted=None, *, columns=None):
    """Return the problem of some columns."""
    own = rate if columns is None else DoseRate(rate.gy_per_s[:, columns].copy(), rate.extrapolated)
    return problem(own, points, goals() if wanted is None else wanted, healthy="liver", max_time_s=600.0)


def with_guest(values, guest, count, kept=frozenset()):
    """Return the best of the sets that hold a candidate and at most so many others."""
    return min(
        value for chosen, value in values.items()
        if guest in chosen and set(kept) <= set(chosen) and len(chosen) - len(kept) <= count + 1
    )  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2, 5])
def test_beside_one_guest_after_the_other_the_choice_is_the_best_of_all_subsets(seed):
    rate, points, owner = candidates_case(seed)
    conflicts = NONE.copy()
    conflicts[0, 1] = conflicts[1, 0] = True
    values = every_subset(rate, points, owner, 3, conflicts)
    rests = RestsBesideGuest(asked_of(rate, points), owner, conflicts)
    for guest in (3, 5, 3, 0):
        clear = np.array([c for c in range(CANDIDATES) if c != guest and not conflicts[guest, c]])
        found = rests.search(rate.gy_per_s[:, owner == guest], clear, 2).rest(1e-6)
        best = with_guest(values, guest, 2)
        assert found.priced == pytest.approx(best, rel=2e-5)
        assert best * (1 - 3e-5) <= found.bound <= best * (1 + 1e-9), "what was learnt beside others bounds no less"
        assert values[tuple(sorted({guest, *found.order}))] == pytest.approx(found.priced, rel=2e-5)
        quick = rests.search(rate.gy_per_s[:, owner == guest], clear, 2, planned_before=clear[:1]).rest()
        assert quick.bound <= best * (1 + 1e-9)
        assert best * (1 - 1e-9) <= quick.priced * (1 + 2e-5)


def test_beside_what_is_in_and_a_guest():
    rate, points, owner = candidates_case(2)
    values = every_subset(rate, points, owner, 4)
    others = [c for c in range(CANDIDATES) if c not in (1, 4)]
    columns = np.concatenate([np.flatnonzero(owner == c) for c in (1, *others)])
    numbers = np.array([-1 if owner[k] == 1 else others.index(owner[k]) for k in columns])
    conflicts = np.zeros((len(others), len(others)), dtype=bool)
    rests = RestsBesideGuest(asked_of(rate, points, columns=columns), numbers, conflicts)
    found = rests.search(rate.gy_per_s[:, owner == 4], np.arange(len(others)), 1).rest(1e-6)
    assert found.priced == pytest.approx(with_guest(values, 4, 1, {1}), rel=2e-5)
    none = rests.search(rate.gy_per_s[:, owner == 4], np.arange(len(others)), 0).rest(1e-6)
    assert none.order == ()
    assert (none.priced, none.bound) == pytest.approx((values[1, 4], values[1, 4]), rel=2e-5)


@pytest.mark.parametrize("text", ["D1cc <= 6 Gy", "D0.5cc <= 4 Gy", "Dmax <= 9 Gy", "Dmean <= 1.5 Gy"])
def test_limits_of_an_organ_hold_as_in_the_choice_by_the_other_program(text):
    rate, points, owner = candidates_case(3)
    wanted = goals(goal("duodenum", text))
    rests = RestsBesideGuest(asked_of(rate, points, wanted), owner, NONE)
    for guest in (2, 6):
        clear = np.array([c for c in range(CANDIDATES) if c != guest])
        found = rests.search(rate.gy_per_s[:, owner == guest], clear, 2).rest(1e-4)
        now = np.array([-1 if c == guest else c - (c > guest) for c in owner])
        other = chosen_rest(asked_of(rate, points, wanted), Candidates(now), 2, gap_frac=1e-4)
        assert found.held == other.held
        assert found.bound <= found.priced
        # Dose-volume goals are not convex: both find their own, near each other.
        assert found.priced == pytest.approx(other.priced, rel=5e-3)
        assert max(found.bound, other.bound) <= min(found.priced, other.priced) * (1 + 1e-6)


def test_a_guest_without_dwells_and_one_with_many():
    rate, points, owner = candidates_case(1)
    rests = RestsBesideGuest(asked_of(rate, points), owner, NONE)
    values = every_subset(rate, points, owner, 3)
    clear = np.array([0, 1, 2, 3])
    none = rests.search(np.zeros((len(points), 0)), clear, 2).rest(1e-6)
    alone = {chosen: value for chosen, value in values.items() if set(chosen) <= {0, 1, 2, 3}}
    assert none.priced == pytest.approx(best_of_at_most(alone, 2), rel=2e-5)
    many = np.concatenate([rate.gy_per_s[:, owner == c] for c in (4, 5, 6)], axis=1)
    many = np.concatenate((many, many, many), axis=1)
    assert many.shape[1] > 24
    found = rests.search(many, clear, 0).rest(1e-6)
    assert found.priced == pytest.approx(values[4, 5, 6], rel=2e-5)


def test_limits_that_nothing_holds_leave_a_prescription_short_and_no_dose_is_no_dwell():
    rate, points, owner = candidates_case(3)
    rests = RestsBesideGuest(asked_of(rate, points, goals(goal("duodenum", "Dmax <= 0.5 Gy"))), owner, NONE)
    found = rests.search(rate.gy_per_s[:, owner == 0], np.array([1, 2, 3]), 1).rest(0.02)
    assert not found.held
    assert 0 < found.short_gy <= 20.1
    with pytest.raises(InputError, match="some dose"):
        rests.search(np.zeros((len(points), 1)), np.array([1, 2]), 1)
