"""Hazard ratios side by side."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from hdrplan.analysis import Effect
from hdrplan.report.cohort_style import BLUE, GREY, STYLE

__all__ = ["forest_figure"]

_TICKS = (0.05, 0.1, 0.2, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.5, 2, 3, 5, 10, 20)
_FINE = (0.8, 0.9, 1.1, 1.2)


def forest_figure(groups: Sequence[tuple[str, Sequence[Effect]]], *, title: str) -> Figure:
    """Draw hazard ratios with intervals on a log axis, numbers beside; groups under their headings."""
    lines: list[tuple[str, Effect | None]] = []
    for heading, items in groups:
        lines += [(heading, None), *((e.term, e) for e in items)]
    with matplotlib.rc_context(STYLE):
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
