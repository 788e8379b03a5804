"""Planned catheters as an interventionalist looks at them: slices, each needle's own plane, its view, the curve."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import map_coordinates

from hdrplan.arrays import FloatArray
from hdrplan.geometry import Catheter, Structure, Volume, rim_mm
from hdrplan.report.page import page
from hdrplan.report.palette import styles_of
from hdrplan.report.planes import VIEWS, View
from hdrplan.workflow import PlaceResult, is_bone

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["fact_lines", "placement_figure", "placement_html"]

_NEEDLES = ("#ffd92e", "#4ade80", "#38bdf8", "#fb923c", "#f472b6", "#c4b5fd", "#fca5a5", "#99f6e4")
# A needle within this distance of a slice is drawn whole, elsewhere dotted.
_NEAR_MM = 4.0
_WINDOW_HU = (-120.0, 220.0)
# A contour of a mask is drawn where its interpolated value is one half.
_HALF = 0.5


def placement_figure(result: PlaceResult, path: Path) -> None:
    """Draw a placement on one page.

    Parameters
    ----------
    result : PlaceResult
    path : Path
        .png, .svg or .pdf.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    catheters = result.case.catheters
    columns = 4
    rows = 2 + -(-len(catheters) // columns)
    with rc_context({"font.size": 8.0, "axes.titlesize": 9.0, "svg.hashsalt": "hdrplan"}):
        figure = Figure(figsize=(4.1 * columns, 3.9 * rows), dpi=110, layout="constrained")
        FigureCanvasAgg(figure)
        spec = figure.add_gridspec(rows, columns)
        focus = _focus_mm(result)
        for k, (name, view) in enumerate(VIEWS.items()):
            _draw_slice(figure.add_subplot(spec[0, k]), result, name, view, focus)
        _draw_body(figure.add_subplot(spec[0, 3], projection="3d"), result)
        _draw_needle_view(figure.add_subplot(spec[1, 0]), result)
        _draw_curve(figure.add_subplot(spec[1, 1]), result)
        _draw_d100(figure.add_subplot(spec[1, 2]), result)
        _draw_facts(figure.add_subplot(spec[1, 3]), result)
        for k, catheter in enumerate(catheters):
            _draw_needle(figure.add_subplot(spec[2 + k // columns, k % columns]), result, catheter, k)
        figure.suptitle(
            f"{result.case.name}: {len(catheters)} planned catheters. Research use only, never for treatment.",
            fontsize=11.0,
        )
        figure.savefig(path, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)


def _focus_mm(result: PlaceResult) -> FloatArray:
    ctv = result.case.ctvs[0]
    return np.asarray(ctv.grid.world(np.argwhere(ctv.mask_zyx)[:, ::-1].mean(axis=0)))


def _colours(result: PlaceResult) -> dict[str, str]:
    roles = {s.name: s.role for s in result.case.structures}
    return {name: style["colour"] for name, style in styles_of(roles).items()}


def _values(volume: Volume, points_mm: FloatArray, order: int = 1) -> FloatArray:
    """Values at points of any shape (..., 3); NaN outside the grid."""
    flat = points_mm.reshape(-1, 3)
    index = volume.grid.index(flat)
    values = map_coordinates(volume.values_zyx.astype(np.float32), index.T[::-1], order=order, mode="nearest")
    return np.asarray(np.where(volume.grid.contains(flat), values, np.nan).reshape(points_mm.shape[:-1]))


def _draw_plane(axes: Axes, result: PlaceResult, points_mm: FloatArray, u_mm: FloatArray, v_mm: FloatArray) -> None:
    """CT, structures and the prescription isodose on any plane; ``points_mm`` is (n_v, n_u, 3)."""
    extent = (float(u_mm[0]), float(u_mm[-1]), float(v_mm[0]), float(v_mm[-1]))
    if result.case.ct is not None:
        ct = np.nan_to_num(_values(result.case.ct, points_mm), nan=-1000.0)
        axes.imshow(
            ct, cmap="gray", vmin=_WINDOW_HU[0], vmax=_WINDOW_HU[1], extent=extent, origin="lower", aspect="equal"
        )
    colours = _colours(result)
    avoided = set(result.room.names)
    for structure in result.case.structures:
        if structure.role != "CTV" and structure.name not in avoided and structure.name != result.case.healthy:
            continue
        mask = Volume(structure.grid, structure.mask_zyx.astype(np.float32))
        level = np.nan_to_num(_values(mask, points_mm))
        if level.max() <= _HALF:
            continue
        thick = 1.8 if structure.role == "CTV" else 0.9
        colour = colours[structure.name]
        if structure.name in avoided:
            axes.contourf(u_mm, v_mm, level, levels=[_HALF, 2.0], colors=[colour], alpha=0.28)
        axes.contour(u_mm, v_mm, level, levels=[_HALF], colors=[colour], linewidths=thick)
    dose = np.nan_to_num(_values(result.planned.dose, points_mm))
    wanted = result.planned.goals.prescriptions[0].dose_gy
    if dose.max() > wanted:
        axes.contour(u_mm, v_mm, dose, levels=[wanted], colors=["#ff9a1f"], linewidths=1.1, linestyles="--")
    axes.set_facecolor("black")
    axes.set_xlim(extent[0], extent[1])


def _span(result: PlaceResult, axis: int) -> tuple[float, float]:
    """Range along an LPS axis that shows the catheters and the lesions with some room."""
    ends = np.concatenate([c.points_mm for c in result.case.catheters] + [rim_mm(s) for s in result.case.ctvs])
    return float(ends[:, axis].min() - 35.0), float(ends[:, axis].max() + 35.0)


def _draw_slice(axes: Axes, result: PlaceResult, name: str, view: View, focus_mm: FloatArray) -> None:
    u = np.arange(*_span(result, view.across), 1.0)
    v = np.arange(*_span(result, view.down), 1.0)
    points = np.empty((len(v), len(u), 3))
    points[..., view.across], points[..., view.down] = u[None, :], v[:, None]
    points[..., view.normal] = focus_mm[view.normal]
    _draw_plane(axes, result, points, u, v)
    for k, catheter in enumerate(result.case.catheters):
        line = _line(catheter)
        near = np.abs(line[:, view.normal] - focus_mm[view.normal]) <= _NEAR_MM
        colour = _NEEDLES[k % len(_NEEDLES)]
        axes.plot(line[:, view.across], line[:, view.down], ":", color=colour, lw=1.0)
        across, down = (np.where(near, line[:, k], np.nan) for k in (view.across, view.down))
        axes.plot(across, down, color=colour, lw=2.4)
        axes.plot(*line[0, [view.across, view.down]], "o", color=colour, ms=4, mec="k")
        _number(axes, k, *line[0, [view.across, view.down]])
    axes.set_ylim((v[0], v[-1]) if view.upward else (v[-1], v[0]))
    for (x, y), text in zip(((0.02, 0.5), (0.98, 0.5), (0.5, 0.97), (0.5, 0.03)), view.edges, strict=True):
        axes.text(x, y, text, transform=axes.transAxes, color="w", ha="center", va="center", weight="bold")
    axes.set_title(f"{name} through the middle of {result.case.ctvs[0].name} (dotted: off the slice)", fontsize=9)
    axes.set(xticks=[], yticks=[])


def _number(axes: Axes, k: int, x: float, y: float) -> None:
    """Write a needle's number beside its entry."""
    from matplotlib.patheffects import withStroke

    axes.annotate(
        f"{k + 1}", (x, y), xytext=(-7, 4), textcoords="offset points", ha="center", fontsize=8, weight="bold",
        color=_NEEDLES[k % len(_NEEDLES)], path_effects=[withStroke(linewidth=2, foreground="k")], zorder=6,
    )  # fmt: skip


def _line(catheter: Catheter) -> FloatArray:
    t = np.linspace(0.0, 1.0, 200)[:, None]
    return np.asarray(catheter.points_mm[0] + t * (catheter.points_mm[-1] - catheter.points_mm[0]))


def _draw_needle(axes: Axes, result: PlaceResult, catheter: Catheter, k: int) -> None:
    """Draw the plane that holds the needle and lies nearest to the axial one, skin on the left."""
    entry, tip = catheter.points_mm[0], catheter.points_mm[-1]
    along = (tip - entry) / np.linalg.norm(tip - entry)
    across = np.cross(np.array([0.0, 0.0, 1.0]), along)
    if np.linalg.norm(across) < 0.2:
        across = np.cross(np.array([1.0, 0.0, 0.0]), along)
    across /= np.linalg.norm(across)
    u = np.arange(-25.0, np.linalg.norm(tip - entry) + 30.0, 1.0)
    v = np.arange(-45.0, 45.0, 1.0)
    points = entry + u[None, :, None] * along + v[:, None, None] * across
    _draw_plane(axes, result, points, u, v)
    colour = _NEEDLES[k % len(_NEEDLES)]
    axes.plot([0.0, float(np.linalg.norm(tip - entry))], [0.0, 0.0], color=colour, lw=1.6)
    dwells, times = result.planned.plan.dwells, result.planned.plan.times_s
    mine = (dwells.catheter == k) & (times > 0)
    at = (dwells.positions_mm[mine] - entry) @ along
    axes.scatter(at, np.zeros(len(at)), s=16 + 60 * times[mine] / max(times.max(), 1e-9), color=colour, ec="k", lw=0.4)
    near = ", ".join(f"{name} {mm:.0f}" for name, mm in list(result.clear_mm[k].items())[:2])
    axes.set_ylim(v[0], v[-1])
    axes.set_title(
        f"{catheter.name}: {np.linalg.norm(tip - entry):.0f} mm from the skin\nnearest (mm): {near}", fontsize=8
    )
    axes.set(xticks=[], yticks=[])
    axes.plot([5, 25], [-40, -40], color="w", lw=2)
    axes.text(15, -38, "20 mm", color="w", ha="center", va="bottom", fontsize=7)


def _cloud(structure: Structure, most: int) -> FloatArray:
    points = rim_mm(structure)
    return points[:: max(1, len(points) // most)]


def _draw_body(axes: Any, result: PlaceResult) -> None:
    """Skin, bones, lesion and needles in space."""
    low = np.array([_span(result, k)[0] + 5 for k in range(3)])
    high = np.array([_span(result, k)[1] - 5 for k in range(3)])
    colours = _colours(result)
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
    for points, colour, size, alpha, most in parts:
        seen = points[((points >= low) & (points <= high)).all(axis=1)]
        axes.scatter(*seen[:: max(1, len(seen) // most)].T, s=size, color=colour, alpha=alpha, lw=0)
    for k, catheter in enumerate(result.case.catheters):
        axes.plot(*catheter.points_mm.T, color="k", lw=3.4)
        axes.plot(*catheter.points_mm.T, color=_NEEDLES[k % len(_NEEDLES)], lw=2.2)
        axes.plot(*catheter.points_mm[:1].T, "o", color=_NEEDLES[k % len(_NEEDLES)], mec="k", ms=5)
        axes.text(*catheter.points_mm[0], f" {k + 1}", weight="bold", zorder=9)
    entry = np.mean([c.points_mm[0] - c.points_mm[-1] for c in result.case.catheters], axis=0)
    axes.view_init(elev=20, azim=float(np.degrees(np.arctan2(entry[1], entry[0]))) + 40)
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), zlim=(low[2], high[2]))
    axes.set_box_aspect((high - low) / (high - low).max(), zoom=1.25)
    axes.set_axis_off()
    axes.set_title("Skin, bones, organs, lesion and needles")


def _draw_needle_view(axes: Axes, result: PlaceResult) -> None:
    """Draw what lies in front along the mean direction of the needles, seen from the skin."""
    ends = np.array([[c.points_mm[0], c.points_mm[-1]] for c in result.case.catheters])
    along = (ends[:, 1] - ends[:, 0]).mean(axis=0)
    along /= np.linalg.norm(along)
    right = np.cross(along, np.array([0.0, 0.0, 1.0]))
    right = right / np.linalg.norm(right) if np.linalg.norm(right) > 0.2 else np.array([1.0, 0.0, 0.0])
    up = np.cross(right, along)
    focus = _focus_mm(result)
    colours = _colours(result)
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
        colour = _NEEDLES[k % len(_NEEDLES)]
        a, b = a - focus, b - focus
        axes.plot([a @ right, b @ right], [a @ up, b @ up], color="k", lw=2.6, zorder=3)
        axes.plot([a @ right, b @ right], [a @ up, b @ up], color=colour, lw=1.6, zorder=4)
        axes.plot(a @ right, a @ up, "o", color=colour, mec="k", ms=6, zorder=5)
        _number(axes, k, a @ right, a @ up)
    axes.set_aspect("equal")
    axes.set(xticks=[], yticks=[], xlim=(-85, 85), ylim=(-85, 85))
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=6, loc="lower left", markerscale=4, framealpha=0.8, ncols=2)
    axes.set_title("Along the needles from the skin (dots: entries)")


def _draw_curve(axes: Axes, result: PlaceResult) -> None:
    curve = result.placement.curve
    held = [one for one in curve if one.chosen]
    axes.plot([o.count for o in held], [o.value for o in held], "o-", color="#2e8fd0", label="best set found")
    bounded = [one for one in curve if np.isfinite(one.bound)]
    axes.plot(
        [o.count for o in bounded], [o.bound for o in bounded], "v--", color="#d98200", label="no set does better"
    )
    axes.axhline(result.placement.every_value, color="0.4", lw=0.9, ls=":", label=f"all {len(result.ways)} at once")
    axes.plot(result.chosen.count, result.chosen.value, "o", ms=12, mfc="none", mec="k", label="chosen")
    axes.set(xlabel="Catheters", ylabel=f"{result.placement.objective} ({result.placement.unit})")
    axes.set_ylim(0, None)
    axes.set_xticks([o.count for o in curve])
    axes.grid(color="0.9")
    axes.legend(fontsize=7)
    axes.set_title("What one more catheter saves")


def _draw_d100(axes: Axes, result: PlaceResult) -> None:
    curve = result.placement.curve
    wanted = result.planned.goals.prescriptions[0].dose_gy
    axes.plot([o.count for o in curve], [o.d100_gy for o in curve], "o-", color="#2e8fd0", label="best set found")
    axes.plot([o.count for o in curve], [o.d100_bound_gy for o in curve], "^--", color="#d98200", label="at most")
    axes.axhline(wanted, color="0.4", lw=0.9, ls="--")
    axes.set(xlabel="Catheters", ylabel="D100 (Gy)")
    axes.set_xticks([o.count for o in curve])
    axes.grid(color="0.9")
    axes.legend(fontsize=7, loc="lower right")
    axes.set_title(f"D100 at the {result.placement.objective} of {curve[-1].count} catheters")


def _draw_facts(axes: Axes, result: PlaceResult) -> None:
    axes.axis("off")
    lines = [part for line in fact_lines(result) for part in wrap(line, 62, subsequent_indent="   ") or [""]]
    axes.text(0.0, 1.0, "\n".join(lines), va="top", fontsize=7.5)


def fact_lines(result: PlaceResult) -> Sequence[str]:
    """Return what was chosen and what is proven, in lines."""
    chosen, placement = result.chosen, result.placement
    score = result.planned.score.structures
    lines = [
        f"{result.ways.tried} lines looked at, {result.found} free, {len(result.ways)} to choose from",
        f"{chosen.count} catheter{'s' * (chosen.count > 1)}: {placement.objective} {chosen.value:.3f} {placement.unit}",
        f"no {chosen.count} of these candidates below {chosen.bound:.3f} ({100 * chosen.gap_frac:.2f} %)",
    ]
    if placement.left_out:
        lines.append(f"the bound leaves out: {'; '.join(placement.left_out)}")
    for ctv in result.case.ctvs:
        m = score[ctv.name]
        lines.append(f"{ctv.name}: D100 {m['d100_gy']:.2f} Gy, D50 {m['d50_gy']:.1f} Gy, {m['volume_cc']:.1f} cc")
    lines.append(f"{result.planned.plan.total_time_s:.0f} s at {result.planned.plan.strength_u:g} U")
    wanted = result.planned.goals.prescriptions[0].dose_gy
    lines += ["", f"Dashed in the pictures: {wanted:g} Gy. Numbers: needles, at their entries.", "margins kept (mm): "]
    names = dict(zip(result.room.names, result.room.margins_mm.tolist(), strict=True))
    for margin in sorted(set(names.values())):
        lines.append(f"  {margin:g}: {', '.join(n for n, m in names.items() if m == margin)}")
    return lines


def placement_html(result: PlaceResult, picture: Path, *, version: str) -> str:
    """Return one self-contained page: facts, curve with bounds, catheters, the picture.

    Parameters
    ----------
    result : PlaceResult
    picture : Path
        The PNG that :func:`placement_figure` wrote.
    version : str
    """
    rows = [
        {
            "name": catheter.name,
            "entry": " ".join(f"{v:.0f}" for v in catheter.points_mm[0]),
            "tip": " ".join(f"{v:.0f}" for v in catheter.points_mm[-1]),
            "length": f"{result.ways.length_mm[row]:.0f}",
            "tilt": f"{result.ways.tilt_deg[row]:.0f}",
            "slant": f"{result.ways.slant_deg[row]:.0f}",
            "near": ", ".join(f"{name} {mm:.1f}" for name, mm in near.items()),
        }
        for catheter, row, near in zip(result.case.catheters, result.chosen.chosen, result.clear_mm, strict=True)
    ]
    stopped = [{"what": what, "share": f"{100 * n / result.ways.tried:.1f}"} for what, n in result.ways.blocked.items()]
    return page(
        "place.html.j2",
        title=f"Placement of {result.case.name}",
        version=version,
        pictures=True,
        facts=fact_lines(result),
        objective=result.placement.objective,
        unit=result.placement.unit,
        curve=result.placement.curve,
        chosen=result.chosen,
        rows=rows,
        stopped=stopped,
        picture=base64.b64encode(picture.read_bytes()).decode(),
    )
