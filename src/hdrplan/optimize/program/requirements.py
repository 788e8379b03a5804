"""Goals and sample points turned into requirements on rows of the rate matrix."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.dose import SamplePoints
from hdrplan.errors import InputError
from hdrplan.optimize.problem import PlanProblem
from hdrplan.plan import AROUND, Goal, Goals, isodose_frac

__all__ = ["Requirement", "hottest", "required", "requirements"]

Kind = Literal["every", "mean", "tail", "time"]

# Parts of the range of doses in which the volume at a dose is looked for.
_STEPS = 10_000
# Volumes that differ by less than this fraction are the same: the last digits of a sum of thousands of voxels.
_SAME_VOLUME = 1e-9


@dataclass(frozen=True, slots=True)
class Requirement:
    """One goal as a condition on doses.

    Parameters
    ----------
    structure : str
    text : str
        The goal in the clinic's words.
    kind : {"every", "mean", "tail", "time"}
        ``every``: the dose at every point. ``mean``: the mean dose. ``tail``: the dose at all points but a volume
        smaller than ``tail_cc``, any of them (not convex). ``time``: the sum of the dwell times.
    sense : {1, -1}
        1: at least ``limit``; -1: at most.
    limit : float
        Gy, or s for the total time.
    rows : slice
        Rows of the rate matrix.
    level : int
        0 hard; 1, 2, ... priority levels.
    prescription : bool
        Whether this is a CTV's prescription, which gives way when an organ's limit cannot hold beside it.
    tail_cc : float
        Volume on the wrong side of the limit must stay below this.
    source : str
        Where the limit comes from.
    """

    structure: str
    text: str
    kind: Kind
    sense: Literal[1, -1]
    limit: float
    rows: slice
    level: int = 0
    prescription: bool = False
    tail_cc: float = 0.0
    source: str = ""

    @property
    def label(self) -> str:
        """Structure and goal: "duodenum Dmax <= 12 Gy"."""
        return f"{self.structure} {self.text}"


def required(goal: Goal, problem: PlanProblem) -> Requirement:
    """Return one goal as a requirement.

    ``D1cc <= x``: less than 1 cc may receive more than x. ``D98 >= x``: less than 2 % of the volume may receive less
    than x. ``V10Gy <= 30 %`` says the same as ``D30 <= 10 Gy``, ``V5Gy <= 700 cc`` the same as ``D700cc <= 5 Gy``, so
    all dose-volume goals become one kind. A conformity index of CTVs inside their isodose limits the volume of this
    isodose in all tissue: ``COIN >= 0.7`` says that it is at most 1 / 0.7 of the CTVs'.

    Raises
    ------
    InputError
        A structure that does not exist or has no points, a goal that is no limit on what it names.
    """
    points, goals = problem.points, problem.goals
    where = f"goal {goal.text!r} of {goal.structure}"
    metric, sense = goal.metric, (1 if goal.sense == ">=" else -1)
    if metric.kind == "total_time":
        if sense == 1:
            raise InputError("a total time can only be limited from above", got=goal.sense, where=where)
        return Requirement("plan", goal.text, "time", -1, goal.value, slice(0, 0), goal.level, source=goal.source)
    if metric.kind == "conformity":
        return _conformity(goal, points, goals, where)
    rows = points.rows(goal.structure)
    if rows.stop <= rows.start:
        raise InputError("a goal needs a structure with sample points", got="none", where=where)
    total_cc = float(points.volume_cc[rows].sum())

    def of(kind: Kind, limit_gy: float, tail_cc: float = 0.0) -> Requirement:
        return Requirement(
            goal.structure, goal.text, kind, 1 if sense == 1 else -1, limit_gy, rows, goal.level, False, tail_cc,
            goal.source,
        )  # fmt: skip

    if metric.kind == "dose_mean":
        return of("mean", goal.value)
    if metric.kind in ("dose_max", "dose_min"):
        if (metric.kind == "dose_min") != (sense == 1):
            raise InputError("Dmin takes >= and Dmax takes <=", got=goal.text, where=where)
        return of("every", goal.value)
    if metric.kind in ("dose_at_frac", "dose_at_cc"):
        hot_cc = metric.at if metric.kind == "dose_at_cc" else metric.at * total_cc
        limit_gy = goal.value
    else:
        # At most a volume may receive at least a dose: the dose at that volume is at most the dose, and vice versa.
        dose_gy = metric.at if metric.kind == "volume_at_gy" else metric.at * goals.prescription_gy(goal.structure)
        hot_cc = goal.value if metric.unit == "cc" else goal.value * total_cc
        limit_gy = dose_gy
    if hot_cc > total_cc * (1 + 1e-6):
        raise InputError(
            "the goal's volume must not exceed the structure's",
            got=f"{hot_cc:.3g} cc of {total_cc:.3g} cc",
            where=where,
        )
    # The volume that may lie on the wrong side of the limit; none of it means every point.
    tail_cc = total_cc - hot_cc if sense == 1 else hot_cc
    return of("tail", limit_gy, tail_cc) if tail_cc > _SAME_VOLUME * total_cc else of("every", limit_gy)


def _conformity(goal: Goal, points: SamplePoints, goals: Goals, where: str) -> Requirement:
    if AROUND not in points.names:
        raise InputError(
            "a conformity goal needs sample points in and around the CTVs",
            got="none",
            where=where,
            remedy="Sample the structures that case.dosed_structures(goals) returns.",
        )
    if goal.structure not in [prescription.structure for prescription in goals.prescriptions]:
        raise InputError("a conformity goal is about a CTV with a prescription", got=goal.structure, where=where)
    limit_gy, rows = goals.prescription_gy(goal.structure), points.rows(AROUND)
    ctvs = [points.rows(name) for name, role in zip(points.names, points.roles, strict=True) if role == "CTV"]
    isodose_cc = isodose_frac(goal) * sum(float(points.volume_cc[ctv].sum()) for ctv in ctvs)
    return Requirement(
        goal.structure, goal.text, "tail", -1, limit_gy, rows, goal.level, False, isodose_cc, goal.source
    )  # fmt: skip


def requirements(problem: PlanProblem) -> tuple[Requirement, ...]:
    """Return prescriptions first, then the goals in their order.

    Raises
    ------
    InputError
        A CTV without or a non-CTV with a prescription, an unknown structure, hard goals on
        one structure that exclude each other.
    """
    points, goals = problem.points, problem.goals
    roles = dict(zip(points.names, points.roles, strict=True))
    listed: list[Requirement] = []
    for name in (n for n, role in roles.items() if role == "CTV"):
        dose_gy = goals.prescription_gy(name)
        rows = points.rows(name)
        if rows.stop <= rows.start:
            raise InputError("a CTV needs sample points", got="none", where=name)
        listed.append(Requirement(name, f"D100 >= {dose_gy:g} Gy", "every", 1, dose_gy, rows, prescription=True))
    for prescription in goals.prescriptions:
        if roles.get(prescription.structure) != "CTV":
            raise InputError(
                "a prescription needs a structure with role CTV",
                got=roles.get(prescription.structure, "no such structure"),
                where=prescription.structure,
            )
    listed += [required(goal, problem) for goal in goals.goals]
    _no_contradiction(listed)
    return tuple(listed)


def _no_contradiction(listed: list[Requirement]) -> None:
    floor: dict[str, Requirement] = {}
    roofs: dict[str, list[Requirement]] = defaultdict(list)
    for one in (r for r in listed if r.level == 0 and r.kind == "every"):
        if one.sense == -1:
            roofs[one.structure].append(one)
        elif one.structure not in floor or one.limit > floor[one.structure].limit:
            floor[one.structure] = one
    for name, low in floor.items():
        for high in roofs[name]:
            if high.limit < low.limit:
                raise InputError(
                    "two hard goals on one structure exclude each other",
                    got=f"{low.text} and {high.text}",
                    where=name,
                    remedy="Give one of them a priority level, or change a limit.",
                )


def hottest(dose_gy: FloatArray, volume_cc: FloatArray, below_cc: float) -> BoolArray:
    """Return a mask of the hottest points whose volumes together stay below ``below_cc``; ties go by row."""
    low, high = float(dose_gy.min()), float(dose_gy.max())
    # Only the doses around the one at which the volume is reached need to be sorted.
    step = ((dose_gy - low) * (_STEPS / max(high - low, 1e-300))).astype(np.int64)
    hotter_cc = np.cumsum(np.bincount(step, volume_cc, _STEPS + 1)[::-1])[::-1]
    reached = int(np.flatnonzero(hotter_cc >= below_cc * (1 - _SAME_VOLUME)).max(initial=-1))
    mask = step > reached
    if reached >= 0:
        at = np.flatnonzero(step == reached)
        order = at[np.argsort(-dose_gy[at], kind="stable")]
        before_cc = float(hotter_cc[reached + 1]) if reached < _STEPS else 0.0
        mask[order[before_cc + np.cumsum(volume_cc[order]) < below_cc * (1 - _SAME_VOLUME)]] = True
    return mask
