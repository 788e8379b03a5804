"""The one figure of the first screen: recurrences that a D100 would leave."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from hdrplan.analysis import Benefit, LesionTable
from hdrplan.report.cohort_style import BLUE, GREY, INK, ORANGE, STYLE

__all__ = ["benefit_figure"]


def benefit_figure(benefit: Benefit, table: LesionTable, words: str) -> Figure:
    """Draw the predicted risk of local recurrence against D100 with its band, over the doses that were given.

    Parameters
    ----------
    benefit : Benefit
    table : LesionTable
    words : str
        What the model is adjusted for.

    Returns
    -------
    matplotlib.figure.Figure
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 4.0), layout="constrained")
        axes, doses = figure.subplots(2, 1, height_ratios=(1.0, 0.2), sharex=True)
        if np.isfinite(benefit.lower).any():
            axes.fill_between(
                benefit.d100_gy, benefit.lower, benefit.upper, color=BLUE, alpha=0.15, lw=0, label="95 % CI"
            )
        axes.plot(benefit.d100_gy, benefit.risk, color=BLUE, lw=2.0, label="if all lesions had this D100")
        axes.axhline(benefit.now, color=ORANGE, lw=1.0, ls=(0, (5, 2)), label="with the D100 that was given")
        top = np.nanmax([*benefit.upper, *benefit.risk, benefit.now])
        axes.set(ylim=(0, min(1.0, 1.25 * float(top))), ylabel=f"recurred within {benefit.horizon_months:g} months",
                 title=f"Local recurrence against D100, {words}")  # fmt: skip
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:.0f} %"))
        axes.legend(loc="upper right", fontsize=8)
        low, high = benefit.d100_gy[[0, -1]]
        counts, edges = np.histogram(table.d100_gy, bins=np.arange(np.floor(low) - 1, np.ceil(high) + 2))
        doses.bar(edges[:-1], counts, width=1.0, align="edge", color=GREY, lw=0)
        for value, edge in zip(counts, edges, strict=False):
            if value and low - 0.5 <= edge + 0.5 <= high + 0.5:
                doses.text(edge + 0.5, value, f"{value}", ha="center", va="bottom", fontsize=6.5, color=INK)
        doses.set(ylim=(0, 1.35 * max(counts.max(), 1)), yticks=[], ylabel="lesions", xlabel="D100 (Gy)",
                  xlim=(low - 0.5, high + 0.5))  # fmt: skip
        doses.spines["left"].set_visible(False)
        return figure
