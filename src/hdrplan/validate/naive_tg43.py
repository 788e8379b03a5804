"""TG-43U1 as a student writes it from the report's equations: NumPy and the math module, one point at a time.

Shares nothing with the kernels: the angle beta is the difference of the two angles to the core's ends, the tables are
read by ``numpy.interp``, rows first.
"""

from __future__ import annotations

import math

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.geometry import Dwells
from hdrplan.sources import TG43Source

__all__ = ["geometry_factor", "rate", "rates"]


def geometry_factor(r_mm: float, theta: float, length_mm: float) -> float:
    """Return G_L(r, theta) of a line source, 1 / mm2 (TG-43U1 eq. 4).

    Parameters
    ----------
    r_mm : float
    theta : float
        rad; 0 at the tip.
    length_mm : float
        Active length.
    """
    if math.sin(theta) < 1e-6:  # the difference of two almost equal angles below has no digits left
        return 1.0 / (r_mm**2 - length_mm**2 / 4.0)
    along, away = r_mm * math.cos(theta), r_mm * math.sin(theta)
    beta = math.atan2(along + length_mm / 2.0, away) - math.atan2(along - length_mm / 2.0, away)
    return beta / (length_mm * away)


def rate(point: FloatArray, position: FloatArray, axis: FloatArray, source: TG43Source, strength_u: float) -> float:
    """Return Gy / s at one point from one dwell (TG-43U1 eq. 1), inside the tabulated range or held at its ends.

    Parameters
    ----------
    point, position : (3,) arrays
        mm.
    axis : (3,) array
        Unit vector toward the source's tip.
    source : TG43Source
    strength_u : float
    """
    away_from = point - position
    along = float(away_from @ axis)
    away = float(np.linalg.norm(np.cross(away_from, axis)))
    capsule = source.capsule
    half_mm = source.active_length_mm / 2.0 + capsule.radius_mm
    if away < capsule.radius_mm and min(capsule.cable_z_mm, -half_mm) <= along <= max(capsule.tip_z_mm, half_mm):
        away = capsule.radius_mm
    r_mm, theta = math.hypot(along, away), math.atan2(away, along)
    g_table = source.radial_r_mm, source.radial_dose
    g = float(np.interp(r_mm, *g_table))
    if r_mm > g_table[0][-1]:
        (r1, r2), (g1, g2) = g_table[0][-2:], g_table[1][-2:]
        g = g2 * (g2 / g1) ** ((r_mm - r2) / (r2 - r1))
    by_angle = [np.interp(r_mm, source.anisotropy_r_mm, row) for row in source.anisotropy]
    f = float(np.interp(theta, source.anisotropy_theta_rad, by_angle))
    shape = geometry_factor(r_mm, theta, source.active_length_mm)
    shape /= geometry_factor(10.0, math.pi / 2.0, source.active_length_mm)
    return strength_u * source.dose_rate_constant_gy_per_s_per_u * shape * g * f


def rates(dwells: Dwells, points: FloatArray, source: TG43Source, strength_u: float) -> FloatArray:
    """Return the rates of all dwells at all points, Gy / s.

    Parameters
    ----------
    dwells : Dwells
    points : (n_points, 3) array
        mm.
    source : TG43Source
    strength_u : float

    Returns
    -------
    (n_points, n_dwells) array
    """
    return np.array(
        [
            [rate(p, q, a, source, strength_u) for q, a in zip(dwells.positions_mm, dwells.axes, strict=True)]
            for p in points
        ]
    )
