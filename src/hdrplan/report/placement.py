"""Planned catheters as an interventionalist looks at them: what was chosen, what is proven, and one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hdrplan.cautions import Caution
from hdrplan.report.needle_cards import needle_cards
from hdrplan.report.page import base64_text, doubts_of, page
from hdrplan.report.placement_drawing import placement_panels, placement_planes
from hdrplan.report.placement_recourse import loss_text, new_catheters
from hdrplan.report.placement_text import fact_lines
from hdrplan.workflow import PlaceResult

__all__ = ["placement_html"]


def placement_html(
    result: PlaceResult, *, stopped_by: Mapping[str, int], warnings: Sequence[Caution] = (), version: str
) -> str:
    """Return one self-contained page: facts, curve with bounds, catheters, pictures.

    Parameters
    ----------
    result : PlaceResult
    stopped_by : mapping
        Obstacle or limit, in the reader's words -> paths that it blocked.
    warnings : sequence of Caution
    version : str
    """
    rows = [
        {
            "name": catheter.name,
            "entry": " ".join(f"{v:.0f}" for v in catheter.points_mm[0]),
            "tip": " ".join(f"{v:.0f}" for v in catheter.points_mm[-1]),
            "length": f"{result.trajectories.length_mm[row]:.0f}",
            "tilt": f"{result.trajectories.tilt_deg[row]:.0f}",
            "slant": f"{result.trajectories.slant_deg[row]:.0f}",
            "near": ", ".join(f"{name} {mm:.1f}" for name, mm in near.items()),
        }
        for catheter, row, near in new_catheters(result)
    ]
    recourse = result.placement.recourse
    losses = [] if recourse is None else [loss_text(loss, result) for loss in recourse.order]
    stopped = [{"name": name, "share": f"{100 * n / result.trajectories.tried:.1f}"} for name, n in stopped_by.items()]
    return page(
        "place.html.j2",
        title=f"Placement of {result.case.name}",
        version=version,
        about={"Plan": result.planned.plan.digest},
        pictures=True,
        doubts=doubts_of(warnings),
        facts=fact_lines(result),
        objective=result.placement.with_all.text,
        unit=result.placement.with_all.unit,
        curve=result.placement.curve,
        chosen=result.chosen,
        n_given=result.n_given,
        cards=needle_cards(result),
        rows=rows,
        order=list(zip([row["name"] for row in rows], losses, strict=False)),
        stopped=stopped,
        planes=[(name, base64_text(svg)) for name, svg in placement_planes(result)],
        panels=[(text, base64_text(svg)) for text, svg in placement_panels(result)],
    )
