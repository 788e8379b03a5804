"""Areas of a section: of a level above a shift, inside a box, and by the few squares that a small shift changes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit, jit_inline

__all__ = ["SMALL_SHIFT", "area_of_squares", "level_area", "undecided_squares"]

Floats = npt.NDArray[np.float64]
Levels = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]
States = npt.NDArray[np.uint8]

# Shifts up to this are found among few squares, larger ones among all; in pixels.
SMALL_SHIFT = 1.0


@jit
def level_area(level: Levels, shift: float, box: Floats, window: Places) -> float:
    """Return the area, in pixels, inside a box where the level is at least ``shift``.

    Parameters
    ----------
    level : (ny, nx) array
        Linear in triangles of pixel centres, the mean of both ways to divide a square; each is taken as no larger than
        its distance to the box, plus ``shift``.
    shift : float
    box : (4,) array
        Middle x, y and half of the width and height; infinite where nothing is cut.
    window : (4,) array
        First and last x, first and last y of the pixels that are asked; it holds all of the section.
    """
    total = 0.0
    uncut = box[2] == np.inf
    first = window[0]
    state = np.empty(window[1] - first, dtype=np.uint8)
    least = np.float32(shift)
    for j in range(window[2], window[3]):
        low, high = box[3] - abs(j - box[1]), box[3] - abs(j + 1 - box[1])
        if not uncut and low < 0.0 and high < 0.0:
            continue
        # Slices begin at 0: only then is a loop over them compiled to take several pixels at once.
        here, there = level[j, first : window[1] + 1], level[j + 1, first : window[1] + 1]
        some = 0
        for i in range(len(state)):
            state[i] = max(max(here[i], here[i + 1]), max(there[i], there[i + 1])) >= least
            some += state[i]
        if some == 0:
            continue
        for i in range(len(state)):
            if state[i] == 0:
                continue
            a, b, c, d = here[i] - shift, there[i] - shift, here[i + 1] - shift, there[i + 1] - shift
            if not uncut:
                before, after = box[2] - abs(i + first - box[0]), box[2] - abs(i + first + 1 - box[0])
                a, b = min(a, min(low, before)), min(b, min(high, before))
                c, d = min(c, min(low, after)), min(d, min(high, after))
            if min(min(a, b), min(c, d)) >= 0.0:
                total += 1.0
            elif max(max(a, b), max(c, d)) >= 0.0:
                total += _square(a, b, c, d)
    return total


@jit_inline
def undecided_squares(
    level: Levels, box: Floats, window: Places, state: States, squares: npt.NDArray[np.int32], corners: Levels
) -> tuple[int, int]:
    """Count the squares that are inside for every small shift, and note those that are not always so or never.

    Parameters
    ----------
    level, box, window
        As for :func:`level_area`.
    state : (nx,) array
        Room to work in.
    squares : (n, 2) array
        Filled: row and column of the squares noted; has room for all.
    corners : (n, 4) array
        Filled: their levels, of a column and of the next one.

    Returns
    -------
    tuple of int
        How many are inside, and how many were noted.
    """
    uncut = box[2] == np.inf
    inside = count = 0
    small = np.float32(SMALL_SHIFT)
    first = window[0]
    states = state[: window[1] - first]
    # Columns of squares with both sides in the box.
    begin, end = first, window[1]
    if not uncut:
        begin, end = max(begin, int(np.ceil(box[0] - box[2]))), min(end, int(np.floor(box[0] + box[2])))
    width = max(end - begin, 0)
    for j in range(window[2], window[3]):
        here, there = level[j, first : window[1] + 1], level[j + 1, first : window[1] + 1]
        some = 0
        for i in range(len(states)):
            states[i] = max(max(here[i], here[i + 1]), max(there[i], there[i + 1])) >= -small
            some += states[i]
        if some == 0:
            continue
        if uncut or (box[3] >= abs(j - box[1]) and box[3] >= abs(j + 1 - box[1])):
            within = states[begin - first : begin - first + width]
            here_in, there_in = level[j, begin : begin + width + 1], level[j + 1, begin : begin + width + 1]
            for i in range(len(within)):
                within[i] += min(min(here_in[i], here_in[i + 1]), min(there_in[i], there_in[i + 1])) >= small
        for i in range(len(states)):
            if states[i] == 1:
                squares[count, 0], squares[count, 1] = j, i + first
                corners[count, 0], corners[count, 1] = here[i], there[i]
                corners[count, 2], corners[count, 3] = here[i + 1], there[i + 1]
                count += 1
            else:
                inside += states[i] >> 1
    return inside, count


@jit_inline
def area_of_squares(
    corners: Levels, shift: float, box: Floats, squares: npt.NDArray[np.int32], inside: int
) -> tuple[float, int]:
    """As :func:`level_area`, where only some squares are asked; and how many of them the section's outline crosses.

    Parameters
    ----------
    corners, squares
        Of :func:`undecided_squares`.
    shift, box
        As for :func:`level_area`.
    inside : int
        Squares that are inside besides.
    """
    total, crossed = float(inside), 0
    uncut = box[2] == np.inf
    for k in range(len(corners)):
        a, b, c, d = corners[k, 0] - shift, corners[k, 1] - shift, corners[k, 2] - shift, corners[k, 3] - shift
        if not uncut:
            j, i = squares[k, 0], squares[k, 1]
            low, high = box[3] - abs(j - box[1]), box[3] - abs(j + 1 - box[1])
            before, after = box[2] - abs(i - box[0]), box[2] - abs(i + 1 - box[0])
            a, b = min(a, min(low, before)), min(b, min(high, before))
            c, d = min(c, min(low, after)), min(d, min(high, after))
        if min(min(a, b), min(c, d)) >= 0.0:
            total += 1.0
        elif max(max(a, b), max(c, d)) >= 0.0:
            total += _square(a, b, c, d)
            crossed += 1
    return total, crossed


@jit_inline
def _square(before_low: float, before_high: float, here_low: float, here_high: float) -> float:
    """Fraction of a square of pixel centres that is inside, the mean of both ways to divide it."""
    total = 0.25 * (_held(before_low, here_low, before_high) + _held(here_low, before_high, here_high))
    return total + 0.25 * (_held(before_low, here_low, here_high) + _held(before_low, before_high, here_high))


@jit_inline
def _held(a: float, b: float, c: float) -> float:
    """Fraction of a triangle in which the plane through its corners' values is not negative."""
    negative = int(a < 0.0) + int(b < 0.0) + int(c < 0.0)
    if negative == 0:
        return 1.0
    if negative == 3:
        return 0.0
    # The corner that lies alone on its side.
    alone, other, third = a, b, c
    if (a < 0.0) == (c < 0.0):
        alone, other, third = b, a, c
    elif (a < 0.0) == (b < 0.0):
        alone, other, third = c, a, b
    cut = alone * alone / ((alone - other) * (alone - third))
    return 1.0 - cut if negative == 1 else cut
