"""A simulated procedure: needles go in one by one, each comes to lie elsewhere, and the rest may be re-planned.

The same errors meet every way to go on (arm): the planned paths whatever happens, the rest chosen anew after each
insertion, or the next chosen for the best expected end. In each the dwell times of the end are optimised for where the
catheters lie: what differs is only where they were aimed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.errors import InfeasibleError, InputError
from hdrplan.workflow.foresight import foreseen_next
from hdrplan.workflow.inserted import Inserted, RestOfPaths
from hdrplan.workflow.insertion import InsertionSetting

__all__ = ["ARMS", "Course", "Nominal", "course", "nominal_plan"]

# How it goes on after each insertion.
ARMS = ("as planned", "re-planned", "foreseen")
# Streams of one seed: where catheters come to lie, and what foresight imagines of it.
_ERRORS, _IMAGINED = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Nominal:
    """What is planned before the first insertion, without error.

    Parameters
    ----------
    rest : RestOfPaths
    """

    rest: RestOfPaths

    @property
    def paths(self) -> tuple[int, ...]:
        """In the order of insertion."""
        return self.rest.paths

    @property
    def value(self) -> float:
        """Main objective, when every catheter lies where it was planned."""
        return self.rest.rest.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How one procedure went in one arm.

    Parameters
    ----------
    number : int
        Of the procedure: its errors are the same in every arm.
    arm : str
    met : bool
        Every prescription and every hard goal, in the end.
    value : float
        Main objective in the end; NaN without a plan.
    short_gy : float
        By how much the worst prescription is missed.
    catheters : int
        That were inserted.
    changed : int
        Insertions whose path was not the one planned at the beginning for that turn.
    missed_lesion : int
        Catheters that came to lie without a dwell near any lesion.
    error_mm : float
        RMS of the displacements.
    seconds : float
    """

    number: int
    arm: str
    met: bool
    value: float
    short_gy: float
    catheters: int
    changed: int
    missed_lesion: int
    error_mm: float
    seconds: float


def nominal_plan(setting: InsertionSetting, *, count: int | None, most: int, worth_frac: float) -> Nominal:
    """Choose the catheters before the first insertion: ``count``, or the fewest that hold everything and are worth it.

    Parameters
    ----------
    setting : InsertionSetting
    count : int or None
    most : int
    worth_frac : float
        What a further catheter must save of the objective to be taken.

    Raises
    ------
    InfeasibleError
        No set of at most so many paths holds every hard goal.
    """
    held: list[tuple[int, Nominal]] = []
    worst_gy = np.nan
    for number in range(1, most + 1) if count is None else (count,):
        found = setting.rest(setting.given, number)
        worst_gy = found.rest.short_gy
        if found.rest.held:
            held.append((number, Nominal(rest=found)))
    if not held:
        raise InfeasibleError(
            f"no set of at most {count or most} paths was found that holds the prescription and all hard goals",
            got=f"{worst_gy:.2f} Gy short with {count or most}",
            remedy="Allow more catheters (`count`, `most`), or prescribe less.",
        )
    number, best = held[0]
    for more, nominal in held[1:]:
        if nominal.value <= best.value * (1 - worth_frac) ** (more - number):
            number, best = more, nominal
    return best


def course(
    setting: InsertionSetting, nominal: Nominal, arm: str, number: int, *, error_mm: float, seed: int, draws: int = 0
) -> Course:
    """Go through one procedure.

    Parameters
    ----------
    setting : InsertionSetting
    nominal : Nominal
    arm : str
        Of :data:`ARMS`.
    number : int
        Which procedure: it decides the errors.
    error_mm : float
        RMS displacement of each catheter in space.
    seed : int
    draws : int
        Displacements that foresight imagines for each path.

    Raises
    ------
    InputError
        No such arm.
    """
    if arm not in ARMS:
        raise InputError(f"arms are {', '.join(ARMS)}", got=repr(arm))
    started = time.perf_counter()
    shifts_mm = _shifts_mm(seed, _ERRORS, number, len(nominal.paths), error_mm)
    inside: list[Inserted] = list(setting.given)
    left, taken = list(nominal.paths), list[int]()
    for turn, shift_mm in enumerate(shifts_mm):
        if arm == "as planned":
            path = nominal.paths[turn]
        else:
            remaining = len(nominal.paths) - turn
            found = setting.rest(inside, remaining, before=left) if turn else nominal.rest
            if not found.paths:
                break
            left = list(found.paths)
            path = left[0]
            if arm == "foreseen":
                imagined = _shifts_mm(seed, _IMAGINED, number * 100 + turn, draws * remaining, error_mm)
                sample_mm = imagined.reshape(draws, remaining, 3)
                path = foreseen_next(setting, inside, found.paths, remaining, sample_mm).best.path
            left = [other for other in left if other != path]
        taken.append(path)
        inside.append(setting.displaced(path, shift_mm))
    end = setting.final(inside)
    new = inside[len(setting.given) :]
    return Course(
        number=number,
        arm=arm,
        met=end.met,
        value=end.value if np.isfinite(end.value) else np.nan,
        short_gy=end.short_gy,
        catheters=len(new),
        changed=sum(path != planned for path, planned in zip(taken, nominal.paths, strict=False)),
        missed_lesion=sum(one.rate.shape[1] == 0 for one in new),
        error_mm=float(np.sqrt((shifts_mm**2).sum(axis=1).mean())),
        seconds=round(time.perf_counter() - started, 2),
    )


def _shifts_mm(seed: int, stream: int, number: int, count: int, error_mm: float) -> FloatArray:
    """Displacements, (count, 3), RMS ``error_mm`` in space; the first ones do not depend on the count."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream, number)))
    return np.asarray(rng.normal(0.0, error_mm / np.sqrt(3.0), (count, 3)))
