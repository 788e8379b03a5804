"""The TG-43 description of one source model, in house units (mm, s, Gy, U, rad).

References
----------
Rivard MJ et al., Update of AAPM Task Group No. 43 Report, Med Phys 2004;31:633 (TG-43U1).
Perez-Calatayud J et al., AAPM and ESTRO report 229, Med Phys 2012;39:2904 (high-energy sources).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hdrplan.arrays import BoolArray, FloatArray, freeze

__all__ = ["AlongAway", "Capsule", "TG43Source"]


@dataclass(frozen=True, slots=True)
class Capsule:
    """Outer dimensions; z = 0 is the centre of the active core, +z the tip."""

    radius_mm: float
    tip_z_mm: float
    cable_z_mm: float
    cable_radius_mm: float


@dataclass(frozen=True, slots=True, eq=False)
class AlongAway:
    """A published along-away table, in Gy / s / U; blank cells are NaN."""

    along_mm: FloatArray
    away_mm: FloatArray
    gy_per_s_per_u: FloatArray  # [away, along]

    def __post_init__(self) -> None:
        freeze(self, "along_mm", (None,))
        freeze(self, "away_mm", (None,))
        freeze(self, "gy_per_s_per_u", (None, None), finite=False)


@dataclass(frozen=True, slots=True, eq=False)
class TG43Source:
    """Data of the TG-43U1 line-source (2D) formalism for one source model.

    ``anisotropy[i_theta, i_r]`` has no blank cells: blanks inside capsule and cable are filled from the
    nearest tabulated angle and marked in ``anisotropy_filled``.
    """

    name: str
    model: str
    manufacturer: str
    kind: Literal["consensus", "single study", "generic", "user"]
    citation: str
    provenance: str
    dose_rate_constant_gy_per_s_per_u: float  # Lambda / 3600 / 100 of the published cGy / h / U
    active_length_mm: float
    radial_r_mm: FloatArray
    radial_dose: FloatArray
    anisotropy_r_mm: FloatArray
    anisotropy_theta_rad: FloatArray
    anisotropy: FloatArray
    anisotropy_filled: BoolArray
    half_life_days: float
    capsule: Capsule
    along_away: AlongAway | None = None

    def __post_init__(self) -> None:
        freeze(self, "radial_r_mm", (None,))
        freeze(self, "radial_dose", (None,))
        freeze(self, "anisotropy_r_mm", (None,))
        freeze(self, "anisotropy_theta_rad", (None,))
        freeze(self, "anisotropy", (None, None))
        freeze(self, "anisotropy_filled", (None, None), dtype="bool")
