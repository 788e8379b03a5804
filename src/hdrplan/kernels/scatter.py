"""Scattered photons in voxels: Woodcock flights, kerma scored at even steps along each track after the first collision.

A flight asks for the voxel only where a collision may be (Woodcock), some ten times in a history instead of the
hundred borders that it crosses. The track-length estimator is kept without walking from border to border: points at
even distances along the track, the first at a random one, score the step as length; of any stretch of the track the
expected number of points is its length over the step.

References
----------
Woodcock E et al., ANL-7050 (1965): flights. Williamson JF, Phys Med Biol 1987;32:603: track-length estimator.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit, jit_inline
from hdrplan.kernels.photons import PhotonTables, collided, energy_place, turned
from hdrplan.kernels.streams import mixed, stream, uniform

__all__ = ["Emitted", "Scoring", "VoxelBox", "scatter_histories"]

_DENSITY_UNIT = 2e-6
_GOLDEN_FRACTION = 0.6180339887498949
_MEDIUM = np.uint32(24)
_DENSITY = np.uint32(0xFFFFFF)

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]


class Emitted(NamedTuple):
    """Where photons start and with what; read-only arrays."""

    position_mm: Floats  # (n_dwells, 3), in the frame of the box: its low corner is 0
    axis: Floats  # (n_dwells, 3), toward the tip
    cumulative: Floats  # (n_dwells,), of the dwells' shares; ends at 1
    length_mm: float  # of the line that photons leave from
    limit: Floats  # (n_kinds,), alias table: below it kind i itself,
    alias: npt.NDArray[np.int64]  # (n_kinds,), otherwise this one
    energy_kev: Floats  # (n_kinds,)
    cosine: Floats  # (n_kinds, 2), range of the cosine with the axis


class VoxelBox(NamedTuple):
    """Media and densities; read-only arrays. The frame: mm along the axes of the grid from its low corner."""

    codes: npt.NDArray[np.uint32]  # (nz, ny, nx), medium << 24 | density in 2e-6 g/cm3
    per_mm: Floats  # (3,), 1 / spacing, x, y, z
    outside: np.uint32  # code outside; density 0 is vacuum, where photons leave for good
    reach_mm: Floats  # (2, 3), box beyond which photons are given up
    majorant: Singles  # (n_energies, 1), 1/mm, above every cross section in the box and outside
    own: Singles  # (n_energies, 1), 1/mm, the same or lower: for the flights of photons that have been outside
    kept: float  # share of photons that go on after their first collision outside; they count for the others, too


class Scoring(NamedTuple):
    """The grid that is scored on."""

    low_mm: Floats  # (3,), its low corner
    per_mm: Floats  # (3,)
    step_mm: float  # distance of points along a track
    response: Singles  # (n_energies, n_bases), energy times absorption coefficient of the base media
    score: Singles  # (nz, ny, nx, n_bases); written


@jit_inline
def _dwell(history: int, shift: float, cumulative: Floats) -> int:
    """Return the dwell of a history: shares are met as evenly as a sequence of golden sections can."""
    level = history * _GOLDEN_FRACTION + shift
    return min(int(np.searchsorted(cumulative, level - np.floor(level))), len(cumulative) - 1)


@jit_inline
def _started(
    state: np.uint64, dwell: int, emitted: Emitted
) -> tuple[np.uint64, float, tuple[float, float, float], tuple[float, float, float]]:
    """Return energy, position and direction of a new photon."""
    state, one = uniform(state)
    place = one * len(emitted.limit)
    kind = min(int(place), len(emitted.limit) - 1)
    if place - kind >= emitted.limit[kind]:
        kind = emitted.alias[kind]
    state, two = uniform(state)
    state, three = uniform(state)
    a, b, c = emitted.axis[dwell, 0], emitted.axis[dwell, 1], emitted.axis[dwell, 2]
    cosine = emitted.cosine[kind, 0] + two * (emitted.cosine[kind, 1] - emitted.cosine[kind, 0])
    state, u, v, w = turned(state, cosine, a, b, c)
    along = (three - 0.5) * emitted.length_mm
    x = emitted.position_mm[dwell, 0] + along * a
    y = emitted.position_mm[dwell, 1] + along * b
    z = emitted.position_mm[dwell, 2] + along * c
    return state, emitted.energy_kev[kind], (x, y, z), (u, v, w)


@jit_inline
def _code(x: float, y: float, z: float, box: VoxelBox) -> tuple[np.uint32, bool, bool]:
    """Return the code at a place, whether it is outside, and whether photons leave for good there."""
    nz, ny, nx = box.codes.shape
    i, j, k = x * box.per_mm[0], y * box.per_mm[1], z * box.per_mm[2]
    if i >= 0.0 and i < nx and j >= 0.0 and j < ny and k >= 0.0 and k < nz:
        return box.codes[int(k), int(j), int(i)], False, False
    low, high = box.reach_mm[0], box.reach_mm[1]
    within = low[0] < x < high[0] and low[1] < y < high[1] and low[2] < z < high[2]
    return box.outside, True, not within or box.outside & _DENSITY == 0


@jit_inline
def _score(
    place: tuple[float, float, float],
    way: tuple[float, float, float],
    span: tuple[float, float],
    row: tuple[int, float],
    weight: float,
    scoring: Scoring,
) -> float:
    """Score the points of one flight; return how far behind its end the next one lies."""
    at, end = span
    nz, ny, nx, _ = scoring.score.shape
    if at >= end:
        return at - end
    steps = int((end - at) / scoring.step_mm) + 1
    i = (place[0] + at * way[0] - scoring.low_mm[0]) * scoring.per_mm[0]
    j = (place[1] + at * way[1] - scoring.low_mm[1]) * scoring.per_mm[1]
    k = (place[2] + at * way[2] - scoring.low_mm[2]) * scoring.per_mm[2]
    di = way[0] * scoring.per_mm[0] * scoring.step_mm
    dj = way[1] * scoring.per_mm[1] * scoring.step_mm
    dk = way[2] * scoring.per_mm[2] * scoring.step_mm
    response, fraction, heavy = scoring.response, np.float32(row[1]), np.float32(weight)
    r0 = heavy * (response[row[0], 0] + fraction * (response[row[0] + 1, 0] - response[row[0], 0]))
    r1 = heavy * (response[row[0], 1] + fraction * (response[row[0] + 1, 1] - response[row[0], 1]))
    r2 = heavy * (response[row[0], 2] + fraction * (response[row[0] + 1, 2] - response[row[0], 2]))
    r3 = heavy * (response[row[0], 3] + fraction * (response[row[0] + 1, 3] - response[row[0], 3]))
    for _ in range(steps):
        if i >= 0.0 and i < nx and j >= 0.0 and j < ny and k >= 0.0 and k < nz:
            a, b, c = int(k), int(j), int(i)
            scoring.score[a, b, c, 0] += r0
            scoring.score[a, b, c, 1] += r1
            scoring.score[a, b, c, 2] += r2
            scoring.score[a, b, c, 3] += r3
        i += di
        j += dj
        k += dk
    return at + steps * scoring.step_mm - end


@jit_inline
def _history(
    state: np.uint64, dwell: int, emitted: Emitted, tables: PhotonTables, box: VoxelBox, scoring: Scoring
) -> int:
    """Follow one photon to its end; return the number of its collisions."""
    state, energy, (x, y, z), (u, v, w) = _started(state, dwell, emitted)
    collisions = 0
    ahead, weight = 0.0, 1.0
    left = False
    while energy > tables.cutoff_kev:
        row, fraction = energy_place(energy, tables)
        low = float(box.majorant[row, 0])
        majorant = low + fraction * (float(box.majorant[row + 1, 0]) - low)
        low = float(box.own[row, 0])
        own = low + fraction * (float(box.own[row + 1, 0]) - low)
        out = False
        while True:
            if left:
                majorant = own
            state, one = uniform(state)
            flight = -np.log(one) / majorant
            if collisions > 0:
                ahead = _score((x, y, z), (u, v, w), (ahead, flight), (row, fraction), weight, scoring)
            x, y, z = x + flight * u, y + flight * v, z + flight * w
            code, out, gone = _code(x, y, z, box)
            if gone:
                return collisions
            left = left or out
            state, two = uniform(state)
            density = float(code & _DENSITY) * _DENSITY_UNIT
            medium = int(code >> _MEDIUM)
            level = two * majorant
            total = float(tables.total[row, medium])
            total += fraction * (float(tables.total[row + 1, medium]) - total)
            if level < density * total:
                break
        collisions += 1
        if out and weight == 1.0:
            state, one = uniform(state)
            if one >= box.kept:
                return collisions
            weight = 1.0 / box.kept
        if collisions == 1:
            state, one = uniform(state)
            ahead = one * scoring.step_mm
        state, energy, u, v, w = collided(state, level / density, (row, fraction, medium), energy, (u, v, w), tables)
    return collisions


@jit
def scatter_histories(
    first: int, last: int, key: np.uint64, emitted: Emitted, tables: PhotonTables, box: VoxelBox, scoring: Scoring
) -> int:
    """Follow photons and score the kerma of those that have been scattered; return the number of collisions.

    Parameters
    ----------
    first, last : int
        Numbers of histories.
    key : uint64
        Of seed and batch.
    emitted : Emitted
    tables : PhotonTables
    box : VoxelBox
    scoring : Scoring
    """
    shift = float(np.int64(mixed(key) >> np.uint64(11))) * 2.0**-53
    collisions = 0
    for history in range(first, last):
        dwell = _dwell(history, shift, emitted.cumulative)
        collisions += _history(stream(key, history), dwell, emitted, tables, box, scoring)
    return collisions
