"""``plan.json``: dwells and times, with the source and the strength they are for."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hdrplan.door import Entries
from hdrplan.errors import FormatError, InputError
from hdrplan.geometry import Dwells, Transit
from hdrplan.io.files import json_entries
from hdrplan.io.source_values import source_of_entries, source_table, strength_of_entries, strength_table
from hdrplan.io.value_files import write_json
from hdrplan.plan import Plan

__all__ = ["PLAN_SCHEMA", "plan_table", "read_plan", "write_plan"]

PLAN_SCHEMA = "hdrplan.plan/2"
_WITHOUT_SOURCE = "hdrplan.plan/1"
# Farther than any patient, longer than any treatment.
_LARGEST = 1e9


def plan_table(plan: Plan, name: str) -> dict[str, object]:
    """Return a plan as a JSON table; floats keep every digit, so reading gives the same plan."""
    dwells = plan.dwells
    return {
        "schema": PLAN_SCHEMA,
        "name": name,
        "frame": "LPS, mm; axes point to the tip of the source",
        "source": source_table(plan.source),
        "strength": strength_table(plan.strength),
        **({} if plan.transit is None else {"transit": {"speed_mm_per_s": plan.transit.speed_mm_per_s}}),
        "total_time_s": plan.total_time_s,
        "trak_gy": plan.trak_gy,
        "catheters": list(dwells.catheter_names),
        "dwells": [
            {
                "catheter": int(dwells.catheter[k]),
                "offset_mm": float(dwells.offset_mm[k]),
                "position_mm": dwells.positions_mm[k].tolist(),
                "axis": dwells.axes[k].tolist(),
                "time_s": float(plan.times_s[k]),
            }
            for k in range(len(dwells))
        ],
    }


def write_plan(path: Path, plan: Plan, name: str) -> None:
    """Write one ``plan.json``; for a whole folder of results see :func:`hdrplan.io.write_results`.

    Parameters
    ----------
    path : Path
    plan : Plan
    name : str
        Of the case, free of patient identifiers.
    """
    write_json(Path(path), plan_table(plan, name))


def read_plan(path: Path) -> tuple[Plan, str]:
    """Read ``plan.json`` (or the folder that holds it); returns the plan and its name.

    Raises
    ------
    FormatError
        Another schema, missing fields, values that are not finite numbers, a packaged source whose data have changed.
    """
    path = Path(path)
    path = path / "plan.json" if path.is_dir() else path
    entries = json_entries(path)
    schema = entries.values.get("schema")
    if schema != PLAN_SCHEMA:
        raise FormatError(
            f"expected a plan of schema {PLAN_SCHEMA}",
            got=repr(schema)[:60],
            where=path,
            remedy="It was written before plans carried their source: plan the case again."
            if schema == _WITHOUT_SOURCE
            else "A newer hdrplan may read it.",
        )
    try:
        plan = Plan(
            dwells=_dwells(entries),
            times_s=np.array([row.number("time_s", between=(0.0, _LARGEST)) for row in entries.tables("dwells")]),
            source=source_of_entries(entries.table("source")),
            strength=strength_of_entries(entries.table("strength")),
            transit=_transit(entries),
        )
        return plan, entries.text("name")
    except FormatError:
        raise
    except InputError as error:
        raise FormatError(error.expected, got=error.got, where=path, remedy=error.remedy) from None


def _transit(entries: Entries) -> Transit | None:
    if "transit" not in entries.values:
        return None
    return Transit(entries.table("transit").number("speed_mm_per_s", between=(0.0, _LARGEST)))


def _dwells(entries: Entries) -> Dwells:
    names = entries.texts("catheters")
    rows = entries.tables("dwells")
    positions_mm = np.array([row.array("position_mm", (3,)) for row in rows]).reshape(len(rows), 3)
    axes = np.array([row.array("axis", (3,)) for row in rows]).reshape(len(rows), 3)
    if not (np.abs(positions_mm) < _LARGEST).all():
        raise FormatError("positions must be finite (mm)", got="one out of range", where=entries.where)
    return Dwells(
        positions_mm=positions_mm,
        axes=axes,
        catheter=np.array([row.whole("catheter", between=(0, 1_000_000)) for row in rows], dtype=np.int64),
        offset_mm=np.array([row.number("offset_mm") for row in rows], dtype=np.float64),
        catheter_names=names,
    )
