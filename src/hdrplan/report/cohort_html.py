"""The correlation report: one self-contained page, nothing is loaded, every text escaped."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from hdrplan.analysis import Correlation, correlation_tables, plain_words
from hdrplan.cohort import FlowStep
from hdrplan.report.figures import figure_bytes
from hdrplan.report.page import page

__all__ = ["CAPTIONS", "correlation_html"]

CAPTIONS = {
    "km-by-type": "Local control of lesions by tumour type: Kaplan-Meier with 95 % bands (log-log) and numbers at "
    "risk. Steps lie at scans. Lines go thin where fewer than 10 lesions are at risk.",
    "incidence": "Cumulative incidence of local recurrence with death as a competing event (Aalen-Johansen, 95 % "
    "bands). The dotted line counts the dead as if they could still recur.",
    "km-by-threshold": "Local control by the fixed threshold that the paper's readers expect. Groups differ in more "
    "than dose: read the adjusted hazard ratio.",
    "forest": "Hazard ratios of local recurrence with 95 % intervals; errors by patient. Reference levels are named.",
    "spline": "D100 as a continuous covariate: restricted cubic spline of the log hazard ratio against 20 Gy, "
    "adjusted, with 95 % band. Ticks: lesions that recurred and lesions that did not.",
    "tcp": "Dose-response curves of local control and what was observed in five groups of dose. Numbers: recurrences "
    "of lesions. Not adjusted for size.",
    "cutoff": "The score statistic of every cut-off. Only what leaves the grey band is evidence after the search; the "
    "shaded interval is where the best cut-off falls in bootstrap samples of patients.",
    "swimmer": "Lesions in order of follow-up: sessions, scans without recurrence, recurrence, other treatment, death.",
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
