"""A second process that compiles: whatever becomes of it, results are right and nothing half-made is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numba
import pytest

import hdrplan
from hdrplan.dose import LATE_KERNELS
from small_case import write_small_case

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled with NUMBA_DISABLE_JIT"),
]

# Compiles two kernels, of which a second process is to make one; prints the result and what this process compiled.
RUN = """
import sys
from hdrplan import compile_process, compiling
from hdrplan.kernels import _cache, tg43
compile_process._LONGEST_WAIT_S = float(sys.argv[2])
own = []
real = _cache.KernelCache.save_overload
def save(self, sig, data):
    own.append(self.name)
    real(self, sig, data)
_cache.KernelCache.save_overload = save
compile_process.compile_beside(["-c", sys.argv[1]], ["geometry_factor"])
print(tg43.geometry_factor(1.0, 2.0, 3.5), *own)
"""
HELPS = """
from hdrplan.compile_process import serve_as_compiler
serve_as_compiler()
from hdrplan.kernels import _cache, tg43
"""
GOOD = HELPS + "tg43.geometry_factor(1.0, 2.0, 3.5)\n"
# Dies with the whole code in a draft, before it appears under its name.
TORN = HELPS + "import os, signal\nos.replace = lambda *paths: os.kill(os.getpid(), 9)\n" + GOOD
# Starts the process that a plan starts, and says its number.
STARTS = """
import subprocess, time
from hdrplan.compile_process import compile_beside
class Told(subprocess.Popen):
    def __init__(self, *given, **named):
        super().__init__(*given, **named)
        print(self.pid, flush=True)
subprocess.Popen = Told
compile_beside(["-m", "hdrplan.cli.first_plan", "bounds"], ["linear_bound_rows"])
time.sleep(600)
"""
FAILS = "raise SystemExit(3)"
CANNOT = "this is no Python"
SLEEPS = "import time\ntime.sleep(600)"
ALIEN = "import os\nos.write(1, bytes(range(256)) + b'\\n\\ngeometry_factor')\nos._exit(0)"


def environment(cache: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(hdrplan.__file__).parents[1]), "NUMBA_CACHE_DIR": str(cache)}


def run(cache: Path, helper: str, longest_wait_s: float = 60.0) -> list[str]:
    command = [sys.executable, "-c", RUN, helper, str(longest_wait_s)]
    ended = subprocess.run(command, env=environment(cache), capture_output=True, text=True, timeout=300, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout.split()


def gone(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z"


def wait_until_gone(pid: int) -> None:
    ends = time.monotonic() + 60
    while not gone(pid):
        assert time.monotonic() < ends, "the second process is still there"
        time.sleep(0.05)


def test_what_the_second_process_compiles_is_not_compiled_twice(tmp_path: Path) -> None:
    value, *own = run(tmp_path / "with", GOOD)
    assert own == []
    assert run(tmp_path / "without", FAILS) == [value, "geometry_factor"]


@pytest.mark.parametrize("helper", [TORN, FAILS, CANNOT, ALIEN])
def test_a_second_process_that_fails_changes_nothing(tmp_path: Path, helper: str) -> None:
    value, *own = run(tmp_path, helper)
    assert own == ["geometry_factor"]
    assert len(list(tmp_path.rglob("*.nbc"))) == 1
    assert run(tmp_path, SLEEPS) == [value]  # kept, whole, and waited for by nobody


def test_a_second_process_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    assert run(tmp_path, SLEEPS, longest_wait_s=0.5)[1:] == ["geometry_factor"]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_second_process_outlives_the_first(tmp_path: Path, number: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTS], env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as first:
        assert first.stdout is not None
        second = int(first.stdout.readline())
        first.send_signal(number)
        first.wait(60)
    wait_until_gone(second)


# Says which kernels the command compiled itself.
PLAN = """
import atexit, sys
from hdrplan.kernels import _cache
real = _cache.KernelCache.save_overload
def save(self, sig, data):
    print("own", self.name)
    real(self, sig, data)
_cache.KernelCache.save_overload = save
from hdrplan.cli import main
main()
"""


def test_a_first_plan_finds_what_it_needs_last_compiled(tmp_path: Path) -> None:
    """The second process compiles for the types that a plan has; if these change, it has to follow."""
    env = environment(tmp_path / "cache")
    case, plans = write_small_case(tmp_path / "case"), []
    for threads in ("2", "1"):
        command = [sys.executable, "-c", PLAN, "plan", str(case), "-q", "-o", str(tmp_path / threads)]
        env["HDRPLAN_THREADS"] = threads
        ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600, check=False)
        assert ended.returncode == 0, ended.stderr
        own = {line.split()[1] for line in ended.stdout.splitlines() if line.startswith("own ")}
        late = {kernel for kernels in LATE_KERNELS.values() for kernel in kernels}
        assert not own & late
        assert (len(own) > 5) == (threads == "2")
        plans.append((tmp_path / threads / "dvh.csv").read_bytes())
    assert plans[0] == plans[1]
    assert not list(tmp_path.rglob("*.tmp.*"))
