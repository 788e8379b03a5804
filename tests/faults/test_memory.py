"""A request beyond the machine is refused with a number before work starts; sizes from one to thousands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hdrplan.dose import dose_at_points, dose_field, dose_rate
from hdrplan.errors import ResourceError
from hdrplan.geometry import Dwells, Grid
from hdrplan.io import read_case
from hdrplan.memory import available_bytes, require_memory
from hdrplan.sources import Strength, load_source
from hdrplan.workflow import Watch, plan_case
from small_case import write_small_case


def dwells(n: int) -> Dwells:
    z = np.linspace(-40, 40, n) if n > 1 else np.zeros(1)
    positions = np.stack((np.zeros(n), np.zeros(n), z), axis=1)
    return Dwells(
        positions_mm=positions,
        axes=np.tile([0.0, 0.0, 1.0], (n, 1)),
        catheter=np.zeros(n, np.int64),
        offset_mm=np.arange(n, dtype=float),
        catheter_names=("c",),
    )


def test_this_machine_says_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    free = available_bytes()
    assert free is None or free > 100e6
    monkeypatch.setenv("HDRPLAN_MEMORY_MB", "10")
    assert available_bytes() == 10 << 20
    require_memory(9e6, "nine", remedy="")
    with pytest.raises(ResourceError, match=r"ten must fit into memory, got 0.01 GB needed, 0.0105 GB free. Less."):
        require_memory(1e7, "ten", remedy="Less.")


def test_a_matrix_beyond_any_machine() -> None:
    # 2 million points x 5000 dwells are 80 GB: np.empty would promise them, the system would kill the process.
    points = np.broadcast_to(np.array([30.0, 0.0, 0.0]), (2_000_000, 3))
    with pytest.raises(ResourceError, match=r"2000000 points x 50000 dwells.*800 GB needed"):
        dose_rate(dwells(50_000), points, load_source(), strength_u=40700.0)


def test_a_grid_beyond_any_machine() -> None:
    grid = Grid(shape_zyx=(9000, 9000, 9000), origin_mm=np.zeros(3), spacing_mm=np.full(3, 0.1))
    with pytest.raises(ResourceError, match=r"9000 x 9000 x 9000 voxels.*GB needed"):
        dose_field(dwells(1), [1.0], grid, load_source(), strength_u=40700.0)


def test_a_plan_that_does_not_fit_is_refused_before_its_matrix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_small_case(tmp_path / "case")
    found = read_case(tmp_path / "case")
    steps: list[str] = []
    monkeypatch.setenv("HDRPLAN_MEMORY_MB", "300")
    with pytest.raises(ResourceError, match=r"a plan of \d+ sample points x \d+ dwells.*GB needed, 0.315 GB free"):
        plan_case(
            found.case,
            found.goals,
            load_source(),
            Strength(40700.0),
            watch=Watch(on_progress=lambda step, done, total: steps.append(step)),
        )
    assert set(steps) == {"sample"}


@pytest.mark.parametrize("n", [1, 2, 5000])
def test_one_to_five_thousand_dwells(n: int) -> None:
    chain, times_s = dwells(n), np.full(n, 100.0 / n)
    points = np.array([[20.0, 0.0, 0.0], [0.0, 35.0, 10.0]])
    rate = dose_rate(chain, points, load_source(), strength_u=40700.0)
    direct = dose_at_points(chain, times_s, points, load_source(), strength_u=40700.0)
    np.testing.assert_allclose(rate.gy_per_s @ times_s, direct.gy, rtol=1e-12)
    grid = Grid(shape_zyx=(3, 3, 3), origin_mm=np.array([18.0, -2.0, -2.0]), spacing_mm=np.full(3, 2.0))
    field = dose_field(chain, times_s, grid, load_source(), strength_u=40700.0)
    assert field.values_zyx[1, 1, 1] == pytest.approx(direct.gy[0], rel=1e-3)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 200), (1, 200, 1), (200, 1, 1)])
def test_tiny_grids(shape: tuple[int, int, int]) -> None:
    grid = Grid(shape_zyx=shape, origin_mm=np.array([20.0, 5.0, -10.0]), spacing_mm=np.array([0.5, 0.5, 0.5]))
    field = dose_field(dwells(3), [5.0, 5.0, 5.0], grid, load_source(), strength_u=40700.0)
    exact = dose_at_points(dwells(3), [5.0, 5.0, 5.0], grid.points_mm(), load_source(), strength_u=40700.0)
    np.testing.assert_allclose(field.values_zyx.ravel(), exact.gy, rtol=1e-3)
