"""Workers that are killed, work that kills them, and a parent that is killed itself."""

from __future__ import annotations

import csv
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pydicom
import pytest
from click.testing import CliRunner
from work_of_processes import dying, late_to_die, raising, square

import hdrplan
from demo_case import GRID, write_demo_dicom
from hdrplan.cli import cli
from hdrplan.errors import InputError, ResourceError
from hdrplan.geometry import Grid
from hdrplan.processes import Lost, over_processes
from hdrplan.workflow import archive as archive_walk

BOX = Grid(shape_zyx=(12, 48, 52), origin_mm=GRID.world([0, 0, 0]), spacing_mm=GRID.spacing_mm)
SRC = Path(hdrplan.__file__).parents[1]


def test_work_whose_process_died_is_done_by_another(tmp_path: Path) -> None:
    work = partial(square, folder=tmp_path, kills=1)
    assert sorted(over_processes(work, range(8), workers=2)) == [(k, k * k) for k in range(8)]
    assert (tmp_path / "died").read_text() == "x"


def test_only_work_that_dies_twice_is_lost(tmp_path: Path) -> None:
    found = dict(over_processes(partial(square, folder=tmp_path, kills=2), range(8), workers=2))
    assert found.pop(3) == Lost("ended by SIGKILL, out of memory perhaps")
    assert found == {k: k * k for k in range(8) if k != 3}
    assert (tmp_path / "died").read_text() == "xx"


def test_work_that_dies_last_goes_to_a_process_that_waits(tmp_path: Path) -> None:
    """With nothing left to do the other process waits: it must be told of the work that came back."""
    assert sorted(over_processes(partial(late_to_die, folder=tmp_path), range(2), workers=2)) == [(0, 0), (1, 1)]


def test_what_work_raises_is_raised_here_and_the_processes_end() -> None:
    with pytest.raises(InputError, match="a good task, got"):
        list(over_processes(raising, range(4), workers=2))
    assert not children(os.getpid())


def test_all_work_may_be_lost_without_an_end_of_the_run() -> None:
    assert set(over_processes(dying, range(3), workers=2)) == {(k, Lost("ended with code 5")) for k in range(3)}


def test_processes_that_cannot_start_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    import multiprocessing

    multiprocessing.set_executable("/bin/false")
    try:
        with pytest.raises((ResourceError, OSError)):
            list(over_processes(raising, range(4), workers=2))
    finally:
        monkeypatch.undo()
        multiprocessing.set_executable(sys.executable)


def children(pid: int) -> list[int]:
    """Worker processes of a process, by /proc."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            line = (folder / "cmdline").read_bytes()
        except (OSError, ValueError, IndexError):
            continue
        if parent == pid and b"spawn_main" in line:
            found.append(int(folder.name))
    return sorted(found)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six treatments, patients by name in folders and in the files."""
    top = tmp_path_factory.mktemp("archive")
    write_demo_dicom(top / "one", box=BOX)
    files = {path.name: pydicom.dcmread(path) for path in (top / "one").glob("*.dcm")}
    for path in (top / "one").glob("*.dcm"):
        path.unlink()
    (top / "one").rmdir()
    for k in range(6):
        (top / f"Doe_Jane{k}").mkdir()
        for name, data in files.items():
            data.PatientID, data.PatientName = f"ID{k}", f"Doe^Jane{k}"
            for element in data.iterall():
                if element.VR == "UI" and str(element.value).startswith("2.25."):
                    element.value = str(element.value)[:-1] + str(k)
            data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
            data.save_as(top / f"Doe_Jane{k}" / name)
    return top


# Python imports it before all else: a worker that opens a file of the held treatment waits until it may go on.
HOLD = """
import os, sys, time
from pathlib import Path

def wait(event, arguments):
    if event == "open" and "Doe_Jane4" in str(arguments[0]):
        while not Path(os.environ["GO"]).exists():
            time.sleep(0.02)

if any("spawn_main" in word for word in sys.orig_argv):
    sys.addaudithook(wait)
"""


def heedful() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def start(*arguments: object, cwd: Path, held: bool = False) -> subprocess.Popen[str]:
    """A run of hdrplan; held, it cannot end before a file `go` lies in its folder."""
    (cwd / "hold").mkdir(exist_ok=True)
    (cwd / "hold" / "sitecustomize.py").write_text(HOLD if held else "")
    return subprocess.Popen(
        [sys.executable, "-m", "hdrplan", *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": f"{cwd / 'hold'}{os.pathsep}{SRC}", "GO": str(cwd / "go")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's job in the background inherits SIGINT ignored, and so would this process.
        preexec_fn=heedful,
    )


@pytest.fixture
def running(archive: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A run of ``metrics --jobs 2`` whose workers are at work, and cannot end it before `go` is there."""
    process = start("metrics", archive, "-o", "t", "--jobs", "2", "--key", "key.json", cwd=tmp_path, held=True)
    try:
        journal = tmp_path / "t.partial"
        while not (journal.exists() and len(journal.read_text().splitlines()) > 1):
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        workers = children(process.pid)
        assert len(workers) == 2
        yield process, workers
    finally:
        process.kill()
        process.communicate()


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds workers by /proc")


@linux
@pytest.mark.slow
def test_a_killed_worker_costs_no_treatment(
    running: tuple[subprocess.Popen[str], list[int]], archive: Path, tmp_path: Path
) -> None:
    process, workers = running
    assert stat.S_IMODE((tmp_path / "t.partial").stat().st_mode) == 0o600
    os.kill(workers[0], signal.SIGKILL)
    (tmp_path / "go").touch()
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert rows(tmp_path / "t" / "errors.csv") == []
    assert not (tmp_path / "t.partial").exists()
    alone = start("metrics", archive, "-o", "alone", "--jobs", "1", "--key", "key.json", cwd=tmp_path)
    alone.communicate(timeout=300)
    for name in ("metrics.csv", "dose_metrics.csv", "errors.csv"):
        assert (tmp_path / "t" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()


@linux
@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_do_not_outlive_their_parent(
    how: signal.Signals, running: tuple[subprocess.Popen[str], list[int]], tmp_path: Path
) -> None:
    process, workers = running
    process.send_signal(how)
    _, err = process.communicate(timeout=120)
    for _ in range(3000):
        if not any(Path(f"/proc/{pid}").exists() for pid in workers):
            break
        time.sleep(0.02)
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    assert "Traceback" not in err
    assert not (tmp_path / "t").exists()
    assert (tmp_path / "t.partial").exists(), "what is done is kept"
    if how != signal.SIGKILL:
        assert process.returncode == 128 + how
        assert len(err.strip().splitlines()) == 1, err


def test_lost_treatments_are_errors_that_the_next_run_tries_again(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = archive_walk.shared_out

    def losing(work, tasks, labour, *, keys):  # type: ignore[no-untyped-def]
        done.append(len(tasks))
        for k, answer in real(work, tasks, labour, keys=keys):
            yield k, Lost("ended by SIGKILL") if k == 2 and len(tasks) > 1 else answer

    done: list[int] = []
    monkeypatch.setattr(archive_walk, "shared_out", losing)
    arguments = ["metrics", str(archive), "-o", str(tmp_path / "t"), "--jobs", "1", "--engine", "recomputed"]
    run = CliRunner().invoke(cli, arguments)
    assert run.exit_code == 3, run.output
    assert "1 treatments are lost to the machine" in run.stderr
    (error,) = rows(tmp_path / "t" / "errors.csv")
    assert error["error"].startswith("lost to the machine: the process that had it ended by SIGKILL")
    assert (tmp_path / "t.partial").exists()
    run = CliRunner().invoke(cli, [*arguments, "--overwrite"])
    assert run.exit_code == 0, run.output
    assert done == [6, 1]
    assert rows(tmp_path / "t" / "errors.csv") == []
    assert len({row["plan_id"] for row in rows(tmp_path / "t" / "metrics.csv")}) == 6
    assert not (tmp_path / "t.partial").exists()


def test_a_file_that_is_no_journal_is_left_alone(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "t.partial").write_text("a line of somebody else")
    run = CliRunner().invoke(cli, ["metrics", str(archive), "-o", str(tmp_path / "t"), "--jobs", "1"])
    assert isinstance(run.exception, InputError)
    assert (tmp_path / "t.partial").read_text() == "a line of somebody else"


def test_no_message_names_a_folder_or_a_file_of_any_kind(archive: Path, tmp_path: Path) -> None:
    """Each file of a treatment broken in turn: whatever is said of it, it names nobody."""
    import shutil

    copy = tmp_path / "Doe_archive"
    shutil.copytree(archive / "Doe_Jane0", copy / "Doe_Jane0")
    names = sorted(p.name for p in (copy / "Doe_Jane0").iterdir())
    chosen = [next(n for n in names if n.startswith(kind)) for kind in ("CT", "RD", "RP", "RS")]
    for k, name in enumerate(chosen):
        path = copy / "Doe_Jane0" / name
        whole = path.read_bytes()
        data = pydicom.dcmread(path)
        if name.startswith("CT"):
            data.ImageOrientationPatient = [1, 0, 0, 0, 0, 0]
            data.save_as(path)
        else:
            path.write_bytes(whole[: len(whole) // 2])
        run = CliRunner().invoke(cli, ["metrics", str(copy), "-o", str(tmp_path / f"t{k}"), "--jobs", "1"])
        text = run.output + "".join(p.read_text() for p in (tmp_path / f"t{k}").iterdir())
        assert rows(tmp_path / f"t{k}" / "errors.csv"), name
        for word in ("Doe", "Jane", "ID0", name):
            assert word not in text, (name, word, text[-500:])
        path.write_bytes(whole)
    json.loads((tmp_path / "t0" / "run.json").read_text())
