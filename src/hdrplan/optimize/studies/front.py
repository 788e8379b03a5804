"""A trade-off surface: the axes that span it, and the plan of each combination of limits."""

from __future__ import annotations

from dataclasses import dataclass

from hdrplan.arrays import FloatArray, freeze
from hdrplan.errors import InputError
from hdrplan.optimize.bounded import Bounded

__all__ = ["Axis", "Front", "FrontPlan"]


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """One limit that is varied.

    Parameters
    ----------
    structure : str
        "plan" for the total time.
    metric : str
        D100 or Dmin of a CTV, Dmax or Dmean of any structure, time.
    values : (n,) array
        Limits in Gy (s for the time); at least (D100, Dmin) or at most.
    """

    structure: str
    metric: str
    values: FloatArray

    def __post_init__(self) -> None:
        freeze(self, "values", (None,))
        if len(self.values) == 0 or (self.values <= 0).any():
            raise InputError("an axis needs values above 0", got=self.values.tolist(), where=self.label)

    @property
    def label(self) -> str:
        """Structure and metric."""
        return "total time" if self.structure == "plan" else f"{self.structure} {self.metric}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrontPlan:
    """The plan at one combination of limits.

    Parameters
    ----------
    limits : (n_axes,) array
    times_s : (n_dwells,) array
    cost : Bounded
        Main objective, value and bound both recomputed from the rate matrix.
    violation_frac : float
        Largest violation over all points, as a fraction of the limit.
    left_out_met : tuple of bool
        Whether the plan meets each hard dose-volume goal.
    """

    limits: FloatArray
    times_s: FloatArray
    cost: Bounded
    violation_frac: float
    left_out_met: tuple[bool, ...]

    def __post_init__(self) -> None:
        freeze(self, "limits", (None,))
        freeze(self, "times_s", (None,))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Front:
    """Plans over a grid of limits, at least one.

    Parameters
    ----------
    axes : tuple of Axis
    limits : (n_combinations, n_axes) array
        Every combination of the axes' values, the last axis fastest.
    combinations : tuple of FrontPlan or None
        The plan of each; None where its limits are proven to exclude each other.
    rows_used : int
        The most that a solver held.
    left_out : tuple of str
        Hard dose-volume goals, which are not convex: the plans were not made for them, only judged by them.
    """

    axes: tuple[Axis, ...]
    limits: FloatArray
    combinations: tuple[FrontPlan | None, ...]
    rows_used: int
    left_out: tuple[str, ...]

    def __post_init__(self) -> None:
        freeze(self, "limits", (len(self.combinations), len(self.axes)))

    @property
    def plans(self) -> tuple[FrontPlan, ...]:
        """The combinations that are possible."""
        return tuple(plan for plan in self.combinations if plan is not None)

    @property
    def objective(self) -> str:
        """What all plans minimise: "mean dose of liver"."""
        return self.plans[0].cost.text

    @property
    def unit(self) -> str:
        """Of the objective."""
        return self.plans[0].cost.unit

    @property
    def gap_frac(self) -> float:
        """Largest relative gap of all plans."""
        return max(plan.cost.gap_frac for plan in self.plans)

    @property
    def text(self) -> str:
        """One line for the terminal and the report."""
        plans, impossible = self.plans, self.combinations.count(None)
        worst = max(plan.violation_frac for plan in plans)
        return (
            f"{len(plans)} plans with minimum {self.objective}, each proven within {100 * self.gap_frac:.2g} % and "
            f"checked on all points (largest violation of a limit {100 * worst:.2g} %); "
            f"{impossible} combinations of limits proven impossible; {self.rows_used} rows used"
        )
