"""What D100 does: spline of the log hazard ratio, dose response, every cut-off."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from hdrplan.analysis import Correlation, adjusted_words
from hdrplan.outcomes import Cutoff
from hdrplan.report.cohort_style import BLUE, COLOURS, DASHES, GREEN, GREY, INK, ORANGE, STYLE

__all__ = ["cutoff_figure", "spline_figure", "tcp_figure"]


def spline_figure(result: Correlation) -> Figure:
    """Draw the log hazard ratio against D100 with band, knots and a rug of lesions, and the straight line beside it."""
    curve = result.models.spline
    assert curve is not None
    table = result.table
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 4.2), layout="constrained")
        axes, rug = figure.subplots(2, 1, height_ratios=(1.0, 0.13), sharex=True)
        axes.axhline(0.0, color=GREY, lw=0.8)
        axes.fill_between(curve.d100_gy, curve.lower, curve.upper, color=BLUE, alpha=0.15, lw=0, label="95 % CI")
        axes.plot(curve.d100_gy, curve.log_hr, color=BLUE, lw=1.8, label="restricted cubic spline")
        if result.models.headline is not None:
            slope = np.log(result.models.headline.hazard_ratio)
            axes.plot(curve.d100_gy, slope * (curve.d100_gy - 20.0), color=ORANGE, lw=1.1, ls=(0, (5, 2)),
                      label="straight line")  # fmt: skip
        reach = float(np.quantile(np.abs(np.concatenate([curve.lower, curve.upper])), 0.97))
        axes.set(ylim=(-reach * 1.1, reach * 1.1), ylabel="log hazard ratio, 20 Gy = 0",
                 title=f"Local recurrence against D100, {adjusted_words(table)}")  # fmt: skip
        ratio = axes.secondary_yaxis("right", functions=(np.exp, lambda v: np.log(np.maximum(v, 1e-12))))
        marks = [v for v in (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50) if abs(np.log(v)) <= reach * 1.1]
        ratio.yaxis.set_major_locator(FixedLocator(marks))
        ratio.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
        ratio.set_ylabel("hazard ratio")
        axes.legend(loc="upper right", fontsize=8)
        seen = table.follow_up.event
        for y, keep, colour, name in ((1.0, seen, ORANGE, "recurred"), (0.0, ~seen, GREY, "not")):
            rug.vlines(table.d100_gy[keep], y + 0.1, y + 0.9, color=colour, lw=0.6)
            rug.text(-0.015, y + 0.5, name, transform=rug.get_yaxis_transform(), ha="right", va="center", fontsize=8)
        rug.set(ylim=(0, 2), yticks=[], xlabel="D100 (Gy); ticks below: one a lesion",
                xlim=(curve.d100_gy[0], curve.d100_gy[-1]))  # fmt: skip
        rug.spines["left"].set_visible(False)
        return figure


def tcp_figure(result: Correlation) -> Figure:
    """Draw fitted dose-response curves over the observed control of lesions in groups of dose, with intervals."""
    settings, table = result.settings, result.table
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 4.2), layout="constrained")
        axes = figure.subplots()
        at = np.linspace(max(float(table.d100_gy.min()) - 1, 0), float(table.d100_gy.max()) + 1, 200)
        words = {"logistic": "logistic", "poisson": f"Poisson, BED (alpha/beta {settings.alpha_beta_gy:g} Gy)"}
        for i, (name, label) in enumerate(words.items()):
            fit = result.response.curves.get(name)
            if fit is None:
                continue
            value, low, high = fit.tcp(at)
            if name == "logistic":
                axes.fill_between(at, low, high, color=COLOURS[i], alpha=0.13, lw=0)
                d50 = fit.d50_gamma50()[0][0]
                no_d50 = ", no D50 above 0 Gy" if fit.rising else ", control does not rise with dose"
                label += f", D50 {d50:.1f} Gy" if np.isfinite(d50) else no_d50
            axes.plot(at, value, color=COLOURS[i], lw=1.8, ls=DASHES[i], label=label)
        for k, b in enumerate(result.response.bins):
            spread = [[max(b.control - b.lower, 0)], [max(b.upper - b.control, 0)]]
            known = np.isfinite(b.lower) and np.isfinite(b.upper)
            axes.errorbar([b.dose_gy], [b.control], yerr=spread if known else None,
                          xerr=[[b.dose_gy - b.low_gy], [b.high_gy - b.dose_gy]], fmt="o", color=INK, ms=4.5, lw=0.9,
                          capsize=2, label="Kaplan-Meier by group of dose, 95 % CI" if k == 0 else None)  # fmt: skip
            axes.annotate(
                f"{b.n_events}/{b.n}",
                (b.dose_gy, b.control),
                (5, -9 if k % 2 else 5),
                textcoords="offset points",
                fontsize=7,
            )
        axes.set(ylim=(0, 1.02), xlim=(at[0], at[-1]), xlabel="D100 (Gy)",
                 ylabel=f"local control at {settings.horizon_months:g} months",
                 title="Tumour control against D100, not adjusted")  # fmt: skip
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:.0f} %"))
        axes.legend(loc="lower right", fontsize=8)
        return figure


def cutoff_figure(cutoff: Cutoff, words: str) -> Figure:
    """Draw the statistic of every cut-off against the corrected band, and the naive one that everybody draws.

    The words say what the cut-offs are adjusted for.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 3.8), layout="constrained")
        axes = figure.subplots()
        if cutoff.interval is not None:
            low, high = cutoff.interval
            axes.axvspan(low, high, color=GREEN, alpha=0.10, lw=0,
                         label=f"bootstrap interval {low:.1f} to {high:.1f} Gy")  # fmt: skip
        axes.axhspan(-cutoff.critical, cutoff.critical, color=GREY, alpha=0.13, lw=0,
                     label=f"corrected band, |z| < {cutoff.critical:.2f}")  # fmt: skip
        for sign in (-1.96, 1.96):
            axes.axhline(
                sign, color=GREY, lw=0.8, ls=(0, (2, 2)), label="|z| = 1.96, not corrected" if sign > 0 else None
            )
        statistic = cutoff.scan.statistic
        axes.plot(cutoff.scan.cutoffs, statistic, color=BLUE, lw=1.4, drawstyle="steps-post")
        best = statistic[int(np.abs(statistic).argmax())]
        axes.plot([cutoff.best], [best], "o", color=ORANGE, ms=6)
        p = "p < 0.001" if cutoff.p.resampled < 0.001 else f"p = {cutoff.p.resampled:.3f}"
        axes.annotate(f"{cutoff.best:.1f} Gy, corrected {p}", (cutoff.best, best), (8, 6), textcoords="offset points",
                      fontsize=8.5)  # fmt: skip
        reach = max(cutoff.scan.maximum, cutoff.critical, 2.2) * 1.25
        axes.set(ylim=(-reach, reach), xlabel="cut-off of D100 (Gy)",
                 ylabel="z: more recurrences at or below", title=f"Every cut-off of D100, {words}")  # fmt: skip
        axes.legend(loc="lower left", fontsize=8)
        axes.yaxis.set_major_locator(MaxNLocator(7))
        return figure
