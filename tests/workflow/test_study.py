"""Many plans: whoever computes them, and whatever dies meanwhile, the results are those of a serial run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from hdrplan.cli import cli
from hdrplan.errors import InputError
from hdrplan.geometry import Grid, Structure
from hdrplan.io import ResultStore
from hdrplan.simulate import DoseModel, Uncertainty
from hdrplan.workflow import Labour, LesionTask, PlannedLesion, StudyDesign, planned_cohort, run_tasks, shard
from hdrplan.workflow.virtual_lesion import organ_digest
from held import held
from small_case import write_small_case

ROOT = Path(__file__).resolve().parents[2]


def ball() -> Structure:
    """A liver that is a ball of 100 mm on 4 mm voxels."""
    grid = Grid(shape_zyx=(30, 30, 30), origin_mm=[0, 0, 0], spacing_mm=[4, 4, 4])
    distance = np.linalg.norm(grid.points_mm() - 58.0, axis=1).reshape(30, 30, 30)
    return Structure(name="liver", role="OAR", grid=grid, mask_zyx=distance < 50)


DISPLACED = Uncertainty(catheter_mm=5.5)
TASKS = [
    LesionTask(lesion_id=f"L{k}", diameter_mm=18.0 + 3 * k, seed=7, sample_mm=4.0, uncertainty=DISPLACED)
    for k in range(5)
]


def plain(results) -> list[dict]:
    """What a result says, without how long it took."""
    assert all(r.error == "" for r in results)
    return [asdict(replace(r.result, seconds=0.0)) for r in results]


@pytest.fixture(scope="module")
def serial() -> list[dict]:
    return plain(run_tasks(TASKS, ball()))


def test_plans_hold_their_prescription_and_deliveries_differ(serial) -> None:
    for one in serial:
        assert one["d100_gy"] >= 20.0 * (1 - 1e-6)
        assert one["gap_frac"] < 1e-5
        assert one["delivered_d100_gy"] < one["d100_gy"]


def test_no_uncertainty_delivers_what_was_planned() -> None:
    none = Uncertainty(tip_mm=0.0, source_mm=0.0, timer_s=0.0, strength_frac=0.0)
    (one,) = run_tasks([replace(TASKS[0], uncertainty=none)], ball())
    assert one.result is not None
    assert one.result.delivered_d100_gy == pytest.approx(one.result.d100_gy, rel=1e-9)


@pytest.mark.slow
def test_processes_give_the_serial_results(serial) -> None:
    seen = []
    found = run_tasks(TASKS, ball(), labour=Labour(2), on_result=lambda one: seen.append(one.task.lesion_id))
    assert plain(found) == serial
    assert sorted(seen) == sorted(t.lesion_id for t in TASKS), "each result is handed over once"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Dask's own, of a worker that is killed on purpose
def test_a_cluster_with_a_worker_killed_gives_the_serial_results(serial) -> None:
    distributed = pytest.importorskip("distributed", reason="the optional extra 'cluster' is not installed")
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "HDRPLAN_THREADS": "1"}
    with distributed.LocalCluster(n_workers=0, processes=True, dashboard_address=None, host="127.0.0.1") as cluster:
        command = [sys.executable, "-m", "distributed.cli.dask_worker", cluster.scheduler_address, "--no-nanny"]
        workers = [
            subprocess.Popen(
                [*command, "--nthreads", "1", "--no-dashboard"],
                env=env,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for _ in range(2)
        ]
        try:
            with distributed.Client(cluster) as client:
                client.wait_for_workers(2, timeout=60)
            killed: list[bool] = []
            seen = []

            def kill_one(one) -> None:
                seen.append(one.task.lesion_id)
                if not killed:
                    workers[0].send_signal(signal.SIGKILL)
                    killed.append(True)

            found = run_tasks(TASKS, ball(), labour=Labour(1, cluster.scheduler_address), on_result=kill_one)
            assert killed
            assert plain(found) == serial
            assert sorted(seen) == sorted(t.lesion_id for t in TASKS), "nothing lost, nothing twice"
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()


def test_a_failure_is_a_row_and_the_others_go_on() -> None:
    bad = LesionTask(lesion_id="bad", diameter_mm=3.0, seed=7)
    found = run_tasks([TASKS[0], bad], ball())
    assert found[0].result is not None
    assert found[1].result is None
    assert "diameter_mm" in found[1].error


def test_shards_together_are_all_tasks_once() -> None:
    shares = [shard(TASKS, k, 3) for k in (1, 2, 3)]
    assert sorted(t.lesion_id for s in shares for t in s) == [t.lesion_id for t in TASKS]
    with pytest.raises(InputError, match="K/N"):
        shard(TASKS, 4, 3)


def test_keys_follow_the_content() -> None:
    organ = organ_digest(ball())
    assert TASKS[0].key(organ) == replace(TASKS[0]).key(organ)
    assert TASKS[0].key(organ) != replace(TASKS[0], seed=8).key(organ)
    assert TASKS[0].key(organ) != replace(TASKS[0], uncertainty=Uncertainty(ctv_mm=1.0)).key(organ)
    moved = replace(ball(), grid=replace(ball().grid, origin_mm=[0.0, 0.0, 1.0]))
    assert TASKS[0].key(organ) != TASKS[0].key(organ_digest(moved))


def test_the_store_returns_what_it_was_given_and_ignores_what_is_broken(tmp_path: Path, serial) -> None:
    store = ResultStore(tmp_path / "tasks", PlannedLesion)
    assert store.read("ab" * 12) is None
    store.write("ab" * 12, PlannedLesion(**serial[0]))
    assert store.read("ab" * 12) == PlannedLesion(**serial[0])
    for broken in ('{"half": ', '{"other": 1}', "[]"):
        store.path("ab" * 12).write_text(broken)
        assert store.read("ab" * 12) is None
    stale = tmp_path / "tasks" / "ab" / ".cut.1.part"
    stale.write_text("{")
    os.utime(stale, (0, 0))
    ResultStore(tmp_path / "tasks", PlannedLesion)
    assert not stale.exists()


@pytest.mark.slow
def test_a_killed_study_goes_on_and_ends_like_one_that_was_not(tmp_path: Path) -> None:
    """kill -9 while plans are under way; what was stored is whole and is not made again."""
    host = write_small_case(tmp_path / "host")
    command = ["simulate", "cohort", "--plans", str(host), "--hcc", "3", "--crlm", "2", "--seed", "5"]
    command += ["--workers", "1", "--quiet"]
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert CliRunner().invoke(cli, [*command, "-o", str(whole)]).exit_code == 0
    with held(*command, "-o", cut, place="hdrplan.io.store:ResultStore.write", before=3, cwd=tmp_path):
        assert not cut.exists()
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "cut.tasks").glob("*/*.json")}
    assert len(kept) == 2
    for path in kept:
        json.loads(path.read_text())
    assert CliRunner().invoke(cli, [*command, "-o", str(cut)]).exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    for name in ("patients.csv", "measurements.csv", "dose_metrics.csv", "truth/lesions.csv"):
        assert (cut / name).read_bytes() == (whole / name).read_bytes()


# -- the study, with plans that cost nothing ----------------------------------------------------------------------


@pytest.fixture
def planned_ids(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lesions that were planned; a lesion above 60 mm cannot be."""
    ids: list[str] = []

    def planned(task: LesionTask, host: Structure) -> PlannedLesion:
        ids.append(task.lesion_id)
        if task.diameter_mm > 60.0:
            raise InputError("a lesion of at most 60 mm", got=task.diameter_mm)
        gy = task.prescription_gy
        doses = dict.fromkeys(("d100_gy", "d98_gy", "d90_gy", "d50_gy", "delivered_d98_gy"), gy)
        counts = dict.fromkeys(("catheters", "dwells", "points"), 1)
        rest = dict.fromkeys(("ctv_cc", "total_time_s", "liver_mean_gy", "gap_frac", "seconds"), 1.0)
        fracs = {"v100_frac": 1.0, "delivered_v100_frac": 0.9}
        return PlannedLesion(
            lesion_id=task.lesion_id, planned_diameter_mm=task.diameter_mm, delivered_d100_gy=gy - 2.0,
            **doses, **counts, **rest, **fracs,
        )  # fmt: skip

    monkeypatch.setattr("hdrplan.workflow.lesion_tasks.plan_lesion", planned)
    return ids


def design() -> StudyDesign:
    return StudyDesign(host=ball(), n_hcc=25, n_crlm=15, dose=DoseModel(), uncertainty=Uncertainty(), seed=3)


def test_recurrence_follows_the_delivered_dose_and_the_study_knows_the_planned_one(
    planned_ids: list[str], tmp_path: Path
) -> None:
    study = planned_cohort(design(), ResultStore(tmp_path, PlannedLesion))
    assert len(set(planned_ids)) == len(planned_ids) == len(study.plans) + len(study.failures)
    assert study.plans
    assert study.failures
    assert any(lesion_id.endswith("-L2") for lesion_id in study.plans), "second cycles are planned too"
    for lesion in study.truth:
        if lesion.lesion_id in study.plans:
            assert lesion.d100_gy == study.plans[lesion.lesion_id].delivered_d100_gy
    known = {dose.lesion_id: dose.metrics for dose in study.cohort.doses}
    assert set(known) == set(study.plans)
    assert all(known[key]["d100_gy"] == pytest.approx(plan.d100_gy, abs=1e-4) for key, plan in study.plans.items())


def test_a_second_run_plans_only_what_failed(planned_ids: list[str], tmp_path: Path) -> None:
    first = planned_cohort(design(), ResultStore(tmp_path, PlannedLesion))
    planned_ids.clear()
    second = planned_cohort(design(), ResultStore(tmp_path, PlannedLesion))
    assert sorted(planned_ids) == sorted(first.failures)
    assert second == first


def test_shares_and_a_run_that_gathers_them_give_the_study(planned_ids: list[str], tmp_path: Path) -> None:
    whole = planned_cohort(design(), ResultStore(tmp_path / "whole", PlannedLesion))
    store = ResultStore(tmp_path / "shares", PlannedLesion)
    planned_ids.clear()
    for k in (1, 2, 3):
        planned_cohort(design(), store, share=(k, 3))
    first_round = set(planned_ids)
    assert len(first_round) == len(planned_ids), "no lesion is planned by two shares"
    assert planned_cohort(design(), store) == whole
    with pytest.raises(InputError, match="K/N"):
        planned_cohort(design(), store, share=(4, 3))


def test_plans_in_another_organ_or_of_another_program_are_made_again(
    planned_ids: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A stopped study that was begun in another patient's liver used to go on with the lesions planned there.
    from hdrplan.workflow import virtual_lesion

    store = ResultStore(tmp_path, PlannedLesion)
    first, other = design(), replace(design(), host=replace(ball(), name="another"))
    for study in (first, other):
        planned_ids.clear()
        found = planned_cohort(study, store)
        assert set(planned_ids) == set(found.plans) | set(found.failures)
        planned_ids.clear()
        assert planned_cohort(study, store) == found
        assert set(planned_ids) == set(found.failures)
    monkeypatch.setattr(virtual_lesion, "edition", lambda: "another program")
    planned_ids.clear()
    found = planned_cohort(other, store)
    assert set(planned_ids) == set(found.plans) | set(found.failures)
