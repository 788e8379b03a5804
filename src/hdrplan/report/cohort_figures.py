"""Figures of a cohort, ready for print: survival, incidence, forest, spline, dose response, cut-off profile, swimmer.

Every function takes results and returns a matplotlib figure; :func:`hdrplan.report.figures.figure_bytes` writes it as
SVG, PNG or PDF. Colours are Okabe and Ito's; lines differ in dash too, so that grey print keeps them apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from hdrplan.analysis import Correlation, Effect, Lane
from hdrplan.outcomes import Cutoff, Incidence, KaplanMeier

__all__ = [
    "correlation_figures",
    "cutoff_figure",
    "forest_figure",
    "incidence_figure",
    "spline_figure",
    "survival_figure",
    "swimmer_figure",
    "tcp_figure",
]

BLUE, ORANGE, GREEN, PURPLE, INK, GREY = "#0072b2", "#d55e00", "#009e73", "#aa4499", "#222222", "#777777"
_COLOURS = (BLUE, ORANGE, GREEN, PURPLE)
_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.4)), (0, (6, 2, 1, 2)))
_STYLE = {
    "font.family": "sans-serif",
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "svg.hashsalt": "hdrplan",
    "legend.frameon": False,
    "axes.axisbelow": True,
}
_TICKS = (0.05, 0.1, 0.2, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.5, 2, 3, 5, 10, 20)
_FINE = (0.8, 0.9, 1.1, 1.2)
# Fewer at risk than this: the curve's right end rests on a handful of lesions.
FEW = 10


def survival_figure(
    curves: Mapping[str, KaplanMeier], *, title: str, y_label: str, unit: str = "lesions", note: str = ""
) -> Figure:
    """Kaplan-Meier curves with log-log bands, censoring ticks and numbers at risk; faint where few are left."""
    with matplotlib.rc_context(_STYLE):
        rows = len(curves)
        figure = Figure(figsize=(6.4, 4.0 + 0.24 * rows), layout="constrained")
        axes, below = figure.subplots(2, 1, height_ratios=(1.0, 0.06 + 0.065 * rows), sharex=True)
        end = max(float(c.time[-1]) for c in curves.values())
        for i, (name, c) in enumerate(curves.items()):
            colour, dash = _COLOURS[i % 4], _DASHES[i % 4]
            t, s = np.append(0.0, c.time), np.append(1.0, c.survival)
            few = float(t[np.append(np.inf, c.at_risk) < FEW][0]) if (c.at_risk < FEW).any() else end + 1
            sure = t <= few
            axes.step(t, s, where="post", color=colour, lw=0.9, ls=dash, alpha=0.55)
            axes.step(t[sure], s[sure], where="post", color=colour, lw=1.8, ls=dash, label=f"{name} (n = {c.n})")
            low = np.nan_to_num(np.append(1.0, c.lower), nan=0.0)
            high = np.nan_to_num(np.append(1.0, c.upper), nan=1.0)
            axes.fill_between(t[sure], low[sure], high[sure], step="post", color=colour, alpha=0.13, lw=0)
            lost = (c.censored > 0) & (c.events == 0)
            axes.plot(c.time[lost], c.survival[lost], "|", color=colour, ms=4.5, mew=0.7, alpha=0.8)
        axes.set(ylim=(0, 1.02), xlim=(0, end * 1.01), ylabel=y_label, title=title)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:.0f} %"))
        axes.legend(loc="upper right" if _low(curves) else "lower left")
        ticks = _months(end)
        axes.xaxis.set_major_locator(FixedLocator(list(ticks)))
        axes.tick_params(labelbottom=True)
        axes.set_xlabel("months from completion of treatment")
        _at_risk(below, curves, ticks, unit)
        if note:
            figure.supxlabel(note, fontsize=7.5, color=GREY)
        return figure


def _low(curves: Mapping[str, KaplanMeier]) -> bool:
    return min(float(c.survival[-1]) for c in curves.values()) < 0.35


def _months(end: float) -> np.ndarray:
    step = 3 if end <= 18 else 6 if end <= 40 else 12
    return np.arange(0, end + 1e-9, step)


def _at_risk(axes: Any, curves: Mapping[str, KaplanMeier], ticks: np.ndarray, unit: str) -> None:
    axes.set_axis_off()
    axes.set(ylim=(len(curves) + 0.2, -0.9))
    axes.text(0.0, -0.45, f"{unit} at risk", transform=axes.get_yaxis_transform(), fontsize=8, color=GREY)
    for i, (name, c) in enumerate(curves.items()):
        axes.text(-0.05, i + 0.35, name, transform=axes.get_yaxis_transform(), ha="right", va="center", fontsize=8,
                  color=_COLOURS[i % 4])  # fmt: skip
        for x, n in zip(ticks, c.at_risk_at(ticks), strict=True):
            axes.text(x, i + 0.35, f"{n:.0f}", ha="center", va="center", fontsize=8, color=INK if n >= FEW else GREY)


def incidence_figure(incidence: Incidence, km: KaplanMeier, *, names: Mapping[object, str]) -> Figure:
    """Aalen-Johansen incidence of each cause, and one minus Kaplan-Meier of the first, which says too much."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(6.4, 4.0), layout="constrained")
        axes = figure.subplots()
        t = np.append(0.0, incidence.time)
        for i, cause in enumerate(incidence.causes):
            c = _COLOURS[1 - i if i < 2 else i]
            axes.step(t, np.append(0.0, incidence.incidence[:, i]), where="post", color=c, lw=1.8, ls=_DASHES[i],
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
        axes.xaxis.set_major_locator(FixedLocator(list(_months(end))))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:.0f} %"))
        axes.legend(loc="upper left")
        return figure


def forest_figure(groups: Sequence[tuple[str, Sequence[Effect]]], *, title: str) -> Figure:
    """Hazard ratios with intervals on a log axis, numbers beside; groups under their headings."""
    lines: list[tuple[str, Effect | None]] = []
    for heading, items in groups:
        lines += [(heading, None), *((e.term, e) for e in items)]
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(8.4, 0.75 + 0.29 * len(lines)))
        axes = figure.add_axes((0.36, 0.62 / (0.75 + 0.29 * len(lines)), 0.34, 1.0 - 1.05 / (0.75 + 0.29 * len(lines))))
        effects = [e for _, e in lines if e is not None]
        low = max(min(min(e.lower for e in effects) * 0.9, 0.8), 0.05)
        high = min(max(max(e.upper for e in effects) * 1.1, 1.25), 20.0)
        axes.axvline(1.0, color=GREY, lw=0.8)
        for y, (text, e) in enumerate(lines):
            if e is None:
                axes.text(-1.03, y, text, transform=axes.get_yaxis_transform(), va="center", weight="bold")
                continue
            axes.text(-1.0, y, text, transform=axes.get_yaxis_transform(), va="center")
            axes.plot([max(e.lower, low), min(e.upper, high)], [y, y], color=BLUE, lw=1.3, solid_capstyle="butt")
            for end, sign in ((e.lower < low, "<"), (e.upper > high, ">")):
                if end:
                    axes.plot([low if sign == "<" else high], [y], sign, color=BLUE, ms=4)
            axes.plot([np.clip(e.hazard_ratio, low, high)], [y], "s", color=BLUE, ms=5)
            p = "p < 0.001" if e.p < 0.001 else f"p = {e.p:.3f}"
            numbers = f"{e.hazard_ratio:.3f} ({e.lower:.3f}-{e.upper:.3f})"
            axes.text(1.03, y, numbers, transform=axes.get_yaxis_transform(), va="center", fontsize=8.5)
            axes.text(1.56, y, p, transform=axes.get_yaxis_transform(), va="center", fontsize=8.5)
        axes.set(xscale="log", xlim=(low, high), ylim=(len(lines) - 0.4, -0.7), yticks=[])
        axes.set_title(title, x=-1.03)
        axes.spines["left"].set_visible(False)
        ticks = [v for v in _TICKS if low <= v <= high]
        ticks = [v for v in ticks if high / low < 2.2 or v not in _FINE]
        axes.xaxis.set_major_locator(FixedLocator(ticks))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
        axes.set_xlabel("hazard ratio (below 1: fewer recurrences)")
        return figure


def spline_figure(result: Correlation) -> Figure:
    """Log hazard ratio against D100 with band, knots and a rug of lesions, and the straight line beside it."""
    curve = result.models.spline
    assert curve is not None
    table = result.table
    with matplotlib.rc_context(_STYLE):
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
                 title="Local recurrence against D100, adjusted for size, tumour type and age")  # fmt: skip
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
    """Fitted dose-response curves over the observed control of lesions in groups of dose, with intervals."""
    settings, table = result.settings, result.table
    with matplotlib.rc_context(_STYLE):
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
                axes.fill_between(at, low, high, color=_COLOURS[i], alpha=0.13, lw=0)
                d50 = fit.d50_gamma50()[0][0]
                no_d50 = ", no D50 above 0 Gy" if fit.rising else ", control does not rise with dose"
                label += f", D50 {d50:.1f} Gy" if np.isfinite(d50) else no_d50
            axes.plot(at, value, color=_COLOURS[i], lw=1.8, ls=_DASHES[i], label=label)
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


def cutoff_figure(cutoff: Cutoff) -> Figure:
    """Statistic of every cut-off against the corrected band, and the naive one that everybody draws."""
    with matplotlib.rc_context(_STYLE):
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
        adjusted = "adjusted for size, tumour type and age" if cutoff.adjusted_for else "not adjusted"
        reach = max(cutoff.scan.maximum, cutoff.critical, 2.2) * 1.25
        axes.set(ylim=(-reach, reach), xlabel="cut-off of D100 (Gy)",
                 ylabel="z: more recurrences at or below", title=f"Every cut-off of D100, {adjusted}")  # fmt: skip
        axes.legend(loc="lower left", fontsize=8)
        axes.yaxis.set_major_locator(MaxNLocator(7))
        return figure


def swimmer_figure(rows: Sequence[Lane], *, n: int, days_per_month: float) -> Figure:
    """One lane a lesion: sessions, scans, recurrence, other treatment, death. No ids."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(7.2, 1.5 + 0.125 * len(rows)), layout="constrained")
        axes = figure.subplots()
        kinds = list(dict.fromkeys(sorted(r.tumour_type for r in rows)))
        marks: dict[str, tuple[list[float], list[int], dict[str, Any]]] = {
            "session": ([], [], {"marker": "D", "color": PURPLE, "ms": 3.2}),
            "clean scan": ([], [], {"marker": "|", "color": INK, "ms": 4.5, "mew": 0.7}),
            "local recurrence": ([], [], {"marker": "o", "color": ORANGE, "ms": 4.2}),
            "other treatment of the lesion": ([], [], {"marker": "s", "color": GREEN, "ms": 3.6}),
            "death": ([], [], {"marker": "x", "color": "black", "ms": 4.2, "mew": 1.2}),
        }
        for y, r in enumerate(rows):
            start = min((*r.sessions, 0))
            axes.barh(y, (r.end - start) / days_per_month, left=start / days_per_month, height=0.72,
                      color=("#cfe3f2", "#f6dcc6", "#dfead0")[kinds.index(r.tumour_type) % 3], lw=0)  # fmt: skip
            events = (r.sessions, r.clean_scans, _one(r.recurrence), _one(r.other_treatment), _one(r.death))
            for (xs, ys, _), days in zip(marks.values(), events, strict=True):
                xs += [d / days_per_month for d in days]
                ys += [y] * len(days)
        for name, (xs, ys, style) in marks.items():
            if xs:
                axes.plot(xs, ys, ls="none", label=name, **style)
        for k, kind in enumerate(kinds):
            axes.barh([-9], [0], color=("#cfe3f2", "#f6dcc6", "#dfead0")[k % 3], label=kind)
        shown = f"{len(rows)} of {n} lesions, evenly over the order" if n > len(rows) else f"all {n} lesions"
        first = min(min((*r.sessions, 0)) for r in rows) / days_per_month
        last = max(r.end for r in rows) / days_per_month
        axes.set(ylim=(len(rows) - 0.3, -0.7), xlim=(first - 0.02 * last, 1.03 * last), yticks=[],
                 xlabel="months from completion of treatment",
                 title=f"Follow-up of {shown}")  # fmt: skip
        axes.spines["left"].set_visible(False)
        axes.legend(loc="lower right", fontsize=8)
        return figure


def _one(day: int | None) -> tuple[int, ...]:
    return () if day is None else (day,)


def correlation_figures(result: Correlation, rows: Sequence[Lane], days_per_month: float) -> dict[str, Figure]:
    """Return every figure that the result allows, by file name, in the order of the report."""
    control, models = result.control, result.models
    few = f"thin and without band: fewer than {FEW} at risk"
    found = {
        "km-by-type": survival_figure(
            {"all": control.km} | (dict(control.by_type) if len(control.by_type) > 1 else {}),
            title="Local control of lesions (Kaplan-Meier, death censored)", y_label="free of local recurrence",
            note=few,
        ),
        "incidence": incidence_figure(
            control.incidence, control.km, names={1: "local recurrence", 2: "death before recurrence"}
        ),
    }  # fmt: skip
    t = result.cuts.threshold
    if t is not None:
        found["km-by-threshold"] = survival_figure(
            {f"D100 < {t.at_gy:g} Gy": t.below, f"D100 >= {t.at_gy:g} Gy": t.above},
            title=f"Local control by D100 of {t.at_gy:g} Gy (not adjusted)", y_label="free of local recurrence",
            note=few,
        )  # fmt: skip
    groups = [("Each alone", models.univariate), ("Together, errors by patient", models.adjusted)]
    if models.interaction is not None:
        groups.append(("D100 within tumour type", tuple(models.interaction.by_type.values())))
    if result.sensitivity:
        same = tuple(replace(e, term=name) for name, e in result.sensitivity.items())
        groups.append(("D100 per Gy in other models", same))
    if any(g for _, g in groups):
        found["forest"] = forest_figure([g for g in groups if g[1]], title="Local recurrence of lesions")
    if models.spline is not None:
        found["spline"] = spline_figure(result)
    if result.response.bins:
        found["tcp"] = tcp_figure(result)
    if result.cuts.adjusted is not None:
        found["cutoff"] = cutoff_figure(result.cuts.adjusted)
    if rows:
        found["swimmer"] = swimmer_figure(rows, n=result.table.n, days_per_month=days_per_month)
    return found
