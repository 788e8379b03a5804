"""How good the predicted risks are: calibration curve and decision curve."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from hdrplan.analysis import PredictionQuality
from hdrplan.report.cohort_style import BLUE, DASHES, GREEN, GREY, ORANGE, STYLE

__all__ = ["calibration_figure", "decision_figure"]


def calibration_figure(quality: PredictionQuality) -> Figure:
    """Draw observed against predicted risk with its band; the diagonal is perfect."""
    curve = quality.calibration
    assert curve is not None
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 4.6), layout="constrained")
        axes = figure.subplots()
        end = min(1.0, 1.1 * float(max(curve.predicted[-1], curve.observed.max())))
        axes.plot([0, end], [0, end], color=GREY, lw=0.9, ls=(0, (2, 2)), label="perfect")
        axes.fill_between(curve.predicted, curve.lower, curve.upper, color=BLUE, alpha=0.15, lw=0, label="95 % CI")
        axes.plot(curve.predicted, curve.observed, color=BLUE, lw=1.8, label="adjusters and D100")
        axes.set(xlim=(0, end), ylim=(0, end), xlabel="predicted risk", ylabel="observed risk",
                 title=f"Local recurrence within {quality.horizon_months:g} months: calibration")  # fmt: skip
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:.0f} %"))
        axes.legend(loc="upper left", fontsize=8)
        return figure


def decision_figure(quality: PredictionQuality) -> Figure:
    """Draw the net benefit of acting on the prediction with and without D100, and of acting in all or none."""
    curve = quality.decision
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 4.2), layout="constrained")
        axes = figure.subplots()
        axes.axhline(0.0, color=GREY, lw=0.9, label="act in no lesion")
        for values, colour, dash, label in (
            (curve.everybody, GREEN, DASHES[2], "act in all lesions"),
            (curve.without_d100, ORANGE, DASHES[1], "by the adjusters"),
            (curve.with_d100, BLUE, DASHES[0], "by the adjusters and D100"),
        ):
            axes.plot(curve.thresholds, values, color=colour, ls=dash, lw=1.6, label=label)
        top = float(max(curve.with_d100.max(), curve.without_d100.max(), curve.everybody.max(), 0.01))
        axes.set(xlim=(0, curve.thresholds[-1]), ylim=(-0.15 * top, 1.15 * top), xlabel="risk from which one would act",
                 ylabel="net benefit, per lesion",
                 title=f"Acting on the risk of recurrence within {quality.horizon_months:g} months")  # fmt: skip
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:.0f} %"))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{np.round(v, 3):g}"))
        axes.legend(loc="upper right", fontsize=8)
        return figure
