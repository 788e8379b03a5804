"""Compiled kernels on disk: processes that start together, crashes, edits."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest

import hdrplan

pytestmark = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled with NUMBA_DISABLE_JIT")

# Prints one number and how many kernels came from disk and how many were compiled.
RUN = """
import numpy as np
from hdrplan.kernels import interp, tg43
from hdrplan.kernels._cache import KernelCache
table = np.linspace(0.0, 1.0, 5)
table.setflags(write=False)
print(interp.cell_of(table, 0.6), tg43.geometry_factor(1.0, 2.0, 3.5))
kernels = (interp.cell_of, tg43.geometry_factor)
assert all(isinstance(kernel._cache, KernelCache) for kernel in kernels)
print(sum(sum(k.stats.cache_hits.values()) for k in kernels), sum(sum(k.stats.cache_misses.values()) for k in kernels))
"""


def started(cache: Path, code: str = RUN, **more: str) -> subprocess.Popen[str]:
    here = {**os.environ, "PYTHONPATH": str(Path(hdrplan.__file__).parents[1]), "NUMBA_CACHE_DIR": str(cache), **more}
    return subprocess.Popen([sys.executable, "-c", code], env=here, stdout=subprocess.PIPE, text=True)


def result(process: subprocess.Popen[str]) -> list[str]:
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    return out.split()


def files(cache: Path) -> list[Path]:
    return sorted(cache.rglob("*.nbc"))


@pytest.mark.slow
def test_processes_that_start_together_agree_and_the_next_compiles_nothing(tmp_path: Path) -> None:
    together = [result(process) for process in [started(tmp_path) for _ in range(4)]]
    assert len({tuple(numbers[:2]) for numbers in together}) == 1
    assert len(files(tmp_path)) == 2
    assert not list(tmp_path.rglob("*.tmp.*"))
    assert result(started(tmp_path)) == [*together[0][:2], "2", "0"]


@pytest.mark.slow
def test_damaged_and_stale_files_are_compiled_anew(tmp_path: Path) -> None:
    """Half-written or empty after a crash, or made of other sources: never run, never an error."""
    first = result(started(tmp_path))
    assert first[2:] == ["0", "2"]
    cut, old = files(tmp_path)
    cut.write_bytes(cut.read_bytes()[:100])
    old.write_bytes(b"\0" * 32 + old.read_bytes()[32:])
    assert result(started(tmp_path)) == [*first[:2], "0", "2"]
    assert result(started(tmp_path)) == [*first[:2], "2", "0"]
    cut.write_bytes(b"")
    assert result(started(tmp_path)) == [*first[:2], "1", "1"]


@pytest.mark.slow
def test_finished_code_loads_nothing_to_compile_with(tmp_path: Path) -> None:
    """It took 0.27 processor seconds of every plan; a signature that is not kept yet is compiled all the same."""
    told = RUN + "import sys\nprint('numba.np.arrayobj' in sys.modules)\n"
    assert result(started(tmp_path, told))[2:] == ["0", "2", "True"]
    assert result(started(tmp_path, told))[2:] == ["2", "0", "False"]
    other = told.replace("linspace(0.0, 1.0, 5)", "linspace(0.0, 1.0, 5, dtype=np.float32)")
    assert result(started(tmp_path, other))[2:] == ["1", "1", "True"]


@pytest.mark.slow
def test_code_that_checks_its_indices_is_kept_apart(tmp_path: Path) -> None:
    first = result(started(tmp_path, NUMBA_BOUNDSCHECK="0"))
    assert first[2:] == ["0", "2"]
    for _ in range(2):
        checked = result(started(tmp_path, NUMBA_BOUNDSCHECK="1"))
        assert checked[:2] == first[:2]
    assert checked[2:] == ["2", "0"]
    assert len(files(tmp_path)) == 4
    assert result(started(tmp_path, NUMBA_BOUNDSCHECK="0")) == [*first[:2], "2", "0"]
