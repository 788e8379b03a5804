"""CT slices with needles: the three planes through a lesion, and the plane of each needle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.geometry import Catheter, rim_mm
from hdrplan.report.palette import styles_of
from hdrplan.report.planes import View, outline_field
from hdrplan.workflow import PlaceResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ASPECT", "NEEDLE_COLOURS", "colours_of", "draw_needle", "draw_slice", "focus_of", "span_mm", "write_number"]

NEEDLE_COLOURS = ("#ffd92e", "#4ade80", "#38bdf8", "#fb923c", "#f472b6", "#c4b5fd", "#fca5a5", "#99f6e4")
# A needle within this distance of a slice is drawn whole, elsewhere dotted.
_NEAR_MM = 4.0
# Width over height of the plane of a needle: all cards are alike.
ASPECT = 1.6
_WINDOW_HU = (-120.0, 220.0)


def focus_of(result: PlaceResult) -> FloatArray:
    """Return the middle of the first CTV, where the slices cross."""
    ctv = result.case.ctvs[0]
    return ctv.centre_mm


def colours_of(result: PlaceResult) -> dict[str, str]:
    """Return the colour of each structure."""
    roles = {s.name: s.role for s in result.case.structures}
    return {name: style["colour"] for name, style in styles_of(roles).items()}


def span_mm(result: PlaceResult, axis: int) -> tuple[float, float]:
    """Range along an LPS axis that shows the catheters and the lesions with some room."""
    ends = np.concatenate([c.points_mm for c in result.case.catheters] + [rim_mm(s) for s in result.case.ctvs])
    return float(ends[:, axis].min() - 35.0), float(ends[:, axis].max() + 35.0)


def write_number(axes: Axes, k: int, x: float, y: float) -> None:
    """Write a needle's number beside its entry.

    Parameters
    ----------
    axes : matplotlib Axes
    k : int
        Number of the needle, from 0.
    x, y : float
        Its entry, in the axes' coordinates.
    """
    from matplotlib.patheffects import withStroke

    axes.annotate(
        f"{k + 1}", (x, y), xytext=(-7, 4), textcoords="offset points", ha="center", fontsize=8, weight="bold",
        color=NEEDLE_COLOURS[k % len(NEEDLE_COLOURS)], path_effects=[withStroke(linewidth=2, foreground="k")], zorder=6,
    )  # fmt: skip


def _draw_plane(axes: Axes, result: PlaceResult, points_mm: FloatArray, u_mm: FloatArray, v_mm: FloatArray) -> None:
    """CT, structures and the prescription isodose on any plane; ``points_mm`` is (n_v, n_u, 3)."""
    extent = (float(u_mm[0]), float(u_mm[-1]), float(v_mm[0]), float(v_mm[-1]))
    if result.case.ct is not None:
        ct = np.nan_to_num(result.case.ct.at(points_mm), nan=-1000.0)
        axes.imshow(
            ct, cmap="gray", vmin=_WINDOW_HU[0], vmax=_WINDOW_HU[1], extent=extent, origin="lower", aspect="equal"
        )
    colours = colours_of(result)
    avoided = set(result.room.names)
    shapes = dict(zip(result.planned.points.names, result.planned.points.shapes, strict=True))
    for structure in result.case.structures:
        if structure.role != "CTV" and structure.name not in avoided and structure.name != result.case.healthy:
            continue
        field, edge = outline_field(structure, shapes)
        level = np.nan_to_num(field.at(points_mm), nan=-1.0)
        if level.max() <= edge:
            continue
        thick = 1.8 if structure.role == "CTV" else 0.9
        colour = colours[structure.name]
        if structure.name in avoided:
            axes.contourf(u_mm, v_mm, level, levels=[edge, np.inf], colors=[colour], alpha=0.28)
        axes.contour(u_mm, v_mm, level, levels=[edge], colors=[colour], linewidths=thick)
    dose = np.nan_to_num(result.planned.dose.at(points_mm))
    wanted = result.planned.goals.doses[0].dose_gy
    if dose.max() > wanted:
        axes.contour(u_mm, v_mm, dose, levels=[wanted], colors=["#ff9a1f"], linewidths=1.1, linestyles="--")
    axes.set_facecolor("black")
    axes.set_xlim(extent[0], extent[1])


def draw_slice(axes: Axes, result: PlaceResult, name: str, view: View, focus_mm: FloatArray) -> None:
    """Draw one plane of the CT; needles are whole near it and dotted elsewhere.

    Parameters
    ----------
    axes : matplotlib Axes
    result : PlaceResult
    name : str
        Of the view, for the title.
    view : View
    focus_mm : (3,) array
        A point of the plane.
    """
    u = np.arange(*span_mm(result, view.across), 1.0)
    v = np.arange(*span_mm(result, view.down), 1.0)
    points = np.empty((len(v), len(u), 3))
    points[..., view.across], points[..., view.down] = u[None, :], v[:, None]
    points[..., view.normal] = focus_mm[view.normal]
    _draw_plane(axes, result, points, u, v)
    for k, catheter in enumerate(result.case.catheters):
        line = _line(catheter)
        near = np.abs(line[:, view.normal] - focus_mm[view.normal]) <= _NEAR_MM
        colour = NEEDLE_COLOURS[k % len(NEEDLE_COLOURS)]
        axes.plot(line[:, view.across], line[:, view.down], ":", color=colour, lw=1.0)
        across, down = (np.where(near, line[:, k], np.nan) for k in (view.across, view.down))
        axes.plot(across, down, color=colour, lw=2.4)
        axes.plot(*line[0, [view.across, view.down]], "o", color=colour, ms=4, mec="k")
        write_number(axes, k, *line[0, [view.across, view.down]])
    axes.set_ylim((v[0], v[-1]) if view.upward else (v[-1], v[0]))
    for (x, y), text in zip(((0.02, 0.5), (0.98, 0.5), (0.5, 0.97), (0.5, 0.03)), view.edges, strict=True):
        axes.text(x, y, text, transform=axes.transAxes, color="w", ha="center", va="center", weight="bold")
    axes.set_title(f"{name} through the middle of {result.case.ctvs[0].name} (dotted: off the slice)", fontsize=9)
    axes.set(xticks=[], yticks=[])


def _line(catheter: Catheter) -> FloatArray:
    at = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(catheter.points_mm, axis=0), axis=1)))
    along = np.linspace(0.0, at[-1], 200)
    return np.stack([np.interp(along, at, catheter.points_mm[:, k]) for k in range(3)], axis=1)


def draw_needle(axes: Axes, result: PlaceResult, catheter: Catheter, k: int) -> None:
    """Draw the plane that holds the needle and lies nearest to the axial one, skin on the left.

    Parameters
    ----------
    axes : matplotlib Axes
    result : PlaceResult
    catheter : Catheter
    k : int
        Its number, from 0; one beyond those of the case is the next with errors foreseen.
    """
    entry, tip = catheter.points_mm[0], catheter.points_mm[-1]
    along = (tip - entry) / np.linalg.norm(tip - entry)
    across = np.cross(np.array([0.0, 0.0, 1.0]), along)
    if np.linalg.norm(across) < 0.2:
        across = np.cross(np.array([1.0, 0.0, 0.0]), along)
    across /= np.linalg.norm(across)
    length_mm = float(np.linalg.norm(tip - entry))
    half_mm = max(45.0, (length_mm + 55.0) / (2.0 * ASPECT))
    middle_mm = (length_mm + 5.0) / 2.0
    u = np.linspace(middle_mm - ASPECT * half_mm, middle_mm + ASPECT * half_mm, round(2.0 * ASPECT * half_mm))
    v = np.linspace(-half_mm, half_mm, round(2.0 * half_mm))
    points = entry + u[None, :, None] * along + v[:, None, None] * across
    _draw_plane(axes, result, points, u, v)
    colour = NEEDLE_COLOURS[k % len(NEEDLE_COLOURS)]
    from_entry = catheter.points_mm - entry
    axes.plot(from_entry @ along, from_entry @ across, color=colour, lw=1.6)
    dwells, times = result.planned.plan.dwells, result.planned.plan.times_s
    used = (dwells.catheter == k) & (times > 0)
    at = (dwells.positions_mm[used] - entry) @ along
    aside = (dwells.positions_mm[used] - entry) @ across
    axes.scatter(at, aside, s=16 + 60 * times[used] / max(times.max(), 1e-9), color=colour, ec="k", lw=0.4)
    axes.set_ylim(v[0], v[-1])
    axes.set(xticks=[], yticks=[])
    left_mm, below_mm = u[0] + 8.0, v[0] + 5.0
    axes.plot([left_mm, left_mm + 20.0], [below_mm, below_mm], color="w", lw=2)
    axes.text(left_mm + 10.0, below_mm + 2.0, "20 mm", color="w", ha="center", va="bottom", fontsize=8)
