"""What the optimiser's kernels promise, from definitions: cells of points, hulls of staircases, a small program."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog


def cell_number(point, low, edge, many):
    """Number of the cube around a point; x counts slowest. Points beyond the last cube belong to it."""
    x, y, z = (min(int(np.floor((point[k] - low[k]) / edge)), many[k] - 1) for k in range(3))
    return (x * many[1] + y) * many[2] + z


def points_of_cells(cell, count):
    """The points of each cell, in their order."""
    return [[i for i in range(len(cell)) if cell[i] == c] for c in range(count)]


def extremes(points, rates, given, sign):
    """Least (1) or greatest (-1) rate of each dwell and dose given, and the point that equal times serve worst."""
    take = min if sign > 0 else max
    least = [take(rates[i][j] for i in points) for j in range(rates.shape[1])]
    worst = take(points, key=lambda i: sum(rates[i]))
    return least, take(given[i] for i in points), worst, sum(rates[worst])


def bounds_after(before, rates, dwells, seconds):
    """Bounds of all cells after the times of some dwells changed by so many seconds."""
    return [b + sum(s * float(rates[j][c]) for j, s in zip(dwells, seconds, strict=True)) for c, b in enumerate(before)]


def worst(points, rates, given, sign, times, limit, excused):
    """The point that misses the limit most, and by how much; none where the cell's extremes hold it."""
    least, least_given, _, _ = extremes(points, rates, given, sign)
    found, short = points[0], -np.inf
    if sign * (limit - least_given - sum(r * t for r, t in zip(least, times, strict=True))) < 0.0:
        return found, short
    for i in points:
        missed = sign * (limit - given[i] - sum(r * t for r, t in zip(rates[i], times, strict=True)))
        if not excused[i] and missed > short:
            found, short = i, missed
    return found, short


def cheapest(rows, limit, cost, most):
    """Least cost of times that hold every row, by another solver."""
    kept = np.isfinite(limit)
    found = linprog(cost, -rows[:, kept].T, -limit[kept], bounds=list(zip(np.zeros(len(cost)), most, strict=True)))
    return found.fun if found.status == 0 else None


def groups(loads, mid, rest, volume, most, least_answer):
    """Points halved into groups, whole before halves: (mean loads, corners of the staircase, number of first half)."""
    found, waiting, known = [], [list(range(len(mid)))], 1
    while waiting:
        at = waiting.pop(0)
        total = sum(volume[p] for p in at)
        mean = sum(volume[p] * loads[p] for p in at) / total
        end = sum(volume[p] * most[p] for p in at) / total
        corners = staircase(loads, mid, rest, volume, at, mean, end, least_answer)
        first_half = -1
        if len(at) > 1:
            at = side_by_side(loads, at)
            waiting += [at[: len(at) // 2], at[len(at) // 2 :]]
            first_half, known = known, known + 2
        found.append((mean, corners, first_half))
    return found


def side_by_side(loads, at):
    """Points along the number in which their directions differ most."""
    unit = np.array([loads[p] / np.linalg.norm(loads[p]) for p in at])
    widest = int(np.argmax(unit.max(axis=0) - unit.min(axis=0)))
    return [at[k] for k in sorted(range(len(at)), key=lambda k: unit[k, widest])]


def staircase(loads, mid, rest, volume, at, mean, end, least_answer):
    """Corners (f, volume surely above the limit just before f) of a group, over f = mean q <= end, q within [-1, 1]."""
    reach = float(np.abs(mean).sum())
    end = max(-reach, min(reach, end))
    steps = []
    for p in at:
        answer = float(loads[p] @ mean / (mean @ mean))
        other = rest[p] - mid[p] + float(np.abs(loads[p] - answer * mean).sum())
        steps.append((other / answer if answer >= least_answer else np.inf, volume[p]))
    steps.sort()
    above = sum(v for f, v in steps if f < -reach)
    corners = [(-reach, above)]
    for f, v in steps:
        if -reach <= f < end:
            corners.append((f, above))
            above += v
    return [*corners, (end, above)]


def envelope(corners, x):
    """Lower convex hull of points, at one place: the least of all chords over it."""
    x = min(max(x, corners[0][0]), corners[-1][0])
    chords = [
        ya if xa == xb else ya + (yb - ya) * (x - xa) / (xb - xa)
        for xa, ya in corners
        for xb, yb in corners
        if xa <= x <= xb
    ]
    return min(chords)


def floor(mean, hulls, left, q, g=0):
    """Value and slope of the better of a group's hull and the sum of its halves, at q."""
    x, y = hulls[g]
    f = float(mean[g] @ q)
    value, slope = y[0], np.zeros(len(q))
    if x[-1] - x[0] > 1e-12:
        j = max(1, min(int(np.searchsorted(x, f)), len(x) - 1))
        steep = (y[j] - y[j - 1]) / (x[j] - x[j - 1])
        value, slope = y[j - 1] + steep * (f - x[j - 1]), steep * mean[g]
    if left[g] >= 0:
        parts = [floor(mean, hulls, left, q, half) for half in (left[g], left[g] + 1)]
        if parts[0][0] + parts[1][0] > value:
            return parts[0][0] + parts[1][0], parts[0][1] + parts[1][1]
    return value, slope


def is_needed(cut, cuts):
    """Whether no other cut lies wholly inside this one."""
    return not any(other < cut for other in cuts)


def lowest_mean(values, volumes, wanted, sign):
    """Mean of the smallest (1) or greatest (-1) values that together have a volume, the last of them in part."""
    total, left = 0.0, wanted
    for value, volume in sorted(zip(values, volumes, strict=True), key=lambda pair: sign * pair[0]):
        total += value * min(volume, left)
        left -= min(volume, left)
    return total / wanted
