"""How far the effect of D100 depends on one group of lesions, on a confounder nobody measured, and on the model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from hdrplan.analysis.effects import D100, REFERENCE_GY, Effect, adjusters, effects
from hdrplan.analysis.lesions import LesionTable
from hdrplan.arrays import BoolArray
from hdrplan.errors import HdrPlanError
from hdrplan.outcomes import CoxFit, cox, e_value

__all__ = ["Unmeasured", "unmeasured", "without_each_group", "without_one_patient"]

# Events are common where more than this share has one (VanderWeele and Ding 2017).
_COMMON = 0.15
# Patients who are left out in turn.
_CANDIDATES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmeasured:
    """E-values of a contrast of D100.

    Parameters
    ----------
    gy : float
        The contrast: from the first to the third quartile of D100.
    hazard_ratio, lower, upper : float
        Of the contrast.
    estimate, limit : float
        E-value of the estimate, and of the limit nearer to 1 (1 where the interval holds 1).
    """

    gy: float
    hazard_ratio: float
    lower: float
    upper: float
    estimate: float
    limit: float


def unmeasured(table: LesionTable, headline: Effect) -> Unmeasured:
    """Return how strong an unmeasured confounder must be to explain the effect of D100 away.

    Parameters
    ----------
    table : LesionTable
    headline : Effect
        D100 per Gy, adjusted.

    Returns
    -------
    Unmeasured
    """
    first, third = (float(v) for v in np.quantile(table.d100_gy, (0.25, 0.75)))
    gy, common = third - first, table.n_events > _COMMON * table.n
    ratio, low, high = (v**gy for v in (headline.hazard_ratio, headline.lower, headline.upper))
    nearer = 1.0 if low <= 1.0 <= high else high if ratio < 1.0 else low
    return Unmeasured(
        gy=gy,
        hazard_ratio=ratio,
        lower=low,
        upper=high,
        estimate=e_value(ratio, common=common),
        limit=e_value(nearer, common=common),
    )


def without_each_group(table: LesionTable) -> Mapping[str, Effect]:
    """Return the effect of D100 without each centre, or without each year of treatment if there is one centre.

    Groups without which the model cannot be fitted are absent.
    """
    centre = table.columns.get("centre")
    if centre is not None and len(set(centre)) > 1:
        name, labels = "centre", [f"{c:g}" if isinstance(c, float) else str(c) for c in centre]
    else:
        name, labels = "year", [str(year) for year in table.treatment_year]
    groups = np.array(labels)
    found = {}
    for label in sorted(set(labels)) if len(set(labels)) > 1 else ():
        try:
            found[label] = _of_rows(table, groups != label, f"without {name} {label}")
        except HdrPlanError:
            continue
    return found


def without_one_patient(table: LesionTable, model: CoxFit) -> Effect:
    """Return the effect of D100 without the patient who moves it most.

    Parameters
    ----------
    table : LesionTable
    model : CoxFit
        The adjusted model with D100.

    Returns
    -------
    Effect

    Raises
    ------
    InputError, InfeasibleError
        The model cannot be fitted without the patient.
    """
    place = model.names.index(D100)
    moved = np.abs(table.follow_up.by_cluster(model.dfbeta()[:, [place]]))[:, 0]
    owner = np.asarray(table.follow_up.owner)
    # A dose far from all others holds its own residual down, so that what it moves is underestimated: both are tried.
    far = owner[np.argsort(-np.abs(table.d100_gy - np.median(table.d100_gy)))]
    tried = dict.fromkeys([*np.argsort(-moved)[:_CANDIDATES].tolist(), *far[:_CANDIDATES].tolist()])
    found = [
        _of_rows(table, owner != k, f"without patient {table.patient_id[int(np.flatnonzero(owner == k)[0])]}")
        for k in tried
    ]
    return max(found, key=lambda e: abs(math.log(e.hazard_ratio) - float(model.coef[place])))


def _of_rows(table: LesionTable, keep: BoolArray, words: str) -> Effect:
    """Return the adjusted effect of D100 in some lesions."""
    columns = {D100: table.d100_gy - REFERENCE_GY, **adjusters(table)}
    rows = table.follow_up.chosen(keep)
    kept = {k: v[keep] for k, v in columns.items() if k == D100 or np.ptp(v[keep]) > 0}
    fit = cox(rows, kept, strata=None if table.strata is None else np.array(table.strata)[keep])
    (own,) = effects("adjusted", fit, rows, (D100,))
    return replace(own, model=words)
