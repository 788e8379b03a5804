"""The plan report as one HTML page."""

from __future__ import annotations

from typing import Any

from hdrplan.report.data import ReportData
from hdrplan.report.pack import dose_pack
from hdrplan.report.page import page
from hdrplan.report.palette import isodose_levels, structure_styles
from hdrplan.report.rows import bar_width, channels, dwell_rows, evener_text, longest_dwell, metric_tables
from hdrplan.report.scene import Scenery, catheter_data, curve_data, dwell_data, focus_mm, scenery, structure_data
from hdrplan.report.svg import axis_end_gy, dvh_svg

__all__ = ["TEMPLATE", "dvh_values", "report_html", "scene_of"]

TEMPLATE = "report.html.j2"
_SCRIPTS = ("volume.js", "contour.js", "viewer.js", "marks.js", "ui.js", "lists.js", "paper.js", "dvh.js", "start.js")


def report_html(view: ReportData, *, around: Scenery | None = None) -> str:
    """Write the plan report of plain values.

    Parameters
    ----------
    view : ReportData
    around : Scenery, optional
        The case's, where it is packed already (:func:`hdrplan.report.plan_scenery`).

    Returns
    -------
    str
        A complete HTML page, about 1 to 8 MB, nearly all of it CT.

    References
    ----------
    P. Xia et al., "Medical Physics Practice Guideline 11.a: Plan and chart review in external beam radiotherapy and
    brachytherapy", J Appl Clin Med Phys 22(9), 4-19, 2021, doi 10.1002/acm2.13366, table 12: what the print holds.
    """
    scene, styles = scene_of(view, around), structure_styles(view)
    return page(
        TEMPLATE,
        title=view.title,
        version=view.version,
        about={
            **({} if view.plan is None else {"Plan": view.plan.digest}),
            **({"Dose": view.dose_kind} if view.dose_kind else {}),
        },
        made=view.made,
        scripts=_SCRIPTS,
        data=scene,
        view=view,
        doubts=view.warnings,
        **dvh_values(view),
        metric_tables=metric_tables(view.metrics),
        channels=channels(view),
        dwell_rows=dwell_rows(view),
        missed=[g for g in view.goals if g.met is False],
        total_time_s=float(view.times_s.sum()),
        longest=longest_dwell(view),
        evener=evener_text(view),
        longest_s=max(float(view.times_s.max()), 1e-9),
        deepest_mm=max(float(view.dwells.offset_mm.max()), 1.0) * 1.06,
        bar_width=bar_width(view),
        levels=scene["levels"],
        structure_styles=[(s, styles[s.name]) for s in view.structures if s.role != "other"],
        notes=[scene[k]["note"] for k in ("ct", "dose") if scene[k]],
    )


def scene_of(view: ReportData, around: Scenery | None = None) -> dict[str, Any]:
    """Return what the viewer draws: CT, dose, structures, catheters, dwells, curves.

    Parameters
    ----------
    view : ReportData
    around : Scenery, optional
        As in :func:`report_html`.
    """
    around = around or scenery(view.ct, view.structures, view.catheters, view.shapes, view.dose.grid)
    prescribed = view.prescriptions[0].dose_gy
    return {
        "prescription_gy": prescribed,
        "levels": isodose_levels(prescribed),
        "focus": focus_mm(view.structures, view.dose),
        "ct": around.ct,
        "dose": dose_pack(view.dose),
        "structures": structure_data(view.structures, structure_styles(view), around.structures),
        "catheters": catheter_data(view.catheters),
        "dwells": dwell_data(view.dwells, view.times_s),
        "curves": curve_data(view.curves, axis_end_gy(view.goals, prescribed)),
    }


def dvh_values(view: ReportData) -> dict[str, Any]:
    """Return what the template of the DVH asks for: the plot, its hint and its legend."""
    styles, prescribed = structure_styles(view), view.prescriptions[0].dose_gy
    looks = [styles[c.name] for c in view.curves]
    gy_max = axis_end_gy(view.goals, prescribed)
    return {
        "dvh": dvh_svg(view.curves, looks, view.goals, prescribed, gy_max=gy_max),
        "dvh_hint": "Triangles are goals: the curve must pass on the side they point to.",
        "dvh_legend": [
            {
                "name": curve.name,
                "note": f"{curve.role}, {curve.volume_cc:.1f} cc",
                "colour": look["colour"],
                "dash": " ".join(map(str, look["dash"])),
                "ranks": [rank],
            }
            for rank, (curve, look) in enumerate(zip(view.curves, looks, strict=True))
        ],
    }
