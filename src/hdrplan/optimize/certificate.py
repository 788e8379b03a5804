"""What an optimisation reaches and proves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from hdrplan.arrays import FloatArray, freeze
from hdrplan.brief import brief_repr
from hdrplan.optimize.bounded import Bounded
from hdrplan.optimize.held import Held
from hdrplan.optimize.notes import ConflictNotProven, Note
from hdrplan.optimize.objectives import NamedGoal, Objective

__all__ = ["Certificate", "Loss", "LossCause", "Optimum", "Price", "Scope", "Shortfall", "Status", "joined"]

# A bound that is farther from the plan than this is no proof of anything that the clinic would ask.
NEAR_FRAC = 1e-2
# With a gap below this, the plan is the optimum in every digit that is printed.
OPTIMAL_FRAC = 1e-5
# A plan that breaks a limit by more than this fraction has no gap to speak of.
HELD_FRAC = 1e-6


class Status(StrEnum):
    """What is known of a plan.

    Proven: all prescriptions hold and a bound is proven. How far the plan lies above the bound is the certificate's
    gap: plans in whole times, or proven at every point, are near the optimum and not optimal.
    """

    PROVEN = "proven"
    LOWERED = "prescription lowered"
    NOT_PROVEN = "not proven"


class Scope(StrEnum):
    """Where the limits are proven: on the sample points (inside and on the surface), or at every point of the CTVs.

    Where a search for cold points was not finished, those that it found are points of the program too: the bound is one
    of plans that hold there as well.
    """

    SAMPLE_POINTS = "sample points"
    POINTS_FOUND = "sample points and points found between them"
    EVERY_POINT = "every point"


class LossCause(StrEnum):
    """What lies between a plan and its bound."""

    WHOLE_TIMES = "whole times and shortest stops"
    EVERY_POINT = "proof at every point"
    FEWER_DWELLS = "dwells left out"
    NOT_CLOSED = "bound without the dose-volume goals, or a search that was ended"
    SLACK = "slack between the objectives"
    OWN_FACTOR = "whole times, the proof, and a dose that changes with the dwell times"


@dataclass(frozen=True, slots=True)
class Loss:
    """A part of the distance between a plan and its bound.

    Parameters
    ----------
    cause : LossCause
    amount : float
        In the unit of the main objective.
    """

    cause: LossCause
    amount: float


def joined(goals: Sequence[NamedGoal]) -> str:
    """Goals in words, one after the other."""
    return "; ".join(goal.label for goal in goals)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Proof that no plan from these dwell positions does better.

    Parameters
    ----------
    main : Bounded
        Main objective of the plan as it is delivered, and its lower bound, recomputed from the rate matrix and the
        multipliers.
    violation_frac : float
        Largest violation of any row over ALL points, as a fraction of its limit.
    rows_used, rows_all : int
        Rows the solver needed, and rows the plan was checked on.
    rounds : int
    scope : Scope
    solver : str
        "HiGHS 1.16.0".
    proven : bool
        False where an objective is not convex and its gap stays open, or the time was over.
    relaxed : tuple of NamedGoal
        Goals that the bound leaves out, if any: the bound holds, but need not be reachable.
    losses : tuple of Loss
        What lies between the plan and its bound; they add up to it.
    held : tuple of Held
        Of prescriptions that gave way and of goals that are missed: the bound is that of plans which hold these.
    missed : tuple of NamedGoal
        Goals that the delivered times miss by more than the times before rounding, of which the bound speaks.
    """

    main: Bounded
    violation_frac: float
    rows_used: int
    rows_all: int
    rounds: int
    scope: Scope
    solver: str
    proven: bool
    relaxed: tuple[NamedGoal, ...] = ()
    losses: tuple[Loss, ...] = ()
    held: tuple[Held, ...] = ()
    missed: tuple[NamedGoal, ...] = ()

    def losing(self, cause: LossCause, amount: float, *, main: Bounded) -> Certificate:
        """Return the certificate of a plan or a bound farther off, and why.

        Parameters
        ----------
        cause : LossCause
        amount : float
            Distance between plan and bound that is new.
        main : Bounded
            The new ones.
        """
        return replace(self, main=main, losses=(*self.losses, Loss(cause, amount)))

    @property
    def losses_text(self) -> str:
        """One line on what lies between the plan and its bound; empty where that is nothing to speak of."""
        main = self.main
        fracs = [(loss.cause, loss.amount / max(abs(main.value), 1e-6)) for loss in self.losses]
        causes = [f"{100 * frac:.2g} % for {cause}" for cause, frac in fracs if abs(frac) > OPTIMAL_FRAC]
        if not causes:
            return ""
        if main.value < main.bound:
            below = 100 * (1.0 - main.value / main.bound)
            return f"The delivered dwell times have {below:.2g} % less {main.objective.text} than the bound."
        return (
            f"The delivered dwell times have {100 * main.gap_frac:.2g} % more {main.objective.text} than the bound: "
            f"{', '.join(causes)}."
        )

    @property
    def condition_text(self) -> str:
        """One line on what the plans of the bound hold, where that is more or less than the goals; else empty."""
        of_plans = []
        if self.held:
            of_plans.append(f"with {' and '.join(held.text for held in self.held)}")
        if self.missed:
            of_plans.append(f"that hold {joined(self.missed)} as well as the times before they were made deliverable")
        return (
            f"The bound of the {self.main.objective.text} is that of plans {', '.join(of_plans)}." if of_plans else ""
        )

    @property
    def text(self) -> str:
        """One line for the terminal and the report."""
        main = self.main
        if self.scope == Scope.EVERY_POINT:
            # The proof of coverage costs some dose, so the bound of the plan without it lies lower.
            lead = "D100 is proven at every point of the CTV"
        else:
            where = "all sample points"
            if self.scope == Scope.POINTS_FOUND:
                where += " and at the points of the CTV that were found too cold between them"
            lead = f"{'Proven' if self.proven else 'Not proven'} optimal at {where}"
            held = self.violation_frac <= HELD_FRAC
            off = main.gap_frac > OPTIMAL_FRAC if self.proven else not self.relaxed and main.gap_frac <= NEAR_FRAC
            if held and off:
                lead = f"Proven within {100 * main.gap_frac:.2g} % of the optimum at {where}"
        left_out = f", without {joined(self.relaxed)}" if self.relaxed else ""
        return (
            f"{lead}. The plan has a {main.objective.text} of {main.value:.6g} {main.unit}; no plan can have less than "
            f"{main.bound:.6g} {main.unit} (gap {100 * main.gap_frac:.2g} %{left_out}). Largest violation of a limit: "
            f"{100 * self.violation_frac:.1g} %, at {self.rows_all:,} points, with {self.rows_used} rows "
            f"({self.solver})."
        )


@dataclass(frozen=True, slots=True)
class Price:
    """What one unit of a binding limit costs or saves.

    Parameters
    ----------
    goal : NamedGoal
        The limit that binds.
    per_unit : float
        Change of the objective for one unit more of the limit: Gy of D100 per Gy, or Gy of mean dose per Gy.
    objective : Objective
    """

    goal: NamedGoal
    per_unit: float
    objective: Objective

    @property
    def text(self) -> str:
        """One line: what a limit higher by 1 Gy (or 1 s) does to the objective."""
        unit = "s" if self.goal.goal.metric.kind == "total_time" else "Gy"
        verb = "raises" if self.per_unit > 0 else "lowers"
        return (
            f"{self.goal.label} binds: a limit higher by 1 {unit} {verb} the {self.objective.text} by "
            f"{abs(self.per_unit):.3g} {self.objective.unit}."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """A prescription that gave way to the organs' limits.

    Parameters
    ----------
    goal : NamedGoal
        D100 of the prescription, or another lower limit on a CTV.
    prescription_gy, reached_gy, best_gy : float
        Prescribed, reached, and the proven upper bound of the dose under the limits: of all plans, or where there are
        other prescriptions, of those that take from none of them.
    has_others : bool
        Whether other prescriptions stand beside this one: their sum is what is proven.
    binding : tuple of NamedGoal
        The limits that bind, in falling order of their price.
    """

    goal: NamedGoal
    prescription_gy: float
    reached_gy: float
    best_gy: float
    has_others: bool
    binding: tuple[NamedGoal, ...]

    @property
    def structure(self) -> str:
        """The CTV."""
        return self.goal.id.structure

    @property
    def text(self) -> str:
        """One line: by how much, and because of what."""
        why = f" because of {joined(self.binding)}" if self.binding else ""
        return (
            f"{self.structure}: {self.goal.id.metric} is {self.reached_gy:.2f} Gy instead of "
            f"{self.prescription_gy:g} Gy ({self.prescription_gy - self.reached_gy:.2f} Gy too low{why}). "
            f"At most {self.best_gy:.2f} Gy is possible{', unless another CTV gets less' * self.has_others}."
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Optimum:
    """Dwell times and what is known about them.

    Parameters
    ----------
    times_s : (n_dwells,) array
    status : Status
    certificate : Certificate
        Of the main objective.
    levels : tuple of Bounded
        Every objective in the order solved, at times that are real numbers.
    shortfalls : tuple of Shortfall
        Empty where all prescriptions hold; what the times as delivered reach.
    prices : tuple of Price
        Of the binding limits: in Gy of D100 where a prescription was lowered, else in the main objective.
    notes : tuple of Note
        Further remarks for the reader.
    conflict : tuple of NamedGoal
        A smallest set of hard goals that cannot hold together; empty where all hold.
    """

    times_s: FloatArray
    status: Status
    certificate: Certificate
    levels: tuple[Bounded, ...]
    shortfalls: tuple[Shortfall, ...] = ()
    prices: tuple[Price, ...] = ()
    notes: tuple[Note, ...] = ()
    conflict: tuple[NamedGoal, ...] = ()

    __repr__ = brief_repr

    def __post_init__(self) -> None:
        freeze(self, "times_s", (None,))

    @property
    def awaits_proof(self) -> bool:
        """Whether goals that are not convex keep the bound away from the plan: a search may bring them together."""
        return bool(self.certificate.relaxed) or any(isinstance(note, ConflictNotProven) for note in self.notes)

    @property
    def lines(self) -> tuple[str, ...]:
        """The result in sentences: certificate, shortfalls, prices, notes."""
        return (
            self.certificate.text,
            *(line for line in (self.certificate.condition_text, self.certificate.losses_text) if line),
            *([f"These goals cannot all be met: {joined(self.conflict)}."] if self.conflict else []),
            *(s.text for s in self.shortfalls),
            *(p.text for p in self.prices),
            *(n.text for n in self.notes),
        )
