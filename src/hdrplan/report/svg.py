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
# Names of goals: width of a letter of 11 px, and how many lines up there may be room.
_LETTER, _MAXIMUM_RISE = 6.1, 12


def nice_ticks(top: float, wanted: int = 8) -> list[float]:
    """Round tick values from 0 to at most ``top``: steps of 1, 2 or 5 times a power of ten."""
    raw = max(top, 1e-9) / wanted
    power = 10.0 ** np.floor(np.log10(raw))
    step = next(float(m * power) for m in (1, 2, 5, 10) if m * power >= raw * 0.999)
    return [round(k * step, 10) for k in range(int(top / step + 1e-9) + 1)]


def thinned(curve: Curve, gy_max: float, apart_px: float = 0.5) -> FloatArray:
    """Points (dose_gy, volume_frac) of a curve up to ``gy_max``, at least so many pixels of the plot apart."""
    inside = curve.dose_gy <= gy_max
    points = np.column_stack((curve.dose_gy, curve.volume_frac))[inside]
    if inside.sum() < len(inside):
        points = np.vstack((points, [gy_max, np.interp(gy_max, curve.dose_gy, curve.volume_frac)]))
    if len(points) == 0 or points[0, 0] > 0:
        points = np.vstack(([0.0, 1.0], points))
    # Plain numbers: twenty times as fast as arrays of two.
    pixels = (points * [_WIDTH / gy_max, _HEIGHT]).tolist()
    keep, (x, y) = [0], pixels[0]
    for k, (at_x, at_y) in enumerate(pixels[1:-1], start=1):
        if abs(at_x - x) >= apart_px or abs(at_y - y) >= apart_px:
            keep.append(k)
            x, y = at_x, at_y
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
    out = ['<g class="axes">']
    for gy in nice_ticks(gy_max, 10):
        x = _x(gy, gy_max)
        out.append(f'<line class="grid" x1="{x}" x2="{x}" y1="{_TOP}" y2="{bottom}"/>')
        out.append(f'<text class="tick" x="{x}" y="{bottom + 18}" text-anchor="middle">{gy:g}</text>')
    for percent in range(0, 101, 20):
        y = _y(percent / 100)
        out.append(f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y}" y2="{y}"/>')
        out.append(f'<text class="tick" x="{_LEFT - 8}" y="{y}" dy="4" text-anchor="end">{percent}</text>')
    out.append("</g>")
    centred = 'class="axis" text-anchor="middle"'
    out.append(f'<text {centred} x="{_LEFT + _WIDTH / 2}" y="{_SIZE[1] - 8}">Dose (Gy)</text>')
    out.append(
        f'<text {centred} id="dvh-volume" x="16" y="{middle}" transform="rotate(-90 16 {middle})">Volume (%)</text>'
    )
    if prescription_gy is None:
        return out
    out.append(
        f'<g class="at" data-gy="{prescription_gy:g}" transform="translate({_x(prescription_gy, gy_max)},0)">'
        f'<line class="rx" y1="{_TOP}" y2="{bottom}"/><text class="rx-label" y="{_TOP - 10}" text-anchor="middle">'
        f"{prescription_gy:g} Gy prescribed</text></g>"
    )
    return out


def _goal_marks(curves: Sequence[Curve], goals: Sequence[GoalRow], gy_max: float) -> list[str]:
    """Goals as triangles that point to where the curve must pass (right: at least, left: at most), with their names."""
    names = [c.name for c in curves]
    out: list[str] = []
    taken: list[tuple[float, float, float, float]] = []
    for goal in goals:
        if goal.mark_gy is None or goal.mark_frac is None:
            continue
        rank = names.index(goal.structure) if goal.structure in names else -1
        x, y = float(_x(goal.mark_gy, gy_max)), float(_y(goal.mark_frac))
        side = 9 if goal.is_minimum else -9
        state = "unknown" if goal.met is None else "met" if goal.met else "missed"
        words = f"{goal.structure} {goal.goal}"
        out.append(
            f'<g class="goal {state}" data-curve="{rank}" data-gy="{goal.mark_gy:g}" data-frac="{goal.mark_frac:.6g}" '
            f'transform="translate({x:.1f},{y:.1f})"><title>{escape(words)}, {escape(goal.reached)}</title>'
            f'<path d="M0,-6L0,6L{side},0Z"/>{_goal_label(words, x, y, taken)}</g>'
        )
    return out


def _goal_label(words: str, x: float, y: float, taken: list[tuple[float, float, float, float]]) -> str:
    """Name of a goal where no other name is, with a line to its triangle; nothing where there is no room."""
    width = _LETTER * len(words)
    # Beside it, below it at the top of the plot, or as far above it as there is room.
    for rise in (0, -1, -2, *range(1, _MAXIMUM_RISE)):
        for end in (False, True):
            left = x - 13 - width if end else x + 13
            baseline = y + 4 - 15 * rise
            box = (left, baseline - 11, left + width, baseline + 3)
            inside = (
                box[0] >= _LEFT + 2 and box[2] <= _LEFT + _WIDTH and box[1] >= _TOP and box[3] <= _TOP + _HEIGHT + 3
            )
            if inside and not any(box[0] < t[2] and box[2] > t[0] and box[1] < t[3] and box[3] > t[1] for t in taken):
                taken.append(box)
                at, up = (-13 if end else 13), -15 * rise
                line = (
                    f'<path class="lead" d="M0,{-7 if rise > 0 else 7}L{at - 2 if at > 0 else at + 2},{up}"/>'
                    if rise
                    else ""
                )
                anchor = ' text-anchor="end"' if end else ""
                return f'{line}<text x="{at}" y="{up + 4}"{anchor}>{escape(words)}</text>'
    return ""


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
    out = [
        f'<svg id="dvh" viewBox="0 0 {_SIZE[0]} {_SIZE[1]}" role="img" aria-labelledby="dvh-title" '
        f'data-left="{_LEFT}" data-top="{_TOP}" data-width="{_WIDTH}" data-height="{_HEIGHT}" '
        f'data-gy-max="{gy_max:g}">',
        '<title id="dvh-title">Cumulative dose-volume histograms; the values are in the table below.</title>',
        *_axes(gy_max, prescription_gy),
    ]
    for rank, (curve, style) in enumerate(zip(curves, styles, strict=True)):
        dash = f' stroke-dasharray="{" ".join(str(d) for d in style["dash"])}"' if style["dash"] else ""
        line = "L".join(f"{_x(gy, gy_max)},{_y(frac)}" for gy, frac in thinned(curve, gy_max))
        out.append(
            f'<path data-curve="{rank}" class="curve" d="M{line}" stroke="{style["colour"]}" '
            f'stroke-width="{2.6 if curve.role == "CTV" else 1.7}"{dash}><title>{escape(curve.name)}</title></path>'
        )
    out += _goal_marks(curves, goals, gy_max)
    out.append(f'<line class="hover-line" y1="{_TOP}" y2="{_TOP + _HEIGHT}" visibility="hidden"/>')
    out.append(f'<rect class="chosen" y="{_TOP}" height="{_HEIGHT}" visibility="hidden"/></svg>')
    return Markup("".join(out))
