"""What one sample point is worth under a D1cc goal: the mean liver dose with a little more or less volume left out.

``python -m benchmarks.one_point [-o benchmarks/results/one_point.json]``

The last case of :mod:`benchmarks.dose_volume`: 270 cc with D1cc of the organ at 0.97 of its value without the goal.
SciPy's ``linprog`` on all points, violated rows added until none is left. First the highest D100: the hottest volume of
the organ is left out, the program solved, the volume chosen anew, until nothing changes. From that plan on the same
with D100 fixed and the mean liver dose as the objective, for volumes on both sides of 1 cc. It is a search and no
bound: it ends at a choice of points that leaving out the hottest does not improve, and a point more may lead it on to
a better one.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.optimize import linprog

from benchmarks.dose_volume import CASES, DOSE_GY, built, limits_of
from benchmarks.record import command_line, measured
from hdrplan.arrays import BoolArray, FloatArray

_CASE = 11
_PRESCRIBED_GY = (19.655, 19.6, 19.5)
_LEFT_OUT_CC = (0.998, 0.999, 1.0, 1.001, 1.002, 1.01)
_LONGEST_S, _JOIN, _CHOICES, _SAME_GY = 600.0, 60, 12, 1e-6


class Phantom:
    """The rows of the case, and those that some program has violated so far."""

    def __init__(self) -> None:
        phantom = built(CASES[_CASE])
        (self.limit_gy,) = limits_of(phantom, CASES[_CASE])[0].values()
        points, rates = phantom.points, phantom.rate.gy_per_s
        organ, liver = points.rows("duodenum"), points.rows("liver")
        inside = points.volume_cc[organ] > 0
        self.ctv, self.organ = rates[points.rows("lesion")], rates[organ][inside]
        self.organ_cc = points.volume_cc[organ][inside]
        self.cost = points.volume_cc[liver] @ rates[liver] / points.volume_cc[liver].sum()
        self._of_ctv, self._of_organ = set[int](), set[int]()

    def hottest(self, times_s: FloatArray, volume_cc: float) -> BoolArray:
        """Say which points are left out: less than a volume of the hottest."""
        order = np.argsort(-(self.organ @ times_s))
        out = np.zeros(len(order), dtype=np.bool_)
        out[order[np.cumsum(self.organ_cc[order]) < volume_cc]] = True
        return out

    def solved(self, left_out: BoolArray, d100_gy: float | None) -> tuple[float, FloatArray] | None:
        """Return the least mean liver dose at a D100, or minus the highest D100 (None); and the times."""
        n = len(self.cost)
        while True:
            of_ctv = sorted(self._of_ctv)
            of_organ = [k for k in sorted(self._of_organ) if not left_out[k]]
            # The last column is D100.
            rows = np.zeros((len(of_ctv) + len(of_organ), n + 1))
            rows[: len(of_ctv), :n], rows[: len(of_ctv), n] = -self.ctv[of_ctv], 1.0
            rows[len(of_ctv) :, :n] = self.organ[of_organ]
            limits = np.concatenate((np.zeros(len(of_ctv)), np.full(len(of_organ), self.limit_gy)))
            cost = np.append(self.cost, 0.0) if d100_gy is not None else np.append(np.zeros(n), -1.0)
            last = (0.0, DOSE_GY) if d100_gy is None else (d100_gy, d100_gy)
            found = linprog(cost, rows, limits, bounds=[*n * [(0.0, _LONGEST_S)], last], method="highs")
            if found.status != 0:
                return None
            cold = self.ctv @ found.x[:n] - found.x[n]
            hot = np.where(left_out, -np.inf, self.organ @ found.x[:n] - self.limit_gy)
            coldest, hottest = np.argpartition(cold, _JOIN)[:_JOIN], np.argpartition(-hot, _JOIN)[:_JOIN]
            before = len(self._of_ctv) + len(self._of_organ)
            self._of_ctv.update(coldest[cold[coldest] < -_SAME_GY].tolist())
            self._of_organ.update(hottest[hot[hottest] > _SAME_GY].tolist())
            if len(self._of_ctv) + len(self._of_organ) == before:
                return float(found.fun), found.x[:n]

    def best(self, times_s: FloatArray, volume_cc: float, d100_gy: float | None) -> tuple[float, FloatArray]:
        """Choose the points that are left out anew as long as that leads on."""
        best = np.inf
        for _ in range(_CHOICES):
            found = self.solved(self.hottest(times_s, volume_cc), d100_gy)
            if found is None or found[0] > best - _SAME_GY:
                break
            best, times_s = found
        return best, times_s


def result(phantom: Phantom, start_s: FloatArray, d100_gy: float) -> dict:
    """Return the mean liver dose for each volume left out."""
    liver_gy = {volume: round(phantom.best(start_s, volume, d100_gy)[0], 4) for volume in _LEFT_OUT_CC}
    return {"d100_gy": d100_gy, "liver_gy": {f"{volume:g} cc": gy for volume, gy in liver_gy.items()}}


def main() -> None:
    given = command_line(__doc__, "one_point").parse_args()
    phantom = Phantom()
    free = phantom.solved(np.ones(len(phantom.organ_cc), dtype=np.bool_), DOSE_GY)
    assert free is not None
    _, start_s = phantom.best(free[1], 1.0, None)
    measured(given, [partial(result, phantom, start_s, d100_gy) for d100_gy in _PRESCRIBED_GY])


if __name__ == "__main__":
    main()
