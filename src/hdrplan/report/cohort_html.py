"""The correlation report: one self-contained page, nothing is loaded, every text escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hdrplan import __version__
from hdrplan.analysis import Correlation, DoseChoice, adjusted_words, clinical_answer, correlation_tables, plain_words
from hdrplan.cohort import FlowStep
from hdrplan.report.cohort_paper import setting_rows
from hdrplan.report.dose_choice import DOSE_IN_MEDIA, dose_choice_cells, dose_choice_lines
from hdrplan.report.page import base64_text, page
from hdrplan.report.themed import screen_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["captions", "correlation_html"]


def captions(result: Correlation) -> dict[str, str]:
    """Return what each figure of a correlation shows, true to what was drawn."""
    words, settings, c = adjusted_words(result.table), result.settings, result.cuts.adjusted
    curved = result.benefit is not None and result.benefit.curved
    band = " The shaded band holds 95 % of bootstrap samples of patients." if settings.n_bootstrap else ""
    curves = {"logistic": "logistic", "poisson": "Poisson"}
    drawn = " and ".join(word for name, word in curves.items() if name in result.response.curves)
    shape = "restricted cubic spline" if curved else "straight line"
    line = ", and the straight line of the model with one ratio per Gy" if result.models.headline else ""
    where = " The shaded interval holds the best cut-off in 95 % of bootstrap samples of patients."
    return {
        "answer": f"Predicted local recurrence within {settings.horizon_months:g} months if every lesion had the same "
        f"D100, death competing, {words} (Cox models of recurrence and death, D100 as a {shape}, averaged over the "
        f"lesions).{band} Bars count the lesions at each D100.",
        "km-by-type": f"Local control of lesions{' by tumour type' if len(result.control.by_type) > 1 else ''}: "
        "Kaplan-Meier with 95 % bands (log-log) and numbers at risk. Steps are at the dates of scans. Lines are thin "
        "and without band where fewer than 10 lesions are at risk.",
        "incidence": "Cumulative incidence of local recurrence with death as a competing event (Aalen-Johansen, 95 % "
        "bands). The dotted line treats death as censoring, which overestimates recurrence.",
        "km-by-threshold": "Local control below and above a fixed threshold of D100. The groups may differ in more "
        "than dose: use the adjusted hazard ratio.",
        "forest": "Hazard ratios of local recurrence with 95 % intervals and standard errors by patient. Names state "
        "the reference level.",
        "spline": "D100 as a continuous covariate: restricted cubic spline of the log hazard ratio against 20 Gy, "
        f"{words}, with 95 % band{line}. Ticks mark lesions with and without recurrence.",
        "tcp": (f"Dose-response curves of local control ({drawn}), and the" if drawn else "The")
        + f" control observed in {len(result.response.bins)} dose groups. Numbers give recurrences and lesions. "
        "Nothing is adjusted for.",
        "cutoff": f"The score statistic of every cut-off, {words}. After correction for the search, only values "
        "outside the grey band are evidence; dotted lines are the uncorrected limits."
        + (where if c is not None and c.interval is not None else ""),
        "calibration": "Observed against predicted risk of local recurrence within "
        f"{settings.horizon_months:g} months, death competing: logistic spline weighted for censoring, 95 % band by "
        "patient. These are the data of the fit, so agreement is overestimated; the table has the corrected slope.",
        "decision": "Net benefit of acting (a further treatment, earlier imaging) where the predicted risk "
        "reaches a limit: "
        "true positives less false positives at the exchange rate of that limit"
        + (", corrected for optimism." if settings.n_bootstrap else "; on the data of the fit.")
        + " A prediction is of use where its line is above all others.",
        "swimmer": "Lesions in order of follow-up, with sessions, scans without recurrence, recurrence, other "
        "treatments and death.",
    }


def correlation_html(
    result: Correlation,
    *,
    flow: Sequence[FlowStep],
    figures: Mapping[str, Figure],
    settings: Mapping[str, object],
    warnings: str,
    about: Mapping[str, str],
    choice: DoseChoice | None = None,
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
        Names and values of every choice; with ``d100`` it is that in the patient's media.
    warnings : str
        What the checks of the tables had to say, in one sentence; may be empty.
    about : mapping of str to str
        What was read -> its hash.
    choice : DoseChoice, optional
        The same lesions with either dose.
    """
    in_media = "d100" in settings
    groups = list(dict.fromkeys(s.group for s in flow))
    rows: dict[str, list[int]] = {}
    for s in flow:
        rows.setdefault(s.step, []).extend((s.patients, s.lesions, s.cycles))
    words = captions(result)
    pictures = {name: (words[name], base64_text(screen_svg(figure))) for name, figure in figures.items()}
    first, *tables = correlation_tables(result)
    answer = clinical_answer(result)
    return page(
        "correlate.html.j2",
        title="D100 in media (D_m,m) and local recurrence" if in_media else "D100 and local recurrence",
        dose_note=DOSE_IN_MEDIA if in_media else "",
        version=__version__,
        about=about,
        pictures=True,
        mode=result.settings.mode,
        answer=answer,
        sentences=plain_words(result)[len(answer) :],
        flow_groups=groups,
        flow_rows=list(rows.items()),
        figure=pictures.pop("answer", None),
        table=first,
        figures=list(pictures.values()),
        tables=tables,
        settings=setting_rows(settings),
        warnings=warnings,
        choice_threshold=None if choice is None else f"{choice.threshold_gy:g}",
        choice_rows=[] if choice is None else dose_choice_cells(choice),
        choice_sentences=[] if choice is None else dose_choice_lines(choice),
    )
