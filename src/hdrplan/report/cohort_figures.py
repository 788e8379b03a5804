"""Figures of a cohort, ready for print, by the name of their file.

:func:`hdrplan.report.figures.figure_bytes` writes a figure as SVG, PNG or PDF.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from hdrplan.analysis import Correlation, Lane, adjusted_words
from hdrplan.outcomes import KaplanMeier
from hdrplan.report.cohort_style import FEW
from hdrplan.report.figures import FORMATS, figure_bytes
from hdrplan.report.layout import laid_out

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["correlation_figures", "endpoint_figures", "print_files"]


def correlation_figures(result: Correlation, rows: Sequence[Lane], days_per_month: float) -> dict[str, Figure]:
    """Return every figure that the result allows, by file name, in the order of the report.

    Parameters
    ----------
    result : Correlation
    rows : sequence of Lane
        Of the swimmer plot.
    days_per_month : float
    """
    from hdrplan.report.cohort_answer import benefit_figure
    from hdrplan.report.cohort_curves import incidence_figure, survival_figure
    from hdrplan.report.cohort_dose import cutoff_figure, spline_figure, tcp_figure
    from hdrplan.report.cohort_forest import forest_figure
    from hdrplan.report.cohort_prediction import calibration_figure, decision_figure
    from hdrplan.report.cohort_swimmer import swimmer_figure

    control, models = result.control, result.models
    few = f"thin and without band: fewer than {FEW} at risk"
    figures: dict[str, Figure] = {}
    if result.benefit is not None:
        figures["answer"] = benefit_figure(result.benefit, result.table, adjusted_words(result.table))
    figures |= {
        "km-by-type": survival_figure(
            {"all": control.km} | (dict(control.by_type) if len(control.by_type) > 1 else {}),
            title="Local control of lesions (Kaplan-Meier, death censored)", y_label="free of local recurrence",
            note=few,
        ),
        "incidence": incidence_figure(
            control.incidence, control.km, names={1: "local recurrence", 2: "death before recurrence"}
        ),
    }  # fmt: skip
    t = result.cuts.threshold
    if t is not None:
        figures["km-by-threshold"] = survival_figure(
            {f"D100 < {t.at_gy:g} Gy": t.below, f"D100 >= {t.at_gy:g} Gy": t.above},
            title=f"Local control by D100 of {t.at_gy:g} Gy (not adjusted)", y_label="free of local recurrence",
            note=few,
        )  # fmt: skip
    groups = [("Each alone", models.univariate), ("Together, errors by patient", models.adjusted)]
    if models.interaction is not None:
        groups.append(("D100 within tumour type", tuple(models.interaction.by_type.values())))
    if result.sensitivity:
        same = tuple(replace(e, term=name) for name, e in result.sensitivity.items())
        groups.append(("D100 per Gy in other models", same))
    if any(g for _, g in groups):
        figures["forest"] = forest_figure([g for g in groups if g[1]], title="Local recurrence of lesions")
    if models.spline is not None:
        figures["spline"] = spline_figure(result)
    if result.response.bins:
        figures["tcp"] = tcp_figure(result)
    if result.cuts.adjusted is not None:
        figures["cutoff"] = cutoff_figure(result.cuts.adjusted, adjusted_words(result.table))
    if result.quality is not None:
        if result.quality.calibration is not None:
            figures["calibration"] = calibration_figure(result.quality)
        figures["decision"] = decision_figure(result.quality)
    if rows:
        figures["swimmer"] = swimmer_figure(rows, n=result.table.n, days_per_month=days_per_month)
    return figures


def endpoint_figures(curves: Mapping[str, Mapping[str, KaplanMeier]]) -> dict[str, Figure]:
    """Return the survival curves of each endpoint by tumour type, by file name."""
    from hdrplan.report.cohort_curves import survival_figure

    return {
        name: survival_figure(
            by_type,
            title=name,
            y_label="alive" if name == "OS" else "free of the event",
            unit="cycles" if name.startswith("TTP") else "patients",
        )
        for name, by_type in curves.items()
    }


def print_files(figures: Mapping[str, Figure]) -> Iterator[tuple[str, bytes]]:
    """Yield file name and content of each figure in the forms of a journal: PNG of 300 dpi, SVG, PDF."""
    for name, figure in figures.items():
        laid_out(figure)
        for form in FORMATS:
            yield f"{name}.{form}", figure_bytes(figure, form, dpi=300)
