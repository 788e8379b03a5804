"""Plots that need no script: the DVH with its goals, and the time of each catheter, as inline SVG.

Only numbers and escaped names go in; the template marks the result safe.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup, escape

from hdrplan.arrays import FloatArray
from hdrplan.report.data import Curve, GoalRow
from hdrplan.report.palette import LineStyle

__all__ = ["axis_end_gy", "dvh_svg", "nice_ticks", "thinned"]

_LEFT, _TOP, _WIDTH, _HEIGHT = 62, 26, 720, 340
_SIZE = (_LEFT + _WIDTH + 18, _TOP + _HEIGHT + 52)


def nice_ticks(top: float, wanted: int = 8) -> list[float]:
    """Round tick values from 0 to at most ``top``: steps of 1, 2 or 5 times a power of ten."""
    raw = max(top, 1e-9) / wanted
    power = 10.0 ** np.floor(np.log10(raw))
    step = next(float(m * power) for m in (1, 2, 5, 10) if m * power >= raw * 0.999)
    return [round(k * step, 10) for k in range(int(top / step + 1e-9) + 1)]


def thinned(curve: Curve, gy_max: float) -> FloatArray:
    """Points (dose_gy, volume_frac) of a curve up to ``gy_max``, half a pixel of the plot apart."""
    inside = curve.dose_gy <= gy_max
    points = np.column_stack((curve.dose_gy, curve.volume_frac))[inside]
    if inside.sum() < len(inside):
        points = np.vstack((points, [gy_max, np.interp(gy_max, curve.dose_gy, curve.volume_frac)]))
    if len(points) == 0 or points[0, 0] > 0:
        points = np.vstack(([0.0, 1.0], points))
    pixels = points * [_WIDTH / gy_max, _HEIGHT]
    keep = [0]
    for k in range(1, len(points) - 1):
        if np.abs(pixels[k] - pixels[keep[-1]]).max() >= 0.5:
            keep.append(k)
    return points[sorted({*keep, len(points) - 1})]


def axis_end_gy(goals: Sequence[GoalRow], prescription_gy: float) -> float:
    """Where the dose axis ends: 2.5 times the prescription, or beyond the last goal."""
    return max([2.5 * prescription_gy, *(1.1 * g.mark_gy for g in goals if g.mark_gy is not None)])


def _x(gy: float, gy_max: float) -> str:
    return f"{_LEFT + _WIDTH * min(gy / gy_max, 1.0):.1f}"


def _y(frac: float) -> str:
    return f"{_TOP + _HEIGHT * (1 - frac):.1f}"


def _axes(gy_max: float, prescription_gy: float | None) -> list[str]:
    """Grid lines, ticks, axis titles and the prescribed dose."""
    bottom, right, middle = _TOP + _HEIGHT, _LEFT + _WIDTH, _TOP + _HEIGHT / 2
    out = []
    for gy in nice_ticks(gy_max, 10):
        x = _x(gy, gy_max)
        out.append(f'<line class="grid" x1="{x}" x2="{x}" y1="{_TOP}" y2="{bottom}"/>')
        out.append(f'<text class="tick" x="{x}" y="{bottom + 18}" text-anchor="middle">{gy:g}</text>')
    for percent in range(0, 101, 20):
        y = _y(percent / 100)
        out.append(f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y}" y2="{y}"/>')
        out.append(f'<text class="tick" x="{_LEFT - 8}" y="{y}" dy="4" text-anchor="end">{percent}</text>')
    centred = 'class="axis" text-anchor="middle"'
    out.append(f'<text {centred} x="{_LEFT + _WIDTH / 2}" y="{_SIZE[1] - 8}">Dose (Gy)</text>')
    out.append(f'<text {centred} x="16" y="{middle}" transform="rotate(-90 16 {middle})">Volume (%)</text>')
    if prescription_gy is None:
        return out
    x = _x(prescription_gy, gy_max)
    out.append(f'<line class="rx" x1="{x}" x2="{x}" y1="{_TOP}" y2="{bottom}"/>')
    out.append(
        f'<text class="rx-label" x="{x}" y="{_TOP - 10}" text-anchor="middle">{prescription_gy:g} Gy prescribed</text>'
    )
    return out


def dvh_svg(
    curves: Sequence[Curve],
    styles: Sequence[LineStyle],
    goals: Sequence[GoalRow],
    prescription_gy: float | None,
    *,
    gy_max: float,
) -> Markup:
    """Cumulative DVHs of all structures, goals as triangles that point to the allowed side.

    Parameters
    ----------
    curves : sequence of Curve
    styles : sequence of {"colour": ..., "dash": [...]}
        One for each curve.
    goals : sequence of GoalRow
        Those with a place in the plot are drawn in.
    prescription_gy : float or None
        Drawn as a vertical line.
    gy_max : float
        Where the dose axis ends.

    Returns
    -------
    Markup
        An ``svg`` element with the id ``dvh``; its data attributes tell the script where the axes lie.
    """
    marks = [(g, g.mark_gy, g.mark_frac) for g in goals if g.mark_gy is not None and g.mark_frac is not None]
    out = [
        f'<svg id="dvh" viewBox="0 0 {_SIZE[0]} {_SIZE[1]}" role="img" aria-labelledby="dvh-title" '
        f'data-left="{_LEFT}" data-top="{_TOP}" data-width="{_WIDTH}" data-height="{_HEIGHT}" '
        f'data-gy-max="{gy_max:g}">',
        '<title id="dvh-title">Cumulative dose-volume histograms; the values are in the table below.</title>',
        *_axes(gy_max, prescription_gy),
    ]
    names = [c.name for c in curves]
    for rank, (curve, style) in enumerate(zip(curves, styles, strict=True)):
        dash = f' stroke-dasharray="{" ".join(str(d) for d in style["dash"])}"' if style["dash"] else ""
        line = "L".join(f"{_x(gy, gy_max)},{_y(frac)}" for gy, frac in thinned(curve, gy_max))
        out.append(
            f'<path data-curve="{rank}" class="curve" d="M{line}" stroke="{style["colour"]}" '
            f'stroke-width="{2.6 if curve.role == "CTV" else 1.7}"{dash}><title>{escape(curve.name)}</title></path>'
        )
    for goal, gy, frac in marks:
        rank = names.index(goal.structure) if goal.structure in names else -1
        x, y = float(_x(gy, gy_max)), float(_y(frac))
        # The triangle points to where the curve must pass: right for "at least", left for "at most".
        side = 9 if goal.is_minimum else -9
        state = "unknown" if goal.met is None else "met" if goal.met else "missed"
        out.append(
            f'<path data-curve="{rank}" class="goal {state}" '
            f'd="M{x:.1f},{y - 6:.1f}L{x:.1f},{y + 6:.1f}L{x + side:.1f},{y:.1f}Z">'
            f"<title>{escape(goal.structure)}: {escape(goal.goal)}, {escape(goal.reached)}</title></path>"
        )
    out.append(f'<line class="hover-line" y1="{_TOP}" y2="{_TOP + _HEIGHT}" visibility="hidden"/>')
    out.append('<circle class="hover-dot" r="4" visibility="hidden"/></svg>')
    return Markup("".join(out))
