"""Kerma of scattered photons on a grid: by Monte Carlo, in batches whose spread gives the error."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import frozen
from hdrplan.errors import InputError
from hdrplan.kernels.scatter import Emitted, Scoring, VoxelBox, scatter_histories
from hdrplan.materials import DENSITY_UNIT_G_PER_CC
from hdrplan.memory import require_memory
from hdrplan.threads import over_rows
from hdrplan.transport.alias import alias_table
from hdrplan.transport.kerma import Kerma
from hdrplan.transport.tables import BASES, photon_tables, responses
from hdrplan.transport.task import ScatterTask, Voxels

__all__ = ["scatter"]

# Histories of all batches between two reports: some tenths of a second.
_ROUND = 200_000
# Water around a grid is followed this far. A sphere of 150 (200) mm takes 6.8 (2.4) % of the dose at 100 mm: what lies
# beyond 350 mm adds less than 0.02 % at the edge of the grid.
_WATER_MM = 350.0
# Photons that collide outside the grid seldom come back to it: half of them go on, and count twice. In the demo's water
# this takes a third of the time and adds a twentieth to the error; a fifth instead of a half, a sixth.
_KEPT = 0.5
_MASK = (1 << 64) - 1


def scatter(
    task: ScatterTask, histories: int, *, after: Kerma | None = None, on_progress: Callable[[float], None] | None = None
) -> Kerma:
    """Return the kerma of scattered photons per photon that leaves the source.

    Parameters
    ----------
    task : ScatterTask
    histories : int
        Photons to follow, shared among batches; rounded up to equally many for each.
    after : Kerma or None
        An earlier result of the same task, which is continued: more histories are added to it.
    on_progress : callable or None
        Takes the fraction done, 0 to 1, between rounds. What it raises ends the run; a run in steps, each after the
        last, loses no more than a step.

    Returns
    -------
    Kerma
        The same bits with any number of threads; in several steps the same photons, added up in another order.

    Raises
    ------
    InputError
        No histories, a result of another task.
    ResourceError
        Batches that do not fit into memory.
    """
    if histories < 1:
        raise InputError("the number of histories must be positive", got=histories)
    digest = task.digest()
    if after is not None and after.task != digest:
        raise InputError("only a run of the same task can be continued", got=after.task, remedy="Begin anew.")
    shape = (task.batches, *task.scored.shape_zyx, len(BASES))
    require_memory(
        4.0 * float(np.prod(shape)),
        f"{task.batches} batches of {task.scored.size} scored voxels",
        remedy="Score on a coarser grid.",
    )
    sums = np.zeros(shape, dtype=np.float32) if after is None else np.array(after.sums)
    first = 0 if after is None else after.histories
    last = first + -(-histories // task.batches)
    step = max(1, _ROUND // task.batches)
    for start in range(first, last, step):
        _round(task, sums, start, min(start + step, last))
        if on_progress is not None:
            on_progress((min(start + step, last) - first) / (last - first))
    return Kerma(grid=task.scored, sums=sums, histories=last, photons=task.voxels.photons, task=digest)


def _round(task: ScatterTask, sums: npt.NDArray[np.float32], first: int, last: int) -> None:
    """Follow histories ``first`` to ``last - 1`` of every batch; a batch is one thread's alone."""
    voxels = task.voxels
    tables = photon_tables(voxels.photons)
    emitted, box = _emitted(task), _box(voxels, task.flights_of or voxels)
    low_mm = _in_frame(voxels, task.scored.world([-0.5, -0.5, -0.5])[None])[0]
    response = responses(voxels.photons)

    def block(first_batch: int, last_batch: int) -> None:
        for batch in range(first_batch, last_batch):
            scoring = Scoring(
                low_mm=frozen(low_mm),
                per_mm=frozen(1.0 / task.scored.spacing_mm),
                step_mm=float(task.scored.spacing_mm.min()),
                response=response,
                score=np.zeros(sums.shape[1:], dtype=np.float32),
            )
            key = np.uint64((task.seed * 0x632BE59BD9B4E019 + batch * 0x9E3779B97F4A7C15) & _MASK)
            scatter_histories(first, last, key, emitted, tables, box, scoring)
            # Added to a batch round by round: single steps would be lost beside large sums.
            sums[batch] += scoring.score * np.float32(scoring.step_mm)

    over_rows(block, task.batches, smallest=1)


def _in_frame(voxels: Voxels, points_mm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return points in mm along the axes of the voxels, from their low corner."""
    return np.asarray((voxels.grid.index(points_mm) + 0.5) * voxels.grid.spacing_mm)


def _emitted(task: ScatterTask) -> Emitted:
    share = np.cumsum(task.times_s) / task.times_s.sum()
    share[-1] = 1.0
    limit, alias = alias_table(task.emission.share)
    return Emitted(
        position_mm=frozen(_in_frame(task.voxels, task.positions_mm)),
        axis=frozen(task.axes @ task.voxels.grid.direction),
        cumulative=frozen(share),
        length_mm=task.emission.length_mm,
        limit=frozen(limit),
        alias=frozen(alias, np.int64),
        energy_kev=task.emission.energy_kev,
        cosine=task.emission.cosine,
    )


def _box(voxels: Voxels, flights: Voxels) -> VoxelBox:
    total = photon_tables(voxels.photons).total

    def majorant(highest: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        densities = (highest * DENSITY_UNIT_G_PER_CC).astype(np.float32)
        # A thousandth above: cross sections are sums of rounded numbers.
        return frozen((total * densities).max(axis=1, keepdims=True) * np.float32(1.001), np.float32)

    own = voxels.highest_units()
    size = voxels.grid.spacing_mm * np.array(voxels.grid.shape_zyx[::-1])
    margin = _WATER_MM if voxels.outside else 0.0
    return VoxelBox(
        codes=voxels.codes_zyx,
        per_mm=frozen(1.0 / voxels.grid.spacing_mm),
        outside=np.uint32(voxels.outside),
        reach_mm=frozen(np.array([np.full(3, -margin), size + margin])),
        majorant=majorant(np.maximum(own, flights.highest_units())),
        own=majorant(own),
        kept=_KEPT,
    )
