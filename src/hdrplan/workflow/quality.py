"""How good a plan is beside the best of its case: what :func:`hdrplan.workflow.plan_quality` takes and returns."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hdrplan.arrays import FloatArray, freeze
from hdrplan.optimize import Front, WorkLimit
from hdrplan.plan import Goal, Plan
from hdrplan.workflow.quality_limits import Doses

__all__ = ["CoverageGain", "PlanQuality", "QualityOptions", "SparingGain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityOptions:
    """Choices of :func:`plan_quality`.

    Parameters
    ----------
    limits : tuple of Goal, optional
        Of level 0 (:func:`hdrplan.workflow.limits_of_clinic`); None: no organ may get more than in the plan.
    sample_mm : float
        Edge of the cubes in which structures are sampled.
    time_step_s : float
        The afterloader's resolution.
    proof : WorkLimit
        Of the bound where a dose-volume limit binds, for each optimum.
    picture : bool
        Compute the trade-off between D100 and the healthy organ's dose too.
    """

    limits: tuple[Goal, ...] | None = None
    sample_mm: float = 1.0
    time_step_s: float = 0.1
    proof: WorkLimit = field(default_factory=lambda: WorkLimit(seconds=10.0))
    picture: bool = True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoverageGain:
    """How much higher D100 of one CTV could be: the healthy organ's dose as it is, no organ above its limit.

    The other CTVs keep their D100.

    Parameters
    ----------
    structure : str
    plan_lower_gy, plan_upper_gy : float
        D100 of the plan lies between these: no point receives less, some point receives at most this.
    possible_gy : float
        Every point receives at least this with ``times_s``: proven. The plan's own where no better one was found; NaN
        where that breaks limits, and no plan was found that holds them.
    bound_gy : float
        No plan from these positions has a higher D100.
    times_s : (n_dwells,) array
        Deliverable times that reach it.
    binding : tuple of str
        The limits that keep D100 from being higher, the strongest first.
    """

    structure: str
    plan_lower_gy: float
    plan_upper_gy: float
    possible_gy: float
    bound_gy: float
    times_s: FloatArray
    binding: tuple[str, ...]

    def __post_init__(self) -> None:
        freeze(self, "times_s", (None,))

    @property
    def at_least_gy(self) -> float:
        """So much more D100 is possible: proven by a plan. 0 where none was found."""
        return max(0.0, float(np.nan_to_num(self.possible_gy)) - self.plan_upper_gy)

    @property
    def at_most_gy(self) -> float:
        """More than this is impossible: proven by the bound."""
        return max(self.at_least_gy, self.bound_gy - self.plan_lower_gy)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SparingGain:
    """How much less the healthy organ could get, with the D100 of every CTV and no organ above its limit.

    Parameters
    ----------
    objective, unit : str
        "mean dose of liver" and "Gy", or "total time" and "s" where no healthy organ is known.
    plan : float
        Of the plan.
    possible : float
        Of the deliverable ``times_s``. The plan's own where no better one was found; NaN where that breaks limits, and
        no plan was found that holds them at every D100.
    bound : float
        No plan with these D100 has less. Infinite where none has them within the limits; 0 where nothing is proven.
    times_s : (n_dwells,) array
    binding : tuple of str
    """

    objective: str
    unit: str
    plan: float
    possible: float
    bound: float
    times_s: FloatArray
    binding: tuple[str, ...]

    def __post_init__(self) -> None:
        freeze(self, "times_s", (None,))

    @property
    def at_least_frac(self) -> float:
        """So much less is possible, as a fraction of the plan's: proven by a plan. 0 where none was found."""
        return 0.0 if np.isnan(self.possible) else max(0.0, 1.0 - self.possible / self.plan)

    @property
    def at_most_frac(self) -> float:
        """More than this cannot be saved: proven by the bound."""
        return max(self.at_least_frac, 1.0 - min(self.bound, self.plan) / self.plan)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlanQuality:
    """A plan beside the best plans of the same case and catheters.

    Parameters
    ----------
    plan : Plan
    limits : tuple of Goal
        What the optima do not exceed.
    as_in_plan : bool
        Whether these are the plan's own doses.
    broken : tuple of Goal
        Limits of the clinic that the plan itself does not hold.
    coverage : tuple of CoverageGain
        One for each CTV.
    sparing : SparingGain
    doses : mapping
        "plan", "sparing", and the CTV of each coverage -> doses.
    fronts : mapping
        CTV -> trade-off between its D100 and the healthy organ's dose; empty without a picture.
    offered, active : int
        Positions that the plan lists, and those with a time above 0.
    longest_s : float
        Longest time at one position in the plans that the bounds speak of.
    seconds : mapping
        Step -> wall time.
    """

    plan: Plan
    limits: tuple[Goal, ...]
    as_in_plan: bool
    broken: tuple[Goal, ...]
    coverage: tuple[CoverageGain, ...]
    sparing: SparingGain
    doses: dict[str, Doses]
    fronts: dict[str, Front]
    offered: int
    active: int
    longest_s: float
    seconds: dict[str, float]
