"""All that a person can do to a plan: one table, whatever calls it. Each action turns wishes into other wishes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from hdrplan.errors import InputError, among
from hdrplan.geometry import Catheter, Grid, Structure
from hdrplan.live.shown import Shown
from hdrplan.live.table import Action, action_of
from hdrplan.live.wishes import AskedGoal, Stop, Wishes, stops_of
from hdrplan.plan import parse_goal

__all__ = ["ACTIONS", "OF_THE_PLAN"]

_SOURCE = "live session"
# A dose at a place is asked of a sphere of this radius: the optimiser's points lie a millimetre apart.
_PLACE_MM = 1.5
# A hand's time, s: longer than any dwell that an afterloader takes is another unit.
_LONGEST_S = 3600.0


ACTIONS: dict[str, Action] = {}


def _action(function: Callable[..., Wishes]) -> Callable[..., Wishes]:
    """Put a function into the table."""
    ACTIONS[function.__name__] = action_of(function)
    return function


Point = tuple[float, float, float]


@_action
def prescribe(wishes: Wishes, shown: Shown, *, ctv: str, dose_gy: float) -> Wishes:
    """Prescribe another dose to a CTV."""
    return _with_prescription(wishes, ctv, dose_gy=dose_gy)


@_action
def switch_prescription(wishes: Wishes, shown: Shown, *, ctv: str, on: bool) -> Wishes:
    """Let a prescription count or not: what is off is a reference for per cent, and goals drive the plan."""
    return _with_prescription(wishes, ctv, on=on)


@_action
def set_prescription_level(wishes: Wishes, shown: Shown, *, ctv: str, level: int) -> Wishes:
    """Make a prescription a goal of a level, or with level 0 the prescription again."""
    _checked_level(level)
    return _with_prescription(wishes, ctv, level=level)


@_action
def add_goal(wishes: Wishes, shown: Shown, *, structure: str, goal: str, level: int = 0) -> Wishes:
    """Ask for one more goal, such as "D1cc <= 12 Gy" of the stomach; level 0 is hard."""
    _checked_level(level)
    asked = AskedGoal(parse_goal(goal, structure=structure, source=_SOURCE, level=level))
    return _following(replace(wishes, goals=(*wishes.goals, asked)))


@_action
def set_goal(wishes: Wishes, shown: Shown, *, number: int, value: float) -> Wishes:
    """Give a goal another limit, in its own unit (Gy, %, cc or s)."""
    asked = _goal(wishes, number)
    metric, sense = asked.goal.metric, asked.goal.sense
    unit = "%" if metric.unit == "frac" else metric.unit
    text = f"{metric.text} {sense} {value:.12g} {unit}".rstrip()
    changed = parse_goal(text, structure=asked.goal.structure, source=asked.goal.source, level=asked.goal.level)
    return _with_goal(wishes, number, replace(asked, goal=changed))


@_action
def set_level(wishes: Wishes, shown: Shown, *, number: int, level: int) -> Wishes:
    """Raise or lower a goal's level: 0 is hard, 1 comes before 2."""
    _checked_level(level)
    asked = _goal(wishes, number)
    return _with_goal(wishes, number, replace(asked, goal=replace(asked.goal, level=level)))


@_action
def switch_goal(wishes: Wishes, shown: Shown, *, number: int, on: bool) -> Wishes:
    """Let a goal count or not."""
    return _with_goal(wishes, number, replace(_goal(wishes, number), on=on))


@_action
def ask_dose_at(wishes: Wishes, shown: Shown, *, point_mm: Point, dose_gy: float, at_least: bool) -> Wishes:
    """Ask for a dose at a place: at least or at most so much within 1.5 mm of it, at level 1."""
    number = 1 + len(wishes.places)
    place = _sphere(f"place {number}", point_mm)
    text = f"Dmin >= {dose_gy:.12g} Gy" if at_least else f"Dmax <= {dose_gy:.12g} Gy"
    asked = AskedGoal(parse_goal(text, structure=place.name, source=_SOURCE, level=1))
    return _following(replace(wishes, places=(*wishes.places, place), goals=(*wishes.goals, asked)))


@_action
def ask_dvh_point(
    wishes: Wishes, shown: Shown, *, structure: str, volume_percent: float, dose_gy: float, at_least: bool
) -> Wishes:
    """Ask that the DVH of a structure passes a point, or beyond it: at least or at most a dose at a volume, level 1."""
    if not 0.0 <= volume_percent <= 100.0:
        raise InputError("a volume lies between 0 and 100 %", got=f"{volume_percent:g} %")
    # All of a structure can be held above a dose and none of it left above one; the other senses speak of nearly so.
    whole = {(100.0, True): "Dmin", (0.0, False): "Dmax"}
    metric = whole.get((volume_percent, at_least), f"D{min(max(volume_percent, 0.1), 99.9):.4g}%")
    text = f"{metric} {'>=' if at_least else '<='} {dose_gy:.12g} Gy"
    asked = AskedGoal(parse_goal(text, structure=structure, source=_SOURCE, level=1))
    return _following(replace(wishes, goals=(*wishes.goals, asked)))


@_action
def set_time(wishes: Wishes, shown: Shown, *, catheter: str, offset_mm: float, seconds: float) -> Wishes:
    """Set one dwell time by hand and lock it; all others stay as they are until the rest is optimised."""
    if not 0.0 <= seconds <= _LONGEST_S:
        raise InputError(f"a dwell time must lie between 0 and {_LONGEST_S:g} s", got=f"{seconds:g}")
    stop = _stop(shown, catheter, offset_mm)
    times = dict(zip(stops_of(shown.plan.dwells), shown.plan.times_s.tolist(), strict=True)) | {stop: seconds}
    return replace(wishes, by_hand_s=MappingProxyType(times), locked_s=_with_lock(wishes, {stop: seconds}))


@_action
def lock(wishes: Wishes, shown: Shown, *, catheter: str, offset_mm: float | None = None) -> Wishes:
    """Keep a dwell time as it is, or all of a catheter."""
    stops = [_stop(shown, catheter, offset_mm)] if offset_mm is not None else _stops(shown, catheter)
    times = dict(zip(stops_of(shown.plan.dwells), shown.plan.times_s.tolist(), strict=True))
    return replace(wishes, locked_s=_with_lock(wishes, {stop: times[stop] for stop in stops}))


@_action
def unlock(wishes: Wishes, shown: Shown, *, catheter: str | None = None, offset_mm: float | None = None) -> Wishes:
    """Leave a dwell time to the optimiser again, or all of a catheter, or all."""
    if catheter is None:
        kept: dict[Stop, float] = {}
    else:
        wishes.catheter(catheter)
        gone = None if offset_mm is None else _stop(shown, catheter, offset_mm)
        kept = {s: t for s, t in wishes.locked_s.items() if s[0] != catheter or (gone is not None and s != gone)}
    return replace(wishes, locked_s=MappingProxyType(kept))


@_action
def optimise_rest(wishes: Wishes, shown: Shown) -> Wishes:
    """Optimise all times that are not locked."""
    return _following(wishes)


@_action
def switch_catheter(wishes: Wishes, shown: Shown, *, name: str, on: bool) -> Wishes:
    """Use a catheter or not."""
    wishes.catheter(name)
    off = wishes.off - {name} if on else wishes.off | {name}
    if len(off) == len(wishes.catheters):
        raise InputError("at least one catheter must be in use", got="none")
    return _following(replace(wishes, off=off))


@_action
def move_catheter(
    wishes: Wishes, shown: Shown, *, name: str, tip_mm: Point | None = None, hub_mm: Point | None = None
) -> Wishes:
    """Move the tip or the hub of a catheter, or both: what lies between goes along in proportion."""
    moved = _moved(wishes.catheter(name), tip_mm, hub_mm)
    return _following(replace(wishes, catheters=tuple(moved if c.name == name else c for c in wishes.catheters)))


@_action
def add_catheter(wishes: Wishes, shown: Shown, *, tip_mm: Point, entry_mm: Point, name: str | None = None) -> Wishes:
    """Add a straight catheter by its tip and its entry through the skin."""
    taken = {c.name for c in wishes.catheters}
    named = name or next(text for k in range(1, 1000) if (text := f"new {k}") not in taken)
    if named in taken:
        raise InputError("names of catheters must differ", got=f"{named!r} twice")
    added = Catheter(named, np.array([entry_mm, tip_mm]))
    return _following(replace(wishes, catheters=(*wishes.catheters, added)))


@_action
def delete_catheter(wishes: Wishes, shown: Shown, *, name: str) -> Wishes:
    """Take a catheter out."""
    wishes.catheter(name)
    left = tuple(c for c in wishes.catheters if c.name != name)
    if not [c for c in left if c.name not in wishes.off]:
        raise InputError("at least one catheter must be in use", got="none")
    locked = {stop: time_s for stop, time_s in wishes.locked_s.items() if stop[0] != name}
    return _following(replace(wishes, catheters=left, off=wishes.off - {name}, locked_s=MappingProxyType(locked)))


def _following(wishes: Wishes) -> Wishes:
    """Return wishes whose times are the optimiser's again: the optimum follows."""
    return replace(wishes, by_hand_s=None)


def _checked_level(level: int) -> None:
    if not 0 <= level <= 9:
        raise InputError("a level lies between 0 (hard) and 9", got=level)


def _with_prescription(wishes: Wishes, ctv: str, **changes: Any) -> Wishes:
    names = [p.structure for p in wishes.prescriptions]
    if ctv not in names:
        raise InputError(f"no CTV is named {ctv!r}", remedy=among(ctv, names))
    changed = tuple(replace(p, **changes) if p.structure == ctv else p for p in wishes.prescriptions)
    return _following(replace(wishes, prescriptions=changed))


def _goal(wishes: Wishes, number: int) -> AskedGoal:
    if not 0 <= number < len(wishes.goals):
        raise InputError(f"goals have the numbers 0 to {len(wishes.goals) - 1}", got=number)
    return wishes.goals[number]


def _with_goal(wishes: Wishes, number: int, asked: AskedGoal) -> Wishes:
    goals = tuple(asked if k == number else goal for k, goal in enumerate(wishes.goals))
    return _following(replace(wishes, goals=goals))


def _with_lock(wishes: Wishes, times_s: Mapping[Stop, float]) -> Mapping[Stop, float]:
    return MappingProxyType({**wishes.locked_s, **times_s})


def _stop(shown: Shown, catheter: str, offset_mm: float) -> Stop:
    stop = (catheter, round(10.0 * offset_mm))
    there = _stops(shown, catheter)
    if stop not in there:
        offsets = ", ".join(f"{tenths / 10:g}" for _, tenths in there)
        raise InputError(f"dwells of {catheter} lie at {offsets} mm from its tip", got=f"{offset_mm:g} mm")
    return stop


def _stops(shown: Shown, catheter: str) -> list[Stop]:
    there = [stop for stop in stops_of(shown.plan.dwells) if stop[0] == catheter]
    if not there:
        remedy = among(catheter, shown.plan.dwells.catheter_names)
        raise InputError(f"no catheter in use is named {catheter!r}", remedy=remedy)
    return there


def _moved(catheter: Catheter, tip_mm: Point | None, hub_mm: Point | None) -> Catheter:
    points = catheter.points_mm
    arc = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))))
    share = (arc / arc[-1])[:, None]
    by_hub = np.zeros(3) if hub_mm is None else np.asarray(hub_mm) - points[0]
    by_tip = np.zeros(3) if tip_mm is None else np.asarray(tip_mm) - points[-1]
    return Catheter(catheter.name, points + (1.0 - share) * by_hub + share * by_tip)


def _sphere(name: str, middle_mm: Point) -> Structure:
    step, count = _PLACE_MM / 3, 9
    corner = np.asarray(middle_mm) - step * (count - 1) / 2
    grid = Grid(shape_zyx=(count,) * 3, origin_mm=corner, spacing_mm=np.full(3, step))
    away = (np.arange(count) - (count - 1) / 2) * step
    inside = (away[:, None, None] ** 2 + away[:, None] ** 2 + away**2) <= _PLACE_MM**2
    return Structure(name=name, role="other", grid=grid, mask_zyx=inside)


# These read the plan on the screen; what they leave are the times set by hand and those locked. All others do not.
OF_THE_PLAN = frozenset({"set_time", "lock", "unlock"})
