"""A plan under the dose in the patient's media: its proofs attacked by search, its files, its refusals, a stop."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from hdrplan.cli import cli
from hdrplan.dose import MinimumDoseSearch, dose_at_points, dose_rate
from hdrplan.io import read_anatomy, read_case, read_plan
from hdrplan.optimize import Status
from hdrplan.options import PlanOptions
from hdrplan.plan import Goals, Prescription, parse_goal
from hdrplan.workflow import (
    GoalResult,
    KeptRuns,
    ModelOptions,
    ModelPlan,
    PlanTask,
    ScatterRun,
    Score,
    model_dose,
    plan_case,
    plan_in_media,
)
from hdrplan.workflow.model_reserve import Reserve, missed_fracs, scaled_plan
from small_case import write_small_case

MODEL = ModelOptions(uncertainty_frac=0.1, seed=3)
OPTIONS = PlanOptions(sample_mm=2.0, step_mm=5.0)


@pytest.fixture(scope="module")
def case_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_case(tmp_path_factory.mktemp("in-media") / "case")


def task_of(case_path: Path) -> PlanTask:
    held = read_case(case_path)
    return PlanTask(case=held.case, goals=held.goals, source=held.source, strength=held.strength, options=OPTIONS)


@pytest.fixture(scope="module")
def planned(case_path: Path) -> ModelPlan:
    labels = read_anatomy(case_path)[1]
    return plan_in_media(task_of(case_path), labels, MODEL)


def points_of(result: ModelPlan, name: str, n: int = 40_000) -> np.ndarray:
    """Return random points of a structure, half of them next to its surface."""
    shape, rng = result.planned.points.shape(name), np.random.default_rng(9)
    size = np.subtract(shape.grid.shape_zyx[::-1], 1)
    points = shape.grid.world(rng.uniform(0.0, 1.0, (8 * n, 3)) * size)
    held = shape.holds(points)
    inside, outside = points[held][:n], points[~held][:n]
    m = min(len(inside), len(outside))
    return np.concatenate((inside, shape.last_held(outside[:m], inside[:m])))


def test_no_point_of_the_lesion_receives_less_than_is_proven(planned: ModelPlan) -> None:
    result, plan = planned.planned, planned.planned.plan
    target = result.score.targets[0]
    assert result.factor is not None
    assert target.d100_lower_gy is not None
    points = points_of(planned, "lesion")
    tg43 = dose_at_points(plan.dwells, plan.exposure_s, points, plan.source, strength_u=plan.strength_u).gy
    dose = tg43 * result.factor.at("lesion", points)
    assert dose.min() >= target.d100_lower_gy >= 20.0
    assert dose.min() <= target.d100_upper_gy * 1.005  # the search comes near: the proof is not empty
    # TG-43 says more, for all of the lesion.
    assert tg43.min() > 1.005 * dose.min()
    # All of it is the dose of the plan's own times: what is proven stands in both tables.
    (minimum,) = planned.own.minima
    own = tg43 * planned.own.dose_factor.at("lesion", points)
    assert np.array_equal(own, dose)
    assert minimum.minimum_gy == target.d100_lower_gy


def test_whoever_recomputes_the_plan_finds_what_was_proven(case_path: Path, planned: ModelPlan) -> None:
    """The factor is computed anew from the plan as it is written: its prescription and its limits hold exactly."""
    held, labels = read_case(case_path), read_anatomy(case_path)[1]
    plan = planned.planned.plan
    again = model_dose(held.case, labels, held.goals, plan, replace(MODEL, sample_mm=OPTIONS.sample_mm))
    assert again.minima == planned.own.minima
    assert all(minimum.minimum_gy >= 20.0 for minimum in again.minima)
    assert [s.figures for s in again.structures] == [s.figures for s in planned.own.structures]
    assert all(goal.met for goal in planned.planned.score.goals)


def test_what_is_missed_is_asked_for_in_the_next_plan() -> None:
    goals = Goals(
        prescriptions=(Prescription("lesion", 20.0),),
        goals=(parse_goal("D1cc <= 14 Gy", structure="stomach", source="test"),),
    )
    reserve = Reserve().more({0: 1e-3}).more({0: 5e-4, 1: 2e-3})
    asked = reserve.on(goals)
    assert asked.prescriptions[0].dose_gy == pytest.approx(20.03, abs=1e-9)
    assert asked.goals[0].value == pytest.approx(13.972, abs=1e-9)

    def score(lesion_gy: float, stomach_gy: float) -> Score:
        reached = zip((goals.prescriptions[0].goal, *goals.goals), (lesion_gy, stomach_gy), strict=True)
        return Score((), tuple(GoalResult(g, v, v >= 20.0 if g.sense == ">=" else v <= 14.0) for g, v in reached))

    met = score(20.01, 13.99)
    assert missed_fracs(met, score(20.0, 14.0)) == {}
    over = missed_fracs(met, score(20.0, 14.014))
    assert over == {1: pytest.approx(0.001, abs=1e-4)}
    assert over[1] > 0.001
    # What the plan never held is not asked for: no plan can hold it.
    assert missed_fracs(score(19.0, 13.0), score(18.9, 13.0)) == {}


def test_times_are_scaled_to_the_side_on_which_nothing_is_missed(planned: ModelPlan, case_path: Path) -> None:
    task, plan = task_of(case_path), planned.planned.plan
    longer = scaled_plan(plan, {0: 1e-3}, task.goals, OPTIONS)
    shorter = scaled_plan(plan, {1: 1e-3}, task.goals, OPTIONS)
    assert longer is not None
    assert shorter is not None
    held = plan.times_s > 0
    assert (longer.times_s[held] >= 1.001 * plan.times_s[held] - 1e-9).all()
    assert (shorter.times_s[held] <= plan.times_s[held] / 1.001 + 1e-9).all()
    assert np.abs(np.rint(10 * longer.times_s) - 10 * longer.times_s).max() < 1e-6
    assert np.array_equal(longer.times_s > 0, held)
    # A prescription and a limit at once, and rules that scaling may break, need a plan of their own.
    assert scaled_plan(plan, {0: 1e-3, 1: 1e-3}, task.goals, OPTIONS) is None
    assert scaled_plan(plan, {0: 1e-3}, task.goals, replace(OPTIONS, time_ratio=2.0)) is None
    assert scaled_plan(plan, {0: 1e-3}, task.goals, replace(OPTIONS, max_dwell_s=float(plan.times_s.max()))) is None


def with_stomach_below(task: PlanTask, limit_gy: float) -> PlanTask:
    goal = parse_goal(f"D1cc <= {limit_gy:.6f} Gy", structure="stomach", source="test")
    return replace(task, goals=replace(task.goals, goals=(goal,)))


def test_a_limit_that_binds_holds_in_the_dose_of_the_plan_and_so_does_what_it_costs(case_path: Path) -> None:
    task = task_of(case_path)
    by_tg43 = plan_case(
        task.case, task.goals, task.source, task.strength, options=replace(task.options, every_point=False)
    )
    limit_gy = 0.9 * by_tg43.score.structure("stomach").d1cc_gy
    result = plan_in_media(with_stomach_below(task, limit_gy), read_anatomy(case_path)[1], MODEL).planned
    assert result.optimum is not None
    assert result.optimum.status == Status.LOWERED
    assert 0.97 * limit_gy < result.score.structure("stomach").d1cc_gy <= limit_gy * (1.0 + 1e-6)
    (short,) = result.optimum.shortfalls
    target = result.score.targets[0]
    assert short.reached_gy == pytest.approx(target.d100_lower_gy, rel=1e-6)
    assert 0.97 * short.best_gy < short.reached_gy < short.best_gy < 20.0


def test_between_nodes_the_factor_is_what_it_is_there(planned: ModelPlan) -> None:
    points = points_of(planned, "lesion", 400)
    factor = planned.own.dose_factor
    between, there = factor.at("lesion", points), factor.elsewhere(points)
    assert np.median(np.abs(between / there - 1.0)) < 5e-4
    # The smoothed surface cuts voxels of another medium: there D_m,m is that of the lesion's medium.
    assert np.quantile(np.abs(between / there - 1.0), 0.9) < 0.01


def test_no_times_found_by_search_beat_the_bound(planned: ModelPlan) -> None:
    """Random times that give the whole lesion its prescription have more mean dose of the liver than the bound."""
    result, plan = planned.planned, planned.planned.plan
    assert result.factor is not None
    assert result.optimum is not None
    main, factor = result.optimum.certificate.main, result.factor
    points, rows = result.points, result.points.rows("liver")

    def rates(name: str, places: np.ndarray) -> np.ndarray:
        tg43 = dose_rate(plan.dwells, places, plan.source, strength_u=plan.strength_u).gy_per_s
        return tg43 * factor.at(name, places)[:, None]

    liver = points.volume_cc[rows] @ rates("liver", points.points_mm[rows]) / points.volume_cc[rows].sum()
    lesion = rates("lesion", points_of(planned, "lesion", 2000))
    search = MinimumDoseSearch(
        points.shape("lesion"), plan.dwells, plan.source, strength_u=plan.strength_u, factor=factor.fields["lesion"]
    )
    rng, best, reached = np.random.default_rng(2), np.array(plan.times_s), np.inf
    for _ in range(6):
        for _ in range(400):
            more = rng.normal(0.0, 15.0, len(best)) * (rng.random(len(best)) < 0.4)
            tried = np.maximum(0.0, best + more)
            if tried.sum() > 0.0:
                tried *= 20.0 / (lesion @ tried).min()
                best = min(best * 20.0 / (lesion @ best).min(), tried, key=lambda times: float(liver @ times))
        # The coldest points lie between those of the search: they join it, and the times found are made to serve them.
        cold = search.minimum_dose(best, wanted_gy=20.0, tolerance_gy=0.02)
        if len(cold.cold_mm):
            lesion = np.concatenate((lesion, rates("lesion", cold.cold_mm[:200])))
        reached = min(reached, float(liver @ best) * 20.0 / min(20.0, cold.upper_gy))
    # Times that serve every point known lie above the bound; the best of them come near to it.
    assert reached >= main.bound * (1.0 - 1e-6)
    assert reached <= 1.02 * main.value


def test_the_factor_settles_and_only_its_noise_is_left(planned: ModelPlan) -> None:
    assert planned.settled
    assert 2 <= planned.plans <= 8
    assert {change.structure for change in planned.changes} == {"lesion", "stomach", "liver"}
    assert all(0.0 <= change.rms_frac <= change.largest_frac for change in planned.changes)


def test_the_command_writes_the_plan_with_its_dose_and_goes_on_after_a_stop(
    case_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = ["plan", str(case_path), "--model", "mc", "--uncertainty", "10%", "-o", str(tmp_path / "out")]

    def stop(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("hdrplan.workflow.model_plan.dose_of_factor", stop)
        done = CliRunner().invoke(cli, call)
    kept = sorted(tmp_path.glob("out.mc-run-*.npz"))
    assert len(kept) >= 2  # of the plan by TG-43, and of those under a factor
    assert "the same command goes on with them" in done.stderr
    assert not (tmp_path / "out").exists()
    done = CliRunner().invoke(cli, call, catch_exceptions=False)
    assert done.exit_code == 0
    assert "the proof at every point and the bound are all of this dose" in done.stdout
    assert not list(tmp_path.glob("*.npz"))
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["model_plan"]["dose"] == "D_m,m"
    assert metrics["structures"]["lesion"]["d100_gy"] >= 20.0
    own = next(s for s in metrics["model_based"]["structures"] if s["name"] == "lesion")
    assert own["d100_mm_proven_gy"][0] == metrics["structures"]["lesion"]["d100_lower_gy"] >= 20.0
    report = (tmp_path / "out" / "report.html").read_text()
    assert "D_m,m: TG-43U1" in report
    # Without opening anything: in the header of screen and paper, and above the goals.
    assert "<dt>Dose</dt><dd>D_m,m, by Monte Carlo" in report
    assert "Every dose on this page is D_m,m" in report
    assert "Every point of lesion is proven to receive at least 20.00 Gy D_m,m" in report
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"model_dose.html", "model_dose.json", "hcf.nrrd"}
    assert read_plan(tmp_path / "out").total_time_s > 0.0
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["options"]["model"] == "mc"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--uncertainty", "2%"), "--uncertainty goes with --model mc"),
        (("--model", "mc", "--uncertainty", "0"), "`uncertainty` must lie in 0.05 % to 20 %"),
        (("--model", "mc", "--uncertainty", "much"), "a percentage such as 1%"),
    ],
)
def test_options_that_cannot_be_are_refused_at_once(
    case_path: Path, tmp_path: Path, more: tuple[str, ...], said: str
) -> None:
    done = CliRunner().invoke(cli, ["plan", str(case_path), "-o", str(tmp_path / "out"), *more])
    assert done.exit_code != 0
    assert said in str(done.exception) + done.output


def test_a_folder_of_cases_is_not_planned_in_media(case_path: Path, tmp_path: Path) -> None:
    call = ["plan", "--all", str(case_path.parent), "--model", "mc", "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(cli, call)
    assert done.exit_code == 2
    assert "plan the cases one by one" in done.output


def test_runs_are_kept_by_task(case_path: Path) -> None:
    """Each of several runs is found again, not the last one only."""
    kept: dict[str, ScatterRun] = {}
    labels = read_anatomy(case_path)[1]
    asked = KeptRuns(
        earlier=lambda task: kept.get(task.digest()), keep=lambda run: kept.update({run.patient.task: run})
    )
    call = (task_of(case_path), labels, MODEL)
    first = plan_in_media(*call, runs=asked)
    n = len(kept)
    followed: list[ScatterRun] = []
    again = plan_in_media(*call, runs=KeptRuns(earlier=asked.earlier, keep=followed.append))
    assert n == first.plans
    assert followed == []
    assert np.array_equal(first.planned.plan.times_s, again.planned.plan.times_s)
    assert first.own.minima == again.own.minima
