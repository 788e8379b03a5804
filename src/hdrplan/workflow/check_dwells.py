"""Second check, the dwell table: how the times that the planning system's dose has differ from the plan's.

Gamma passes 99.75 % of the voxels where two dwells at an ovoid's ends have each other's times: few voxels lie near two
dwells. Dose is linear in the times, so that the grid tells them by least squares.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import IntArray
from hdrplan.metrics import Tolerances
from hdrplan.plan import BrachyPlan, Plan
from hdrplan.workflow.check_grid import GridCheck
from hdrplan.workflow.check_rows import CheckRow, Verdict
from hdrplan.workflow.dwell_fit import KNOWN_FRAC, DwellFit, fit_times

__all__ = ["DwellTimes", "GroupTime", "dwell_row", "dwell_times"]

# A difference is told by the grid from five standard errors on, where the fitted times leave at most a third of the
# misfit round these dwells (a tenth of its variance), and no more than grids of one dose differ by, as for a shift.
_TOLD_ERRORS, _BETTER, _LEFT_FRAC = 5.0, 1.0 / 3.0, 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTime:
    """Time of one dwell, or of neighbours that the grid does not tell apart.

    Parameters
    ----------
    channel : int
        Number of the channel.
    from_mm, to_mm : float
        Distance from the channel's most distal position.
    planned_s, in_dose_s : float
        In the plan, and in the dose after a factor common to all dwells was taken out.
    error_s : float
        Standard error of the latter.
    compared_s : float
        What the difference is a part of: the planned time, at least the mean one of the plan's dwells.
    misfit_frac, left_frac : float
        Root mean square of the relative difference of dose round these dwells, with the plan's times and the fitted.
    """

    channel: int
    from_mm: float
    to_mm: float
    planned_s: float
    in_dose_s: float
    error_s: float
    compared_s: float
    misfit_frac: float
    left_frac: float

    @property
    def place(self) -> str:
        """Channel and place along it, in words."""
        along = f"{self.from_mm:.1f}" if self.from_mm == self.to_mm else f"{self.from_mm:.1f} to {self.to_mm:.1f}"
        return f"channel {self.channel} at {along} mm"

    @property
    def off_frac(self) -> float:
        """Size of the difference, as a part of ``compared_s``."""
        return abs(self.planned_s - self.in_dose_s) / self.compared_s

    @property
    def is_told(self) -> bool:
        """Whether the grid tells this difference, and other times explain it."""
        sure = abs(self.planned_s - self.in_dose_s) >= _TOLD_ERRORS * self.error_s and self.off_frac >= KNOWN_FRAC
        return sure and self.left_frac <= min(_BETTER * self.misfit_frac, _LEFT_FRAC)


@dataclass(frozen=True, slots=True, kw_only=True)
class DwellTimes:
    """The dwell times that a dose grid has.

    Parameters
    ----------
    dwells_of : tuple of tuple of GroupTime
        Each dwell alone, by channel of the plan, in its order.
    groups : tuple of GroupTime
        Neighbours together until their time is known well.
    factor : float
        Common to all dwells: that of the doses.
    """

    dwells_of: tuple[tuple[GroupTime, ...], ...]
    groups: tuple[GroupTime, ...]
    factor: float

    @property
    def dwells(self) -> tuple[GroupTime, ...]:
        """Each dwell alone."""
        return tuple(dwell for channel in self.dwells_of for dwell in channel)

    @property
    def worst(self) -> GroupTime:
        """The largest difference that the grid tells; where it tells none, the largest of times that it knows well."""
        told = [group for group in (*self.dwells, *self.groups) if group.is_told]
        # Where all agree, the longest time stands for them.
        return max(told or self.groups, key=lambda group: (round(group.off_frac, 4), group.planned_s))


def dwell_times(brachy: BrachyPlan, plan: Plan, grid: GridCheck) -> DwellTimes | None:
    """Fit the dwell times to the planning system's dose; None where it has too few voxels round the dwells.

    Parameters
    ----------
    brachy : BrachyPlan
    plan : Plan
        Of ``brachy``, its dwells in the order of the channels.
    grid : GridCheck
    """
    if not plan.times_s.any():
        return None
    fit = fit_times(plan, grid)
    if fit is None:
        return None
    mean_s = float(plan.times_s[plan.times_s > 0].mean())
    dwells: list[tuple[GroupTime, ...]] = []
    groups: list[GroupTime] = []
    start = 0
    for channel in brachy.channels:
        order = start + np.argsort(channel.relative_mm, kind="stable")
        start += len(order)
        alone = np.sort(order)
        dwells.append(tuple(_group(plan, fit, alone[k : k + 1], channel.number, mean_s) for k in range(len(alone))))
        first = 0
        for end in range(1, len(order) + 1):
            group = _group(plan, fit, order[first:end], channel.number, mean_s)
            if group.error_s <= KNOWN_FRAC * group.compared_s or end == len(order):
                groups.append(group)
                first = end
    return DwellTimes(dwells_of=tuple(dwells), groups=tuple(groups), factor=fit.factor)


def dwell_row(times: DwellTimes, tolerances: Tolerances) -> CheckRow:
    """Judge the largest difference of a dwell time; not judged where the grid does not tell any so well.

    Parameters
    ----------
    times : DwellTimes
    tolerances : Tolerances
    """
    limit, worst = tolerances.limit("dwell_frac"), times.worst
    verdict: Verdict = "pass"
    if worst.is_told and worst.off_frac > limit.warn_frac:
        verdict = "fail" if worst.off_frac > limit.fail_frac else "warn"
    elif all(_TOLD_ERRORS * group.error_s > limit.fail_frac * group.compared_s for group in times.groups):
        verdict = "not judged"
    return CheckRow(
        kind="dwell",
        quantity=f"dwell time in the grid, {worst.place}",
        unit="s",
        tps=worst.in_dose_s,
        recomputed=worst.planned_s,
        difference_frac=(worst.planned_s - worst.in_dose_s) / worst.compared_s,
        tolerance=f"{limit.text}, of the time or the mean one"
        if verdict != "not judged"
        else f"not told by the grid (standard error {worst.error_s:.2g} s)",
        verdict=verdict,
    )


def _group(plan: Plan, fit: DwellFit, own: IntArray, channel: int, mean_s: float) -> GroupTime:
    """Return the times of some neighbours together."""
    error_s = fit.error_s(own) / fit.factor
    seen = float(fit.voxels[own].sum())
    planned_s = float(plan.times_s[own].sum())
    passing_s = float((plan.exposure_s - plan.times_s)[own].sum())
    return GroupTime(
        channel=channel,
        from_mm=float(plan.dwells.offset_mm[own[0]]),
        to_mm=float(plan.dwells.offset_mm[own[-1]]),
        planned_s=planned_s,
        in_dose_s=float(fit.times_s[own].sum()) / fit.factor - passing_s,
        error_s=error_s if seen else math.inf,
        compared_s=max(planned_s, mean_s),
        misfit_frac=math.sqrt(float(fit.misfit[own].sum()) / seen) if seen else math.nan,
        left_frac=math.sqrt(float(fit.left[own].sum()) / seen) if seen else math.nan,
    )
