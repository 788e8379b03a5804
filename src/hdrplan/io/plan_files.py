"""``plan.json``: dwells and times, with the source and the strength they are for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hdrplan.cautions import Caution, caution
from hdrplan.door import Entries
from hdrplan.errors import FormatError, InputError
from hdrplan.geometry import Dwells, Transit
from hdrplan.io.files import json_entries
from hdrplan.io.source_values import source_of_entries, source_table, strength_of_entries, strength_table
from hdrplan.io.value_files import write_json
from hdrplan.plan import Plan
from hdrplan.plausibility import doubts_of_dwells

__all__ = ["PLAN_SCHEMA", "PlanFile", "doubts_of_places", "plan_table", "read_plan", "read_plan_file", "write_plan"]

PLAN_SCHEMA = "hdrplan.plan/2"
_WITHOUT_SOURCE = "hdrplan.plan/1"
# Farther than any patient, longer than any treatment.
_LARGEST = 1e9


# Stated totals agree with the times they were made of to rounding: other programs write six digits.
_AGREE_FRAC = 1e-5
# Three times the longest treatment in the register, "goal-out-of-range".
_LONGEST_S = 4 * 3600.0
# Dwells of one catheter nearer than this are one dwell; chords are never longer than the way along the catheter.
_SAME_MM = 1e-3
_CHORD_MM = 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlanFile:
    """A ``plan.json`` as it was read.

    Parameters
    ----------
    plan : Plan
    name : str
        Of the case.
    ct_sha256 : str or None
        Of the CT that it was made on; None where the file does not say.
    warnings : tuple of Caution
        Where the file contradicts itself.
    """

    plan: Plan
    name: str
    ct_sha256: str | None
    warnings: tuple[Caution, ...]


def plan_table(plan: Plan, name: str, ct_sha256: str | None = None) -> dict[str, object]:
    """Return a plan as a JSON table; floats keep every digit, so reading gives the same plan.

    Parameters
    ----------
    plan : Plan
    name : str
        Of the case.
    ct_sha256 : str, optional
        Of the CT that it was made on.
    """
    dwells = plan.dwells
    return {
        "schema": PLAN_SCHEMA,
        "name": name,
        **({} if ct_sha256 is None else {"ct_sha256": ct_sha256}),
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


def write_plan(path: Path, plan: Plan, name: str, ct_sha256: str | None = None) -> None:
    """Write one ``plan.json``; for a whole folder of results see :func:`hdrplan.io.write_results`.

    Parameters
    ----------
    path : Path
    plan : Plan
    name : str
        Of the case, free of patient identifiers.
    ct_sha256 : str, optional
        Of the CT that it was made on.
    """
    write_json(Path(path), plan_table(plan, name, ct_sha256))


def read_plan(path: str | Path) -> Plan:
    """Read ``plan.json``, or the folder that holds it.

    Raises
    ------
    FormatError
        As :func:`read_plan_file`, which also says where the file contradicts itself.
    """
    return read_plan_file(Path(path)).plan


def read_plan_file(path: Path) -> PlanFile:
    """Read ``plan.json`` (or the folder that holds it), and compare what it states with what it holds.

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
        return PlanFile(
            plan=plan,
            name=entries.text("name"),
            ct_sha256=entries.text_or_none("ct_sha256"),
            warnings=(*_totals(entries, plan), *doubts_of_places(plan.dwells), *doubts_of_dwells(plan.dwells)),
        )
    except FormatError:
        raise
    except InputError as error:
        raise FormatError(error.expected, got=error.got, where=path, remedy=error.remedy) from None


def _totals(entries: Entries, plan: Plan) -> list[Caution]:
    """Say where stated totals are not those of the times."""
    doubts = []
    for key, label, computed in (
        ("total_time_s", "a total time (s) of", plan.total_time_s),
        ("trak_gy", "a TRAK (Gy at 1 m) of", plan.trak_gy),
    ):
        stated = entries.number(key, default=computed)
        if abs(stated - computed) > _AGREE_FRAC * max(abs(computed), 1e-12):
            doubts.append(caution("plan-total-differs", what=label, stated=stated, computed=computed))
    if plan.total_time_s > _LONGEST_S:
        doubts.append(caution("plan-time-long", hours=plan.total_time_s / 3600.0))
    return doubts


def doubts_of_places(dwells: Dwells) -> list[Caution]:
    """Say where two dwells are one, or lie farther apart than along their catheter."""
    doubts = []
    for k, name in enumerate(dwells.catheter_names):
        rows = np.flatnonzero(dwells.catheter == k)
        rows = rows[np.argsort(dwells.offset_mm[rows], kind="stable")]
        apart_mm = np.linalg.norm(np.diff(dwells.positions_mm[rows], axis=0), axis=1)
        twice = int((apart_mm < _SAME_MM).sum())
        if twice:
            doubts.append(caution("plan-dwell-twice", catheter=name, count=twice))
        beyond_mm = apart_mm - np.diff(dwells.offset_mm[rows])
        if len(beyond_mm) and beyond_mm.max() > _CHORD_MM:
            doubts.append(caution("plan-offsets-differ", catheter=name, mm=float(beyond_mm.max())))
    return doubts


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
