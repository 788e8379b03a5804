"""Metrics of one treatment of an archive; runs in worker processes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hdrplan.geometry import Role
    from hdrplan.io import Treatment

__all__ = ["rows_of"]


def rows_of(treatment: Treatment, options: dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
    """Rows of one plan, or why there are none."""
    from hdrplan.errors import HdrPlanError

    try:
        return _rows(treatment, options), ""
    except HdrPlanError as error:
        return [], str(error)
    except Exception as fault:  # one broken export must not stop the archive; its fault is told
        return [], f"unexpected {type(fault).__name__}: {fault}"


def _rows(treatment: Treatment, options: dict[str, Any]) -> list[dict[str, Any]]:
    from dataclasses import replace

    from hdrplan.dose import dose_at_points, sample_points
    from hdrplan.errors import InputError
    from hdrplan.io import (
        DEFAULT_RULES,
        read_brachy_plan,
        read_ct_grid,
        read_dose_grid,
        read_structure_set,
        roles_of_rois,
    )
    from hdrplan.plan import as_plan, source_of_brachy
    from hdrplan.sources import load_source
    from hdrplan.workflow import between_centres

    if treatment.structures is None:
        raise InputError("a plan needs a structure set for metrics", got="none in the archive", where=treatment.plan)
    structures = read_structure_set(treatment.structures)
    brachy = read_brachy_plan(treatment.plan, structures)
    own = {role: tuple(patterns) for role, patterns in options["rules"].items()}
    rules = own if options["own_rules"] else DEFAULT_RULES
    roles = roles_of_rois(
        structures.rois, {role: tuple(patterns) for role, patterns in rules.items()} if options["own_rules"] else rules
    )
    solid, notes = structures.structures_that_read(read_ct_grid(treatment.ct) if treatment.ct else None)
    kept: dict[str, Role] = {name: role for name, role in roles.items() if role in ("CTV", "OAR")}  # type: ignore[misc]
    chosen = [replace(s, role=kept[s.name]) for s in solid if s.name in kept]
    if not chosen:
        raise InputError("no structure has the role CTV or OAR", got="none", where=treatment.structures)
    prescription_gy = brachy.prescription_gy if not math.isnan(brachy.prescription_gy) else options["prescription_gy"]
    notes = [*treatment.warnings, *brachy.warnings, *notes]
    if prescription_gy is None:
        notes.append("no prescription: V100, V150 and V200 are empty")
    points = sample_points(chosen)
    facts: dict[str, Any] = {"trak_u_s": brachy.trak_u_s, "total_time_s": brachy.total_time_s}
    rows: list[dict[str, Any]] = []
    if options["engine"] != "stored":
        source = load_source(options["source"] or source_of_brachy(brachy))
        plan = as_plan(brachy, source)
        at = dose_at_points(plan.dwells, plan.times_s, points.points_mm, source, strength_u=plan.strength_u)
        facts_here = facts | {"engine": "recomputed, TG-43U1", "source": source.name}
        rows += _metrics(points, at.gy, at.extrapolated, chosen, prescription_gy, facts_here, notes)
    if options["engine"] != "recomputed" and treatment.dose is not None:
        dose = read_dose_grid(treatment.dose)
        theirs = between_centres(dose.volume, points.points_mm)
        said = [*notes, *dose.warnings]
        if brachy.fractions > 1:
            said.append(f"{brachy.fractions} fractions: the stored dose may be that of one or of all")
        grid_mm = float(dose.volume.grid.spacing_mm.max())
        facts_here = facts | {"engine": "stored, trilinear", "grid_mm": grid_mm}
        rows += _metrics(points, theirs, None, chosen, prescription_gy, facts_here, said)
    if not rows:
        raise InputError("the plan has no stored dose", got="none in the archive", where=treatment.plan)
    return rows


def _metrics(
    points: Any,
    dose_gy: Any,
    extrapolated: Any,
    structures: list[Any],
    prescription_gy: float | None,
    facts: dict[str, Any],
    notes: list[str],
) -> list[dict[str, Any]]:
    """One row a structure; outside the dose grid there is no dose, and no metric that needs all of the structure."""
    import numpy as np

    from hdrplan.metrics import dvh, organ_metrics, target_metrics

    rows = []
    for structure in structures:
        at = points.rows(structure.name)
        dose, volume = dose_gy[at], points.volume_cc[at]
        held = np.isfinite(dose)
        inside = float(volume[held].sum() / volume.sum())
        row: dict[str, Any] = facts | {
            "structure": structure.name,
            "role": structure.role,
            "volume_cc": float(volume.sum()),
            "slice_mm": float(structure.grid.spacing_mm[2]),
            "in_grid_pct": 100 * inside,
            "prescription_gy": prescription_gy if structure.role == "CTV" else None,
        }
        said = list(notes)
        if extrapolated is not None:
            row["extrapolated_pct"] = 100 * float(volume[extrapolated[at]].sum() / volume.sum())
        if inside < 0.999:
            said.append(f"only {inside:.1%} lies inside the dose grid: D_cc and maximum are lower bounds")
        if volume[held].sum() > 0:
            curve = dvh(dose[held], volume[held])
            organ = organ_metrics(curve)
            if inside < 0.999:
                # The hottest part may be told where it lies inside; what needs the whole structure may not.
                organ = {key: organ[key] for key in ("d0_1cc_gy", "d1cc_gy", "d2cc_gy", "max_gy")}
            elif structure.role == "CTV":
                row |= _percent(target_metrics(curve, prescription_gy or 20.0))
                if prescription_gy is None:
                    row |= dict.fromkeys(("v100_pct", "v150_pct", "v200_pct"), None)
            row |= _percent(organ)
        row["warnings"] = "; ".join(said)
        rows.append(row)
    return rows


def _percent(values: dict[str, float]) -> dict[str, float]:
    return {
        (key.replace("_frac", "_pct")): 100 * value if key.endswith("_frac") else value for key, value in values.items()
    }
