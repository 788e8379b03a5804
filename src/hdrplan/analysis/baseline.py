"""Table 1: patients and lesions before treatment."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from hdrplan.analysis.groups import patient_groups, share_text
from hdrplan.analysis.text_table import TextTable
from hdrplan.cohort import Cohort, Derived, Patient, baseline_mm

__all__ = ["baseline_table"]


def _mean(values: Sequence[float]) -> str:
    known = np.array([v for v in values if np.isfinite(v)])
    if known.size == 0:
        return ""
    spread = f"{known.std(ddof=1):.2f}" if known.size > 1 else "-"
    missing = f"; {len(values) - known.size} missing" if known.size < len(values) else ""
    return f"{known.mean():.2f} +- {spread} ({np.median(known):.1f}, {known.min():g}-{known.max():g}{missing})"


def baseline_table(cohort: Cohort, derived: Derived) -> TextTable:
    """Return Table 1: patients and lesions before treatment."""
    groups, cycles = patient_groups(cohort, derived), derived.cycles
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
    line("Several completed treatments", lambda g: share_text(sum(len(cycles[p.patient_id]) > 1 for p in g), len(g)))
    line("Age, years", lambda g: _mean([p.age_years for p in g]))
    for word, sex in (("Male", "M"), ("Female", "F")):
        line(word, lambda g, sex=sex: share_text(sum(p.sex == sex for p in g), len(g)))  # type: ignore[misc]
    line("Unifocal", lambda g: share_text(sum(len(first(p)) == 1 for p in g), len(g)))
    line("Multifocal", lambda g: share_text(sum(len(first(p)) > 1 for p in g), len(g)))
    line("Lesions per patient, first treatment", lambda g: _mean([float(len(first(p))) for p in g]))
    line("Diameter of target lesions, mm", lambda g: _mean(sizes(g)))
    for key, word in (("alt_u_per_l", "ALT, U/l"), ("ast_u_per_l", "AST, U/l"), ("ggt_u_per_l", "GGT, U/l"),
                      ("bilirubin_mg_per_dl", "Bilirubin, mg/dl")):  # fmt: skip
        line(word, lambda g, key=key: _mean([_number(p.covariates.get(key)) for p in g]))  # type: ignore[misc]
    for key, word in (("cirrhosis", "Cirrhosis"), ("cirrhosis_cause", "Cause"), ("child_pugh", "Child-Pugh"),
                      ("bclc", "BCLC"), ("prior_liver_treatment", "Earlier liver treatment")):  # fmt: skip
        known = {str(v) for p in cohort.patients if (v := p.covariates.get(key)) is not None}
        for level in sorted(known):
            line(f"{word}: {level}", lambda g, key=key, level=level: _level(g, key, level))  # type: ignore[misc]
    line("Follow-up scans per patient", lambda g: _mean([_n_scans(p, derived) for p in g]))
    return TextTable(
        name="table1-baseline",
        title="Table 1. Patients and lesions",
        columns=("", *groups),
        rows=tuple(rows),
        notes=("Mean +- SD (median, range). Percentages are of the patients or lesions with a known value.",),
    )


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def _level(group: list[Patient], key: str, level: str) -> str:
    known = [str(v) for p in group if (v := p.covariates.get(key)) is not None]
    return share_text(known.count(level), len(known)) if known else ""


def _n_scans(patient: Patient, derived: Derived) -> float:
    end = derived.cycles[patient.patient_id][0].completion
    return float(sum(s.day > end for s in patient.scans))
