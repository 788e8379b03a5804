"""Simulated procedures and foresight: what must hold whatever the errors are."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hdrplan.errors import InfeasibleError, InputError
from hdrplan.io import ResultStore, read_case
from hdrplan.options import PlanOptions
from hdrplan.workflow import (
    ARMS,
    Course,
    EveryPath,
    InsertionSetting,
    Nominal,
    PlaceOptions,
    ProcedureDesign,
    course,
    default_obstacles,
    foreseen_next,
    insertion_setting,
    nominal_plan,
    simulate_procedures,
)

# The file, not the room: a name in it is replaced below.
procedure_runs = importlib.import_module("hdrplan.workflow.procedure_runs")

PHANTOM = Path(__file__).parents[2] / "phantoms" / "liver-lesion-b-5mm"


@pytest.fixture(scope="module")
def setting() -> InsertionSetting:
    found = read_case(
        PHANTOM, {"roles": {"lesion_C": "CTV"}, "prescription_gy": {"lesion_C": 20.0}}, before_puncture=True
    )
    options = PlaceOptions(
        margins_mm=default_obstacles(found.case), candidates=6, sample_mm=6.0, error_mm=5.5, scenarios=3
    )
    return insertion_setting(
        found.case, found.goals, found.source, found.strength, options=options, planning=PlanOptions()
    )


@pytest.fixture(scope="module")
def nominal(setting: InsertionSetting) -> Nominal:
    return nominal_plan(setting, count=2, most=4, worth_frac=0.05)


def test_without_error_the_plan_comes_true_and_choosing_anew_is_not_worse(
    setting: InsertionSetting, nominal: Nominal
) -> None:
    planned, replanned = (course(setting, nominal, arm, 0, error_mm=0.0, seed=1) for arm in ARMS[:2])
    assert planned.met
    assert replanned.met
    assert (planned.changed, planned.catheters, planned.error_mm) == (0, 2, 0.0)
    # The choice holds dose-volume goals by another way to the same optimum.
    assert planned.value == pytest.approx(nominal.value, rel=1e-3)
    assert replanned.value <= planned.value * (1 + 1e-3)


def test_the_same_errors_meet_every_arm_whatever_was_done_before(setting: InsertionSetting, nominal: Nominal) -> None:
    planned, replanned = (course(setting, nominal, arm, 3, error_mm=5.5, seed=4) for arm in ARMS[:2])
    assert planned.error_mm == replanned.error_mm > 0
    again = course(setting, nominal, "re-planned", 3, error_mm=5.5, seed=4)
    assert replace(again, seconds=0) == replace(replanned, seconds=0)
    other = course(setting, nominal, "as planned", 3, error_mm=5.5, seed=5)
    assert other.value != planned.value


def test_paths_that_are_chosen_keep_clear_of_what_came_to_lie_elsewhere(setting: InsertionSetting) -> None:
    inside = [setting.displaced(0, np.array([4.0, -3.0, 2.0]))]
    clear = setting.clear(inside)
    assert 0 < len(clear) <= setting.options.candidates
    found = setting.rest(inside, 1)
    assert set(found.paths) <= set(clear.tolist())


def test_a_catheter_that_misses_every_lesion_adds_nothing_and_is_no_error(setting: InsertionSetting) -> None:
    far = setting.displaced(0, np.array([0.0, 0.0, 150.0]))
    assert far.rate.shape[1] == 0
    assert not setting.final([far]).met
    assert setting.final([far]).short_gy == 20.0
    near = setting.displaced(0, np.zeros(3))
    assert setting.final([far, near]).value == pytest.approx(setting.final([near]).value, rel=1e-9)


def test_foresight_tries_every_path_and_bounds_what_can_be_expected(
    setting: InsertionSetting, nominal: Nominal
) -> None:
    shifts_mm = np.random.default_rng(0).normal(0.0, 3.0, (3, 2, 3))
    seen = foreseen_next(setting, (), nominal.paths, 2, shifts_mm, every_path=EveryPath(0.01))
    assert seen.complete
    assert len(seen.paths) == len(setting.clear(()))
    assert seen.nominal_path == nominal.paths[0]
    assert seen.best.expected == min(one.expected for one in seen.paths) <= seen.nominal.expected
    assert all(one.bound <= one.exact * (1 + 1e-9) for one in seen.paths)
    assert seen.bound >= 0.99 * seen.best_exact.exact * (1 - 1e-9), "no path has a wider gap than was asked for"
    # What is expected is what comes of the rest displaced too, by plans of each pair.
    ends = []
    for next_mm, rest_mm in shifts_mm:
        inside = [setting.displaced(seen.best.path, next_mm)]
        (path,) = setting.rest(inside, 1, gap_frac=0.001).paths
        ends.append(setting.final([*inside, setting.displaced(path, rest_mm)]).value)
    assert seen.best.held == 3
    assert seen.best.mean == pytest.approx(np.mean(ends), rel=0.02)
    # Of the pairs after one displacement, by plans of each: no rest is better than the bound.
    inside = [setting.displaced(seen.best.path, shifts_mm[0, 0])]
    pairs = [setting.final([*inside, setting.displaced(int(k), np.zeros(3))]).value for k in setting.clear(inside)]
    best = setting.rest(inside, 1, gap_frac=0.01)
    assert best.rest.bound <= min(pairs) * (1 + 1e-6)
    assert best.rest.value == pytest.approx(min(pairs), rel=0.012)


def test_a_stopped_study_goes_on_and_a_longer_one_begins_with_it(
    setting: InsertionSetting, nominal: Nominal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    design = ProcedureDesign(
        setting=setting, nominal=nominal, arms=ARMS[:2], runs=2, error_mm=5.5, seed=1, draws=0, inputs={"case": "x"}
    )
    store = ResultStore(tmp_path / "kept", Course)
    first = simulate_procedures(design, store)
    assert first.found == 0
    longer = simulate_procedures(replace(design, runs=3), store)
    assert longer.found == 4
    assert longer.courses["re-planned"][1] == first.courses["re-planned"][1]
    monkeypatch.setattr(procedure_runs, "course", lambda *a, **k: pytest.fail("it was kept"))
    assert simulate_procedures(replace(design, runs=3), store).courses == longer.courses
    assert simulate_procedures(replace(design, runs=1), store).summary("as planned").runs == 1
    with pytest.raises(pytest.fail.Exception, match="it was kept"):
        simulate_procedures(replace(design, error_mm=6.0), store)


def test_counts_and_intervals_are_those_of_the_runs(setting: InsertionSetting, nominal: Nominal) -> None:
    def ended(arm: str, number: int, met: bool, value: float) -> Course:
        return Course(
            number=number, arm=arm, met=met, value=value, short_gy=0.0 if met else 1.5, catheters=2, changed=1,
            missed_lesion=0, error_mm=5.0, seconds=0.0,
        )  # fmt: skip

    design = ProcedureDesign(
        setting=setting, nominal=nominal, arms=ARMS[:2], runs=4, error_mm=5.5, seed=1, draws=0, inputs={}
    )
    study = procedure_runs.ProcedureStudy(
        design=design,
        courses={
            "as planned": {k: ended("as planned", k, k in (0, 1), 2.0) for k in range(4)},
            "re-planned": {k: ended("re-planned", k, k != 3, 1.8) for k in range(4)},
        },
        found=0, lost=0, seconds={},
    )  # fmt: skip
    one = study.summary("re-planned")
    assert (one.met, one.runs, one.mean_short_gy, one.worst_short_gy) == (3, 4, 0.375, 1.5)
    # Wilson 1927 for 3 of 4, by hand: (0.75 + z2/8 -+ z sqrt(0.75 * 0.25 / 4 + z2/64)) / (1 + z2/4), z2 = 3.8415.
    assert (one.low, one.high) == pytest.approx((0.3006, 0.9544), abs=1e-4)
    pair = study.paired("re-planned")
    assert (pair.both, pair.only_first, pair.only_other, pair.neither) == (2, 0, 1, 1)
    assert pair.saved_frac == pytest.approx(0.1)
    assert pair.better_frac == 1.0
    assert study.common == [0, 1]


def test_what_cannot_be_is_refused(setting: InsertionSetting, nominal: Nominal) -> None:
    with pytest.raises(InputError, match="arms are as planned, re-planned, foreseen"):
        course(setting, nominal, "lucky", 0, error_mm=5.5, seed=1)
    with pytest.raises(InputError, match="an error to foresee"):
        PlaceOptions(foresee=True)
    short = replace(setting, problem=replace(setting.problem, max_time_s=0.5))
    with pytest.raises(InfeasibleError, match="no set of at most 2 paths"):
        nominal_plan(short, count=2, most=4, worth_frac=0.05)
