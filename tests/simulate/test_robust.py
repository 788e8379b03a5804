"""Coverage under uncertainty: exact where it can be worked out, reproducible, and its optimum beaten by nobody."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import linprog

from hdrplan.dose import dose_rate, sample_points
from hdrplan.errors import InputError
from hdrplan.geometry import TracedErrors, Transit
from hdrplan.optimize import PlanProblem, robust_times
from hdrplan.simulate import (
    COMPONENTS,
    Scenarios,
    Uncertainty,
    decompose,
    robust_coverage,
    scenario,
    scenario_rates,
    smooth_field,
)
from hdrplan.simulate.coverage import delivered_metric
from small_implant import small_implant
from tolerances import FLOAT32_SUM

NONE = Uncertainty(tip_mm=0.0, source_mm=0.0, timer_s=0.0, strength_frac=0.0)


@pytest.fixture(scope="module")
def small():
    case, goals, plan = small_implant()
    return plan, sample_points(case.structures, spacing_mm=3.0, max_points=400, healthy="liver"), goals


def test_no_uncertainty_gives_the_plan_every_time(small) -> None:
    result = robust_coverage(*small, Scenarios(NONE, count=3))
    assert np.array_equal(result.values, np.broadcast_to(result.nominal, result.values.shape))


def test_strength_alone_scales_every_dose(small) -> None:
    plan, points, *_ = small
    u = Uncertainty(tip_mm=0.0, source_mm=0.0, timer_s=0.0, strength_frac=0.05)
    result = robust_coverage(*small, Scenarios(u, count=20))
    factor = [scenario(plan, points, u, seed=1, number=k).strength_u / plan.strength_u for k in range(20)]
    at = result.names.index("lesion d100_gy")
    assert result.values[:, at] == pytest.approx(result.nominal[at] * np.array(factor), rel=FLOAT32_SUM)
    assert np.std(factor) > 0.01


def test_catheters_move_by_the_stated_root_mean_square(small) -> None:
    plan, points, *_ = small
    u = Uncertainty(catheter_mm=5.5, tip_mm=0.0, source_mm=0.0, timer_s=0.0, strength_frac=0.0)
    moved = [
        scenario(plan, points, u, seed=3, number=k).dwells.positions_mm - plan.dwells.positions_mm for k in range(400)
    ]
    # Rigid: all dwells of a catheter move alike.
    for shift in moved[:5]:
        assert np.ptp(shift[plan.dwells.catheter == 0], axis=0) == pytest.approx(0.0, abs=1e-9)
    rms = np.sqrt(np.mean([np.sum(m[0] ** 2) for m in moved]))
    # 400 draws of a chi-square with 3 degrees: the RMS has a standard error of 2 %; 3 of them.
    assert rms == pytest.approx(5.5, rel=0.06)


def test_catheters_traced_on_the_ct_err_by_position_and_others_by_the_one_figure(small) -> None:
    """Tips known to 0.2 mm, hubs to 1.2 mm: each dwell moves by what is said of its place, across the catheter."""
    plan, points, *_ = small
    dwells = plan.dwells
    name, far_mm = dwells.catheter_names[0], 60.0
    traced = (TracedErrors(name=name, from_tip_mm=(0.0, far_mm), across_mm=(0.2, 1.2), tip_mm=0.0),)
    u = replace(NONE, catheter_mm=3.0, traced=traced)
    assert u.active == ("catheter_mm", "tip_mm")
    moved = np.stack(
        [scenario(plan, points, u, seed=5, number=k).dwells.positions_mm - dwells.positions_mm for k in range(400)]
    )
    own = dwells.catheter == 0
    assert np.abs(np.einsum("kij,ij->ki", moved[:, own], dwells.axes[own])).max() < 1e-9
    expected = 0.2 + np.minimum(dwells.offset_mm[own], far_mm) / far_mm
    rms = np.sqrt((moved[:, own] ** 2).sum(axis=2).mean(axis=0) / 2.0)
    # Two directions in 400 draws: a standard error of 2.5 %; 4 of them.
    assert rms == pytest.approx(expected, rel=0.1)
    others = np.sqrt((moved[:, ~own] ** 2).sum(axis=2).mean())
    assert others == pytest.approx(3.0, rel=0.1)
    with pytest.raises(InputError, match="uncertainties must be of catheters in the plan"):
        scenario(plan, points, replace(u, traced=(replace(traced[0], name="C9"),)), seed=5, number=0)


def test_tilt_keeps_the_middle_and_the_distances(small) -> None:
    plan, points, *_ = small
    u = Uncertainty(tip_mm=0.0, source_mm=0.0, timer_s=0.0, strength_frac=0.0, rotation_deg=5.0)
    turned = scenario(plan, points, u, seed=1, number=0).dwells
    rows = plan.dwells.catheter == 0
    assert turned.positions_mm[rows].mean(axis=0) == pytest.approx(plan.dwells.positions_mm[rows].mean(axis=0))
    steps = np.linalg.norm(np.diff(turned.positions_mm[rows], axis=0), axis=1)
    assert steps == pytest.approx(np.linalg.norm(np.diff(plan.dwells.positions_mm[rows], axis=0), axis=1))
    along = np.diff(turned.positions_mm[rows], axis=0) / steps[:, None]
    assert np.abs(np.sum(along * turned.axes[rows][1:], axis=1)) == pytest.approx(1.0)


def test_catheters_tilt_by_the_stated_angle_about_each_of_two_axes(small) -> None:
    plan, points, *_ = small
    u = Uncertainty(tip_mm=0.0, source_mm=0.0, timer_s=0.0, strength_frac=0.0, rotation_deg=4.0)
    axis = plan.dwells.axes[0]
    axes = np.array([scenario(plan, points, u, seed=5, number=k).dwells.axes[0] for k in range(400)])
    across = axes - (axes @ axis)[:, None] * axis
    square_deg2 = np.rad2deg(np.arcsin(np.linalg.norm(across, axis=1))) ** 2
    # A sum of two squares of standard deviation 4: its mean has a standard error of 5 % from 400 draws; three of them.
    assert square_deg2.mean() == pytest.approx(2 * 4.0**2, rel=0.15)
    # No direction is preferred: both axes carry half.
    first, second = np.linalg.eigvalsh(across.T @ across)[1:]
    assert first > 0.7 * second


def test_contour_field_has_unit_variance_and_volumes_follow(small) -> None:
    _, points, *_ = small
    field = smooth_field(points)
    assert (field**2).sum(axis=1) == pytest.approx(1.0)
    plan = small[0]
    u = Uncertainty(tip_mm=0.0, source_mm=0.0, timer_s=0.0, strength_frac=0.0, ctv_mm=1.0)
    rows = points.rows("lesion")
    volumes = [scenario(plan, points, u, seed=1, number=k, shapes=field).volume_cc[rows].sum() for k in range(200)]
    planned = points.volume_cc[rows].sum()
    radius = (3 * planned * 1000 / (4 * np.pi)) ** (1 / 3)
    # The mean of (1 + s z)^3 is 1 + 3 s^2; the spread comes from the constant harmonic, 3 s / 4.
    s = 1.0 / radius
    assert np.mean(volumes) / planned == pytest.approx(1 + 3 * s * s, abs=3 * (3 * s / 4) / np.sqrt(200))
    untouched = points.rows("liver")
    assert np.array_equal(
        scenario(plan, points, u, seed=1, number=0, shapes=field).points_mm[untouched], points.points_mm[untouched]
    )


def test_the_same_seed_gives_the_same_scenarios_whatever_came_before(small) -> None:
    plan, points, *_ = small
    u = Uncertainty(rotation_deg=2.0, strength_frac=0.02)
    alone = scenario(plan, points, u, seed=7, number=5)
    again = scenario(plan, points, u, seed=7, number=5)
    assert np.array_equal(alone.dwells.positions_mm, again.dwells.positions_mm)
    assert not np.array_equal(
        alone.dwells.positions_mm, scenario(plan, points, u, seed=7, number=6).dwells.positions_mm
    )
    redrawn = scenario(plan, points, u, seed=7, number=5, redrawn=("strength_frac",))
    assert np.array_equal(alone.dwells.positions_mm, redrawn.dwells.positions_mm)
    assert alone.strength_u != redrawn.strength_u


def test_transit_is_that_of_the_plan_in_every_delivery(small) -> None:
    plan, points, goals = small
    # Steps of 5 mm at 100 mm/s: 0.1 s for each, there and back, half of it near either end.
    rows = np.flatnonzero(plan.dwells.catheter == 0)
    rows = rows[np.argsort(plan.dwells.offset_mm[rows])]
    by_hand = np.full(len(rows), 0.1)
    by_hand[[0, -1]] = 0.05
    asked = Uncertainty(tip_mm=0.0, source_mm=0.0, timer_s=0.0, strength_frac=0.0, source_speed_mm_per_s=100.0)
    extra = scenario(plan, points, asked, seed=1, number=0).times_s - plan.times_s
    assert extra[rows] == pytest.approx(by_hand)
    # A plan that says how its source moves is as planned, and the same again.
    moving = replace(plan, transit=Transit(100.0))
    assert scenario(moving, points, NONE, seed=1, number=0).times_s - plan.times_s == pytest.approx(extra)
    result = robust_coverage(moving, points, goals, Scenarios(NONE, count=2))
    assert np.array_equal(result.values, np.broadcast_to(result.nominal, result.values.shape))
    assert (result.nominal > robust_coverage(plan, points, goals, Scenarios(NONE, count=2)).nominal)[0]


def test_a_metric_alone_is_that_of_all(small) -> None:
    """The decomposition computes the dose of one structure, though all are drawn."""
    plan, points, goals = small
    u = Uncertainty(ctv_mm=2.0, oar_mm=2.0, motion_mm=3.0)
    result = robust_coverage(*small, Scenarios(u, count=3))
    shapes = smooth_field(points)
    for number in range(3):
        delivery = scenario(plan, points, u, seed=1, number=number, shapes=shapes)
        for name in result.names:
            alone = delivered_metric(delivery, points, goals, plan.source, metric=name)
            assert alone == pytest.approx(result.of(name)[number], rel=FLOAT32_SUM)


def test_the_only_component_carries_all_variance(small) -> None:
    u = Uncertainty(tip_mm=0.0, source_mm=0.0, timer_s=0.0, strength_frac=0.05)
    found = decompose(*small, Scenarios(u, count=40), metric="lesion d100_gy")
    assert found.components == ("strength_frac",)
    # With one component AB = B: both estimators are sums over the same 40 draws; 40 draws give 25 %.
    assert found.total[0] == pytest.approx(1.0, rel=0.5)
    with pytest.raises(InputError):
        decompose(*small, Scenarios(NONE, count=4), metric="lesion d100_gy")


def test_robust_optimum_is_the_best_over_all_choices_of_excused_scenarios(small) -> None:
    """Brute force: every pair of scenarios excused, each whole linear program by another solver."""
    plan, points, goals = small
    rates = scenario_rates(plan, points, Scenarios(Uncertainty(catheter_mm=3.0), count=6, seed=2))
    rate = dose_rate(plan.dwells, points.points_mm, plan.source, strength_u=plan.strength_u)
    problem = PlanProblem(rate=rate, points=points, goals=goals, healthy="liver")
    found = robust_times(problem, rates, reached_frac=4 / 6)
    rows, liver = points.rows("lesion"), points.rows("liver")
    cost = np.average(rate.gy_per_s[liver], axis=0, weights=points.volume_cc[liver])

    def least(held: tuple[int, ...]) -> float:
        matrix = np.concatenate([rate.gy_per_s[rows], *(rates[s]["lesion"] for s in held)])
        done = linprog(cost, A_ub=-matrix, b_ub=np.full(len(matrix), -20.0), bounds=(0, 600), method="highs")
        return float(done.fun) if done.status == 0 else np.inf

    best = min(least(held) for held in combinations(range(6), 4))
    assert found.cost.value == pytest.approx(best, rel=1e-6)
    assert found.cost.bound <= found.cost.value * (1 + 1e-9)
    assert found.cost.bound == pytest.approx(best, rel=1e-6), "all choices of six were tried: the bound is the optimum"
    assert len(found.excused) <= 2
    for s in set(range(6)) - set(found.excused):
        assert (rates[s]["lesion"] @ found.times_s).min() >= 20.0 * (1 - 1e-6)


def test_absurd_uncertainties_are_refused() -> None:
    with pytest.raises(InputError, match="strength_frac"):
        Uncertainty(strength_frac=2.0)
    with pytest.raises(InputError, match="catheter_mm"):
        Uncertainty(catheter_mm=-1.0)
    assert Uncertainty(catheter_mm=50.0).catheter_mm == 50.0
    with pytest.raises(InputError, match="between 0 and 50"):
        Uncertainty(motion_mm=50.01)
    assert set(COMPONENTS) < set(Uncertainty.__dataclass_fields__)


def test_the_interval_of_a_coverage_is_wilsons(small) -> None:
    """Its ends are the probabilities that the count seen would just not exclude: a score test turned round."""
    result = robust_coverage(*small, Scenarios(NONE, count=20))
    at = result.names.index("lesion d100_gy")
    for reached in (0, 1, 7, 19, 20):
        values = result.values.copy()
        values[:, at] = np.where(np.arange(20) < reached, 20.0, 19.9)
        found = replace(result, values=values).coverage("lesion")
        assert found.probability == reached / 20
        for end in {0: (found.high,), 20: (found.low,)}.get(reached, (found.low, found.high)):
            assert 0.0 < end < 1.0
            assert abs(found.probability - end) == pytest.approx(1.959964 * np.sqrt(end * (1 - end) / 20), rel=1e-5)
        assert found.low <= found.probability <= found.high
        assert 0.0 <= found.low < found.high <= 1.0


def test_a_summary_is_that_of_the_values(small) -> None:
    plan, points, goals = small
    result = robust_coverage(plan, points, goals, Scenarios(Uncertainty(), count=12))
    for name in ("lesion d100_gy", "liver d1cc_gy"):
        values, found = result.of(name), result.summary(name)
        assert found.mean == pytest.approx(values.sum() / 12)
        assert found.sd == pytest.approx(np.sqrt(((values - values.mean()) ** 2).sum() / 11))
        assert found.p50 == np.median(values)
        assert found.worst == (values.min() if "d100" in name else values.max())
    # The planned values, from the doses at the points.
    rate = dose_rate(plan.dwells, points.points_mm, plan.source, strength_u=plan.strength_u)
    dose_gy = rate.gy_per_s @ plan.times_s
    rows = points.rows("liver")
    order = np.argsort(-dose_gy[rows])
    hottest = np.searchsorted(np.cumsum(points.volume_cc[rows][order]), 1.0 - 1e-9)
    assert result.summary("liver d1cc_gy").planned == pytest.approx(dose_gy[rows][order][hottest], rel=FLOAT32_SUM)
    mean = np.average(dose_gy[rows], weights=points.volume_cc[rows])
    assert result.summary("liver mean_gy").planned == pytest.approx(mean, rel=FLOAT32_SUM)
    assert result.summary("lesion d100_gy").planned == pytest.approx(dose_gy[points.rows("lesion")].min(), rel=1e-5)


def test_an_organ_smaller_than_1_cc_has_no_d1cc_and_the_rest_is_computed(small) -> None:
    plan, points, goals = small
    organ = next(k for k, role in enumerate(points.roles) if role != "CTV")
    rows = points.rows(points.names[organ])
    volume_cc = points.volume_cc.copy()
    volume_cc[rows] *= 0.5 / volume_cc[rows].sum()
    result = robust_coverage(plan, replace(points, volume_cc=volume_cc), goals, Scenarios(Uncertainty(), count=3))
    assert f"{points.names[organ]} d1cc_gy" not in result.names
    assert np.isfinite(result.of(f"{points.names[organ]} mean_gy")).all()


def test_a_factor_multiplies_the_dose_of_each_piece_of_tissue(small):
    """In every delivery, for every structure; the metric of the decomposition is the same."""
    plan, points, goals = small
    factor = np.random.default_rng(4).uniform(0.9, 1.0, len(points))
    u = Uncertainty(catheter_mm=2.0)
    plain, scaled = (
        robust_coverage(*small, Scenarios(u, count=3), factor=f) for f in (None, np.full(len(points), 0.9))
    )
    gy = [k for k, name in enumerate(plain.names) if name.endswith("_gy")]
    np.testing.assert_allclose(scaled.values[:, gy], 0.9 * plain.values[:, gy], rtol=1e-12)
    mixed = robust_coverage(*small, Scenarios(u, count=3), factor=factor)
    assert (mixed.values[:, gy] <= plain.values[:, gy]).all()
    assert (mixed.values[:, gy] >= scaled.values[:, gy] - 1e-12).all()
    shapes = smooth_field(points)
    delivery = scenario(plan, points, u, seed=1, number=2, shapes=shapes)
    for k in gy:
        alone = delivered_metric(delivery, points, goals, plan.source, metric=plain.names[k], factor=factor)
        assert alone == pytest.approx(mixed.values[2, k], rel=FLOAT32_SUM)
