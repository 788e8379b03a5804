"""The hazard ratio as it is printed, and the model of D100 that everything else is held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hdrplan.analysis.adjustment import Adjuster, Term, model_terms
from hdrplan.analysis.groups import TUMOUR_TYPES
from hdrplan.analysis.lesions import LesionTable
from hdrplan.arrays import FloatArray
from hdrplan.outcomes import Coefficients, CoxFit, FollowUp, cox

__all__ = [
    "D100",
    "REFERENCE_GY",
    "Effect",
    "adjusted_cox",
    "adjusted_without_clusters",
    "adjusted_words",
    "adjuster_terms",
    "adjusters",
    "d100_columns",
    "d100_model",
    "effects",
    "present_types",
    "type_columns",
]

D100 = "D100, per Gy"
REFERENCE_GY = 20.0
_LEVELS = {"tumour_type": TUMOUR_TYPES}


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


def type_columns(table: LesionTable) -> dict[str, FloatArray]:
    """Return the tumour types against the first that occurs."""
    column = {"tumour_type": table.tumour_type}
    return {t.label: t.values(table.tumour_type) for t in model_terms((Adjuster("tumour_type"),), column, _LEVELS)}


def adjuster_terms(table: LesionTable) -> tuple[Term, ...]:
    """Return the terms of the models beside D100."""
    return model_terms(table.adjusters, table.columns, _LEVELS, table.silent_levels)


def adjusters(table: LesionTable) -> dict[str, FloatArray]:
    """Return the columns of the adjusters (categories against a reference level); constants are left out."""
    return {term.label: term.values(table.columns[term.column]) for term in adjuster_terms(table)}


def adjusted_words(table: LesionTable) -> str:
    """Return what the models hold beside D100, as the report says it: no more than what varies in these lesions."""
    held = {term.column for term in adjuster_terms(table)} | set(table.silent_levels)
    words = [
        f"{a.words} (spline)" if a.form == "spline" else a.words
        for a in table.adjusters
        if a.form != "strata" and a.column in held
    ]
    listed = " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
    text = f"adjusted for {listed}" if words else "not adjusted"
    layers = [a.words for a in table.adjusters if a.form == "strata"]
    return text + (f", stratified by {' and '.join(layers)}" if layers else "")


def adjusted_cox(table: LesionTable, added: Mapping[str, FloatArray]) -> CoxFit:
    """Return the cause-specific Cox model of local recurrence with columns beside the adjusters, errors by patient."""
    return cox(table.follow_up, {**added, **adjusters(table)}, strata=table.strata)


def d100_columns(table: LesionTable) -> dict[str, FloatArray]:
    """Return D100 beside its adjusters."""
    return {D100: table.d100_gy - REFERENCE_GY, **adjusters(table)}


def adjusted_without_clusters(table: LesionTable) -> Effect:
    """Return D100 in the same model with Breslow's ties and lesions taken as independent, as SPSS computes it."""
    rows = table.follow_up.independent
    fit = cox(rows, d100_columns(table), ties="breslow", strata=table.strata)
    return effects("adjusted, Breslow, lesions independent", fit, rows)[0]


def d100_model(table: LesionTable) -> CoxFit:
    """Return the cause-specific Cox model of local recurrence with D100 and adjusters, errors by patient."""
    return adjusted_cox(table, {D100: table.d100_gy - REFERENCE_GY})
