"""TG-43U1 line-source (2D) dose rate of one source: the float64 reference, one equation a function.

Positions are (along, away) in mm: along the source axis, positive toward the tip, from the centre of the active core;
away from the axis, never negative. The angle theta is 0 at the tip.

References
----------
Rivard MJ et al., Med Phys 2004;31:633, equations 1 to 6 (TG-43U1). Perez-Calatayud J et al., Med Phys 2012;39:2904
(AAPM and ESTRO report 229), extrapolation of g and F.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit
from hdrplan.kernels.interp import cell_of

__all__ = ["Stops", "Tables", "anisotropy", "geometry_factor", "padded", "place", "radial_dose", "rate_per_u"]

Floats = npt.NDArray[np.float64]


class Tables(NamedTuple):
    """One source as the kernels read it: read-only float64 arrays, mm, rad, Gy / s / U.

    ``scale`` is Lambda / G(1 cm, 90 degrees). Radii from ``near_mm`` to ``far_mm`` were published; ``unpublished``
    marks the cells between them that lean on a blank of the published F.
    """

    scale: float
    length_mm: float
    g_r_mm: Floats
    g: Floats
    f_r_mm: Floats
    f_theta_rad: Floats
    f: Floats  # [theta, r]
    near_mm: float
    far_mm: float
    unpublished: npt.NDArray[np.bool_]  # [theta cell, r cell]
    capsule_radius_mm: float
    capsule_low_mm: float
    capsule_high_mm: float


class Stops(NamedTuple):
    """Dwells with time as the kernels read them: read-only float64 arrays."""

    positions: Floats  # (n, 3), mm
    axes: Floats  # (n, 3), unit vectors toward the tip
    weights: Floats  # (n,), strength times dwell time, U s


@jit
def geometry_factor(along: float, away: float, length_mm: float) -> float:
    """G_L in 1 / mm^2: beta / (L r sin theta), or 1 / (r^2 - L^2 / 4) on the axis (TG-43U1, eq. 4).

    beta, the angle under which the core is seen, is taken from its tangent, L away / (r^2 - L^2 / 4): one arc tangent,
    no difference of two, hence no cancellation near the axis.

    Parameters
    ----------
    along, away : float
        mm.
    length_mm : float
        Active length L.
    """
    beyond = along * along + away * away - 0.25 * length_mm * length_mm
    if away == 0.0:
        return 1.0 / beyond
    across = length_mm * away
    return math.atan2(across, beyond) / across


@jit
def radial_dose(r_mm: float, t: Tables) -> float:
    """g_L(r): linear between table points, constant below the first, exponential through the last two beyond.

    Parameters
    ----------
    r_mm : float
    t : Tables
    """
    last = len(t.g_r_mm) - 1
    if r_mm <= t.g_r_mm[0]:
        return float(t.g[0])
    if r_mm >= t.g_r_mm[last]:
        fall = math.log(t.g[last - 1] / t.g[last]) / (t.g_r_mm[last] - t.g_r_mm[last - 1])
        return float(t.g[last] * math.exp(-fall * (r_mm - t.g_r_mm[last])))
    i = cell_of(t.g_r_mm, r_mm)
    w = (r_mm - t.g_r_mm[i]) / (t.g_r_mm[i + 1] - t.g_r_mm[i])
    return float(t.g[i] + w * (t.g[i + 1] - t.g[i]))


@jit
def anisotropy(r_mm: float, theta_rad: float, t: Tables) -> tuple[float, bool]:
    """F(r, theta): bilinear, constant below the first and beyond the last radius and angle of the table.

    Parameters
    ----------
    r_mm, theta_rad : float
    t : Tables

    Returns
    -------
    float
    bool
        Whether r is off the published table or the cell leans on a blank of it.
    """
    i = cell_of(t.f_theta_rad, theta_rad)
    j = cell_of(t.f_r_mm, r_mm)
    u = (theta_rad - t.f_theta_rad[i]) / (t.f_theta_rad[i + 1] - t.f_theta_rad[i])
    v = (r_mm - t.f_r_mm[j]) / (t.f_r_mm[j + 1] - t.f_r_mm[j])
    u = min(max(u, 0.0), 1.0)
    v = min(max(v, 0.0), 1.0)
    near = t.f[i, j] + u * (t.f[i + 1, j] - t.f[i, j])
    far = t.f[i, j + 1] + u * (t.f[i + 1, j + 1] - t.f[i, j + 1])
    return near + v * (far - near), r_mm < t.near_mm or r_mm > t.far_mm or t.unpublished[i, j]


@jit
def rate_per_u(along: float, away: float, t: Tables) -> tuple[float, bool]:
    """Dose rate to water in Gy / s / U (TG-43U1, eq. 1), and whether it rests on values that nobody published.

    TG-43 describes water outside the source. A point inside the capsule takes the value of the capsule's side wall at
    the same ``along``: finite everywhere, r = 0 included, and steady across the wall. It counts as unpublished.

    Parameters
    ----------
    along, away : float
        mm.
    t : Tables
    """
    inside = away < t.capsule_radius_mm and t.capsule_low_mm <= along <= t.capsule_high_mm
    if inside:
        away = t.capsule_radius_mm
    r_mm = math.sqrt(along * along + away * away)
    f, off = anisotropy(r_mm, math.atan2(away, along), t)
    return t.scale * geometry_factor(along, away, t.length_mm) * radial_dose(r_mm, t) * f, off or inside


@jit
def place(dx: float, dy: float, dz: float, ax: float, ay: float, az: float) -> tuple[float, float]:
    """(along, away) of a point that lies (dx, dy, dz) from a dwell with axis (ax, ay, az).

    ``away`` is the length of the perpendicular vector: the root of r^2 - along^2 loses half the digits near the axis.

    Parameters
    ----------
    dx, dy, dz : float
        mm.
    ax, ay, az : float
        Unit vector.
    """
    along = dx * ax + dy * ay + dz * az
    px, py, pz = dx - along * ax, dy - along * ay, dz - along * az
    return along, math.sqrt(px * px + py * py + pz * pz)


def padded(t: Tables) -> Tables:
    """Return the tables with entries at r = 0 and far out, theta = 0 and pi: the same values, no ends to care for.

    g falls exponentially beyond its last radius; there a constant bound is used.
    """
    g_r = np.concatenate(([0.0], t.g_r_mm)) if t.g_r_mm[0] > 0 else t.g_r_mm
    g = np.concatenate((t.g[:1], t.g)) if t.g_r_mm[0] > 0 else t.g
    low, high = int(t.f_r_mm[0] > 0), 1
    bottom, top = int(t.f_theta_rad[0] > 0), int(t.f_theta_rad[-1] < math.pi)
    f = np.pad(t.f, ((bottom, top), (low, high)), mode="edge")
    f_r = np.concatenate(([0.0][:low], t.f_r_mm, [1e6]))
    theta = np.concatenate(([0.0][:bottom], t.f_theta_rad, [math.pi][:top]))
    arrays = [np.ascontiguousarray(a) for a in (g_r, g, f_r, theta, f)]
    for a in arrays:
        a.setflags(write=False)
    g_r, g, f_r, theta, f = arrays
    return t._replace(g_r_mm=g_r, g=g, f_r_mm=f_r, f_theta_rad=theta, f=f)
