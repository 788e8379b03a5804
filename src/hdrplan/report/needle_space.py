"""Needles in space: skin, bones, organs and lesion, and the view along the needles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.geometry import Structure, rim_mm
from hdrplan.report.needle_slices import NEEDLE_COLOURS, colours_of, focus_of, span_mm, write_number
from hdrplan.workflow import PlaceResult, is_bone

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from mpl_toolkits.mplot3d import Axes3D

__all__ = ["draw_body", "draw_needle_view"]


def _cloud(structure: Structure, maximum_points: int) -> FloatArray:
    points = rim_mm(structure)
    return points[:: max(1, len(points) // maximum_points)]


def draw_body(axes: Axes3D, result: PlaceResult) -> None:
    """Skin, bones, lesion and needles in space."""
    low = np.array([span_mm(result, k)[0] + 5 for k in range(3)])
    high = np.array([span_mm(result, k)[1] - 5 for k in range(3)])
    colours = colours_of(result)
    skin = Structure(name="skin", role="other", grid=result.room.grid, mask_zyx=result.room.patient_zyx)
    parts = [(rim_mm(skin), "#8fa3b3", 1.5, 0.12, 9000)]
    for structure in result.case.structures:
        if structure.role == "CTV":
            parts.append((rim_mm(structure), colours[structure.name], 5.0, 0.5, 3000))
        elif structure.name in result.room.names:
            bone = is_bone(structure.name)
            parts.append(
                (rim_mm(structure), "#b09a6a" if bone else colours[structure.name], 4.0, 0.5 if bone else 0.25, 5000)
            )
    for points, colour, size, alpha, maximum_points in parts:
        seen = points[((points >= low) & (points <= high)).all(axis=1)]
        axes.scatter(*seen[:: max(1, len(seen) // maximum_points)].T, s=size, color=colour, alpha=alpha, lw=0)
    for k, catheter in enumerate(result.case.catheters):
        axes.plot(*catheter.points_mm.T, color="k", lw=3.4)
        axes.plot(*catheter.points_mm.T, color=NEEDLE_COLOURS[k % len(NEEDLE_COLOURS)], lw=2.2)
        axes.plot(*catheter.points_mm[:1].T, "o", color=NEEDLE_COLOURS[k % len(NEEDLE_COLOURS)], mec="k", ms=5)
        axes.text(*catheter.points_mm[0], f" {k + 1}", weight="bold", zorder=9)
    entry = np.mean([c.points_mm[0] - c.points_mm[-1] for c in result.case.catheters], axis=0)
    axes.view_init(elev=20, azim=float(np.degrees(np.arctan2(entry[1], entry[0]))) + 40)
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), zlim=(low[2], high[2]))
    axes.set_box_aspect((high - low) / (high - low).max(), zoom=1.25)
    axes.set_axis_off()
    axes.set_title("Skin, bones, organs, lesion and needles")


def draw_needle_view(axes: Axes, result: PlaceResult) -> None:
    """Draw what lies in front along the mean direction of the needles, seen from the skin."""
    ends = np.array([[c.points_mm[0], c.points_mm[-1]] for c in result.case.catheters])
    along = (ends[:, 1] - ends[:, 0]).mean(axis=0)
    along /= np.linalg.norm(along)
    right = np.cross(along, np.array([0.0, 0.0, 1.0]))
    right = right / np.linalg.norm(right) if np.linalg.norm(right) > 0.2 else np.array([1.0, 0.0, 0.0])
    up = np.cross(right, along)
    focus = focus_of(result)
    colours = colours_of(result)
    deep = float(np.max((ends[:, 1] - focus) @ along))
    for structure in result.case.structures:
        if structure.name not in result.room.names and structure.role != "CTV":
            continue
        p = _cloud(structure, 6000) - focus
        p = p[(p @ along <= deep) & (np.abs(p @ right) < 80) & (np.abs(p @ up) < 80)]
        if len(p):
            front = structure.role == "CTV"
            axes.scatter(
                p @ right, p @ up, s=2, color=colours[structure.name], alpha=0.12 if front else 0.3, lw=0,
                label=structure.name, zorder=1 if front else 2,
            )  # fmt: skip
    for k, (a, b) in enumerate(ends):
        colour = NEEDLE_COLOURS[k % len(NEEDLE_COLOURS)]
        a, b = a - focus, b - focus
        axes.plot([a @ right, b @ right], [a @ up, b @ up], color="k", lw=2.6, zorder=3)
        axes.plot([a @ right, b @ right], [a @ up, b @ up], color=colour, lw=1.6, zorder=4)
        axes.plot(a @ right, a @ up, "o", color=colour, mec="k", ms=6, zorder=5)
        write_number(axes, k, a @ right, a @ up)
    axes.set_aspect("equal")
    axes.set(xticks=[], yticks=[], xlim=(-85, 85), ylim=(-85, 85))
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=6, loc="lower left", markerscale=4, framealpha=0.8, ncols=2)
    axes.set_title("Along the needles from the skin (dots: entries)")
