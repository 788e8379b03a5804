"""Trade-off surfaces: a table, lines and a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hdrplan.optimize import Axis, Front
from hdrplan.report.layout import save_figure
from hdrplan.workflow import ParetoResult

__all__ = ["axis_unit", "pareto_figure", "pareto_lines", "pareto_rows"]


def axis_unit(axis: Axis) -> str:
    """Return the unit of an axis: a time or a dose."""
    return "s" if axis.structure == "plan" else "Gy"


def pareto_rows(front: Front) -> list[dict[str, Any]]:
    """Return one row for each combination of limits; numbers of impossible ones are None."""
    rows = []
    for limits, plan in zip(front.limits.tolist(), front.combinations, strict=True):
        row: dict[str, Any] = {
            f"{axis.label} limit_{axis_unit(axis).lower()}": limit
            for axis, limit in zip(front.axes, limits, strict=True)
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
            ax.set_xlabel(f"{front.axes[0].label} limit / {axis_unit(front.axes[0])}")
        else:
            lines, along = front.axes[0], front.axes[1]
            surface = value
            for index in reversed(loosest[2:]):
                surface = surface[..., index]
            for k, level in enumerate(lines.values):
                row = surface[k]
                colour = colormaps["viridis"](0.9 * k / max(1, len(lines.values) - 1))
                label = f"{level:.4g} {axis_unit(lines)}"
                ax.plot(along.values, row, marker="o", markersize=3.5, color=colour, label=label)
            ax.legend(title=lines.label, fontsize=7.5, title_fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5))
            ax.set_xlabel(f"{along.label} limit / {axis_unit(along)}")
        ax.set_ylabel(f"minimum {front.objective} / {front.unit}")
        rest = "; ".join(
            f"{a.label} limit {a.values[loosest[k]]:.4g} {axis_unit(a)}" for k, a in enumerate(front.axes) if k > 1
        )
        ax.set_title(
            "Every point is a proven optimum; missing points are proven to be impossible"
            + (f"\n{rest}" if rest else "")
        )
        save_figure(figure, path)
