"""Problems of four sizes: slightly tilted catheters with dwells 5 mm apart in a cube of voxels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.geometry import Dwells, Grid
from hdrplan.sources import TG43Source, load_source

__all__ = ["SIZES", "STRENGTH_U", "Problem", "problem"]

STRENGTH_U = 40700.0
_DWELLS_EACH = 15


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """One problem: dwells with times, a grid, and points for the rate matrix.

    Parameters
    ----------
    name : str
    dwells : Dwells
    times_s : (n_dwells,) array
    grid : Grid
    points_mm : (n_points, 3) array
    source : TG43Source
    """

    name: str
    dwells: Dwells
    times_s: FloatArray
    grid: Grid
    points_mm: FloatArray
    source: TG43Source

    @property
    def field_pairs(self) -> int:
        """Voxels times dwells."""
        return self.grid.size * len(self.dwells)

    @property
    def matrix_pairs(self) -> int:
        """Points times dwells."""
        return len(self.points_mm) * len(self.dwells)


# Name: voxels along an edge, voxel size in mm, catheters, points. "common" is the problem on which peers were measured.
SIZES: dict[str, tuple[int, float, int, int]] = {
    "small": (48, 2.0, 1, 2_000),
    "common": (128, 1.0, 4, 50_000),
    "large": (192, 1.0, 8, 100_000),
    "huge": (256, 0.5, 13, 200_000),
}


def problem(name: str, source: str = "gammamed-plus") -> Problem:
    """Return one of :data:`SIZES`; the same every time.

    Catheters stand on a square lattice of 15 mm and lean up to 9 degrees, 15 dwells of 5 s each; "huge" has 195 dwells.
    """
    n, spacing, catheters, points = SIZES[name]
    rng = np.random.default_rng(17)
    side = math.ceil(math.sqrt(catheters))
    positions, axes = [], []
    for c in range(catheters):
        axis = np.array([*rng.uniform(-0.15, 0.15, 2), 1.0])
        axis /= np.linalg.norm(axis)
        place = np.array([(c % side - (side - 1) / 2) * 15.0, (c // side - (side - 1) / 2) * 15.0, 0.0])
        place[:2] += rng.uniform(-2.0, 2.0, 2)
        offsets = (np.arange(_DWELLS_EACH) - (_DWELLS_EACH - 1) / 2) * 5.0
        positions.append(place + offsets[:, None] * axis)
        axes.append(np.tile(axis, (_DWELLS_EACH, 1)))
    dwells = Dwells(
        positions_mm=np.concatenate(positions),
        axes=np.concatenate(axes),
        catheter=np.repeat(np.arange(catheters), _DWELLS_EACH),
        offset_mm=np.tile(np.arange(_DWELLS_EACH) * 5.0, catheters),
        catheter_names=tuple(f"catheter {c + 1}" for c in range(catheters)),
    )
    half = (n - 1) / 2 * spacing
    grid = Grid(shape_zyx=(n, n, n), origin_mm=np.full(3, -half), spacing_mm=np.full(3, spacing))
    points_mm = rng.uniform(-half, half, (points, 3))
    return Problem(
        name=name,
        dwells=dwells,
        times_s=np.full(len(dwells), 5.0),
        grid=grid,
        points_mm=points_mm,
        source=load_source(source),
    )
