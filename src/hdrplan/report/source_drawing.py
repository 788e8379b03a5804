"""A TG-43 source on one page: g, F and the isodose lines round it."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.dose import dose_rate
from hdrplan.errors import InputError
from hdrplan.geometry import Dwells
from hdrplan.report.layout import save_figure
from hdrplan.report.palette import CTV_COLOURS, OTHER_COLOURS
from hdrplan.sources import TG43Source

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["source_figure"]

_ENDINGS = (".png", ".svg", ".pdf")
_HALF_MM = 50.0
# Percent of the dose rate at 1 cm, 90 degrees: about half as much from line to line.
_LEVELS_PCT = (5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
# The colours for paper; those of isodoses are made for CT.
_COLOURS = (*OTHER_COLOURS, *CTV_COLOURS)
_F_RADII_MM = (2.5, 5.0, 10.0, 20.0, 50.0, 100.0)


def source_figure(source: TG43Source, path: Path) -> None:
    """Draw g(r), F(r, theta) and isodose lines.

    Parameters
    ----------
    source : TG43Source
    path : Path
        File to write: .png, .svg or .pdf.

    Raises
    ------
    InputError
        Another kind of file.
    """
    if path.suffix.lower() not in _ENDINGS:
        raise InputError("a picture must be .png, .svg or .pdf", got=path.suffix or "no ending", where=path)
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with rc_context({"font.size": 9.0, "axes.titlesize": 10.0, "svg.hashsalt": "hdrplan", "axes.axisbelow": True}):
        figure = Figure(figsize=(13.0, 5.0), dpi=140, layout="constrained")
        FigureCanvasAgg(figure)
        radial, angular, lines = figure.subplots(1, 3, width_ratios=(1.0, 1.0, 1.05))
        _draw_radial(radial, source)
        _draw_angular(angular, source)
        _draw_isodoses(lines, source)
        constant = source.dose_rate_constant_gy_per_s_per_u * 360_000.0
        figure.suptitle(
            f"{source.name}: {source.model} ({source.kind})    \u039b = {constant:.4g} cGy/(h U)    "
            f"L = {source.active_length_mm:g} mm    half-life {source.half_life_days:g} d",
            fontsize=12.0,
        )
        words = f"{source.citation}. Research software, never for treatment."
        figure.supxlabel("\n".join(textwrap.wrap(words, 210)), fontsize=7.5, color="0.35")
        save_figure(figure, path)


def _draw_radial(axes: Axes, source: TG43Source) -> None:
    """Draw g(r); what is not published is dashed."""
    r_cm, g = source.radial_r_mm / 10.0, source.radial_dose
    printed = source.radial_r_mm <= source.table_r_max_mm + 1e-9
    axes.plot(r_cm[printed], g[printed], "o-", color="#1f4e9c", markersize=3.0, linewidth=1.3, label="published")
    if not printed.all():
        last = int(printed.sum()) - 1
        axes.plot(
            r_cm[last:], g[last:], "--", color="#d98200", linewidth=1.3, label="farther than g or F was published"
        )
    axes.set(xlabel="r (cm)", ylabel="g$_L$(r)", title="Radial dose function", xlim=(0.0, 20.5))
    axes.set_ylim(min(0.6, float(g.min()) - 0.02), max(1.1, 1.03 * float(g.max())))
    axes.grid(color="0.9")
    axes.legend(loc="lower left", frameon=False)


def _draw_angular(axes: Axes, source: TG43Source) -> None:
    """Draw F over the angle at a few published radii; what was blank is dotted."""
    theta = np.rad2deg(source.anisotropy_theta_rad)
    radii = source.anisotropy_r_mm[source.anisotropy_r_mm <= source.table_r_max_mm]
    chosen = sorted({int(np.argmin(np.abs(radii - r))) for r in _F_RADII_MM if radii[0] <= r <= radii[-1]})
    for rank, j in enumerate(chosen):
        colour = _COLOURS[rank % len(_COLOURS)]
        filled = source.anisotropy_filled[:, j]
        f = source.anisotropy[:, j]
        axes.plot(theta, f, ":", color=colour, linewidth=1.1)
        axes.plot(theta, np.where(filled, np.nan, f), "-", color=colour, linewidth=1.4, label=f"{radii[j] / 10:g} cm")
    axes.set(
        xlabel="\u03b8 (degrees): 0 is the tip, 180 the cable", ylabel="F(r, \u03b8)", title="2D anisotropy function"
    )
    axes.set_xlim(0.0, 180.0)
    axes.set_xticks(range(0, 181, 30))
    axes.set_ylim(0.25, max(1.06, 1.03 * float(source.anisotropy[:, chosen].max())))
    axes.grid(color="0.9")
    dotted = " (dotted: blank, filled)" if source.anisotropy_filled[:, chosen].any() else ""
    axes.legend(loc="lower center", ncols=2, frameon=False, title=f"r{dotted}")


def _draw_isodoses(axes: Axes, source: TG43Source) -> None:
    """Draw lines of equal dose rate in a plane through the source, percent of the rate at 1 cm, 90 degrees."""
    along = np.linspace(-_HALF_MM, _HALF_MM, 401)
    pct = 100.0 * _relative(source, along)
    contours = axes.contour(along, along, pct, levels=_LEVELS_PCT, colors=_COLOURS, linewidths=1.2)
    # Labels stand in a row at 65 degrees; the lines nearest the source have no room for one.
    labelled = _LEVELS_PCT[:5]
    out_mm = 10.0 * np.sqrt(100.0 / np.array(labelled))
    where = [(r * np.cos(np.deg2rad(65.0)), r * np.sin(np.deg2rad(65.0))) for r in out_mm]
    axes.clabel(contours, levels=labelled, manual=where, fmt=lambda v: f"{v:g} %", fontsize=7.5, inline_spacing=2)
    inner = ", ".join(f"{level:g}" for level in _LEVELS_PCT[5:])
    axes.text(0.02, 0.02, f"innermost lines: {inner} %", transform=axes.transAxes, fontsize=7.5, color="0.35")
    capsule, half = source.capsule, source.active_length_mm / 2.0
    from matplotlib.patches import Rectangle

    def _box(low: float, high: float, radius: float, colour: str) -> None:
        axes.add_patch(Rectangle((low, -radius), high - low, 2.0 * radius, facecolor=colour, edgecolor="none"))

    _box(-_HALF_MM, capsule.cable_z_mm, capsule.cable_radius_mm, "0.75")
    _box(capsule.cable_z_mm, capsule.tip_z_mm, capsule.radius_mm, "0.55")
    _box(-half, half, 0.6 * capsule.radius_mm, "black")
    axes.set(xlabel="along (mm): cable at the left, tip at the right", ylabel="away (mm)")
    axes.set_title("Dose rate, percent of that at 1 cm and 90\u00b0")
    axes.set_aspect("equal")


def _relative(source: TG43Source, axis_mm: FloatArray) -> FloatArray:
    """Dose rates on a plane relative to the reference point: (away, along)."""
    at_origin = Dwells(
        positions_mm=np.zeros((1, 3)),
        axes=np.array([[0.0, 0.0, 1.0]]),
        catheter=np.zeros(1, np.int64),
        offset_mm=np.zeros(1),
        catheter_names=("source",),
    )
    away, along = np.meshgrid(axis_mm, axis_mm, indexing="ij")
    points = np.column_stack([away.ravel(), np.zeros(away.size), along.ravel()])
    rate = dose_rate(at_origin, np.vstack([points, [[10.0, 0.0, 0.0]]]), source, strength_u=1.0).gy_per_s[:, 0]
    relative: FloatArray = (rate[:-1] / rate[-1]).reshape(away.shape)
    return relative
