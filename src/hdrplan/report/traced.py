"""What ``hdrplan catheters`` found on a CT: lines for a terminal, a table, and a picture to confirm them by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.cautions import Caution
from hdrplan.geometry import Volume
from hdrplan.report.axes import BAD, short
from hdrplan.report.layout import save_figure
from hdrplan.report.planes import VIEWS
from hdrplan.tracing import TracedCatheter

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["traced_figure", "traced_lines", "traced_table"]

# Shown to each side of a catheter, and beyond its tip; window of the CT in HU.
_SIDE_MM, _BEYOND_MM, _STEP_MM = 15.0, 20.0, 0.5
_WINDOW_HU = (-250.0, 350.0)
# Height of the slices with all catheters, and what they show around these.
_OVERVIEW_IN, _AROUND_MM = 4.4, 30.0
# A direction is named by each axis of which it has more than this.
_OBLIQUE = 0.4


def traced_lines(found: Sequence[TracedCatheter]) -> list[str]:
    """Return one line a catheter for a terminal."""
    width = max((len(short(one.name, 24)) for one in found), default=0)
    return [
        f"{short(one.name, 24):<{width}}  {one.inside_mm:4.0f} mm inside, seen along {one.confidence:4.0%}, "
        f"{'brighter' if one.contrast_hu > 0 else 'darker'} by {abs(one.contrast_hu):.0f} HU, "
        f"± {np.median(one.sigma_mm):.1f} mm, tip ± {one.tip_sigma_mm:.1f} mm "
        f"at ({', '.join(f'{v:.1f}' for v in one.points_mm[-1])})"
        for one in found
    ]


def traced_table(found: Sequence[TracedCatheter], doubts: Sequence[Caution]) -> dict[str, object]:
    """Return what was found, for JSON."""
    return {
        "schema": "hdrplan.catheters/1",
        "catheters": [
            {
                "name": one.name,
                "hub_to_tip_mm_lps": one.points_mm.round(2).tolist(),
                "sigma_mm": one.sigma_mm.round(2).tolist(),
                "tip_sigma_mm": round(one.tip_sigma_mm, 2),
                "contrast_hu": round(one.contrast_hu, 0),
                "seen_frac": round(one.confidence, 3),
                "inside_mm": round(one.inside_mm, 1),
                "is_metal": one.is_metal,
                "leaves_scan": one.leaves_scan,
            }
            for one in found
        ],
        "warnings": [doubt.table() for doubt in doubts],
    }


def traced_figure(ct: Volume, found: Sequence[TracedCatheter], path: Path) -> None:
    """Draw all catheters over two slices, and the CT along each as if it were straight, from two sides, tip right.

    Parameters
    ----------
    ct : Volume
    found : sequence of TracedCatheter
    path : Path
        .png, .svg or .pdf.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with rc_context({"font.size": 8.0, "axes.titlesize": 9.0, "svg.hashsalt": "hdrplan"}):
        figure = Figure(figsize=(12.0, 1.75 * len(found) + 0.8 + _OVERVIEW_IN), dpi=110, layout="constrained")
        FigureCanvasAgg(figure)
        heights = [_OVERVIEW_IN, *(1.75 for _ in found)]
        axes = figure.subplots(len(found) + 1, 2, squeeze=False, height_ratios=heights)
        for cell, name in zip(axes[0], ("axial", "coronal"), strict=True):
            _draw_overview(cell, ct, found, name)
        for row, one in zip(axes[1:], found, strict=True):
            along, views, ups = _straightened(ct, one.points_mm)
            tip_mm = along[-1] - _BEYOND_MM
            for cell, view, up in zip(row, views, ups, strict=True):
                cell.imshow(
                    view.T,
                    cmap="gray",
                    vmin=_WINDOW_HU[0],
                    vmax=_WINDOW_HU[1],
                    extent=(-tip_mm, along[-1] - tip_mm, -_SIDE_MM, _SIDE_MM),
                    origin="lower",
                    aspect="equal",
                    interpolation="bilinear",
                )
                cell.axvline(0.0, color=BAD, lw=0.8)
                # The line itself stays free: what lies under it is what is to be looked at.
                for edge in (-4.0, 4.0):
                    cell.axhline(edge, color="#e0a021", lw=0.6, ls=(0, (4, 4)), xmax=tip_mm / along[-1])
                cell.set_title(f"{short(one.name)}, up is {up}", pad=2)
                cell.set_yticks([-10, 0, 10])
            row[0].set_ylabel("mm across")
        for cell in axes[-1]:
            cell.set_xlabel("mm from the tip (red); the catheter lies between the dashed lines")
        figure.suptitle("Look before you plan: is each a catheter, and does it end at the red line? Research use only.")
        save_figure(figure, path)


def _draw_overview(axes: Axes, ct: Volume, found: Sequence[TracedCatheter], name: str) -> None:
    """Draw one slice of the CT through the middle of the tips, and all catheters as seen through it."""
    from matplotlib.patheffects import withStroke

    view = VIEWS[name]
    tips = np.array([one.points_mm[-1] for one in found])
    ends = np.concatenate([one.points_mm for one in found])
    low, high = ends.min(axis=0) - _AROUND_MM, ends.max(axis=0) + _AROUND_MM
    u, v = (np.arange(low[axis], high[axis], 1.0) for axis in (view.across, view.down))
    at = np.empty((len(v), len(u), 3))
    at[..., view.across], at[..., view.down] = u, v[:, None]
    at[..., view.normal] = tips[:, view.normal].mean()
    hu = np.nan_to_num(ct.at(at), nan=-1024.0)
    extent = (u[0], u[-1], v[0], v[-1])
    axes.imshow(hu, cmap="gray", vmin=_WINDOW_HU[0], vmax=_WINDOW_HU[1], extent=extent, origin="lower", aspect="equal")
    ends_uv = [np.array([one.points_mm[end] for one in found])[:, [view.across, view.down]] for end in (-1, 0)]
    named = int(np.argmax([_closest(uv) for uv in ends_uv]))  # at the ends that lie farther apart
    for k, one in enumerate(found):
        colour = f"C{k % 10}"
        axes.plot(one.points_mm[:, view.across], one.points_mm[:, view.down], color=colour, lw=1.2)
        axes.plot(*ends_uv[0][k], ".", color=colour)
        at_uv = (float(ends_uv[named][k, 0]), float(ends_uv[named][k, 1]))
        axes.annotate(
            short(one.name, 12), at_uv, color=colour, ha="center", va="bottom", weight="bold", fontsize=7,
            path_effects=[withStroke(linewidth=2, foreground="k")],
        )  # fmt: skip
    axes.set_ylim((v[0], v[-1]) if view.upward else (v[-1], v[0]))
    for (x, y), text in zip(((0.02, 0.5), (0.98, 0.5), (0.5, 0.95), (0.5, 0.04)), view.edges, strict=True):
        axes.text(x, y, text, transform=axes.transAxes, color="w", ha="center", va="center", weight="bold")
    axes.set(xticks=[], yticks=[])
    axes.set_title(f"{name.capitalize()} slice in the middle of the tips (dots), all catheters on it", pad=2)


def _closest(at: FloatArray) -> float:
    """Least distance of two of some points."""
    away = np.linalg.norm(at[:, None] - at, axis=2)
    np.fill_diagonal(away, np.inf)
    return float(away.min())


def _side(direction: FloatArray) -> str:
    """Where a direction (LPS) points, its largest part first: "superior and left"."""
    names = (("right", "left"), ("anterior", "posterior"), ("inferior", "superior"))
    order = [int(k) for k in np.argsort(-np.abs(direction)) if abs(direction[k]) > _OBLIQUE]
    return " and ".join(names[k][int(direction[k] > 0)] for k in order)


def _straightened(ct: Volume, points_mm: FloatArray) -> tuple[FloatArray, list[FloatArray], list[str]]:
    """Return mm along a catheter and beyond its tip, HU (n, m) in two planes that hold it, and where these point."""
    length = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(points_mm, axis=0), axis=1))))
    along = np.arange(0.0, length[-1], _STEP_MM)
    line = np.stack([np.interp(along, length, points_mm[:, k]) for k in range(3)], axis=1)
    heading = line[-1] - line[max(0, len(line) - 40)]
    heading /= np.linalg.norm(heading)
    beyond = np.arange(_STEP_MM, _BEYOND_MM + _STEP_MM, _STEP_MM)
    line = np.concatenate((line, line[-1] + beyond[:, None] * heading))
    whole = np.asarray(points_mm[-1] - points_mm[0])
    whole = whole / np.linalg.norm(whole)
    # One direction for the whole way, so that the picture does not turn with the tube.
    first = np.cross(whole, np.eye(3)[int(np.abs(whole).argmin())])
    first /= np.linalg.norm(first)
    side = np.arange(-_SIDE_MM, _SIDE_MM + _STEP_MM, _STEP_MM)
    # Up is superior, anterior or left: what most of the direction is.
    toward = np.array([1.0, -1.0, 1.0])
    planes = [
        plane * np.sign((plane * toward)[int(np.abs(plane).argmax())]) for plane in (first, np.cross(whole, first))
    ]
    views = [np.nan_to_num(ct.at(line[:, None] + side[:, None] * plane), nan=-1024.0) for plane in planes]
    return np.concatenate((along, along[-1] + beyond)), views, [_side(plane) for plane in planes]
