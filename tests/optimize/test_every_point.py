"""A prescription proven at every point of the lesion."""

import numpy as np
from check_certificate import check_certificate

from hdrplan.dose import MinimumDoseSearch, dose_at_points, dose_rate, sample_points
from hdrplan.geometry import Dwells, Grid, Structure
from hdrplan.optimize import PlanProblem, optimize_every_point, optimize_times
from hdrplan.plan import Goals, Prescription
from hdrplan.sources import load_source


def test_every_point_receives_the_prescription():
    spacing, radius = 2.0, 13.0
    axis = np.arange(-9, 10) * spacing
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    lesion = Structure(
        name="lesion",
        role="CTV",
        grid=Grid(shape_zyx=(19, 19, 19), origin_mm=[-18.0] * 3, spacing_mm=[spacing] * 3),
        mask_zyx=x**2 + y**2 + z**2 <= radius**2,
    )
    at = np.array([(cx, cy, z) for cx, cy in ((-6.0, 0.0), (6.0, 1.0)) for z in (-10.0, -5.0, 0.0, 5.0, 10.0)])
    dwells = Dwells(
        positions_mm=at,
        axes=np.tile([0.0, 0.0, 1.0], (10, 1)),
        catheter=np.repeat([0, 1], 5),
        offset_mm=np.tile(np.arange(5) * 5.0, 2),
        catheter_names=("a", "b"),
    )
    source, goals = load_source("gammamed-12i"), Goals((Prescription("lesion", 20.0),))
    # Coarse on purpose: between the sample points the dose is too low.
    points = sample_points([lesion], spacing_mm=4.0)
    rate = dose_rate(dwells, points.points_mm, source, strength_u=40700.0)

    search = MinimumDoseSearch(points.shape("lesion"), dwells, source, strength_u=40700.0)

    def least(name, times_s, **asked):
        return search.minimum_dose(times_s, **asked)

    asked = PlanProblem(rate=rate, points=points, goals=goals)
    sampled = optimize_times(asked)
    assert least("lesion", sampled.times_s, wanted_gy=20.0, tolerance_gy=0.02).upper_gy < 20.0
    found = optimize_every_point(
        asked, minimum_dose=least, rate_at=lambda points_mm: dose_rate(dwells, points_mm, source, strength_u=40700.0)
    )
    check_certificate(asked, sampled)
    check_certificate(found.problem, found.optimum)
    assert found.proven
    assert found.points_added > 0
    assert found.optimum.certificate.scope == "every point"
    assert found.minimum["lesion"].lower_gy >= 20.0 * (1 - 1e-6)
    some = np.random.default_rng(3).uniform(-14.0, 14.0, (100_000, 3))
    some = some[points.shape("lesion").holds(some)]
    dose = dose_at_points(dwells, found.optimum.times_s, some, source, strength_u=40700.0).gy
    assert dose.min() >= 20.0
    # The proof costs its tolerance and what the coarse sample missed, no more.
    assert found.optimum.times_s.sum() < 1.1 * sampled.times_s.sum()
    assert 0.0 < found.optimum.certificate.main.gap_frac < 1.1e-3
