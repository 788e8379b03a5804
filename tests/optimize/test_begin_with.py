"""A program that begins with the rows of a former one ends at the same optimum, with fewer rows."""

from dataclasses import replace

import numpy as np
import pytest
from check_certificate import check_certificate
from optimize_cases import case, goal, goals, optimize_times, problem

from hdrplan.optimize import GoalId


@pytest.mark.parametrize("limits", [(), ("Dmax <= 12 Gy",), ("D0.2cc <= 9 Gy",)])
def test_rows_that_bound_before_are_a_start_and_nothing_else(limits: tuple[str, ...]) -> None:
    rate, points, _ = case()
    asked = problem(rate, points, goals(*(goal("duodenum", text) for text in limits)), healthy="liver")
    first = optimize_times(asked)
    d100 = GoalId(structure="lesion1", metric="D100", level=0)
    proof = first.certificate.main.proof
    binding = proof.points[[owner == d100 for owner in proof.owners]]
    again_asked = replace(asked, begin_with={d100: binding})
    again = optimize_times(again_asked)
    check_certificate(again_asked, again)
    assert again.certificate.main.value == pytest.approx(first.certificate.main.value, rel=1e-6)
    assert again.certificate.main.bound == pytest.approx(first.certificate.main.bound, rel=1e-6)
    assert again.certificate.rows_used < first.certificate.rows_used
    # A start that says nothing is one too: all other points are judged.
    poor_asked = replace(asked, begin_with={d100: np.array([0])})
    poor = optimize_times(poor_asked)
    check_certificate(poor_asked, poor)
    assert poor.certificate.main.value == pytest.approx(first.certificate.main.value, rel=1e-6)
