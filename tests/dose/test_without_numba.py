"""The same kernels as plain Python: what Numba makes of them is what they say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from dose_cases import invented_source, one_dwell

import hdrplan
from hdrplan.dose import dose_at_points, dose_change, dose_field, dose_rate
from hdrplan.geometry import Dwells, Grid
from tolerances import JIT_OFF, JIT_OFF_FLOAT32

POINTS = [[10.0, 0.0, 0.0], [0.2, 0.1, -20.0], [0.0, 0.0, 3.0], [0.1, 0.0, 0.0], [-70.0, 60.0, 20.0], [0.0, 0.0, 150.0]]


def numbers() -> dict[str, list[float]]:
    """Doses by every path, small enough for plain Python."""
    source, dwells = (
        invented_source(),
        Dwells(
            positions_mm=[[0, 0, 0], [9, 0, 0]],
            axes=[[0, 0, 1], [0.6, 0, 0.8]],
            catheter=[0, 0],
            offset_mm=[0, 9],
            catheter_names=("a",),
        ),
    )
    args = {"strength_u": 40700.0}
    grid = Grid(shape_zyx=(3, 4, 5), origin_mm=[-4.0, 2.0, 3.0], spacing_mm=[2.0, 2.0, 3.0])
    change = dose_change(dwells, [1.0, 2.0], one_dwell(), [3.0], POINTS, source, **args)
    return {
        "matrix": dose_rate(dwells, POINTS, source, **args).gy_per_s.ravel().tolist(),
        "points": dose_at_points(dwells, [1.0, 2.0], POINTS, source, **args).gy.tolist(),
        "flags": dose_rate(dwells, POINTS, source, **args).extrapolated.tolist(),
        "grid": dose_field(dwells, [1.0, 2.0], grid, source, exact=True, **args).values_zyx.ravel().tolist(),
        "matrix32": dose_rate(dwells, POINTS[:5], source, exact=False, **args).gy_per_s.ravel().tolist(),
        "change32": change[:5].tolist(),
        "grid32": dose_field(dwells, [1.0, 2.0], grid, source, **args).values_zyx.ravel().tolist(),
    }


@pytest.mark.slow
def test_jit_off_is_jit_on(monkeypatch: pytest.MonkeyPatch) -> None:
    # Measuring the blocks' errors takes minutes in plain Python; with errors of 0 all blocks carry all dwells that lie
    # outside them, which needs the same kernels.
    code = (
        "import json, numpy as np; import hdrplan.dose.blocks as blocks;"
        "blocks._error = lambda source, half: np.zeros((44, 60));"
        "from test_without_numba import numbers; print(json.dumps(numbers()))"
    )
    tests = Path(__file__).parents[1]
    paths = [str(Path(hdrplan.__file__).parents[1]), str(tests), str(tests / "dose")]
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "NUMBA_DISABLE_JIT": "1"}
    run = subprocess.run([sys.executable, "-c", code], env=here, capture_output=True, text=True, check=True)
    plain = json.loads(run.stdout)
    monkeypatch.setattr("hdrplan.dose.blocks._error", lambda source, half: np.zeros((44, 60)))
    compiled = numbers()
    assert plain["flags"] == compiled["flags"]
    for name, values in compiled.items():
        tolerance = JIT_OFF_FLOAT32 if "32" in name or name == "grid" else JIT_OFF
        np.testing.assert_allclose(plain[name], values, rtol=tolerance, err_msg=name)
