"""Model-based dose of a small case: figures, the same numbers again, a run that was stopped, refusals."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from hdrplan.cli import cli
from hdrplan.dose import sample_points
from hdrplan.errors import InputError
from hdrplan.geometry import Grid, Structure, dwell_positions
from hdrplan.io import read_anatomy, read_case, read_kept_run, read_plan, read_volume, write_kept_run, write_plan
from hdrplan.plan import Plan
from hdrplan.transport import Correction, ScatterTask
from hdrplan.workflow import KeptRuns, ModelDose, ModelOptions, ScatterRun, model_dose
from hdrplan.workflow.model_figures import structure_figures
from small_case import write_small_case

QUICK = ModelOptions(uncertainty_frac=0.05, seed=3, sample_mm=4.0)


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a case and a plan of it."""
    folder = tmp_path_factory.mktemp("model")
    case_path = write_small_case(folder / "case")
    held = read_case(case_path)
    dwells = dwell_positions(held.case.catheters, step_mm=5.0)
    near = np.linalg.norm(dwells.positions_mm - held.case.ctvs[0].centre_mm, axis=1) < 12.0
    plan = Plan(dwells=dwells, times_s=np.where(near, 8.0, 0.0), source=held.source, strength=held.strength)
    (folder / "plan").mkdir()
    write_plan(folder / "plan" / "plan.json", plan, "small", held.ct_sha256)
    return case_path, folder / "plan"


def computed(planned: tuple[Path, Path], runs: KeptRuns | None = None) -> ModelDose:
    held, labels = read_case(planned[0]), read_anatomy(planned[0])[1]
    return model_dose(held.case, labels, held.goals, read_plan(planned[1]), QUICK, runs=runs)


def test_a_run_that_was_stopped_continues_and_ends_as_if_it_had_not_been(
    planned: tuple[Path, Path], tmp_path: Path
) -> None:
    whole = computed(planned)
    assert whole.reached_frac <= QUICK.uncertainty_frac
    kept = tmp_path / "run.npz"

    def stop(run: ScatterRun) -> None:
        write_kept_run(kept, run.patient, run.water)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        computed(planned, KeptRuns(keep=stop))
    others = []

    def held(task: ScatterTask) -> ScatterRun | None:
        others.append(read_kept_run(kept, replace(task, seed=99)))
        run = read_kept_run(kept, task)
        return None if run is None else ScatterRun(*run)

    again = computed(planned, KeptRuns(earlier=held))
    assert others == [None]  # a run of another task is not continued
    assert again.histories == whole.histories
    for one, other in zip(whole.structures, again.structures, strict=True):
        assert one.figures == other.figures
    assert np.array_equal(whole.dose.values_zyx, again.dose.values_zyx)
    lesion = next(s for s in whole.structures if s.name == "lesion")
    d90 = next(f for f in lesion.figures if f.name == "D90")
    # Liver absorbs 0.8 % less than water per gram; this small body scatters less: some percent.
    assert 0.93 < d90.medium / d90.tg43 < 1.0
    assert 0.985 < d90.medium / d90.water < 0.999
    assert 0.0 < d90.medium_error < 0.02 * d90.medium
    assert whole.factor.values_zyx.shape == whole.dose.values_zyx.shape


def test_an_error_as_large_as_the_factor_leaves_figures_and_a_band_that_ends_at_zero() -> None:
    # Far points of a short run: the band of two standard errors reached below 0 Gy, and no figure was made.
    cube = Grid(shape_zyx=(8, 8, 8), origin_mm=np.zeros(3), spacing_mm=np.full(3, 2.0))
    organ = Structure(name="colon", role="OAR", grid=cube, mask_zyx=np.ones(cube.shape_zyx, dtype=np.bool_))
    points = sample_points([organ], spacing_mm=2.0, healthy=None)
    n = len(points.points_mm)
    rough = Correction(
        medium=np.ones(n),
        water=np.ones(n),
        medium_error=np.full(n, 0.7),
        water_error=np.full(n, 0.7),
        medium_replicates=np.ones((10, n), dtype=np.float32),
        water_replicates=np.ones((10, n), dtype=np.float32),
    )
    made = structure_figures(points, "colon", np.full(n, 0.2), rough, None, counted_gy=1.0)
    assert made.medium_low_curve.mean_gy == 0.0
    assert np.isnan(made.uncertainty_frac)


def test_the_command_writes_a_folder_and_the_same_numbers_again(planned: tuple[Path, Path], tmp_path: Path) -> None:
    def run(name: str) -> dict[str, object]:
        call = ["dose", str(planned[0]), "--plan", str(planned[1]), "--model", "mc", "--uncertainty", "5 %"]
        done = CliRunner().invoke(cli, [*call, "--folder", str(tmp_path / name)], catch_exceptions=False)
        assert done.exit_code == 0
        assert "D_m,m" in done.output
        return json.loads((tmp_path / name / "model_dose.json").read_text())

    first, again = run("a"), run("b")
    assert first["structures"] == again["structures"]
    assert first["uncertainty"]["reached_frac"] <= 0.05  # type: ignore[index]
    assert {share["medium"] for share in first["media"]["shares"]} >= {"liver", "bowel"}  # type: ignore[index]
    assert read_volume(tmp_path / "a" / "dose_dmm.nrrd").values_zyx.max() > 5.0
    page = (tmp_path / "a" / "model_dose.html").read_text()
    assert all(word in page for word in ("D_m,m", "D_w,m", "Mean density", "k = 1", "media-few-labels"))
    assert not list(tmp_path.glob("*.npz"))


def test_a_stopped_command_says_where_its_photons_are_kept(
    planned: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    call = ["dose", str(planned[0]), "--plan", str(planned[1]), "--model", "mc", "--uncertainty", "5 %"]
    with monkeypatch.context() as patched:
        patched.setattr("hdrplan.workflow.model_based.structure_figures", stop)  # after the photons
        done = CliRunner().invoke(cli, [*call, "--folder", str(tmp_path / "out")])
    kept = tmp_path / "out.mc-run.npz"
    assert kept.is_file()
    assert f"kept in {kept}: the same command goes on" in done.stderr
    assert not (tmp_path / "out").exists()
    assert CliRunner().invoke(cli, [*call, "--folder", str(tmp_path / "out")]).exit_code == 0
    assert not kept.exists()


def test_evaluate_sets_the_model_beside_tg43(planned: tuple[Path, Path]) -> None:
    call = ["evaluate", str(planned[0]), "--plan", str(planned[1]), "--samples-only", "--json"]
    done = CliRunner().invoke(cli, [*call, "--model", "mc", "--uncertainty", "5%"], catch_exceptions=False)
    table = json.loads(done.stdout)
    beside = {s["name"]: {f["name"]: f for f in s["figures"]} for s in table["model_based"]["structures"]}
    assert beside["lesion"]["D90"]["tg43"] == pytest.approx(table["structures"]["lesion"]["d90_gy"], rel=1e-6)
    assert beside["lesion"]["D90"]["d_mm"] < beside["lesion"]["D90"]["d_wm"] < beside["lesion"]["D90"]["tg43"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["--uncertainty", "0"], "0.05 % to 20 %"),
        (["--uncertainty", "little"], "percentage"),
        (["-o", "dose.nrrd"], "writes no -o, got -o"),
        (["--dry-run"], "--dry-run goes with --model tg43"),
        (["--spacing", "2"], "--spacing goes with --model tg43"),
        (["--model", "tg43", "--seed", "4"], "--seed goes with --model mc"),
        (["--model", "tg43"], "takes no --plan and --folder"),
    ],
)
def test_what_cannot_be_is_refused(planned: tuple[Path, Path], tmp_path: Path, change: list[str], said: str) -> None:
    call = ["dose", str(planned[0]), "--plan", str(planned[1]), "--model", "mc", "--folder", str(tmp_path / "x")]
    done = CliRunner().invoke(cli, [*call, *change])
    assert isinstance(done.exception, InputError)
    assert said in str(done.exception)
    assert not (tmp_path / "x").exists()


def test_what_a_dose_in_media_lacks_is_named(planned: tuple[Path, Path]) -> None:
    done = CliRunner().invoke(cli, ["dose", str(planned[0]), "--model", "mc"])
    assert (
        str(done.exception)
        == "--model mc needs a CASE, --plan and --folder, and writes no -o, got no --plan and --folder"
    )


def test_evaluate_refuses_what_only_the_model_heeds(planned: tuple[Path, Path]) -> None:
    done = CliRunner().invoke(cli, ["evaluate", str(planned[0]), "--plan", str(planned[1]), "--uncertainty", "1 %"])
    assert "--uncertainty goes with --model mc" in str(done.exception)


def test_a_plan_outside_the_ct_and_a_plan_without_time_are_refused(planned: tuple[Path, Path]) -> None:
    held, labels, plan = read_case(planned[0]), read_anatomy(planned[0])[1], read_plan(planned[1])
    away = replace(plan, dwells=replace(plan.dwells, positions_mm=plan.dwells.positions_mm + 500.0))
    with pytest.raises(InputError, match="within the CT"):
        model_dose(held.case, labels, held.goals, away, QUICK)
    with pytest.raises(InputError, match="no dwell with time"):
        model_dose(held.case, labels, held.goals, replace(plan, times_s=0.0 * plan.times_s), QUICK)


def test_robust_says_how_often_coverage_holds_in_the_patient(planned: tuple[Path, Path]) -> None:
    call = ["robust", str(planned[0]), "--plan", str(planned[1]), "-n", "4", "--decompose", "0", "--json"]
    tables = []
    for model in ((), ("--model", "mc", "--uncertainty", "10%")):
        done = CliRunner().invoke(cli, [*call, *model], catch_exceptions=False)
        assert done.exit_code == 0
        tables.append(json.loads(done.stdout))
    tg43, mc = tables
    assert "dose" not in tg43
    assert mc["dose"] == "D_m,m"
    for key in ("planned", "p50"):
        by_model = [table["metrics"]["lesion d98_gy"][key] for table in tables]
        assert 0.93 < by_model[1] / by_model[0] < 1.0


def test_robust_plans_are_not_made_for_another_dose(planned: tuple[Path, Path]) -> None:
    call = ["robust", str(planned[0]), "--plan", str(planned[1])]
    done = CliRunner().invoke(cli, [*call, "--model", "mc", "--optimise"])
    assert done.exit_code == 2
    assert "robust plans are made by TG-43" in done.output
    done = CliRunner().invoke(cli, [*call, "--uncertainty", "2%"])
    assert "--uncertainty goes with --model mc" in str(done.exception) + done.output
