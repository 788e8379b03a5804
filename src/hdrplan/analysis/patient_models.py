"""Table 4: Cox models of the patient endpoints."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hdrplan.analysis.effects import Effect, effects
from hdrplan.analysis.groups import TUMOUR_TYPES, endpoint_rows
from hdrplan.analysis.paper_models import ENTER_P, paper_rule
from hdrplan.analysis.text_table import TextTable, estimate_text, p_text
from hdrplan.arrays import FloatArray
from hdrplan.cohort import Cohort, Derived, Patient, baseline_mm
from hdrplan.errors import HdrPlanError
from hdrplan.outcomes import cox, indicator_columns

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
    unknown = 0
    for name in ("PFS", "PFS_local", "PFS_distant"):
        endpoint = endpoint_rows(cohort, derived, "patient", name)
        columns, unknown = _patient_columns([patients[who] for who in endpoint.patient_id], derived)
        try:
            units = endpoint.follow_up()
            rule = paper_rule(units, columns, rng=rng, n_bootstrap=n_bootstrap)
            full = effects("full", cox(units.independent, columns), units)
        except HdrPlanError as error:
            rows.append((name, f"not estimable: {error}", "", "", "", "", "", ""))
            continue
        beside = {e.term: e for e in rule.multivariate}
        whole = {e.term: e for e in full}
        for i, e in enumerate(rule.univariate):
            selected = f"{100 * rule.selected[e.term]:.0f} %" if e.term in rule.selected else ""
            pieces = [text for x in (e, beside.get(e.term), whole.get(e.term)) for text in _pair(x)]
            rows.append((name if i == 0 else "", e.term, *pieces[:4], selected, *pieces[4:]))
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
        rows=tuple(r if len(r) == 9 else (*r, "") for r in rows),
        notes=(
            f"Univariate and multivariate by the paper's rule: Breslow ties, p < {ENTER_P:g} enters (selection, "
            f"not significance). Selected: share of {n_bootstrap} bootstrap samples with p < {ENTER_P:g}. Full model: "
            "all terms, Efron ties.",
            *([f"{unknown} patients without a diameter before treatment carry the mean."] if unknown else []),
        ),
    )


def _pair(e: Effect | None) -> tuple[str, str]:
    return ("", "") if e is None else (estimate_text(e.hazard_ratio, e.lower, e.upper), p_text(e.p))


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
    return {k: v for k, v in columns.items() if np.ptp(v) > 0}, int(unknown.sum())
