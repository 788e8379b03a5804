"""Planned catheters as an interventionalist looks at them: what was chosen, what is proven, and one page."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path

from hdrplan.cautions import Caution
from hdrplan.report.needle_cards import needle_cards
from hdrplan.report.page import doubts_of, page
from hdrplan.report.placement_recourse import loss_text, new_catheters, number_text, recourse_lines
from hdrplan.report.placement_text import obstacle_lines
from hdrplan.workflow import PlaceResult

__all__ = ["fact_lines", "placement_html"]


def fact_lines(result: PlaceResult) -> Sequence[str]:
    """Return what was chosen and what is proven, in sentences."""
    chosen, placement, cost = result.chosen, result.placement, result.chosen.cost
    number = number_text(len(chosen.candidates), result)
    lines = [
        f"Of {result.trajectories.tried:,} straight paths examined, {result.n_free:,} keep all margins and limits. "
        f"{len(result.trajectories)} of these are the candidates.",
        f"Chosen: {number} with a {cost.text} of {cost.value:.3f} {cost.unit}. No set of at most {chosen.count} of "
        f"these candidates can have less than {cost.bound:.3f} {cost.unit} (gap {100 * cost.gap_frac:.2f} %).",
    ]
    if placement.left_out:
        lines.append(
            f"The plan meets these goals, but the bound does not include them: {'; '.join(placement.left_out)}."
        )
    lines += recourse_lines(result)
    lines += [
        f"{target.name} ({target.volume_cc:.1f} cc): D100 {target.d100_gy:.2f} Gy, D50 {target.d50_gy:.1f} Gy."
        for target in result.planned.score.targets
    ]
    plan = result.planned.plan
    lines.append(f"Total dwell time: {plan.total_time_s:.0f} s at {plan.strength_u:g} U.")
    return [*lines, *obstacle_lines(result)]


def placement_html(
    result: PlaceResult, picture: Path, *, stopped_by: Mapping[str, int], warnings: Sequence[Caution] = (), version: str
) -> str:
    """Return one self-contained page: facts, curve with bounds, catheters, the picture.

    Parameters
    ----------
    result : PlaceResult
    picture : Path
        The PNG that :func:`placement_figure` wrote.
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
        picture=base64.b64encode(picture.read_bytes()).decode(),
    )
