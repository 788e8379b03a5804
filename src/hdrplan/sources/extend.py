"""What a published TG-43 table does not say: blank cells of F, and radii beyond its end.

References
----------
Perez-Calatayud J et al., AAPM and ESTRO report 229, Med Phys 2012;39:2904, and its corrigendum: beyond the last radius
F is extrapolated linearly from the last two radii; below the first radius the nearest value holds.
Taylor REP, Rogers DWO, Med Phys 2008;35:4933: g to 20 cm in full-scatter water.
"""

from __future__ import annotations

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray

__all__ = ["REACH_MM", "anisotropy_to", "blanks_filled", "radial_dose_to"]

REACH_MM = 200.0
"""Every loaded source reaches this far, whatever its publication does."""


def blanks_filled(theta_rad: FloatArray, f: FloatArray) -> FloatArray:
    """Fill the blank cells of F, which lie inside capsule and cable next to the two poles.

    A radius takes its course over the angle from the next larger radius r', scaled so that it meets its own printed
    cells: F(r, theta) = F(r', theta) s(theta), where s is the ratio F(r) / F(r') of the nearest printed angle (linear
    between two). Where there is no larger radius, F of the nearest printed angle holds. So the interpolation beside a
    blank neither jumps at the tip (the nearest angle alone would put F(55 degrees) = 0.99 there) nor forgets the radius
    (as the nearest radius alone would).

    Parameters
    ----------
    theta_rad : (n_theta,) array
    f : (n_theta, n_r) array
        Blank cells are NaN; every radius has printed cells.

    Returns
    -------
    (n_theta, n_r) array
    """
    filled = f.copy()
    outer = np.ones(len(f))
    for j in range(f.shape[1] - 1, -1, -1):
        printed = np.isfinite(f[:, j])
        scale = np.interp(theta_rad, theta_rad[printed], f[printed, j] / outer[printed])
        filled[:, j] = np.where(printed, f[:, j], outer * scale)
        outer = filled[:, j]
    return filled


def anisotropy_to(
    reach_mm: float, r_mm: FloatArray, f: FloatArray, filled: BoolArray
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Add a column at ``reach_mm``, linear from the last two radii, but never across F = 1.

    Over 10 cm the straight line through two noisy values can pass 1, where scatter only brings F toward it.

    Parameters
    ----------
    reach_mm : float
    r_mm : (n_r,) array
    f, filled : (n_theta, n_r) array
        F, and its cells that were not published.

    Returns
    -------
    r_mm, f, filled : arrays
        With one column more, which counts as filled; as given where they reach so far.
    """
    if r_mm[-1] >= reach_mm:
        return r_mm, f, filled
    slope = (f[:, -1] - f[:, -2]) / (r_mm[-1] - r_mm[-2])
    far = f[:, -1] + slope * (reach_mm - r_mm[-1])
    far = np.where(f[:, -1] <= 1.0, np.minimum(far, 1.0), np.maximum(far, 1.0))
    return (
        np.append(r_mm, reach_mm),
        np.column_stack([f, far]),
        np.column_stack([filled, np.ones(len(far), dtype=np.bool_)]),
    )


def radial_dose_to(
    reach_mm: float, r_mm: FloatArray, g: FloatArray, shape_r_mm: FloatArray, shape_g: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Continue g with the shape of another table, scaled to meet its last value.

    Parameters
    ----------
    reach_mm : float
    r_mm, g : (n,) array
    shape_r_mm, shape_g : (m,) array
        g of the other table, which reaches ``reach_mm``.

    Returns
    -------
    r_mm, g : (n + k,) array
        As given where they reach so far.
    """
    if r_mm[-1] >= reach_mm:
        return r_mm, g
    further = shape_r_mm[(shape_r_mm > r_mm[-1]) & (shape_r_mm <= reach_mm)]
    scale = g[-1] / np.interp(r_mm[-1], shape_r_mm, shape_g)
    return np.append(r_mm, further), np.append(g, scale * np.interp(further, shape_r_mm, shape_g))
