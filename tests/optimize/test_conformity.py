"""Conformity goals: brute force on small cases, the index on the dose grid, several CTVs, bad input."""

import numpy as np
import pytest
from optimize_cases import ball, case, goal, goals, optimize_times, problem

from hdrplan.dose import DoseRate, SamplePoints
from hdrplan.errors import InputError
from hdrplan.geometry import Catheter, Grid, Structure, around
from hdrplan.optimize import Delivery
from hdrplan.options import PlanOptions
from hdrplan.plan import AROUND, Case, Goals, Prescription, parse_goal
from hdrplan.sources import Strength, load_source
from hdrplan.workflow import plan_case


def with_surroundings(**arguments):
    """A case of inverse-square sources, and points of all tissue in and around its first lesion."""
    rate, points, dwells = case(step=5.0, **arguments)
    xyz = ball([0.0, 0.0, 0.0], 30.0, 5.0)
    far2 = np.maximum(((xyz[:, None] - dwells[None]) ** 2).sum(axis=2), 0.25)
    volume = np.full(len(xyz), 0.125)
    both = SamplePoints(
        names=(*points.names, AROUND),
        roles=(*points.roles, "other"),
        start=np.append(points.start, points.start[-1] + len(xyz)),
        points_mm=np.concatenate((points.points_mm, xyz)),
        volume_cc=np.append(points.volume_cc, volume),
        on_surface=np.append(points.on_surface, np.zeros(len(xyz), bool)),
        spacing_mm=np.append(points.spacing_mm, 5.0),
        mask_cc=np.append(points.mask_cc, volume.sum()),
        method="test",
    )
    return DoseRate(np.concatenate((rate.gy_per_s, 12.6 / far2)), np.zeros(len(both), bool)), both


def by_brute_force(rate, points, most_cc, parts=240):
    """Least mean liver dose of all ratios of three times, each at the least times that give D100 = 20 Gy.

    Mean dose and isodose volume both grow with the times, so nothing else can be the best.
    """
    ctv, liver, all_ = (rate.gy_per_s[points.rows(s)] for s in ("lesion1", "liver", AROUND))
    i, j = np.meshgrid(np.arange(parts + 1), np.arange(parts + 1), indexing="ij")
    ratio = np.stack((i, j, parts - i - j), axis=-1).reshape(-1, 3)
    ratio = ratio[ratio[:, 2] >= 0] / parts
    times = ratio * (20.0 / (ctv @ ratio.T).min(axis=0))[:, None]
    isodose = ((all_ @ times.T) > 20.0).T @ points.volume_cc[points.rows(AROUND)]
    weight = points.volume_cc[points.rows("liver")]
    mean = times @ (weight @ liver / weight.sum())
    return float(mean[isodose < most_cc].min(initial=np.inf)), float(isodose.min())


def isodose_cc(rate, points, times_s):
    rows = points.rows(AROUND)
    return float(points.volume_cc[rows][(rate.gy_per_s @ times_s)[rows] > 20.0].sum())


@pytest.mark.parametrize("seed", [1, 3, 5])
@pytest.mark.parametrize("share", [0.2, 0.4])
def test_agrees_with_brute_force(seed, share):
    rate, points = with_surroundings(seed=seed)
    rate = DoseRate(rate.gy_per_s[:, [2, 10, 18]].copy(), rate.extrapolated)
    target_cc = float(points.volume_cc[points.rows("lesion1")].sum())
    free = optimize_times(problem(rate, points, goals(), healthy="liver"))
    largest = isodose_cc(rate, points, free.times_s)
    cheapest, least = by_brute_force(rate, points, np.inf)
    assert free.certificate.main.value == pytest.approx(cheapest, rel=2e-3)  # the step of the ratios
    # Between the isodose of the plan without the goal and the smallest there is. Much nearer to the smallest the local
    # scheme may find no plan, and says that this is not proven: next test.
    most_cc = largest - share * (largest - least)
    wanted = round(target_cc / most_cc, 5)
    held = optimize_times(problem(rate, points, goals(goal("lesion1", f"COIN >= {wanted}")), healthy="liver"))
    best, _ = by_brute_force(rate, points, target_cc / wanted)
    assert held.status != "prescription lowered"
    assert (rate.gy_per_s @ held.times_s)[points.rows("lesion1")].min() >= 20.0
    assert isodose_cc(rate, points, held.times_s) < target_cc / wanted
    assert held.certificate.main.bound <= best * (1 + 1e-6)
    # The scheme is a local one; 0.5 % as for the other dose-volume goals (tests/optimize/test_tails.py).
    assert held.certificate.main.value <= best * 1.005


def test_a_goal_near_the_smallest_isodose_is_met_or_said_to_be_open():
    rate, points = with_surroundings(seed=1)
    rate = DoseRate(rate.gy_per_s[:, [2, 10, 18]].copy(), rate.extrapolated)
    target_cc = float(points.volume_cc[points.rows("lesion1")].sum())
    _, least = by_brute_force(rate, points, np.inf)
    wanted = round(target_cc / (least + 1.0), 5)
    held = optimize_times(problem(rate, points, goals(goal("lesion1", f"COIN >= {wanted}")), healthy="liver"))
    assert isodose_cc(rate, points, held.times_s) < target_cc / wanted
    if held.status == "prescription lowered":
        assert any("It is not proven" in note.text for note in held.notes)


@pytest.mark.parametrize("text", ["COIN >= 0.5", "CN >= 0.5", "HTCI >= 0.5", "PITV <= 2.0"])
def test_four_words_for_one_volume(text):
    rate, points = with_surroundings()
    target_cc = float(points.volume_cc[points.rows("lesion1")].sum())
    held = optimize_times(problem(rate, points, goals(goal("lesion1", text, level=1)), healthy="liver"))
    assert held.levels[0].value == 0.0
    assert isodose_cc(rate, points, held.times_s) < 2.0 * target_cc


def test_a_level_that_cannot_be_reached_does_not_cost_coverage():
    rate, points = with_surroundings()
    wanted = goals(goal("lesion1", "COIN >= 0.99", level=1))
    held = optimize_times(problem(rate, points, wanted, healthy="liver", delivery=Delivery(resolution_s=0.1)))
    assert held.levels[0].value > 0.0
    assert (rate.gy_per_s @ held.times_s)[points.rows("lesion1")].min() >= 20.0


def lesions(n):
    """Ellipsoids on a 2 mm grid, each with four straight catheters, in a block of liver."""
    grid = Grid(shape_zyx=(40, 40, 40 + 30 * (n - 1)), origin_mm=[0.0, 0.0, 0.0], spacing_mm=[2.0, 2.0, 2.0])
    z, y, x = np.meshgrid(*(np.arange(k) * 2.0 for k in grid.shape_zyx), indexing="ij")
    ctvs, catheters = [], []
    for k in range(n):
        at = np.array([40.0 + 60.0 * k, 40.0, 40.0])
        inside = ((x - at[0]) / 14) ** 2 + ((y - at[1]) / 12) ** 2 + ((z - at[2]) / 15) ** 2 <= 1
        ctvs.append(Structure(name=f"lesion_{k}", role="CTV", grid=grid, mask_zyx=inside))
        for i, (dx, dy) in enumerate([(-6, -5), (-6, 5), (6, -5), (6, 5)]):
            ends = [[at[0] + dx, at[1] + dy, 2.0], [at[0] + dx, at[1] + dy, at[2] + 17.0]]
            catheters.append(Catheter(f"c{k}{i}", np.array(ends)))
    liver = Structure(name="liver", role="OAR", grid=grid, mask_zyx=np.ones(grid.shape_zyx, bool))
    return Case(name="lesions", ct=None, structures=(*ctvs, liver), catheters=tuple(catheters), healthy="liver")


@pytest.mark.parametrize("n", [1, 2])
def test_planned_index_is_that_of_the_dose_grid(n):
    found = lesions(n)
    prescribed = tuple(Prescription(s.name, 20.0) for s in found.ctvs)
    source = load_source("gammamed-12i")
    # Neither proof changes what is compared here, and they took all but seconds of five minutes.
    options = PlanOptions(sample_mm=1.5, every_point=False, proof_s=0.0)
    free = plan_case(found, Goals(prescribed), source, Strength(40700.0), options=options)
    names = [s.name for s in found.ctvs]
    fit = free.score.target(names[0]).conformity
    coin, error_frac = fit.coin, fit.isodose_error_cc / fit.isodose_cc
    # Every CTV is judged by the union of all: each has the same index.
    assert all(free.score.target(name).conformity.coin == coin for name in names)
    assert coin > 0.5
    wanted = round(1.02 * coin, 3)
    goal_ = parse_goal(f"COIN >= {wanted}", structure=names[0], source="test")
    held = plan_case(found, Goals(prescribed, (goal_,)), source, Strength(40700.0), options=options)
    reached = held.score.goals[-1]
    assert reached.goal.metric.unit == ""
    assert reached.reached == held.score.target(names[0]).conformity.coin
    assert reached.reached > coin
    # Points and grid measure the isodose's volume differently: by the grid's stated error, and 1 % of the points'.
    assert reached.reached == pytest.approx(wanted, rel=2 * error_frac + 0.01)
    assert AROUND in held.points.names
    assert AROUND not in free.points.names


def test_surroundings_reach_as_far_as_asked():
    grid = Grid(shape_zyx=(12, 20, 20), origin_mm=[0.0, 0.0, 0.0], spacing_mm=[2.0, 2.0, 5.0])
    mask = np.zeros(grid.shape_zyx, bool)
    mask[5, 9, 9] = True
    seed = Structure(name="seed", role="CTV", grid=grid, mask_zyx=mask)
    near = around([seed], 11.0, "near")
    at = near.voxels_mm
    away = np.linalg.norm(at - grid.world([9, 9, 5]), axis=1)
    assert away.max() <= 11.0
    # All voxel centres of a ball of 11 mm, off the lesion's own grid too.
    index = np.stack(np.meshgrid(*(np.arange(-8, 9),) * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    assert len(at) == int((np.linalg.norm(index * [2.0, 2.0, 5.0], axis=1) <= 11.0).sum())


def test_surroundings_only_where_asked():
    found = lesions(1)
    plain = Goals((Prescription("lesion_0", 20.0),))
    asked = Goals(plain.prescriptions, (parse_goal("PITV <= 1.5", structure="lesion_0", source="test"),))
    assert [s.name for s in found.dosed_structures(plain)] == ["lesion_0", "liver"]
    assert [s.name for s in found.dosed_structures(asked)] == ["lesion_0", "liver", AROUND]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("COIN >= 0.7 %", "without unit"),
        ("COIN <= 0.7", "takes >="),
        ("PITV >= 1.4", "takes <="),
        ("COIN >= 1", "between 0 and 1"),
        ("COIN >= 0", "between 0 and 1"),
        ("PITV <= 0.9", "between 1 and 10"),
    ],
)
def test_bad_goals(text, message):
    with pytest.raises(InputError, match=message):
        goal("lesion1", text)


def test_goals_that_do_not_fit_the_points():
    rate, points, _ = case()
    with pytest.raises(InputError, match="in and around the CTVs"):
        optimize_times(problem(rate, points, goals(goal("lesion1", "COIN >= 0.7")), healthy="liver"))
    rate, points = with_surroundings()
    with pytest.raises(InputError, match="CTV with a prescription"):
        optimize_times(problem(rate, points, goals(goal("duodenum", "COIN >= 0.7")), healthy="liver"))
