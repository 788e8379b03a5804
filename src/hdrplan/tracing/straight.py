"""How straight a trace is: a catheter bends over its whole length, a trace that goes over to a neighbour does not."""

from __future__ import annotations

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray

__all__ = ["bend_mm", "straightened"]

# Of this share of a trace a first curve is made. What it then holds must be more than this share of the whole, or
# nobody knows which of the catheters was meant.
_WINDOW, _MOST = 0.4, 0.6
# A short piece tells the curve nearby only: what it holds grows from round to round.
_STEP, _ROUNDS = 5, 8


def bend_mm(points_mm: FloatArray) -> float:
    """Root mean square distance of points (n, 3) from one parabola through them all.

    In the test set (docs/measurements/catheters.md) traces of one catheter have up to 0.3 mm, those that hold pieces of
    two have 0.5 mm and more.
    """
    return float(np.sqrt((_away(points_mm, np.ones(len(points_mm), dtype=np.bool_)) ** 2).mean()))


def straightened(points_mm: FloatArray, within_mm: float) -> tuple[FloatArray, BoolArray] | None:
    """Return a trace with pieces of another catheter replaced by the curve of its own, and which these are.

    Parameters
    ----------
    points_mm : (n, 3) array
        1 mm apart.
    within_mm : float
        Points so near to a curve lie on it.

    Returns
    -------
    (n, 3) array, (n,) bool array, or None
        None where no parabola holds most of the trace.
    """
    count = len(points_mm)
    wide = max(8, round(_WINDOW * count))
    best, most = np.zeros(count, dtype=np.bool_), 0.0
    for first in range(0, max(1, count - wide + 1), _STEP):
        on: BoolArray = np.zeros(count, dtype=np.bool_)
        on[first : first + wide] = True
        for _ in range(_ROUNDS):
            away = _away(points_mm, on)
            on = away < within_mm
            if on.sum() < wide // 2:
                break
        # The nearer the more: a wide parabola that goes round a kink of 10 degrees has 80 mm of it within 0.4 mm, too.
        held = float(np.clip(1.0 - (away / within_mm) ** 2, 0.0, None).sum())
        if held > most:
            best, most = on, held
    if best.mean() < _MOST:
        return None
    return np.where(best[:, None], points_mm, _curve(points_mm, best)), ~best


def _away(points_mm: FloatArray, on: BoolArray) -> FloatArray:
    return np.asarray(np.linalg.norm(_curve(points_mm, on) - points_mm, axis=1))


def _curve(points_mm: FloatArray, on: BoolArray) -> FloatArray:
    """Return for each point its place on the parabola through some of them, by the length along the chord."""
    chord = points_mm[-1] - points_mm[0]
    along = (points_mm - points_mm[0]) @ chord / max(float(chord @ chord), 1e-9)
    powers = np.polynomial.polynomial.polyfit(along[on], points_mm[on], 2)
    return np.asarray(np.polynomial.polynomial.polyval(along, powers)).T
