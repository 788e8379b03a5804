"""The second check and the dwell table: times that the dose grid has are told from the plan's, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from demo_case import NOW, case_and_plan
from hdrplan.dose import dose_field
from hdrplan.geometry import Grid, Volume
from hdrplan.io import read_clinical_plan
from hdrplan.metrics import Tolerances
from hdrplan.plan import BrachyPlan, Plan, as_plan, brachy_of_plan
from hdrplan.sources import load_source
from hdrplan.workflow import CheckRow, SecondCheck, StatedDose, check_plan
from hdrplan.workflow.check_dwells import dwell_times

SOURCE = load_source("gammamed-plus")
REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "brachy_dicom"
GRID = Grid(shape_zyx=(24, 26, 28), origin_mm=np.array([-50.0, -50.0, 192.0]), spacing_mm=np.array([3.0, 3.0, 3.0]))
Change = Callable[[np.ndarray], None]


@cache
def plans() -> tuple[BrachyPlan, Plan]:
    """Return two needles with six and six dwells, 5 mm apart, of uneven times."""
    case, plan = case_and_plan()
    brachy = brachy_of_plan(
        replace(plan, source=SOURCE), case.catheters, label="plan", prescription_gy=5.0, treated=NOW
    )
    channels = tuple(
        replace(c, times_s=4.0 + 3.0 * ((5 * np.arange(len(c.times_s)) + c.number) % 7)) for c in brachy.channels
    )
    brachy = replace(brachy, channels=channels)
    total = sum(float(c.times_s.sum()) for c in channels) * brachy.source.strength_u
    brachy = replace(brachy, stated_trak_u_s=total)
    return brachy, as_plan(brachy, SOURCE)


def dose_of(plan: Plan, times_s: np.ndarray, source: str = "gammamed-plus", grid: Grid = GRID) -> Volume:
    return dose_field(plan.dwells, times_s, grid, load_source(source), strength_u=plan.strength_u)


def checked(dose: Volume) -> tuple[SecondCheck, CheckRow]:
    brachy, _ = plans()
    check = check_plan(brachy, SOURCE, stated=StatedDose(dose))
    (row,) = [row for row in check.rows if row.kind == "dwell"]
    return check, row


def test_the_plans_own_dose_has_its_times() -> None:
    brachy, plan = plans()
    check, row = checked(dose_of(plan, plan.times_s))
    assert check.verdict == row.verdict == "pass"
    fitted = np.array([dwell.in_dose_s for dwell in check.dwells.dwells])
    np.testing.assert_allclose(fitted, np.concatenate([c.times_s for c in brachy.channels]), atol=0.01)


def test_exchanged_times_of_two_dwells_fail_and_are_named() -> None:
    """The row names a dwell and the times of both."""
    _, plan = plans()
    times = plan.times_s.copy()
    times[[0, 2]] = times[[2, 0]]
    assert abs(times[0] - times[2]) > 5
    check, row = checked(dose_of(plan, times))
    assert row.verdict == "fail"
    assert "channel 1" in row.quantity
    assert sorted((row.tps, row.recomputed)) == pytest.approx(sorted(plan.times_s[[0, 2]]), abs=0.05)
    differing = [k for k, dwell in enumerate(check.dwells.dwells) if dwell.is_told and dwell.off_frac > 0.01]
    assert differing == [0, 2]


@pytest.mark.parametrize("source", ["gammamed-12i", "microselectron-v2", "flexisource", "gi192m11", "vs2000"])
def test_a_table_of_another_source_is_no_other_dwell_time(source: str) -> None:
    _, plan = plans()
    assert checked(dose_of(plan, plan.times_s, source))[1].verdict == "pass"
    times = plan.times_s.copy()
    times[[0, 2]] = times[[2, 0]]
    assert checked(dose_of(plan, times, source))[1].verdict == "fail"


def moved(dose: Volume) -> Volume:
    return Volume(replace(dose.grid, origin_mm=dose.grid.origin_mm + np.array([1.0, 0.5, -0.5])), dose.values_zyx)


def noisy(dose: Volume) -> Volume:
    noise = np.random.default_rng(1).standard_normal(dose.values_zyx.shape)
    return Volume(dose.grid, (dose.values_zyx * (1 + 0.02 * noise)).astype(np.float32))


def weaker(dose: Volume) -> Volume:
    return Volume(dose.grid, dose.values_zyx * np.float32(0.93))


def wavy(dose: Volume) -> Volume:
    """As media make a dose: 2 % more here, 2 % less 5 cm away."""
    x = dose.grid.world(np.argwhere(np.ones(dose.grid.shape_zyx))[:, ::-1].astype(float))[:, 0]
    waves = (1 + 0.02 * np.sin(x / 15.0)).reshape(dose.grid.shape_zyx)
    return Volume(dose.grid, (dose.values_zyx * waves).astype(np.float32))


@pytest.mark.parametrize("change", [moved, noisy, weaker, wavy])
def test_what_else_is_wrong_with_a_dose_is_no_other_dwell_time(change: Callable[[Volume], Volume]) -> None:
    _, plan = plans()
    assert checked(change(dose_of(plan, plan.times_s)))[1].verdict != "fail"


def test_a_dose_interpolated_from_a_coarser_grid_is_no_other_dwell_time() -> None:
    _, plan = plans()
    coarse = Grid(shape_zyx=(26, 28, 30), origin_mm=np.array([-56.0, -56.0, 186.0]), spacing_mm=np.full(3, 3.2))
    inner = Grid(shape_zyx=(40, 42, 44), origin_mm=np.array([-46.0, -46.0, 196.0]), spacing_mm=np.full(3, 1.6))
    points = inner.world(np.argwhere(np.ones(inner.shape_zyx))[:, ::-1].astype(float))
    gy = dose_of(plan, plan.times_s, grid=coarse).at(points, rim_voxels=0.0).reshape(inner.shape_zyx)
    assert checked(Volume(inner, np.nan_to_num(gy).astype(np.float32)))[1].verdict != "fail"


def test_two_channels_in_one_place_keep_the_plans_split() -> None:
    """No dose tells them apart: an empty channel in the place of another made a false difference of a whole dwell."""
    brachy, plan = plans()
    twin = replace(brachy.channels[0], number=9, times_s=np.zeros(len(brachy.channels[0].times_s)))
    both = replace(brachy, channels=(*brachy.channels, twin))
    check = check_plan(both, SOURCE, stated=StatedDose(dose_of(plan, plan.times_s)))
    assert [row.verdict for row in check.rows if row.kind == "dwell"] == ["pass"]


def test_the_limit_is_the_clinics() -> None:
    brachy, plan = plans()
    times = plan.times_s.copy()
    times[1] *= 1.08
    stated = StatedDose(dose_of(plan, times))
    verdicts = []
    for limits in (Tolerances(), Tolerances(dwell_frac=0.2, warn={}), Tolerances(dwell_frac=0.02)):
        check = check_plan(brachy, SOURCE, stated=stated, tolerances=limits)
        verdicts += [row.verdict for row in check.rows if row.kind == "dwell"]
    assert verdicts == ["warn", "pass", "fail"]


def test_a_dose_with_too_few_voxels_tells_no_times() -> None:
    brachy, plan = plans()
    small = Grid(shape_zyx=(3, 3, 3), origin_mm=plan.dwells.positions_mm[0] - 3.0, spacing_mm=np.full(3, 3.0))
    check = check_plan(brachy, SOURCE, stated=StatedDose(dose_of(plan, plan.times_s, grid=small)))
    assert check.dwells is None
    assert not [row for row in check.rows if row.kind == "dwell"]


@pytest.mark.skipif(not REAL.is_dir(), reason="real plans, another licence")
@pytest.mark.parametrize(("name", "gamma_frac"), [("varian_tandem_ovoid", 0.9998), ("varian_pdr", 0.95)])
def test_exchanged_ends_of_an_ovoid_fail_in_real_plans(name: str, gamma_frac: float) -> None:
    """Gamma passes nearly all voxels: the times alone tell."""
    brachy = read_clinical_plan(REAL / f"{name}_RP.dcm", structures=REAL / f"{name}_RS.dcm").brachy
    source = load_source("gammamed-plus" if name == "varian_tandem_ovoid" else "gammamed-pdr-plus")
    plan = as_plan(brachy, source)
    first = plan.dwells.positions_mm.min(axis=0) - 30
    shape = np.ceil((np.ptp(plan.dwells.positions_mm, axis=0) + 60) / 2.5).astype(int) + 1
    grid = Grid(shape_zyx=(int(shape[2]), int(shape[1]), int(shape[0])), origin_mm=first, spacing_mm=np.full(3, 2.5))
    ends = len(brachy.channels[0].times_s), len(brachy.channels[0].times_s) + len(brachy.channels[1].times_s) - 1
    for exchanged in (False, True):
        times = plan.exposure_s.copy()
        if exchanged:
            times[list(ends)] = times[list(ends)[::-1]]
        dose = dose_field(plan.dwells, times, grid, source, strength_u=plan.strength_u)
        check = check_plan(brachy, source, stated=StatedDose(dose))
        assert check.grid.gamma_pass_frac > gamma_frac
        assert [row.verdict for row in check.rows if row.kind == "dwell"] == ["fail" if exchanged else "pass"]
        times_of = dwell_times(brachy, plan, check.grid)
        assert [d.is_told for d in times_of.dwells].count(True) <= (2 if exchanged else 0) + 2
