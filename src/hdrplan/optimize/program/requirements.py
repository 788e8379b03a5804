"""Goals and sample points turned into requirements on rows of the rate matrix."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.errors import InputError
from hdrplan.optimize.objectives import GoalId, NamedGoal
from hdrplan.optimize.problem import PlanProblem
from hdrplan.plan import AROUND, Goal, isodose_frac, parse_metric

__all__ = ["Kind", "Requirement", "hottest", "numbered", "required", "requirements"]

# Parts of the range of doses in which the volume at a dose is looked for.
_STEPS = 10_000
# Volumes that differ by less than this fraction are the same: the last digits of a sum of thousands of voxels.
SAME_VOLUME_FRAC = 1e-9


class Kind(StrEnum):
    """What a requirement limits; ``DOSE_VOLUME``: the dose at all points but a volume, any of them (not convex)."""

    EVERY_POINT = "dose at every point"
    MEAN = "mean dose"
    DOSE_VOLUME = "dose at a volume"
    TIME = "total time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One goal as a condition on doses.

    Parameters
    ----------
    goal : NamedGoal
    kind : Kind
    sense : {1, -1}
        1: at least ``limit``; -1: at most.
    limit : float
        What the program asks for, in Gy, or s for the total time: the goal's own value, with the problem's reserve
        where it is a prescription.
    rows : slice
        Rows of the rate matrix.
    prescription : bool
        Whether this is a CTV's prescription, which gives way when an organ's limit cannot hold beside it.
    tail_cc : float
        Volume on the wrong side of the limit must stay below this.
    """

    goal: NamedGoal
    kind: Kind
    sense: Literal[1, -1]
    limit: float
    rows: slice
    prescription: bool = False
    tail_cc: float = 0.0

    @property
    def structure(self) -> str:
        """Name of the structure; "plan" for the total time."""
        return self.goal.id.structure

    @property
    def level(self) -> int:
        """0 is hard; 1, 2, ... are priority levels."""
        return self.goal.id.level

    @property
    def id(self) -> GoalId:
        """Name of the goal among all goals of the plan."""
        return self.goal.id

    @property
    def label(self) -> str:
        """Structure and goal in words: "duodenum Dmax <= 12 Gy"."""
        return self.goal.label


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
    points = problem.points
    where = f"goal {goal.text!r} of {goal.structure}"
    metric, sense = goal.metric, (1 if goal.sense == ">=" else -1)
    if metric.kind == "total_time":
        if sense == 1:
            raise InputError("a total time can only be limited from above", got=goal.sense, where=where)
        return _requirement(replace(goal, structure="plan"), Kind.TIME, goal.value, slice(0, 0), sense=-1)
    if metric.kind == "conformity":
        return _conformity(goal, problem, where)
    rows = points.rows(goal.structure)
    if rows.stop <= rows.start:
        raise InputError("a goal needs a structure with sample points", got="none", where=where)
    total_cc = float(points.volume_cc[rows].sum())

    if metric.kind == "dose_mean":
        return _requirement(goal, Kind.MEAN, goal.value, rows)
    if metric.kind in ("dose_max", "dose_min"):
        if (metric.kind == "dose_min") != (sense == 1):
            raise InputError("Dmin takes >= and Dmax takes <=", got=goal.text, where=where)
        return _requirement(goal, Kind.EVERY_POINT, goal.value, rows)
    if metric.kind in ("dose_at_frac", "dose_at_cc"):
        hot_cc = metric.at if metric.kind == "dose_at_cc" else metric.at * total_cc
        limit_gy = goal.value
    else:
        # At most a volume may receive at least a dose: the dose at that volume is at most the dose, and vice versa.
        # Of the prescription itself: its reserve is no dose that a goal speaks of.
        prescribed_gy = 1.0 if metric.kind == "volume_at_gy" else problem.goals.prescription_gy(goal.structure)
        limit_gy = metric.at * prescribed_gy
        hot_cc = goal.value if metric.unit == "cc" else goal.value * total_cc
    if hot_cc > total_cc * (1 + 1e-6):
        raise InputError(
            "the goal's volume must not exceed the structure's",
            got=f"{hot_cc:.3g} cc of {total_cc:.3g} cc",
            where=where,
        )
    # The volume that may lie on the wrong side of the limit; none of it means every point.
    tail_cc = total_cc - hot_cc if sense == 1 else hot_cc
    if tail_cc <= SAME_VOLUME_FRAC * total_cc:
        # D100 is the dose of the coldest point, on the surface too; a volume at a dose has no points on the surface.
        counted = rows if metric.kind.startswith("dose_at") else _with_volume(points.volume_cc, rows)
        return _requirement(goal, Kind.EVERY_POINT, limit_gy, counted)
    return _requirement(goal, Kind.DOSE_VOLUME, limit_gy, rows, tail_cc=tail_cc)


def _with_volume(volume_cc: FloatArray, rows: slice) -> slice:
    """Return the rows of the points that have a volume: those on the surface come last."""
    return slice(rows.start, rows.start + 1 + int(np.flatnonzero(volume_cc[rows]).max(initial=0)))


def _requirement(
    goal: Goal, kind: Kind, limit: float, rows: slice, *, sense: Literal[1, -1] | None = None, tail_cc: float = 0.0
) -> Requirement:
    """Return a requirement whose sense is the goal's, if none is given."""
    own: Literal[1, -1] = 1 if goal.sense == ">=" else -1
    return Requirement(
        goal=NamedGoal(GoalId(structure=goal.structure, metric=goal.metric.text, level=goal.level), goal),
        kind=kind,
        sense=sense or own,
        limit=limit,
        rows=rows,
        tail_cc=tail_cc,
    )


def _conformity(goal: Goal, problem: PlanProblem, where: str) -> Requirement:
    points = problem.points
    if AROUND not in points.names:
        raise InputError(
            "a conformity goal needs sample points in and around the CTVs",
            got="none",
            where=where,
            remedy="Sample the structures that case.dosed_structures(goals) returns.",
        )
    if goal.structure not in problem.goals.doses_gy:
        raise InputError("a conformity goal is about a CTV with a prescription", got=goal.structure, where=where)
    limit_gy, rows = problem.goals.prescription_gy(goal.structure), points.rows(AROUND)
    ctvs = [points.rows(name) for name, role in zip(points.names, points.roles, strict=True) if role == "CTV"]
    isodose_cc = isodose_frac(goal) * sum(float(points.volume_cc[ctv].sum()) for ctv in ctvs)
    return _requirement(goal, Kind.DOSE_VOLUME, limit_gy, rows, sense=-1, tail_cc=isodose_cc)


def requirements(problem: PlanProblem) -> tuple[Requirement, ...]:
    """Return prescriptions first, then the goals in their order.

    Raises
    ------
    InputError
        A CTV without or a non-CTV with a prescription, an unknown structure, hard goals on one structure that exclude
        each other.
    """
    roles = dict(zip(problem.points.names, problem.points.roles, strict=True))
    references = [reference.structure for reference in problem.goals.references]
    ctvs = [name for name, role in roles.items() if role == "CTV" and name not in references]
    listed = [_prescription(name, problem) for name in ctvs]
    for prescription in problem.goals.prescriptions:
        if roles.get(prescription.structure) != "CTV":
            raise InputError(
                "a prescription needs a structure with role CTV",
                got=roles.get(prescription.structure, "no such structure"),
                where=prescription.structure,
            )
    listed += [required(goal, problem) for goal in problem.goals.goals]
    if references and not any(requirement.goal.goal.sense == ">=" for requirement in listed):
        raise InputError(
            "a plan must be asked for a dose",
            got="no prescription that counts, and no goal with >=",
            remedy=f"Add a goal such as D90 >= 20 Gy of {references[0]}, or let a prescription count.",
        )
    _no_contradiction(listed)
    return numbered(listed)


def numbered(listed: Iterable[Requirement]) -> tuple[Requirement, ...]:
    """Return requirements with ids that differ: the second goal on one structure, metric and level is a repeat."""
    seen: Counter[GoalId] = Counter()
    different = []
    for requirement in listed:
        first = replace(requirement.id, repeat=0)
        goal = NamedGoal(replace(first, repeat=seen[first]), requirement.goal.goal)
        different.append(replace(requirement, goal=goal))
        seen[first] += 1
    return tuple(different)


def _prescription(name: str, problem: PlanProblem) -> Requirement:
    dose_gy, rows = problem.goals.prescription_gy(name), problem.points.rows(name)
    if rows.stop <= rows.start:
        raise InputError("a CTV needs sample points", got="none", where=name)
    goal = Goal(structure=name, metric=parse_metric("D100"), sense=">=", value=dose_gy, level=0, source="prescription")
    return replace(_requirement(goal, Kind.EVERY_POINT, problem.asked_gy(name), rows), prescription=True)


def _no_contradiction(listed: list[Requirement]) -> None:
    floor: dict[str, Requirement] = {}
    roofs: dict[str, list[Requirement]] = defaultdict(list)
    for requirement in (r for r in listed if r.level == 0 and r.kind == Kind.EVERY_POINT):
        name = requirement.structure
        if requirement.sense == -1:
            roofs[name].append(requirement)
        elif name not in floor or requirement.limit > floor[name].limit:
            floor[name] = requirement
    for name, low in floor.items():
        for high in roofs[name]:
            if high.limit < low.limit:
                raise InputError(
                    "two hard goals on one structure exclude each other",
                    got=f"{low.goal.goal.text} and {high.goal.goal.text}",
                    where=name,
                    remedy="Give one of them a priority level, or change a limit.",
                )


def hottest(dose_gy: FloatArray, volume_cc: FloatArray, below_cc: float) -> BoolArray:
    """Return a mask of the hottest points whose volumes together stay below a volume; ties go by row.

    Parameters
    ----------
    dose_gy, volume_cc : (n,) arrays
    below_cc : float

    Returns
    -------
    (n,) bool array
    """
    low, high = float(dose_gy.min()), float(dose_gy.max())
    # Only the doses around the one at which the volume is reached need to be sorted.
    step = ((dose_gy - low) * (_STEPS / max(high - low, 1e-300))).astype(np.int64)
    hotter_cc = np.cumsum(np.bincount(step, volume_cc, _STEPS + 1)[::-1])[::-1]
    reached = int(np.flatnonzero(hotter_cc >= below_cc * (1 - SAME_VOLUME_FRAC)).max(initial=-1))
    mask = step > reached
    if reached >= 0:
        at = np.flatnonzero(step == reached)
        order = at[np.argsort(-dose_gy[at], kind="stable")]
        before_cc = float(hotter_cc[reached + 1]) if reached < _STEPS else 0.0
        mask[order[before_cc + np.cumsum(volume_cc[order]) < below_cc * (1 - SAME_VOLUME_FRAC)]] = True
    return mask
