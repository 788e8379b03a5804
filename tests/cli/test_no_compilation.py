"""The second run of a command compiles nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import hdrplan

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
def test_second_run_compiles_nothing(tmp_path: Path) -> None:
    (tmp_path / "dwells.csv").write_text("x_mm,y_mm,z_mm,tip_x,tip_y,tip_z,time_s\n0,0,0,0,0,1,10\n")
    (tmp_path / "points.csv").write_text("x_mm,y_mm,z_mm\n10,0,0\n")
    call = [sys.executable, "-c", COUNTED, "dose", "--source", "gammamed-plus", "--strength", "40700", "-q"]
    call += ["--dwells", "dwells.csv", "--points", "points.csv", "-o", "dose.csv", "--overwrite"]
    root = str(Path(hdrplan.__file__).parents[1])
    here = {**os.environ, "PYTHONPATH": root, "NUMBA_CACHE_DIR": str(tmp_path / "kernels")}
    first, second = (
        subprocess.run(call, cwd=tmp_path, env=here, check=True, capture_output=True, text=True).stdout.split()
        for _ in range(2)
    )
    assert int(first[-1]) > 0
    assert second == ["compiled", "0"]
