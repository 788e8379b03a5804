"""The tables and figures of a cohort paper as one document: patients, response, times to events, hazard ratios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hdrplan.analysis import TextTable
from hdrplan.cohort import FlowStep
from hdrplan.outcomes import KaplanMeier
from hdrplan.report.page import base64_text, page
from hdrplan.report.themed import screen_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["PAPER_CAPTIONS", "paper_figures", "paper_html", "setting_rows"]

# Wider figures than this, by their height, take the whole width of the page.
_WIDE = 1.8
_CURVES = (
    "Kaplan-Meier by tumour type with 95 % bands (log-log), ticks where follow-up ends, and numbers at risk. Lines are "
    "thin and without band where fewer than 10 are at risk."
)
PAPER_CAPTIONS = {
    "figure1-flow": "Figure 1. From identified to analysed: patients and treated lesions.",
    "figure2-survival": f"Figure 2. Overall survival from the completion of the first treatment. {_CURVES}",
    "figure3-progression": "Figure 3. Progression-free survival of patients, and its local and distant forms (death "
    f"censored there unless a rule says otherwise), from the completion of the first treatment. {_CURVES}",
    "figure4-time-to-progression": "Figure 4. Time to progression of treatment cycles, any, local and distant, from "
    f"the completion of each. {_CURVES} Bands have errors by patient; the log-rank test takes cycles as independent.",
}


def paper_figures(
    steps: Sequence[FlowStep], curves: Mapping[str, Mapping[str, KaplanMeier]], tests: Mapping[str, float]
) -> dict[str, Figure]:
    """Return the figures of the document by the name of their file.

    Parameters
    ----------
    steps : sequence of FlowStep
        From identified to analysed.
    curves : mapping of endpoint to (tumour type -> KaplanMeier)
    tests : mapping of endpoint to float
        p of the log-rank test.
    """
    from hdrplan.report.cohort_curves import survival_panels
    from hdrplan.report.cohort_flow import flow_figure

    def panels(names: Sequence[str], y_label: str, unit: str) -> Figure:
        return survival_panels({name: curves[name] for name in names}, tests, y_label=y_label, unit=unit)

    drawn = (
        flow_figure(steps),
        panels(["OS"], "alive", "patients"),
        panels(["PFS", "PFS_local", "PFS_distant"], "free of the event", "patients"),
        panels(["TTP", "TTP_local", "TTP_distant"], "free of progression", "cycles"),
    )
    return dict(zip(PAPER_CAPTIONS, drawn, strict=True))


def paper_html(
    tables: Sequence[TextTable],
    figures: Mapping[str, Figure],
    *,
    settings: Mapping[str, object],
    warnings: str,
    about: Mapping[str, str],
    version: str,
) -> str:
    """Return the document as one self-contained page.

    Parameters
    ----------
    tables : sequence of TextTable
        Tables 1 to 4.
    figures : mapping of name to Figure
        Of :func:`paper_figures`; embedded as SVG.
    settings : mapping
        Names and values of every rule.
    warnings : str
        What the checks of the tables had to say, in one sentence; may be empty.
    about : mapping of str to str
        What was read -> its hash.
    version : str
        Of hdrplan.
    """
    pictures = [
        (PAPER_CAPTIONS[name], base64_text(screen_svg(figure)), figure.get_figwidth() > _WIDE * figure.get_figheight())
        for name, figure in figures.items()
    ]
    return page(
        "cohort.html.j2",
        title="Outcome of a cohort",
        version=version,
        about=about,
        pictures=True,
        figures=pictures,
        tables=tables,
        settings=setting_rows(settings),
        warnings=warnings,
    )


def setting_rows(settings: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return names and values of settings as text."""
    return [(name, _text(value)) for name, value in settings.items()]


def _text(value: object) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
