"""Trade-off surfaces: a table, lines, a picture, and a page to choose a plan with sliders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hdrplan import __version__
from hdrplan.optimize import Axis, Front
from hdrplan.report.page import page
from hdrplan.workflow import ParetoResult

__all__ = ["pareto_figure", "pareto_html", "pareto_lines", "pareto_rows"]


def _unit(axis: Axis) -> str:
    return "s" if axis.structure == "plan" else "Gy"


def pareto_rows(front: Front) -> list[dict[str, Any]]:
    """Return one row for each combination of limits; numbers of impossible ones are None."""
    rows = []
    total_s = front.times_s.sum(axis=1)
    for i in range(len(front.limits)):
        ok = bool(front.possible[i])
        row: dict[str, Any] = {
            f"{axis.label} limit_{_unit(axis).lower()}": float(front.limits[i, k]) for k, axis in enumerate(front.axes)
        }
        row |= {
            "possible": ok,
            f"{front.objective}_{front.unit.lower()}": float(front.value[i]) if ok else None,
            f"proven at least_{front.unit.lower()}": float(front.bound[i]) if ok else None,
            "largest violation_frac": float(front.violation_frac[i]) if ok else None,
            "total time_s": float(total_s[i]) if ok else None,
        }
        row |= {label: bool(front.left_out_met[i, j]) for j, label in enumerate(front.left_out)}
        rows.append(row)
    return rows


def pareto_lines(result: ParetoResult) -> list[str]:
    """Return what a terminal shows, line by line."""
    front, seconds = result.front, result.seconds
    best = front.value[front.possible]
    return [
        front.text,
        *(
            f"{axis.label}: {axis.values.min():g} to {axis.values.max():g} in {len(axis.values)} steps"
            for axis in front.axes
        ),
        f"{front.objective}: {best.min():.3f} to {best.max():.3f} {front.unit}",
        *(
            f"{label} (judged, not planned for): met by {int(front.left_out_met[:, j].sum())} plans"
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
    value = front.value.reshape(shape)
    # The loosest limit: the least D100, the greatest of all others.
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
        ax.set_ylabel(f"least {front.objective} / {front.unit}")
        rest = "; ".join(
            f"{a.label} limit {a.values[loosest[k]]:.4g} {_unit(a)}" for k, a in enumerate(front.axes) if k > 1
        )
        ax.set_title(
            "Every point a proven optimum; missing points are proven impossible" + (f"\n{rest}" if rest else "")
        )
        figure.savefig(path)


def pareto_html(front: Front, plan: Mapping[str, Any], *, title: str) -> str:
    """Write a page with one slider for each limit; the plan chosen can be saved as plan.json.

    Parameters
    ----------
    front : Front
    plan : mapping
        The table of a plan.json; its times and totals are replaced by those of the plan chosen.
    title : str
    """
    total_s = front.times_s.sum(axis=1)
    data = {
        "axes": [{"label": a.label, "unit": _unit(a), "values": a.values.tolist()} for a in front.axes],
        "objective": front.objective,
        "unit": front.unit,
        "value": [float(v) if ok else None for v, ok in zip(front.value, front.possible, strict=True)],
        "bound": [float(v) if ok else None for v, ok in zip(front.bound, front.possible, strict=True)],
        "total_s": [float(v) if ok else None for v, ok in zip(total_s, front.possible, strict=True)],
        "left_out": list(front.left_out),
        "met": front.left_out_met.tolist(),
        # A thousandth of a second: finer than any afterloader.
        "times_s": [
            [round(float(t), 3) for t in row] if ok else None
            for row, ok in zip(front.times_s, front.possible, strict=True)
        ],
        "plan": dict(plan),
    }
    return page(
        "pareto.html.j2", title=title, version=__version__, scripts=("pareto.js",), data=data, front=front,
        sliders=list(enumerate(front.axes)),
    )  # fmt: skip
