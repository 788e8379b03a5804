"""Forest plot of published series, their mean, and where a new series may lie."""

from __future__ import annotations

import matplotlib
from matplotlib.figure import Figure

from hdrplan.outcomes import Pool
from hdrplan.report.cohort_style import BLUE, GREY, ORANGE, STYLE

__all__ = ["series_figure"]


def series_figure(pool: Pool) -> Figure:
    """Draw the control of each series with its interval, the mean by tumour type and of all, and its prediction.

    Parameters
    ----------
    pool : Pool
    """
    rows = [
        (f"{s.name} ({s.tumour_type})", c, low, high, f"{s.lesions} lesions")
        for s, c, low, high in zip(pool.series, pool.control, pool.lower, pool.upper, strict=True)
    ]
    means = [(f"{t.tumour_type}, {t.n} series", t.control, t.lower, t.upper, "") for t in pool.types if t.n > 1]
    lines = len(rows) + len(means) + (2 if pool.pooled else 0)
    height = 1.0 + 0.3 * lines
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.4, height))
        axes = figure.add_axes((0.34, 0.55 / height, 0.36, 1.0 - 0.95 / height))
        beside = axes.get_yaxis_transform()
        for y, (name, c, low, high, about) in enumerate([*rows, *means]):
            of_mean = y >= len(rows)
            axes.plot([low, high], [y, y], color=ORANGE if of_mean else BLUE, lw=1.3, solid_capstyle="butt")
            axes.plot([c], [y], "D" if of_mean else "s", color=ORANGE if of_mean else BLUE, ms=5)
            axes.text(-0.92, y, name, transform=beside, va="center")
            axes.text(1.03, y, f"{100 * c:.1f} % ({100 * low:.1f} to {100 * high:.1f})", transform=beside, va="center")
            axes.text(1.56, y, about, transform=beside, va="center")
        if pool.pooled:
            c, low, high, new_low, new_high = pool.pooled
            both = ((lines - 2, "mean of all series", low, high), (lines - 1, "a new series", new_low, new_high))
            for y, name, a, b in both:
                axes.plot([a, b], [y, y], color=GREY if y == lines - 1 else ORANGE, lw=2.2, solid_capstyle="butt")
                axes.text(-0.92, y, name, transform=beside, va="center", weight="bold")
                axes.text(1.03, y, f"{100 * c:.1f} % ({100 * a:.1f} to {100 * b:.1f})", transform=beside, va="center")
            axes.plot([c], [lines - 2], "D", color=ORANGE, ms=6)
            axes.axvline(c, color=GREY, lw=0.8, ls=":")
        axes.set(ylim=(lines - 0.4, -0.7), yticks=[], xlim=(min(0.4, float(pool.lower.min()) - 0.02), 1.0))
        axes.spines["left"].set_visible(False)
        axes.set_title(f"Local control, {pool.horizon}", x=-0.92)
        axes.set_xlabel("fraction of lesions without local recurrence")
    return figure
