"""The afterloader's source followed on its way, a tiny step at a time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np


def passing_s(
    offsets_mm: list[float], times_s: list[float], hub_mm: float, speed_mm_per_s: float, *, deepest_first: bool
) -> np.ndarray:
    """Seconds that the source moves nearest to each position of one catheter and within 5 mm of it.

    Between the deepest and the outermost position only: what lies beyond has no position to stand for it.
    """
    step_mm = 0.001
    stops = sorted(o for o, t in zip(offsets_mm, times_s, strict=True) if t > 0)
    spent = np.zeros(len(offsets_mm))
    if not stops:
        return spent
    way = [hub_mm, *(stops if deepest_first else stops[::-1]), hub_mm]
    for start, end in pairwise(way):
        steps = round(abs(end - start) / step_mm)
        for k in range(steps):
            at = start + (end - start) * (k + 0.5) / steps
            away = np.abs(np.array(offsets_mm) - at)
            if at < max(offsets_mm) and away.min() < 5.0:
                spent[away.argmin()] += abs(end - start) / steps / speed_mm_per_s
    return spent
