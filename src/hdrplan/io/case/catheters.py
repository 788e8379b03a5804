"""Catheters on disk: 3D Slicer Markups, JSON and CSV polylines. Hub first, tip last."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray
from hdrplan.door import Entries, as_array, as_list, as_table, number_in
from hdrplan.errors import FormatError, InputError
from hdrplan.geometry import Catheter
from hdrplan.io.case.frames import ras_to_lps
from hdrplan.io.csv_files import read_csv
from hdrplan.io.files import json_entries, json_value
from hdrplan.io.markups import DWELLS

__all__ = ["read_catheters"]

# Slicer wrote numbers before it wrote names.
_SYSTEMS = {"LPS": "LPS", "RAS": "RAS", "0": "RAS", "1": "LPS"}


def read_catheters(path: Path) -> tuple[Catheter, ...]:
    """Read catheters by the file's suffix.

    ``.mrk.json``
        3D Slicer Markups of type Curve or Line, LPS or RAS, control points from hub to tip. A curve's control points
        are joined by straight lines.
    ``.json``
        ``[{"name": "cath_1", "hub_to_tip_mm_lps": [[x, y, z], ...]}, ...]``; ``hub_to_tip_mm_ras`` is flipped.
    ``.csv``
        Columns ``catheter, x_mm, y_mm, z_mm`` (LPS), one row a point, hub first.

    Raises
    ------
    FormatError
        Another format, missing fields, units other than mm, values that are not finite numbers.
    InputError
        No catheter, one point only, two of one name.
    """
    path = Path(path)
    name = path.name.lower()
    if name.endswith(".mrk.json"):
        catheters = _markups(path)
    elif name.endswith(".json"):
        catheters = _polylines(path)
    elif name.endswith(".csv"):
        catheters = _table(path)
    else:
        raise FormatError("expected catheters as .mrk.json, .json or .csv", got=path.name, where=path)
    if not catheters:
        raise InputError("expected at least one catheter", got="none", where=path)
    names = [catheter.name for catheter in catheters]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError("catheter names must differ", got=f"{twice!r} twice", where=path)
    return tuple(catheters)


def _points_mm(value: object, key: str, where: object) -> FloatArray:
    """Points (n, 3) of a nested list of numbers."""
    points_mm = as_array(value, key, where, shape=(None, 3))
    _refuse_far(points_mm, where)
    return points_mm


def _refuse_far(points_mm: npt.ArrayLike, where: object) -> None:
    """Refuse NaN, infinity, and what lies farther than 100 m."""
    if not (np.abs(np.asarray(points_mm, dtype=np.float64)) < 1e5).all():
        raise FormatError("positions must be finite (mm)", got="NaN, infinite or beyond 100 m", where=where)


def _catheter(name: str, points_mm: FloatArray, path: Path) -> Catheter:
    try:
        return Catheter(name, points_mm)
    except InputError as error:
        raise InputError(error.expected, got=error.got, where=f"{path}, {name}", remedy=error.remedy) from None


def _markups(path: Path) -> list[Catheter]:
    catheters: list[Catheter] = []
    for k, markup in enumerate(json_entries(path).tables("markups")):
        name = str(markup.values.get("name") or f"catheter_{k + 1}")
        markup = Entries(markup.values, f"{path}, {name}")
        if catheters and (markup.values.get("type"), name) == ("Fiducial", DWELLS):
            continue
        if markup.values.get("type") not in ("Curve", "Line"):
            raise FormatError(
                "a catheter is a Curve or a Line",
                got=repr(markup.values.get("type"))[:60],
                where=markup.where,
                remedy="Convert it in Slicer's Markups module.",
            )
        catheters.append(_catheter(name, _control_points_mm(markup), path))
    return catheters


def _control_points_mm(markup: Entries) -> FloatArray:
    system = str(markup.values.get("coordinateSystem"))
    if system not in _SYSTEMS:
        raise FormatError("coordinateSystem is LPS or RAS", got=repr(system)[:40], where=markup.where)
    # Slicer writes one unit, or one for each axis.
    units = markup.values.get("coordinateUnits", "mm")
    if any(unit != "mm" for unit in (units if isinstance(units, list) else [units])):
        raise FormatError("coordinateUnits must be mm", got=repr(units)[:40], where=markup.where)
    # Points that were never placed have no position.
    controls = markup.tables("controlPoints")
    placed = [c for c in controls if c.values.get("positionStatus", "defined") == "defined"]
    points_mm = _points_mm([c.values.get("position") for c in placed], "position", markup.where)
    return ras_to_lps(points_mm) if _SYSTEMS[system] == "RAS" else points_mm


def _polylines(path: Path) -> list[Catheter]:
    value = json_value(path)
    if isinstance(value, dict):
        value = value.get("catheters")
    catheters = []
    for k, raw in enumerate(as_list(value, "catheters", path)):
        entry = as_table(raw, f"catheter {k + 1}", path)
        name = str(entry.values.get("name") or f"catheter_{k + 1}")
        keys = [key for key in ("hub_to_tip_mm_lps", "hub_to_tip_mm_ras") if key in entry]
        if len(keys) != 1:
            raise FormatError(
                "expected hub_to_tip_mm_lps or hub_to_tip_mm_ras", got=", ".join(entry) or "{}", where=f"{path}, {name}"
            )
        points_mm = _points_mm(entry.values[keys[0]], keys[0], f"{path}, {name}")
        catheters.append(_catheter(name, ras_to_lps(points_mm) if keys[0].endswith("ras") else points_mm, path))
    return catheters


def _table(path: Path) -> list[Catheter]:
    table = read_csv(path, ("catheter", "x_mm", "y_mm", "z_mm"))
    if "time_s" in table.header:
        # They begin at the tip and end within the lesion: no path from the skin.
        raise FormatError(
            "expected points from hub to tip",
            got="dwells (column time_s)",
            where=path,
            remedy="A plan's catheters are in the case that it was made of.",
        )
    name, *axes = (table.column(column) for column in ("catheter", "x_mm", "y_mm", "z_mm"))
    points_mm: dict[str, list[list[float]]] = {}
    for k, row in enumerate(table.rows):
        try:
            position = [number_in(row[axis]) for axis in axes]
        except ValueError:
            got = ", ".join(row[axis] for axis in axes)
            raise FormatError("positions must be numbers (mm)", got=got[:80], where=table.where(k)) from None
        _refuse_far(position, table.where(k))
        points_mm.setdefault(row[name], []).append(position)
    return [_catheter(name, np.array(rows_mm), path) for name, rows_mm in points_mm.items()]
