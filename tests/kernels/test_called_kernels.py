"""Kernels that other kernels call have no machine code of their own until somebody asks: nobody must notice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest

import hdrplan
from hdrplan.kernels import _nested

pytestmark = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled with NUMBA_DISABLE_JIT")

MODULE = """
import numpy as np
from hdrplan.kernels._jit import jit, jit_inline

@jit
def doubled(a):
    out = np.empty_like(a)
    for k in range(len(a)):
        out[k] = 2.0 * a[k]
    return out

@jit_inline
def at(a, k):
    return a[k]

@jit
def outer(a, k):
    return at(doubled(a), k) + at(a, 0)
"""
RUN = """
import numba
import numpy as np
from mine import at, doubled, outer
a = np.array([1.0, 2.0, 3.0])

@numba.njit
def user(a, k):
    return outer(a, k) + at(a, k)

def caught(call, *given):
    try:
        return call(*given)
    except IndexError:
        return "IndexError"

def results():
    return [outer(a, 1), at(a, 2), doubled(a).sum(), user(a, 2)]
print(*results())
if numba.config.BOUNDSCHECK:
    print(caught(outer, a, 5), caught(at, a, 5), caught(user, a, 5), outer(a, 1))
print([len(kernel.overloads) for kernel in (outer, at, doubled)])
"""


@pytest.mark.slow
@pytest.mark.parametrize("checked", ["0", "1"])
def test_a_kernel_serves_kernels_python_and_functions_of_others(tmp_path: Path, checked: str) -> None:
    (tmp_path / "mine.py").write_text(MODULE)
    path = f"{Path(hdrplan.__file__).parents[1]}{os.pathsep}{tmp_path}"
    env = {**os.environ, "PYTHONPATH": path, "NUMBA_CACHE_DIR": str(tmp_path / "cache"), "NUMBA_BOUNDSCHECK": checked}
    for _ in range(2):  # compiled, and from files
        ended = subprocess.run([sys.executable, "-c", RUN], env=env, capture_output=True, text=True, check=True)
        said = ended.stdout.splitlines()
        assert said[0] == "5.0 3.0 12.0 10.0"
        assert said[1:-1] == (["IndexError IndexError IndexError 5.0"] if checked == "1" else [])
        assert said[-1] == "[1, 1, 1]"
    assert len(list(tmp_path.rglob("*.nbc"))) == 3, "what a function of another calls is kept nowhere"


@pytest.mark.slow
def test_only_kernels_that_python_calls_are_kept(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MODULE)
    path = f"{Path(hdrplan.__file__).parents[1]}{os.pathsep}{tmp_path}"
    env = {**os.environ, "PYTHONPATH": path, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    code = "import numpy as np\nfrom mine import outer\nprint(outer(np.ones(3), 1))"
    subprocess.run([sys.executable, "-c", code], env=env, check=True)
    assert [file.name.split("-")[0] for file in tmp_path.rglob("*.nbc")] == ["mine.outer"]


def test_a_numba_newer_than_those_tried_compiles_as_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = numba.njit(lambda x: x + 1.0)
    before = {name: getattr(kernel, name) for name in ("get_call_template", "get_overload")}
    monkeypatch.setattr(_nested, "NEWEST_TRIED", (0, 1))
    _nested.compile_what_is_called_for_its_caller(kernel, {})
    assert {name: getattr(kernel, name) for name in before} == before
    assert "compile" not in vars(kernel._compiler)
    assert kernel(1.0) == 2.0


def test_the_numba_of_the_lock_file_was_tried() -> None:
    lock = (Path(__file__).parents[2] / "constraints.txt").read_text()
    (locked,) = (line.removeprefix("numba==") for line in lock.splitlines() if line.startswith("numba=="))
    assert tuple(map(int, locked.split(".")[:2])) == _nested.NEWEST_TRIED
