"""What a published TG-43 table does not say: blank cells of F, and radii beyond its end.

References
----------
Perez-Calatayud J et al., AAPM and ESTRO report 229, Med Phys 2012;39:2904: below the first radius the nearest value
holds. (For radii beyond the last its corrigendum takes straight lines and exponentials; see decision 0010.)
Taylor REP, Rogers DWO, Med Phys 2008;35:4933: g and F to 20 cm in full-scatter water.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, freeze
from hdrplan.door import Entries

__all__ = ["REACH_MM", "FarWater", "anisotropy_to", "blanks_filled", "far_water", "radial_dose_to"]

REACH_MM = 400.0
"""Every loaded source reaches this far, whatever its publication does: no body holds a point farther from a dwell."""

# Where columns of F are added: a straight line between two of them is within 0.3 % of the law.
_COLUMNS_MM = np.array([75.0, 100.0, 125.0, 150.0, 175.0, 200.0, 250.0, 300.0, 400.0])


@dataclass(frozen=True, slots=True, eq=False)
class FarWater:
    """How g and F go on in water without an end; fitted by ``tools/make_far_water.py``.

    Parameters
    ----------
    radial_r_mm, radial_dose : (n,) array
        Shape of g from 80 mm to :data:`REACH_MM`, to a constant factor: primary dose of the lines of Ir-192 times a
        build-up.
    anisotropy_a_mm : float
        a of the law of F: 1 - F falls as 1 / (r + a), for scatter comes from all round.
    """

    radial_r_mm: FloatArray
    radial_dose: FloatArray
    anisotropy_a_mm: float

    def __post_init__(self) -> None:
        freeze(self, "radial_r_mm", (None,))
        freeze(self, "radial_dose", (len(self.radial_r_mm),))


@cache
def far_water() -> FarWater:
    """Return the packaged laws."""
    path = resources.files("hdrplan.sources") / "far_water.json"
    entries = Entries(json.loads(path.read_text(encoding="utf-8")), "far_water.json")
    return FarWater(
        10.0 * entries.array("r_cm", (None,)), entries.array("g", (None,)), 10.0 * entries.number("anisotropy_a_cm")
    )


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
    """Add columns to ``reach_mm``: each angle relaxes toward F = 1 by the law of :class:`FarWater`.

    Parameters
    ----------
    reach_mm : float
    r_mm : (n_r,) array
    f, filled : (n_theta, n_r) array
        F, and its cells that were not published.

    Returns
    -------
    r_mm, f, filled : arrays
        With more columns, which count as filled; as given where they reach so far.
    """
    further = _COLUMNS_MM[(1.01 * r_mm[-1] < _COLUMNS_MM) & (reach_mm >= _COLUMNS_MM)]
    a_mm = far_water().anisotropy_a_mm
    left = (a_mm + r_mm[-1]) / (a_mm + further)
    return (
        np.append(r_mm, further),
        np.column_stack([f, 1.0 - (1.0 - f[:, -1:]) * left]),
        np.column_stack([filled, np.ones((len(f), len(further)), dtype=np.bool_)]),
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
