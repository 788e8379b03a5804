"""What an optimisation proves, in numbers and in one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hdrplan.arrays import FloatArray, freeze

__all__ = ["Certificate", "Level", "Optimum", "Price", "Shortfall"]

# A bound that is farther from the plan than this is no proof of anything that the clinic would ask.
WORTH_SAYING_FRAC = 1e-2
# A plan that breaks a limit by more than this fraction has no gap to speak of.
HELD_FRAC = 1e-6

Status = Literal["optimal", "prescription lowered", "not proven"]


@dataclass(frozen=True, slots=True)
class Level:
    """One objective, solved under everything that the objectives before it reached.

    Parameters
    ----------
    text : str
        What was made least: "mean dose of liver".
    value, bound : float
        Reached, and the proven lower bound; both recomputed from the rate matrix.
    unit : str
        "Gy", "s" or "".
    """

    text: str
    value: float
    bound: float
    unit: str

    @property
    def gap_frac(self) -> float:
        """(value - bound) / value; an absolute difference where the value is below a millionth."""
        return max(0.0, self.value - self.bound) / max(abs(self.value), 1e-6)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Proof that no plan from these dwell positions does better.

    Parameters
    ----------
    primal, dual : float
        Main objective of the plan and its lower bound, recomputed from the rate matrix and the multipliers.
    objective, unit : str
        "mean dose of liver", "Gy".
    violation_frac : float
        Largest violation of any row over ALL points, as a fraction of its limit.
    rows_used, rows_all : int
        Rows the solver needed, and rows the plan was checked on.
    rounds : int
    scope : {"sample points", "every point"}
        Whether the limits are proven on the sample points (inside and on the surface), or at every point of the CTV.
    solver : str
        "HiGHS 1.16.0".
    proven : bool
        False where an objective is not convex and its gap stays open, or the time was over.
    relaxed : str
        Goals that the bound leaves out, if any: the bound holds, but need not be reachable.
    """

    primal: float
    dual: float
    objective: str
    unit: str
    violation_frac: float
    rows_used: int
    rows_all: int
    rounds: int
    scope: Literal["sample points", "every point"]
    solver: str
    proven: bool
    relaxed: str = ""

    @property
    def gap_frac(self) -> float:
        """Relative distance of plan and bound."""
        return Level(self.objective, self.primal, self.dual, self.unit).gap_frac

    @property
    def text(self) -> str:
        """One line for the terminal and the report."""
        if self.scope == "every point":
            # The proof of coverage costs some dose, so the bound of the plan without it lies lower.
            lead, where = "D100 proven", f"at every point of the CTV, within {self.gap_frac:.1%} of the optimum"
        else:
            lead, where = "Proven optimal" if self.proven else "Not proven optimal", "on every sample point"
            held = self.violation_frac <= HELD_FRAC
            if held and not (self.proven or self.relaxed) and self.gap_frac <= WORTH_SAYING_FRAC:
                lead = f"Proven within {100 * self.gap_frac:.2g} % of the optimum"
        left_out = f", the bound leaves out {self.relaxed}" if self.relaxed else ""
        return (
            f"{lead} {where}: {self.objective} {self.primal:.6g} {self.unit}, no plan below "
            f"{self.dual:.6g} {self.unit} (gap {self.gap_frac:.1e}{left_out}); "
            f"largest violation {self.violation_frac:.1e} of a limit over "
            f"{self.rows_all:,} points, {self.rows_used} rows used ({self.solver})"
        )


@dataclass(frozen=True, slots=True)
class Price:
    """What one unit of a binding limit is worth.

    Parameters
    ----------
    limit : str
        "duodenum Dmax <= 12 Gy".
    per_unit : float
        Change of the objective for one unit more of the limit: Gy of D100 per Gy, or Gy of mean dose per Gy.
    text : str
    """

    limit: str
    per_unit: float
    text: str


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A prescription that gave way to the organs' limits.

    Parameters
    ----------
    structure : str
    prescription_gy, reached_gy, best_gy : float
        Prescribed, reached, and the proven upper bound of D100 under the limits.
    binding : tuple of str
        The limits that bind, dearest first.
    metric : str
        D100, or the metric of another lower limit on a CTV.
    """

    structure: str
    prescription_gy: float
    reached_gy: float
    best_gy: float
    binding: tuple[str, ...]
    metric: str = "D100"

    @property
    def text(self) -> str:
        """One line: by how much, and because of what."""
        why = f" because of {'; '.join(self.binding)}" if self.binding else ""
        return (
            f"{self.structure}: {self.metric} {self.reached_gy:.2f} Gy instead of {self.prescription_gy:g} Gy "
            f"({self.prescription_gy - self.reached_gy:.2f} Gy short{why}); at most {self.best_gy:.2f} Gy is possible"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Optimum:
    """Dwell times and what is known about them.

    Parameters
    ----------
    times_s : (n_dwells,) array
    status : {"optimal", "prescription lowered", "not proven"}
    certificate : Certificate
        Of the main objective.
    levels : tuple of Level
        Every objective in the order solved.
    shortfalls : tuple of Shortfall
        Empty where all prescriptions hold.
    prices : tuple of Price
        Of the binding limits: in Gy of D100 where a prescription was lowered, else in the main objective.
    notes : tuple of str
        Anything the reader must know.
    conflict : tuple of str
        A smallest set of hard goals that cannot hold together; empty where all hold.
    """

    times_s: FloatArray
    status: Status
    certificate: Certificate
    levels: tuple[Level, ...]
    shortfalls: tuple[Shortfall, ...] = ()
    prices: tuple[Price, ...] = ()
    notes: tuple[str, ...] = ()
    conflict: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        freeze(self, "times_s", (None,))

    @property
    def lines(self) -> tuple[str, ...]:
        """The result in sentences: certificate, shortfalls, prices, notes."""
        return (
            self.certificate.text,
            *([f"These cannot hold together: {'; '.join(self.conflict)}."] if self.conflict else []),
            *(s.text for s in self.shortfalls),
            *(p.text for p in self.prices),
            *self.notes,
        )
