"""What a person asks of a plan while it is touched: values, so that undo is to take an earlier one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.errors import InputError, among
from hdrplan.geometry import Catheter, Dwells, Structure
from hdrplan.plan import Case, Goal, Goals, Plan, Prescription

__all__ = ["AskedGoal", "AskedPrescription", "Stop", "Wishes", "fixed_times", "refuse_unfit", "stops_of", "wishes_of"]

# A dwell position by its catheter and its distance from the tip, in tenths of a millimetre: it stays the same position
# when the catheter moves.
Stop = tuple[str, int]
_NOTHING: Mapping[Stop, float] = MappingProxyType({})
_SOURCE = "live session"


@dataclass(frozen=True, slots=True)
class AskedGoal:
    """A goal, and whether it counts now."""

    goal: Goal
    on: bool = True


@dataclass(frozen=True, slots=True)
class AskedPrescription:
    """The dose of a CTV: whether it counts now, and whether as the prescription (level 0) or as a goal of a level."""

    structure: str
    dose_gy: float
    on: bool = True
    level: int = 0

    def __post_init__(self) -> None:
        _ = self.value

    @property
    def value(self) -> Prescription:
        """The dose as a prescription; InputError where it can be none."""
        return Prescription(self.structure, self.dose_gy)

    @property
    def is_hard(self) -> bool:
        """Whether the plan must give it: all else is a reference for per cent, and perhaps a goal."""
        return self.on and self.level == 0

    @property
    def goal(self) -> Goal:
        """The dose as a goal of its level."""
        return replace(self.value.goal, level=self.level, source=_SOURCE)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Wishes:
    """Everything that a person decides; the plan follows from it.

    Parameters
    ----------
    catheters : tuple of Catheter
    off : frozenset of str
        Catheters that the source does not go into.
    prescriptions : tuple of AskedPrescription
    goals : tuple of AskedGoal
        In the order in which they were asked for; a goal keeps its number.
    places : tuple of Structure
        Small spheres around points of which a goal speaks.
    locked_s : mapping
        Stop -> time that the optimiser keeps.
    by_hand_s : mapping or None
        Stop -> time of a plan whose times were set by hand; None where the times are the optimiser's.
    """

    catheters: tuple[Catheter, ...]
    prescriptions: tuple[AskedPrescription, ...]
    goals: tuple[AskedGoal, ...]
    off: frozenset[str] = frozenset()
    places: tuple[Structure, ...] = ()
    locked_s: Mapping[Stop, float] = field(default_factory=lambda: _NOTHING)
    by_hand_s: Mapping[Stop, float] | None = None

    @property
    def in_use(self) -> tuple[Catheter, ...]:
        """Catheters that the source goes into."""
        return tuple(c for c in self.catheters if c.name not in self.off)

    @property
    def active(self) -> Goals:
        """Prescriptions that count, the goals that do, and last prescriptions that are goals of a level."""
        goals = tuple(asked.goal for asked in self.goals if asked.on)
        lower = tuple(p.goal for p in self.prescriptions if p.on and not p.is_hard)
        hard, others = (tuple(p.value for p in self.prescriptions if p.is_hard == is_hard) for is_hard in (True, False))
        return Goals(hard, goals + lower, others)

    def catheter(self, name: str) -> Catheter:
        """Return a catheter; InputError lists the names there are."""
        for catheter in self.catheters:
            if catheter.name == name:
                return catheter
        raise InputError(f"no catheter is named {name!r}", remedy=among(name, (c.name for c in self.catheters)))

    def case_of(self, case: Case) -> Case:
        """Return a case with the catheters in use, and the places that goals speak of."""
        return replace(case, catheters=self.in_use, structures=(*case.structures, *self.places))


def refuse_unfit(case: Case, options: Mapping[str, float]) -> None:
    """Refuse a case without catheters, and one whose moving source counts.

    Parameters
    ----------
    case : Case
    options : mapping
        That the case gives.
    """
    name, speed = case.name, options.get("source_speed_mm_per_s")
    if not case.catheters:
        raise InputError(
            "a plan needs catheters",
            got="none",
            where=name,
            remedy="`hdrplan place` proposes them; its output is a case.",
        )
    if speed:
        raise InputError(
            "live planning does not count the dose of the moving source",
            got=f"source_speed_mm_per_s = {speed:g}",
            where=name,
            remedy="Plan it with `hdrplan plan`, or leave that option out.",
        )


def wishes_of(case: Case, goals: Goals, plan: Plan | None = None) -> Wishes:
    """Return what a case asks for, and the times of a plan as set by hand, if there is one.

    Parameters
    ----------
    case : Case
    goals : Goals
    plan : Plan, optional
    """
    by_hand_s = None
    if plan is not None:
        by_hand_s = MappingProxyType(dict(zip(stops_of(plan.dwells), plan.times_s.tolist(), strict=True)))
    return Wishes(
        catheters=case.catheters,
        prescriptions=tuple(
            AskedPrescription(p.structure, p.dose_gy, on=p in goals.prescriptions)
            for ctv in case.ctvs
            for p in goals.doses
            if p.structure == ctv.name
        ),
        goals=tuple(AskedGoal(goal) for goal in goals.goals),
        by_hand_s=by_hand_s,
    )


def stops_of(dwells: Dwells) -> list[Stop]:
    """Return the names of dwell positions, in their order."""
    names = [dwells.catheter_names[k] for k in dwells.catheter]
    return [(name, round(10.0 * offset)) for name, offset in zip(names, dwells.offset_mm.tolist(), strict=True)]


def fixed_times(asked_s: Mapping[Stop, float], dwells: Dwells, other: float) -> FloatArray:
    """Return times of dwell positions, (n_dwells,), by their stops; another value where nothing is asked.

    Parameters
    ----------
    asked_s : mapping
    dwells : Dwells
    other : float
    """
    return np.array([asked_s.get(stop, other) for stop in stops_of(dwells)], dtype=np.float64)
