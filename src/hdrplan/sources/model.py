"""The TG-43 description of one source model, in house units (mm, s, Gy, U, rad).

References
----------
Rivard MJ et al., Update of AAPM Task Group No. 43 Report, Med Phys 2004;31:633 (TG-43U1).
Perez-Calatayud J et al., AAPM and ESTRO report 229, Med Phys 2012;39:2904 (high-energy sources).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, freeze
from hdrplan.brief import brief_repr
from hdrplan.errors import InputError

__all__ = ["AlongAway", "Capsule", "SourceKind", "TG43Source"]

SourceKind = Literal["consensus", "single study", "generic", "user"]

# What Ir-192 sources have, in house units; the record of a source is checked for the same ranges in published units.
_RANGES = {
    "dose_rate_constant_gy_per_s_per_u": (0.79 / 360_000.0, 1.41 / 360_000.0),
    "active_length_mm": (0.19, 15.1),
    "half_life_days": (73.0, 75.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Capsule:
    """Outer dimensions of a source; z = 0 is the centre of the active core, +z the tip.

    Parameters
    ----------
    radius_mm : float
    tip_z_mm, cable_z_mm : float
        Where capsule and cable end; ``cable_z_mm`` is negative.
    cable_radius_mm : float
    """

    radius_mm: float
    tip_z_mm: float
    cable_z_mm: float
    cable_radius_mm: float


@dataclass(frozen=True, slots=True, eq=False)
class AlongAway:
    """A published along-away table; blank cells are NaN.

    Parameters
    ----------
    along_mm : (n_along,) array
        Along the source; above 0 toward the tip.
    away_mm : (n_away,) array
        From its axis.
    gy_per_s_per_u : (n_away, n_along) array
    """

    along_mm: FloatArray
    away_mm: FloatArray
    gy_per_s_per_u: FloatArray

    def __post_init__(self) -> None:
        freeze(self, "along_mm", (None,))
        freeze(self, "away_mm", (None,))
        freeze(self, "gy_per_s_per_u", (len(self.away_mm), len(self.along_mm)), finite=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TG43Source:
    """Data of the TG-43U1 line-source (2D) formalism for one source model.

    The tables have no blank cells; a loaded source reaches 400 mm. What was published ends at ``table_r_max_mm``; what
    lies beyond, and the cells marked in ``anisotropy_filled``, follows from the rules of :mod:`hdrplan.sources.extend`.

    Parameters
    ----------
    name, model, manufacturer : str
        ``name`` is the short one of lists and files.
    kind : {"consensus", "single study", "generic", "user"}
    citation, provenance : str
        The publication of the data, and where they were taken from.
    dose_rate_constant_gy_per_s_per_u : float
        Lambda: the published cGy / h / U divided by 360,000.
    active_length_mm : float
        L.
    radial_r_mm, radial_dose : (n,) array
        g(r).
    anisotropy_r_mm : (n_r,) array
    anisotropy_theta_rad : (n_theta,) array
        From 0 (tip) to pi (cable).
    anisotropy : (n_theta, n_r) array
        F(r, theta).
    anisotropy_filled : (n_theta, n_r) bool array
        Cells that were blank in the publication (inside capsule or cable) or lie beyond its last radius.
    table_r_max_mm : float
        Last radius that both g and F were published for; beyond it a dose is ``extrapolated``.
    half_life_days : float
    capsule : Capsule
    along_away : AlongAway, optional
    note : str

    Raises
    ------
    InputError
        Tables of other shapes, an axis that does not rise, g or F not positive, a constant that no Ir-192 source has.
    """

    name: str
    model: str
    manufacturer: str
    kind: SourceKind
    citation: str
    provenance: str
    dose_rate_constant_gy_per_s_per_u: float
    active_length_mm: float
    radial_r_mm: FloatArray
    radial_dose: FloatArray
    anisotropy_r_mm: FloatArray
    anisotropy_theta_rad: FloatArray
    anisotropy: FloatArray
    anisotropy_filled: BoolArray
    table_r_max_mm: float
    half_life_days: float
    capsule: Capsule
    along_away: AlongAway | None = None
    note: str = ""

    __repr__ = brief_repr

    def __post_init__(self) -> None:
        freeze(self, "radial_r_mm", (None,))
        freeze(self, "radial_dose", (len(self.radial_r_mm),))
        freeze(self, "anisotropy_r_mm", (None,))
        freeze(self, "anisotropy_theta_rad", (None,))
        shape = (len(self.anisotropy_theta_rad), len(self.anisotropy_r_mm))
        freeze(self, "anisotropy", shape)
        freeze(self, "anisotropy_filled", shape, dtype="bool")
        for axis in ("radial_r_mm", "anisotropy_r_mm", "anisotropy_theta_rad"):
            values = getattr(self, axis)
            if len(values) < 2 or values[0] < 0.0 or not (np.diff(values) > 0.0).all():
                raise InputError(f"{axis} must rise from 0 or above", where=self.name)
        if abs(self.anisotropy_theta_rad[0]) > 1e-9 or abs(self.anisotropy_theta_rad[-1] - np.pi) > 1e-9:
            raise InputError("anisotropy_theta_rad must run from 0 (tip) to pi (cable)", where=self.name)
        if not (self.radial_dose.min() > 0.0 and self.anisotropy.min() > 0.0):
            raise InputError("g and F must be positive", where=self.name)
        for field, (low, high) in _RANGES.items():
            value = getattr(self, field)
            if not low <= value <= high:
                raise InputError(f"{field} must lie between {low:g} and {high:g}", got=f"{value:g}", where=self.name)
