"""The source and strength of a plan as JSON: enough to compute with, wherever the plan goes.

A packaged source is its name and the hash of its data. Any other source stands there whole, in house units and to the
last bit, so that the doses of the plan need no other file. Cut out of a plan, that table is a source file by itself:
:func:`hdrplan.io.read_source` reads it.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import cast, get_args

import numpy as np

from hdrplan.arrays import BoolArray
from hdrplan.door import Entries, as_array
from hdrplan.errors import FormatError, InputError
from hdrplan.sources import (
    AlongAway,
    ApparentActivity,
    Calibration,
    Capsule,
    SourceKind,
    Strength,
    TG43Source,
    is_packaged,
    load_source,
    packaged_sha256,
)

__all__ = [
    "VALUES_SCHEMA",
    "source_of_entries",
    "source_of_values",
    "source_table",
    "strength_of_entries",
    "strength_table",
]

VALUES_SCHEMA = "hdrplan.source-values/1"


def source_table(source: TG43Source) -> dict[str, object]:
    """Return a packaged source as its name and hash, any other as all its values."""
    if is_packaged(source):
        return {"name": source.name, "sha256": packaged_sha256(source.name)}
    return {"schema": VALUES_SCHEMA, **asdict(source)}


def source_of_entries(entries: Entries) -> TG43Source:
    """Return the source that :func:`source_table` wrote.

    Raises
    ------
    InputError, FormatError
        A packaged source that is not there or has other data; values that no source has.
    """
    if "schema" in entries:
        return source_of_values(entries)
    entries.refuse_unknown(("name", "sha256"))
    source, sha256 = load_source(entries.text("name")), entries.text("sha256")
    here = packaged_sha256(source.name)
    if sha256 != here:
        raise FormatError(
            f"the data of the packaged source {source.name} must be those of the plan (SHA-256 {sha256[:12]})",
            got=f"others ({here[:12]})",
            where=entries.where,
            remedy="Use the version of hdrplan that wrote the plan, or plan the case again.",
        )
    return source


def source_of_values(entries: Entries) -> TG43Source:
    """Return the source of a table of all its values (:data:`VALUES_SCHEMA`).

    Raises
    ------
    InputError, FormatError
        Another schema, a value that is absent or of another type, values that no source has.
    """
    entries.choice("schema", (VALUES_SCHEMA,))
    capsule = entries.table("capsule")
    try:
        return TG43Source(
            name=entries.text("name"),
            model=entries.text("model"),
            manufacturer=entries.text("manufacturer"),
            kind=cast(SourceKind, entries.choice("kind", get_args(SourceKind))),
            citation=entries.text("citation"),
            provenance=entries.text("provenance"),
            dose_rate_constant_gy_per_s_per_u=entries.number("dose_rate_constant_gy_per_s_per_u"),
            active_length_mm=entries.number("active_length_mm"),
            radial_r_mm=entries.array("radial_r_mm", (None,)),
            radial_dose=entries.array("radial_dose", (None,)),
            anisotropy_r_mm=entries.array("anisotropy_r_mm", (None,)),
            anisotropy_theta_rad=entries.array("anisotropy_theta_rad", (None,)),
            anisotropy=entries.array("anisotropy", (None, None)),
            anisotropy_filled=_flags(entries, "anisotropy_filled"),
            table_r_max_mm=entries.number("table_r_max_mm"),
            half_life_days=entries.number("half_life_days"),
            capsule=Capsule(
                radius_mm=capsule.number("radius_mm"),
                tip_z_mm=capsule.number("tip_z_mm"),
                cable_z_mm=capsule.number("cable_z_mm"),
                cable_radius_mm=capsule.number("cable_radius_mm"),
            ),
            along_away=_along_away(entries),
            note=entries.text("note") if entries.values.get("note") else "",
        )
    except FormatError:
        raise
    except InputError as error:
        raise FormatError(error.expected, got=error.got, where=entries.where, remedy=error.remedy) from None


def strength_table(strength: Strength) -> dict[str, object]:
    """Return a strength and the facts it came from."""
    table: dict[str, object] = {"value_u": strength.value_u}
    if strength.time is not None:
        table["time"] = strength.time.isoformat()
    match strength.origin:
        case Calibration(strength_u, calibrated, half_life_days):
            table["calibration"] = {
                "strength_u": strength_u,
                "time": calibrated.isoformat(),
                "half_life_days": half_life_days,
            }
            table["decay_factor"] = strength.decay_factor
        case ApparentActivity(activity_mci, u_per_mci):
            table["apparent_activity"] = {"activity_mci": activity_mci, "u_per_mci": u_per_mci}
    return table


def strength_of_entries(entries: Entries) -> Strength:
    """Return the strength that :func:`strength_table` wrote.

    Raises
    ------
    FormatError
        A value that is absent or of another type; a strength that no source has, or that its facts do not give.
    """
    origin: Calibration | ApparentActivity | None = None
    if "calibration" in entries:
        facts = entries.table("calibration")
        origin = Calibration(facts.number("strength_u"), facts.moment("time"), facts.number("half_life_days"))
    elif "apparent_activity" in entries:
        facts = entries.table("apparent_activity")
        origin = ApparentActivity(facts.number("activity_mci"), facts.number("u_per_mci"))
    time = entries.moment("time") if "time" in entries else None
    try:
        return Strength(entries.number("value_u", unit="U"), time, origin)
    except FormatError:
        raise
    except InputError as error:
        raise FormatError(error.expected, got=error.got, where=entries.where, remedy=error.remedy) from None


def _flags(entries: Entries, key: str) -> BoolArray:
    """Return rows of true and false."""
    rows = [row if isinstance(row, list) else [row] for row in entries.items(key)]
    if not all(isinstance(flag, bool) for row in rows for flag in row) or len({len(row) for row in rows}) > 1:
        raise FormatError(f"{key} must be rows of true and false, of one length", where=entries.where)
    return np.array(rows, dtype=np.bool_)


def _along_away(entries: Entries) -> AlongAway | None:
    """Return the published along-away table, if there is one; blank cells are null."""
    if entries.values.get("along_away") is None:
        return None
    table = entries.table("along_away")
    rows = table.items("gy_per_s_per_u")
    cells = [[0.0 if cell is None else cell for cell in row] if isinstance(row, list) else row for row in rows]
    rate = as_array(cells, "gy_per_s_per_u", table.where, shape=(None, None))
    blank = np.array([[cell is None for cell in row] for row in rows if isinstance(row, list)], dtype=np.bool_)
    return AlongAway(table.array("along_mm", (None,)), table.array("away_mm", (None,)), np.where(blank, np.nan, rate))
