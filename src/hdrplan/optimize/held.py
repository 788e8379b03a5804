"""What the plans of a bound hold in the place of goals that cannot be met."""

from __future__ import annotations

from dataclasses import dataclass

from hdrplan.optimize.objectives import NamedGoal

__all__ = ["Held"]


@dataclass(frozen=True, slots=True)
class Held:
    """A goal that the plans of a bound hold less than in full.

    Parameters
    ----------
    goal : NamedGoal
        A prescription or another lower limit on a CTV that gave way, or a goal of a priority level that is missed.
    limit : float
        Dose in Gy, or time in s, as before times were rounded. Of a goal on a volume: the dose to that volume.
    """

    goal: NamedGoal
    limit: float

    @property
    def unit(self) -> str:
        """Of the limit."""
        return "s" if self.goal.goal.metric.kind == "total_time" else "Gy"

    @property
    def text(self) -> str:
        """As a goal: "lesion D100 >= 18.21 Gy"; "liver V5Gy <= 16 % at 6.2 Gy" where the goal names a volume."""
        goal, metric = self.goal.goal, self.goal.goal.metric
        limit = f"{self.limit:.5g} {self.unit}"
        if metric.kind.startswith("dose_") or metric.kind == "total_time":
            return f"{goal.structure} {metric.text} {goal.sense} {limit}"
        return f"{self.goal.label} at {limit}"
