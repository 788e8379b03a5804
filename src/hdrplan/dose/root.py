"""Where a continuous function of one number is 0."""

from __future__ import annotations

from collections.abc import Callable
from math import copysign

__all__ = ["root_between"]

_MAX_STEPS = 100
# Relative error of a root, beside the absolute one: four times the last bit.
_LAST_BITS = 2.0**-50


def root_between(function: Callable[[float], float], low: float, high: float, *, error: float) -> float:
    """Return a root by Brent's method: secant and inverse quadratic steps, halving where they do not gain.

    Step by step that of ``scipy.optimize.brentq``, whose room brings sparse matrices and linear programs: 0.1 CPU
    seconds of every start.

    Parameters
    ----------
    function : callable
        Continuous, of other signs at ``low`` and ``high``.
    low, high : float
    error : float
        The root lies within this of what is returned.

    References
    ----------
    Brent RP, Algorithms for Minimization Without Derivatives, Prentice-Hall 1973, chapter 4.
    """
    before, here = low, high
    f_before, f_here = function(before), function(here)
    if f_before == 0.0:
        return before
    other, f_other, step_before, step = before, f_before, here - before, here - before
    for _ in range(_MAX_STEPS):
        if f_here != 0.0 and copysign(1.0, f_before) != copysign(1.0, f_here):
            other, f_other = before, f_before
            step_before = step = here - before
        if abs(f_other) < abs(f_here):
            before, here, other = here, other, here
            f_before, f_here, f_other = f_here, f_other, f_here
        shortest = (error + _LAST_BITS * abs(here)) / 2
        halving = (other - here) / 2
        if f_here == 0.0 or abs(halving) < shortest:
            break
        quick = None
        if abs(step_before) > shortest and abs(f_here) < abs(f_before):
            quick = _interpolated((before, f_before), (here, f_here), (other, f_other))
            quick = quick if 2 * abs(quick) < min(abs(step_before), 3 * abs(halving) - shortest) else None
        step_before, step = (halving, halving) if quick is None else (step, quick)
        before, f_before = here, f_here
        here += step if abs(step) > shortest else copysign(shortest, halving)
        f_here = function(here)
    return here


def _interpolated(before: tuple[float, float], here: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the step to the root of the line, or of the inverse parabola, through two or three points."""
    (x0, f0), (x1, f1), (x2, f2) = before, here, other
    if x0 == x2:
        return -f1 * (x1 - x0) / (f1 - f0)
    slope0, slope2 = (f0 - f1) / (x0 - x1), (f2 - f1) / (x2 - x1)
    return -f1 * (f2 * slope2 - f0 * slope0) / (slope2 * slope0 * (f2 - f0))
