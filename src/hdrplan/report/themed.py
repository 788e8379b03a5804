"""Figures that follow a page: as wide as it lets them, dark where the screen is, dark on white on paper."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hdrplan.report.layout import laid_out

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["FAINT", "INK", "INKED", "SOFT", "inked", "screen_svg", "themed_svg"]

INK, SOFT, FAINT = "#17222d", "#51616f", "#d9e0e6"
# What is drawn for paper -> what the same is on a dark screen: report.css (--ink, --soft, --faint, --bad), and of the
# colours of Okabe and Ito the light blue and purple for the dark ones.
_DARK = {
    INK: "#e4ebf1", SOFT: "#a3b3c0", FAINT: "#2b3641", "#a3231c": "#ff9a90", "#0072b2": "#56b4e9", "#aa4499": "#cc79a7",
}  # fmt: skip
# What matplotlib draws by itself, in an ink that is themed; axes have no ground of their own.
INKED = {
    "svg.hashsalt": "hdrplan",
    "axes.axisbelow": True,
    "axes.facecolor": "none",
    "grid.color": FAINT,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK),
}
# Dots per inch of pictures inside an SVG: twice those of a screen.
_DPI = 192


@contextmanager
def inked(**style: object) -> Iterator[None]:
    """Draw what follows in inks that :func:`screen_svg` knows.

    Parameters
    ----------
    **style
        More parameters of matplotlib, underscores for points: ``font_size=9.0``.
    """
    from matplotlib import rc_context

    with rc_context(INKED | {name.replace("_", "."): value for name, value in style.items()}):
        yield


def screen_svg(figure: Figure) -> str:
    """Return a figure as an SVG without a ground, whose ink follows the colour scheme of the screen.

    Parameters
    ----------
    figure : Figure
        Drawn inside :func:`inked`, or in a style that holds ``INKED``.

    Returns
    -------
    str
        To be shown by an ``img`` element: the rules stand in the picture itself.
    """
    written = io.StringIO()
    with inked():
        laid_out(figure).savefig(written, format="svg", dpi=_DPI, metadata={"Date": None}, facecolor="none")
    rules = "".join(
        f'[style*="{side}: {ink}"]{{{side}:{light} !important}}'
        for ink, light in _DARK.items()
        for side in ("fill", "stroke")
    )
    head, start, rest = written.getvalue().partition("<defs>")
    return f"{head}<style>@media screen and (prefers-color-scheme: dark){{{rules}}}</style>{start}{rest}"


def themed_svg(draw: Callable[[Axes], None]) -> str:
    """Draw one pair of axes as an SVG that follows the colour scheme of the screen.

    Parameters
    ----------
    draw : callable
        Draws into the axes; what it leaves to the defaults is themed.

    Returns
    -------
    str
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with inked(font_size=10.0):
        figure = Figure(figsize=(6.4, 4.2), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        draw(axes)
        axes.set_title("")
        return screen_svg(figure)
