"""Bounds of cells follow the times: as sums from the beginning, and never beyond a point of the cell."""

import numpy as np
import pytest

from hdrplan.kernels.screen import Doses
from hdrplan.optimize.program.cell_bounds import CellBounds
from hdrplan.optimize.program.cubes import cubes_of


@pytest.mark.parametrize("sense", [1, -1])
def test_bounds_follow_changing_times(sense: int) -> None:
    rng = np.random.default_rng(5)
    points_mm, rates, earlier = rng.uniform(0, 30, (4000, 3)), rng.uniform(1e-4, 2.0, (4000, 23)), rng.random(4000)
    for array in (rates, earlier):
        array.setflags(write=False)
    cubes = cubes_of(points_mm)
    followed, times = CellBounds(Doses(rates, earlier), cubes, sense), rng.uniform(0.0, 5.0, 23)
    for step in range(450):
        changed = rng.choice(23, 23 if step % 100 == 7 else 2, replace=False)
        times[changed] = np.where(rng.random(len(changed)) < 0.4, 0.0, rng.uniform(0.0, 5.0, len(changed)))
        bound = followed.at(times)
        if step % 30 == 0 or step > 445:
            anew = CellBounds(Doses(rates, earlier), cubes, sense).at(times)
            assert np.allclose(bound, anew, rtol=1e-12, atol=1e-12)
            dose = earlier + rates @ times
            cell_of = np.repeat(np.arange(cubes.n_cells), np.diff(cubes.cells.start))
            beyond = sense * (dose[cubes.cells.order] - bound[cell_of])
            assert beyond.min() > -1e-10
            take = np.minimum if sense == 1 else np.maximum
            extreme = take.reduceat(rates[cubes.cells.order], cubes.cells.start[:-1], axis=0)
            first = take.reduceat(earlier[cubes.cells.order], cubes.cells.start[:-1])
            assert np.allclose(bound, first + extreme @ times, rtol=3e-7)
