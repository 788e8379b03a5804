"""Table 4: Cox models of the patient endpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hdrplan.analysis.effects import Effect, effects
from hdrplan.analysis.groups import TUMOUR_TYPES, endpoint_rows
from hdrplan.analysis.paper_models import ENTER_P, paper_rule
from hdrplan.analysis.text_table import TextTable, p_text, ratio_text
from hdrplan.arrays import FloatArray
from hdrplan.cohort import Cohort, Derived, Patient, baseline_mm
from hdrplan.errors import HdrPlanError
from hdrplan.outcomes import FollowUp, cox, indicator_columns

__all__ = ["cox_table"]


def cox_table(cohort: Cohort, derived: Derived, rng: np.random.Generator, n_bootstrap: int) -> TextTable:
    """Return Table 4: Cox models of PFS, PFS_local and PFS_distant by the paper's rule, and the full model beside them.

    Parameters
    ----------
    cohort : Cohort
    derived : Derived
        Its endpoints.
    rng : numpy.random.Generator
        Source of randomness.
    n_bootstrap : int
        Samples of patients behind selection frequencies.

    Returns
    -------
    TextTable
    """
    patients = {p.patient_id: p for p in cohort.patients}
    rows: list[tuple[str, ...]] = []
    notes: list[str] = []
    unknown = 0
    for name in ("PFS", "PFS_local", "PFS_distant"):
        endpoint = endpoint_rows(cohort, derived, "patient", name)
        columns, unknown = _patient_columns([patients[who] for who in endpoint.patient_id], derived)
        made, said = _endpoint_lines(endpoint.follow_up(), columns, rng, n_bootstrap)
        rows += [(name if i == 0 else "", *row) for i, row in enumerate(made)]
        notes += [f"{name}: {text}." for text in said]
    return TextTable(
        name="table4-cox",
        title="Table 4. Hazard ratios (95 % CI) of patient endpoints",
        columns=(
            "Endpoint",
            "Term (reference level named)",
            "Univariate",
            "p",
            "Multivariate",
            "p",
            "Selected",
            "Full model",
            "p",
        ),
        rows=tuple(rows),
        notes=(
            f"Univariate and multivariate by the paper's rule: Breslow ties, p < {ENTER_P:g} enters (selection, "
            f"not significance). Selected: share of {n_bootstrap} bootstrap samples with p < {ENTER_P:g}. Full model: "
            "all terms, Efron ties.",
            *notes,
            *([f"{unknown} patients without a diameter before treatment carry the mean."] if unknown else []),
        ),
    )


def _endpoint_lines(
    units: FollowUp, covariates: Mapping[str, FloatArray], rng: np.random.Generator, n_bootstrap: int
) -> tuple[list[tuple[str, ...]], list[str]]:
    """Rows of one endpoint without its name, and what must be said of covariates and models without an estimate."""
    columns = {k: v for k, v in covariates.items() if np.ptp(v) > 0}
    said = [f"{k} is the same in all patients and is left out" for k in covariates if k not in columns]
    if not units.event.any():
        return [("no event", *[""] * 7)], said
    rule = paper_rule(units, columns, rng=rng, n_bootstrap=n_bootstrap)
    lost = [e.term for e in rule.penalised]
    said += [
        f"{term} parts patients with an event from those without, so it has no finite ratio: Firth's penalised "
        "estimate stands alone, the joint models leave it out"
        for term in lost
    ]
    said += [f"no multivariate model: {rule.refused}"] if rule.refused else []
    whole: dict[str, Effect] = {}
    joint = {k: v for k, v in columns.items() if k not in lost}
    try:
        whole = {e.term: e for e in effects("full", cox(units.independent, joint), units)} if joint else {}
    except HdrPlanError as error:
        said.append(f"no full model: {error}")
    alone = {e.term: (e, "") for e in rule.univariate} | {e.term: (e, "Firth: ") for e in rule.penalised}
    beside = {e.term: e for e in rule.multivariate}
    rows: list[tuple[str, ...]] = []
    for term in columns:
        single, word = alone[term]
        ratio, p = _pair(single)
        selected = f"{100 * rule.selected[term]:.0f} %" if term in rule.selected else ""
        rows.append((term, word + ratio, p, *_pair(beside.get(term)), selected, *_pair(whole.get(term))))
    return rows, said


def _pair(e: Effect | None) -> tuple[str, str]:
    return ("", "") if e is None else (ratio_text(e.hazard_ratio, e.lower, e.upper), p_text(e.p))


def _patient_columns(patients: Sequence[Patient], derived: Derived) -> tuple[dict[str, FloatArray], int]:
    """Covariates of the paper's Table 4 with the unit or reference level in their names.

    An unknown diameter is the mean, so that nobody is left out; the table says how many.
    """
    sizes, counts = [], []
    for p in patients:
        cycle = derived.cycles[p.patient_id][0]
        own = [baseline_mm(p.lesions[x], cycle.sessions_of(x)[0].day) for x in cycle.lesion_ids if x in p.lesions]
        known = [v for v in own if v is not None]
        sizes.append(max(known) if known else float("nan"))
        counts.append(float(len(cycle.lesion_ids)))
    size = np.array(sizes)
    unknown = ~np.isfinite(size)
    size[unknown] = 0.0 if unknown.all() else size[~unknown].mean()
    kinds = np.array([p.tumour_type for p in patients])
    present = [t for t in TUMOUR_TYPES if t in kinds]
    columns = {
        "age, per year": np.array([p.age_years for p in patients]),
        "sex: M vs F": np.array([float(p.sex == "M") for p in patients]),
        "largest diameter, per mm": size,
        "number of lesions": np.array(counts),
        **(indicator_columns("tumour type", kinds, present[0]) if len(present) > 1 else {}),
    }
    return columns, int(unknown.sum())
