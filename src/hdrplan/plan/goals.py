"""What a plan shall reach: prescriptions and goals in the clinic's words.

A goal is a sentence such as ``D100 >= 20 Gy``, ``D1cc <= 14 Gy``, ``V150 <= 60 %`` or ``V10Gy <= 30 %``
about one structure. Every limit says where it comes from: a goal without ``source`` is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from hdrplan.catalogue import GOAL_METRICS, GOAL_PATTERN, METRIC_PATTERN
from hdrplan.errors import InputError

__all__ = ["AROUND", "Goal", "Goals", "Metric", "Prescription", "isodose_frac", "parse_goal", "parse_metric"]

# Name of the tissue in and around the CTVs, of any kind, that conformity goals are planned on.
AROUND = "CTVs and around"

MetricKind = Literal[
    "dose_at_frac",
    "dose_at_cc",
    "volume_at_gy",
    "volume_at_frac",
    "dose_mean",
    "dose_max",
    "dose_min",
    "total_time",
    "conformity",
]
Unit = Literal["Gy", "frac", "cc", "s", ""]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A dose-volume quantity of one structure.

    Parameters
    ----------
    kind : str
        ``dose_at_frac`` (D98: ``at`` 0.98), ``dose_at_cc`` (D1cc: ``at`` 1.0), ``volume_at_gy`` (V10Gy),
        ``volume_at_frac`` (V150: ``at`` 1.5 of the prescription), ``dose_mean``, ``dose_max``, ``dose_min``,
        ``total_time``, ``conformity`` (COIN, CN, HTCI or PITV: ``text`` says which).
    at : float
        Volume fraction, cc, Gy or fraction of the prescription; 0 where none is needed.
    unit : str
        Unit of the metric's value in house units: "Gy", "frac", "cc" or "s"; empty for an index.
    text : str
        As written: "D1cc".
    """

    kind: MetricKind
    at: float
    unit: Unit
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One goal or limit.

    Parameters
    ----------
    structure : str
        Name of a structure; "plan" for the total time.
    metric : Metric
    sense : {">=", "<="}
    value : float
        In ``metric.unit``: Gy, fraction 0-1, cc or s; an index has none.
    level : int
        0 is hard; 1, 2, ... are priority levels, the smaller first.
    source : str
        Where the limit comes from: DOI, protocol, "user".
    """

    structure: str
    metric: Metric
    sense: Literal[">=", "<="]
    value: float
    level: int
    source: str

    @property
    def text(self) -> str:
        """The goal as a sentence, without its structure."""
        value, unit = (self.value * 100, "%") if self.metric.unit == "frac" else (self.value, self.metric.unit)
        return f"{self.metric.text} {self.sense} {value:g} {unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Prescription:
    """The dose that shall enclose one CTV (D100 >= dose_gy)."""

    structure: str
    dose_gy: float

    def __post_init__(self) -> None:
        # 1 to 100 Gy: below is a missing unit conversion or 0, above is cGy.
        if not 1.0 <= self.dose_gy <= 100.0:
            raise InputError(
                "prescription must lie between 1 and 100 Gy",
                got=f"{self.dose_gy:g}",
                where=self.structure,
                remedy="Doses are in Gy, not cGy.",
            )

    @property
    def goal(self) -> Goal:
        """The prescription as a hard goal: D100 of the CTV."""
        metric = Metric(kind="dose_at_frac", at=1.0, unit="Gy", text="D100")
        return Goal(
            structure=self.structure, metric=metric, sense=">=", value=self.dose_gy, level=0, source="prescription"
        )


@dataclass(frozen=True, slots=True)
class Goals:
    """Prescriptions of the CTVs, and goals or limits of any structure, in order of input.

    Parameters
    ----------
    prescriptions : tuple of Prescription
        What a plan must give.
    goals : tuple of Goal
    references : tuple of Prescription
        Of CTVs that need not be given their dose: it is what V150, conformity and isodoses in percent refer to.
    """

    prescriptions: tuple[Prescription, ...]
    goals: tuple[Goal, ...] = ()
    references: tuple[Prescription, ...] = ()

    @property
    def doses(self) -> tuple[Prescription, ...]:
        """The dose of every CTV: those that must be given first."""
        return (*self.prescriptions, *self.references)

    @property
    def doses_gy(self) -> dict[str, float]:
        """CTV -> dose that percent refer to, whether it must be given or not."""
        return {dose.structure: dose.dose_gy for dose in self.doses}

    def require_prescription(self, what: str) -> None:
        """Refuse what is made for prescriptions where none counts.

        Parameters
        ----------
        what : str
            Such as "placement".
        """
        if not self.prescriptions:
            got = f"that of {self.references[0].structure} as a reference only" if self.references else "none"
            raise InputError(f"{what} needs a prescription that counts", got=got)

    def prescription_gy(self, structure: str) -> float:
        """Dose of a CTV that percent refer to; InputError where it has none."""
        for prescription in self.doses:
            if prescription.structure == structure:
                return prescription.dose_gy
        raise InputError("every CTV needs a prescription", got="none", where=structure)


# Conformity indices and the side on which they are good (:mod:`hdrplan.metrics.indices`). CN is van 't Riet's name of
# the product that is COIN without organs (Int J Radiat Oncol Biol Phys 1997;37:731).
_INDICES = {metric.written: metric.senses[0] for metric in GOAL_METRICS if not metric.units}
_METRIC = re.compile(METRIC_PATTERN, re.IGNORECASE)
_GOAL = re.compile(GOAL_PATTERN, re.IGNORECASE)


@lru_cache(maxsize=256)
def parse_metric(text: str) -> Metric:
    """Read a metric: D100, D98%, D1cc, D0.1cc, V150, V150%, V10Gy, Dmean, Dmax, Dmin, time, COIN, CN, HTCI, PITV.

    A bare ``D98`` is at 98 % of the volume, a bare ``V150`` at 150 % of the prescription (ICRU 89); ``V10Gy``
    and ``V5Gy`` are at an absolute dose. :func:`parse_goal` also accepts the liver's customary bare ``V10``
    and ``V5``: below 50 a bare V is an absolute dose, for no prescription isodose below 50 % is in use.

    Raises
    ------
    InputError
        Anything else.
    """
    word = text.strip()
    named: dict[str, tuple[MetricKind, Unit]] = {
        "dmean": ("dose_mean", "Gy"),
        "dmax": ("dose_max", "Gy"),
        "dmin": ("dose_min", "Gy"),
        "time": ("total_time", "s"),
        "total time": ("total_time", "s"),
    }
    if word.upper() in _INDICES:
        return Metric(kind="conformity", at=0.0, unit="", text=word.upper())
    if word.lower() in named:
        kind, unit = named[word.lower()]
        return Metric(kind=kind, at=0.0, unit=unit, text=word)
    match = _METRIC.match(word)
    if match:
        letter, number, unit_text = match[1].upper(), float(match[2]), (match[3] or "").lower()
        if letter == "D" and unit_text in ("cc", "cm3", "ml") and number > 0:
            return Metric(kind="dose_at_cc", at=number, unit="Gy", text=f"D{number:g}cc")
        if letter == "D" and unit_text in ("", "%") and 0 < number <= 100:
            return Metric(kind="dose_at_frac", at=number / 100, unit="Gy", text=f"D{number:g}")
        if letter == "V" and (unit_text == "gy" or (unit_text == "" and number < 50)):
            return Metric(kind="volume_at_gy", at=number, unit="frac", text=f"V{number:g}Gy")
        if letter == "V" and unit_text in ("", "%") and number > 0:
            return Metric(kind="volume_at_frac", at=number / 100, unit="frac", text=f"V{number:g}")
    raise InputError(
        "expected a metric such as D100, D98, D1cc, V150, V10Gy, Dmean, Dmax, COIN or time", got=repr(text)
    )


def parse_goal(text: str, *, structure: str, source: str, level: int = 0) -> Goal:
    """Read a goal such as ``D1cc <= 14 Gy``.

    Parameters
    ----------
    text : str
        Metric, ``>=`` or ``<=``, value and unit (Gy, %, cc, s, min).
    structure : str
    source : str
        Where the limit comes from; must not be empty.
    level : int
        0 hard, 1, 2, ... priority levels.

    Raises
    ------
    InputError
        No unit, an unknown unit or metric, a strict sign, a unit that does not fit the metric, no source.
    """
    where = f"goal {text!r} of {structure}"
    match = _GOAL.match(text.strip())
    if not match:
        remedy = "Numbers have a decimal point." if "," in text else ""
        raise InputError("expected a goal such as 'D1cc <= 14 Gy'", got=repr(text), where=where, remedy=remedy)
    sense: Literal[">=", "<="]
    if match[2] in (">=", "≥"):
        sense = ">="
    elif match[2] in ("<=", "≤"):
        sense = "<="
    else:
        raise InputError("a goal uses >= or <=", got=match[2], where=where)
    if not source.strip():
        raise InputError(
            "every goal needs a source", got="none", where=where, remedy="Give the DOI or protocol it comes from."
        )
    metric = parse_metric(match[1])
    try:
        value = float(match[3])
    except ValueError:
        raise InputError("expected a number", got=match[3], where=where) from None
    unit = (match[4] or "").lower()
    if metric.kind == "conformity":
        value = _index(metric.text, sense, value, unit, where)
    else:
        metric, value = _with_unit(metric, value, unit, where)
    return Goal(structure=structure, metric=metric, sense=sense, value=value, level=level, source=source.strip())


def _with_unit(metric: Metric, value: float, unit: str, where: str) -> tuple[Metric, float]:
    """Bring the limit of a dose, volume or time to the metric's unit, or the metric to the limit's."""
    if not unit:
        raise InputError("a goal needs a unit (Gy, %, cc, s or min)", got="none", where=where)
    unit = {"cm3": "cc", "ml": "cc"}.get(unit, unit)
    fits = {"Gy": ("gy",), "frac": ("%", "cc"), "cc": ("cc",), "s": ("s", "min")}[metric.unit]
    if unit not in fits:
        wanted, got = (text.replace("gy", "Gy") for text in (" or ".join(fits), unit))
        raise InputError(f"{metric.text} is given in {wanted}", got=got, where=where)
    if metric.unit == "frac" and unit == "cc":
        metric = replace(metric, unit="cc")
    if unit == "%":
        value /= 100
    if unit == "min":
        value *= 60
    if value < 0:
        raise InputError("a goal's value must not be negative", got=f"{value:g}", where=where)
    return metric, value


def _index(name: str, sense: str, value: float, unit: str, where: str) -> float:
    """Check the limit of a conformity index."""
    if unit:
        raise InputError(f"{name} is a ratio without unit", got=unit, where=where)
    if sense != _INDICES[name]:
        raise InputError(f"{name} takes {_INDICES[name]}", got=sense, where=where)
    low, high = (0.0, 1.0) if sense == ">=" else (1.0, 10.0)
    if not low < value < high:
        raise InputError(f"{name} must lie between {low:g} and {high:g}", got=f"{value:g}", where=where)
    return value


def isodose_frac(goal: Goal) -> float:
    """Return the volume that a conformity goal lets receive the prescription, in all tissue, per volume of CTV.

    With the whole CTV inside the prescription isodose COIN, CN and HTCI are CTV / V_ref, and PITV is the reverse.
    """
    return goal.value if goal.sense == "<=" else 1.0 / goal.value
