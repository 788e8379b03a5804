"""The factor of a model-based dose as plans and proofs take it: a field for each CTV, a value at any other point."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.dose import DoseFactor, SamplePoints, nodes_of
from hdrplan.geometry import Grid, Volume
from hdrplan.transport import RIM_VOXELS, Kerma, mean_correction, primary_in_media, primary_kerma
from hdrplan.workflow.model_run import ScatterRun, Setting

__all__ = ["dose_factor"]

# Between nodes 2 mm apart the factor in lesion B is off by 0.008 % (root mean square of its points), 4 mm apart 0.04 %.
_NODES_MM = 2.0
# On grids: between nodes two voxels of media apart, 6 mm, the correction for water; its ratio to that for a medium
# changes with the spectrum only, and nodes twice as far apart serve. At random points of the demo's body this is off by
# 0.10 % (root mean square) above 5 Gy and 0.22 % above 1 Gy, a few percent at most beside lung and gas.
_NODE_VOXELS = 2
_RATIO_STEP = 2
_BLOCK = 20_000


def dose_factor(setting: Setting, run: ScatterRun, points: SamplePoints) -> tuple[DoseFactor, Callable[[], Volume]]:
    """Return D_m,m over the dose of TG-43 for a plan, and what gives its standard error on a grid over the CT.

    Within a CTV it is straight between nodes and that of one medium, which most of its points have: in a field that
    jumps at a border of media no dose could be proven between points.

    Parameters
    ----------
    setting : Setting
    run : ScatterRun
    points : SamplePoints
        Of the structures, CTVs among them.
    """
    means, scored = mean_correction(setting.media, run.patient, run.water), run.patient.grid

    # Without the run, whose batches take a hundred megabytes: factors of earlier plans are kept.
    def factor(points_mm: FloatArray, medium: str | None) -> FloatArray:
        places = _within(points_mm, scored)
        primary = primary_kerma(places, setting.media, setting.dwells, setting.times_s, setting.emission, medium=medium)
        return means(places, primary, medium)

    fields, nodes = {}, _Nodes(setting, run)
    for name, role in zip(points.names, points.roles, strict=True):
        if role == "CTV":
            grid = nodes_of(points.shape(name), _NODES_MM)
            medium = _most_of(setting, points.points_mm[points.rows(name)])
            fields[name] = Volume(grid, factor(grid.points_mm(), medium).reshape(grid.shape_zyx))
    factors = DoseFactor(fields=fields, elsewhere=lambda points_mm: factor(points_mm, None), on_nodes=nodes.at)
    return factors, lambda: nodes.fields()[1]


class _Nodes:
    """The factor at many points, from its values at nodes: a ray from each dwell to each voxel takes minutes."""

    def __init__(self, setting: Setting, run: ScatterRun) -> None:
        self._setting, self._run = setting, run
        self._fields: tuple[Volume, Volume, dict[int, Volume]] | None = None
        voxels, scored = setting.media.grid, run.patient.grid
        corner = voxels.index(scored.world(np.full(3, -0.5)))
        size = np.array(scored.shape_zyx[::-1]) * scored.spacing_mm / (_NODE_VOXELS * voxels.spacing_mm)
        nx, ny, nz = np.ceil(size - 1e-6).astype(int).tolist()
        self._grid = Grid(
            shape_zyx=(nz, ny, nx),
            origin_mm=voxels.world(corner + 0.5 * _NODE_VOXELS),
            spacing_mm=_NODE_VOXELS * voxels.spacing_mm,
            direction=voxels.direction,
        )

    def fields(self) -> tuple[Volume, Volume, dict[int, Volume]]:
        """Return the factor for dose to water, the standard error of that for the medium, and ratios of media.

        They are made once; with them the run, whose batches take a hundred megabytes, is let go.
        """
        if self._fields is None:
            self._fields = (*self._correction(self._run), self._ratios(self._run.patient))
            del self._run
        return self._fields

    def _correction(self, run: ScatterRun) -> tuple[Volume, Volume]:
        """Return the factor for dose to water, and the standard error of that for the medium at each node."""
        grid = self._grid
        values = np.empty((2, grid.size), dtype=np.float64)
        nz, ny, nx = grid.shape_zyx
        # Some slices at a time: each node has numbers for every batch.
        step = max(1, _BLOCK // (ny * nx))
        for first in range(0, nz, step):
            last = min(first + step, nz)
            found = self._setting.correction(grid.points_mm(first, last), run, replicates=False)
            values[:, first * ny * nx : last * ny * nx] = found.water, found.medium_error
        water, error = values.reshape(2, *grid.shape_zyx)
        return Volume(grid, water), Volume(grid, error.astype(np.float32))

    def _ratios(self, patient: Kerma) -> dict[int, Volume]:
        """Return number of a medium -> dose to it over dose to water in the patient, at nodes twice as far apart."""
        nodes, setting = self._grid, self._setting
        nx, ny, nz = (-(-(n - 1) // _RATIO_STEP) + 1 for n in nodes.shape_zyx[::-1])
        few = Grid(
            shape_zyx=(nz, ny, nx),
            origin_mm=nodes.origin_mm,
            spacing_mm=_RATIO_STEP * nodes.spacing_mm,
            direction=nodes.direction,
        )
        places = _within(few.points_mm(), patient.grid)
        kerma = primary_in_media(places, setting.media, setting.dwells, setting.times_s, setting.emission)
        for name, scattered in patient.means_gy(kerma).items():
            kerma[name] = kerma[name] + Volume(patient.grid, scattered).at(places, rim_voxels=RIM_VOXELS)
        held = np.unique(setting.media.medium_zyx).tolist()
        ratios = {number: kerma[setting.media.names[number]] / kerma["water"] for number in held}
        return {number: Volume(few, ratio.reshape(few.shape_zyx)) for number, ratio in ratios.items()}

    def at(self, points_mm: FloatArray) -> FloatArray:
        """Return the factor at points."""
        media, (water, _, ratios) = self._setting.media, self.fields()
        places = _within(points_mm, water.grid)
        values, of = water.at_index(water.grid.index(places)), media.medium_at(places)
        for number, ratio in ratios.items():
            rows = of == number
            if rows.any():
                values[rows] *= ratio.at_index(ratio.grid.index(places[rows]))
        return values


def _most_of(setting: Setting, points_mm: FloatArray) -> str:
    """Return the medium that most of the points have."""
    at = setting.media.medium_at(points_mm)
    return setting.media.names[int(np.bincount(at[at >= 0]).argmax())]


def _within(points_mm: FloatArray, scored: Grid) -> FloatArray:
    """Return points moved into the scored grid: corners of a structure's box and air round the body lie beyond it."""
    last = np.subtract(scored.shape_zyx[::-1], 1) + RIM_VOXELS
    return scored.world(np.clip(scored.index(points_mm), -RIM_VOXELS, last))
