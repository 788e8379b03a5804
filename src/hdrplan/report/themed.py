"""Figures that follow a page: as wide as it lets them, dark where the screen is, dark on white on paper."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FAINT", "INK", "SOFT", "themed_svg"]

# What is drawn for paper -> what the same is on a dark screen (report.css, --ink, --soft, --faint).
INK, SOFT, FAINT = "#17222d", "#51616f", "#d9e0e6"
_DARK = {INK: "#e4ebf1", SOFT: "#a3b3c0", FAINT: "#2b3641"}


def themed_svg(draw: Callable[[Axes], None]) -> str:
    """Draw one pair of axes as an SVG without a ground, whose ink follows the colour scheme of the screen.

    Parameters
    ----------
    draw : callable
        Draws into the axes; what it leaves to the defaults is themed.

    Returns
    -------
    str
        To be shown by an ``img`` element: the rules stand in the picture itself.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    inks = dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK)
    style = {"font.size": 10.0, "svg.hashsalt": "hdrplan", "axes.axisbelow": True, "grid.color": FAINT, **inks}
    grounds = {"figure.facecolor": "none", "axes.facecolor": "none", "savefig.facecolor": "none"}
    with rc_context(style | grounds):
        figure = Figure(figsize=(6.4, 4.2), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        draw(axes)
        axes.set_title("")
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None})
    rules = "".join(
        f'[style*="{side}: {ink}"]{{{side}:{light} !important}}'
        for ink, light in _DARK.items()
        for side in ("fill", "stroke")
    )
    head, start, rest = written.getvalue().partition("<defs>")
    return f"{head}<style>@media screen and (prefers-color-scheme: dark){{{rules}}}</style>{start}{rest}"
