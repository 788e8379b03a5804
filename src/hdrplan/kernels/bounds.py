"""How little dose there can be anywhere in a box: a linear lower bound with a proven remainder.

The rate of one dwell is R = scale G M: G_L is the mean of 1/s^2 over the active core, M = g_L F. With x = c + d in the
box, |d| <= rho:

* G. From 1/(1 + q) >= 1 - q, for every core point at distance s of c: 1/|x|^2 >= 1/s^2 - 2 c d/s^4 - rho^2/s^4. So
  G(x) >= G(c) + grad G d - rho^2/s^4 with the shortest s; the centre's, not the box's.
* M. g is piecewise linear in r, F in r and theta. Each is the polynomial of the cell of c, continued, plus a kink at
  every table entry crossed: kinks where the slope rises only add; where it falls by j, a passage of e beyond the entry
  takes at most j e. The polynomial g F is smooth: half rho^2 times the negative part of its Hessian. On the axis, where
  F has a cone, the cone points down as long as F rises away from the axis, and only adds.
* Their product. G M >= (G(c) + grad G d)(M(c) + grad M d) - remainders, and the product of the two slopes is at least
  -rho^2 (|grad G| |grad M| - grad G grad M)/2.

Where a box is large beside its distance a constant lower bound is used. In the capsule the rate is that of the side
wall beside the point, as in :mod:`hdrplan.kernels.tg43`; a box half in it takes the lower of both bounds.

What a bound lies below the dose in the middle of its box is a part of its remainder, too: where the remainder is small
the bound is near the dose everywhere in the box.
"""

from __future__ import annotations

import math

import numpy as np

from hdrplan.kernels._jit import jit, jit_inline
from hdrplan.kernels.interp import cell_of
from hdrplan.kernels.tg43 import Tables, geometry_factor, radial_dose

__all__ = ["one_dwell"]

# A remainder above this part of the rate: the constant bound is taken, which is near it there and simpler.
_WORST_FRAC = 0.3
# Nearer to the axis than this (mm) G's slope away from it has no digits; it is below 2 away / s^4: remainder.
_ON_AXIS_MM = 1e-6
# Rounding of some hundred operations in float64, as a part of the rate.
_ROUNDING_FRAC = 1e-11


@jit_inline
def _radial(r: float, rho: float, t: Tables) -> tuple[float, float, float]:
    """Return g and its slope at r, and what the kinks within rho may take."""
    x, y = t.g_r_mm, t.g
    j = cell_of(x, r)
    slope = (y[j + 1] - y[j]) / (x[j + 1] - x[j])
    up, down = 0.0, 0.0
    k, before = j + 1, slope
    while k < len(x) - 1 and x[k] < r + rho:
        after = (y[k + 1] - y[k]) / (x[k + 1] - x[k])
        up += max(0.0, before - after) * (r + rho - x[k])
        before = after
        k += 1
    k, after = j, slope
    while k > 0 and x[k] > r - rho:
        before = (y[k] - y[k - 1]) / (x[k] - x[k - 1])
        down += max(0.0, before - after) * (x[k] - (r - rho))
        after = before
        k -= 1
    return y[j] + slope * (r - x[j]), slope, max(up, down)


@jit
def _lowest_radial(r: float, rho: float, t: Tables) -> float:
    """Return the lowest g within rho of r."""
    lowest = min(radial_dose(r - rho, t), radial_dose(r + rho, t))
    for k in range(cell_of(t.g_r_mm, r - rho), cell_of(t.g_r_mm, r + rho) + 1):
        if abs(t.g_r_mm[k] - r) < rho:
            lowest = min(lowest, t.g[k])
    return lowest


@jit_inline
def _angle_slope(i: int, j: int, t: Tables) -> float:
    """Slope of F in theta within cell i, at table radius j, 1/rad."""
    return float((t.f[i + 1, j] - t.f[i, j]) / (t.f_theta_rad[i + 1] - t.f_theta_rad[i]))


@jit_inline
def _angle_kink(i: int, first: int, last: int, t: Tables) -> float:
    """By how much the slope in theta falls at most at entry i, for table radii first to last."""
    worst = 0.0
    for j in range(first, last + 1):
        worst = max(worst, _angle_slope(i - 1, j, t) - _angle_slope(i, j, t))
    return worst


@jit_inline
def _angle_kinks(theta: float, turn: float, i: int, first: int, last: int, t: Tables) -> float:
    """Return what the kinks in theta within ``turn`` may take from F."""
    up, down = 0.0, 0.0
    k = i + 1
    while k < len(t.f_theta_rad) - 1 and t.f_theta_rad[k] < theta + turn:
        up += _angle_kink(k, first, last, t) * (theta + turn - t.f_theta_rad[k])
        k += 1
    k = i
    while k > 0 and t.f_theta_rad[k] > theta - turn:
        down += _angle_kink(k, first, last, t) * (t.f_theta_rad[k] - (theta - turn))
        k -= 1
    return max(up, down)


@jit_inline
def _depth_slope(i: int, j: int, theta: float, t: Tables) -> float:
    """Slope of F in r within radius cell j, on the line through theta cell i at an angle that may lie beyond it."""
    u = (theta - t.f_theta_rad[i]) / (t.f_theta_rad[i + 1] - t.f_theta_rad[i])
    near = t.f[i, j] + u * (t.f[i + 1, j] - t.f[i, j])
    far = t.f[i, j + 1] + u * (t.f[i + 1, j + 1] - t.f[i, j + 1])
    return float((far - near) / (t.f_r_mm[j + 1] - t.f_r_mm[j]))


@jit_inline
def _depth_kinks(r: float, rho: float, low: float, high: float, i: int, j: int, t: Tables) -> float:
    """Return what the kinks in r within rho may take from F; the worst angle is ``low`` or ``high``."""
    up, down = 0.0, 0.0
    k = j + 1
    while k < len(t.f_r_mm) - 1 and t.f_r_mm[k] < r + rho:
        fall = max(
            _depth_slope(i, k - 1, low, t) - _depth_slope(i, k, low, t),
            _depth_slope(i, k - 1, high, t) - _depth_slope(i, k, high, t),
        )
        up += max(0.0, fall) * (r + rho - t.f_r_mm[k])
        k += 1
    k = j
    while k > 0 and t.f_r_mm[k] > r - rho:
        fall = max(
            _depth_slope(i, k - 1, low, t) - _depth_slope(i, k, low, t),
            _depth_slope(i, k - 1, high, t) - _depth_slope(i, k, high, t),
        )
        down += max(0.0, fall) * (t.f_r_mm[k] - (r - rho))
        k -= 1
    return max(up, down)


@jit
def _lowest_modifier(r: float, theta: float, rho: float, t: Tables) -> float:
    """Lowest g F within rho < r of a point."""
    turn = math.asin(rho / r)
    lowest = 1e300
    for i in range(cell_of(t.f_theta_rad, theta - turn), cell_of(t.f_theta_rad, theta + turn) + 2):
        for j in range(cell_of(t.f_r_mm, r - rho), cell_of(t.f_r_mm, r + rho) + 2):
            lowest = min(lowest, t.f[i, j])
    return lowest * _lowest_radial(r, rho, t)


@jit_inline
def _modifier(r: float, theta: float, away: float, rho: float, t: Tables) -> tuple[float, float, float, float, float]:
    """M = g F at a point, its slopes along r and theta (1/mm), its remainder within rho, and by how much it is too low.

    The remainder is infinite where no linear bound is known. At the axis a lower M stands for that at the point.
    """
    turn = math.asin(rho / r)
    low_r, high_r = r - rho, r + rho
    low, high = max(0.0, theta - turn), min(math.pi, theta + turn)
    g, g_slope, g_kinks = _radial(r, rho, t)
    i, j = cell_of(t.f_theta_rad, theta), cell_of(t.f_r_mm, r)
    first, last = j, j + 1
    while first > 0 and t.f_r_mm[first] > low_r:
        first -= 1
    while last < len(t.f_r_mm) - 1 and t.f_r_mm[last] <= high_r:
        last += 1
    f_kinks = _angle_kinks(theta, turn, i, first, last, t) + _depth_kinks(r, rho, low, high, i, j, t)
    # The bilinear polynomial of the cell: its slopes are linear, so their extremes lie at the ends.
    depth = t.f_r_mm[j + 1] - t.f_r_mm[j]
    here, there = _angle_slope(i, j, t), _angle_slope(i, j + 1, t)
    twist = (there - here) / depth
    f_theta = here + twist * (r - t.f_r_mm[j])
    theta_low, theta_high = f_theta - abs(twist) * rho, f_theta + abs(twist) * rho
    theta_abs, theta_there = max(abs(theta_low), abs(theta_high)), theta
    rises = (theta_low >= 0.0 and high <= 0.5 * math.pi) or (theta_high <= 0.0 and low >= 0.5 * math.pi)
    if away <= rho:
        # The axis passes. Where F rises from it nothing lies below the cone's tip, but the tangent plane of one side
        # does on the other; where F falls, then by no more than its slope allows.
        if rises:
            theta = 0.0 if theta < 0.5 * math.pi else math.pi
        else:
            f_kinks += theta_abs * turn
        f_theta = theta_abs = twist = 0.0
    f_r = _depth_slope(i, j, theta, t)
    f = t.f[i, j] + here * (theta - t.f_theta_rad[i]) + f_r * (r - t.f_r_mm[j])
    too_low = g * (here * (theta_there - theta) + (_depth_slope(i, j, theta_there, t) - f_r) * (r - t.f_r_mm[j]))
    r_abs = abs(f_r) + abs(twist) * turn
    f_high = f + r_abs * rho + theta_abs * turn
    g_high = g + abs(g_slope) * rho
    value, along_r, along_theta = g * f, g_slope * f + g * f_r, g * f_theta / r
    if g - abs(g_slope) * rho <= g_kinks or high_r > t.g_r_mm[len(t.g_r_mm) - 1]:
        return value, along_r, along_theta, np.inf, 0.0
    slope_r = abs(g_slope) * f_high + g_high * r_abs
    mixed = (abs(g_slope) * theta_abs + g_high * abs(twist)) / low_r + g_high * theta_abs / (low_r * low_r)
    # Round the axis F curves up where it rises away from the axis; else it counts.
    round_ = 0.0 if rises or away <= rho else g_high * theta_abs / (low_r * (away - rho))
    bend = max(2.0 * abs(g_slope) * r_abs + mixed, slope_r / low_r + max(mixed, round_))
    rest = 0.5 * rho * rho * bend + g_kinks * f_high + g_high * f_kinks
    return value, along_r, along_theta, rest, max(0.0, too_low)


@jit
def _constant(along: float, away: float, rho: float, lowest_m: float, t: Tables) -> float:
    """Return a lower bound without slopes: G falls with the distance along and away."""
    r = math.hypot(along, away)
    if r > 1.5 * rho:
        lowest_m = _lowest_modifier(r, math.atan2(away, along), rho, t)
    return t.scale * lowest_m * geometry_factor(abs(along) + rho, away + rho, t.length_mm)


@jit
def _formula(along: float, away: float, rho: float, lowest_m: float, t: Tables) -> tuple[float, float, float, float]:
    """Value, slopes along and away from the axis, and remainder of the formula's linear bound; per U, in Gy/s.

    A constant bound has neither slopes nor remainder.
    """
    half = 0.5 * t.length_mm
    beyond = max(0.0, abs(along) - half)
    core2, r = beyond * beyond + away * away, math.sqrt(along * along + away * away)
    core = math.sqrt(core2)
    if r < 2.0 * rho or core <= rho:
        return _constant(along, away, rho, lowest_m, t), 0.0, 0.0, 0.0
    m, m_r, m_theta, m_rest, too_low = _modifier(r, math.atan2(away, along), away, rho, t)
    value = geometry_factor(along, away, t.length_mm)
    # G = 1/L times the integral of 1/(away^2 + u^2) from u = along - L/2 to along + L/2.
    up, down = along + half, along - half
    near_up, near_down = 1.0 / (away * away + up * up), 1.0 / (away * away + down * down)
    g_along = (near_up - near_down) / t.length_mm
    g_away = -(value + (up * near_up - down * near_down) / t.length_mm) / away if away > _ON_AXIS_MM else 0.0
    cos, sin = along / r, away / r
    m_along, m_away = m_r * cos - m_theta * sin, m_r * sin + m_theta * cos
    g_steep, m_steep = math.sqrt(g_along**2 + g_away**2), math.sqrt(m_along**2 + m_away**2)
    cross = 0.5 * rho * rho * (g_steep * m_steep - g_along * m_along - g_away * m_away)
    rest = (
        rho * (rho + 2.0 * _ON_AXIS_MM) / core2**2 * (m + m_steep * rho)
        + m_rest / (core - rho) ** 2
        + cross
        + _ROUNDING_FRAC * value
    )
    if m_steep * rho > m or not rest <= _WORST_FRAC * m * value:
        return _constant(along, away, rho, lowest_m, t), 0.0, 0.0, 0.0
    return (
        t.scale * value * (m + too_low),
        t.scale * (g_along * m + value * m_along),
        t.scale * (g_away * m + value * m_away),
        t.scale * (rest + value * too_low),
    )


@jit_inline
def one_dwell(along: float, away: float, rho: float, lowest_m: float, t: Tables) -> tuple[float, float, float, float]:
    """Value, slopes along and away from the axis, and remainder of the rate's linear bound; per U, in Gy/s.

    Parameters
    ----------
    along, away : float
        Centre of the ball, mm.
    rho : float
        Its radius, mm.
    lowest_m : float
        Lowest value of g F in the tables.
    t : Tables
        From :func:`hdrplan.kernels.tg43.padded`.
    """
    wall = t.capsule_radius_mm
    if away - rho >= wall or along < t.capsule_low_mm - rho or along > t.capsule_high_mm + rho:
        return _formula(along, away, rho, lowest_m, t)
    # In the capsule the rate changes along the axis only, as it does on the wall.
    inner, inner_along, _, inner_rest = _formula(along, wall, rho, lowest_m, t)
    if away + rho < wall and t.capsule_low_mm + rho <= along <= t.capsule_high_mm - rho:
        return inner, inner_along, 0.0, inner_rest
    # Half in it: the lower of both bounds, and less by what the other may be below it somewhere in the ball.
    outer, outer_along, outer_away, outer_rest = _formula(along, away, rho, lowest_m, t)
    above = (outer - outer_rest) - (inner - inner_rest)
    turn = rho * math.hypot(outer_along - inner_along, outer_away)
    if above >= 0.0:
        return inner + above, inner_along, 0.0, inner_rest + max(above, turn)
    return outer - above, outer_along, outer_away, outer_rest + max(-above, turn)
