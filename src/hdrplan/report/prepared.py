"""What ``hdrplan prepare`` made of a scan: a table, and a picture to confirm the targets by."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.plan import nearest_known
from hdrplan.report.axes import draw_anatomy, line_style, short
from hdrplan.report.layout import save_figure
from hdrplan.report.palette import styles_of
from hdrplan.report.planes import VIEWS
from hdrplan.workflow import PreparedCase

__all__ = ["prepared_figure", "prepared_lines", "prepared_table"]

# Targets that have a row of the picture; the largest come first.
_MAXIMUM_ROWS = 8
# Shown around a target, and around an organ before there is one.
_AROUND_MM, _ORGAN_MM = 45.0, 120.0


def prepared_lines(prepared: PreparedCase) -> list[str]:
    """Return the table for a terminal: what each structure became and why; those of no use in one line."""
    shown = [row for row in prepared.rows if row.use != "not used"]
    width = min(max((len(row.name) for row in shown), default=0), 32)
    lines = []
    for row in shown:
        clear = f", needles keep {row.avoid_mm:g} mm away" if row.avoid_mm else ""
        lines.append(f"{row.use:<13}  {short(row.name, 32):<{width}} {row.volume_cc:>8.1f} cc  {row.why}{clear}")
    rest = [_perhaps(row.name) for row in prepared.rows if row.use == "not used"]
    if rest:
        lines.append(f"read, neither spared nor avoided: {', '.join(rest)}")
    return lines


def _perhaps(name: str) -> str:
    """Return a name, with what it may have meant: "stomch (stomach?)"."""
    near = nearest_known(name)
    return f"{name} ({near}?)" if near else name


def prepared_table(prepared: PreparedCase) -> dict[str, object]:
    """Return what each structure became, for JSON."""
    return {
        "schema": "hdrplan.prepared/1",
        "name": prepared.name,
        "healthy": prepared.healthy,
        "structures": [
            {
                "name": row.name,
                "volume_cc": row.volume_cc,
                "use": row.use,
                "avoid_mm": row.avoid_mm,
                "why": row.why,
                "near": nearest_known(row.name),
            }
            for row in prepared.rows
        ],
        "warnings": [warning.table() for warning in prepared.warnings],
    }


def prepared_figure(prepared: PreparedCase, path: Path) -> None:
    """Draw three planes through each target, or through the healthy organ before there is one.

    Parameters
    ----------
    prepared : PreparedCase
    path : Path
        .png, .svg or .pdf.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    targets = sorted((s for s in prepared.structures if s.role == "CTV"), key=lambda s: -s.volume_cc)
    organs = [s for s in prepared.structures if s.name == prepared.healthy]
    centres = [(t.name, t.volume_cc, t.centre_mm, _reach_mm(t.box_mm)) for t in targets[:_MAXIMUM_ROWS]]
    centres = centres or [(o.name, o.volume_cc, o.centre_mm, _ORGAN_MM) for o in organs]
    if not centres:
        middle = prepared.ct.grid.world(np.subtract(prepared.ct.grid.shape_zyx[::-1], 1) / 2)
        centres = [("the CT", 0.0, middle, _ORGAN_MM)]
    styles = styles_of({s.name: s.role for s in prepared.structures})
    with rc_context({"font.size": 8.0, "axes.titlesize": 9.0, "svg.hashsalt": "hdrplan"}):
        figure = Figure(figsize=(12.0, 3.9 * len(centres) + 1.4), dpi=110, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(len(centres), 3, squeeze=False)
        for row, (name, volume_cc, centre_mm, reach_mm) in zip(axes, centres, strict=True):
            for one, (view_name, view) in zip(row, VIEWS.items(), strict=True):
                draw_anatomy(one, prepared.ct, prepared.structures, styles, view, centre_mm, reach_mm)
                one.set_title(f"{view_name}, {'xyz'[view.normal]} = {centre_mm[view.normal]:.1f} mm")
            row[0].set_ylabel(short(name) + (f"\n{volume_cc:.1f} cc" if volume_cc else ""), fontsize=9.5)
        drawn = [s for s in prepared.structures if s.role != "other"]
        handles = [
            Line2D([], [], color=styles[s.name]["colour"], ls=line_style(styles[s.name]), label=short(s.name))
            for s in sorted(drawn, key=lambda s: s.role != "CTV")
        ]
        if handles:
            figure.legend(handles=handles, loc="outside lower center", ncols=6, fontsize=8)
        more = f" (the {_MAXIMUM_ROWS} largest of {len(targets)} CTVs)" if len(targets) > _MAXIMUM_ROWS else ""
        figure.suptitle(f"{short(prepared.name, 60)}: look before you plan{more}. Research use only.", fontsize=11.0)
        save_figure(figure, path)


def _reach_mm(box_mm: FloatArray) -> float:
    return float(np.diff(box_mm, axis=0).max()) / 2 + _AROUND_MM
