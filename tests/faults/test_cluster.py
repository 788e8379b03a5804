"""A Dask scheduler or worker that dies under ``metrics`` or ``simulate``: finished work is kept, a rerun ends well."""

from __future__ import annotations

import csv
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

import hdrplan
from demo_case import GRID, write_demo_dicom
from hdrplan.cli import cli
from hdrplan.errors import ResourceError
from hdrplan.geometry import Grid
from hdrplan.processes import Lost
from hdrplan.workflow import labour
from held import Held, held
from small_case import write_small_case

distributed = pytest.importorskip("distributed", reason="the optional extra 'cluster' is not installed")
SRC = Path(hdrplan.__file__).parents[1]
BOX = Grid(shape_zyx=(12, 48, 52), origin_mm=GRID.world([0, 0, 0]), spacing_mm=GRID.spacing_mm)
HERE = Path(__file__).parent
ENV = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (SRC, HERE, HERE.parent))), "HDRPLAN_THREADS": "1"}


def started(*arguments: object, cwd: Path, log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", *map(str, arguments)]
    with log.open("wb") as stream:
        return subprocess.Popen(command, cwd=cwd, env=ENV, stdout=stream, stderr=stream, start_new_session=True)


@dataclass
class Cluster:
    """Address, scheduler and workers, each a process of its own."""

    address: str
    scheduler: subprocess.Popen[bytes]
    folder: Path
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        command = ["distributed.cli.dask_worker", self.address, "--nthreads", "1", "--no-dashboard", *options]
        log = self.folder / f"worker{len(self.workers)}.log"
        self.workers.append(started(*command, cwd=self.folder, log=log))
        return self.workers[-1]

    def end(self) -> None:
        """Kill all and what they started: a nanny that is asked to end waits ten seconds for its worker."""
        for process in (*self.workers, self.scheduler):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A scheduler, without a worker so far."""
    log = tmp_path / "scheduler.log"
    command = ["distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    scheduler = started(*command, cwd=tmp_path, log=log)
    for _ in range(1200):
        match = re.search(r"tcp://127\.0\.0\.1:\d+", log.read_text())
        if match:
            break
        time.sleep(0.05)
    assert match, log.read_text()
    cluster = Cluster(match[0], scheduler, tmp_path)
    try:
        yield cluster
    finally:
        cluster.end()


def archive_of(count: int, folder: Path) -> Path:
    for k in range(count):
        write_demo_dicom(folder / f"t{k}", box=BOX)
    return folder


# Where a run of ``metrics`` is held: two plans are in its journal, the third is not.
THIRD_PLAN = ("hdrplan.io.journal:Journal.add", 3)
# A scheduler that was killed is asked once more, for this long.
SOON = {"hdrplan.workflow.labour:_ANSWER_S": 2.0}


def ended_without_scheduler(cluster: Cluster, run: Held) -> tuple[int, str]:
    """Kill the scheduler while a run stands still, and let it go on; return its exit code and what it said."""
    cluster.scheduler.kill()
    cluster.scheduler.wait()
    run.go_on()
    out, err = run.process.communicate(timeout=120)
    return run.process.returncode, out + err


def lines(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


def square(task: int, folder: str) -> int:
    """Work on a worker; task 2 kills it each time."""
    if task == 2:
        with (Path(folder) / "died").open("a") as stream:
            stream.write("x")
        os.kill(os.getpid(), signal.SIGKILL)
    return task * task


def test_a_scheduler_without_workers_is_an_error_and_no_endless_wait(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labour, "_WITHOUT_WORKER_S", 0.5)
    with pytest.raises(ResourceError, match=r"a Dask cluster needs a worker, got none for 0.5 s"):
        list(labour.shared_out(str, [1, 2], labour.Labour(scheduler=cluster.address), keys=["a", "b"]))


@pytest.mark.slow
def test_a_scheduler_that_cannot_read_the_work_is_an_error(cluster: Cluster) -> None:
    """One without hdrplan drops the work; that it went away would be no help."""
    cluster.start("--no-nanny")
    with pytest.raises(ResourceError, match="a Dask scheduler with this version of hdrplan, got one that dropped"):
        list(labour.shared_out(Unreadable(), [1], labour.Labour(scheduler=cluster.address), keys=["a"]))


class Unreadable:
    """Work of which only the client knows the code."""

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return import_module, ("no_such_module",)

    def __call__(self, task: int) -> int:
        return task


@pytest.mark.slow
def test_a_worker_with_another_hdrplan_is_refused(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its results would stand in one table beside ours, without a word."""
    cluster.start("--no-nanny")
    monkeypatch.setattr(labour, "edition", lambda: "0123456789abcdef")
    with pytest.raises(ResourceError, match="need the same files of hdrplan as this machine, got one with others"):
        list(labour.shared_out(str, [1, 2], labour.Labour(scheduler=cluster.address), keys=["a", "b"]))


@pytest.mark.slow
def test_only_work_that_kills_its_workers_is_lost(cluster: Cluster, tmp_path: Path) -> None:
    """Also where a worker has more at hand when it dies: Dask blames that too."""
    cluster.start("--nanny")
    work, tasks = partial(square, folder=str(tmp_path)), [2, 0, 1, 3, 4]
    done = dict(labour.shared_out(work, tasks, labour.Labour(scheduler=cluster.address), keys=list("abcde")))
    assert done.pop(0) == Lost("died")
    assert done == {1: 0, 2: 1, 3: 9, 4: 16}
    assert len((tmp_path / "died").read_text()) >= 2


def until(condition: Callable[[], bool]) -> None:
    for _ in range(2400):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(condition)


@pytest.mark.slow
def test_work_whose_worker_dies_before_it_is_read_is_done_again(cluster: Cluster) -> None:
    worker = cluster.start("--no-nanny")
    work = labour.shared_out(str, range(5), labour.Labour(scheduler=cluster.address), keys=list("abcde"))
    found = dict([next(work)])
    futures = distributed.default_client().futures.values()
    until(lambda: all(future.status == "finished" for future in futures))
    worker.kill()
    until(lambda: any(future.status == "lost" for future in futures))
    cluster.start("--no-nanny")
    found.update(work)
    assert found == {k: str(k) for k in range(5)}


@pytest.mark.slow
def test_work_that_is_dropped_with_its_connection_is_given_again(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scheduler that is busy for long loses a client, whose work is cancelled, and is still there."""
    monkeypatch.setattr(labour, "_AT_ONCE", 4)
    monkeypatch.setattr(labour, "_BATCH", 2)
    cluster.start("--no-nanny")
    work = labour.shared_out(str, range(12), labour.Labour(scheduler=cluster.address), keys=list("abcdefghijkl"))
    found = dict([next(work), next(work)])
    client = distributed.default_client()
    # As Dask does where the connection breaks; a socket that is shut down here is left to Python, and told of later.
    client.cancel([distributed.Future(key, client=client) for key in list(client.futures)], force=True)
    found.update(work)
    assert found == {k: str(k) for k in range(12)}


@pytest.mark.slow
def test_a_scheduler_is_not_given_all_work_at_once(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labour, "_AT_ONCE", 4)
    monkeypatch.setattr(labour, "_BATCH", 2)
    cluster.start("--no-nanny")
    found = {}
    work = labour.shared_out(
        str, range(25), labour.Labour(scheduler=cluster.address), keys=[f"k{k}" for k in range(25)]
    )
    for k, text in work:
        found[k] = text
        assert len(distributed.default_client().futures) <= 4 + 2
    assert found == {k: str(k) for k in range(25)}


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_no_treatment(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive_of(6, tmp_path / "archive")
    victim, _ = cluster.start("--no-nanny"), cluster.start("--no-nanny")
    arguments = ["metrics", "archive", "-o", "t", "--quiet", "--key", "key.json"]
    with held(*arguments, "--cluster", cluster.address, place=THIRD_PLAN[0], before=THIRD_PLAN[1], cwd=tmp_path) as run:
        assert lines(tmp_path / "t.partial") == 3
        victim.kill()
        run.go_on()
        out, err = run.process.communicate(timeout=300)
        assert run.process.returncode == 0, err
    assert "6 plans, 6 lesions, 0 errors" in out + err
    assert "Traceback" not in out + err
    arguments[3] = "alone"
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(cli, [*arguments, "--jobs", "1"]).exit_code == 0
    for name in ("metrics.csv", "dose_metrics.csv", "errors.csv"):
        assert (tmp_path / "t" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()


@pytest.mark.slow
def test_a_scheduler_that_dies_costs_no_finished_work(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive_of(5, tmp_path / "archive")
    cluster.start("--no-nanny")
    arguments, journal = ["metrics", "archive", "-o", "t", "--quiet"], tmp_path / "t.partial"
    words = [*arguments, "--cluster", cluster.address]
    with held(*words, place=THIRD_PLAN[0], before=THIRD_PLAN[1], cwd=tmp_path, constants=SOON) as run:
        code, said = ended_without_scheduler(cluster, run)
    assert "Traceback" not in said, said
    assert code == 2, said
    assert "the Dask scheduler must stay until the end" in said.splitlines()[-1]
    assert lines(journal) > 2
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(cli, [*arguments, "--jobs", "1"]).exit_code == 0
    with (tmp_path / "t" / "errors.csv").open() as stream:
        assert list(csv.DictReader(stream)) == []
    assert not journal.exists()


@pytest.mark.slow
def test_simulate_keeps_its_plans_when_the_scheduler_dies(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_small_case(tmp_path / "case")
    cluster.start("--no-nanny")
    arguments = ["simulate", "cohort", "--plans", "case", "--hcc", "3", "--crlm", "2", "--quiet", "-o", "c"]
    words = [*arguments, "--scheduler", cluster.address]
    with held(*words, place="hdrplan.io.store:ResultStore.write", before=3, cwd=tmp_path, constants=SOON) as run:
        code, said = ended_without_scheduler(cluster, run)
    assert code == 2, said
    assert "Traceback" not in said
    assert "the Dask scheduler must stay until the end" in said.splitlines()[-1]
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "c.tasks").glob("*/*.json")}
    assert len(kept) >= 2
    assert not (tmp_path / "c").exists()
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(cli, [*arguments, "--workers", "1"]).exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert lines(tmp_path / "c" / "truth" / "failures.csv") == 1
