"""Where needles go in: entries on a picture of the skin, as the person who makes them sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from hdrplan.arrays import FloatArray
from hdrplan.geometry import rim_mm, skin_view
from hdrplan.report.needle_slices import NEEDLE_COLOURS, colours_of, focus_of, write_number
from hdrplan.report.themed import FAINT, INK
from hdrplan.workflow import PlaceResult, is_bone

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_skin"]

# Around the lesion; entries farther away widen the picture by so much beyond them.
_HALF_MM, _ROOM_MM = 90.0, 20.0
# Light from above and from the left; the least that a side away from it has.
_LIGHT, _DARKEST = np.array([-0.4, 0.5, 0.77]), 0.25
# The skin is known on voxels of 2 mm: noise of a voxel is smoothed, and an entry lies on it to this.
_SMOOTH_MM, _ON_SKIN_MM = 3.0, 8.0
_SIDES = (("left", "right"), ("back", "front"), ("head", "feet"))


def draw_skin(axes: Axes, result: PlaceResult) -> None:
    """Draw the skin seen from where the needles come: entries, numbers, ways below it; bones and lesions shine through.

    Parameters
    ----------
    axes : matplotlib Axes
    result : PlaceResult
    """
    ends = np.array([[c.points_mm[0], c.points_mm[-1]] for c in result.case.catheters])
    focus, towards = focus_of(result), (ends[:, 0] - ends[:, 1]).mean(axis=0)
    reach = np.linalg.norm(ends[:, 0] - focus, axis=1) - np.abs((ends[:, 0] - focus) @ towards) / np.linalg.norm(
        towards
    )
    half_mm = max(_HALF_MM, float(reach.max()) + _ROOM_MM)
    view = skin_view(result.room.grid, result.room.patient_zyx, towards, focus, half_mm)
    half = view.half_mm
    shaded = _shaded(view.height_mm, view.step_mm)
    low, high = np.nanpercentile(shaded, (1.0, 99.0)) if np.isfinite(shaded).any() else (0.0, 1.0)
    axes.imshow(
        shaded, cmap="gray", vmin=low - 0.3 * (high - low), vmax=high, origin="lower",
        extent=(-half, half, focus[2] - half, focus[2] + half), interpolation="bilinear",
    )  # fmt: skip
    colours = colours_of(result)
    for structure in result.case.structures:
        bone = structure.name in result.room.names and is_bone(structure.name)
        if bone or structure.role == "CTV":
            # What lies in front of the lesion can be felt, and tells where an entry is: ribs, the costal arch.
            placed = view.placed_mm(rim_mm(structure))
            placed = placed[(placed[:, 2] > 0) & (np.abs(placed[:, :2]) < half).all(axis=1)] if bone else placed
            placed = placed[:: max(1, len(placed) // 4000)]
            colour = "#b5651d" if bone else colours[structure.name]
            axes.scatter(
                placed[:, 0], placed[:, 1] + focus[2], s=2, lw=0, alpha=0.25, color=colour, zorder=2, rasterized=True
            )
    hidden = view.hidden(ends[:, 0], _ON_SKIN_MM)
    for k, (entry, tip) in enumerate(zip(view.placed_mm(ends[:, 0]), view.placed_mm(ends[:, 1]), strict=True)):
        colour = NEEDLE_COLOURS[k % len(NEEDLE_COLOURS)]
        x, y = [entry[0], tip[0]], [entry[1] + focus[2], tip[1] + focus[2]]
        axes.plot(x, y, color="k", lw=2.2, ls=(0, (2, 1.5)), zorder=3)
        axes.plot(x, y, color=colour, lw=1.2, ls=(0, (2, 1.5)), zorder=4)
        axes.plot(
            x[0], y[0], "o", mfc="none" if hidden[k] else colour, mec=colour if hidden[k] else "k", ms=7, zorder=5
        )
        write_number(axes, k, x[0], y[0])
    axes.grid(color=FAINT, lw=0.4)
    rows = np.flatnonzero(np.isfinite(view.height_mm).any(axis=1))
    z_mm = focus[2] - half + view.step_mm * (rows if len(rows) else np.array([0, len(view.height_mm)]))
    axes.set_aspect("equal")
    axes.set(xlim=(-half, half), ylim=(z_mm[0], z_mm[-1]))
    axes.set(
        xlabel=f"mm to the patient's {_side(view.right)} of the lesion's middle",
        ylabel="z of the slice, mm (LPS)",
        title="Entries on the skin",
    )
    axes.text(
        0.01, 0.01, f"seen from the patient's {_side(view.towards)}", transform=axes.transAxes, fontsize=7, color=INK
    )


def _side(direction: FloatArray) -> str:
    """Name the side of the patient that a direction in LPS points to, and a second one where it is oblique."""
    parts = [
        (abs(float(value)), names[0] if value > 0 else names[1])
        for value, names in zip(direction, _SIDES, strict=True)
        if abs(value) > np.sin(np.radians(22.5))
    ]
    return " and ".join(name for _, name in sorted(parts, reverse=True))


def _shaded(height_mm: FloatArray, step_mm: float) -> FloatArray:
    """Brightness (n, n) of a surface in a light from above and the left; NaN where there is none."""
    seen = np.isfinite(height_mm)
    weight = ndimage.gaussian_filter(seen.astype(np.float64), _SMOOTH_MM / step_mm)
    smooth = ndimage.gaussian_filter(np.where(seen, height_mm, 0.0), _SMOOTH_MM / step_mm) / np.maximum(weight, 1e-6)
    up, right = np.gradient(smooth, step_mm)
    normal = np.stack((-right, -up, np.ones_like(up)), axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    light = np.clip(normal @ (_LIGHT / np.linalg.norm(_LIGHT)), 0.0, 1.0)
    return np.asarray(np.where(seen, _DARKEST + (1.0 - _DARKEST) * light, np.nan))
