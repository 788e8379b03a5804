"""How little dose there can be anywhere in a box: a linear lower bound with a proven remainder.

The rate of one dwell is R = m G: G_L is the mean of 1/distance^2 over the active core, m = scale g_L F the rest, which
is piecewise smooth. With x = c + d in the box, |d| <= rho, and D the distance of the box from the core:

* the Hessian of 1/s^2 has the least eigenvalue -2/s^4, so G(x) >= G(c) + grad G(c) d - rho^2 / D^4;
* m(x) >= m(c) + grad m d - rho osc, where osc bounds how much the gradient of m changes within the box: over the table
  cells touched, and by the turning of its directions;
* |grad m| rho |grad G| rho <= slope rho^2 2 / D^3 bounds what their product leaves over.

Hence R(x) >= R(c) + grad R(c) d - [m rho^2 / D^4 + slope 2 rho^2 / D^3 + osc rho / D^2]. The gradient at c is taken by
central differences: a mean of gradients within the box, enlarged by their step. Where the box may touch the capsule a
constant lower bound is used.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit
from hdrplan.kernels.interp import cell_of
from hdrplan.kernels.tg43 import Tables, anisotropy, geometry_factor, radial_dose, rate_per_u

__all__ = ["linear_bound_rows"]

Floats = npt.NDArray[np.float64]

_STEP_MM = 1e-3
_WORST_FRAC = 0.2


@jit
def _gradient_change(r: float, theta: float, away: float, rho: float, t: Tables) -> tuple[float, float, float]:
    """Bounds of |grad (g F)| and of its change within rho of a point, 1/mm; and the least g F there."""
    low, high = r - rho, r + rho
    turn = min(math.pi, math.asin(min(1.0, rho / r)))
    # g and its slope
    g_min, g_max, s_min, s_max = 1e300, -1e300, 0.0, 0.0
    first = cell_of(t.g_r_mm, low)
    last = cell_of(t.g_r_mm, high)
    for j in range(first, last + 1):
        slope = (t.g[j + 1] - t.g[j]) / (t.g_r_mm[j + 1] - t.g_r_mm[j])
        if j == first:
            s_min, s_max = slope, slope
        s_min, s_max = min(s_min, slope), max(s_max, slope)
        g_min, g_max = min(g_min, t.g[j], t.g[j + 1]), max(g_max, t.g[j], t.g[j + 1])
    if low < t.g_r_mm[0]:
        s_min, s_max = min(s_min, 0.0), max(s_max, 0.0)
    # F and its slopes
    f_min, f_max = 1e300, -1e300
    fr_min, fr_max, ft_min, ft_max = 1e300, -1e300, 1e300, -1e300
    for i in range(cell_of(t.f_theta_rad, theta - turn), cell_of(t.f_theta_rad, theta + turn) + 1):
        wide = t.f_theta_rad[i + 1] - t.f_theta_rad[i]
        for j in range(cell_of(t.f_r_mm, low), cell_of(t.f_r_mm, high) + 1):
            deep = t.f_r_mm[j + 1] - t.f_r_mm[j]
            for k in range(2):
                slope = (t.f[i + 1, j + k] - t.f[i, j + k]) / wide
                ft_min, ft_max = min(ft_min, slope), max(ft_max, slope)
                slope = (t.f[i + k, j + 1] - t.f[i + k, j]) / deep
                fr_min, fr_max = min(fr_min, slope), max(fr_max, slope)
                f_min = min(f_min, t.f[i + k, j], t.f[i + k, j + 1])
                f_max = max(f_max, t.f[i + k, j], t.f[i + k, j + 1])
    if low < t.f_r_mm[0] or high > t.f_r_mm[len(t.f_r_mm) - 1]:
        fr_min, fr_max = min(fr_min, 0.0), max(fr_max, 0.0)
    s_abs, fr_abs = max(abs(s_min), abs(s_max)), max(abs(fr_min), abs(fr_max))
    ft_abs = max(abs(ft_min), abs(ft_max))
    along = s_abs * f_max + g_max * fr_abs
    across = g_max * ft_abs / low
    change = (s_max - s_min) * f_max + s_abs * (f_max - f_min) + (g_max - g_min) * fr_abs + g_max * (fr_max - fr_min)
    change += ((g_max - g_min) * ft_abs + g_max * (ft_max - ft_min)) / low + g_max * ft_abs * (1.0 / low - 1.0 / high)
    # The radial direction turns by rho / low, the polar one round the axis as well.
    round_ = min(2.0, rho / (away - rho)) if away > rho else 2.0
    change += along * rho / low + across * min(2.0, rho / low + round_)
    return along + across, change, g_min * f_min


@jit
def _one_dwell(along: float, away: float, rho: float, least_m: float, t: Tables) -> tuple[bool, float]:
    """Whether the linear bound holds for this dwell, and its remainder; else a constant lower bound. Per U, in Gy/s."""
    half = 0.5 * t.length_mm
    beyond = max(0.0, abs(along) - half)
    core = math.sqrt(beyond * beyond + away * away) - rho
    touches = away - rho <= t.capsule_radius_mm and along + rho >= t.capsule_low_mm and along - rho <= t.capsule_high_mm
    r = math.sqrt(along * along + away * away)
    if touches or core < rho or r < 2.0 * rho:
        # G falls with the distance along and away; inside the capsule the rate is that of its side wall.
        wall = t.capsule_radius_mm
        far = geometry_factor(abs(along) + rho, max(away + rho, wall), t.length_mm)
        inside = away + rho < wall and along + rho <= t.capsule_high_mm and along - rho >= t.capsule_low_mm
        r = math.sqrt(along * along + wall * wall)
        if inside and r > 2.0 * rho:
            _, _, least_m = _gradient_change(r, math.atan2(wall, along), wall, rho, t)
        return False, t.scale * least_m * far
    theta = math.atan2(away, along)
    slope, change, least_m = _gradient_change(r, theta, away, rho, t)
    m = radial_dose(r, t) * anisotropy(r, theta, t)[0]
    d2 = core * core
    rest = m * rho * rho / (d2 * d2) + 2.0 * slope * rho * rho / (d2 * core) + change * rho / d2
    # Near a dwell the remainder outgrows the rate: the constant is the better bound there.
    if rest > _WORST_FRAC * m / (r * r):
        return False, t.scale * least_m * geometry_factor(abs(along) + rho, away + rho, t.length_mm)
    return True, t.scale * rest


@jit
def linear_bound_rows(
    first: int,
    last: int,
    centres: Floats,
    rho: Floats,
    frame: Floats,
    positions: Floats,
    axes: Floats,
    weights: Floats,
    least_m: float,
    t: Tables,
    out: Floats,
) -> None:
    """Rows ``first:last`` of (value, slope along three directions, remainder) of the dose's linear lower bound.

    Parameters
    ----------
    centres : (n, 3) array
    rho : (n,) array
        Half the diagonal of each box, mm.
    frame : (3, 3) array
        Column k is the k-th direction.
    weights : (n_dwells,) array
        Strength times dwell time, U s.
    least_m : float
        Least value of g F in the tables.
    out : (n, 5) array
        Dose >= out[0] + out[1:4] @ d - out[4] Gy for |d| <= rho, d in the directions of ``frame``.
    """
    for i in range(first, last):
        for c in range(5):
            out[i, c] = 0.0
        reach = rho[i] + _STEP_MM
        for k in range(len(positions)):
            dx, dy, dz = (
                centres[i, 0] - positions[k, 0],
                centres[i, 1] - positions[k, 1],
                centres[i, 2] - positions[k, 2],
            )
            ax, ay, az = axes[k, 0], axes[k, 1], axes[k, 2]
            along = dx * ax + dy * ay + dz * az
            away = math.sqrt((dx - along * ax) ** 2 + (dy - along * ay) ** 2 + (dz - along * az) ** 2)
            linear, rest = _one_dwell(along, away, reach, least_m, t)
            if not linear:
                out[i, 0] += weights[k] * rest
                continue
            out[i, 0] += weights[k] * rate_per_u(along, away, t)[0]
            out[i, 4] += weights[k] * rest
            for c in range(3):
                both = 0.0
                for side in range(2):
                    step = _STEP_MM if side == 0 else -_STEP_MM
                    ex, ey, ez = dx + step * frame[0, c], dy + step * frame[1, c], dz + step * frame[2, c]
                    a = ex * ax + ey * ay + ez * az
                    w = math.sqrt((ex - a * ax) ** 2 + (ey - a * ay) ** 2 + (ez - a * az) ** 2)
                    rate = rate_per_u(a, w, t)[0]
                    both += rate if side == 0 else -rate
                out[i, 1 + c] += weights[k] * both / (2.0 * _STEP_MM)
