"""What the figures draw into one pair of axes: a plane with isodoses, a projection of catheters, a DVH."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.dose import Shape
from hdrplan.geometry import Structure, Volume
from hdrplan.report.data import ReportData
from hdrplan.report.palette import LineStyle, isodose_levels, structure_styles
from hdrplan.report.planes import View, outline_field, plane_values
from hdrplan.report.svg import axis_end_gy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["BAD", "INK", "draw_anatomy", "draw_dvh", "draw_plane", "draw_projection", "line_style", "short"]

INK, SOFT, ACCENT, GOOD, BAD = "#17222d", "#51616f", "#0b6470", "#14694c", "#a3231c"
_NEAR_MM = 3.0


def short(text: str, maximum_chars: int = 24) -> str:
    """Return a name that fits, and that matplotlib does not take for a formula."""
    clean = text if len(text) <= maximum_chars else text[: maximum_chars - 1] + "…"
    return clean.replace("$", r"\$")


def line_style(style: LineStyle) -> str | tuple[float, tuple[int, ...]]:
    """Return matplotlib's line style of a structure."""
    return (0, tuple(style["dash"])) if style["dash"] else "solid"


def draw_plane(axes: Axes, view: ReportData, plane: View, at_mm: float, centre: FloatArray, reach_mm: float) -> None:
    """Draw the CT with structures, isodoses and catheters on one plane.

    Parameters
    ----------
    axes : matplotlib Axes
    view : ReportData
    plane : View
    at_mm : float
        Position of the plane along its normal.
    centre : (3,) array
        LPS mm, shown in the middle.
    reach_mm : float
        What is shown to each side of it.
    """
    across, down = _lattice(plane, centre, reach_mm, 0.5)
    _draw_ct(axes, view.ct, plane, at_mm, across, down)
    _draw_outlines(axes, view.structures, (structure_styles(view), view.shapes), (plane, at_mm, across, down))
    _isodoses(axes, view, plane_values(view.dose, plane, at_mm, across, down), across, down)
    _needles(axes, view, plane, at_mm)
    _frame(axes, plane, across, down)
    axes.set_title(f"{'xyz'[plane.normal]} = {at_mm:.1f} mm", fontsize=8.5, pad=3)


def draw_anatomy(
    axes: Axes,
    ct: Volume,
    structures: Sequence[Structure],
    styles: Mapping[str, LineStyle],
    plane: View,
    centre: FloatArray,
    reach_mm: float,
) -> None:
    """Draw the CT with structures on the plane through a point.

    Parameters
    ----------
    axes : matplotlib Axes
    ct : Volume
        HU.
    structures : sequence of Structure
        Those with the role "other" are not drawn.
    styles : mapping of str to LineStyle
        By name.
    plane : View
    centre : (3,) array
        LPS mm, shown in the middle.
    reach_mm : float
        What is shown to each side of it.
    """
    across, down = _lattice(plane, centre, reach_mm, 0.5)
    at_mm = float(centre[plane.normal])
    _draw_ct(axes, ct, plane, at_mm, across, down)
    _draw_outlines(axes, structures, (styles, {}), (plane, at_mm, across, down))
    _frame(axes, plane, across, down)


def _draw_ct(axes: Axes, ct: Volume | None, plane: View, at_mm: float, across: FloatArray, down: FloatArray) -> None:
    axes.set_facecolor("#0b0f14")
    if ct is not None:
        hu = plane_values(ct, plane, at_mm, across, down)
        extent = (across[0] - 0.25, across[-1] + 0.25, down[0] - 0.25, down[-1] + 0.25)
        axes.imshow(hu, cmap="gray", vmin=-160, vmax=240, extent=extent, origin="lower", interpolation="nearest")


def _draw_outlines(
    axes: Axes,
    structures: Sequence[Structure],
    looks: tuple[Mapping[str, LineStyle], Mapping[str, Shape]],
    place: tuple[View, float, FloatArray, FloatArray],
) -> None:
    """Outlines of the shapes that doses are judged on; of the masks where there is no such shape."""
    plane, at_mm, across, down = place
    styles, shapes = looks
    # Targets last: their line stays whole where an organ's touches it.
    shown = sorted((s for s in structures if s.role != "other"), key=lambda s: s.role == "CTV")
    for structure in shown:
        field, edge = outline_field(structure, shapes)
        values = np.nan_to_num(plane_values(field, plane, at_mm, across, down), nan=-1.0)
        if values.max() > edge > values.min():
            style = styles[structure.name]
            width = 1.8 if structure.role == "CTV" else 1.0
            dash = [line_style(style)]
            axes.contour(across, down, values, [edge], colors=[style["colour"]], linewidths=width, linestyles=dash)


def draw_projection(axes: Axes, view: ReportData, plane: View, centre: FloatArray, reach_mm: float) -> None:
    """Draw catheters with their numbers at the hub end, dwells with area by time, and the CTV's silhouette.

    Parameters
    ----------
    axes : matplotlib Axes
    view : ReportData
    plane : View
        Direction of the view.
    centre : (3,) array
        LPS mm, shown in the middle.
    reach_mm : float
        What is shown to each side of it.
    """
    styles = structure_styles(view)
    across, down = _lattice(plane, centre, reach_mm, 1.0)
    for structure in (s for s in view.structures if s.role == "CTV"):
        low, high = structure.box_mm
        mask = Volume(structure.grid, structure.mask_zyx.astype(np.float32))
        depths = np.arange(low[plane.normal], high[plane.normal] + 0.75, 1.5)
        slices = [np.nan_to_num(plane_values(mask, plane, float(at), across, down)) for at in depths]
        colour = styles[structure.name]["colour"]
        shadow = np.max(slices, axis=0)
        axes.contour(across, down, shadow, [0.5], colors=[colour], linewidths=1.6)
        axes.contourf(across, down, shadow, [0.5, 2.0], colors=[colour], alpha=0.12)
    for k, catheter in enumerate(view.catheters):
        x, y = catheter.points_mm[:, [plane.across, plane.down]].T
        axes.plot(x, y, color=SOFT, lw=1.2)
        disc = {"boxstyle": "circle,pad=0.15", "fc": "white", "ec": SOFT}
        axes.annotate(
            str(k + 1), (x[0], y[0]), bbox=disc, annotation_clip=True, fontsize=8, color=INK, ha="center", va="center"
        )
    x, y = view.dwells.positions_mm[:, [plane.across, plane.down]].T
    axes.scatter(x, y, s=4, c="#aebac4", zorder=3)
    area = 80 * view.times_s / max(float(view.times_s.max()), 1e-9)
    axes.scatter(x, y, s=area, c=ACCENT, alpha=0.75, edgecolors="white", linewidths=0.5, zorder=4)
    _limits(axes, plane, across, down)
    names = ("x, to the patient's left", "y, to posterior", "z, to superior")
    axes.set_xlabel(f"{names[plane.across]} (mm)")
    axes.set_ylabel(f"{names[plane.down]} (mm)")


def draw_dvh(axes: Axes, view: ReportData) -> None:
    """Curves, the prescribed dose, goals as triangles that point to the allowed side."""
    prescribed = view.prescriptions[0].dose_gy
    styles = structure_styles(view)
    for curve in view.curves:
        style = styles[curve.name]
        width = 2.2 if curve.role == "CTV" else 1.3
        look, percent = line_style(style), 100 * curve.volume_frac
        axes.plot(curve.dose_gy, percent, label=short(curve.name), color=style["colour"], ls=look, lw=width)
    axes.axvline(prescribed, color=SOFT, ls=":", lw=1)
    for goal in view.goals:
        if goal.mark_gy is None or goal.mark_frac is None:
            continue
        colour = SOFT if goal.met is None else GOOD if goal.met else BAD
        axes.plot(
            goal.mark_gy, 100 * goal.mark_frac, marker=">" if goal.is_minimum else "<", color=colour, ms=6, mec="white",
            mew=0.6, clip_on=False, zorder=6,
        )  # fmt: skip
    axes.set_xlim(0, axis_end_gy(view.goals, prescribed))
    axes.set_ylim(0, 100.5)
    axes.set_xlabel("Dose (Gy)")
    axes.set_ylabel("Volume (%)")
    axes.grid(color="#e6ebef", lw=0.7)
    axes.set_axisbelow(True)


def _lattice(plane: View, centre: FloatArray, reach_mm: float, step_mm: float) -> tuple[FloatArray, FloatArray]:
    steps = np.arange(-reach_mm, reach_mm + step_mm / 2, step_mm)
    return centre[plane.across] + steps, centre[plane.down] + steps


def _limits(axes: Axes, plane: View, across: FloatArray, down: FloatArray) -> None:
    axes.set_xlim(across[0], across[-1])
    axes.set_ylim(*((down[0], down[-1]) if plane.upward else (down[-1], down[0])))
    axes.set_aspect("equal")


def _frame(axes: Axes, plane: View, across: FloatArray, down: FloatArray) -> None:
    """Letters of the patient's sides and a scale of 20 mm."""
    _limits(axes, plane, across, down)
    axes.set_xticks([])
    axes.set_yticks([])
    places = ((0.03, 0.5), (0.97, 0.5), (0.5, 0.955), (0.5, 0.045))
    for letter, (x, y) in zip(plane.edges, places, strict=True):
        axes.text(
            x,
            y,
            letter,
            transform=axes.transAxes,
            color="white",
            fontsize=9,
            fontweight="bold",
            ha="center",
            va="center",
        )
    share = 20.0 / float(across[-1] - across[0])
    axes.plot([0.05, 0.05 + share], [0.05, 0.05], color="white", lw=2, transform=axes.transAxes)
    axes.text(0.05, 0.07, "20 mm", color="white", fontsize=7.5, transform=axes.transAxes)


def _isodoses(axes: Axes, view: ReportData, gy: FloatArray, across: FloatArray, down: FloatArray) -> None:
    prescribed = view.prescriptions[0].dose_gy
    if np.isnan(gy).all():
        return
    low, high = np.nanmin(gy), np.nanmax(gy)
    levels = [(v["gy"], v["colour"]) for v in isodose_levels(prescribed) if low < v["gy"] < high]
    if not levels:
        return
    widths = [1.7 if level == prescribed else 1.0 for level, _ in levels]
    values = [level for level, _ in levels]
    colours = [colour for _, colour in levels]
    lines = axes.contour(across, down, np.ma.masked_invalid(gy), values, colors=colours, linewidths=widths)
    for label in axes.clabel(lines, fmt="%g", fontsize=7.5, inline_spacing=1):
        label.set_bbox({"fc": "#0b0f14", "ec": "none", "alpha": 0.65, "pad": 0.8})


def _needles(axes: Axes, view: ReportData, plane: View, at_mm: float) -> None:
    """Catheters projected and faint; in full where within 3 mm of the plane; dwells within 3 mm."""
    for catheter in view.catheters:
        points = catheter.points_mm
        axes.plot(points[:, plane.across], points[:, plane.down], color="white", lw=0.7, alpha=0.3)
        # Half a millimetre apart: a line that leaves the slab ends there.
        lengths = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))))
        along = np.arange(0.0, lengths[-1], 0.5)
        dense = np.stack([np.interp(along, lengths, points[:, a]) for a in range(3)], axis=1)
        dense[np.abs(dense[:, plane.normal] - at_mm) > _NEAR_MM] = np.nan
        axes.plot(dense[:, plane.across], dense[:, plane.down], color="white", lw=1.5)
    near = (view.times_s > 0) & (np.abs(view.dwells.positions_mm[:, plane.normal] - at_mm) <= _NEAR_MM)
    x, y = view.dwells.positions_mm[near][:, [plane.across, plane.down]].T
    area = 6 + 34 * view.times_s[near] / max(float(view.times_s.max()), 1e-9)
    axes.scatter(x, y, s=area, c="white", edgecolors="#05080b", linewidths=0.8, zorder=5)
