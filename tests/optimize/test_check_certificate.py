"""The check of certificates finds what is wrong with one, and says which of the four things it is."""

from dataclasses import replace

import numpy as np
import pytest
from check_certificate import check_certificate
from optimize_cases import case, goal, goals, problem

from hdrplan.optimize import optimize_times


@pytest.fixture(scope="module")
def solved():
    rate, points, _ = case()
    asked = problem(rate, points, goals(goal("duodenum", "Dmax <= 18 Gy")), healthy="liver")
    return asked, optimize_times(asked)


def with_main(optimum, **changes):
    main = replace(optimum.certificate.main, **changes)
    return replace(optimum, certificate=replace(optimum.certificate, main=main))


def with_proof(optimum, **changes):
    return with_main(optimum, proof=replace(optimum.certificate.main.proof, **changes))


def test_a_good_one_passes(solved):
    check_certificate(*solved)


def test_times_that_miss_a_goal(solved):
    asked, optimum = solved
    shorter = replace(optimum, times_s=optimum.times_s * (1 - 1e-6))
    with pytest.raises(AssertionError, match=r"primal feasibility: GoalId.*lesion1.*D100"):
        check_certificate(asked, shorter)


def test_an_objective_that_is_not_the_plans(solved):
    asked, optimum = solved
    with pytest.raises(AssertionError, match="primal feasibility: mean dose of liver"):
        check_certificate(asked, with_main(optimum, value=optimum.certificate.main.value * (1 + 1e-6)))


def test_a_multiplier_that_pushes_the_wrong_way(solved):
    asked, optimum = solved
    multipliers = optimum.certificate.main.proof.multipliers.copy()
    multipliers[0] *= -1.0
    with pytest.raises(AssertionError, match="dual signs: mean dose of liver"):
        check_certificate(asked, with_proof(optimum, multipliers=multipliers))


def test_a_row_that_is_another_points(solved):
    asked, optimum = solved
    with pytest.raises(AssertionError, match="bound: mean dose of liver"):
        check_certificate(asked, with_proof(optimum, points=optimum.certificate.main.proof.points + 1))


def test_a_limit_that_is_not_the_goals(solved):
    asked, optimum = solved
    with pytest.raises(AssertionError, match="bound: mean dose of liver: a row of"):
        check_certificate(asked, with_proof(optimum, limits=optimum.certificate.main.proof.limits * 1.001))


def test_a_bound_above_what_is_proven(solved):
    asked, optimum = solved
    with pytest.raises(AssertionError, match=r"bound: mean dose of liver: .* is said, .* is proven"):
        check_certificate(asked, with_main(optimum, bound=optimum.certificate.main.value))


def test_a_time_that_is_not_free(solved):
    asked, optimum = solved
    upper = optimum.certificate.main.proof.upper.copy()
    busiest = int(optimum.times_s.argmax())
    upper[busiest] = optimum.times_s[busiest] * 2
    with pytest.raises(AssertionError, match="bound: a time is not free above"):
        check_certificate(asked, with_proof(optimum, upper=upper))


def test_a_plan_that_does_not_stand_at_its_limits(solved):
    asked, optimum = solved
    x = optimum.certificate.main.proof.x.copy()
    x[: asked.n_dwells] *= 1.001
    with pytest.raises(AssertionError, match=r"complementarity: mean dose of liver: .* has room and a price"):
        check_certificate(asked, with_proof(optimum, x=x))


def test_a_column_off_the_bound_it_pays_for(solved):
    asked, optimum = solved
    proof = optimum.certificate.main.proof
    x = proof.x.copy()
    x[int(np.argmax(proof.reduced[: asked.n_dwells]))] += 0.5
    with pytest.raises(AssertionError, match="complementarity: mean dose of liver"):
        check_certificate(asked, with_proof(optimum, x=x))
