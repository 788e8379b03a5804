"""Catheters on disk: 3D Slicer Markups, JSON and CSV polylines. Hub first, tip last."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray
from hdrplan.errors import FormatError, InputError
from hdrplan.geometry import Catheter
from hdrplan.io.case.frames import ras_to_lps
from hdrplan.io.files import json_object, json_value, text_of

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
        No catheter, one point only.
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
    return tuple(catheters)


def _points(raw: object, where: str) -> FloatArray:
    """Points (n, 3) of a nested list of numbers."""
    if not isinstance(raw, list) or not all(isinstance(p, list) and len(p) == 3 for p in raw):
        raise FormatError("expected points [[x, y, z], ...]", got=str(raw)[:80], where=where)
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for p in raw for v in p):
        raise FormatError("positions must be numbers (mm)", got=str(raw)[:80], where=where)
    try:
        points = np.array(raw, dtype=np.float64).reshape(-1, 3)
    except (OverflowError, ValueError):
        raise FormatError("positions must be numbers (mm)", got="a number out of range", where=where) from None
    _refuse_far(points, where)
    return points


def _refuse_far(points: npt.ArrayLike, where: str) -> None:
    """Refuse NaN, infinity, and what lies farther than 100 m."""
    if not (np.abs(np.asarray(points, dtype=np.float64)) < 1e5).all():
        raise FormatError("positions must be finite (mm)", got="NaN, infinite or beyond 100 m", where=where)


def _catheter(name: str, points: FloatArray, path: Path) -> Catheter:
    try:
        return Catheter(name, points)
    except InputError as error:
        raise InputError(error.expected, got=error.got, where=f"{path}, {name}", remedy=error.remedy) from None


def _markups(path: Path) -> list[Catheter]:
    markups = json_object(path).get("markups")
    if not isinstance(markups, list):
        raise FormatError("expected 3D Slicer Markups (a list 'markups')", got="none", where=path)
    catheters = []
    for k, markup in enumerate(markups):
        if not isinstance(markup, dict):
            raise FormatError("each markup is an object", got=str(markup)[:80], where=f"{path}, markup {k + 1}")
        name = str(markup.get("name") or f"catheter_{k + 1}")
        where = f"{path}, {name}"
        if markup.get("type") not in ("Curve", "Line"):
            raise FormatError(
                "a catheter is a Curve or a Line",
                got=repr(markup.get("type")),
                where=where,
                remedy="Convert it in Slicer's Markups module.",
            )
        catheters.append(_catheter(name, _control_points(markup, where), path))
    return catheters


def _control_points(markup: dict[str, Any], where: str) -> FloatArray:
    system = str(markup.get("coordinateSystem"))
    if system not in _SYSTEMS:
        raise FormatError("coordinateSystem is LPS or RAS", got=repr(markup.get("coordinateSystem")), where=where)
    units = markup.get("coordinateUnits", "mm")
    if (units[0] if isinstance(units, list) and units else units) != "mm":
        raise FormatError("coordinateUnits must be mm", got=repr(units)[:40], where=where)
    controls = markup.get("controlPoints")
    if not isinstance(controls, list) or not all(isinstance(c, dict) for c in controls):
        raise FormatError("expected a list controlPoints", got=type(controls).__name__, where=where)
    # Points that were never placed have no position.
    placed = [c for c in controls if c.get("positionStatus", "defined") == "defined"]
    points = _points([c.get("position") for c in placed], where)
    return ras_to_lps(points) if _SYSTEMS[system] == "RAS" else points


def _polylines(path: Path) -> list[Catheter]:
    value = json_value(path)
    entries = value.get("catheters") if isinstance(value, dict) else value
    if not isinstance(entries, list):
        raise FormatError(
            'expected [{"name": ..., "hub_to_tip_mm_lps": [[x, y, z], ...]}, ...]',
            got=type(entries).__name__,
            where=path,
        )
    catheters = []
    for k, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise FormatError("each catheter is an object", got=str(entry)[:80], where=f"{path}, entry {k + 1}")
        name = str(entry.get("name") or f"catheter_{k + 1}")
        keys = [key for key in ("hub_to_tip_mm_lps", "hub_to_tip_mm_ras") if key in entry]
        if len(keys) != 1:
            raise FormatError(
                "expected hub_to_tip_mm_lps or hub_to_tip_mm_ras", got=", ".join(entry) or "{}", where=f"{path}, {name}"
            )
        points = _points(entry[keys[0]], f"{path}, {name}")
        catheters.append(_catheter(name, ras_to_lps(points) if keys[0].endswith("ras") else points, path))
    return catheters


def _table(path: Path) -> list[Catheter]:
    rows = csv.DictReader(text_of(path).splitlines())
    columns = ("catheter", "x_mm", "y_mm", "z_mm")
    missing = [c for c in columns if c not in (rows.fieldnames or ())]
    if missing:
        raise FormatError(
            f"expected the columns {', '.join(columns)}", got=", ".join(rows.fieldnames or ()) or "none", where=path
        )
    points: dict[str, list[list[float]]] = {}
    try:
        for row in rows:
            where = f"{path}, line {rows.line_num}"
            try:
                position = [float(row[c] or "") for c in columns[1:]]
            except (TypeError, ValueError):
                got = ", ".join(str(row[c]) for c in columns[1:])
                raise FormatError("positions must be numbers (mm)", got=got[:80], where=where) from None
            _refuse_far(position, where)
            points.setdefault(str(row["catheter"]), []).append(position)
    except csv.Error as error:
        raise FormatError("expected comma-separated rows", got=str(error), where=path) from None
    return [_catheter(name, np.array(rows_), path) for name, rows_ in points.items()]
