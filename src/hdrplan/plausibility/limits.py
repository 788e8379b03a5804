"""Whether the goals of one structure fit each other, and what they count in."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, permutations

from hdrplan.cautions import Caution, caution
from hdrplan.geometry import Structure
from hdrplan.plan import Goal, Goals, Metric, anatomy_of

__all__ = ["doubts_of_limits"]

# Levels follow each other; a protocol's goals for organs that a case has not may leave some out.
_GAP = 4
# Hot spots of organs are limited in cc; D50 of an organ is a dose to half of it.
_SMALL_FRAC = 0.1


def doubts_of_limits(goals: Goals, structures: Sequence[Structure]) -> list[Caution]:
    """Say which goals follow from others, exclude others, or count in percent what organs' limits count in Gy and cc.

    Parameters
    ----------
    goals : Goals
    structures : sequence of Structure
    """
    known = {s.name: s for s in structures}
    serial = [s.name for s in structures if s.role != "CTV" and _is_serial(s.name)]
    doubts = [doubt for goal in goals.goals for doubt in _percent(goal, known.get(goal.structure))]
    doubts += [doubt for name in serial for doubt in _beside_the_hottest(name, goals)]
    levels = sorted({0, *(goal.level for goal in goals.goals)})
    for below, above in pairwise(levels):
        if above - below >= _GAP:
            goal = next(goal for goal in goals.goals if goal.level == above)
            texts = {"structure": goal.structure, "goal": goal.text}
            doubts.append(caution("goal-level-skipped", **texts, level=above, below=below))
    for strict, loose in permutations(goals.goals, 2):
        if strict.structure == loose.structure:
            doubts += [*_implied(strict, loose), *_excluded(strict, loose)]
    return doubts


def _percent(goal: Goal, structure: Structure | None) -> list[Caution]:
    if structure is None or structure.role == "CTV":
        return []
    metric = goal.metric
    if metric.kind == "volume_at_frac":
        said, meant = f"{metric.at:.0%} of the prescription", f"V{100 * metric.at:g}Gy"
    elif metric.kind == "dose_at_frac" and 0.0 < metric.at <= _SMALL_FRAC:
        said, meant = f"{100 * metric.at:g} % of the volume", f"D{100 * metric.at:g}cc"
    else:
        return []
    return [caution("goal-in-percent", structure=goal.structure, goal=goal.text, said=said, meant=meant)]


def _is_serial(name: str) -> bool:
    row = anatomy_of(name)
    return row is not None and row.tissue in ("bowel", "spinal cord")


def _beside_the_hottest(name: str, goals: Goals) -> list[Caution]:
    """Say where no limit of an organ that a hot spot harms says anything of its hottest part."""
    limits = [goal for goal in goals.goals if goal.structure == name and goal.sense == "<=" and goal.metric.unit != "s"]
    if not limits or any(_is_of_hottest(goal) for goal in limits):
        return []
    return [caution("limit-not-of-hottest", structure=name, goal=limits[0].text)]


def _is_of_hottest(goal: Goal) -> bool:
    metric = goal.metric
    if metric.kind == "dose_at_frac":
        return metric.at <= _SMALL_FRAC
    if metric.kind in ("volume_at_gy", "volume_at_frac"):
        return metric.unit != "frac" or goal.value <= _SMALL_FRAC
    return metric.kind in ("dose_max", "dose_at_cc", "conformity")


def _at_most_as_large(first: Metric, second: Metric) -> bool:
    """Whether the first quantity is never larger than the second, of any dose: another quantity of the same kind."""
    if first == second:
        return False
    same = first.kind == second.kind and first.unit == second.unit
    if same and first.kind in ("dose_at_frac", "dose_at_cc", "volume_at_gy", "volume_at_frac"):
        # A larger volume has a smaller minimum dose; a higher dose covers a smaller volume.
        return first.at > second.at
    order = {"dose_min": 0, "dose_mean": 1, "dose_max": 3}
    if first.kind in order and second.kind in order:
        return order[first.kind] < order[second.kind]
    between = ("dose_at_frac", "dose_at_cc")
    return (first.kind == "dose_min" and second.kind in between) or (
        first.kind in between and second.kind == "dose_max"
    )


def _implied(strict: Goal, loose: Goal) -> list[Caution]:
    """Say which limit of at least the same priority leaves another without effect."""
    if strict.sense != loose.sense or strict.level > loose.level or strict.metric.unit != loose.metric.unit:
        return []
    if strict.sense == "<=":
        holds = _at_most_as_large(loose.metric, strict.metric) and strict.value < loose.value
    else:
        holds = _at_most_as_large(strict.metric, loose.metric) and strict.value > loose.value
    if not holds:
        return []
    return [caution("goal-implied", structure=loose.structure, goal=loose.text, by=strict.text)]


def _excluded(high: Goal, low: Goal) -> list[Caution]:
    """Say which minimum exceeds a maximum of the same or of a larger quantity."""
    if high.sense != ">=" or low.sense != "<=" or high.metric.unit != low.metric.unit:
        return []
    same = high.metric == low.metric or _at_most_as_large(high.metric, low.metric)
    if not same or high.value <= low.value:
        return []
    return [caution("goals-exclude", structure=high.structure, first=high.text, second=low.text)]
