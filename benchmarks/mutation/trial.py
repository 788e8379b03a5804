"""One mutant, one process: the fault is written into a copy of the project and its tests run until one fails."""

from __future__ import annotations

import importlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.mutation.mutants import Mutant
from benchmarks.mutation.quick_tests import Watch, run_pytest, suite_of

__all__ = ["Slot", "Verdict", "copied_tree", "in_child", "warm_up"]

# What hdrplan and its tests import: loaded once here, so that each child has it.
_LIBRARIES = (
    *("numpy", "numpy.testing", "scipy.ndimage", "scipy.optimize", "scipy.spatial", "scipy.special", "scipy.stats"),
    *("scipy.interpolate", "scipy.integrate", "numba", "numba.extending", "llvmlite.ir", "highspy", "threadpoolctl"),
    *("SimpleITK", "pydicom", "pytest", "hypothesis.strategies", "hypothesis.extra.numpy", "click"),
)
# Processor time of a mutant beyond which it is a loop without an end: this, and a multiple of its tests' own time.
_LIMIT_S, _LIMIT_FACTOR = 10.0, 2.0
# By the clock: a process that has used no processor for so long waits for ever, however busy the machine is.
_STILL_S = 120.0
_MEMORY_BYTES = 16 * 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a mutant.

    Parameters
    ----------
    killed_by : str or None
        The test that failed first, "time limit", "memory or crash"; None where all tests passed.
    tests : int
        Tests that were to run.
    seconds : float
        Of processors, with those of the tests' own processes.
    """

    killed_by: str | None
    tests: int
    seconds: float


def session_s(session: int) -> float:
    """Return the processor seconds of a session's processes and of the children that they have waited for (Linux)."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if int(fields[3]) == session:
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def warm_up() -> None:
    """Import the libraries that all children need."""
    for name in _LIBRARIES:
        importlib.import_module(name)


def copied_tree(root: Path, tree: Path) -> None:
    """Copy the files that git knows, as they are now, with the kernels that are compiled already.

    Parameters
    ----------
    root : Path
        Checkout.
    tree : Path
        Where the copy goes; what was there is lost.
    """
    shutil.rmtree(tree, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    compiled = (root / "src/hdrplan/kernels/__pycache__").glob("*.nb?")
    for path in (*(root / name for name in listed.split("\0") if name), *compiled):
        if path.is_file():
            copy = tree / path.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)


def in_child(work: Callable[[], Any]) -> tuple[int, Path, Path]:
    """Run work in a forked process; what it prints goes to a log.

    Parameters
    ----------
    work : callable
        Its result is written as JSON.

    Returns
    -------
    process : int
    answer, log : Path
        The answer is there when the process has ended well.
    """
    folder = Path(tempfile.mkdtemp(prefix="mutant-"))
    answer, log = folder / "answer.json", folder / "log.txt"
    sys.stdout.flush()
    process = os.fork()
    if process == 0:
        status = 1
        try:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            stream = os.open(log, os.O_WRONLY | os.O_CREAT)
            os.dup2(stream, 1)
            os.dup2(stream, 2)
            answer.write_text(json.dumps(work()), encoding="utf-8")
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return process, answer, log


class Slot:
    """A copy of the project in which one mutant at a time is tried.

    Parameters
    ----------
    tree : Path
    """

    def __init__(self, tree: Path) -> None:
        self.tree = tree
        self.mutant: Mutant | None = None

    def begin(self, mutant: Mutant, tests: dict[str, float]) -> None:
        """Write the fault and start its tests."""
        self.mutant, self._tests = mutant, len(tests)
        self._path = self.tree / "src/hdrplan" / mutant.file
        self._stat = self._path.stat()
        self._source = self._path.read_text(encoding="utf-8")
        self._limit_s = limit_s = _LIMIT_S + _LIMIT_FACTOR * sum(tests.values())
        self._used_s, self._moved, self._looked = 0.0, time.monotonic(), 0.0
        self._path.write_text(mutant.applied(self._source), encoding="utf-8")
        self._process, self._answer, self._log = in_child(lambda: _tried(self.tree, mutant, list(tests), limit_s))

    def ended(self) -> Verdict | None:
        """Return the verdict once the tests are over, with the file as it was; None before."""
        process, status, used = os.wait4(self._process, os.WNOHANG)
        late = process == 0 and self._over()
        if process == 0 and not late:
            return None
        if late:
            os.killpg(self._process, signal.SIGKILL)
            used = os.wait4(self._process, 0)[2]
        self.restore()
        self.mutant = None
        if self._answer.is_file():
            killed_by = json.loads(self._answer.read_text(encoding="utf-8"))
        else:
            if not late and not os.WIFSIGNALED(status):
                raise RuntimeError(f"the tests could not be run; see {self._log}")
            over = late or os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL)
            killed_by = "time limit" if over else "crash"
        shutil.rmtree(self._answer.parent, ignore_errors=True)
        return Verdict(killed_by=killed_by, tests=self._tests, seconds=round(used.ru_utime + used.ru_stime, 1))

    def _over(self) -> bool:
        """Whether the tests have used more than they may, or wait for ever."""
        now = time.monotonic()
        if now - self._looked < 1.0:
            return False
        self._looked, used_s = now, session_s(self._process)
        if used_s > self._used_s:
            self._used_s, self._moved = used_s, now
        return used_s > self._limit_s or now - self._moved > _STILL_S

    def restore(self) -> None:
        """Put the file back, with its time: what Python has compiled of it stays valid."""
        self._path.write_text(self._source, encoding="utf-8")
        os.utime(self._path, ns=(self._stat.st_atime_ns, self._stat.st_mtime_ns))

    def stop(self) -> None:
        """End the tests that are under way."""
        if self.mutant is not None:
            os.killpg(self._process, signal.SIGKILL)
            os.waitpid(self._process, 0)
            self.restore()


def _tried(tree: Path, mutant: Mutant, tests: Sequence[str], limit_s: float) -> str | None:
    sys.dont_write_bytecode = True
    resource.setrlimit(resource.RLIMIT_CPU, (int(limit_s), int(limit_s) + 5))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    watch = Watch(tests)
    files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
    code = run_pytest(tree, suite_of(mutant.room), watch, ["-x", *files])
    if code != 0 and watch.failed is None:
        raise RuntimeError(f"pytest ended with {code}, and no test failed")
    return watch.failed
