"""Every plan of an archive beside the best of its case: cells of its lesions, tables by planner and year."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import numpy as np

from hdrplan.errors import HdrPlanError
from hdrplan.io import ClinicalChoices, Pseudonyms, StructureSet, Treatment, clinical_case, read_ct_grid, read_planner
from hdrplan.plan import BrachyPlan, as_plan
from hdrplan.sources import TG43Source
from hdrplan.workflow.quality import PlanQuality, QualityOptions
from hdrplan.workflow.quality_limits import limits_of_clinic
from hdrplan.workflow.quality_study import plan_quality

__all__ = ["OPTIMUM_COLUMNS", "named_planner", "optimum_cells", "optimum_errors", "optimum_tables"]

Row: TypeAlias = dict[str, str | float | None]

# Table -> its columns, beside those of ``ARCHIVE_COLUMNS``.
OPTIMUM_COLUMNS: dict[str, tuple[str, ...]] = {
    "optimum": (
        "patient", "plan_id", "year", "planner", "structure", "volume_cc", "prescription_gy", "d100_lower_gy",
        "d100_upper_gy", "possible_d100_gy", "bound_d100_gy", "more_d100_at_least_gy", "more_d100_at_most_gy",
        "spared", "spared_unit", "spared_plan", "spared_possible", "spared_bound", "less_at_least_pct",
        "less_at_most_pct", "positions_offered", "positions_in_use", "limits", "binding", "optimum_warnings",
    ),
    "optimum_by_planner": (
        "planner", "year", "spared", "plans", "lesions",
        *(f"more_d100_at_least_gy_{kind}" for kind in ("median", "p25", "p75", "max")),
        *(f"less_at_least_pct_{kind}" for kind in ("median", "p25", "p75", "max")),
    ),
}  # fmt: skip
_PERCENTILES = {"median": 50, "p25": 25, "p75": 75, "max": 100}
_ALL = "all"


def optimum_cells(
    treatment: Treatment, drawn: StructureSet, brachy: BrachyPlan, source: TG43Source, choices: ClinicalChoices
) -> dict[str, Row]:
    """Compare one plan with the best of its case; runs in worker processes.

    Parameters
    ----------
    treatment : Treatment
    drawn : StructureSet
    brachy : BrachyPlan
    source : TG43Source
    choices : ClinicalChoices

    Returns
    -------
    dict
        CTV -> its cells of the table; under "" the error of a plan that could not be compared.
    """
    planner, year = read_planner(treatment.plan)
    try:
        case, goals, notes = clinical_case(drawn, read_ct_grid(treatment.ct) if treatment.ct else None, choices)
        stated_gy = brachy.prescription_gy
        prescribed = {ctv.name: stated_gy for ctv in case.ctvs if stated_gy > 0}
        limits = None if goals is None else limits_of_clinic(goals, prescribed)
        quality = plan_quality(as_plan(brachy, source), case, options=QualityOptions(limits=limits, picture=False))
    except HdrPlanError as error:
        return {"": {"optimum_error": str(error)}}
    who: Row = {"planner": planner, "year": year, "optimum_warnings": "; ".join(f"[{note.id}]" for note in notes)}
    return {name: who | cells for name, cells in _cells(quality).items()}


def _cells(quality: PlanQuality) -> dict[str, Row]:
    sparing = quality.sparing
    shared: Row = {
        "spared": sparing.objective,
        "spared_unit": sparing.unit,
        "spared_plan": sparing.plan,
        "spared_possible": _number(sparing.possible),
        "spared_bound": _number(sparing.bound),
        "less_at_least_pct": 100 * sparing.at_least_frac,
        "less_at_most_pct": 100 * sparing.at_most_frac,
        "positions_offered": quality.offered,
        "positions_in_use": quality.active,
        "limits": "as in the plan" if quality.as_in_plan else "given",
    }
    return {
        gain.structure: shared
        | {
            "d100_lower_gy": gain.plan_lower_gy,
            "d100_upper_gy": gain.plan_upper_gy,
            "possible_d100_gy": _number(gain.possible_gy),
            "bound_d100_gy": _number(gain.bound_gy),
            "more_d100_at_least_gy": gain.at_least_gy,
            "more_d100_at_most_gy": _number(gain.at_most_gy),
            "binding": "; ".join(gain.binding[:4]),
        }
        for gain in quality.coverage
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def named_planner(row: Row, names: Pseudonyms) -> Row:
    """Return a row with the planner's pseudonym, or the name where identities are asked for."""
    return row if "planner" not in row else row | {"planner": names.planner(str(row["planner"] or ""))}


def optimum_errors(rows: Iterable[Mapping[str, str | float | None]]) -> list[Row]:
    """Return a row of the table of errors for each plan that could not be compared."""
    errors = {row["plan_id"]: row for row in rows if row.get("optimum_error")}
    return [
        {"patient": row["patient"], "plan_id": plan_id, "error": f"no optimum: {row['optimum_error']}"}
        for plan_id, row in errors.items()
    ]


def optimum_tables(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Return the lesions that were compared, and their gains by planner and year.

    Parameters
    ----------
    rows : iterable of dict
        Of the table "metrics".

    Returns
    -------
    dict
        Tables with the columns of ``OPTIMUM_COLUMNS``. Of each planner and year, then of each planner, of each year,
        and of all: percentiles of what was surely possible, of D100 by lesion and of what was spared by plan. Plans
        that spared something else, another organ or the time, are other groups: their gains answer another question.
    """
    lesions = [row for row in rows if row.get("d100_lower_gy") is not None]
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in lesions:
        planner, year, spared = str(row["planner"]), str(row["year"]), str(row["spared"])
        for of in dict.fromkeys(((planner, year), (planner, _ALL), (_ALL, year), (_ALL, _ALL))):
            groups.setdefault((*of, spared), []).append(row)
    # Totals stand last.
    ordered = sorted(groups, key=lambda key: (key[0] == _ALL, key[0], key[1] == _ALL, key[1], key[2]))
    return {"optimum": lesions, "optimum_by_planner": [_summary(key, groups[key]) for key in ordered]}


def _summary(key: tuple[str, str, str], rows: list[Row]) -> Row:
    plans = {row["plan_id"]: row for row in rows}
    summary: Row = {"planner": key[0], "year": key[1], "spared": key[2], "plans": len(plans), "lesions": len(rows)}
    for column, of in (("more_d100_at_least_gy", rows), ("less_at_least_pct", list(plans.values()))):
        values = np.array([float(row[column] or 0.0) for row in of])
        summary |= {f"{column}_{kind}": float(np.percentile(values, p)) for kind, p in _PERCENTILES.items()}
    return summary
