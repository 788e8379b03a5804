"""Plans of the phantoms, as the command makes them: everything their certificates claim, proven again."""

from dataclasses import replace
from pathlib import Path

import pytest
from check_certificate import check_certificate

from hdrplan.dose import MinimumDoseSearch, dose_rate
from hdrplan.io import read_case
from hdrplan.optimize import optimize_every_point, optimize_times
from hdrplan.options import PlanOptions
from hdrplan.sources import load_source
from hdrplan.workflow import delivery_rules, planning_problem

PHANTOMS = Path(__file__).resolve().parents[2] / "phantoms"


@pytest.mark.parametrize("name", ["sphere", "ellipsoid", "liver-lesion-b-5mm"])
def test_a_phantom(name):
    read, source, options = read_case(PHANTOMS / name), load_source("gammamed-12i"), PlanOptions()
    case, strength_u = read.case, 40700.0
    dwells, problem = planning_problem(case, read.goals, source, strength_u=strength_u, options=options)
    check_certificate(problem, optimize_times(problem))
    whole = replace(problem, delivery=delivery_rules(dwells, options))
    (ctv,) = (prescription.structure for prescription in problem.goals.prescriptions)
    search = MinimumDoseSearch(problem.points.shape(ctv), dwells, source, strength_u=strength_u)
    planned = optimize_every_point(
        whole,
        minimum_dose=lambda ctv, times_s, **asked: search.minimum_dose(times_s, **asked),
        rate_at=lambda _, points_mm: dose_rate(dwells, points_mm, source, strength_u=strength_u),
    )
    assert planned.proven
    check_certificate(planned.problem, planned.optimum)
