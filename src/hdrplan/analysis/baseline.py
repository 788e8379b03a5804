"""Table 1: patients and lesions before treatment, and whether the tumour types differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hdrplan.analysis.group_tests import TEST_NOTE, category_p, number_p
from hdrplan.analysis.groups import patient_groups, share_text
from hdrplan.analysis.text_table import TextTable, p_text
from hdrplan.cohort import Cohort, Derived, Patient, baseline_mm

__all__ = ["baseline_table"]

_NUMBERS = (
    ("alt_u_per_l", "ALT, U/l"),
    ("ast_u_per_l", "AST, U/l"),
    ("ggt_u_per_l", "GGT, U/l"),
    ("bilirubin_mg_per_dl", "Bilirubin, mg/dl"),
)
_CATEGORIES = (
    ("cirrhosis", "Cirrhosis"),
    ("cirrhosis_cause", "Cause"),
    ("child_pugh", "Child-Pugh"),
    ("bclc", "BCLC"),
    ("prior_liver_treatment", "Earlier liver treatment"),
)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of Table 1 as they are made, and the groups they compare."""

    groups: Mapping[str, Sequence[Patient]]
    made: list[tuple[str, ...]]

    @property
    def types(self) -> list[Sequence[Patient]]:
        return [group for name, group in self.groups.items() if name != "all"]

    def add(self, name: str, value: Callable[[Sequence[Patient]], str], p: float = float("nan")) -> None:
        """Add a row, unless no group has a value."""
        cells = [value(group) for group in self.groups.values()]
        if any(cells):
            self.made.append((name, *cells, *([p_text(p)] if len(self.types) > 1 else [])))

    def numbers(self, name: str, of: Callable[[Patient], Sequence[float]], *, tested: bool = True) -> None:
        """Add mean, SD, median and range; tested by the mean of each patient."""

        def mean(patient: Patient) -> float:
            known = [v for v in of(patient) if np.isfinite(v)]
            return float(np.mean(known)) if known else float("nan")

        p = number_p([[mean(x) for x in group] for group in self.types]) if tested else float("nan")
        self.add(name, lambda group: _mean([v for x in group for v in of(x)]), p)

    def categories(self, words: Mapping[str, str], of: Callable[[Patient], str | None]) -> None:
        """Add one row for each level, shares of the patients with a known one; p stands in the first row."""
        counts = np.array([[sum(of(x) == level for x in group) for group in self.types] for level in words])
        p = category_p(counts) if counts.size else float("nan")
        for level, word in words.items():
            self.add(word, lambda group, level=level: _share(group, of, level), p)  # type: ignore[misc]
            p = float("nan")


def _mean(values: Sequence[float]) -> str:
    known = np.array([v for v in values if np.isfinite(v)])
    if known.size == 0:
        return ""
    spread = f"{known.std(ddof=1):.2f}" if known.size > 1 else "-"
    missing = f"; {len(values) - known.size} missing" if known.size < len(values) else ""
    return f"{known.mean():.2f} +- {spread} ({np.median(known):.1f}, {known.min():g}-{known.max():g}{missing})"


def _share(group: Sequence[Patient], of: Callable[[Patient], str | None], level: str) -> str:
    known = [v for x in group if (v := of(x)) is not None]
    return share_text(known.count(level), len(known)) if known else ""


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def _level(value: object) -> str | None:
    """Return a category as it is printed: a flag is yes or no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return None if value is None else str(value)


def baseline_table(cohort: Cohort, derived: Derived) -> TextTable:
    """Return Table 1: patients and lesions before treatment, with a test between tumour types."""
    groups, cycles = patient_groups(cohort, derived), derived.cycles
    rows = _Rows(groups, [])

    def first(p: Patient) -> list[str]:
        return [x for x in cycles[p.patient_id][0].lesion_ids if x in p.lesions]

    def sizes(p: Patient) -> list[float]:
        return [
            float("nan") if size is None else size
            for cycle in cycles[p.patient_id]
            for x in cycle.lesion_ids
            if x in p.lesions
            for size in [baseline_mm(p.lesions[x], cycle.sessions_of(x)[0].day)]
        ]

    rows.add("Patients", lambda g: str(len(g)))
    rows.add("Treatment cycles", lambda g: str(sum(len(cycles[p.patient_id]) for p in g)))
    rows.add("Treated lesions", lambda g: str(len({x for p in g for c in cycles[p.patient_id] for x in c.lesion_ids})))
    rows.add(
        "Several completed treatments", lambda g: share_text(sum(len(cycles[p.patient_id]) > 1 for p in g), len(g))
    )
    rows.numbers("Age, years", lambda p: [p.age_years])
    rows.categories({"M": "Male", "F": "Female"}, lambda p: p.sex or None)
    rows.categories({"one": "Unifocal", "several": "Multifocal"}, lambda p: "one" if len(first(p)) == 1 else "several")
    rows.numbers("Lesions per patient, first treatment", lambda p: [float(len(first(p)))])
    rows.numbers("Diameter of target lesions, mm", sizes)
    for key, word in _NUMBERS:
        rows.numbers(word, lambda p, key=key: [_number(p.covariates.get(key))])  # type: ignore[misc]
    for key, word in _CATEGORIES:
        known = {level for group in rows.types for p in group if (level := _level(p.covariates.get(key))) is not None}
        levels = sorted(known, reverse=known <= {"yes", "no"})
        rows.categories(
            {level: f"{word}: {level}" for level in levels},
            lambda p, key=key: _level(p.covariates.get(key)),  # type: ignore[misc]
        )
    rows.numbers("Follow-up scans per patient", lambda p: [_n_scans(p, derived)], tested=False)
    compared = len(rows.types) > 1
    return TextTable(
        name="table1-baseline",
        title="Table 1. Patients and lesions",
        columns=("", *groups, *(["p"] if compared else [])),
        rows=tuple(rows.made),
        notes=(
            "Mean +- SD (median, range). Percentages are of the patients or lesions with a known value.",
            *([TEST_NOTE] if compared else []),
        ),
    )


def _n_scans(patient: Patient, derived: Derived) -> float:
    end = derived.cycles[patient.patient_id][0].completion
    return float(sum(s.day > end for s in patient.scans))
