"""The hazard ratio as it is printed, and the model of D100 that everything else is held against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hdrplan.analysis.groups import TUMOUR_TYPES
from hdrplan.analysis.lesions import LesionTable
from hdrplan.arrays import FloatArray
from hdrplan.outcomes import Coefficients, CoxFit, FollowUp, cox, indicator_columns

__all__ = [
    "D100",
    "REFERENCE_GY",
    "Effect",
    "adjusted_without_clusters",
    "adjuster_terms",
    "adjusters",
    "d100_columns",
    "d100_model",
    "effects",
    "present_types",
]

D100 = "D100, per Gy"
REFERENCE_GY = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A hazard ratio as it is printed.

    Parameters
    ----------
    model : str
        From which model.
    term : str
        Of what, with its unit or reference level.
    hazard_ratio, lower, upper, p : float
        Estimate, 95 % interval and two-sided p.
    n, n_events : int
        Rows and events behind it.
    """

    model: str
    term: str
    hazard_ratio: float
    lower: float
    upper: float
    p: float
    n: int
    n_events: int


def effects(model: str, fit: Coefficients, rows: FollowUp, terms: tuple[str, ...] = ()) -> tuple[Effect, ...]:
    """Return the hazard ratios of a fit.

    Parameters
    ----------
    model : str
        Name of the model.
    fit : Coefficients
    rows : FollowUp
        The rows that it was fitted to.
    terms : tuple of str
        The terms that are wanted; all if none is named.

    Returns
    -------
    tuple of Effect
    """
    low, high = fit.interval()
    return tuple(
        Effect(
            model=model,
            term=term,
            hazard_ratio=float(ratio),
            lower=float(a),
            upper=float(b),
            p=float(p),
            n=rows.n,
            n_events=rows.n_events,
        )
        for term, ratio, a, b, p in zip(fit.names, fit.hazard_ratio, low, high, fit.p, strict=True)
        if not terms or term in terms
    )


def present_types(table: LesionTable) -> list[str]:
    """Return the tumour types that occur; the first is the reference level."""
    return [t for t in TUMOUR_TYPES if t in table.tumour_type]


def adjuster_terms(table: LesionTable) -> tuple[tuple[str, str], ...]:
    """Return the adjusters of the model as (kind, level): "diameter", "tumour type" with its level, "age"."""
    terms = []
    for name in adjusters(table):
        kind = name.split(",")[0].split(":")[0]
        terms.append((kind, name.split(": ")[1].split(" vs ")[0] if kind == "tumour type" else ""))
    return tuple(terms)


def adjusters(table: LesionTable) -> dict[str, FloatArray]:
    """Return size, tumour type (against the first that occurs) and age; constants are left out."""
    columns: dict[str, FloatArray] = {"diameter, per 10 mm": (table.diameter_mm - 38.0) / 10.0}
    present = present_types(table)
    if len(present) > 1:
        columns |= indicator_columns("tumour type", np.array(table.tumour_type), present[0])
    columns["age, per 10 years"] = (table.age_years - 68.0) / 10.0
    return {k: v for k, v in columns.items() if np.ptp(v) > 0}


def d100_columns(table: LesionTable) -> dict[str, FloatArray]:
    """Return D100 beside its adjusters."""
    return {D100: table.d100_gy - REFERENCE_GY, **adjusters(table)}


def adjusted_without_clusters(table: LesionTable) -> Effect:
    """Return D100 in the same model with Breslow's ties and lesions taken as independent, as SPSS computes it."""
    rows = table.follow_up.independent
    return effects("adjusted, Breslow, lesions independent", cox(rows, d100_columns(table), ties="breslow"), rows)[0]


def d100_model(table: LesionTable) -> CoxFit:
    """Return the cause-specific Cox model of local recurrence with D100 and adjusters, errors by patient."""
    return cox(table.follow_up, d100_columns(table))
