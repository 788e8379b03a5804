"""The result of correlate as tables of text."""

from __future__ import annotations

from collections.abc import Iterable

from hdrplan.analysis.correlate import Correlation
from hdrplan.analysis.dose_models import Effect
from hdrplan.analysis.text_table import TextTable, estimate_text, p_text
from hdrplan.outcomes import Cutoff

__all__ = ["correlation_tables"]

_EFFECT = ("Term (reference level named)", "Model", "HR (95 % CI)", "p", "Rows", "Events")


def correlation_tables(r: Correlation) -> tuple[TextTable, ...]:
    """Return every table of the report."""
    models = [*r.univariate, *r.adjusted, *(r.interaction.by_type if r.interaction else ())]
    others = [
        Effect(k, e.term, e.hazard_ratio, e.lower, e.upper, e.p, e.n, e.n_events) for k, e in r.sensitivity.items()
    ]
    notes = ["Cause-specific Cox models of local recurrence, Efron ties, errors by patient unless said otherwise."]
    if r.interaction:
        notes.append(f"Tumour type x D100: p = {p_text(r.interaction.test.p)} ({r.interaction.test.df} df).")
    if r.proportional:
        each = ", ".join(f"{n} {p_text(t.p)}" for n, t in zip(r.proportional.names, r.proportional.tests, strict=True))
        notes.append(f"Test of proportional hazards, p: {each}; all {p_text(r.proportional.overall.p)}.")
    tables = [
        _control_table(r),
        TextTable("models", "Hazard ratios of local recurrence", _EFFECT, _rows([*models, *others]), tuple(notes)),
    ]
    if r.threshold:
        t = r.threshold
        note = f"Log-rank p = {p_text(t.test.test.p)}, lesions taken as independent."
        tables.append(
            TextTable(
                "threshold", f"Fixed threshold of {t.at_gy:g} Gy", _EFFECT, _rows([t.unadjusted, t.adjusted]), (note,)
            )
        )
    cuts = [(n, c) for n, c in (("adjusted", r.cutoff), ("not adjusted", r.cutoff_unadjusted)) if c is not None]
    if cuts:
        tables.append(_cutoff_table(cuts))
    if r.tcp:
        tables.append(_tcp_table(r))
    if r.metrics:
        tables.append(_metric_table(r))
    if r.performance:
        p = r.performance
        rows = (
            ("with D100", f"{p.c_apparent:.3f}", f"{p.c_corrected:.3f}", f"{p.slope_corrected:.3f}"),
            ("without D100", f"{p.c_without_apparent:.3f}", f"{p.c_without_corrected:.3f}", ""),
        )
        tables.append(
            TextTable(
                "performance",
                "Discrimination and calibration",
                ("Model", "C, apparent", "C, corrected", "Calibration slope, corrected"),
                rows,
                (f"Harrell's C; optimism from {p.n_bootstrap} bootstrap samples of patients.",),
            )
        )
    if r.calibration:
        tables.append(_calibration_table(r))
    if r.paper:
        tables.append(_paper_table(r))
    return tuple(tables)


def _control_table(r: Correlation) -> TextTable:
    rows = []
    for name, c in {"all": r.km, **r.by_type}.items():
        m = c.median
        at = []
        for months in (6.0, 12.0, 24.0):
            low, high = c.interval_at([months])
            text = estimate_text(100 * float(c.survival_at([months])[0]), 100 * float(low[0]), 100 * float(high[0]), 1)
            at += [text, f"{c.at_risk_at([months])[0]:.0f}"]
        at_median = str(m.at_risk) if m.estimate == m.estimate else ""
        rows.append((name, f"{c.n_events}/{c.n}", estimate_text(m.estimate, m.lower, m.upper, 1), at_median, *at))
    notes = ["Kaplan-Meier, death censored, errors by patient. Few at risk (below 10) makes a number worthless."]
    if r.npmle is not None:
        least, most = (100 * float(x[0]) for x in r.npmle.survival_bounds([12.0]))
        notes.append(
            "Between scans nobody knows: the interval-censored estimate (Turnbull) of control at 12 months lies "
            f"between {least:.1f} and {most:.1f} %."
        )
    if 1 in r.incidence.causes:
        share = 100 * float(r.incidence.incidence_at([12.0])[0, r.incidence.causes.index(1)])
        notes.append(f"With death competing, {share:.1f} % of all lesions recurred by 12 months (Aalen-Johansen).")
    return TextTable(
        "control",
        "Local control of lesions, months and percent",
        ("Lesions", "Recurrences", "Median (95 % CI)", "At risk",
         "6 months", "At risk", "12 months", "At risk", "24 months", "At risk"),
        tuple(rows),
        tuple(notes),
    )  # fmt: skip


def _calibration_table(r: Correlation) -> TextTable:
    rows = tuple(
        (
            f"{i + 1} of {len(r.calibration)}",
            str(g.n),
            f"{100 * g.predicted:.1f}",
            estimate_text(100 * g.observed, 100 * g.lower, 100 * g.upper, 1),
        )
        for i, g in enumerate(r.calibration)
    )
    return TextTable(
        "calibration",
        f"Control at {r.settings.horizon_months:g} months, predicted and observed, percent",
        ("Group of predicted control", "Lesions", "Predicted", "Observed (95 % CI)"),
        rows,
        ("On the data of the fit, so flattering; the calibration slope above is corrected.",),
    )


def _rows(effects: Iterable[Effect]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (e.term, e.model, estimate_text(e.hazard_ratio, e.lower, e.upper), p_text(e.p), str(e.n), str(e.n_events))
        for e in effects
    )


def _cutoff_table(cuts: list[tuple[str, Cutoff]]) -> TextTable:
    rows = tuple(
        (
            name,
            f"{c.best:.2f}",
            "" if c.lower is None else f"{c.lower:.1f}-{c.upper:.1f}",
            f"{c.maximum:.2f}",
            p_text(c.p_resampled),
            "" if c.p_lausen92 is None else p_text(c.p_lausen92),
            "" if c.p_lausen94 is None else p_text(c.p_lausen94),
            p_text(c.p_naive),
        )
        for name, c in cuts
    )
    return TextTable(
        "cutoff",
        "Best cut-off of D100 (maximally selected statistic)",
        (
            "Model",
            "Cut-off (Gy)",
            "Bootstrap 95 %",
            "max |z|",
            "p, resampled",
            "p, Lausen 1992",
            "p, Lausen 1994",
            "p, naive",
        ),
        rows,
        (
            "Adjusted: score test of the split beside size, tumour type and age; patients' scores flipped in sign. Not "
            "adjusted: log-rank scores; whole patients permuted. The naive p ignores the search and is printed as a "
            "warning.",
        ),
    )


def _tcp_table(r: Correlation) -> TextTable:
    rows = []
    for name, fit in r.tcp.items():
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
        "tcp",
        "Dose-response curves (not adjusted)",
        ("Model", "D50 (Gy)", "gamma50", "p, slope", "Parameters", "Lesions/recurrences"),
        tuple(rows),
        (
            f"Control at {s.horizon_months:g} months, weighted for censoring (IPCW); 'intervals': control for good, "
            f"from the "
            f"scan intervals. Poisson in BED with alpha/beta {s.alpha_beta_gy:g} Gy, a convention, far outside the "
            f"range in "
            "which LQ was tested. Whole DVH: straight lines through D100, D98, D95, D90, D50 and D2. Death is "
            "censored.",
        ),
    )


def _metric_table(r: Correlation) -> TextTable:
    rows = tuple(
        (
            m.name,
            f"{m.sd:.2f}",
            estimate_text(m.hazard_ratio, m.lower, m.upper),
            p_text(m.p),
            p_text(m.p_holm),
            p_text(m.p_bh),
            p_text(m.p_max_t),
            f"{m.correlation_with_d100:+.2f}",
        )
        for m in r.metrics
    )
    return TextTable(
        "metrics",
        "All metrics side by side, each alone beside size, tumour type and age",
        (
            "Metric",
            "SD",
            "HR per SD (95 % CI)",
            "p",
            "p, Holm",
            "p, Benjamini-Hochberg",
            "p, max-T",
            "Spearman with D100",
        ),
        rows,
        ("The metrics are nearly collinear: max-T, which knows it, is the fair correction; Holm is too strict.",),
    )


def _paper_table(r: Correlation) -> TextTable:
    assert r.paper is not None
    rows = tuple(
        (*row, f"{100 * r.paper.selected.get(row[0], float('nan')):.0f} %" if row[1].startswith("uni") else "")
        for row in _rows([*r.paper.univariate, *r.paper.multivariate])
    )
    return TextTable(
        "paper-rule",
        "The paper's rule: univariate p < 0.1 enters the multivariate model",
        (*_EFFECT, "Selected in bootstrap"),
        rows,
        (
            "Breslow ties, lesions taken as independent, as SPSS does it. Selection by p makes the multivariate p "
            "values "
            f"too small; how often each covariate is selected in {r.paper.n_bootstrap} samples of patients shows how "
            f"much "
            "the choice is luck." + ("" if r.paper.multivariate else " Fewer than two entered: no multivariate model."),
        ),
    )
