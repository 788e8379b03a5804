"""The page of a live session: the report's viewer and DVH, with what a person can touch beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hdrplan.metrics import DVH
from hdrplan.report.html import dvh_values, scene_of
from hdrplan.report.page import fragment, page
from hdrplan.report.palette import DIVERGING
from hdrplan.report.plan import report_data
from hdrplan.report.scene import curve_data
from hdrplan.report.svg import axis_end_gy
from hdrplan.workflow import PlanResult

__all__ = ["live_dvh", "live_page"]

_SCRIPTS = (
    "volume.js",
    "contour.js",
    "viewer.js",
    "marks.js",
    "ui.js",
    "lists.js",
    "paper.js",
    "dvh.js",
    "live_panels.js",
    "live_tools.js",
    "live.js",
)


def live_page(result: PlanResult, *, version: str, token: str = "") -> str:
    """Write the page of a session as it begins; from then on it asks its server.

    Parameters
    ----------
    result : PlanResult
        What is on the screen.
    version : str
        Of hdrplan.
    token : str
        That the page sends with each request; none where a cookie stands for it.
    """
    view = report_data(result, {"versions": {"hdrplan": version}})
    scene = scene_of(view)
    return page(
        "live.html.j2",
        title=view.title,
        version=version,
        scripts=_SCRIPTS,
        data={**scene, "token": token, "diverging": DIVERGING},
        connects=True,
        structures=result.points.names,
        notes=[scene[k]["note"] for k in ("ct", "dose") if scene[k]],
        **dvh_values(view),
    )


def live_dvh(result: PlanResult, dvhs: Mapping[str, DVH]) -> dict[str, Any]:
    """Return the DVH of the plan on the screen: its figure as markup, and the curves to read.

    Parameters
    ----------
    result : PlanResult
    dvhs : mapping
        Of its doses.
    """
    view = report_data(result, {}, dvhs=dvhs)
    curves = curve_data(view.curves, axis_end_gy(view.goals, view.prescriptions[0].dose_gy))
    return {"html": fragment("dvh_plot.html.j2", **dvh_values(view)), "curves": curves}
