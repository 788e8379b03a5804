"""What the proof of one set of catheters says of every other: against the true value of each."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from optimize_cases import CANDIDATES, candidates_case, goal, goals, problem

from hdrplan.optimize import Candidates, WorkLimit
from hdrplan.optimize.catheters.cuts import Proofs, cuts_of
from hdrplan.optimize.catheters.meter import Meter
from hdrplan.optimize.catheters.tools import set_tools

SETS = [frozenset(chosen) for k in (1, 2) for chosen in combinations(range(CANDIDATES), k)]


@pytest.fixture(scope="module", params=[(), ("Dmax <= 16 Gy", "Dmean <= 6 Gy")])
def solved(request):
    """The tools of a choice, and proof and exact value of every set of one or two candidates."""
    rate, points, owner = candidates_case(3)
    asked = problem(rate, points, goals(*(goal("duodenum", text) for text in request.param)), healthy="liver")
    tools = set_tools(asked, Candidates(owner), Meter(WorkLimit()))
    values = np.array([tools.plans.without_tails(chosen).value for chosen in SETS])
    return tools, [tools.bounds.filled(chosen)[0] for chosen in SETS], values


def test_the_proof_of_a_set_is_its_value_and_bounds_every_other_set(solved):
    _, proofs, values = solved
    for proof, own in zip(proofs, values, strict=True):
        # The rows of the pool hold to single precision; the plan to the last digit.
        assert proof.value == pytest.approx(own, rel=1e-4)
        others = Proofs([proof]).known_bounds(SETS)
        assert (others <= values * (1 + 1e-9)).all()


def test_a_better_set_holds_a_candidate_of_every_cut(solved):
    _, proofs, values = solved
    for tau in np.quantile(values, [0.2, 0.5, 0.9]):
        bad = [proof for proof in proofs if proof.value >= tau]
        better = [chosen for chosen, value in zip(SETS, values, strict=True) if value < tau * (1 - 1e-6)]
        assert bad
        assert better
        for cut in cuts_of(bad, tau):
            for chosen in better:
                assert any(int(cut) >> c & 1 for c in chosen)


def test_cuts_and_proofs_only_grow(solved):
    _, proofs, values = solved
    kept = Proofs(proofs)
    first = kept.cuts(float(np.median(values)))
    before = first.known.copy()
    for number in range(2000):
        first.add(np.uint64(number))
    assert (first.known[: len(before)] == before).all()
    assert (first.known[len(before) :] == np.arange(2000, dtype=np.uint64)).all()


def test_the_pool_takes_in_the_rows_that_times_violate(solved):
    tools, _, _ = solved
    pool = tools.plans.pool
    _, x = tools.bounds.filled(SETS[-1])
    before = pool.count
    assert pool.fill(x, strict=False) == 0
    assert pool.count == before
    # Half the times miss the prescription somewhere.
    assert pool.fill(0.5 * x, strict=False) == pool.count - before > 0
