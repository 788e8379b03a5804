"""The effect of D100 by every model and without each group, in one table."""

from __future__ import annotations

from dataclasses import replace

from hdrplan.analysis.correlation import Correlation
from hdrplan.analysis.text_table import TextTable, p_text, ratio_text

__all__ = ["sensitivity_table"]


def sensitivity_table(r: Correlation) -> TextTable:
    """Return D100 per Gy: cause-specific and with competing risks, other models, one group left out, with its error."""
    headline = r.models.headline
    effects = [] if headline is None else [replace(headline, model="cause-specific Cox, errors by patient (headline)")]
    effects += [replace(e, model=name) for name, e in r.sensitivity.items()]
    effects += [*r.left_out_groups.values(), *([r.one_patient] if r.one_patient else []), *r.dose_error]
    u = r.unmeasured
    notes = [
        "The cause-specific hazard ratio is about the rate of recurrence of lesions still at risk; that of Fine and "
        "Gray about "
        "the share that recurs, which death lowers too. They are different quantities, and differ the more patients "
        "die."
    ]
    if u is not None:
        notes.append(
            f"E-value of {u.gy:.1f} Gy (first to third quartile; hazard ratio {u.hazard_ratio:.2f}): "
            f"{u.estimate:.2f}; of the "
            f"limit nearer to 1: {u.limit:.2f} (VanderWeele and Ding 2017)."
        )
    if r.dose_error:
        notes.append("Corrections for the error of D100 take its size as known.")
    return TextTable(
        name="sensitivity",
        title="D100 per Gy by other models, without each group, and with its error",
        columns=("Model", "HR (95 % CI)", "p", "Lesions", "Recurrences"),
        rows=tuple(
            (e.model, ratio_text(e.hazard_ratio, e.lower, e.upper), p_text(e.p), str(e.n), str(e.n_events))
            for e in effects
        ),
        notes=tuple(notes),
    )
