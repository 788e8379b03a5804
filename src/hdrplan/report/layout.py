"""Where a figure's parts lie is found once; then it is written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["laid_out", "save_figure"]


def laid_out(figure: Figure) -> Figure:
    """Place what a figure holds, before it is written in one or several forms, and return it.

    matplotlib draws a figure that has a layout twice for each form, and places its parts both times: six commands with
    their pages took 24.4 and 25.4 instead of 23.3 and 23.7 CPU s.

    Parameters
    ----------
    figure : Figure
        With or without a layout engine; afterwards without.
    """
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine("none")
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure in the form that the name of its file says; the same figure is the same file.

    Parameters
    ----------
    figure : Figure
    path : Path
        ``.png``, ``.svg`` or ``.pdf``.
    """
    stamp = {".png": "Software", ".svg": "Date", ".pdf": "CreationDate"}[path.suffix.lower()]
    laid_out(figure).savefig(path, metadata={stamp: None})
