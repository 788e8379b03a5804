"""What is minimised, and how a goal is named: the words come last."""

from __future__ import annotations

from dataclasses import dataclass

from hdrplan.plan import Goal

__all__ = ["Coverage", "DoseLost", "GoalId", "MeanDose", "NamedGoal", "Objective", "RelativeMiss", "TotalTime"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalId:
    """Name of a goal among all goals of a plan; it does not change when the goal's limit does.

    Parameters
    ----------
    structure : str
        "plan" for the total time.
    metric : str
        As written: "D1cc".
    level : int
        0 is hard.
    repeat : int
        0 for the first goal on this structure, metric and level, 1 for the second.
    """

    structure: str
    metric: str
    level: int
    repeat: int = 0


@dataclass(frozen=True, slots=True)
class NamedGoal:
    """A goal as the clinic wrote it, and its name among all goals of the plan."""

    id: GoalId
    goal: Goal

    @property
    def label(self) -> str:
        """Structure and goal in words: "duodenum Dmax <= 12 Gy"."""
        return f"{self.goal.structure} {self.goal.text}"


@dataclass(frozen=True, slots=True)
class MeanDose:
    """Volume-weighted mean dose of a structure."""

    structure: str
    unit = "Gy"

    @property
    def text(self) -> str:
        """The objective in words."""
        return f"mean dose of {self.structure}"


@dataclass(frozen=True, slots=True)
class TotalTime:
    """Sum of the dwell times."""

    unit = "s"
    text = "total time"


@dataclass(frozen=True, slots=True)
class DoseLost:
    """Sum of the Gy by which prescriptions, and other lower limits on CTVs, are missed.

    Parameters
    ----------
    metric : str
        "D100" where there is only one; empty for a sum.
    """

    metric: str
    unit = "Gy"

    @property
    def text(self) -> str:
        """The objective in words."""
        return f"{self.metric} lost" if self.metric else "sum of dose lost"


@dataclass(frozen=True, slots=True)
class RelativeMiss:
    """Sum of the misses of one priority level's goals, each as a fraction of its limit."""

    level: int
    goals: tuple[NamedGoal, ...]
    unit = ""

    @property
    def text(self) -> str:
        """The objective in words."""
        return f"level {self.level}, relative miss of {'; '.join(goal.label for goal in self.goals)}"


@dataclass(frozen=True, slots=True)
class Coverage:
    """Minimum dose of the CTVs: what the limits cost where a prescription was lowered."""

    unit = "Gy"
    text = "D100"


Objective = MeanDose | TotalTime | DoseLost | RelativeMiss | Coverage
