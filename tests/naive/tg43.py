"""TG-43U1 from its definitions: a core of many points, tables read row by row.

``t`` is any object with the tables of one source as plain arrays: ``scale`` (Lambda over G(1 cm, 90 degrees)),
``length_mm``, ``g_r_mm``, ``g``, ``f_r_mm``, ``f_theta_rad``, ``f``, ``near_mm``, ``far_mm``, ``unpublished`` and the
capsule's ``capsule_radius_mm``, ``capsule_low_mm``, ``capsule_high_mm``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

# Gauss's points on the core: at half a millimetre from a core of 3.5 mm the rule has converged to the last digit.
_PLACES, _PARTS = np.polynomial.legendre.leggauss(100)


def geometry_factor(along: float, away: float, length_mm: float) -> float:
    """1/mm^2: the mean of 1 / distance^2 over an active line (what TG-43U1, eq. 4, is the closed form of)."""
    from_core2 = (along - _PLACES * length_mm / 2) ** 2 + away**2
    return float((_PARTS / 2 / from_core2).sum())


def radial_dose(r_mm: float, t: Any) -> float:
    """g_L between the published radii, held below them, exponential through the last two beyond (AAPM report 229)."""
    if r_mm > t.g_r_mm[-1]:
        (r1, r2), (g1, g2) = t.g_r_mm[-2:], t.g[-2:]
        return float(g2 * math.exp(math.log(g2 / g1) * (r_mm - r2) / (r2 - r1)))
    return float(np.interp(r_mm, t.g_r_mm, t.g))


def anisotropy(r_mm: float, theta_rad: float, t: Any) -> float:
    """F: each angle's row read at r, then read at theta; held at the ends of the table."""
    by_angle = [np.interp(r_mm, t.f_r_mm, row) for row in t.f]
    return float(np.interp(theta_rad, t.f_theta_rad, by_angle))


def published(r_mm: float, theta_rad: float, t: Any) -> bool:
    """Whether the tables hold the value: a radius that was published, a cell without blanks."""
    angle, radius = cell_of(t.f_theta_rad, theta_rad), cell_of(t.f_r_mm, r_mm)
    return bool(t.near_mm <= r_mm <= t.far_mm and not t.unpublished[angle, radius])


def cell_of(table: np.ndarray, value: float) -> int:
    """Count the entries that the value has reached; the first or last cell outside."""
    reached = sum(1 for entry in table if entry <= value)
    return min(max(reached - 1, 0), len(table) - 2)


def angle(along: float, away: float) -> float:
    """Theta, 0 at the tip, from its cosine; the angle of the tangent where that has more digits."""
    return math.acos(along / math.hypot(along, away)) if away > abs(along) else math.atan2(away, along)


def in_capsule(along: float, away: float, t: Any) -> bool:
    return bool(away < t.capsule_radius_mm and t.capsule_low_mm <= along <= t.capsule_high_mm)


def at_wall(along: float, away: float, t: Any) -> float:
    """Distance from the axis; inside the capsule, that of its side wall: TG-43 describes water."""
    return float(t.capsule_radius_mm) if in_capsule(along, away, t) else away


def rate(along: float, away: float, t: Any) -> float:
    """Gy / s / U (TG-43U1, eq. 1)."""
    away = at_wall(along, away, t)
    r_mm, theta = math.hypot(along, away), angle(along, away)
    shape = radial_dose(r_mm, t) * anisotropy(r_mm, theta, t)
    return float(t.scale * geometry_factor(along, away, t.length_mm) * shape)


def rate_is_published(along: float, away: float, t: Any) -> bool:
    """Nobody publishes a dose inside the capsule."""
    return not in_capsule(along, away, t) and published(math.hypot(along, away), angle(along, away), t)


def place(point: np.ndarray, axis: np.ndarray) -> tuple[float, float]:
    """Along the axis and away from it, by projection."""
    along = float(np.dot(point, axis))
    return along, float(np.linalg.norm(point - along * axis))


def rates(points: np.ndarray, positions: np.ndarray, axes: np.ndarray, t: Any) -> np.ndarray:
    """(n_points, n_dwells) in Gy / s / U."""
    return np.array(
        [[rate(*place(p - q, a), t) for q, a in zip(positions, axes, strict=True)] for p in points]
    ).reshape(len(points), len(positions))


def doses(points: np.ndarray, positions: np.ndarray, axes: np.ndarray, weights: np.ndarray, t: Any) -> np.ndarray:
    """Gy at each point; ``weights`` are strength times dwell time, U s."""
    return rates(points, positions, axes, t) @ weights


def unpublished_doses(
    points: np.ndarray, positions: np.ndarray, axes: np.ndarray, weights: np.ndarray, t: Any
) -> np.ndarray:
    """Gy at each point from those dwells whose value there nobody published."""
    gy = rates(points, positions, axes, t) * weights
    for i, p in enumerate(points):
        for k, (q, a) in enumerate(zip(positions, axes, strict=True)):
            gy[i, k] *= not rate_is_published(*place(p - q, a), t)
    return gy.sum(axis=1)


def all_published(points: np.ndarray, positions: np.ndarray, axes: np.ndarray, t: Any) -> np.ndarray:
    """Whether every dwell's value at each point was published."""
    dwells = list(zip(positions, axes, strict=True))
    return np.array([all(rate_is_published(*place(p - q, a), t) for q, a in dwells) for p in points])


def grid_points(origin: np.ndarray, steps: np.ndarray, shape_zyx: tuple[int, int, int]) -> np.ndarray:
    """Voxel centres, x fastest: the origin and whole steps along the three indices."""
    nz, ny, nx = shape_zyx
    return np.array(
        [origin + i * steps[0] + j * steps[1] + k * steps[2] for k in range(nz) for j in range(ny) for i in range(nx)]
    )


def lattice_in_box(n: int) -> np.ndarray:
    """Places of a dense lattice in [-1, 1]^3, corners included."""
    axis = np.linspace(-1.0, 1.0, n)
    return np.array([[x, y, z] for x in axis for y in axis for z in axis])


def chebyshev_guess(values: np.ndarray, nodes: np.ndarray, at: np.ndarray) -> float:
    """Polynomial through values (z, y, x) at a product of nodes, by solving for its coefficients.

    ``nodes`` are those of one axis on [-1, 1], ``at`` a place (x, y, z) there.
    """
    powers = np.vander(nodes, increasing=True)
    n = len(nodes)
    coefficients = np.einsum("ai,bj,ck,ijk->abc", *[np.linalg.inv(powers)] * 3, values)
    x, y, z = (np.array([place**k for k in range(n)]) for place in at)
    return float(np.einsum("abc,a,b,c->", coefficients, z, y, x))
