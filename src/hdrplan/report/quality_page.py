"""A plan beside the best of its case as one page: statements, the trade-off with the plan in it, limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup, escape

from hdrplan.cautions import Caution
from hdrplan.optimize import Front
from hdrplan.report.page import doubts_of, page
from hdrplan.report.quality_text import limit_rows, quality_lines, quality_sentences
from hdrplan.report.svg import nice_ticks
from hdrplan.workflow import CoverageGain, PlanQuality

__all__ = ["quality_html", "trade_off_svg"]

_LEFT, _TOP, _WIDTH, _HEIGHT = 66, 18, 700, 330
_BOX = (_LEFT + _WIDTH + 24, _TOP + _HEIGHT + 52)


def quality_html(
    quality: PlanQuality,
    *,
    title: str,
    version: str,
    about: Mapping[str, str] | None = None,
    warnings: Sequence[Caution] = (),
) -> str:
    """Return one self-contained page.

    Parameters
    ----------
    quality : PlanQuality
    title : str
        Without patient data: the caller decides what it names.
    version : str
    about : mapping of str to str, optional
        What the plan was read from -> its hash, and whose it is; the plan's own hash otherwise.
    warnings : sequence of Caution
    """
    gains = [gain for gain in quality.coverage if gain.structure in quality.fronts]
    better = any(gain.at_least_gy >= 0.01 for gain in quality.coverage) or quality.sparing.at_least_frac >= 0.001
    return page(
        "optimum.html.j2",
        title=title,
        version=version,
        about=about or {"Plan": quality.plan.digest},
        doubts=doubts_of(warnings),
        verdict="Better plans were possible." if better else "No better plan was found.",
        better=better,
        lead=quality_lines(quality)[0],
        sentences=quality_sentences(quality),
        gains=[_gain_cells(gain) for gain in quality.coverage],
        sparing=_sparing_cells(quality),
        rows=[{key: _cell(value) for key, value in row.items()} for row in limit_rows(quality)],
        pictures_of=[(gain.structure, trade_off_svg(quality, gain)) for gain in gains],
        objective=quality.sparing.objective,
        first=quality.coverage[0].structure,
        as_in_plan=quality.as_in_plan,
        longest=f"{quality.longest_s:.4g}",
    )


def _cell(value: str | float | bool) -> str:
    if isinstance(value, bool):
        return "binds" if value else ""
    return {"<=": "≤", ">=": "≥"}.get(value, value) if isinstance(value, str) else f"{value:.4g}"


def _gain_cells(gain: CoverageGain) -> list[str]:
    possible = "none found" if np.isnan(gain.possible_gy) else f"{gain.possible_gy:.3f}"
    bound = f"{gain.bound_gy:.3f}" if np.isfinite(gain.bound_gy) else "none"
    plan = f"{gain.plan_lower_gy:.3f} to {gain.plan_upper_gy:.3f}"
    more = f"{gain.at_least_gy:.3f} to {gain.at_most_gy:.3f}" if np.isfinite(gain.bound_gy) else "-"
    return [f"{gain.structure} D100 (Gy)", plan, possible, bound, f"{more} more"]


def _sparing_cells(quality: PlanQuality) -> list[str]:
    gain = quality.sparing
    possible = "none found" if np.isnan(gain.possible) else f"{gain.possible:.4g}"
    less = f"{100 * gain.at_least_frac:.2f} to {100 * gain.at_most_frac:.2f} % less"
    return [f"{gain.objective} ({gain.unit})", f"{gain.plan:.4g}", possible, f"{gain.bound:.4g}", less]


def trade_off_svg(quality: PlanQuality, gain: CoverageGain) -> Markup:
    """Draw the best D100 for each dose of the healthy organ, the plan as a point below it, and the better plans.

    Parameters
    ----------
    quality : PlanQuality
        With a trade-off for this CTV.
    gain : CoverageGain
    """
    front, sparing = quality.fronts[gain.structure], quality.sparing
    line, wall_gy = _front_line(front)
    better = [(sparing.possible, gain.plan_upper_gy, "least"), (sparing.plan, gain.possible_gy, "highest")]
    doses = np.array([*line[:, 0], sparing.plan, *(x for x, _, _ in better if not np.isnan(x))])
    d100 = np.array([*line[:, 1], gain.plan_lower_gy, gain.plan_upper_gy, *(y for _, y, _ in better if y == y)])
    scale = _Scale(_range(doses), _range(d100))
    out = [
        f'<svg viewBox="0 0 {_BOX[0]} {_BOX[1]}" role="img" aria-label="Best D100 of {escape(gain.structure)} for each '
        f'{escape(sparing.objective)}, and this plan; the values are in the tables.">',
        _impossible(scale, line, wall_gy),
        *scale.axes(f"{sparing.objective} ({sparing.unit})", f"D100 of {gain.structure} (Gy)"),
        f'<path class="front" d="M{"L".join(scale.at(x, y) for x, y in line)}"/>',
    ]
    for x, y, kind in better:
        if np.isnan(x) or np.isnan(y):
            continue
        start = scale.at(sparing.plan, 0.5 * (gain.plan_lower_gy + gain.plan_upper_gy))
        out.append(f'<path d="M{start}L{scale.at(x, y)}" class="gain"/>')
        name = "least dose at this D100" if kind == "least" else "highest D100 at this dose"
        out.append(f'<circle class="better" r="5" {scale.centre(x, y)}><title>Possible: {name}</title></circle>')
    low, high = scale.place(sparing.plan, gain.plan_lower_gy), scale.place(sparing.plan, gain.plan_upper_gy)
    out.append(f'<path d="M{low[0]:.1f},{low[1] + 1:.1f}L{high[0]:.1f},{high[1] - 1:.1f}" class="interval"/>')
    middle = (low[1] + high[1]) / 2
    out.append(
        f'<path d="M{low[0] - 7:.1f},{middle:.1f}l7,-7l7,7l-7,7Z" class="plan"><title>This plan</title></path></svg>'
    )
    return Markup("".join(out))


def _front_line(front: Front) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.float64]], float]:
    """Return the proven least dose of the healthy organ for each D100, (n, 2), and the first D100 without a plan."""
    rows, without = [], [np.inf]
    for limits, plan in zip(front.limits, front.combinations, strict=True):
        if plan is None:
            without.append(float(limits[0]))
        else:
            rows.append((plan.cost.bound, float(limits[0])))
    return np.array(sorted(rows, key=lambda row: row[1])), min(without)


def _impossible(scale: _Scale, line: np.ndarray[tuple[int, int], np.dtype[np.float64]], wall_gy: float) -> str:
    """Fill what is proven to be empty: a D100 of at least y needs a dose of at least x, for each point of the line."""
    left, right, top = scale.x.low, scale.x.high, scale.y.high
    steps = [(left, line[0, 1])]
    for x, y in line:
        steps += [(steps[-1][0], y), (x, y)]
    wall = min(wall_gy, top)
    steps += [(steps[-1][0], wall), (right, wall), (right, top), (left, top)]
    return f'<path class="empty" d="M{"L".join(scale.at(x, y) for x, y in steps)}Z"/>'


class _Range:
    """The values that an axis shows."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def ticks(self) -> list[float]:
        step = nice_ticks(self.high - self.low, 7)
        width = step[1] if len(step) > 1 else self.high - self.low
        first = int(np.ceil(self.low / width))
        return [round(k * width, 10) for k in range(first, int(self.high / width + 1e-9) + 1)]


def _range(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> _Range:
    margin = 0.08 * float(np.ptp(values)) or 0.05 * float(abs(values).max())
    return _Range(float(values.min()) - margin, float(values.max()) + margin)


class _Scale:
    """Places of values in the picture."""

    def __init__(self, x: _Range, y: _Range) -> None:
        self.x, self.y = x, y

    def place(self, x: float, y: float) -> tuple[float, float]:
        return (
            _LEFT + _WIDTH * (x - self.x.low) / (self.x.high - self.x.low),
            _TOP + _HEIGHT * (self.y.high - y) / (self.y.high - self.y.low),
        )

    def at(self, x: float, y: float) -> str:
        px, py = self.place(x, y)
        return f"{px:.1f},{py:.1f}"

    def centre(self, x: float, y: float) -> str:
        px, py = self.place(x, y)
        return f'cx="{px:.1f}" cy="{py:.1f}"'

    def axes(self, across: str, up: str) -> list[str]:
        bottom, right = _TOP + _HEIGHT, _LEFT + _WIDTH
        out = []
        for value in self.x.ticks():
            x = self.place(value, self.y.low)[0]
            out.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}"/>')
            out.append(f'<text class="tick" x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{value:g}</text>')
        for value in self.y.ticks():
            y = self.place(self.x.low, value)[1]
            out.append(f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
            out.append(f'<text class="tick" x="{_LEFT - 8}" y="{y:.1f}" dy="4" text-anchor="end">{value:g}</text>')
        centre, middle = _LEFT + _WIDTH / 2, _TOP + _HEIGHT / 2
        out.append(f'<text class="axis" text-anchor="middle" x="{centre}" y="{_BOX[1] - 8}">{escape(across)}</text>')
        out.append(
            f'<text class="axis" text-anchor="middle" x="16" y="{middle}" transform="rotate(-90 16 {middle})">'
            f"{escape(up)}</text>"
        )
        return out
