"""Areas and boxes of sections between planes, each from its definition; planes are rows of seven numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

TELLING = 0.02


def parabola(at: np.ndarray, values: np.ndarray, t: float) -> float:
    return float(np.polyval(np.polyfit(at - at[0], values, len(at) - 1), t - at[0]))


def inward(joined: Sequence[bool], k: int, step: int) -> list[int]:
    planes = []
    for n in (1, 2):
        between = k + n - 1 if step == 1 else k - n
        if not 0 <= between < len(joined) or not joined[between]:
            break
        planes.append(k + n * step)
    return planes


def area_power(one: np.ndarray, other: np.ndarray) -> float:
    """1 where areas go with the square of radii, as in balls and cones; 2 where in proportion."""
    if abs(math.log(one[1] / other[1])) < TELLING or abs(math.log(one[2] / other[2])) < TELLING:
        return 1.0
    return 2.0 / float(np.clip(math.log(one[1] / other[1]) / math.log(one[2] / other[2]), 1.0, 3.0))


def areas_by_boxes(three: np.ndarray, pixel_mm: float, height_mm: float) -> float:
    if len(three) != 3 or np.isnan(three).any():
        return math.nan
    boxes_mm2 = (2 * pixel_mm * three[:, 5]) * (2 * pixel_mm * three[:, 6])
    share = parabola(three[:2, 0], (three[:, 1] / boxes_mm2)[:2], height_mm)
    width, height = (
        max(parabola(three[:, 0], (2 * pixel_mm * three[:, a]) ** 2, height_mm), 0.0) ** 0.5 for a in (5, 6)
    )
    return min(max(share, 0.0), 1.0) * width * height


def moved(first: np.ndarray, second: np.ndarray, size: np.ndarray, t: float) -> np.ndarray:
    middle = []
    for axis in (0, 1):
        change = second[2 + axis] - first[2 + axis]
        way = (size[axis] - first[2 + axis]) / change if abs(change) > TELLING * first[2 + axis] else t
        middle.append(first[axis] + way * (second[axis] - first[axis]))
    return np.array([*middle, *size])


def area_between(planes: np.ndarray, joined: Sequence[bool], k: int, pixel_mm: float, t: float) -> float:
    """Between planes ``k`` and ``k + 1``."""
    low, high = planes[k], planes[k + 1]
    height, power = low[0] + t * (high[0] - low[0]), area_power(low, high)
    before, after = inward(joined, k, -1)[:1], inward(joined, k + 1, 1)[:1]
    curves = [planes[[*before, k, k + 1]], planes[[k, k + 1, *after]]]
    weight = {(0, 0): 1.0, (0, 1): 1.0, (1, 0): 0.0, (1, 1): t}[len(before), len(after)]
    values = [parabola(rows[:, 0], rows[:, 1] ** power, height) for rows in curves]
    area = max((1 - weight) * values[0] + weight * values[1], 0.0) ** (1 / power)
    if len(before) + len(after) == 1:
        by_boxes = areas_by_boxes(curves[1] if after else curves[0][::-1], pixel_mm, height)
        area = area if math.isnan(by_boxes) else by_boxes
    return float(np.clip(area, 0.5 * min(low[1], high[1]), 1.5 * max(low[1], high[1])))


def box_between(planes: np.ndarray, joined: Sequence[bool], k: int, t: float, area_mm2: float) -> np.ndarray:
    low, high = planes[k], planes[k + 1]
    change = math.log(high[1] / low[1])
    if abs(change) < TELLING:
        total, weights = np.zeros((2, 2)), 0.0
        before, after = inward(joined, k, -1)[:1], inward(joined, k + 1, 1)[:1]
        for weight, three in ((1 - t, [*before, k, k + 1]), (t, [k, k + 1, *after])):
            rows = planes[three]
            if len(three) == 3 and not np.isnan(rows).any():
                height = (1 - t) * low[0] + t * high[0]
                ends = [[rows[:, 3 + a] + sign * rows[:, 5 + a] for a in (0, 1)] for sign in (-1, 1)]
                total += weight * np.array([[parabola(rows[:, 0], side, height) for side in end] for end in ends])
                weights += weight
        if weights:
            first, last = total / weights
            return np.concatenate(((first + last) / 2, np.maximum((last - first) / 2, 1e-3)))
        way = t
    else:
        way = float(np.clip(math.log(area_mm2 / low[1]) / change, -0.5, 1.5))
    return moved(low[3:], high[3:], low[5:] * (high[5:] / low[5:]) ** way, t)


def edge_between(planes: np.ndarray, joined: Sequence[bool], k: int) -> int:
    before, after = inward(joined, k, -1), inward(joined, k + 1, 1)
    if len(before) + len(after) < 4 or np.isnan(planes[k - 2 : k + 4]).any():
        return 0
    six, found = planes[k - 2 : k + 4], set()
    for axis in (0, 1):
        for sign in (-1, 1):
            side = six[:, 5 + axis] + sign * six[:, 3 + axis]
            # The second divided difference is the leading coefficient of the parabola.
            bends = [np.polyfit(six[i : i + 3, 0] - six[i, 0], side[i : i + 3], 2)[0] for i in range(4)]
            outward = -np.sign(bends[1])
            if min(-outward * bends[1], -outward * bends[2]) <= max(1e-9, 4.0 * abs(bends[0]), 4.0 * abs(bends[3])):
                continue
            over = (
                parabola(six[:3, 0], side[:3], six[3, 0]) - side[3],
                parabola(six[3:, 0], side[3:], six[2, 0]) - side[2],
            )
            if min(outward * over[0], outward * over[1]) >= 0:
                found.add(int(outward))
    return found.pop() if len(found) == 1 else 0
