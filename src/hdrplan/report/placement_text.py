"""A placement in numbers and words: the table of place.json, the lines of a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from hdrplan.optimize import ChosenSet
from hdrplan.plan import nearest_known
from hdrplan.report.placement_recourse import (
    foreseen_lines,
    foreseen_table,
    given_catheters,
    new_catheters,
    number_text,
    recourse_lines,
    recourse_table,
)
from hdrplan.workflow import PlaceResult

__all__ = ["fact_lines", "obstacle_lines", "placement_lines", "placement_table"]


def fact_lines(result: PlaceResult) -> Sequence[str]:
    """Return what was chosen and what is proven, in sentences."""
    chosen, placement, cost = result.chosen, result.placement, result.chosen.cost
    number = number_text(len(chosen.candidates), result)
    lines = [
        f"Chosen: {number} with a {cost.text} of {cost.value:.3f} {cost.unit}. No set of at most {chosen.count} of "
        f"these candidates can have less than {cost.bound:.3f} {cost.unit} (gap {100 * cost.gap_frac:.2f} %)."
    ]
    lines += [
        f"{target.name} ({target.volume_cc:.1f} cc): D100 {target.d100_gy:.2f} Gy, D50 {target.d50_gy:.1f} Gy."
        for target in result.planned.score.targets
    ]
    if placement.left_out:
        lines.append(
            f"The plan meets these goals, but the bound does not include them: {'; '.join(placement.left_out)}."
        )
    lines += [*recourse_lines(result), *foreseen_lines(result)]
    plan = result.planned.plan
    lines.append(f"Total dwell time: {plan.total_time_s:.0f} s at {plan.strength_u:,.0f} U.")
    lines.append(
        f"Of {result.trajectories.tried:,} straight paths examined, {result.n_free:,} keep all margins and limits. "
        f"{len(result.trajectories)} of these are the candidates."
    )
    return [*lines, *obstacle_lines(result)]


def placement_table(result: PlaceResult, stopped_by: Mapping[str, int]) -> dict[str, object]:
    """Return what place.json holds.

    Parameters
    ----------
    result : PlaceResult
    stopped_by : mapping
        Obstacle or limit, in the reader's words -> paths that it blocked.
    """
    placement = result.placement
    trajectories = result.trajectories
    return {
        "schema": "hdrplan.place/1",
        "purpose": "research use only, never for treatment",
        "case": result.case.name,
        "margins_mm": dict(zip(result.room.names, result.room.margins_mm.tolist(), strict=True)),
        "not_avoided": list(result.not_avoided),
        "lines": {
            "tried": trajectories.tried,
            "free": result.n_free,
            "candidates": len(trajectories),
            "stopped_by": dict(stopped_by),
        },
        "objective": placement.with_all.text,
        "unit": placement.with_all.unit,
        "all_candidates": placement.with_all.value,
        "bounds_leave_out": list(placement.left_out),
        "curve": [
            {
                "catheters": chosen_set.count,
                "candidates": list(chosen_set.candidates),
                "value": chosen_set.cost.value,
                "bound": chosen_set.cost.bound,
                "gap_frac": chosen_set.cost.gap_frac,
                "d100_gy": chosen_set.d100.value,
                "d100_bound_gy": chosen_set.d100.bound,
                "seconds": round(chosen_set.seconds, 2),
            }
            for chosen_set in placement.curve
        ],
        "linear_programs": placement.solves,
        "chosen": [
            {
                "name": catheter.name,
                "candidate": row,
                "entry_mm_lps": trajectories.entry_mm[row].tolist(),
                "tip_mm_lps": trajectories.tip_mm[row].tolist(),
                "length_mm": float(trajectories.length_mm[row]),
                "tilt_deg": float(trajectories.tilt_deg[row]),
                "slant_deg": float(trajectories.slant_deg[row]),
                "nearest_mm": dict(near),
            }
            for catheter, row, near in new_catheters(result)
        ],
        "given": [
            {"name": catheter.name, "hub_to_tip_mm_lps": catheter.points_mm.tolist(), "nearest_mm": dict(near)}
            for catheter, near in given_catheters(result)
        ],
        "recourse": recourse_table(result),
        "foreseen": foreseen_table(result),
        "planned": {
            target.name: {"d100_gy": target.d100_gy, "d98_gy": target.d98_gy, "d50_gy": target.d50_gy}
            for target in result.planned.score.targets
        },
        "certificate": result.planned.optimum.certificate.text if result.planned.optimum else None,
        "total_time_s": result.planned.plan.total_time_s,
        "seconds": dict(result.seconds),
    }


def placement_lines(result: PlaceResult) -> list[str]:
    """Return what a terminal shows, line by line."""
    placement = result.placement
    lines = [
        f"{result.trajectories.tried} straight paths examined, {result.n_free} keep all margins and limits, "
        f"{len(result.trajectories)} candidates",
        *obstacle_lines(result),
    ]
    lines += [_curve_line(chosen_set, result) for chosen_set in placement.curve]
    if placement.left_out:
        lines.append(f"The plans meet these goals, but the bounds do not include them: {'; '.join(placement.left_out)}")
    lines += [f"{catheter.name}: in; nearest obstacles: {_beside(near)}" for catheter, near in given_catheters(result)]
    lines += [
        f"{catheter.name}: {result.trajectories.length_mm[row]:.0f} mm from skin to tip, "
        f"{result.trajectories.tilt_deg[row]:.0f} deg out of the axial plane; nearest obstacles: {_beside(near)}"
        for catheter, row, near in new_catheters(result)
    ]
    lines += [*recourse_lines(result), *foreseen_lines(result)]
    lines += [
        f"planned: {target.name} D100 {target.d100_gy:.2f} Gy, D98 {target.d98_gy:.2f} Gy, D50 {target.d50_gy:.1f} Gy"
        for target in result.planned.score.targets
    ]
    if result.planned.optimum is not None:
        lines += list(result.planned.optimum.lines)
    return lines


def _beside(near: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {mm:.1f} mm" for name, mm in near.items()) or "none within 40 mm"


def obstacle_lines(result: PlaceResult) -> list[str]:
    """Return what the paths keep away from and by how much, and what was read and is not avoided."""
    margins_mm = dict(zip(result.room.names, result.room.margins_mm.tolist(), strict=True))
    lines = [
        f"Margin of {margin_mm:g} mm to: {', '.join(name for name, mm in margins_mm.items() if mm == margin_mm)}."
        for margin_mm in sorted(set(margins_mm.values()))
    ]
    if result.not_avoided:
        names = [f"{name} ({near}?)" if (near := nearest_known(name)) else name for name in result.not_avoided]
        lines.append(f"Read, not avoided: {', '.join(names)}.")
    return lines


def _curve_line(chosen_set: ChosenSet, result: PlaceResult) -> str:
    number = number_text(chosen_set.count, result)
    cost, d100 = chosen_set.cost, chosen_set.d100
    if chosen_set.candidates:
        mark = "  <- chosen" if chosen_set is result.chosen else ""
        return (
            f"{number}: {cost.text} {cost.value:.3f} {cost.unit}, proven minimum {cost.bound:.3f} "
            f"(gap {100 * cost.gap_frac:.2f} %){mark}"
        )
    none = "no set found that meets all goals" if math.isfinite(cost.bound) else "proven: no set meets all goals"
    reached = f"{d100.value:.2f} Gy" if math.isfinite(d100.value) else "unknown"
    return f"{number}: {none}; best D100 found: {reached}"
