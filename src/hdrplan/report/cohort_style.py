"""The look that all figures of a cohort share: colours of Okabe and Ito, and dashes that differ in grey print too."""

from __future__ import annotations

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.report.themed import INK, INKED, SOFT

__all__ = ["BLUE", "COLOURS", "DASHES", "FEW", "GREEN", "GREY", "INK", "ORANGE", "PURPLE", "STYLE", "month_ticks"]

BLUE, ORANGE, GREEN, PURPLE = "#0072b2", "#d55e00", "#009e73", "#aa4499"
GREY = SOFT
COLOURS = (BLUE, ORANGE, GREEN, PURPLE)
DASHES: tuple[str | tuple[float, tuple[float, ...]], ...] = ("-", (0, (5, 2)), (0, (1, 1.4)), (0, (6, 2, 1, 2)))
STYLE = {
    **INKED,
    "font.family": "sans-serif",
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "legend.frameon": False,
}
# Fewer at risk than this: the curve's right end rests on a handful of lesions.
FEW = 10


def month_ticks(end: float) -> FloatArray:
    """Return the ticks of an axis of months, by its length."""
    step = 3 if end <= 18 else 6 if end <= 40 else 12
    return np.arange(0, end + 1e-9, step)
