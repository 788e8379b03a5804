"""The result of correlate as tables of text."""

from __future__ import annotations

import math
from collections.abc import Iterable

from hdrplan.analysis.answer_rows import answer_table
from hdrplan.analysis.correlation import Correlation, Cuts, Threshold
from hdrplan.analysis.effects import Effect, adjusted_words
from hdrplan.analysis.medians import median_notes, median_text
from hdrplan.analysis.paper_models import PaperRule
from hdrplan.analysis.prediction import Performance
from hdrplan.analysis.prediction_quality import PredictionQuality
from hdrplan.analysis.quality_table import quality_table
from hdrplan.analysis.sensitivity_table import sensitivity_table
from hdrplan.analysis.text_table import TextTable, control_text, estimate_text, p_text, ratio_text
from hdrplan.outcomes import KaplanMeier, Turnbull

__all__ = ["correlation_tables"]

_EFFECT = ("Term (with reference level)", "Model", "HR (95 % CI)", "p", "Rows", "Events")


def correlation_tables(r: Correlation) -> tuple[TextTable, ...]:
    """Return every table of the report."""
    tables = (
        answer_table(r),
        _control_table(r),
        _model_table(r),
        sensitivity_table(r) if r.models.headline else None,
        _threshold_table(r.cuts.threshold) if r.cuts.threshold else None,
        _cutoff_table(r.cuts, adjusted_words(r.table)),
        _tcp_table(r) if r.response.curves else None,
        _metric_table(r) if r.metrics else None,
        quality_table(r.quality) if r.quality else None,
        _performance_table(r.performance) if r.performance else None,
        _calibration_table(r.quality) if r.quality else None,
        _paper_table(r.paper) if r.paper else None,
    )
    return tuple(table for table in tables if table is not None)


def _control_table(r: Correlation) -> TextTable:
    rows = []
    for name, c in {"all": r.control.km, **r.control.by_type}.items():
        m = c.median
        at = []
        for months in (6.0, 12.0, 24.0):
            low, high = c.interval_at([months])
            control, followed = float(c.survival_at([months])[0]), c.at_risk_at([months])[0]
            # A curve ends with the last lesion that is followed; what comes after is not its last value.
            at += ["-" if control and not followed else control_text(control, float(low[0]), float(high[0]))]
            at += [f"{followed:.0f}"]
        at_median = str(m.at_risk) if m.estimate == m.estimate else ""
        rows.append((name, f"{c.n_events}/{c.n}", median_text(c, 1), at_median, *at))
    notes = [
        "Kaplan-Meier with death censored and standard errors by patient. Numbers with fewer than 10 at risk are not "
        "reliable.",
        *median_notes(row[2] for row in rows),
    ]
    reached = r.table.known_until(12.0)
    if r.control.npmle is not None and reached:
        notes.append(_between_scans(r.control.km, r.control.npmle))
    incidence = r.control.incidence
    if 1 in incidence.causes and reached:
        share = 100 * float(incidence.incidence_at([12.0])[0, incidence.causes.index(1)])
        notes.append(
            f"With death as a competing event, {share:.1f} % of all lesions recurred by 12 months (Aalen-Johansen)."
        )
    return TextTable(
        name="control",
        title="Local control of lesions, months and percent",
        columns=("Lesions", "Recurrences", "Median (95 % CI)", "At risk",
                 "6 months", "At risk", "12 months", "At risk", "24 months", "At risk"),
        rows=tuple(rows),
        notes=tuple(notes),
    )  # fmt: skip


def _between_scans(km: KaplanMeier, npmle: Turnbull) -> str:
    """Why Kaplan-Meier and the scan intervals differ, with their control at 12 months."""
    dated = 100 * float(km.survival_at([12.0])[0])
    lowest, highest = (100 * float(x[0]) for x in npmle.survival_bounds([12.0]))
    allowed = f"{lowest:.1f}" if highest - lowest < 0.05 else f"{lowest:.1f} to {highest:.1f}"
    return (
        f"Kaplan-Meier dates a recurrence on the scan that shows it, and gives {dated:.1f} % at 12 months. It happened "
        f"before that scan and after the one before: with that alone (Turnbull) control at 12 months is {allowed} %."
    )


def _model_table(r: Correlation) -> TextTable:
    models = r.models
    effects = [
        *models.univariate,
        *models.adjusted,
        *(models.interaction.by_type.values() if models.interaction else ()),
    ]
    notes = [
        "Cause-specific Cox models of local recurrence, with Efron ties and standard errors by patient unless stated."
    ]
    if models.interaction:
        test = models.interaction.test
        notes.append(f"Tumour type x D100: p = {p_text(test.p)} ({test.df} df).")
    if models.proportional:
        hazards = models.proportional
        each = ", ".join(f"{n} {p_text(t.p)}" for n, t in zip(hazards.names, hazards.tests, strict=True))
        notes.append(f"Test of proportional hazards, p: {each}; all {p_text(hazards.overall.p)}.")
    return TextTable(
        name="models",
        title="Hazard ratios of local recurrence",
        columns=_EFFECT,
        rows=_rows(effects),
        notes=tuple(notes),
    )


def _threshold_table(t: Threshold) -> TextTable:
    return TextTable(
        name="threshold",
        title=f"Fixed threshold of {t.at_gy:g} Gy",
        columns=_EFFECT,
        rows=_rows([t.unadjusted, t.adjusted]),
        notes=(f"Log-rank p = {p_text(t.test.test.p)}, treating lesions as independent.",),
    )


def _number(value: float) -> str:
    """Return a number; a dash for what no bootstrap sample was drawn for."""
    return f"{value:.3f}" if math.isfinite(value) else "-"


def _performance_table(p: Performance) -> TextTable:
    with_d100, without = p.with_d100, p.without_d100
    return TextTable(
        name="performance",
        title="Discrimination and calibration",
        columns=("Model", "C, apparent", "C, corrected", "Calibration slope, corrected"),
        rows=(
            ("with D100", f"{with_d100.apparent:.3f}", _number(with_d100.corrected), _number(p.slope_corrected)),
            ("without D100", f"{without.apparent:.3f}", _number(without.corrected), ""),
        ),
        notes=(f"Harrell's C; optimism from {p.n_bootstrap} bootstrap samples of patients.",),
    )


def _calibration_table(quality: PredictionQuality) -> TextTable:
    return TextTable(
        name="calibration",
        title=f"Local recurrence within {quality.horizon_months:g} months, predicted and observed, percent",
        columns=("Group of predicted risk", "Lesions", "Predicted", "Observed (95 % CI)"),
        rows=tuple(
            (
                f"{i + 1} of {len(quality.groups)}",
                str(g.n),
                f"{100 * g.predicted:.1f}",
                estimate_text(100 * g.observed, 100 * g.lower, 100 * g.upper, 1) if g.observed else "0.0 (no event)",
            )
            for i, g in enumerate(quality.groups)
        ),
        notes=(
            "Death competes in both (Aalen-Johansen). These are the data of the fit, so agreement is overestimated; "
            "the calibration slope above is corrected.",
        ),
    )


def _rows(effects: Iterable[Effect]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (e.term, e.model, ratio_text(e.hazard_ratio, e.lower, e.upper), p_text(e.p), str(e.n), str(e.n_events))
        for e in effects
    )


def _cutoff_table(cuts: Cuts, words: str) -> TextTable | None:
    named = [(n, c) for n, c in (("adjusted", cuts.adjusted), ("not adjusted", cuts.unadjusted)) if c is not None]
    if not named:
        return None
    rows = tuple(
        (
            name,
            f"{c.best:.2f}",
            "" if c.interval is None else f"{c.interval[0]:.1f}-{c.interval[1]:.1f}",
            f"{c.scan.maximum:.2f}",
            p_text(c.p.resampled),
            "" if c.p.lausen92 is None else p_text(c.p.lausen92),
            "" if c.p.lausen94 is None else p_text(c.p.lausen94),
            p_text(c.p.naive),
        )
        for name, c in named
    )
    return TextTable(
        name="cutoff",
        title="Best cut-off of D100 (maximally selected statistic)",
        columns=(
            "Model",
            "Cut-off (Gy)",
            "Bootstrap 95 %",
            "max |z|",
            "p, resampled",
            "p, Lausen 1992",
            "p, Lausen 1994",
            "p, naive",
        ),
        rows=rows,
        notes=(
            f"Adjusted: score test of the split in a model {words}; patients' scores flipped in sign. Not adjusted: "
            "log-rank scores; whole patients permuted. The naive p ignores the search and is printed as a warning.",
        ),
    )


def _tcp_table(r: Correlation) -> TextTable:
    rows = []
    for name, fit in r.response.curves.items():
        d50, gamma = fit.d50_gamma50()
        slope = "" if fit.slope_p != fit.slope_p else p_text(fit.slope_p)
        first = ", ".join(f"{n} {v:.3g}" for n, v in zip(fit.parameters, fit.theta, strict=True))
        has_d50 = d50[0] == d50[0]
        rows.append(
            (
                name,
                estimate_text(*d50, digits=1) if has_d50 else "none",
                estimate_text(*gamma, digits=2) if has_d50 else "none",
                slope,
                first,
                f"{fit.n}/{fit.n_events}",
            )
        )
    s = r.settings
    return TextTable(
        name="tcp",
        title="Dose-response curves (not adjusted)",
        columns=("Model", "D50 (Gy)", "gamma50", "p, slope", "Parameters", "Lesions/recurrences"),
        rows=tuple(rows),
        notes=(
            f"D50: D100 at which half of the lesions are controlled. Control at {s.horizon_months:g} months, "
            "weighted for "
            "censoring (IPCW); 'intervals' is control for good, from the scan intervals, and its D50 is higher for "
            "that "
            f"reason. The Poisson model uses BED with alpha/beta {s.alpha_beta_gy:g} Gy, "
            "a convention, far outside the range in which the LQ model was tested. The whole DVH is interpolated "
            "linearly through D100, D98, D95, D90, D50 and D2. Death is censored.",
        ),
    )


def _metric_table(r: Correlation) -> TextTable:
    return TextTable(
        name="metrics",
        title=f"All metrics, one at a time, {adjusted_words(r.table)}",
        columns=(
            "Metric",
            "SD",
            "HR per SD (95 % CI)",
            "p",
            "p, Holm",
            "p, Benjamini-Hochberg",
            "p, max-T",
            "Spearman with D100",
        ),
        rows=tuple(
            (
                m.name,
                f"{m.sd:.2f}",
                ratio_text(m.hazard_ratio, m.lower, m.upper),
                p_text(m.p),
                *([f"as {m.same_as}", "", ""] if m.same_as else map(p_text, (m.p_holm, m.p_bh, m.p_max_t))),
                f"{m.correlation_with_d100:+.2f}",
            )
            for m in r.metrics
        ),
        notes=(
            "Max-T knows how alike the metrics are and is the appropriate correction; Holm takes them as unrelated. A "
            "monotone transform of another metric asks the same question and is not counted again.",
        ),
    )


def _paper_table(paper: PaperRule) -> TextTable:
    rows = tuple(
        (*row, f"{100 * paper.selected.get(row[0], float('nan')):.0f} %" if row[1].startswith("uni") else "")
        for row in _rows([*paper.univariate, *paper.penalised, *paper.multivariate])
    )
    return TextTable(
        name="paper-rule",
        title="The paper's rule: univariate p < 0.1 enters the multivariate model",
        columns=(*_EFFECT, "Selected in bootstrap"),
        rows=rows,
        notes=(
            "Breslow ties, lesions treated as independent, as in SPSS. Selection by p makes the multivariate p values "
            f"too small. The number of {paper.n_bootstrap} bootstrap samples of patients that select a covariate shows "
            "how much the selection depends on chance."
            + ("" if paper.multivariate else f" There is no multivariate model: {_why_none(paper)}."),
            *(f"{e.term} parts recurrences from the others and has no finite ratio: Firth's estimate stands alone."
              for e in paper.penalised),
        ),
    )  # fmt: skip


def _why_none(paper: PaperRule) -> str:
    return paper.refused.rstrip(".") or "fewer than two covariates entered"
