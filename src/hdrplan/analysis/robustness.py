"""How far the effect of D100 depends on one group of lesions, on a confounder nobody measured, and on the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from hdrplan.analysis.effects import D100, REFERENCE_GY, Effect, adjusters, effects
from hdrplan.analysis.lesions import LesionTable
from hdrplan.errors import HdrPlanError
from hdrplan.outcomes import cox, e_value

__all__ = ["Unmeasured", "unmeasured", "without_each_group"]

# Events are common where more than this share has one (VanderWeele and Ding 2017).
_COMMON = 0.15


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
    columns = {D100: table.d100_gy - REFERENCE_GY, **adjusters(table)}
    strata = None if table.strata is None else np.array(table.strata)
    found = {}
    for label in sorted(set(labels)) if len(set(labels)) > 1 else ():
        keep = groups != label
        rows = table.follow_up.chosen(keep)
        kept = {k: v[keep] for k, v in columns.items() if k == D100 or np.ptp(v[keep]) > 0}
        try:
            fit = cox(rows, kept, strata=None if strata is None else strata[keep])
        except HdrPlanError:
            continue
        (own,) = effects("adjusted", fit, rows, (D100,))
        found[label] = replace(own, model=f"without {name} {label}")
    return found
