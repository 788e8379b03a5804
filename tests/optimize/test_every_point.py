"""A prescription proven at every point of the lesion."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
from check_certificate import check_certificate
from optimize_cases import case, goal, goals, problem
from scipy.optimize import linprog

from hdrplan.arrays import FloatArray
from hdrplan.dose import (
    DoseRate,
    MinimumDose,
    MinimumDoseSearch,
    SamplePoints,
    dose_at_points,
    dose_rate,
    sample_points,
)
from hdrplan.geometry import Dwells, Grid, Structure
from hdrplan.optimize import EveryPointOptimum, PlanProblem, optimize_every_point, optimize_times
from hdrplan.plan import Goal, Goals, Prescription, parse_goal
from hdrplan.report.headline import claim
from hdrplan.sources import TG43Source, load_source


class Ball(NamedTuple):
    """A ball of 26 mm with two catheters, coarse on purpose: between the sample points the dose is too low."""

    dwells: Dwells
    points: SamplePoints
    rate: DoseRate
    source: TG43Source
    search: MinimumDoseSearch

    def least(self, name: str, times_s: FloatArray, **asked: Any) -> MinimumDose:
        assert name == "lesion"
        return self.search.minimum_dose(times_s, **asked)

    def optimum(self, *goals: Goal) -> EveryPointOptimum:
        """Plan 20 Gy at every point, with goals besides."""
        asked = PlanProblem(rate=self.rate, points=self.points, goals=Goals((Prescription("lesion", 20.0),), goals))
        return optimize_every_point(
            asked,
            minimum_dose=self.least,
            rate_at=lambda _, points_mm: dose_rate(self.dwells, points_mm, self.source, strength_u=40700.0),
        )


@pytest.fixture(scope="module")
def ball() -> Ball:
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
    source = load_source("gammamed-12i")
    points = sample_points([lesion], spacing_mm=4.0)
    rate = dose_rate(dwells, points.points_mm, source, strength_u=40700.0)
    search = MinimumDoseSearch(points.shape("lesion"), dwells, source, strength_u=40700.0)
    return Ball(dwells, points, rate, source, search)


def test_every_point_receives_the_prescription(ball):
    points = ball.points
    asked = PlanProblem(rate=ball.rate, points=points, goals=Goals((Prescription("lesion", 20.0),)))
    sampled = optimize_times(asked)
    assert ball.least("lesion", sampled.times_s, wanted_gy=20.0, tolerance_gy=0.02).upper_gy < 20.0
    found = ball.optimum()
    check_certificate(asked, sampled)
    check_certificate(found.problem, found.optimum)
    assert found.proven
    assert found.points_added > 0
    assert found.optimum.certificate.scope == "every point"
    assert found.minimum["lesion"].lower_gy >= 20.0 * (1 - 1e-6)
    some = np.random.default_rng(3).uniform(-14.0, 14.0, (100_000, 3))
    some = some[points.shape("lesion").holds(some)]
    dose = dose_at_points(ball.dwells, found.optimum.times_s, some, ball.source, strength_u=40700.0).gy
    assert dose.min() >= 20.0
    # The proof costs its tolerance and what the coarse sample missed, no more.
    assert found.optimum.times_s.sum() < 1.1 * sampled.times_s.sum()
    assert 0.0 < found.optimum.certificate.main.gap_frac < 1.1e-3


def test_of_many_dwells_nearly_cold_points_join_too(ball, monkeypatch):
    """A proof in fewer rounds, of the same plan: nothing joins that is not asked for."""
    few = ball.optimum()
    monkeypatch.setattr("hdrplan.optimize.times.joining.MANY_DWELLS", 1)
    many = ball.optimum()
    check_certificate(many.problem, many.optimum)
    assert many.proven
    assert many.points_added > few.points_added
    assert many.optimum.certificate.main.value == pytest.approx(few.optimum.certificate.main.value, rel=1e-3)
    joined = many.problem.points
    assert joined.shape("lesion").holds(joined.points_mm).all()


def test_a_search_that_is_not_finished_says_of_which_points_its_bound_is(ball):
    """Cold points had joined, and the bound was said to be of the sample points alone: one plan had 5 % less."""
    rounds = []

    def unfinished(name, times_s, **asked):
        found = ball.least(name, times_s, **asked)
        rounds.append(found)
        cold_mm = found.cold_mm if len(rounds) == 1 else np.zeros((0, 3))
        return replace(found, cold_mm=cold_mm, finished=False)

    goals = Goals((Prescription("lesion", 20.0),))
    asked = PlanProblem(rate=ball.rate, points=ball.points, goals=goals)
    found = optimize_every_point(
        asked,
        minimum_dose=unfinished,
        rate_at=lambda _, points_mm: dose_rate(ball.dwells, points_mm, ball.source, strength_u=40700.0),
    )
    certificate = found.optimum.certificate
    assert not found.proven
    assert found.points_added > 0
    # Plans that hold at the sample points alone have less.
    assert optimize_times(asked).certificate.main.value < certificate.main.bound
    assert certificate.scope == "sample points and points found between them"
    assert "at the points of the CTV that were found too cold between them" in certificate.text
    assert "sample points and at points found between them" in claim(certificate)


def test_what_is_possible_for_one_ctv_asks_for_no_reserve_of_another():
    """The bound was that of plans that give the other 0.1 % more than is prescribed: one gave the first more."""
    rate, points, _ = case(lesions=2)
    asked = problem(rate, points, goals(goal("duodenum", "Dmax <= 9 Gy"), lesions=2), healthy="liver")

    def finished(name, times_s, *, wanted_gy, tolerance_gy, only_proof):
        del tolerance_gy, only_proof
        least_gy = float((rate.gy_per_s[points.rows(name)] @ times_s).min())
        return MinimumDose(
            lower_gy=min(wanted_gy, least_gy), upper_gy=least_gy, cold_mm=np.zeros((0, 3)), boxes=1, finished=True
        )

    found = optimize_every_point(asked, minimum_dose=finished, rate_at=lambda *_: rate, tolerance_frac=0.01)
    (short,) = found.optimum.shortfalls
    first, second, organ = (rate.gy_per_s[points.rows(n)] for n in ("lesion1", "lesion2", "duodenum"))
    rows = [np.pad(-first, ((0, 0), (0, 1)), constant_values=1.0), np.pad(-second, ((0, 0), (0, 1)))]
    rows.append(np.pad(organ, ((0, 0), (0, 1))))
    limits = np.concatenate((np.zeros(len(first)), np.full(len(second), -20.0), np.full(len(organ), 9.0)))
    n = first.shape[1]
    cost = np.append(np.zeros(n), -1.0)
    best_gy = -linprog(cost, np.concatenate(rows), limits, bounds=[*n * [(0, asked.max_time_s)], (0, 20)]).fun
    assert short.structure == "lesion1"
    assert best_gy <= short.best_gy <= best_gy + 0.21


def test_what_every_plan_holds_already_raises_no_bound(ball):
    """Where every point receives 20 Gy so does 100 % of the volume, and the coldest point.

    V100 was asked for with the reserve of the prescription, and at the points on the surface, which have no volume:
    where it carried the multipliers the bound was that of plans with 0.1 % more than is prescribed.
    """
    alone = ball.optimum().optimum.certificate.main
    for text in ("V100 >= 100 %", "D100 >= 20 Gy", "Dmin >= 20 Gy", "V20Gy >= 100 %"):
        main = ball.optimum(parse_goal(text, structure="lesion", source="test", level=1)).optimum.certificate.main
        assert main.bound <= alone.bound * (1 + 1e-6), text
        assert main.value <= alone.value * (1 + 1e-6), text


def test_where_the_prescription_gives_way_v100_is_a_goal_on_the_volume(ball):
    """A rod of dwells that may stay 15 s each cannot give 20 Gy: D100 gives way, and V100 comes as near as it can.

    The bound is that of plans which hold what this one holds: a program written here has no plan below it.
    """
    longest_s = 15.0
    wanted = Goals(
        (Prescription("lesion", 20.0),), (parse_goal("V100 >= 100 %", structure="lesion", source="t", level=1),)
    )
    asked = PlanProblem(rate=ball.rate, points=ball.points, goals=wanted, max_time_s=longest_s)
    found = optimize_every_point(
        asked,
        minimum_dose=ball.least,
        rate_at=lambda _, points_mm: dose_rate(ball.dwells, points_mm, ball.source, strength_u=40700.0),
    ).optimum.certificate
    held = {held.goal.id.metric: held.limit for held in found.held}
    assert set(held) == {"D100", "V100"}
    volume = ball.points.volume_cc > 0
    limits = np.where(volume, max(held.values()), held["D100"])
    program = linprog(np.ones(10), -ball.rate.gy_per_s, -limits, bounds=(0.0, longest_s))
    assert found.main.bound <= program.fun * (1 + 1e-6)
