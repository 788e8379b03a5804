"""The factor of a model-based dose as plans and proofs take it: a field for each CTV, a value at any other point."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.dose import DoseFactor, SamplePoints, nodes_of
from hdrplan.geometry import Grid, Volume
from hdrplan.transport import RIM_VOXELS, mean_correction, primary_kerma
from hdrplan.workflow.model_run import ScatterRun, Setting

__all__ = ["dose_factor"]

# Between nodes 2 mm apart the factor in lesion B is off by 0.008 % (root mean square of its points), 4 mm apart 0.04 %.
_NODES_MM = 2.0
# On grids: between nodes 6 mm apart, the centres of scored voxels, the correction for water; its ratio to that for a
# medium changes with the spectrum only, and nodes twice as far apart serve. At random points of the demo's body this is
# off by 0.10 % (root mean square) above 5 Gy and 0.22 % above 1 Gy, a few percent at most beside lung and gas.
_RATIO_STEP = 2

PointFactor = Callable[[FloatArray, str | None], FloatArray]


def dose_factor(setting: Setting, run: ScatterRun, points: SamplePoints) -> DoseFactor:
    """Return D_m,m over the dose of TG-43 for a plan.

    Within a CTV it is straight between nodes and that of one medium, which most of its points have: in a field that
    jumps at a border of media no dose could be proven between points.

    Parameters
    ----------
    setting : Setting
    run : ScatterRun
    points : SamplePoints
        Of the structures, CTVs among them.
    """
    means = mean_correction(setting.media, run.patient, run.water)

    def factor(points_mm: FloatArray, medium: str | None) -> FloatArray:
        places = _within(points_mm, run.patient.grid)
        primary = primary_kerma(places, setting.media, setting.dwells, setting.times_s, setting.emission, medium=medium)
        return means(places, primary, medium)

    fields = {}
    for name, role in zip(points.names, points.roles, strict=True):
        if role == "CTV":
            grid = nodes_of(points.shape(name), _NODES_MM)
            medium = _most_of(setting, points.points_mm[points.rows(name)])
            fields[name] = Volume(grid, factor(grid.points_mm(), medium).reshape(grid.shape_zyx))
    return DoseFactor(
        fields=fields,
        elsewhere=lambda points_mm: factor(points_mm, None),
        on_nodes=_between_nodes(setting, run.patient.grid, factor),
    )


def _between_nodes(setting: Setting, nodes: Grid, factor: PointFactor) -> Callable[[FloatArray], FloatArray]:
    """Return the factor at many points, from its values at nodes: a ray from each dwell to each voxel takes minutes."""
    media = setting.media

    @cache
    def fields() -> tuple[Volume, dict[int, Volume]]:
        nx, ny, nz = (-(-(n - 1) // _RATIO_STEP) + 1 for n in nodes.shape_zyx[::-1])
        few = Grid(
            shape_zyx=(nz, ny, nx),
            origin_mm=nodes.origin_mm,
            spacing_mm=_RATIO_STEP * nodes.spacing_mm,
            direction=nodes.direction,
        )
        places = few.points_mm()
        base = factor(places, "water")
        held = [int(number) for number in np.unique(media.medium_zyx)]
        ratios = {k: (factor(places, media.names[k]) / base).reshape(few.shape_zyx) for k in held}
        everywhere = factor(nodes.points_mm(), "water").reshape(nodes.shape_zyx)
        return Volume(nodes, everywhere), {k: Volume(few, ratio) for k, ratio in ratios.items()}

    def at(points_mm: FloatArray) -> FloatArray:
        water, ratios = fields()
        places = _within(points_mm, nodes)
        values, of = water.at_index(nodes.index(places)), media.medium_at(places)
        for number, ratio in ratios.items():
            rows = of == number
            if rows.any():
                values[rows] *= ratio.at_index(ratio.grid.index(places[rows]))
        return values

    return at


def _most_of(setting: Setting, points_mm: FloatArray) -> str:
    """Return the medium that most of the points have."""
    at = setting.media.medium_at(points_mm)
    return setting.media.names[int(np.bincount(at[at >= 0]).argmax())]


def _within(points_mm: FloatArray, scored: Grid) -> FloatArray:
    """Return points moved into the scored grid: corners of a structure's box and air round the body lie beyond it."""
    last = np.subtract(scored.shape_zyx[::-1], 1) + RIM_VOXELS
    return scored.world(np.clip(scored.index(points_mm), -RIM_VOXELS, last))
