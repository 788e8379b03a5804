"""The quality of predictions as a table of text."""

from __future__ import annotations

import math

from hdrplan.analysis.prediction_quality import PredictionQuality
from hdrplan.analysis.text_table import TextTable

__all__ = ["quality_table"]


def quality_table(quality: PredictionQuality) -> TextTable:
    """Return Brier score, integrated Brier score and AUC of each model, apparent and corrected."""

    def number(value: float) -> str:
        return f"{value:.3f}" if math.isfinite(value) else "-"

    def better(own: float, base: float) -> str:
        return f"{100 * (1 - own / base):.1f} %" if math.isfinite(own) else "-"

    null = quality.scores[0].brier
    rows = tuple(
        (
            s.model,
            *(number(v) for v in s.brier),
            *(better(own, base) for own, base in zip(s.brier, null, strict=True)),
            *(number(v) for v in s.integrated_brier),
            *(number(v) for v in s.auc),
        )
        for s in quality.scores
    )
    curve = quality.calibration
    if curve is None:
        calibration = "Too few lesions recurred, or too few did not, for a calibration curve."
    else:
        known = math.isfinite(quality.slope_corrected)
        corrected = f"; {quality.slope_corrected:.2f} corrected for optimism" if known else ""
        calibration = (
            f"Calibration line of the model with D100: intercept {curve.intercept:.2f}, slope {curve.slope:.2f} on the "
            f"data of the fit{corrected} (0 and 1 are perfect)."
        )
    silent = " or ".join(level for levels in quality.silent.values() for level in levels)
    apart = f" No {silent} lesion recurred: the risk of such lesions, and with it that of all, is by Firth's penalised "
    apart += "model, which does not take it for 0."
    return TextTable(
        name="prediction",
        title=f"Predicted risk of local recurrence within {quality.horizon_months:g} months, death competing",
        columns=(
            "Model",
            "Brier score",
            "corrected",
            "Better than incidence alone (IPA)",
            "corrected",
            "Integrated Brier",
            "corrected",
            "AUC",
            "corrected",
        ),
        rows=rows,
        notes=(
            "Cox models of recurrence and of death; scores weighted for censoring (IPCW). The integrated Brier score "
            "is the "
            "mean from 0 to the horizon. Corrected: less the mean optimism of "
            f"{quality.n_bootstrap} bootstrap samples of patients.",
            calibration + (apart if silent else ""),
        ),
    )
