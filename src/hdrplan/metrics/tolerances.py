"""Tolerances of a comparison of two doses: a planning system's and a recomputed one."""

from __future__ import annotations

from dataclasses import dataclass, field

from hdrplan.metrics.gamma import GammaCriteria

__all__ = ["Tolerances"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerances:
    """What passes. The defaults are this program's, not a protocol's: put the clinic's own into a file.

    Parameters
    ----------
    trak_frac, point_frac, median_frac, dvh_frac : float
        Largest differences: of the reference air kerma, of reference points, of the grid's median, of DVH metrics.
    point_mm : float
        A point also passes where a shift of this length explains its difference.
    gamma_pass_frac : float
        Smallest part of the points with gamma at most 1.
    threshold_frac : float
        Grid points below this part of the prescription are left out.
    gamma : GammaCriteria
    """

    trak_frac: float = 0.001
    point_frac: float = 0.02
    point_mm: float = 0.5
    median_frac: float = 0.01
    dvh_frac: float = 0.03
    gamma_pass_frac: float = 0.95
    threshold_frac: float = 0.1
    gamma: GammaCriteria = field(default_factory=GammaCriteria)
