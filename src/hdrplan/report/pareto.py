"""Trade-off surfaces: a table, lines, a picture, and a page to choose a plan with sliders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hdrplan import __version__
from hdrplan.cautions import Caution
from hdrplan.optimize import Axis, Front
from hdrplan.report.page import doubts_of, page
from hdrplan.workflow import ParetoResult

__all__ = ["pareto_figure", "pareto_html", "pareto_lines", "pareto_rows"]


def _unit(axis: Axis) -> str:
    return "s" if axis.structure == "plan" else "Gy"


def pareto_rows(front: Front) -> list[dict[str, Any]]:
    """Return one row for each combination of limits; numbers of impossible ones are None."""
    rows = []
    for limits, plan in zip(front.limits.tolist(), front.combinations, strict=True):
        row: dict[str, Any] = {
            f"{axis.label} limit_{_unit(axis).lower()}": limit for axis, limit in zip(front.axes, limits, strict=True)
        }
        row |= {
            "possible": plan is not None,
            f"{front.objective}_{front.unit.lower()}": plan and plan.cost.value,
            f"proven at least_{front.unit.lower()}": plan and plan.cost.bound,
            "largest violation_frac": plan and plan.violation_frac,
            "total time_s": plan and float(plan.times_s.sum()),
        }
        row |= {label: plan is not None and plan.left_out_met[j] for j, label in enumerate(front.left_out)}
        rows.append(row)
    return rows


def pareto_lines(result: ParetoResult) -> list[str]:
    """Return what a terminal shows, line by line."""
    front, seconds = result.front, result.seconds
    costs = [plan.cost.value for plan in front.plans]
    return [
        front.text,
        *(
            f"{axis.label}: {axis.values.min():g} to {axis.values.max():g} in {len(axis.values)} steps"
            for axis in front.axes
        ),
        f"{front.objective}: {min(costs):.3f} to {max(costs):.3f} {front.unit}",
        *(
            f"{label} (judged but not optimised): met by {sum(plan.left_out_met[j] for plan in front.plans)} plans"
            for j, label in enumerate(front.left_out)
        ),
        f"sample and matrix {seconds['sample and matrix']:.2f} s, plans {seconds['optimise']:.2f} s",
    ]


def pareto_figure(front: Front, path: Path) -> None:
    """Draw the objective over the second axis, one line for each value of the first, at the loosest of the others."""
    from matplotlib import colormaps, rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shape = tuple(len(axis.values) for axis in front.axes)
    value = np.array([plan.cost.value if plan else np.nan for plan in front.combinations]).reshape(shape)
    # The loosest limit: the lowest D100, the highest of all others.
    loosest = [
        int(np.argmin(a.values) if a.metric.upper().startswith(("D100", "DMIN")) else np.argmax(a.values))
        for a in front.axes
    ]
    with rc_context({"font.size": 9.0, "axes.axisbelow": True, "svg.hashsalt": "hdrplan"}):
        figure = Figure(figsize=(7.2, 4.6), dpi=140, layout="constrained")
        FigureCanvasAgg(figure)
        ax = figure.subplots()
        ax.grid(color="#dddddd", linewidth=0.6)
        if len(shape) == 1:
            ax.plot(front.axes[0].values, value, marker="o", markersize=4, color="#1b7ca6")
            ax.set_xlabel(f"{front.axes[0].label} limit / {_unit(front.axes[0])}")
        else:
            lines, along = front.axes[0], front.axes[1]
            surface = value
            for index in reversed(loosest[2:]):
                surface = surface[..., index]
            for k, level in enumerate(lines.values):
                row = surface[k]
                colour = colormaps["viridis"](0.9 * k / max(1, len(lines.values) - 1))
                label = f"{level:.4g} {_unit(lines)}"
                ax.plot(along.values, row, marker="o", markersize=3.5, color=colour, label=label)
            ax.legend(title=lines.label, fontsize=7.5, title_fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5))
            ax.set_xlabel(f"{along.label} limit / {_unit(along)}")
        ax.set_ylabel(f"minimum {front.objective} / {front.unit}")
        rest = "; ".join(
            f"{a.label} limit {a.values[loosest[k]]:.4g} {_unit(a)}" for k, a in enumerate(front.axes) if k > 1
        )
        ax.set_title(
            "Every point is a proven optimum; missing points are proven to be impossible"
            + (f"\n{rest}" if rest else "")
        )
        figure.savefig(path)


def pareto_html(result: ParetoResult, plan: Mapping[str, Any], *, title: str, warnings: Sequence[Caution] = ()) -> str:
    """Write a page with one slider for each limit; the plan chosen can be saved as plan.json.

    Parameters
    ----------
    result : ParetoResult
    plan : mapping
        The table of a plan.json; its times and totals are replaced by those of the plan chosen.
    title : str
    warnings : sequence of Caution
    """
    front, plans = result.front, result.front.combinations
    data = {
        "axes": [{"label": a.label, "unit": _unit(a), "values": a.values.tolist()} for a in front.axes],
        "objective": front.objective,
        "unit": front.unit,
        "value": [plan and plan.cost.value for plan in plans],
        "bound": [plan and plan.cost.bound for plan in plans],
        "total_s": [plan and float(plan.times_s.sum()) for plan in plans],
        "left_out": list(front.left_out),
        "met": [list(plan.left_out_met) if plan else [False] * len(front.left_out) for plan in plans],
        # A thousandth of a second: finer than any afterloader.
        "times_s": [plan and [round(t, 3) for t in plan.times_s.tolist()] for plan in plans],
        "plan": dict(plan),
    }
    return page(
        "pareto.html.j2", title=title, version=__version__, scripts=("pareto.js",), data=data, front=front,
        sliders=list(enumerate(front.axes)), doubts=doubts_of(warnings),
    )  # fmt: skip
