"""One photon at a time through voxels and through solids of revolution: Woodcock flights on hdrplan's streams.

Shares the draws with the kernels and therefore every history; borders and chords come from all surfaces that a ray
meets, put in order, and points along a track are placed one by one.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from naive.collisions import between, collided, isotropic, row_of, turned
from naive.streams import Stream, mixed

_FAR = 1e30


def aliased(stream: Stream, limit, alias) -> int:
    """A kind from Walker's table."""
    whole = stream.uniform() * len(limit)
    kind = int(whole)
    return kind if whole % 1.0 < limit[kind] else int(alias[kind])


def voxel_histories(first: int, last: int, key: int, emitted, tables, box, scoring) -> tuple[int, np.ndarray]:
    """Number of collisions, and what is scored."""
    score, collisions = np.zeros(scoring.score.shape), 0
    for history in range(first, last):
        level = (history * 0.6180339887498949 + (mixed(key) >> 11) / 2**53) % 1.0
        dwell = next(i for i, up_to in enumerate(emitted.cumulative) if level <= up_to)
        collisions += _through_voxels(Stream.of_history(key, history), dwell, emitted, tables, box, scoring, score)
    return collisions, score


def _through_voxels(stream, dwell, emitted, tables, box, scoring, score) -> int:
    kind = aliased(stream, emitted.limit, emitted.alias)
    cosine = emitted.cosine[kind, 0] + stream.uniform() * np.ptp(emitted.cosine[kind])
    place = emitted.position_mm[dwell] + (stream.uniform() - 0.5) * emitted.length_mm * emitted.axis[dwell]
    way, energy = turned(stream, cosine, emitted.axis[dwell]), float(emitted.energy_kev[kind])
    collisions, ahead, weight, been_out = 0, 0.0, 1.0, False
    while energy > tables.cutoff_kev:
        row, fraction = row_of(energy, tables)
        response = between(scoring.response, row, fraction)
        while True:
            majorant = between(box.own if been_out else box.majorant, row, fraction)[0]
            flight = -np.log(stream.uniform()) / majorant
            if collisions:
                while ahead < flight:
                    cell = np.floor((place + ahead * way - scoring.low_mm) * scoring.per_mm).astype(int)[::-1]
                    if (cell >= 0).all() and (cell < score.shape[:3]).all():
                        score[tuple(cell)] += weight * response
                    ahead += scoring.step_mm
                ahead -= flight
            place = place + flight * way
            code = code_at(place, box)
            if code is None:
                return collisions
            cell = np.floor(place * box.per_mm)[::-1]
            outside = bool((cell < 0).any() or (cell >= box.codes.shape).any())
            been_out = been_out or outside
            level, density, medium = stream.uniform() * majorant, code % 2**24 * 2e-6, code // 2**24
            if level < density * between(tables.total, row, fraction)[medium]:
                break
        collisions += 1
        if outside and weight == 1.0:
            if stream.uniform() >= box.kept:
                return collisions
            weight = 1.0 / box.kept
        if collisions == 1:
            ahead = stream.uniform() * scoring.step_mm
        energy, way = collided(stream, level / density, energy, medium, way, tables)
    return collisions


def code_at(place, box) -> int | None:
    """Code of a place; None where photons leave for good."""
    cell = np.floor(place * box.per_mm).astype(int)[::-1]
    if (cell >= 0).all() and (cell < box.codes.shape).all():
        return int(box.codes[tuple(cell)])
    held = (place > box.reach_mm[0]).all() and (place < box.reach_mm[1]).all()
    return int(box.outside) if held and int(box.outside) % 2**24 > 0 else None


def solid_of(place, bodies) -> int:
    """Number of the first solid that holds a place."""
    for i, (low, high, first, second, ball) in enumerate(bodies.solid):
        if not low <= place[2] < high:
            continue
        radius = np.interp(place[2], [low, high], [first, second])
        if ball > 0.0:
            radius = np.sqrt(max(0.0, ball**2 - (place[2] - low) ** 2))
        if np.hypot(place[0], place[1]) < radius:
            return i
    return len(bodies.solid)


def _crossings(place, way, low, high, square) -> list[float]:
    """Where a ray meets two planes across z and the surface x^2 + y^2 = c0 + c1 z + c2 z^2."""
    out = [(plane - place[2]) / way[2] for plane in (low, high) if way[2] != 0.0]
    z = np.polynomial.Polynomial([place[2], way[2]])
    across = sum(np.polynomial.Polynomial([place[i], way[i]]) ** 2 for i in (0, 1))
    roots = (across - square[0] - square[1] * z - square[2] * z**2).roots()
    return out + [float(root.real) for root in roots if abs(root.imag) == 0.0]


def border(place, way, inside: bool, inner) -> float:
    """Distance to where a ray changes sides of the inner cylinder."""
    radius, low, high = inner
    if radius <= 0.0:
        return _FAR
    along = sorted(t for t in _crossings(place, way, low, high, (radius**2, 0.0, 0.0)) if t > 0.0)
    for t, after in pairwise([*along, _FAR]):
        middle = place + (t + after) / 2.0 * way
        if bool(np.hypot(middle[0], middle[1]) < radius and low < middle[2] < high) != inside:
            return t
    return _FAR


def revolved_histories(first: int, last: int, key: int, core, tables, bodies, tally) -> tuple[np.ndarray, np.ndarray]:
    """What leaves the inner cylinder, and the kerma by radius and cosine."""
    left, kerma = np.zeros(tally.left.shape), np.zeros(tally.kerma.shape)
    for history in range(first, last):
        _through_solids(Stream.of_history(key, history), core, tables, bodies, tally, left, kerma)
    return left, kerma


def _through_solids(stream, core, tables, bodies, tally, left, kerma) -> None:
    energy = float(core.energy_kev[aliased(stream, core.limit, core.alias)])
    x, y = 2.0, 2.0
    while x * x + y * y > 1.0:
        x, y = 2.0 * stream.uniform() - 1.0, 2.0 * stream.uniform() - 1.0
    place = np.array([x * core.radius_mm, y * core.radius_mm, (stream.uniform() - 0.5) * core.length_mm])
    way = isotropic(stream)
    ahead, kind = stream.uniform() * tally.step_mm, 0
    radius, low, high = bodies.inner
    inside = bool(np.hypot(place[0], place[1]) < radius and low < place[2] < high)
    while energy > tables.cutoff_kev:
        row, fraction = row_of(energy, tables)
        value = between(tally.response, row, fraction)[0]
        while True:
            majorant = between(bodies.majorant, row, fraction)[0 if inside else 1]
            log, edge = -np.log(stream.uniform()), border(place, way, inside, bodies.inner)
            flight = log / majorant if majorant > 0.0 else _FAR
            crosses = edge < flight
            flight = min(flight, edge + 1e-7 if crosses else _FAR, 3.0 * bodies.reach_mm)
            while ahead < flight:
                _count_point(place + ahead * way, value, kind, tally, kerma)
                ahead += tally.step_mm
            ahead -= flight
            place = place + flight * way
            if crosses and inside and len(left):
                i, j = int(energy // tally.kev_step), int((way[2] + 1.0) / 2.0 * left.shape[1])
                left[min(i, len(left) - 1), min(j, left.shape[1] - 1), kind] += (1.0, energy)
                return
            if crosses:
                inside = not inside
                continue
            if np.linalg.norm(place) > bodies.reach_mm:
                return
            solid = solid_of(place, bodies)
            level, density, medium = stream.uniform() * majorant, bodies.density[solid], int(bodies.medium[solid])
            if level < density * between(tables.total, row, fraction)[medium]:
                break
        kind = 1
        energy, way = collided(stream, level / density, energy, medium, way, tables)


def _count_point(point, value, kind, tally, kerma) -> None:
    r = float(np.linalg.norm(point))
    i = int(r * tally.per_mm)
    if i < len(kerma):
        j = min(int((point[2] / r + 1.0) / 2.0 * kerma.shape[1]), kerma.shape[1] - 1)
        kerma[i, j, kind] += value


def uncollided(point, starts, bodies, mu_per_mm, weight) -> float:
    """Kerma at a point without collisions: exact chords, the mean over starts."""
    total = 0.0
    for start in starts:
        r = float(np.linalg.norm(point - start))
        way, cuts = (point - start) / r, [0.0, r]
        for low, high, first, second, ball in bodies.solid:
            slope = (second - first) / (high - low)
            zero = first - slope * low
            square = (zero**2, 2.0 * zero * slope, slope**2)
            cuts += _crossings(start, way, low, high, (ball**2 - low**2, 2.0 * low, -1.0) if ball > 0.0 else square)
        cuts = sorted(np.clip(cuts, 0.0, r))
        depth = np.zeros(len(weight))
        for a, b in pairwise(cuts):
            depth += mu_per_mm[:, solid_of(start + (a + b) / 2.0 * way, bodies)] * (b - a)
        total += float(np.sum(weight * np.exp(-depth))) / r**2
    return total / len(starts)
