"""Whether prescriptions and goals can be meant: their sense, their range, and what they protect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from hdrplan.cautions import Caution, caution
from hdrplan.geometry import Structure
from hdrplan.plan import Goal, Goals, anatomy_of, organ_of
from hdrplan.plausibility.limits import doubts_of_limits
from hdrplan.sources import TG43Source

__all__ = ["doubts_of_dwell_places", "doubts_of_goals"]

# Gy in one fraction; sources in the register, "prescription-unusual" and "goal-out-of-range".
_PRESCRIPTION_GY = (8.0, 30.0)
_LIMIT_GY = (0.5, 60.0)
# One fraction to the wall of stomach and bowel, or the spinal cord.
_WALL_GY = 25.0
_TARGET_GY = (5.0, 500.0)
_FINEST_CC = 0.01
# The largest prescription in use; an organ of which the half has it would not survive.
_MEAN_GY = 25.0
_TIME_S = (60.0, 4 * 3600.0)
# Volume of the liver beyond a dose; limits in use are 33 to 66 %.
_LIVER_FRAC = (0.05, 0.8)
# Coverage of a CTV from this part of its volume on has a minimum, never a maximum.
_COVERAGE = 0.9
_ABOVE = 1.5
# A source 1 mm from the tissue gives it hundreds of percent of what it gives 10 mm away, by the square of the distance.
_HOT, _HOT_CC = 2.0, 0.1
# Step, offset of the first dwell from the tip, distance outside the CTVs (register, "dwells-unusual").
_DWELLS = {
    "step_mm": ("dwells at a step", 10.0),
    "tip_offset_mm": ("a tip offset", 20.0),
    "margin_mm": ("dwells outside the CTVs by up to", 20.0),
}
# Shortest time of a dwell, longest that is allowed: those of liver implants are 0.1 to some 100 s.
_SHORTEST_S, _LONGEST_S = 10.0, 5.0
# The organ around a CTV of 2 cm has as much tissue within a millimetre of it.
_TOUCHING_CC = 1.0
# Afterloaders step by 1 mm and more.
_FINEST_STEP_MM = 1.0


def doubts_of_goals(goals: Goals, structures: Sequence[Structure], healthy: str | None = None) -> list[Caution]:
    """Say which prescriptions and goals were probably not meant.

    Parameters
    ----------
    goals : Goals
    structures : sequence of Structure
    healthy : str, optional
        Name of the organ around the CTVs.
    """
    doubts = [
        caution("prescription-unusual", structure=p.structure, dose_gy=p.dose_gy)
        for p in goals.prescriptions
        if not _PRESCRIPTION_GY[0] <= p.dose_gy <= _PRESCRIPTION_GY[1]
    ]
    known = {s.name: s for s in structures}
    for goal in goals.goals:
        doubts += [*_goal(goal, known.get(goal.structure)), *_against(goal, goals, healthy), *_above(goal, goals)]
    liver = next((s.name for s in structures if s.role != "CTV" and organ_of(s.name) == "liver"), None)
    if healthy is None and liver is not None:
        doubts.append(caution("healthy-not-named", name=liver))
    doubts += doubts_of_limits(goals, structures)
    for first, second in combinations(goals.goals, 2):
        if _quantity(first) == _quantity(second):
            limits = {"metric": first.metric.text, "first": first.text, "second": second.text}
            doubts.append(caution("goal-twice", structure=first.structure, **limits))
    return doubts


def doubts_of_dwell_places(options: Mapping[str, float], source: TG43Source) -> list[Caution]:
    """Say which of the planner's options that place dwells, by their names, was probably not meant."""
    doubts = [
        caution("dwells-unusual", what=what, value=options[name], unit="mm")
        for name, (what, maximum_mm) in _DWELLS.items()
        if options.get(name, 0.0) > maximum_mm
    ]
    if options.get("step_mm", 5.0) < _FINEST_STEP_MM:
        doubts.append(caution("dwells-unusual", what="dwells at a step", value=options["step_mm"], unit="mm"))
    for name, what, is_odd in (
        ("min_dwell_s", "a shortest dwell", options.get("min_dwell_s", 0.0) > _SHORTEST_S),
        ("max_dwell_s", "a longest dwell", options.get("max_dwell_s", 600.0) < _LONGEST_S),
    ):
        if is_odd:
            doubts.append(caution("dwells-unusual", what=what, value=options[name], unit="s"))
    offset_mm, core_mm = options.get("tip_offset_mm"), source.active_length_mm
    if offset_mm is not None and offset_mm < core_mm / 2.0:
        doubts.append(caution("tip-offset-small", mm=offset_mm, core_mm=core_mm))
    return doubts


def _above(goal: Goal, goals: Goals) -> list[Caution]:
    """Minimum doses of a CTV that are smaller than its prescription, or of nearly all of it far above."""
    prescribed = {p.structure: p.dose_gy for p in goals.prescriptions}
    covers = goal.metric.kind == "dose_min" or (goal.metric.kind == "dose_at_frac" and goal.metric.at >= _COVERAGE)
    dose_gy = prescribed.get(goal.structure)
    if dose_gy is None or goal.sense == "<=" or goal.metric.unit != "Gy":
        return []
    if 0.0 < goal.value < dose_gy:
        return [caution("goal-below-prescription", structure=goal.structure, goal=goal.text, dose_gy=dose_gy)]
    if not covers or goal.value < _ABOVE * dose_gy:
        return []
    factor = goal.value / dose_gy
    return [
        caution("goal-above-prescription", structure=goal.structure, goal=goal.text, factor=factor, dose_gy=dose_gy)
    ]


def _against(goal: Goal, goals: Goals, healthy: str | None) -> list[Caution]:
    """Upper limits below the prescription on the CTV itself, or on the hottest part of the organ around it."""
    prescribed = {p.structure: p.dose_gy for p in goals.prescriptions}
    if goal.sense == ">=" or goal.metric.unit != "Gy" or not prescribed:
        return []
    if goal.structure in prescribed and _is_hottest(goal) and goal.value < _HOT * prescribed[goal.structure]:
        dose_gy = prescribed[goal.structure]
        return [caution("goal-against-prescription", structure=goal.structure, goal=goal.text, dose_gy=dose_gy)]
    hottest = goal.metric.kind == "dose_max" or (goal.metric.kind == "dose_at_cc" and goal.metric.at <= _TOUCHING_CC)
    if goal.structure in prescribed:
        dose_gy = prescribed[goal.structure]
    elif goal.structure == healthy and hottest:
        dose_gy = min(prescribed.values())
    else:
        return []
    if goal.value >= dose_gy:
        return []
    return [caution("goal-against-prescription", structure=goal.structure, goal=goal.text, dose_gy=dose_gy)]


def _is_hottest(goal: Goal) -> bool:
    """Whether a goal limits the dose of the smallest volumes: beside a source it is many times the prescription."""
    metric = goal.metric
    return metric.kind == "dose_max" or (metric.kind == "dose_at_cc" and metric.at <= _HOT_CC)


def _quantity(goal: Goal) -> tuple[object, ...]:
    return goal.structure, goal.metric, goal.sense, goal.level


def _goal(goal: Goal, structure: Structure | None) -> list[Caution]:
    return [
        doubt
        for doubt in (_sense(goal, structure), _fraction(goal), _range(goal, structure), _binding(goal, structure))
        if doubt is not None
    ]


def _sense(goal: Goal, structure: Structure | None) -> Caution | None:
    kind = goal.metric.kind
    if kind == "conformity":
        return None
    because = None
    if goal.structure == "plan" or (structure is not None and structure.role != "CTV"):
        if goal.sense == ">=":
            because = ": a time has a maximum" if structure is None else ": organs at risk have maxima"
    elif structure is not None and goal.sense == "<=":
        covers = kind == "dose_at_frac" and goal.metric.at >= _COVERAGE
        whole = kind == "volume_at_frac" and goal.metric.at <= 1.0
        if covers or whole or kind == "dose_min":
            because = ": a CTV's coverage has a minimum"
    if because is None:
        return None
    return caution("goal-sense", structure=goal.structure, goal=goal.text, because=because)


def _fraction(goal: Goal) -> Caution | None:
    """Percent written as a fraction, in the value or in the metric."""
    if goal.metric.unit == "frac" and 0 < goal.value <= 0.01:
        return caution("goal-fraction", structure=goal.structure, goal=goal.text, percent=1e4 * goal.value)
    if goal.metric.kind == "dose_at_frac" and goal.metric.at <= 0.01 and goal.sense == ">=":
        return caution("goal-fraction", structure=goal.structure, goal=goal.text, percent=1e4 * goal.metric.at)
    if goal.metric.kind == "volume_at_frac" and goal.metric.at < 0.05:
        return caution("goal-fraction", structure=goal.structure, goal=goal.text, percent=1e4 * goal.metric.at)
    return None


def _range(goal: Goal, structure: Structure | None) -> Caution | None:
    unit = goal.metric.unit
    if goal.metric.kind == "dose_at_cc" and goal.metric.at < _FINEST_CC:
        hint = ": fewer than a few voxels"
        return caution("goal-out-of-range", structure=goal.structure, goal=goal.text, hint=hint)
    if unit == "s":
        low, high = _TIME_S
        hint = "; minutes written as seconds?" if goal.value < low else ""
    elif unit == "Gy":
        is_target = structure is not None and structure.role == "CTV"
        low, high = _TARGET_GY if is_target else _LIMIT_GY
        hint = "; cGy written as Gy?" if goal.value > high else ""
        row = None if is_target else anatomy_of(goal.structure)
        if row is not None and row.tissue in ("bowel", "spinal cord") and _WALL_GY < goal.value <= high:
            high, hint = _WALL_GY, "; the limit of many fractions, or EQD2?"
    elif goal.metric.kind == "volume_at_gy":
        low, high = 0.5, 100.0
        share = goal.value if unit == "frac" else None
        if unit == "cc" and structure is not None:
            share = goal.value / structure.volume_cc
        if share is not None and goal.sense == "<=" and _is_liver(structure):
            # A limit in percent below 1 is a fraction, and from 100 % on one that cannot bind; both have warnings.
            low_frac = 0.01 if unit == "frac" else 0.0
            if low_frac < share < _LIVER_FRAC[0] or _LIVER_FRAC[1] < share < 1.0:
                hint = "; a digit lost?" if share < _LIVER_FRAC[0] else ""
                return caution("goal-out-of-range", structure=goal.structure, goal=goal.text, hint=hint)
        if low <= goal.metric.at <= high:
            return None
        hint = "; cGy written as Gy?" if goal.metric.at > high else ""
        return caution("goal-out-of-range", structure=goal.structure, goal=goal.text, hint=hint)
    else:
        return None
    if low <= goal.value <= high:
        return None
    return caution("goal-out-of-range", structure=goal.structure, goal=goal.text, hint=hint)


def _is_liver(structure: Structure | None) -> bool:
    return structure is not None and organ_of(structure.name) == "liver"


def _binding(goal: Goal, structure: Structure | None) -> Caution | None:
    """Limits that hold whatever is planned: beyond the structure's volume, 100 % and more, at least nothing."""
    if structure is None:
        return None
    cc, metric, upper = structure.volume_cc, goal.metric, goal.sense == "<="
    because = None
    if upper and ((metric.kind == "dose_at_cc" and metric.at > cc) or (metric.unit == "cc" and goal.value >= cc)):
        because = f": the structure has {cc:.3g} cc"
    elif metric.kind == "dose_mean" and upper and structure.role != "CTV" and goal.value >= _MEAN_GY:
        because = ": means of organs beside a CTV stay far below its prescription"
    elif (metric.unit == "frac" and upper and goal.value >= 1.0) or (not upper and goal.value == 0.0):
        because = ""
    if because is None:
        return None
    return caution("goal-cannot-bind", structure=goal.structure, goal=goal.text, because=because)
