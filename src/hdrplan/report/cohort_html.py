"""The correlation report: one self-contained page, nothing is loaded, every text escaped."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hdrplan.analysis import Correlation, correlation_tables, plain_words
from hdrplan.cohort import FlowStep
from hdrplan.report.figures import figure_bytes
from hdrplan.report.page import page

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["CAPTIONS", "correlation_html"]

CAPTIONS = {
    "km-by-type": "Local control of lesions by tumour type: Kaplan-Meier with 95 % bands (log-log) and numbers at "
    "risk. Steps are at the dates of scans. Lines are thin where fewer than 10 lesions are at risk.",
    "incidence": "Cumulative incidence of local recurrence with death as a competing event (Aalen-Johansen, 95 % "
    "bands). The dotted line treats death as censoring, which overestimates recurrence.",
    "km-by-threshold": "Local control below and above a fixed threshold of D100. The groups differ in more than dose: "
    "use the adjusted hazard ratio.",
    "forest": "Hazard ratios of local recurrence with 95 % intervals and standard errors by patient. Names state the "
    "reference level.",
    "spline": "D100 as a continuous covariate: restricted cubic spline of the log hazard ratio against 20 Gy, "
    "adjusted, with 95 % band. Ticks mark lesions with and without recurrence.",
    "tcp": "Dose-response curves of local control, and the control observed in five dose groups. Numbers give "
    "recurrences and lesions. The curves are not adjusted for size.",
    "cutoff": "The score statistic of every cut-off. After correction for the search, only values outside the grey "
    "band are evidence. The shaded interval holds the best cut-off in bootstrap samples of patients.",
    "swimmer": "Lesions in order of follow-up, with sessions, scans without recurrence, recurrence, other treatments "
    "and death.",
}


def correlation_html(
    result: Correlation,
    *,
    flow: Sequence[FlowStep],
    figures: Mapping[str, Figure],
    settings: Mapping[str, object],
    warnings: str,
    version: str,
) -> str:
    """Return the page of a correlation.

    Parameters
    ----------
    result : Correlation
    flow : sequence of FlowStep
        From identified to analysed.
    figures : mapping of name to Figure
        Embedded as SVG.
    settings : mapping
        Names and values of every choice.
    warnings : str
        What the checks of the tables had to say, in one sentence; may be empty.
    version : str
        Of hdrplan.
    """
    groups = list(dict.fromkeys(s.group for s in flow))
    rows: dict[str, list[int]] = {}
    for s in flow:
        rows.setdefault(s.step, []).extend((s.patients, s.lesions, s.cycles))
    pictures = [
        (name, CAPTIONS[name], base64.b64encode(figure_bytes(f, "svg")).decode()) for name, f in figures.items()
    ]
    return page(
        "correlate.html.j2",
        title="D100 and local recurrence",
        version=version,
        pictures=True,
        mode=result.settings.mode,
        sentences=plain_words(result),
        flow_groups=groups,
        flow_rows=list(rows.items()),
        figures=pictures,
        tables=correlation_tables(result),
        settings=[(k, _text(v)) for k, v in settings.items()],
        warnings=warnings,
    )


def _text(value: object) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
