"""What a reader must know of a plan beside its certificate: numbers, and their sentence last."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from hdrplan.optimize.objectives import NamedGoal

__all__ = [
    "ConflictNotProven",
    "DwellsLeftOut",
    "EveryPoint",
    "LongestTimes",
    "MissedAfterRounding",
    "NoProof",
    "Note",
    "ProofEnd",
    "ProofRunning",
    "ProofWork",
    "Rounded",
    "StopsLengthened",
    "TimeNotProven",
    "TransitCounted",
]


@dataclass(frozen=True, slots=True)
class LongestTimes:
    """Dwells that stand at their longest time while a prescription is missed."""

    dwells: int
    of: int

    @property
    def text(self) -> str:
        """The note as a sentence."""
        return (
            f"{self.dwells} of {self.of} dwells have the longest time allowed: more dwell positions, another catheter "
            "or longer times would raise D100."
        )


@dataclass(frozen=True, slots=True)
class ConflictNotProven:
    """Goals were found to exclude each other by a search that is no proof."""

    text = (
        "It is not proven that these goals cannot all be met: dose-volume goals are not convex, so another plan may "
        "meet them."
    )


@dataclass(frozen=True, slots=True)
class TimeNotProven:
    """The last step of the sequence of goals was stopped."""

    text = "The total time is not proven to be the minimum."


class ProofEnd(Enum):
    """Why a proof ended: its bound came as near as was asked for, or the time or the work allowed was used up."""

    CLOSED = "closed"
    TIME = "time"
    WORK = "work"


@dataclass(frozen=True, slots=True)
class ProofWork:
    """Work of one proof with the dose-volume goals.

    Parameters
    ----------
    regions : int
        Parts of all plans that were bounded.
    seconds : float
    ended : ProofEnd
    """

    regions: int
    seconds: float
    ended: ProofEnd

    @property
    def text(self) -> str:
        """The note as a sentence."""
        end = {
            ProofEnd.CLOSED: "the required gap was reached",
            ProofEnd.TIME: "the time limit was reached",
            ProofEnd.WORK: "the limit of regions was reached",
        }[self.ended]
        return f"Proof with the dose-volume goals: {self.regions} regions of plans in {self.seconds:.0f} s; {end}."


@dataclass(frozen=True, slots=True)
class ProofRunning:
    """A plan that is whole while the proof with its dose-volume goals still runs.

    Parameters
    ----------
    seconds : float
        What the proof may take.
    """

    seconds: float

    @property
    def text(self) -> str:
        """The note as a sentence."""
        return (
            f"This is the plan before the proof with its dose-volume goals, which takes at most {self.seconds:g} s. "
            "When the proof has ended, the same command replaces these files by the bound reached and by a better "
            "plan, if one is found. If the command was ended before, this is all that is known."
        )


@dataclass(frozen=True, slots=True)
class NoProof:
    """A proof with the dose-volume goals that ended in an error; the plan is not lost with it."""

    reason: str

    @property
    def text(self) -> str:
        """The note as a sentence."""
        return f"No proof with the dose-volume goals: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounded:
    """Times made whole by the afterloader's resolution, with the least loss found.

    Parameters
    ----------
    resolution_s : float
    before, after : float
        Main objective, real times and whole times.
    bound : float
        Proven: no whole times within two steps of the real ones have less.
    """

    resolution_s: float
    before: float
    after: float
    bound: float

    @property
    def text(self) -> str:
        """The note as a sentence."""
        whole = f"Dwell times were rounded to multiples of {self.resolution_s:g} s"
        if self.before <= 0:
            return f"{whole}."
        loss, minimum = (100 * (value / self.before - 1) for value in (self.after, self.bound))
        best = f"; rounded times near these cannot lose less than {minimum:.2g} %" if minimum > 1e-3 else ""
        return f"{whole}. This changes the objective from {self.before:.6g} to {self.after:.6g} ({loss:+.2g} %{best})."


@dataclass(frozen=True, slots=True)
class StopsLengthened:
    """Real times of which no stop is shorter than the shortest.

    Parameters
    ----------
    shortest_s : float
    before, after : float
        Main objective, without that rule and with it.
    """

    shortest_s: float
    before: float
    after: float

    @property
    def text(self) -> str:
        """The note as a sentence."""
        rule = f"Stops shorter than {self.shortest_s:g} s were lengthened or left out"
        if self.before <= 0:
            return f"{rule}."
        loss = 100 * (self.after / self.before - 1)
        return f"{rule}. This changes the objective from {self.before:.6g} to {self.after:.6g} ({loss:+.2g} %)."


@dataclass(frozen=True, slots=True)
class MissedAfterRounding:
    """A goal that times to deliver, whole and without short stops, miss by so much (Gy or s) more than real times."""

    goal: NamedGoal
    by: float

    @property
    def text(self) -> str:
        """The note as a sentence."""
        unit = "s" if self.goal.goal.metric.kind == "total_time" else "Gy"
        return (
            f"{self.goal.label} is missed by {self.by:.2g} {unit} by the times to deliver: none with the time step and "
            "the minimum dwell time were found that meet all goals."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EveryPoint:
    """What every point of a CTV is proven to receive.

    Parameters
    ----------
    structure : str
    minimum_gy : float
        Proven: no point receives less.
    upper_gy : float
        The least dose found at a point: the minimum over all points lies between the two.
    boxes : int
        Parts of the CTV that were bounded.
    finished : bool
        Whether this is all that was asked for.
    """

    structure: str
    minimum_gy: float
    upper_gy: float
    boxes: int
    finished: bool

    @property
    def text(self) -> str:
        """The note as a sentence."""
        end = "." if self.finished else "; the search was not finished."
        return (
            f"Every point of {self.structure} is proven to receive at least {self.minimum_gy:.3f} Gy, by "
            f"{self.boxes:,} boxes{end}"
        )


@dataclass(frozen=True, slots=True)
class DwellsLeftOut:
    """How many dwells are enough within a loss of the objective."""

    active: int
    before: int
    loss_frac: float

    @property
    def text(self) -> str:
        """The note as a sentence."""
        return (
            f"{self.active} of {self.before} active dwells are enough for a plan within {100 * self.loss_frac:g} % of "
            "the best one."
        )


@dataclass(frozen=True, slots=True)
class TransitCounted:
    """The dose of the moving source counts, and the bound is that of plans with the same transit.

    Parameters
    ----------
    speed_mm_per_s : float
    passing_s : float
        Time that the source moves near its positions, s.
    """

    speed_mm_per_s: float
    passing_s: float

    @property
    def text(self) -> str:
        """The note as a sentence."""
        return (
            f"The dose of the moving source is included: at {self.speed_mm_per_s:g} mm/s it moves for "
            f"{self.passing_s:.1f} s near its positions. The bound holds for plans whose source goes into the same "
            "catheters to the same depth."
        )


Note = (
    LongestTimes
    | ConflictNotProven
    | TimeNotProven
    | ProofRunning
    | ProofWork
    | NoProof
    | Rounded
    | StopsLengthened
    | MissedAfterRounding
    | EveryPoint
    | DwellsLeftOut
    | TransitCounted
)
