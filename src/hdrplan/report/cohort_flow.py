"""Figure 1 of a cohort paper: from identified to analysed patients as a flow chart."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from hdrplan.analysis import TUMOUR_TYPES
from hdrplan.cohort import FlowStep
from hdrplan.report.cohort_style import COLOURS, GREY, INK, STYLE

__all__ = ["flow_figure"]

# Inches: height of a line of text, space between boxes, width of the page.
_LINE, _GAP, _WIDTH = 0.19, 0.38, 7.0


def flow_figure(steps: Sequence[FlowStep]) -> Figure:
    """Draw identified patients, what was excluded and why, and what was analysed of each tumour type.

    Parameters
    ----------
    steps : sequence of FlowStep
        From identified to analysed.

    Returns
    -------
    matplotlib.figure.Figure
    """
    first, *_ = (s for s in steps if (s.step, s.group) == ("identified", "all"))
    last, *_ = (s for s in steps if (s.step, s.group) == ("analysed", "all"))
    left_out = [s for s in steps if s.step.startswith("excluded: ") and s.group == "all"]
    kinds = _of_types(steps, "analysed")
    identified = ["Patients identified", _counted(first), *_each(steps, "identified")]
    excluded = [f"Excluded: {_number(first.patients - last.patients, 'patient')}"]
    for s in left_out:
        excluded += [f"{s.step.removeprefix('excluded: ')}:", f"  {s.patients} ({', '.join(_each(steps, s.step))})"]
    analysed = ["Patients analysed", _counted(last)]
    heights = [_height(identified), max(_height(excluded), 2 * _GAP), _height(analysed), _height(["", *[""] * 3])]
    total = sum(heights) + 3 * _GAP + 0.2
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(_WIDTH, total))
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set(xlim=(0.0, _WIDTH), ylim=(0.0, total))
        axes.set_axis_off()
        y = total - 0.1
        middle, tops = 2.3, []
        for height in heights:
            tops.append(y)
            y -= height + _GAP
        _box(axes, identified, middle, tops[0], 3.8)
        _box(axes, analysed, middle, tops[2], 3.8)
        _arrow(axes, (middle, tops[0] - heights[0]), (middle, tops[2]))
        beside = tops[1] - heights[1] / 2
        _box(axes, excluded, 5.45, beside + _height(excluded) / 2, 2.9, colour=GREY, left=True)
        _arrow(axes, (middle, beside), (5.45 - 1.45, beside))
        width = 2.1
        places = [middle + (k - (len(kinds) - 1) / 2) * (width + 0.15) for k in range(len(kinds))]
        places = [x + max(0.0, 0.1 + width / 2 - places[0]) for x in places]
        for k, (kind, x) in enumerate(zip(kinds, places, strict=True)):
            lines = [kind.group, _number(kind.patients, "patient"), _number(kind.lesions, "treated lesion"),
                     _number(kind.cycles, "completed treatment")]  # fmt: skip
            _box(axes, lines, x, tops[3], width, colour=COLOURS[k % 4])
            _arrow(axes, (middle, tops[2] - heights[2]), (x, tops[3]))
        return figure


def _counted(step: FlowStep) -> str:
    return f"{_number(step.patients, 'patient')}, {_number(step.lesions, 'lesion')}"


def _number(n: int, word: str) -> str:
    return f"{n} {word}" + "s" * (n != 1)


def _each(steps: Sequence[FlowStep], name: str) -> list[str]:
    """Return the counts of each tumour type in one step."""
    own = _of_types(steps, name)
    if name == "identified":
        return [f"{s.group}: {_counted(s)}" for s in own]
    return [f"{s.group} {s.patients}" for s in own]


def _of_types(steps: Sequence[FlowStep], name: str) -> list[FlowStep]:
    """Return the counts of one step by tumour type, in the order of all tables."""
    own = [s for s in steps if s.step == name and s.group != "all" and s.patients]
    return sorted(own, key=lambda s: TUMOUR_TYPES.index(s.group))


def _height(lines: Sequence[str]) -> float:
    return _LINE * len(lines) + 0.16


def _box(
    axes: Axes, lines: Sequence[str], x: float, top: float, width: float, *, colour: str = INK, left: bool = False
) -> None:
    """Draw a box of lines, the first one bold; ``x`` is its middle."""
    height = _height(lines)
    shape = FancyBboxPatch(
        (x - width / 2, top - height), width, height, boxstyle="round,pad=0,rounding_size=0.06", fc="none", ec=colour,
        lw=1.1,
    )  # fmt: skip
    axes.add_patch(shape)
    for i, line in enumerate(lines):
        at = x - width / 2 + 0.1 if left else x
        axes.text(at, top - 0.08 - _LINE * (i + 0.5), line, ha="left" if left else "center", va="center", fontsize=8.5,
                  color=INK, weight="bold" if i == 0 else "normal")  # fmt: skip


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate("", xy=end, xytext=start, arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 1.0})
