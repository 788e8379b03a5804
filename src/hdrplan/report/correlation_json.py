"""A correlation as numbers for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from hdrplan.analysis import Correlation, clinical_answer, correlation_tables, estimates, plain_words

__all__ = ["correlation_table"]


def correlation_table(result: Correlation) -> dict[str, object]:
    """Return what correlate.json holds of a correlation."""
    lesions, models, threshold = result.table, result.models, result.cuts.threshold
    return {
        "lesions": lesions.n,
        "patients": lesions.n_patients,
        "recurrences": lesions.n_events,
        "deaths_before": int((lesions.status == 2).sum()),
        "left_out": [{"lesion": lesion, "reason": why} for lesion, why in lesions.left_out],
        "answer": list(clinical_answer(result)),
        "headline": asdict(models.headline) if models.headline else None,
        "spline": _spline_table(result),
        "line_p": models.linear_p,
        "patients_with_recurrence": models.n_patients_recurred,
        "variance_of_d100_explained": models.explained,
        "without_one_patient": asdict(result.one_patient) if result.one_patient else None,
        "interaction_p": models.interaction.test.p if models.interaction else None,
        "cutoff": _cutoff_table(result),
        "threshold": asdict(threshold.adjusted) if threshold else None,
        "metrics": [asdict(m) for m in result.metrics],
        "estimates": [asdict(row) for row in estimates(result)],
        "tables": {t.name: {"columns": t.columns, "rows": t.rows} for t in correlation_tables(result)},
        "could_not_compute": dict(result.failed),
        "sentences": list(plain_words(result)),
    }


def _spline_table(result: Correlation) -> Mapping[str, float] | None:
    spline = result.models.spline
    return {"p_overall": spline.overall.p, "p_nonlinear": spline.nonlinear.p} if spline else None


def _cutoff_table(result: Correlation) -> Mapping[str, float | None] | None:
    cut = result.cuts.adjusted
    if cut is None:
        return None
    lower, upper = cut.interval or (None, None)
    return {
        "best_gy": cut.best,
        "p_corrected": cut.p.resampled,
        "p_naive": cut.p.naive,
        "lower_gy": lower,
        "upper_gy": upper,
        "critical": cut.critical,
    }
