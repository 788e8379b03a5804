"""A plan beside the best of its case: what is said to be possible is, and nothing better than the bound is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog

from hdrplan.dose import MinimumDoseSearch, dose_rate, sample_points
from hdrplan.errors import InputError
from hdrplan.geometry import Structure
from hdrplan.optimize import WorkLimit
from hdrplan.plan import Case, Goals, Plan, parse_goal
from hdrplan.report import quality_sentences
from hdrplan.workflow import PlanQuality, QualityOptions, limits_of_clinic, plan_quality
from small_implant import small_implant

WORK = WorkLimit(steps=40)


def implant(*, organ_radius_mm: float = 4.0) -> tuple[Case, Plan]:
    """Return the sphere between two catheters with a small organ 4 mm beside it."""
    case, _, plan = small_implant()
    grid = case.structures[0].grid
    distance = np.linalg.norm(grid.points_mm() - [23.0, 23.0 + 10 + 4 + organ_radius_mm, 23.0], axis=1)
    organ = Structure(
        name="bowel", role="OAR", grid=grid, mask_zyx=(distance < organ_radius_mm).reshape(grid.shape_zyx)
    )
    return replace(case, structures=(*case.structures, organ)), plan


def perturbed(plan: Plan, seed: int) -> Plan:
    return replace(plan, times_s=np.round(np.random.default_rng(seed).gamma(1.0, 15.0, len(plan.dwells)), 1))


def quality_of(plan: Plan, case: Case, **more: object) -> PlanQuality:
    return plan_quality(plan, case, options=QualityOptions(**({"proof": WORK, "picture": False} | more)))


class Program:
    """The question again as linear programs, by SciPy; cold points of the CTV join until its minimum is settled."""

    def __init__(self, plan: Plan, case: Case, *, spacing_mm: float = 1.0) -> None:
        self.plan = plan
        self.points = sample_points(case.dosed_structures(Goals(())), spacing_mm=spacing_mm, healthy="liver")
        self.rate = self.rates(self.points.points_mm)
        self.ctv, self.organ = self.rate[self.points.rows("lesion")], self.rate[self.points.rows("bowel")]
        self.search = MinimumDoseSearch(
            self.points.shape("lesion"), plan.dwells, plan.source, strength_u=plan.strength_u
        )

    def rates(self, points_mm: np.ndarray) -> np.ndarray:
        return dose_rate(self.plan.dwells, points_mm, self.plan.source, strength_u=self.plan.strength_u).gy_per_s

    def mean(self, name: str) -> np.ndarray:
        rows = self.points.rows(name)
        return np.average(self.rate[rows], axis=0, weights=self.points.volume_cc[rows])

    def settled(self, cost: np.ndarray, rows: np.ndarray, d100_gy: float | None) -> tuple[np.ndarray, float, float]:
        """Return times of the least cost, and an interval of D100 over all points; a column for D100 where it is free.

        The organ's mean and maximum, and the ``rows``, may not exceed what the plan gives.
        """
        kept = np.vstack((self.organ, self.mean("bowel"), rows))
        limits = kept @ self.plan.times_s
        limits[: len(self.organ)] = limits[: len(self.organ)].max()
        free = d100_gy is None
        for _ in range(20):
            a = np.vstack((kept, -self.ctv))
            b = np.append(limits, np.full(len(self.ctv), 0.0 if free else -d100_gy))
            if free:
                a = np.hstack((a, np.append(np.zeros(len(kept)), np.ones(len(self.ctv)))[:, None]))
            times_s = linprog(cost, A_ub=a, b_ub=b, bounds=(0, 600)).x[: len(self.plan.dwells)]
            lowest_gy = float((self.ctv @ times_s).min())
            least = self.search.minimum_dose(times_s, wanted_gy=lowest_gy / 1.001, tolerance_gy=1e-3 * lowest_gy)
            if least.finished:
                return times_s, least.lower_gy, lowest_gy
            self.ctv = np.vstack((self.ctv, self.rates(least.cold_mm)))
        raise AssertionError

    def highest_d100_gy(self) -> tuple[float, float]:
        cost = np.append(np.zeros(len(self.plan.dwells)), -1.0)
        return self.settled(cost, self.mean("liver")[None], None)[1:]

    def highest_d100_under_d1cc_gy(self, d1cc_gy: float, starts: Sequence[np.ndarray]) -> float:
        """Return the highest D100 found with D1cc of the organ at most so much and the liver as planned, proven.

        Whichever points are left out of a D1cc limit, the rest is a linear program: those are tried that are hottest
        at some times, then at the best times with these, and so on.
        """
        volume_cc, liver = self.points.volume_cc[self.points.rows("bowel")], self.mean("liver")
        n, planned_gy, highest_gy = len(self.plan.dwells), float(liver @ self.plan.times_s), 0.0
        for times_s in starts:
            for _ in range(20):
                hottest = np.argsort(-(self.organ @ times_s))
                left_out = hottest[np.cumsum(volume_cc[hottest]) <= 1.0 - 1e-6]
                limits = np.full(len(volume_cc), d1cc_gy)
                limits[left_out] = limits[volume_cc == 0] = 1e6
                a = np.vstack((liver, self.organ, -self.ctv))
                free = np.concatenate((np.zeros(1 + len(volume_cc)), np.ones(len(self.ctv))))
                b = np.concatenate(([planned_gy], limits * (1 - 1e-6), np.zeros(len(self.ctv))))
                cost = np.append(np.zeros(n), -1.0)
                times_s = linprog(cost, A_ub=np.column_stack((a, free)), b_ub=b, bounds=(0, 600)).x[:n]
                lowest_gy = float((self.ctv @ times_s).min())
                least = self.search.minimum_dose(times_s, wanted_gy=lowest_gy / 1.001, tolerance_gy=1e-3 * lowest_gy)
                if least.finished:
                    highest_gy = max(highest_gy, least.lower_gy)
                    break
                self.ctv = np.vstack((self.ctv, self.rates(least.cold_mm)))
        return highest_gy

    def least_liver_gy(self, d100_gy: float) -> float:
        liver = self.mean("liver")
        times_s, _, _ = self.settled(liver, np.empty((0, len(liver))), d100_gy)
        return float(liver @ times_s)


@pytest.mark.parametrize("seed", [1, 2])
def test_another_solver_finds_nothing_beyond_the_bound_and_all_that_is_called_possible(seed: int) -> None:
    """The organ holds less than 1 cc: its mean and its maximum are limits, which a linear program has exactly."""
    case, plan = implant()
    plan = perturbed(plan, seed)
    quality, program = quality_of(plan, case), Program(plan, case)
    assert {goal.metric.text for goal in quality.limits} == {"Dmean", "Dmax"}
    gain, sparing = quality.coverage[0], quality.sparing
    proven_gy, highest_gy = program.highest_d100_gy()
    assert proven_gy <= gain.bound_gy <= highest_gy * 1.003
    assert proven_gy * 0.997 <= gain.possible_gy <= highest_gy
    # At the lower end of the plan's D100, and a thousandth above its upper end. The other solver's plan is proven to
    # give a thousandth less than it asks for: only above the bound's D100 is it a plan that the bound speaks of.
    assert sparing.bound <= program.least_liver_gy(gain.plan_lower_gy * 1.001)
    assert program.least_liver_gy(gain.plan_lower_gy) <= sparing.bound * 1.003
    assert program.least_liver_gy(gain.plan_upper_gy) <= sparing.possible
    assert sparing.possible <= program.least_liver_gy(gain.plan_upper_gy * 1.001) * 1.003


@pytest.mark.parametrize("seed", [4, 5])
def test_another_solver_finds_nothing_beyond_the_bound_of_a_limit_that_is_not_convex(seed: int) -> None:
    """D1cc of an organ of 1.7 cc: for any 1 cc left out of the limit the best plan is a linear program of SciPy's."""
    case, plan = implant(organ_radius_mm=9.0)
    plan = perturbed(plan, seed)
    program = Program(plan, case, spacing_mm=2.0)
    # The organ's median dose, so that it is this limit that binds.
    d1cc_gy = float(np.median(program.organ @ plan.times_s))
    limit = parse_goal(f"D1cc <= {d1cc_gy:.6f} Gy", structure="bowel", source="test")
    gain = quality_of(plan, case, sample_mm=2.0, limits=limits_of_clinic([limit], {})).coverage[0]
    assert any("D1cc" in goal for goal in gain.binding)
    chance = np.random.default_rng(7).gamma(1.0, 15.0, (2, len(plan.dwells)))
    found_gy = program.highest_d100_under_d1cc_gy(d1cc_gy, [*chance, gain.times_s])
    assert found_gy <= gain.bound_gy
    # And the bound is no empty word: other plans come near it.
    assert found_gy >= 0.99 * gain.bound_gy


def test_what_is_possible_holds_at_finer_points_and_takes_nothing_from_any_organ() -> None:
    case, plan = implant(organ_radius_mm=9.0)
    plan = perturbed(plan, 4)
    quality = quality_of(plan, case)
    gain, sparing = quality.coverage[0], quality.sparing
    fine = sample_points(case.ctvs, spacing_mm=0.4)
    rate = dose_rate(plan.dwells, fine.points_mm, plan.source, strength_u=plan.strength_u).gy_per_s
    assert (rate @ plan.times_s).min() >= gain.plan_lower_gy
    assert (rate @ gain.times_s).min() >= gain.possible_gy > gain.plan_upper_gy
    assert (rate @ sparing.times_s).min() >= gain.plan_upper_gy
    program = Program(plan, case)
    volume = program.points.volume_cc[program.points.rows("bowel")]
    for times_s in (gain.times_s, sparing.times_s):
        assert np.allclose(times_s, np.round(times_s, 1))
        assert program.mean("liver") @ times_s <= program.mean("liver") @ plan.times_s * (1 + 1e-6)
        assert program.mean("bowel") @ times_s <= program.mean("bowel") @ plan.times_s * (1 + 1e-6)
        assert (program.organ @ times_s).max() <= (program.organ @ plan.times_s).max() * (1 + 1e-6)
        order = np.argsort(-(program.organ @ times_s))
        hottest = order[: np.searchsorted(np.cumsum(volume[order]), 1.0)]
        planned = np.sort(program.organ @ plan.times_s)[::-1]
        # D1cc: no more than 1 cc lies above the plan's own, within a sample point.
        assert (program.organ @ times_s)[hottest].min() <= planned[len(hottest) - 2] * (1 + 1e-6)
    assert program.mean("liver") @ sparing.times_s == pytest.approx(sparing.possible)


@pytest.mark.slow
def test_of_two_ctvs_each_may_gain_while_the_other_keeps_its_dose() -> None:
    case, plan = implant()
    whole, liver, organ = case.structures
    left = np.broadcast_to(np.arange(24) < 12, (24, 24, 24))
    halves = tuple(
        Structure(name=name, role="CTV", grid=whole.grid, mask_zyx=whole.mask_zyx & (left == is_left))
        for name, is_left in (("left", True), ("right", False))
    )
    case = replace(case, structures=(*halves, liver, organ))
    plan = perturbed(plan, 1)
    quality = quality_of(plan, case)
    assert [gain.structure for gain in quality.coverage] == ["left", "right"]
    lower_gy = {gain.structure: gain.plan_lower_gy for gain in quality.coverage}
    fine = sample_points(halves, spacing_mm=0.5)
    rate = dose_rate(plan.dwells, fine.points_mm, plan.source, strength_u=plan.strength_u).gy_per_s
    assert any(gain.at_least_gy > 0.1 for gain in quality.coverage)
    for gain in quality.coverage:
        assert gain.possible_gy <= gain.bound_gy
        for name in ("left", "right"):
            reached_gy = (rate[fine.rows(name)] @ gain.times_s).min()
            assert reached_gy >= (gain.possible_gy if name == gain.structure else 0.999 * lower_gy[name])
    for name in ("left", "right"):
        assert (rate[fine.rows(name)] @ quality.sparing.times_s).min() >= lower_gy[name]
    # What one CTV may gain alone is no more than without the other.
    alone = quality_of(plan, replace(case, structures=(halves[0], liver, organ)))
    assert quality.coverage[0].possible_gy <= alone.coverage[0].bound_gy


@pytest.mark.slow
def test_the_optimum_has_nothing_left_to_gain() -> None:
    case, plan = implant()
    best = quality_of(perturbed(plan, 1), case)
    again = quality_of(replace(plan, times_s=best.sparing.times_s), case)
    assert again.sparing.at_most_frac < 5e-3
    assert again.coverage[0].at_most_gy < 0.01 * again.coverage[0].plan_upper_gy


def test_limits_of_the_clinic_that_the_plan_breaks_are_kept_by_the_better_plans() -> None:
    case, plan = implant()
    plan = perturbed(plan, 2)
    dmax_gy = next(goal.value for goal in quality_of(plan, case).limits if goal.metric.text == "Dmax")
    for frac in (0.95, 0.3):
        goal = parse_goal(f"Dmax <= {frac * dmax_gy:.6f} Gy", structure="bowel", source="test")
        wish = parse_goal("D1cc <= 1 Gy", structure="lesion", source="test", level=1)
        quality = quality_of(plan, case, limits=limits_of_clinic([goal, wish], {}))
        assert quality.limits == quality.broken == (goal,)
        program = Program(plan, case)
        assert (program.organ @ quality.coverage[0].times_s).max() <= frac * dmax_gy * (1 + 1e-6)
    # At a third of the dose to the organ beside it the CTV cannot have what it had.
    gain = quality.coverage[0]
    assert gain.at_least_gy == 0.0
    assert gain.possible_gy <= gain.bound_gy < gain.plan_lower_gy
    assert np.isinf(quality.sparing.bound)
    assert quality_sentences(quality)[0].startswith("lesion: D100 is")
    assert "Within the limits" in quality_sentences(quality)[0]
    assert quality_sentences(quality)[1] == "No plan from these positions has the same D100 within the limits: proven."
    assert quality_sentences(quality)[2].startswith("The plan itself breaks these limits")


def test_without_a_healthy_organ_the_total_time_stands_for_its_dose() -> None:
    case, plan = implant()
    plan = perturbed(plan, 3)
    quality = quality_of(plan, replace(case, healthy=None, structures=case.ctvs))
    assert (quality.sparing.objective, quality.sparing.unit, quality.limits) == ("total time", "s", ())
    assert quality.sparing.plan == pytest.approx(plan.total_time_s)
    assert quality.sparing.possible == pytest.approx(float(quality.sparing.times_s.sum()))
    assert quality.sparing.bound <= quality.sparing.possible < plan.total_time_s


def test_a_plan_that_does_not_cover_its_ctv_is_refused() -> None:
    case, plan = implant()
    with pytest.raises(InputError, match="D100 lies between"):
        quality_of(replace(plan, times_s=plan.times_s * 1e-3), case)
    with pytest.raises(InputError, match="dwell time above 0"):
        quality_of(replace(plan, times_s=plan.times_s * 0), case)
