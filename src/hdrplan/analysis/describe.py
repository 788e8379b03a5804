"""The paper's four tables for any cohort: baseline, response at visits, medians, Cox models of the patient endpoints.

Percentages are computed, never typed; every denominator, reference level and number at risk stands beside its number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from hdrplan.analysis.dose_models import Effect, effects
from hdrplan.analysis.paper_rule import ENTER_P, paper_rule
from hdrplan.analysis.response import RESPONSES, responses
from hdrplan.analysis.text_table import TextTable, estimate_text, p_text
from hdrplan.arrays import FloatArray
from hdrplan.cohort import Cohort, Derived, Patient, baseline_mm
from hdrplan.errors import HdrPlanError
from hdrplan.outcomes import KaplanMeier, cox, indicator_columns, kaplan_meier, log_rank, reverse_kaplan_meier

__all__ = ["describe", "endpoint_curves"]

ENDPOINTS = (
    ("patient", "OS"),
    ("patient", "PFS"),
    ("patient", "PFS_local"),
    ("patient", "PFS_distant"),
    ("cycle", "TTP"),
    ("cycle", "TTP_local"),
    ("cycle", "TTP_distant"),
)
FEW = 10


def describe(cohort: Cohort, derived: Derived, *, seed: int = 1, n_bootstrap: int = 200) -> tuple[TextTable, ...]:
    """Return Tables 1 to 4 of the analysed patients, by tumour type."""
    rng = np.random.default_rng(seed)
    return (
        baseline_table(cohort, derived),
        response_table(cohort, derived),
        median_table(cohort, derived),
        cox_table(cohort, derived, rng, n_bootstrap),
    )


def _groups(cohort: Cohort, derived: Derived) -> dict[str, list[Patient]]:
    analysed = [p for p in cohort.patients if p.patient_id in derived.analysed]
    kinds = [t for t in ("HCC", "CRLM", "other") if any(p.tumour_type == t for p in analysed)]
    groups = {t: [p for p in analysed if p.tumour_type == t] for t in kinds}
    return groups | ({"all": analysed} if len(kinds) > 1 else {})


def _mean(values: Sequence[float]) -> str:
    known = np.array([v for v in values if np.isfinite(v)])
    if known.size == 0:
        return ""
    spread = f"{known.std(ddof=1):.2f}" if known.size > 1 else "-"
    missing = f"; {len(values) - known.size} missing" if known.size < len(values) else ""
    return f"{known.mean():.2f} +- {spread} ({np.median(known):.1f}, {known.min():g}-{known.max():g}{missing})"


def _share(n: int, of: int) -> str:
    return f"{n}/{of} ({100 * n / of:.1f} %)" if of else "0/0"


def baseline_table(cohort: Cohort, derived: Derived) -> TextTable:
    """Table 1: patients and lesions before treatment."""
    groups, cycles = _groups(cohort, derived), derived.cycles
    rows: list[tuple[str, ...]] = []

    def line(name: str, value: Callable[[list[Patient]], str]) -> None:
        cells = [value(group) for group in groups.values()]
        if any(cells):
            rows.append((name, *cells))

    def first(p: Patient) -> list[str]:
        return [x for x in derived.cycles[p.patient_id][0].lesion_ids if x in p.lesions]

    def sizes(group: list[Patient]) -> list[float]:
        return [
            float("nan") if size is None else size
            for p in group
            for cycle in derived.cycles[p.patient_id]
            for x in cycle.lesion_ids
            if x in p.lesions
            for size in [baseline_mm(p.lesions[x], cycle.sessions_of(x)[0].day)]
        ]

    line("Patients", lambda g: str(len(g)))
    line("Treatment cycles", lambda g: str(sum(len(derived.cycles[p.patient_id]) for p in g)))
    line("Treated lesions", lambda g: str(len({x for p in g for c in cycles[p.patient_id] for x in c.lesion_ids})))
    line("Several completed treatments", lambda g: _share(sum(len(cycles[p.patient_id]) > 1 for p in g), len(g)))
    line("Age, years", lambda g: _mean([p.age_years for p in g]))
    for word, sex in (("Male", "M"), ("Female", "F")):
        line(word, lambda g, sex=sex: _share(sum(p.sex == sex for p in g), len(g)))  # type: ignore[misc]
    line("Unifocal", lambda g: _share(sum(len(first(p)) == 1 for p in g), len(g)))
    line("Multifocal", lambda g: _share(sum(len(first(p)) > 1 for p in g), len(g)))
    line("Lesions a patient, first treatment", lambda g: _mean([float(len(first(p))) for p in g]))
    line("Diameter of target lesions, mm", lambda g: _mean(sizes(g)))
    for key, word in (("alt_u_per_l", "ALT, U/l"), ("ast_u_per_l", "AST, U/l"), ("ggt_u_per_l", "GGT, U/l"),
                      ("bilirubin_mg_per_dl", "Bilirubin, mg/dl")):  # fmt: skip
        line(word, lambda g, key=key: _mean([_number(p.covariates.get(key)) for p in g]))  # type: ignore[misc]
    for key, word in (("cirrhosis", "Cirrhosis"), ("cirrhosis_cause", "Cause"), ("child_pugh", "Child-Pugh"),
                      ("bclc", "BCLC"), ("prior_liver_treatment", "Earlier liver treatment")):  # fmt: skip
        known = {str(v) for p in cohort.patients if (v := p.covariates.get(key)) is not None}
        for level in sorted(known):
            line(f"{word}: {level}", lambda g, key=key, level=level: _level(g, key, level))  # type: ignore[misc]
    line("Follow-up scans a patient", lambda g: _mean([_n_scans(p, derived) for p in g]))
    return TextTable(
        "table1-baseline",
        "Table 1. Patients and lesions",
        ("", *groups),
        tuple(rows),
        ("Mean +- SD (median, range). Shares are of those with the item known.",),
    )


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def _level(group: list[Patient], key: str, level: str) -> str:
    known = [str(v) for p in group if (v := p.covariates.get(key)) is not None]
    return _share(known.count(level), len(known)) if known else ""


def _n_scans(patient: Patient, derived: Derived) -> float:
    end = derived.cycles[patient.patient_id][0].completion
    return float(sum(s.day > end for s in patient.scans))


def response_table(cohort: Cohort, derived: Derived) -> TextTable:
    """Table 2: RECIST response of each treatment at 8 weeks and 3 months."""
    groups = [g for g in _groups(cohort, derived) if g != "all"]
    found = responses(cohort, derived)
    columns, cells = [""], {r: [r] for r in (*RESPONSES, "evaluated", "not evaluated")}
    for visit in ("8 weeks", "3 months"):
        for group in groups:
            mine = [x[visit] for kind, x in found if kind == group]
            done = [r for r in mine if r is not None]
            columns.append(f"{visit}, {group}")
            for r in RESPONSES:
                cells[r].append(_share(done.count(r), len(done)))
            cells["evaluated"].append(str(len(done)))
            cells["not evaluated"].append(str(len(mine) - len(done)))
    rules = derived.rules
    return TextTable(
        "table2-response",
        "Table 2. Response of treatments (RECIST 1.1, sum of target diameters)",
        tuple(columns),
        tuple(tuple(v) for v in cells.values()),
        (
            f"Last adequate scan {rules.week8_from_days} to {rules.week8_to_days} and {rules.month3_from_days} to "
            f"{rules.month3_to_days} days after completion. PD is cumulative: progression at or before that scan, new "
            f"lesions "
            "included. Shares are of the evaluated treatments.",
        ),
    )


def _rows(
    cohort: Cohort, derived: Derived, unit: str, name: str
) -> tuple[FloatArray, FloatArray, list[str], list[str]]:
    """Months, events, tumour types and patients of an endpoint."""
    kind = {p.patient_id: p.tumour_type for p in cohort.patients}
    rows = [e for e in derived.endpoints if (e.unit, e.endpoint) == (unit, name)]
    months = np.array([e.days / derived.rules.days_per_month for e in rows])
    events = np.array([float(e.event) for e in rows])
    return months, events, [kind[e.id] for e in rows], [e.id for e in rows]


def endpoint_curves(cohort: Cohort, derived: Derived) -> dict[str, dict[str, KaplanMeier]]:
    """Return Kaplan-Meier curves of each patient and cycle endpoint by tumour type; cycles with errors by patient."""
    found: dict[str, dict[str, KaplanMeier]] = {}
    for unit, name in ENDPOINTS:
        months, events, kinds, who = _rows(cohort, derived, unit, name)
        kind, owner = np.array(kinds), np.array(who)
        found[name] = {
            k: kaplan_meier(months[kind == k], events[kind == k], cluster=owner[kind == k] if unit == "cycle" else None)
            for k in ("HCC", "CRLM", "other")
            if k in kinds
        }
    return found


def median_table(cohort: Cohort, derived: Derived) -> TextTable:
    """Table 3: medians with interval, number at risk there, range of times, log-rank test between tumour types."""
    curves = endpoint_curves(cohort, derived)
    rows, notes = [], []
    for unit, name in ENDPOINTS:
        months, events, kinds, _ = _rows(cohort, derived, unit, name)
        p = log_rank(months, events, np.array(kinds)).test.p if len(set(kinds)) > 1 and events.any() else float("nan")
        for i, (kind, c) in enumerate(curves[name].items()):
            m = c.median
            reached = np.isfinite(m.estimate)
            warning = "few at risk" if reached and m.at_risk < FEW else ""
            if reached and m.estimate >= c.time[-1]:
                warning = "falls at the last observation"
            own = months[np.array(kinds) == kind]
            rows.append(
                (
                    name if i == 0 else "", kind, estimate_text(m.estimate, m.lower, m.upper, 2),
                    str(m.at_risk) if reached else "", f"{own.min():.2f}-{own.max():.2f}", f"{c.n_events}/{c.n}",
                    p_text(p) if i == 0 else "", warning,
                )
            )  # fmt: skip
    months, events, kinds, _ = _rows(cohort, derived, "patient", "OS")
    for kind in dict.fromkeys(kinds):
        keep = np.array(kinds) == kind
        m = reverse_kaplan_meier(months[keep], events[keep]).median
        notes.append(
            f"Median follow-up of {kind} {estimate_text(m.estimate, m.lower, m.upper, 1)} (reverse Kaplan-Meier)."
        )
    return TextTable(
        "table3-medians",
        "Table 3. Times to events, months",
        (
            "Endpoint",
            "Type",
            "Median (95 % CI)",
            "At risk there",
            "Range of times",
            "Events/n",
            "Log-rank p",
            "Warning",
        ),
        tuple(rows),
        (
            "NR: not reached. Limits of Brookmeyer and Crowley, log-log; cycles of one patient by cluster-robust "
            "errors, "
            "but the log-rank test takes them as independent.",
            f"A median with fewer than {FEW} at risk, or at the last observation, says little.",
            *notes,
        ),
    )


def cox_table(cohort: Cohort, derived: Derived, rng: np.random.Generator, n_bootstrap: int) -> TextTable:
    """Table 4: Cox models of PFS, PFS_local and PFS_distant by the paper's rule, and the full model beside them."""
    patients = {p.patient_id: p for p in cohort.patients}
    rows: list[tuple[str, ...]] = []
    unknown = 0
    for name in ("PFS", "PFS_local", "PFS_distant"):
        months, events, _, who = _rows(cohort, derived, "patient", name)
        columns, unknown = _patient_columns([patients[w] for w in who], derived)
        try:
            found = paper_rule(months, events, columns, who, rng, n_bootstrap)
            full = effects("full", cox(months, events, columns), len(who), int(events.sum()))
        except HdrPlanError as error:
            rows.append((name, f"not estimable: {error}", "", "", "", "", "", ""))
            continue
        beside = {e.term: e for e in found.multivariate}
        whole = {e.term: e for e in full}
        for i, e in enumerate(found.univariate):
            selected = f"{100 * found.selected[e.term]:.0f} %" if e.term in found.selected else ""
            pieces = [text for x in (e, beside.get(e.term), whole.get(e.term)) for text in _pair(x)]
            rows.append((name if i == 0 else "", e.term, *pieces[:4], selected, *pieces[4:]))
    return TextTable(
        "table4-cox",
        "Table 4. Hazard ratios (95 % CI) of patient endpoints",
        (
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
        tuple(r if len(r) == 9 else (*r, "") for r in rows),
        (
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
    present = [t for t in ("HCC", "CRLM", "other") if t in kinds]
    columns = {
        "age, per year": np.array([p.age_years for p in patients]),
        "sex: M vs F": np.array([float(p.sex == "M") for p in patients]),
        "largest diameter, per mm": size,
        "number of lesions": np.array(counts),
        **(indicator_columns("tumour type", kinds, present[0]) if len(present) > 1 else {}),
    }
    return {k: v for k, v in columns.items() if np.ptp(v) > 0}, int(unknown.sum())
