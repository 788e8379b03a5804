"""Table 3 and its curves: when events come, by tumour type."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from hdrplan.analysis.groups import endpoint_rows
from hdrplan.analysis.text_table import TextTable, estimate_text, p_text
from hdrplan.cohort import Cohort, Derived
from hdrplan.outcomes import KaplanMeier, kaplan_meier, log_rank, reverse_kaplan_meier

__all__ = ["endpoint_curves", "endpoint_tests", "median_notes", "median_table", "median_text"]

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
# Marks of a median that is not reliable.
_FEW_MARK, _LAST_MARK = " [a]", " [b]"
_UNRELIABLE = {
    _FEW_MARK: f"Not reliable: fewer than {FEW} at risk at the median.",
    _LAST_MARK: "Not reliable: the curve falls to its median at the last observation.",
}


def endpoint_curves(cohort: Cohort, derived: Derived) -> dict[str, dict[str, KaplanMeier]]:
    """Return Kaplan-Meier curves of each patient and cycle endpoint by tumour type; cycles with errors by patient."""
    curves: dict[str, dict[str, KaplanMeier]] = {}
    for unit, name in ENDPOINTS:
        rows = endpoint_rows(cohort, derived, unit, name).by_type()
        curves[name] = {k: kaplan_meier(r if unit == "cycle" else r.independent) for k, r in rows.items()}
    return curves


def endpoint_tests(cohort: Cohort, derived: Derived) -> dict[str, float]:
    """Return p of the log-rank test between tumour types of each endpoint; NaN where there is nothing to compare."""
    tests = {}
    for unit, name in ENDPOINTS:
        endpoint = endpoint_rows(cohort, derived, unit, name)
        compared = len(set(endpoint.tumour_type)) > 1 and endpoint.event.any()
        kinds = np.array(endpoint.tumour_type)
        tests[name] = log_rank(endpoint.follow_up(), kinds).test.p if compared else float("nan")
    return tests


def median_table(cohort: Cohort, derived: Derived) -> TextTable:
    """Return Table 3: one row an endpoint, median, range and events of each tumour type, log-rank test between them."""
    curves, tests = endpoint_curves(cohort, derived), endpoint_tests(cohort, derived)
    kinds = list(curves["OS"])
    columns = [f"{kind}: {word}" for kind in kinds for word in ("median (95 % CI)", "range", "events/n", "at risk")]
    compared = len(kinds) > 1
    rows = [
        (name, *(cell for kind in kinds for cell in _cells(of.get(kind))), *([p_text(tests[name])] if compared else []))
        for name, of in curves.items()
    ]
    survival = endpoint_rows(cohort, derived, "patient", "OS").by_type()
    follow_up = []
    for kind, own in survival.items():
        m = reverse_kaplan_meier(own.independent).median
        follow_up.append(f"{kind} {estimate_text(m.estimate, m.lower, m.upper, 1)}")
    return TextTable(
        name="table3-medians",
        title="Table 3. Times to events, months",
        columns=("Endpoint", *columns, *(["Log-rank p"] if compared else [])),
        rows=tuple(rows),
        notes=(
            "NR: not reached; limits of Brookmeyer and Crowley on the log-log scale. At risk: at the median. Range: of "
            "all times, with and without event. Cycles of one patient have cluster-robust standard errors, but the "
            "log-rank test treats them as independent.",
            *median_notes(cell for row in rows for cell in row),
            f"Median follow-up (reverse Kaplan-Meier), months: {', '.join(follow_up)}.",
        ),
    )  # fmt: skip


def _cells(curve: KaplanMeier | None) -> tuple[str, str, str, str]:
    """Median, range, events and number at risk of one group; a median that cannot be relied on is marked."""
    if curve is None:
        return ("", "", "", "")
    m = curve.median
    seen = curve.time[curve.events + curve.censored > 0]
    return (
        median_text(curve, 2),
        f"{seen[0]:.2f}-{seen[-1]:.2f}",
        f"{curve.n_events}/{curve.n}",
        str(m.at_risk) if np.isfinite(m.estimate) else "-",
    )


def median_text(curve: KaplanMeier, digits: int) -> str:
    """Return a median with its interval; one that cannot be relied on is marked (:func:`median_notes`).

    Parameters
    ----------
    curve : KaplanMeier
    digits : int
        Digits after the point.
    """
    m = curve.median
    reached = bool(np.isfinite(m.estimate))
    mark = _LAST_MARK if reached and m.estimate >= curve.time[-1] else _FEW_MARK if reached and m.at_risk < FEW else ""
    return estimate_text(m.estimate, m.lower, m.upper, digits) + mark


def median_notes(cells: Iterable[str]) -> tuple[str, ...]:
    """Return what the marks in some cells mean."""
    shown = "".join(cells)
    return tuple(f"{mark.strip()} {why}" for mark, why in _UNRELIABLE.items() if mark in shown)
