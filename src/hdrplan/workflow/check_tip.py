"""Second check, what a plan file leaves open: which way the sources point, and how many fractions its dose is of.

Both are told by the fit: the assumption is taken that comes nearer to the doses the planning system states.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from hdrplan.cautions import Caution, caution
from hdrplan.dose import dose_at_points
from hdrplan.metrics import Tolerances
from hdrplan.plan import BrachyPlan, as_plan
from hdrplan.sources import TG43Source
from hdrplan.workflow.check_stated import StatedDose

__all__ = ["TipChoice", "choose_tip", "dose_of_fraction", "doubts_of_factor"]

# Points of the grid at which assumptions are compared.
_FIT_VOXELS = 4000
# Misfits closer than this (fractions) tell nothing: 0.01 % is the digits that files keep of positions and doses.
_SAME_FIT_FRAC = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class TipChoice:
    """Which way the sources point.

    Parameters
    ----------
    is_reversed : bool
        The assumption used: against the direction read from the file.
    known_from : tuple of str
        Where the file tells the direction; empty where it leaves that of some channel open.
    as_read_frac, reversed_frac : float
        Median relative difference under either assumption; NaN where no dose is stated.
    """

    is_reversed: bool
    known_from: tuple[str, ...]
    as_read_frac: float
    reversed_frac: float

    @property
    def reversed_fits_better(self) -> bool:
        """Whether the stated dose fits better to sources that point the other way."""
        return self.reversed_frac < self.as_read_frac

    @property
    def text(self) -> str:
        """What is known of the tip, and which assumption fits better."""
        origin = (
            f"tip direction from {', '.join(self.known_from)}"
            if self.known_from
            else "the plan does not state the tip direction of all channels"
        )
        if math.isnan(self.as_read_frac) or math.isnan(self.reversed_frac):
            return f"{origin}; no stated dose can confirm it"
        as_read, turned = f"{100 * self.as_read_frac:.3f} %", f"{100 * self.reversed_frac:.3f} %"
        better = "reversed fits better" if self.reversed_fits_better else "as read fits better"
        if abs(self.as_read_frac - self.reversed_frac) < _SAME_FIT_FRAC:
            better = "both fit equally well"
        used = "reversed" if self.is_reversed else "as read"
        return f"{origin}; median difference as read {as_read}, reversed {turned}: {better}; used: {used}"


def choose_tip(
    brachy: BrachyPlan,
    source: TG43Source,
    stated: StatedDose | None,
    tolerances: Tolerances,
    *,
    reverse_tip: bool | None = None,
) -> TipChoice:
    """Choose which way the sources point.

    Parameters
    ----------
    brachy : BrachyPlan
    source : TG43Source
    stated : StatedDose or None
    tolerances : Tolerances
    reverse_tip : bool, optional
        Overrules file and fit. None takes the file's direction; where the file leaves it open, the better fit.
    """
    channels = [channel for channel in brachy.channels if len(channel.times_s)]
    known = all(channel.tip_known for channel in channels)
    choice = TipChoice(
        is_reversed=bool(reverse_tip),
        known_from=tuple(sorted({channel.axis_from for channel in channels})) if known else (),
        as_read_frac=_misfit_frac(brachy, source, stated, tolerances, reverse_tip=False),
        reversed_frac=_misfit_frac(brachy, source, stated, tolerances, reverse_tip=True),
    )
    if reverse_tip is None and not known and choice.reversed_fits_better:
        return replace(choice, is_reversed=True)
    return choice


def dose_of_fraction(
    brachy: BrachyPlan, source: TG43Source, stated: StatedDose, tolerances: Tolerances
) -> tuple[StatedDose, float]:
    """Return the dose of one fraction, all pulses: files differ in what their grid is of; the fit tells.

    Parameters
    ----------
    brachy : BrachyPlan
    source : TG43Source
    stated : StatedDose
    tolerances : Tolerances

    Returns
    -------
    StatedDose
    float
        What the stated dose was multiplied by: 1, one over the fractions, or the pulses.
    """
    grid_only = replace(brachy, points=())
    factors = dict.fromkeys((1.0, 1.0 / brachy.fractions, float(brachy.pulses)))
    if len(factors) == 1:
        return stated, 1.0
    doses = {factor: stated.scaled(factor) for factor in factors}
    misfits = {
        factor: _misfit_frac(grid_only, source, dose, tolerances, reverse_tip=False) for factor, dose in doses.items()
    }
    fitting = {factor: misfit for factor, misfit in misfits.items() if not math.isnan(misfit)}
    best = min(fitting, key=lambda factor: fitting[factor]) if fitting else 1.0
    return (stated if best == 1.0 else doses[best]), best


def doubts_of_factor(brachy: BrachyPlan, factor: float) -> list[Caution]:
    """Say where a stated dose was that of all fractions, or of one pulse.

    Parameters
    ----------
    brachy : BrachyPlan
    factor : float
        Of :func:`dose_of_fraction`.
    """
    if factor < 1.0:
        return [caution("dose-of-all-fractions", fractions=brachy.fractions)]
    return [caution("dose-of-one-pulse", pulses=brachy.pulses)] if factor > 1.0 else []


def _misfit_frac(
    brachy: BrachyPlan, source: TG43Source, stated: StatedDose | None, tolerances: Tolerances, *, reverse_tip: bool
) -> float:
    """Median relative difference over points and a thinned grid; NaN where no dose is stated."""
    places = [point.position_mm for point in brachy.points if not math.isnan(point.dose_gy)]
    doses = [point.dose_gy for point in brachy.points if not math.isnan(point.dose_gy)]
    if stated is not None:
        limit = stated.full_scale_gy if stated.full_scale_gy is not None else math.inf
        values = stated.volume.values_zyx
        dwells = sum(int((channel.times_s > 0).sum()) for channel in brachy.channels)
        threshold_gy = tolerances.threshold_frac * stated.normal_gy(brachy.prescription_gy, dwells)
        chosen = np.argwhere((values >= threshold_gy) & (values < 0.999 * limit))
        chosen = chosen[:: max(1, len(chosen) // _FIT_VOXELS)]
        places += list(stated.volume.grid.world(chosen[:, ::-1]))
        doses += values[tuple(chosen.T)].tolist()
    if not doses or min(doses) <= 0:
        return math.nan
    plan = as_plan(brachy, source, reverse_tip=reverse_tip)
    gy = dose_at_points(plan.dwells, plan.exposure_s, np.array(places), source, strength_u=plan.strength_u).gy
    return float(np.median(np.abs(gy / np.array(doses) - 1.0)))
