"""Photons in solids of revolution: capsules, spheres, slabs. What leaves a capsule, and the kerma around it.

Positions are in mm; the axis of the solids is z, the tip of a source toward +z. Flights are Woodcock's, with one
majorant in a cylinder around the heavy parts and another outside.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit, jit_inline
from hdrplan.kernels.photons import PhotonTables, collided, energy_place, isotropic
from hdrplan.kernels.streams import stream, uniform

__all__ = ["Core", "Revolved", "Tally", "revolved_histories", "uncollided_rows"]

# Past a border between two majorants.
_BEYOND_MM = 1e-7
_FAR = 1e30
# Step of a ray through a capsule; places of the core average its error out.
_MARCH_MM = 0.01

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Triple = tuple[float, float, float]


class Core(NamedTuple):
    """Where photons start, evenly in a cylinder around the origin, and their lines; read-only arrays."""

    radius_mm: float
    length_mm: float
    limit: Floats  # (n_lines,), alias table: below it line i itself,
    alias: npt.NDArray[np.int64]  # (n_lines,), otherwise this one
    energy_kev: Floats  # (n_lines,)


class Revolved(NamedTuple):
    """Solids, the first that holds a place counts; read-only arrays."""

    solid: Floats  # (n, 5): z from, z to, radius at both ends, radius of a ball around z from (0: a cone or cylinder)
    medium: npt.NDArray[np.int64]  # (n + 1,), the last is all around
    density: Floats  # (n + 1,), g/cm3
    inner: Floats  # (3,), radius, z from and z to of the cylinder around the heavy parts
    reach_mm: float  # radius beyond which photons are given up
    majorant: Singles  # (n_energies, 2), 1/mm, in the inner cylinder and outside


class Tally(NamedTuple):
    """What is counted; arrays are written, those not wanted have no length."""

    left: Floats  # (n_energies, n_cosines, 2, 2), primary and scattered photons that leave, and their energy
    kev_step: float  # width of its energies
    kerma: Floats  # (n_radii, n_cosines, 2), energy times response at every step: primary, scattered
    per_mm: float  # radii per mm
    step_mm: float  # distance of points along a track
    response: Singles  # (n_energies, 1)


@jit_inline
def _solid_at(x: float, y: float, z: float, bodies: Revolved) -> int:
    """Return the number of the solid at a place; that of the surroundings is the last."""
    n = len(bodies.solid)
    r2 = x * x + y * y
    for i in range(n):
        low, high = bodies.solid[i, 0], bodies.solid[i, 1]
        if low <= z < high:
            ball = bodies.solid[i, 4]
            if ball > 0.0:
                if r2 + (z - low) ** 2 < ball * ball:
                    return i
            else:
                first, second = bodies.solid[i, 2], bodies.solid[i, 3]
                radius = first + (second - first) * (z - low) / (high - low)
                if r2 < radius * radius:
                    return i
    return n


@jit
def _to_border(place: Triple, way: Triple, inside: bool, inner: Floats) -> float:
    """Return the distance to the surface of the inner cylinder; far where a ray from outside misses it."""
    x, y, z = place
    u, v, w = way
    radius, low, high = inner[0], inner[1], inner[2]
    a = u * u + v * v
    b = x * u + y * v
    c = x * x + y * y - radius * radius
    enter, leave = -_FAR, _FAR
    if a > 1e-18:
        root2 = b * b - a * c
        if root2 <= 0.0:
            return _FAR
        root = np.sqrt(root2)
        enter, leave = (-b - root) / a, (-b + root) / a
    elif c >= 0.0:
        return _FAR
    if abs(w) > 1e-12:
        one, two = (low - z) / w, (high - z) / w
        enter, leave = max(enter, min(one, two)), min(leave, max(one, two))
    elif z < low or z > high:
        return _FAR
    if inside:
        return max(leave, 0.0)
    return enter if leave > enter and enter > 0.0 else _FAR


@jit_inline
def _inside(place: Triple, inner: Floats) -> bool:
    x, y, z = place
    return bool(x * x + y * y < inner[0] * inner[0] and inner[1] < z < inner[2])


@jit
def _leave(energy: float, cosine: float, kind: int, tally: Tally) -> None:
    """Count a photon that leaves the inner cylinder for good."""
    n_energies, n_cosines, _, _ = tally.left.shape
    i = min(int(energy / tally.kev_step), n_energies - 1)
    j = min(int(0.5 * (cosine + 1.0) * n_cosines), n_cosines - 1)
    tally.left[i, j, kind, 0] += 1.0
    tally.left[i, j, kind, 1] += energy


@jit
def _score(place: Triple, way: Triple, span: tuple[float, float], value: float, kind: int, tally: Tally) -> float:
    """Score the points of one flight; return how far behind its end the next one lies."""
    at, end = span
    n_radii, n_cosines, _ = tally.kerma.shape
    while at < end:
        x, y, z = place[0] + at * way[0], place[1] + at * way[1], place[2] + at * way[2]
        r2 = x * x + y * y + z * z
        r = np.sqrt(r2)
        i = int(r * tally.per_mm)
        if i < n_radii:
            j = min(int(0.5 * (z / r + 1.0) * n_cosines), n_cosines - 1)
            tally.kerma[i, j, kind] += value
        at += tally.step_mm
    return at - end


@jit_inline
def _start(state: np.uint64, core: Core) -> tuple[np.uint64, float, Triple, Triple]:
    state, one = uniform(state)
    level = one * len(core.limit)
    line = min(int(level), len(core.limit) - 1)
    if level - line >= core.limit[line]:
        line = core.alias[line]
    x, y, r2 = 0.0, 0.0, 2.0
    while r2 > 1.0:
        state, one = uniform(state)
        state, two = uniform(state)
        x, y = 2.0 * one - 1.0, 2.0 * two - 1.0
        r2 = x * x + y * y
    state, one = uniform(state)
    state, u, v, w = isotropic(state)
    place = (x * core.radius_mm, y * core.radius_mm, (one - 0.5) * core.length_mm)
    return state, core.energy_kev[line], place, (u, v, w)


@jit_inline
def _history(state: np.uint64, core: Core, tables: PhotonTables, bodies: Revolved, tally: Tally) -> None:
    """Follow one photon to its end."""
    state, energy, (x, y, z), (u, v, w) = _start(state, core)
    state, one = uniform(state)
    ahead = one * tally.step_mm
    kind = 0
    scores, counts = tally.kerma.shape[0] > 0, tally.left.shape[0] > 0
    inside = _inside((x, y, z), bodies.inner)
    while energy > tables.cutoff_kev:
        row, fraction = energy_place(energy, tables)
        low, high = tally.response[row, 0], tally.response[row + 1, 0]
        value = float(low + fraction * (high - low))
        border = _to_border((x, y, z), (u, v, w), inside, bodies.inner)
        while True:
            column = 0 if inside else 1
            first, second = float(bodies.majorant[row, column]), float(bodies.majorant[row + 1, column])
            majorant = first + fraction * (second - first)
            state, one = uniform(state)
            flight = -np.log(one) / majorant if majorant > 0.0 else _FAR
            crosses = border < flight
            flight = min(min(border + _BEYOND_MM, flight) if crosses else flight, 3.0 * bodies.reach_mm)
            if scores:
                ahead = _score((x, y, z), (u, v, w), (ahead, flight), value, kind, tally)
            x, y, z = x + flight * u, y + flight * v, z + flight * w
            if crosses:
                if inside and counts:
                    _leave(energy, w, kind, tally)
                    return
                inside = not inside
                border = _to_border((x, y, z), (u, v, w), inside, bodies.inner)
                continue
            if x * x + y * y + z * z > bodies.reach_mm * bodies.reach_mm:
                return
            border -= flight
            here = _solid_at(x, y, z, bodies)
            medium, density = bodies.medium[here], bodies.density[here]
            state, two = uniform(state)
            total = float(tables.total[row, medium])
            total += fraction * (float(tables.total[row + 1, medium]) - total)
            level = two * majorant
            if level < density * total:
                break
        kind = 1
        state, energy, u, v, w = collided(state, level / density, (row, fraction, medium), energy, (u, v, w), tables)


@jit
def revolved_histories(
    first: int, last: int, key: np.uint64, core: Core, tables: PhotonTables, bodies: Revolved, tally: Tally
) -> None:
    """Follow photons from a core.

    Parameters
    ----------
    first, last : int
        Numbers of histories.
    key : uint64
        Of seed and batch.
    core : Core
    tables : PhotonTables
    bodies : Revolved
    tally : Tally
        What leaves the inner cylinder, or the kerma of primary and scattered photons by radius and angle.
    """
    for history in range(first, last):
        _history(stream(key, history), core, tables, bodies, tally)


@jit
def uncollided_rows(
    first: int,
    last: int,
    points_mm: Floats,
    starts_mm: Floats,
    bodies: Revolved,
    mu_per_mm: Floats,
    weight: Floats,
    out: Floats,
) -> None:
    """Write the kerma of photons that reach a point without a collision: rays from places of the core, in small steps.

    Parameters
    ----------
    first, last : int
        Numbers of points.
    points_mm : (n, 3) array
        Outside the inner cylinder.
    starts_mm : (n_starts, 3) array
    bodies : Revolved
        Nothing but the surroundings is outside the inner cylinder.
    mu_per_mm : (n_lines, n_solids + 1) array
        Of every line in every solid and in the surroundings.
    weight : (n_lines,) array
        Kerma at 1 mm without attenuation.
    out : (n,) array
    """
    n_lines, n_media = mu_per_mm.shape
    lengths = np.empty(n_media)
    for p in range(first, last):
        total = 0.0
        for s in range(len(starts_mm)):
            x, y, z = starts_mm[s, 0], starts_mm[s, 1], starts_mm[s, 2]
            u, v, w = points_mm[p, 0] - x, points_mm[p, 1] - y, points_mm[p, 2] - z
            r2 = u * u + v * v + w * w
            r = np.sqrt(r2)
            u, v, w = u / r, v / r, w / r
            inner = min(r, _to_border((x, y, z), (u, v, w), True, bodies.inner)) if bodies.inner[0] > 0.0 else 0.0
            lengths[:] = 0.0
            lengths[n_media - 1] = r - inner
            steps = int(inner / _MARCH_MM) + 1
            step = inner / steps
            for k in range(steps):
                at = (k + 0.5) * step
                lengths[_solid_at(x + at * u, y + at * v, z + at * w, bodies)] += step
            for line in range(n_lines):
                depth = 0.0
                for m in range(n_media):
                    depth += mu_per_mm[line, m] * lengths[m]
                total += weight[line] * np.exp(-depth) / r2
        out[p] = total / len(starts_mm)
