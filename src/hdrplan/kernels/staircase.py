"""Volume above a limit, bounded from below by convex functions of few numbers.

Doses are linear in a few numbers q, each within [-1, 1]. The volume of the points above their limit is a staircase in
q. Of points that answer alike to q the sum of the steps lies close to a plane, and its convex hull closer to it than
the sum of the single steps' hulls. So the points are halved, and halved again, into ever more alike groups, each with
the hull of its staircase; at a given q the better of "the group" and "its halves" is taken, from the bottom up.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit

__all__ = ["alike", "floor_at", "grow"]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

# Points that answer to a group's direction by less than this part of it may as well answer the other way.
_LEAST_ANSWER = 1e-3


@jit
def _order(x: F64) -> I64:
    return np.argsort(x)


@jit
def _hull(x: F64, y: F64, n: int, hull_x: F64, hull_y: F64, at: int) -> int:
    """Lower convex hull of points sorted by x, written from ``at`` on; return where it ends."""
    end = at
    for i in range(n):
        while end - at >= 2 and (hull_y[end - 1] - hull_y[end - 2]) * (x[i] - hull_x[end - 2]) >= (
            y[i] - hull_y[end - 2]
        ) * (hull_x[end - 1] - hull_x[end - 2]):
            end -= 1
        hull_x[end], hull_y[end] = x[i], y[i]
        end += 1
    return end


@jit
def _steps(loads: F64, mid: F64, rest: F64, at: I64, mean: F64) -> tuple[F64, float]:
    """Where each point of a group is sure to be above its limit, along the group's mean direction, and its reach.

    A point with ``loads`` L has ``mid + L q - rest`` above its limit at least, and L q >= b f - |L - b mean| for
    f = mean q: it is above where f exceeds (rest + |L - b mean| - mid) / b.
    """
    r = loads.shape[1]
    reach, square = 0.0, 0.0
    for k in range(r):
        reach += abs(mean[k])
        square += mean[k] * mean[k]
    step = np.empty(len(at))
    for i in range(len(at)):
        p = at[i]
        answer = 0.0
        for k in range(r):
            answer += loads[p, k] * mean[k]
        answer = answer / square if square > 0.0 else 0.0
        if answer < _LEAST_ANSWER:
            step[i] = np.inf
            continue
        other = rest[p] - mid[p]
        for k in range(r):
            other += abs(loads[p, k] - answer * mean[k])
        step[i] = other / answer
    return step, reach


@jit
def _divide(loads: F64, at: I64) -> I64:
    """Order a group's points along the number in which their directions differ most."""
    r = loads.shape[1]
    unit = np.empty((len(at), r))
    for i in range(len(at)):
        length = 0.0
        for k in range(r):
            length += loads[at[i], k] ** 2
        length = max(np.sqrt(length), 1e-300)
        for k in range(r):
            unit[i, k] = loads[at[i], k] / length
    widest, best = -1.0, 0
    for k in range(r):
        wide = unit[:, k].max() - unit[:, k].min()
        if wide > widest:
            widest, best = wide, k
    return at[_order(unit[:, best].copy())]


@jit
def alike(loads: F64) -> I64:
    """Order points so that those which answer alike stand side by side.

    Parameters
    ----------
    loads : (m, r) array
        What the dose of each point answers to some numbers.

    Returns
    -------
    (m,) int array
    """
    return _divide(loads, np.arange(len(loads)))


@jit
def grow(loads: F64, mid: F64, rest: F64, volume: F64, most: F64) -> tuple[F64, I64, F64, F64, I64]:
    """Halve the points into groups and return the hull of each group's staircase.

    Parameters
    ----------
    loads : (m, r) array
        Dose above the limit is ``mid + loads @ q``, give or take ``rest``, for q within [-1, 1].
    mid, rest : (m,) arrays
        Gy.
    volume : (m,) array
        cc.
    most : (m,) array
        ``loads @ q`` is known to be at most this, Gy; infinite where nothing is known. A hull that ends earlier is
        steeper.

    Returns
    -------
    mean : (groups, r) array
        Mean loads of each group, whole before halves.
    first : (groups + 1,) array
        Its hull is ``hull_x[first[g] : first[g + 1]]``, likewise ``hull_y``: volume over ``mean[g] @ q``.
    hull_x, hull_y : arrays
    left : (groups,) array
        First half of the group; the second is the next one; -1 where the group is one point.
    """
    m, r = loads.shape
    groups = 2 * m - 1
    depth = 2
    while (1 << (depth - 2)) < m:
        depth += 1
    mean = np.zeros((groups, r))
    first = np.zeros(groups + 1, dtype=np.int64)
    left = np.full(groups, -1, dtype=np.int64)
    begin, stop = np.zeros(groups, dtype=np.int64), np.zeros(groups, dtype=np.int64)
    hull_x, hull_y = np.empty(m * depth + 2 * groups), np.empty(m * depth + 2 * groups)
    x, y = np.empty(m + 2), np.empty(m + 2)
    order = np.arange(m)
    stop[0] = m
    known = 1
    for g in range(groups):
        at = order[begin[g] : stop[g]].copy()
        total, known_most = 0.0, 0.0
        for p in at:
            total += volume[p]
            known_most += volume[p] * most[p]
            for k in range(r):
                mean[g, k] += volume[p] * loads[p, k]
        mean[g] /= total
        step, reach = _steps(loads, mid, rest, at, mean[g])
        # What the points of the group reach at most, their mean does not exceed.
        end = max(min(reach, known_most / total), -reach)
        below, n = 0.0, 1
        for i in _order(step):
            if step[i] < -reach:
                below += volume[at[i]]
            elif step[i] < end:
                # Just at its step the point is not yet above.
                x[n], y[n] = step[i], below
                below += volume[at[i]]
                n += 1
        x[0], y[0] = -reach, y[1] if n > 1 else below
        x[n], y[n] = end, below
        first[g + 1] = _hull(x, y, n + 1, hull_x, hull_y, first[g])
        if len(at) > 1:
            order[begin[g] : stop[g]] = _divide(loads, at)
            half = begin[g] + len(at) // 2
            left[g] = known
            begin[known], stop[known], begin[known + 1], stop[known + 1] = begin[g], half, half, stop[g]
            known += 2
    return mean, first, hull_x[: first[groups]], hull_y[: first[groups]], left


@jit
def floor_at(mean: F64, first: I64, hull_x: F64, hull_y: F64, left: I64, q: F64) -> tuple[float, F64]:
    """Return a volume and a slope (r,): above the limit is at least ``volume + slope @ (p - q)``, at every p.

    Parameters
    ----------
    mean, first, hull_x, hull_y, left : arrays
        From :func:`grow`.
    q : (r,) array
        Within [-1, 1].
    """
    groups, r = mean.shape
    value, slope = np.zeros(groups), np.zeros(groups)
    whole = np.ones(groups, dtype=np.bool_)
    for g in range(groups - 1, -1, -1):
        f = 0.0
        for k in range(r):
            f += mean[g, k] * q[k]
        a, b = first[g], first[g + 1]
        value[g] = hull_y[a]
        if hull_x[b - 1] - hull_x[a] > 1e-12:
            j = a
            while j < b - 2 and hull_x[j + 1] < f:
                j += 1
            slope[g] = (hull_y[j + 1] - hull_y[j]) / (hull_x[j + 1] - hull_x[j])
            value[g] = hull_y[j] + slope[g] * (f - hull_x[j])
        if left[g] >= 0:
            halves = value[left[g]] + value[left[g] + 1]
            if halves > value[g]:
                value[g], whole[g] = halves, False
    row = np.zeros(r)
    used = np.zeros(groups, dtype=np.bool_)
    used[0] = True
    for g in range(groups):
        if not used[g]:
            continue
        if whole[g]:
            for k in range(r):
                row[k] += slope[g] * mean[g, k]
        else:
            used[left[g]] = used[left[g] + 1] = True
    return value[0], row
