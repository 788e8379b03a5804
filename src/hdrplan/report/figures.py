"""Figures as files: isodose page, DVH, catheter map, and an overview of one plan.

Every function takes the report's plain values and returns a matplotlib figure; :func:`figure_bytes` turns it into SVG,
PNG or PDF, the same bytes for the same plan. matplotlib is imported when the first one is drawn. Colours are those of
the report (:mod:`hdrplan.report.palette`).
"""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.errors import InputError
from hdrplan.report.axes import BAD, INK, draw_dvh, draw_plane, draw_projection, line_style, short
from hdrplan.report.data import ReportData
from hdrplan.report.palette import isodose_levels, structure_styles
from hdrplan.report.planes import VIEWS
from hdrplan.report.rows import minimum_step_mm

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FIGURES", "FORMATS", "catheter_map", "dvh_figure", "figure_bytes", "isodose_page", "overview"]

FORMATS = ("png", "svg", "pdf")
_STYLE = {
    "font.family": "sans-serif",
    "font.size": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "hdrplan",
    "legend.frameon": False,
}


def figure_bytes(figure: Figure, form: str, *, dpi: int = 150) -> bytes:
    """Return a figure as a file's content.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    form : {"png", "svg", "pdf"}
    dpi : int
        Of PNG.

    Raises
    ------
    InputError
        Another format.
    """
    if form not in FORMATS:
        raise InputError(f"figures are written as {', '.join(FORMATS)}", got=repr(form))
    # No date, no program version: the same plan gives the same file.
    metadata = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[form]
    stream = io.BytesIO()
    with _styled():
        figure.savefig(stream, format=form, dpi=dpi, metadata=metadata, facecolor="white")
    return stream.getvalue()


def isodose_page(view: ReportData) -> Figure:
    """Six axial slices through the first CTV, and a coronal and a sagittal one through its centre."""
    low, high, centre, reach_mm = _target(view)
    with _styled():
        figure = _figure(11.2, 6.4)
        panels = _panels(figure, 2, 4, bottom=0.1, top=0.9, wspace=0.04, hspace=0.1)
        slices = [*panels[0, :3], *panels[1, :3]]
        for axes, z_mm in zip(slices, np.linspace(low[2], high[2], len(slices)), strict=True):
            draw_plane(axes, view, VIEWS["axial"], float(z_mm), centre, reach_mm)
        for axes, name in zip(panels[:, 3], ("coronal", "sagittal"), strict=True):
            draw_plane(axes, view, VIEWS[name], float(centre[VIEWS[name].normal]), centre, reach_mm)
        _structure_legend(figure, view, y=0.085)
        _titles(figure, f"{view.title}: isodoses in Gy")
        return figure


def dvh_figure(view: ReportData) -> Figure:
    """Cumulative DVHs with the goals drawn in."""
    with _styled():
        figure = _figure(8.2, 4.6)
        axes = figure.add_axes((0.075, 0.11, 0.64, 0.77))
        draw_dvh(axes, view)
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.02), fontsize=8, handlelength=2.6)
        _titles(figure, f"{view.title}: dose-volume histograms")
        return figure


def catheter_map(view: ReportData) -> Figure:
    """Catheters seen from three sides with their dwells (area by time), and the times along each catheter."""
    _, _, centre, reach_mm = _target(view)
    names = view.dwells.catheter_names
    rows = 1 if len(names) <= 8 else 2
    with _styled():
        figure = _figure(11.2, 6.4)
        sides = _panels(figure, 1, 3, left=0.055, bottom=0.45, top=0.92, wspace=0.24)
        for axes, plane in zip(sides.flat, VIEWS.values(), strict=True):
            draw_projection(axes, view, plane, centre, reach_mm)
        columns = -(-len(names) // rows)
        bars = _panels(figure, rows, columns, left=0.055, bottom=0.09, top=0.31, hspace=0.6, shared=True)
        for k, axes in enumerate(bars.flat):
            if k >= len(names):
                axes.set_axis_off()
                continue
            own = view.dwells.catheter == k
            axes.bar(view.dwells.offset_mm[own], view.times_s[own], width=0.75 * minimum_step_mm(view), color="#0b6470")
            axes.set_title(f"{k + 1}: {short(names[k], 14)}, {view.times_s[own].sum():.0f} s", fontsize=8, loc="left")
            axes.set_xlabel("mm from the tip")
        bars[0, 0].set_ylabel("s")
        _titles(figure, f"{view.title}: catheters and dwell times, {view.times_s.sum():.0f} s in all")
        return figure


def overview(view: ReportData) -> Figure:
    """One axial, one coronal and one sagittal isodose picture above the DVH: a plan at a glance."""
    _, _, centre, reach_mm = _target(view)
    with _styled():
        figure = _figure(10.4, 7.2)
        panels = _panels(figure, 1, 3, bottom=0.51, top=0.92, wspace=0.03)
        for axes, plane in zip(panels.flat, VIEWS.values(), strict=True):
            draw_plane(axes, view, plane, float(centre[plane.normal]), centre, reach_mm)
        _structure_legend(figure, view, y=0.5)
        axes = figure.add_axes((0.07, 0.075, 0.67, 0.33))
        draw_dvh(axes, view)
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.05), fontsize=7.5, handlelength=2.6, labelspacing=0.35)
        facts = ", ".join(f"{label} {value}" for label, value, _ in view.tiles[:1])
        _titles(figure, f"{view.title}: {facts}" if facts else view.title)
        return figure


FIGURES: dict[str, Callable[[ReportData], Figure]] = {
    "isodose": isodose_page,
    "dvh": dvh_figure,
    "catheters": catheter_map,
    "overview": overview,
}


def _styled() -> AbstractContextManager[None]:
    """Return the style of all figures, for a ``with`` block."""
    from matplotlib import rc_context

    return rc_context(_STYLE)


def _figure(width_inch: float, height_inch: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width_inch, height_inch))


def _target(view: ReportData) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    """Box and middle of the first CTV, and half the width of a picture: the CTV and 35 mm on either side."""
    ctv = next((s for s in view.structures if s.role == "CTV"), None)
    if ctv is None:
        raise InputError("these figures are centred on a CTV", got="none", where=view.title)
    low, high = ctv.box_mm
    return low, high, (low + high) / 2, float((high - low).max()) / 2 + 35.0


def _panels(
    figure: Figure, rows: int, columns: int, *, left: float = 0.012, shared: bool = False, **grid: float
) -> Any:
    """Rows and columns of axes inside the given part of the figure."""
    sides = {"left": left, "right": 1.0 - min(left, 0.015), **grid}
    return np.asarray(figure.subplots(rows, columns, squeeze=False, sharex=shared, sharey=shared, gridspec_kw=sides))


def _structure_legend(figure: Figure, view: ReportData, *, y: float) -> None:
    from matplotlib.lines import Line2D

    styles = structure_styles(view)
    handles = []
    for structure in (s for s in view.structures if s.role != "other"):
        style = styles[structure.name]
        width = 2.2 if structure.role == "CTV" else 1.4
        look, name = line_style(style), short(structure.name, 16)
        handles.append(Line2D([], [], label=name, color=style["colour"], ls=look, lw=width))
    for level in isodose_levels(view.prescriptions[0].dose_gy):
        width = 2.0 if level["gy"] == view.prescriptions[0].dose_gy else 1.2
        handles.append(Line2D([], [], label=f"{level['gy']:g} Gy", color=level["colour"], lw=width))
    figure.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, y),
        ncols=10,
        fontsize=7,
        handlelength=2.2,
        columnspacing=1.2,
    )


def _titles(figure: Figure, title: str) -> None:
    figure.text(0.012, 0.985, short(title, 100), ha="left", va="top", fontsize=11, fontweight="bold", color=INK)
    figure.text(0.988, 0.985, "Research use only, never for treatment", ha="right", va="top", fontsize=8.5, color=BAD)
