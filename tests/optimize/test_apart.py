"""CTVs planned one by one are where the program of all begins, and change nothing of where it ends."""

import numpy as np
import pytest
from check_certificate import check_certificate
from optimize_cases import case, goal, goals, optimize_times, problem

from hdrplan.optimize.program import apart, beginning
from hdrplan.optimize.program.dose_program import Program
from hdrplan.optimize.program.goal_rows import objective_cost
from hdrplan.optimize.program.requirements import requirements


@pytest.fixture
def of_few_dwells(monkeypatch):
    monkeypatch.setattr(apart, "MANY_DWELLS", 1)


@pytest.mark.parametrize("limits", [(), ("Dmax <= 12 Gy",), ("Dmax <= 9 Gy",), ("D0.2cc <= 9 Gy",)])
@pytest.mark.parametrize("lesions", [2, 3])
def test_the_optimum_is_that_of_a_program_that_begins_with_nothing(monkeypatch, lesions, limits):
    rate, points, _ = case(lesions=lesions)
    wanted = goals(*(goal("duodenum", text) for text in limits), lesions=lesions)
    asked = problem(rate, points, wanted, healthy="liver")
    from_nothing = optimize_times(asked)
    begun = []
    planned = beginning.planned_apart
    monkeypatch.setattr(beginning, "planned_apart", lambda *args: begun.append(planned(*args)) or begun[-1])
    monkeypatch.setattr(apart, "MANY_DWELLS", 1)
    found = optimize_times(asked)
    assert begun[0] is not None
    check_certificate(asked, found)
    main, before = found.certificate.main, from_nothing.certificate.main
    assert main.bound == pytest.approx(before.bound, rel=1e-6)
    if not found.certificate.relaxed:
        assert main.value == pytest.approx(before.value, rel=1e-5)
    assert found.status == from_nothing.status


@pytest.mark.usefixtures("of_few_dwells")
def test_a_program_that_begins_there_needs_few_steps():
    """With four CTVs of 900 dwells 10 steps follow instead of 4,300; here the CTVs lie close together."""
    rate, points, _ = case(lesions=3)
    asked = problem(rate, points, goals(lesions=3), healthy="liver")

    def steps(*, begun: bool) -> int:
        listed = requirements(asked)
        program = Program(asked, listed)
        for k in range(len(listed)):
            program.enter(k)
        cost = objective_cost(asked, program.columns)
        program.start(cost if begun else None)
        taken = 0
        solver = program._lp._simplex
        run = solver.run

        def counted(**how):
            nonlocal taken
            out = run(**how)
            taken += solver._solver.getInfo().simplex_iteration_count
            return out

        solver.run = counted
        solution = program.solve(cost)
        assert solution.status == "optimal"
        assert solution.violation == 0.0
        return taken

    assert steps(begun=True) < 0.6 * steps(begun=False)


@pytest.mark.usefixtures("of_few_dwells")
def test_no_plan_apart_of_one_ctv_or_of_one_that_cannot_have_its_dose():
    rate, points, _ = case(lesions=2)
    asked = problem(rate, points, goals(lesions=2), healthy="liver")
    listed = requirements(asked)
    program = Program(asked, listed)
    for k in range(len(listed)):
        program.enter(k)
    families, n = list(program.binding), asked.n_dwells
    cost, lower = objective_cost(asked, program.columns)[:n], np.zeros(n)
    both = dict.fromkeys(families)
    found = apart.planned_apart(both, cost, lower, np.full(n, 600.0))
    assert set(found.points) == set(families)
    assert (found.times_s >= 0.0).all()
    assert all(len(at) for at in found.points.values())
    assert apart.planned_apart(dict.fromkeys(families[:1]), cost, lower, np.full(n, 600.0)) is None
    assert apart.planned_apart(both, cost, lower, np.full(n, 1e-3)) is None
