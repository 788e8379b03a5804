"""What ``hdrplan catheters`` found on a CT: lines for a terminal, a table, and a picture to confirm them by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.cautions import Caution
from hdrplan.geometry import Volume
from hdrplan.report.axes import BAD, short
from hdrplan.tracing import TracedCatheter

__all__ = ["traced_figure", "traced_lines", "traced_table"]

# Shown to each side of a catheter, and beyond its tip; window of the CT in HU.
_SIDE_MM, _BEYOND_MM, _STEP_MM = 15.0, 20.0, 0.5
_WINDOW_HU = (-250.0, 350.0)


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
    """Draw the CT along each catheter, as if it were straight: two views at right angles, hub left, tip right.

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
        figure = Figure(figsize=(12.0, 1.75 * len(found) + 0.8), dpi=110, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(len(found), 2, squeeze=False)
        for row, one in zip(axes, found, strict=True):
            along, views = _straightened(ct, one.points_mm)
            tip_mm = along[-1] - _BEYOND_MM
            for cell, view, side in zip(row, views, ("first view", "at right angles"), strict=True):
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
                cell.set_title(f"{short(one.name)}, {side}", pad=2)
                cell.set_yticks([-10, 0, 10])
            row[0].set_ylabel("mm across")
        for cell in axes[-1]:
            cell.set_xlabel("mm from the tip (red); the catheter lies between the dashed lines")
        figure.suptitle("Look before you plan: is each a catheter, and does it end at the red line? Research use only.")
        figure.savefig(path, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)


def _straightened(ct: Volume, points_mm: FloatArray) -> tuple[FloatArray, list[FloatArray]]:
    """Return mm along a catheter and beyond its tip, and HU (n, m) in two planes that hold it."""
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
    planes = [first, np.cross(whole, first)]
    views = [np.nan_to_num(ct.at(line[:, None] + side[:, None] * plane), nan=-1024.0) for plane in planes]
    return np.concatenate((along, along[-1] + beyond)), views
