"""Curves over time: survival with numbers at risk, incidence with competing causes."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from hdrplan.analysis import estimate_text, p_text
from hdrplan.arrays import FloatArray
from hdrplan.outcomes import Incidence, KaplanMeier
from hdrplan.report.cohort_style import COLOURS, DASHES, FEW, GREY, INK, STYLE, month_ticks
from hdrplan.report.svg import nice_ticks

__all__ = ["incidence_figure", "survival_figure", "survival_panels"]


def survival_figure(
    curves: Mapping[str, KaplanMeier],
    *,
    title: str,
    y_label: str,
    unit: str = "lesions",
    note: str = "",
    x_label: str = "months from completion of treatment",
) -> Figure:
    """Draw Kaplan-Meier curves with log-log bands, censoring ticks and numbers at risk; faint where few are left.

    Parameters
    ----------
    curves : mapping of label to KaplanMeier
    title, y_label : str
    unit : str
        What is at risk, in the plural.
    note : str
        Small print below.
    x_label : str
        What the time is, and in which unit; ticks in months where it begins with them.

    Returns
    -------
    matplotlib.figure.Figure
    """
    with matplotlib.rc_context(STYLE):
        rows = len(curves)
        figure = Figure(figsize=(6.4, 4.0 + 0.24 * rows), layout="constrained")
        axes, below = figure.subplots(2, 1, height_ratios=(1.0, 0.06 + 0.065 * rows), sharex=True)
        _panel(
            axes, below, curves, unit=unit, x_label=x_label, legend={k: f"{k} (n = {c.n})" for k, c in curves.items()}
        )
        axes.set(ylabel=y_label, title=title)
        if note:
            figure.supxlabel(note, fontsize=7.5, color=GREY)
        return figure


def survival_panels(
    panels: Mapping[str, Mapping[str, KaplanMeier]], tests: Mapping[str, float], *, y_label: str, unit: str
) -> Figure:
    """Draw the curves of several endpoints side by side, each with medians, log-rank p and numbers at risk.

    Parameters
    ----------
    panels : mapping of endpoint to (label -> KaplanMeier)
    tests : mapping of endpoint to float
        p of the log-rank test; NaN where nothing was compared.
    y_label, unit : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    with matplotlib.rc_context(STYLE):
        rows = max(len(curves) for curves in panels.values())
        figure = Figure(figsize=(max(3.4 * len(panels), 6.4), 4.0 + 0.24 * rows), layout="constrained")
        drawn = figure.subplots(2, len(panels), height_ratios=(1.0, 0.06 + 0.065 * rows), sharex="col", squeeze=False)
        for k, (name, curves) in enumerate(panels.items()):
            axes, below = drawn[:, k]
            medians = {kind: f"{kind}: {_median_text(c)}" for kind, c in curves.items()}
            _panel(axes, below, curves, unit=unit, x_label="months from completion", legend=medians)
            p = tests[name]
            axes.set(title=name + ("" if p != p else f", log-rank p {'< 0.001' if p < 0.001 else f'= {p_text(p)}'}"))
            axes.legend(loc="upper right", title="median, months (95 % CI)", title_fontsize=7.5, fontsize=7.5)
            axes.set_ylim(0, 1.1 + 0.07 * rows)
            axes.set_yticks([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
        drawn[0, 0].set(ylabel=y_label)
        return figure


def _median_text(curve: KaplanMeier) -> str:
    m = curve.median
    return estimate_text(m.estimate, m.lower, m.upper, 1)


def _panel(
    axes: Axes, below: Axes, curves: Mapping[str, KaplanMeier], *, unit: str, x_label: str, legend: Mapping[str, str]
) -> None:
    """Curves of one endpoint, and their numbers at risk in the axes below."""
    end = max(float(c.time[-1]) for c in curves.values())
    for k, (name, curve) in enumerate(curves.items()):
        _draw_curve(axes, curve, legend[name], k)
    axes.set(ylim=(0, 1.02), xlim=(0, end * 1.01))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:.0f} %"))
    axes.legend(loc="upper right" if _low(curves) else "lower left")
    ticks = month_ticks(end) if x_label.startswith("months") else np.array(nice_ticks(end))
    axes.xaxis.set_major_locator(FixedLocator(list(ticks)))
    axes.tick_params(labelbottom=True)
    axes.set_xlabel(x_label)
    _at_risk(below, curves, ticks, unit)


def _draw_curve(axes: Axes, c: KaplanMeier, label: str, k: int) -> None:
    """One curve, thin and without band where fewer than FEW are at risk."""
    colour, dash = COLOURS[k % 4], DASHES[k % 4]
    t, s = np.append(0.0, c.time), np.append(1.0, c.survival)
    few = float(t[np.append(np.inf, c.at_risk) < FEW][0]) if (c.at_risk < FEW).any() else np.inf
    sure = t <= few
    axes.step(t, s, where="post", color=colour, lw=0.9, ls=dash, alpha=0.55)
    axes.step(t[sure], s[sure], where="post", color=colour, lw=1.8, ls=dash, label=label)
    low = np.nan_to_num(np.append(1.0, c.lower), nan=0.0)
    high = np.nan_to_num(np.append(1.0, c.upper), nan=1.0)
    axes.fill_between(t[sure], low[sure], high[sure], step="post", color=colour, alpha=0.13, lw=0)
    lost = (c.censored > 0) & (c.events == 0)
    axes.plot(c.time[lost], c.survival[lost], "|", color=colour, ms=4.5, mew=0.7, alpha=0.8)


def _low(curves: Mapping[str, KaplanMeier]) -> bool:
    return min(float(c.survival[-1]) for c in curves.values()) < 0.35


def _at_risk(axes: Axes, curves: Mapping[str, KaplanMeier], ticks: FloatArray, unit: str) -> None:
    axes.set_axis_off()
    axes.set(ylim=(len(curves) + 0.2, -0.9))
    axes.text(0.0, -0.45, f"{unit} at risk", transform=axes.get_yaxis_transform(), fontsize=8, color=GREY)
    for i, (name, c) in enumerate(curves.items()):
        axes.text(-0.05, i + 0.35, name, transform=axes.get_yaxis_transform(), ha="right", va="center", fontsize=8,
                  color=COLOURS[i % 4])  # fmt: skip
        for x, n in zip(ticks, c.at_risk_at(ticks), strict=True):
            axes.text(x, i + 0.35, f"{n:.0f}", ha="center", va="center", fontsize=8, color=INK if n >= FEW else GREY)


def incidence_figure(incidence: Incidence, km: KaplanMeier, *, names: Mapping[object, str]) -> Figure:
    """Draw the Aalen-Johansen incidence of each cause, and one minus Kaplan-Meier of the first, which says too much.

    Parameters
    ----------
    incidence : Incidence
    km : KaplanMeier
        Of the first cause, the others censored.
    names : mapping of cause to str
        Labels.

    Returns
    -------
    matplotlib.figure.Figure
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 4.0), layout="constrained")
        axes = figure.subplots()
        t = np.append(0.0, incidence.time)
        for i, cause in enumerate(incidence.causes):
            c = COLOURS[1 - i if i < 2 else i]
            axes.step(t, np.append(0.0, incidence.incidence[:, i]), where="post", color=c, lw=1.8, ls=DASHES[i],
                      label=names.get(cause, str(cause)))  # fmt: skip
            low, high = (np.append(0.0, np.nan_to_num(x[:, i])) for x in (incidence.lower, incidence.upper))
            axes.fill_between(t, low, high, step="post", color=c, alpha=0.13, lw=0)
        axes.step(np.append(0.0, km.time), np.append(0.0, 1.0 - km.survival), where="post", color=GREY, lw=1.0,
                  ls=(0, (1, 1.5)), label="1 - Kaplan-Meier of recurrence (death censored: too high)")  # fmt: skip
        many = incidence.at_risk >= FEW
        end = float(incidence.time[many][-1]) if many.any() else float(t[-1])
        shown = incidence.upper[incidence.time <= end]
        top = float(max(shown[np.isfinite(shown)].max(initial=0.05), 1.0 - km.survival_at([end])[0]))
        axes.set(xlim=(0, end), ylim=(0, min(1.0, 1.35 * top)), ylabel="cumulative incidence",
                 title="Local recurrence with death competing")  # fmt: skip
        axes.set_xlabel(f"months from completion of treatment (ends where fewer than {FEW} are at risk)")
        axes.xaxis.set_major_locator(FixedLocator(list(month_ticks(end))))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:.0f} %"))
        axes.legend(loc="upper left")
        return figure
