"""Disks that are full, folders that are files, runs that are killed or doubled, clocks and caches that are wrong.

200 kills at random moments: benchmarks/faults.py, figures in docs/measurements/trust.md.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import hdrplan
from hdrplan.errors import InputError
from hdrplan.io import Output, drafts, new_folder, read_results
from held import held
from kept_kernels import copy_kernels
from small_case import write_small_case

PLAN_FILES = {"plan.json", "dose.nrrd", "dvh.csv", "dwells.csv", "metrics.json", "report.html", "run.json"}
SRC = Path(hdrplan.__file__).parents[1]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cases") / "case"
    write_small_case(folder)
    return folder


def start(*arguments: object, cwd: Path, limit_bytes: int | None = None, **env: str) -> subprocess.Popen[str]:
    def limited() -> None:
        if limit_bytes is not None:
            # A write beyond the limit fails as on a full disk; without the handler the signal would kill.
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

    return subprocess.Popen(
        [sys.executable, "-m", "hdrplan", *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(SRC), "HDRPLAN_THREADS": "1"} | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limited,
    )


def ran(*arguments: object, cwd: Path, limit_bytes: int | None = None, **env: str) -> tuple[int, str]:
    process = start(*arguments, cwd=cwd, limit_bytes=limit_bytes, **env)
    said = process.communicate(timeout=300)[1]
    return process.returncode, said


def visible(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir()}


def test_a_disk_that_is_full(case: Path, tmp_path: Path) -> None:
    code, said = ran("plan", case, "-o", "out", "-q", cwd=tmp_path, limit_bytes=20_000)
    assert code == 2, said
    assert "Traceback" not in said
    assert len(said.strip().splitlines()) == 1, said
    assert visible(tmp_path) == set()
    assert ran("plan", case, "-o", "out", "-q", cwd=tmp_path)[0] == 0
    assert visible(tmp_path / "out") == PLAN_FILES


def test_a_file_where_the_folder_should_be(case: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis").write_text("irreplaceable")
    for output in ("thesis", "thesis/out"):
        code, said = ran("plan", case, "-o", output, "-q", cwd=tmp_path)
        assert code == 2
        assert "Traceback" not in said
        assert "thesis" in said
        assert len(said.strip().splitlines()) == 1, said
    assert (tmp_path / "thesis").read_text() == "irreplaceable"
    assert visible(tmp_path) == {"thesis"}


def test_a_folder_that_is_not_writable(case: Path, tmp_path: Path) -> None:
    # The kernel's own read-only place: holds for root too.
    if not Path("/proc/self").is_dir():
        pytest.skip("no read-only file system is known on this machine")
    code, said = ran("plan", case, "-o", "/proc/out", "-q", cwd=tmp_path)
    assert code == 2
    assert "Traceback" not in said
    assert "/proc" in said


@pytest.mark.slow
def test_killed_and_run_again(case: Path, tmp_path: Path) -> None:
    """Killed when its files are written and none stands at its place."""
    here = tmp_path / "here"
    here.mkdir()
    arguments = ("plan", case, "-o", "out", "-q", "--samples-only", "--sample", "6")
    with held(*arguments, place="hdrplan.io.outputs:moved_in", cwd=here):
        (draft,) = here.glob(".out.*.part")
        assert visible(draft) == PLAN_FILES
    assert visible(here) == {draft.name}
    assert ran(*arguments, cwd=here)[0] == 0
    assert visible(here / "out") == PLAN_FILES
    assert ran(*arguments[:2], "-o", "first", *arguments[4:], cwd=here)[0] == 0
    first, second = (json.loads((here / n / "plan.json").read_text())["dwells"] for n in ("first", "out"))
    assert first == second


@pytest.mark.slow
def test_two_processes_on_one_output(case: Path, tmp_path: Path) -> None:
    both = [start("plan", case, "-o", "out", "-q", cwd=tmp_path) for _ in range(2)]
    said = [process.communicate(timeout=300)[1] for process in both]
    assert 0 in [process.returncode for process in both]
    assert {process.returncode for process in both} <= {0, 2}
    assert not any("Traceback" in text for text in said)
    assert visible(tmp_path / "out") == PLAN_FILES
    read_results(tmp_path / "out")


def test_the_folder_appears_while_this_run_writes(tmp_path: Path) -> None:
    def run_while_another_writes() -> None:
        with new_folder(tmp_path / "out") as draft:
            (draft / "run.json").write_text("{}")
            (tmp_path / "out").mkdir()
            (tmp_path / "out" / "run.json").write_text("{}")

    with pytest.raises(InputError, match="must be new"):
        run_while_another_writes()
    assert (tmp_path / "out" / "run.json").read_text() == "{}"
    assert visible(tmp_path) == {"out"}


def test_an_old_result_comes_back_where_the_new_one_cannot_be_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "_exchanged", lambda one, other: False)  # a system that swaps in three steps
    record = '{"schema": "hdrplan.run/1", "files": ["run.json"]}'
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run.json").write_text(record)
    real = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name.endswith(".part"):
            raise OSError(errno.EIO, "Input/output error", str(self))
        return real(self, target)

    monkeypatch.setattr(Path, "rename", failing)

    def replaced() -> None:
        with new_folder(Output(path=tmp_path / "out", overwrite=True)) as draft:
            (draft / "new").write_text("new")

    with pytest.raises(OSError, match="Input/output"):
        replaced()
    assert (tmp_path / "out" / "run.json").read_text() == record
    assert visible(tmp_path) == {"out"}


@pytest.mark.slow
def test_a_clock_that_was_set_back(case: Path, tmp_path: Path) -> None:
    for path in [case, *case.iterdir()]:
        os.utime(path, (4e9, 4e9))  # files from the year 2096
    assert ran("plan", case, "-o", "one", "-q", cwd=tmp_path)[0] == 0
    for path in [case, *case.iterdir()]:
        os.utime(path, (0, 0))
    assert ran("plan", case, "-o", "two", "-q", cwd=tmp_path)[0] == 0
    assert (tmp_path / "one" / "plan.json").read_bytes() == (tmp_path / "two" / "plan.json").read_bytes()


COUNTED = """
import atexit
import numba.core.compiler as compiler
calls, compile_extra = [], compiler.compile_extra
compiler.compile_extra = lambda *a, **k: (calls.append(1), compile_extra(*a, **k))[1]
atexit.register(lambda: print("compiled", len(calls)))
from hdrplan.cli import main
main()
"""


@pytest.mark.slow
def test_compiled_kernels_that_are_torn_are_compiled_anew_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command with the fewest kernels: all are kept and read by the same code."""
    (tmp_path / "dwells.csv").write_text("x_mm,y_mm,z_mm,tip_x,tip_y,tip_z,time_s\n0,0,0,0,0,1,12\n0,0,5,0,0,1,8\n")
    (tmp_path / "points.csv").write_text("x_mm,y_mm,z_mm\n10,0,0\n0,0,-150\n")
    asked = ("dose", "--dwells", "dwells.csv", "--points", "points.csv", "--source", "gammamed-plus")
    asked += ("--strength", "40700", "-q", "-o")
    cache = copy_kernels(tmp_path / "cache", monkeypatch)

    def compiled(output: str) -> int:
        """Run it, and return how many kernels it compiled."""
        ended = subprocess.run(
            [sys.executable, "-c", COUNTED, *asked, output],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(SRC), "NUMBA_CACHE_DIR": str(tmp_path / "cache")},
            check=False,
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, ended.stderr
        return int(ended.stdout.split()[-1])

    compiled("one.csv")
    kept = sorted(cache.glob("*.nbc"))
    assert len(kept) >= 3, "too few were cached: the test tears in three ways"
    for k, path in enumerate(kept):
        data = path.read_bytes()
        path.write_bytes((b"", data[: len(data) // 2], bytes(len(data)))[k % 3])
    assert compiled("two.csv") >= 3
    assert compiled("three.csv") == 0
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
