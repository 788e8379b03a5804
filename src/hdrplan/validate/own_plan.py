"""The folder of a plan as it is read for its validation, and what every comparison needs of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.door import Entries
from hdrplan.dose import SamplePoints, sample_points
from hdrplan.errors import FormatError, InputError
from hdrplan.io import CaseFile, ResultFolder, json_entries, read_results
from hdrplan.options import PlanOptions
from hdrplan.plan import Case, Goal, Goals, Plan, Prescription, parse_goal
from hdrplan.validate.naive_tg43 import doses_gy, passing_s, rates, unpublished

__all__ = ["Delivered", "OwnPlan", "PlannedCase", "options_of", "read_own_plan"]

# Points whose rates are held together.
_POINTS_EACH = 20_000
_FILES = ("plan.json", "metrics.json", "dvh.csv", "dose.nrrd", "run.json")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Delivered:
    """A plan as its file gives it, and how it was made.

    Parameters
    ----------
    plan : Plan
    stated : Entries
        ``plan.json`` as it stands there.
    record : Entries
        ``run.json``.
    options : PlanOptions
    locked : (n,) int array
        Dwells whose times were given and not optimised.
    """

    plan: Plan
    stated: Entries
    record: Entries
    options: PlanOptions
    locked: IntArray

    @property
    def passing_s(self) -> FloatArray:
        """Seconds that the moving source adds at each position, counted here."""
        transit = self.plan.transit
        if transit is None:
            return np.zeros(len(self.plan.dwells))
        return passing_s(self.plan.dwells, self.plan.times_s, transit.speed_mm_per_s)

    def dose_gy(self, points_mm: FloatArray) -> FloatArray:
        """Doses at points, Gy, by TG-43 written plainly."""
        return self.doses_of(self.plan.times_s, points_mm)

    def doses_of(self, times_s: FloatArray, points_mm: FloatArray) -> FloatArray:
        """Doses at points, Gy, of other times for a source that moves as it does in this plan.

        Parameters
        ----------
        times_s : (n_dwells,) array
        points_mm : (n, 3) array
        """
        plan = self.plan
        return doses_gy(plan.dwells, times_s + self.passing_s, points_mm, plan.source, plan.strength_u)

    def unpublished_pct(self, points_mm: FloatArray, volume_cc: FloatArray) -> float:
        """Percentage of a structure's dose, over its volume, that rests on no published cell of the source's tables.

        Parameters
        ----------
        points_mm : (n, 3) array
        volume_cc : (n,) array
        """
        plan, exposure_s = self.plan, self.plan.times_s + self.passing_s
        used = np.flatnonzero(exposure_s)
        some = replace(
            plan.dwells,
            positions_mm=plan.dwells.positions_mm[used],
            axes=plan.dwells.axes[used],
            catheter=plan.dwells.catheter[used],
            offset_mm=plan.dwells.offset_mm[used],
        )
        whole_gy = beyond_gy = 0.0
        for first in range(0, len(points_mm), _POINTS_EACH):
            at, cc = points_mm[first : first + _POINTS_EACH], volume_cc[first : first + _POINTS_EACH]
            gy = rates(some, at, plan.source, plan.strength_u) * exposure_s[used]
            whole_gy += float(cc @ gy.sum(axis=1))
            beyond_gy += float(cc @ np.where(unpublished(at, some, plan.source), gy, 0.0).sum(axis=1))
        return 100.0 * beyond_gy / whole_gy if whole_gy > 0.0 else 0.0

    def rates(self, points_mm: FloatArray) -> FloatArray:
        """Rates of all dwells at points, Gy / s, by TG-43 written plainly."""
        return rates(self.plan.dwells, points_mm, self.plan.source, self.plan.strength_u)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OwnPlan(Delivered):
    """A plan's folder.

    Parameters
    ----------
    plan, stated, record, options, locked
        As in :class:`Delivered`.
    results : ResultFolder
    """

    results: ResultFolder

    @property
    def metrics(self) -> Entries:
        """``metrics.json``."""
        return Entries(self.results.metrics, "metrics.json")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlannedCase:
    """The case of a plan, with the goals and the sample points it was planned with, and the doses there.

    Parameters
    ----------
    case : Case
    goals : Goals
    points : SamplePoints
    dose_gy : (n_points,) array
        By TG-43 written plainly, earlier sessions included.
    earlier : callable, optional
        (n, 3) points in mm -> (n,) Gy of earlier sessions.
    budgets : tuple of Goal
        Limits of this plan alone, without what was given before.
    """

    case: Case
    goals: Goals
    points: SamplePoints
    dose_gy: FloatArray
    earlier: Callable[[FloatArray], FloatArray] | None = None
    budgets: tuple[Goal, ...] = ()

    def earlier_gy(self, points_mm: FloatArray) -> FloatArray:
        """Dose of earlier sessions at points, Gy."""
        return np.zeros(len(points_mm)) if self.earlier is None else self.earlier(points_mm)

    @classmethod
    def of(cls, own: OwnPlan, file: CaseFile) -> PlannedCase:
        """Sample the case as it was sampled for the plan."""
        goals = _goals(own.metrics, file)
        points = sample_points(
            file.case.dosed_structures(goals), spacing_mm=own.options.sample_mm, healthy=file.case.healthy
        )
        return cls(case=file.case, goals=goals, points=points, dose_gy=own.dose_gy(points.points_mm))

    def of_structure(self, name: str) -> tuple[FloatArray, FloatArray]:
        """Doses and volumes of a structure's points."""
        rows = self.points.rows(name)
        return self.dose_gy[rows], self.points.volume_cc[rows]

    def prescription_gy(self, name: str) -> float | None:
        """Prescription of a structure, where it has one."""
        return self.goals.doses_gy.get(name)


def read_own_plan(folder: Path) -> OwnPlan:
    """Read the folder that ``hdrplan plan`` wrote.

    Raises
    ------
    InputError
        No folder, or one that lacks a file.
    FormatError
        A file that is not what hdrplan writes.
    """
    folder = Path(folder)
    absent = [name for name in _FILES if not (folder / name).is_file()]
    if folder.is_dir() and absent:
        raise InputError(
            "expected the output folder of a plan",
            got=f"none with {absent[0]}",
            where=folder,
            remedy="What `hdrplan plan` and `hdrplan sessions` write is checked; of one session, the folder of all. Of "
            "plan.json alone `hdrplan evaluate` proves D100 and computes the metrics.",
        )
    results = read_results(folder)
    record = json_entries(folder / "run.json")
    return OwnPlan(
        results=results,
        plan=results.plan,
        stated=json_entries(folder / "plan.json"),
        record=record,
        options=options_of(record),
        locked=np.array(record.table("options").values.get("locked_dwells", []), dtype=np.int64),
    )


def options_of(record: Entries) -> PlanOptions:
    """Return the options that a record of a run names.

    Raises
    ------
    FormatError
        Some are missing, or no numbers.
    """
    values: Mapping[str, Any] = dict(record.table("options").values)
    known = {field.name for field in fields(PlanOptions)}
    missing = sorted(known - set(values))
    if missing:
        raise FormatError("expected the options of a plan", got=f"none named {missing[0]}", where=record.where)
    try:
        return PlanOptions(**{name: values[name] for name in known})
    except TypeError:
        raise FormatError("options of a plan are numbers", got="others", where=record.where) from None


def _goals(metrics: Entries, file: CaseFile) -> Goals:
    """Goals that the plan was made for: those of the case where they read the same, else as metrics.json has them."""
    rows = metrics.tables("goals")
    structures = metrics.table("structures")
    doses = tuple(
        Prescription(name, structures.table(name).number("prescription_gy"))
        for name in structures
        if "prescription_gy" in structures.table(name)
    )
    first = rows[: len(doses)]
    asked = {row.text("structure") for row in first if row.text("source") == "prescription" and not row.number("level")}
    prescriptions = tuple(dose for dose in doses if dose.structure in asked)
    of_case = {(g.structure, g.text, g.level): g for g in file.goals.goals}
    goals = []
    for row in rows[len(prescriptions) :]:
        name, text, level = row.text("structure"), row.text("goal"), int(row.number("level"))
        known = of_case.get((name, text, level))
        goals.append(known or parse_goal(text, structure=name, source=row.text("source"), level=level))
    return Goals(prescriptions, tuple(goals), tuple(dose for dose in doses if dose not in prescriptions))
