"""The table of the first screen: each question of a correlation with its answer in numbers."""

from __future__ import annotations

import math

from hdrplan.analysis.answer import counted, ratio_text
from hdrplan.analysis.benefit import Benefit
from hdrplan.analysis.correlation import Correlation
from hdrplan.analysis.effects import D100, adjusted_words
from hdrplan.analysis.text_table import TextTable, p_text

__all__ = ["answer_table"]

_LEVEL = 0.05


def answer_table(r: Correlation) -> TextTable:
    """Return the table of the first screen: each question with its answer, interval and p."""
    t = r.table
    rows = [
        ("Lesions (patients)", f"{t.n} ({t.n_patients})", "", ""),
        ("Local recurrences; deaths before one", f"{t.n_events}; {int((t.status == 2).sum())}", "", ""),
    ]
    months = f"{r.settings.horizon_months:g} months"
    incidence = r.control.incidence
    if 1 in incidence.causes and r.table.known_until(r.settings.horizon_months):
        k, at = incidence.causes.index(1), [r.settings.horizon_months]
        low, high = incidence.interval_at(at)
        rows.append(
            (
                f"Recurred within {months}, death competing",
                f"{100 * incidence.incidence_at(at)[0, k]:.1f} %",
                _interval(100 * float(low[0, k]), 100 * float(high[0, k]), 1),
                "",
            )
        )
    if r.benefit is not None:
        rows.append(_benefit_row(r.benefit))
    rows += _dose_rows(r)
    if r.models.interaction is not None and r.models.carried:
        test, fewest = r.models.interaction.test, min(r.models.interaction.by_type.values(), key=lambda e: e.n_events)
        verdict = "no, they differ" if r.models.differs else "no difference shown"
        found = f"{verdict}; {counted(fewest.n_events, 'recurrence')} {fewest.term.removeprefix(D100).strip(', ')}"
        rows.append(("Same effect in all tumour types?", found, "", p_text(test.p)))
    if r.cuts.beyond_line is not None and r.models.carried:
        step = r.cuts.beyond_line
        verdict = "shown" if r.models.curved and step.p.resampled < _LEVEL else "not shown"
        found = f"{verdict}; best at {step.best:.1f} Gy"
        rows.append(("Step beside a straight line?", found, "", p_text(step.p.resampled)))
    return TextTable(
        name="answer",
        title="The answer in numbers",
        columns=("Question", "Answer", "95 % CI", "p"),
        rows=tuple(rows),
        notes=_notes(r),
    )


def _notes(r: Correlation) -> tuple[str, ...]:
    """Return what the rows of the table rest on."""
    notes = ["Patients, not lesions, are the unit of every interval and p."]
    if r.models.carried:
        notes.append(f"Dose effects are {adjusted_words(r.table)}.")
    if r.benefit is not None:
        notes.append("What recurred is as observed; with other doses, and above with the dose given, by the model.")
    if r.models.carried and r.cuts.beyond_line is not None:
        notes.append(
            "The p of the step is corrected for the search; that of the straight line for two tests, against a curve "
            "and against a step."
        )
    return (" ".join(notes),)


def _benefit_row(b: Benefit) -> tuple[str, str, str, str]:
    value, low, high = (100.0 * v for v in b.difference)
    question = f"Fewer recurrences of 100 lesions within {b.horizon_months:g} months with {b.added_gy:g} Gy more D100"
    return question, f"{value:.1f}", _interval(low, high, 1), ""


def _dose_rows(r: Correlation) -> list[tuple[str, str, str, str]]:
    spline, e = r.models.spline, r.models.headline
    rows = []
    if r.models.curved and spline is not None:
        rows += [
            (
                f"Hazard ratio of {c.d100_gy:.1f} Gy against {c.against_gy:.1f} Gy",
                ratio_text(c.hazard_ratio),
                f"{ratio_text(c.lower)} to {ratio_text(c.upper)}",
                "",
            )
            for c in spline.contrasts
        ]
        rows.append(("Any effect of D100?", "test of the curve", "", p_text(spline.overall.p)))
    elif e is not None and r.models.carried:
        rows.append(("Hazard ratio per Gy D100", f"{e.hazard_ratio:.3f}", _interval(e.lower, e.upper, 3), p_text(e.p)))
    if spline is not None and r.models.carried:
        verdict = "rejected: read the curve" if r.models.curved else "not rejected"
        p = spline.nonlinear.p if r.models.linear_p is None else r.models.linear_p
        rows.append(("Straight line?", verdict, "", p_text(p)))
    return rows


def _interval(low: float, high: float, digits: int) -> str:
    return f"{low:.{digits}f} to {high:.{digits}f}" if math.isfinite(low) and math.isfinite(high) else ""
