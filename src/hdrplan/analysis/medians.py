"""Table 3 and its curves: when events come, by tumour type."""

from __future__ import annotations

import numpy as np

from hdrplan.analysis.groups import endpoint_rows
from hdrplan.analysis.text_table import TextTable, estimate_text, p_text
from hdrplan.cohort import Cohort, Derived
from hdrplan.outcomes import KaplanMeier, kaplan_meier, log_rank, reverse_kaplan_meier

__all__ = ["endpoint_curves", "median_table"]

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


def endpoint_curves(cohort: Cohort, derived: Derived) -> dict[str, dict[str, KaplanMeier]]:
    """Return Kaplan-Meier curves of each patient and cycle endpoint by tumour type; cycles with errors by patient."""
    curves: dict[str, dict[str, KaplanMeier]] = {}
    for unit, name in ENDPOINTS:
        rows = endpoint_rows(cohort, derived, unit, name).by_type()
        curves[name] = {k: kaplan_meier(r if unit == "cycle" else r.independent) for k, r in rows.items()}
    return curves


def median_table(cohort: Cohort, derived: Derived) -> TextTable:
    """Return Table 3: medians with interval and number at risk, range of times, log-rank test between tumour types."""
    curves = endpoint_curves(cohort, derived)
    rows, notes = [], []
    for unit, name in ENDPOINTS:
        endpoint = endpoint_rows(cohort, derived, unit, name)
        kinds = np.array(endpoint.tumour_type)
        compared = len(set(endpoint.tumour_type)) > 1 and endpoint.event.any()
        p = log_rank(endpoint.follow_up(), kinds).test.p if compared else float("nan")
        for i, (kind, c) in enumerate(curves[name].items()):
            m = c.median
            reached = np.isfinite(m.estimate)
            warning = "few at risk" if reached and m.at_risk < FEW else ""
            if reached and m.estimate >= c.time[-1]:
                warning = "falls at the last observation"
            own = endpoint.months[kinds == kind]
            rows.append(
                (
                    name if i == 0 else "", kind, estimate_text(m.estimate, m.lower, m.upper, 2),
                    str(m.at_risk) if reached else "", f"{own.min():.2f}-{own.max():.2f}", f"{c.n_events}/{c.n}",
                    p_text(p) if i == 0 else "", warning,
                )
            )  # fmt: skip
    survival = endpoint_rows(cohort, derived, "patient", "OS")
    rows_of = survival.by_type()
    for kind in dict.fromkeys(survival.tumour_type):
        m = reverse_kaplan_meier(rows_of[kind].independent).median
        notes.append(
            f"Median follow-up of {kind} {estimate_text(m.estimate, m.lower, m.upper, 1)} (reverse Kaplan-Meier)."
        )
    return TextTable(
        name="table3-medians",
        title="Table 3. Times to events, months",
        columns=(
            "Endpoint",
            "Type",
            "Median (95 % CI)",
            "At risk there",
            "Range of times",
            "Events/n",
            "Log-rank p",
            "Warning",
        ),
        rows=tuple(rows),
        notes=(
            "NR: not reached. Limits are those of Brookmeyer and Crowley on the log-log scale. Cycles of one patient "
            "have cluster-robust standard errors, but the log-rank test treats them as independent.",
            f"A median with fewer than {FEW} at risk, or at the last observation, is not reliable.",
            *notes,
        ),
    )
