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

__all__ = ["AlongAway", "Capsule", "Kind", "TG43Source"]

Kind = Literal["consensus", "single study", "generic", "user"]


@dataclass(frozen=True, slots=True)
class Capsule:
    """Outer dimensions; z = 0 is the centre of the active core, +z the tip."""

    radius_mm: float
    tip_z_mm: float
    cable_z_mm: float
    cable_radius_mm: float


@dataclass(frozen=True, slots=True, eq=False)
class AlongAway:
    """A published along-away table, in Gy / s / U; along > 0 is toward the tip; blank cells are NaN."""

    along_mm: FloatArray
    away_mm: FloatArray
    gy_per_s_per_u: FloatArray  # [away, along]

    def __post_init__(self) -> None:
        freeze(self, "along_mm", (None,))
        freeze(self, "away_mm", (None,))
        freeze(self, "gy_per_s_per_u", (len(self.away_mm), len(self.along_mm)), finite=False)


@dataclass(frozen=True, slots=True, eq=False)
class TG43Source:
    """Data of the TG-43U1 line-source (2D) formalism for one source model.

    The tables have no blank cells and reach at least 200 mm. What was published ends at ``table_r_max_mm``; what lies
    beyond, and the cells marked in ``anisotropy_filled``, follows from the rules of :mod:`hdrplan.sources.extend`.

    Parameters
    ----------
    anisotropy : (n_theta, n_r) array
        F(r, theta); theta = 0 is the tip.
    anisotropy_filled : (n_theta, n_r) bool array
        Cells that were blank in the publication (inside capsule or cable) or lie beyond its last radius.
    table_r_max_mm : float
        Last radius that both g and F were published for; beyond it a dose is ``extrapolated``.
    """

    name: str
    model: str
    manufacturer: str
    kind: Kind
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
    table_r_max_mm: float
    half_life_days: float
    capsule: Capsule
    along_away: AlongAway | None = None
    note: str = ""

    def __post_init__(self) -> None:
        freeze(self, "radial_r_mm", (None,))
        freeze(self, "radial_dose", (len(self.radial_r_mm),))
        freeze(self, "anisotropy_r_mm", (None,))
        freeze(self, "anisotropy_theta_rad", (None,))
        shape = (len(self.anisotropy_theta_rad), len(self.anisotropy_r_mm))
        freeze(self, "anisotropy", shape)
        freeze(self, "anisotropy_filled", shape, dtype="bool")
