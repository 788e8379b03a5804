"""From one record in published units (cm, degrees, cGy / h / U) to a TG43Source in house units, checked at the door."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast, get_args

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.door import Entries, as_table
from hdrplan.errors import FormatError
from hdrplan.sources.extend import REACH_MM, anisotropy_to, blanks_filled, radial_dose_to
from hdrplan.sources.model import AlongAway, Capsule, Kind, TG43Source
from hdrplan.sources.strength import HALF_LIFE_DAYS

__all__ = ["SCHEMA", "source_from_record"]

SCHEMA = "hdrplan-source/1"
_CAPSULE_NOTE = "The capsule is not stated; that of the WG-MBDCA generic source is taken."
_PER_CGY_PER_H = 1.0 / 100.0 / 3600.0


def source_from_record(
    record: Mapping[str, Any], beyond: tuple[FloatArray, FloatArray] | None = None, *, where: str = ""
) -> TG43Source:
    """Check one record and convert it.

    Parameters
    ----------
    record : mapping
        As in the files of ``sources/data``: lengths in cm, angles in degrees, Lambda in cGy / h / U; blank cells None.
    beyond : tuple of arrays, optional
        r (mm) and g whose shape continues a table that ends before 20 cm; needed by such a table only.
    where : str
        File or name, for messages.

    Returns
    -------
    TG43Source

    Raises
    ------
    FormatError
        Something is missing, blank, out of order, in another unit, or not an Ir-192 source.
    """
    where = where or str(record.get("name", "source"))
    if record.get("schema", SCHEMA) != SCHEMA:
        raise FormatError(f"schema must be {SCHEMA}", got=repr(record["schema"])[:60], where=where)
    # A blank text is none.
    entries = Entries(
        {key: value for key, value in record.items() if not isinstance(value, str) or value.strip()}, where
    )
    constant = _number(
        entries,
        "dose_rate_constant_cgy_per_h_per_u",
        (0.8, 1.4),
        slips={100.0: "Gy/h/U", 3.6e5: "Gy/s/U", 1e-4: "uGy/h/U", 0.01: "percent"},
        unit="cGy/h/U",
    )
    length = _number(entries, "active_length_cm", (0.02, 1.5), slips={0.1: "mm", 100.0: "m"}, unit="cm")
    half_life = _number(
        entries,
        "half_life_days",
        (73.0, 75.0),
        slips={1 / 24: "hours", 1 / 86400: "seconds"},
        unit="days",
        default=HALF_LIFE_DAYS,
    )
    stated = entries.values.get("capsule_cm") is not None
    capsule = _capsule(entries.table("capsule_cm", _usual_capsule_cm(length)), length)
    r_g, g = _radial(entries.table("radial_dose"))
    r_f, theta, f, blank = _anisotropy(entries.table("anisotropy"))
    r_max = min(r_g[-1], r_f[-1])
    if beyond is None and r_g[-1] < REACH_MM:
        raise FormatError(f"g must reach {REACH_MM / 10:.0f} cm", got=f"{r_g[-1] / 10:g} cm", where=where)
    if beyond is not None:
        r_g, g = radial_dose_to(REACH_MM, r_g, g, *beyond)
    r_f, f, filled = anisotropy_to(REACH_MM, r_f, f, blank)
    return TG43Source(
        name=entries.text("name"),
        model=entries.text("model", entries.text("name")),
        manufacturer=entries.text("manufacturer", "not stated"),
        kind=cast(Kind, entries.choice("kind", get_args(Kind), "user")),
        citation=entries.text("citation"),
        provenance=entries.text("provenance", where),
        dose_rate_constant_gy_per_s_per_u=constant * _PER_CGY_PER_H,
        active_length_mm=length * 10.0,
        radial_r_mm=r_g,
        radial_dose=g,
        anisotropy_r_mm=r_f,
        anisotropy_theta_rad=theta,
        anisotropy=f,
        anisotropy_filled=filled,
        table_r_max_mm=float(r_max),
        half_life_days=half_life,
        capsule=capsule,
        along_away=_along_away(record, where),
        note=((entries.text_or_none("note") or "") + ("" if stated else f" {_CAPSULE_NOTE}")).strip(),
    )


def _number(
    entries: Entries,
    key: str,
    valid: tuple[float, float],
    *,
    slips: Mapping[float, str],
    unit: str,
    default: float | None = None,
) -> float:
    """Return a number inside ``valid``; ``slips`` maps a factor to the unit that the number seems to be in."""
    value = entries.number(key, unit=unit, default=default)
    low, high = valid
    if low <= value <= high:
        return value
    remedies = (
        f"It looks like {other}: multiply by {factor:g}."
        for factor, other in slips.items()
        if low <= value * factor <= high
    )
    raise FormatError(
        f"{key} must lie between {low:g} and {high:g} {unit} for Ir-192",
        got=f"{value:g}",
        where=entries.where,
        remedy=next(remedies, ""),
    )


def _numbers(values: Any, what: str, where: object, ndim: int) -> FloatArray:
    """Return an array; blank cells (None) are NaN, and nothing else is."""
    try:
        cells = np.array(values, dtype=object)
        blank = np.array([cell is None for cell in cells.flat], dtype=np.bool_).reshape(cells.shape)
        if any(isinstance(cell, str | bool) for cell in cells.flat):
            raise TypeError
        array = np.where(blank, np.nan, cells).astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        raise FormatError(f"{what} must be a table of numbers, rows of one length", where=where) from None
    if array.ndim != ndim or array.size == 0:
        got = f"shape {array.shape}"
        raise FormatError(f"{what} must be {'a list' if ndim == 1 else 'rows'} of numbers", got=got, where=where)
    if not np.isfinite(array[~blank]).all():
        raise FormatError(f"{what} must be finite", got="NaN or infinity", where=where, remedy="A blank cell is null.")
    return array


def _axis(values: Any, what: str, where: object) -> FloatArray:
    """Return a strictly rising axis without blanks."""
    array = _numbers(values, what, where, 1)
    if len(array) < 2:
        raise FormatError(f"{what} must have at least two entries", got=len(array), where=where)
    if np.isnan(array).any():
        raise FormatError(
            f"{what} must have no blank entry", got=f"blank at place {int(np.isnan(array).argmax()) + 1}", where=where
        )
    falls = np.flatnonzero(np.diff(array) <= 0.0)
    if falls.size:
        k = int(falls[0])
        raise FormatError(f"{what} must rise strictly", got=f"{array[k]:g} then {array[k + 1]:g}", where=where)
    return array


def _radii_mm(values: Any, what: str, where: object) -> FloatArray:
    """Return radii in mm."""
    r_cm = _axis(values, what, where)
    if r_cm[0] < 0.0:
        raise FormatError(f"{what} must not be negative", got=f"{r_cm[0]:g}", where=where)
    if r_cm[-1] > 40.0:
        raise FormatError(
            f"{what} must end within 40 cm", got=f"{r_cm[-1]:g}", where=where, remedy="It looks like mm: divide by 10."
        )
    if not r_cm[0] <= 1.0 <= r_cm[-1] or r_cm[-1] < 3.0:
        raise FormatError(
            f"{what} must hold 1 cm and reach at least 3 cm",
            got=f"{r_cm[0]:g} to {r_cm[-1]:g} cm",
            where=where,
            remedy="It looks like m: multiply by 100." if r_cm[-1] <= 0.4 else "",
        )
    return r_cm * 10.0


def _radial(table: Entries) -> tuple[FloatArray, FloatArray]:
    """Return r (mm) and g."""
    part, where = table.values, table.where
    r_mm = _radii_mm(part.get("r_cm"), "r_cm", where)
    g = _numbers(part.get("g"), "g", where, 1)
    if len(g) != len(r_mm):
        raise FormatError(f"g needs one value for each of the {len(r_mm)} radii", got=len(g), where=where)
    if np.isnan(g).any():
        hole = r_mm[int(np.isnan(g).argmax())] / 10.0
        raise FormatError("g must have no hole", got=f"blank at {hole:g} cm", where=where)
    if not (g.min() > 0.05 and g.max() < 3.0):
        raise FormatError(
            "g must lie between 0.05 and 3",
            got=f"{g.min():g} to {g.max():g}",
            where=where,
            remedy="It looks like percent: divide by 100." if 50.0 < g.max() < 300.0 else "",
        )
    one = float(np.interp(10.0, r_mm, g))
    if abs(one - 1.0) > 0.01:
        raise FormatError(
            "g must be 1 at 1 cm", got=f"{one:.4g}", where=where, remedy="Check the unit of r_cm and the norm of g."
        )
    return r_mm, g


def _anisotropy(table: Entries) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """Return r (mm), theta (rad), F without blanks, and where it was blank."""
    part, where = table.values, table.where
    r_mm = _radii_mm(part.get("r_cm"), "r_cm", where)
    theta_deg = _axis(part.get("theta_deg"), "theta_deg", where)
    if theta_deg[0] != 0.0 or abs(theta_deg[-1] - 180.0) > 1e-9 or 90.0 not in theta_deg:
        raise FormatError(
            "theta_deg must run from 0 (tip) to 180 (cable) and hold 90",
            got=f"{theta_deg[0]:g} to {theta_deg[-1]:g}",
            where=where,
            remedy="It looks like radians: multiply by 180 / pi." if 3.0 < theta_deg[-1] < 3.2 else "",
        )
    f = _numbers(part.get("f"), "f", where, 2)
    if f.shape != (len(theta_deg), len(r_mm)):
        raise FormatError(
            f"f needs {len(theta_deg)} angles x {len(r_mm)} radii", got=f"{f.shape[0]} x {f.shape[1]}", where=where
        )
    blank = np.isnan(f)
    middle = int(np.flatnonzero(theta_deg == 90.0)[0])
    for j in range(len(r_mm)):
        # The pole itself may be printed where its neighbours are not (VS2000 of the CLRP at 0.5 cm).
        printed = np.flatnonzero(~blank[1:-1, j]) + 1
        if not printed.size or blank[printed[0] : printed[-1] + 1, j].any() or blank[middle, j]:
            raise FormatError(
                "F may be blank only next to 0 and 180 degrees, inside capsule and cable",
                got=f"a hole at {r_mm[j] / 10:g} cm",
                where=where,
            )
    low, high = float(np.nanmin(f)), float(np.nanmax(f))
    if not (low > 0.02 and high < 5.0):
        raise FormatError(
            "F must lie between 0.02 and 5",
            got=f"{low:g} to {high:g}",
            where=where,
            remedy="It looks like percent: divide by 100." if high > 50.0 else "",
        )
    off = np.abs(f[middle] - 1.0)
    if off.max() > 0.02:
        j = int(off.argmax())
        raise FormatError("F must be 1 at 90 degrees", got=f"{f[middle, j]:g} at {r_mm[j] / 10:g} cm", where=where)
    theta = np.deg2rad(theta_deg)
    return r_mm, theta, blanks_filled(theta, f), blank


def _capsule(table: Entries, length_cm: float) -> Capsule:
    """Return the capsule, which must enclose the active core."""
    radius = _number(table, "radius", (0.01, 0.15), slips={0.1: "mm"}, unit="cm")
    cable_radius = _number(table, "cable_radius", (0.0, 0.15), slips={0.1: "mm"}, unit="cm", default=radius)
    tip = _number(table, "tip_z", (length_cm / 2.0, 2.0), slips={0.1: "mm"}, unit="cm")
    cable = _number(
        table, "cable_z", (-2.0, -length_cm / 2.0), slips={0.1: "mm", -1.0: "a distance, not a position"}, unit="cm"
    )
    return Capsule(
        radius_mm=radius * 10.0, tip_z_mm=tip * 10.0, cable_z_mm=cable * 10.0, cable_radius_mm=cable_radius * 10.0
    )


def _usual_capsule_cm(length_cm: float) -> dict[str, float]:
    """Return the capsule of the generic HDR source of the AAPM-ESTRO-ABG working group round a core of this length."""
    return {"radius": 0.05, "tip_z": length_cm / 2.0 + 0.06, "cable_z": -length_cm / 2.0 - 0.09}


def _along_away(record: Mapping[str, Any], where: str) -> AlongAway | None:
    """Return the published along-away table, if there is one."""
    if record.get("along_away") is None:
        return None
    table = as_table(record["along_away"], "along_away", where)
    part, where = table.values, str(table.where)
    along, away = _axis(part.get("along_cm"), "along_cm", where), _axis(part.get("away_cm"), "away_cm", where)
    if away[0] < 0.0 or max(away[-1], along[-1], -along[0]) > 40.0:
        raise FormatError(
            "away_cm must not be negative, nor any distance above 40 cm", got=f"{away[0]:g}, {along[-1]:g}", where=where
        )
    rate = _numbers(part.get("cgy_per_h_per_u"), "cgy_per_h_per_u", where, 2)
    if rate.shape != (len(away), len(along)):
        raise FormatError(
            f"cgy_per_h_per_u needs {len(away)} away x {len(along)} along",
            got=f"{rate.shape[0]} x {rate.shape[1]}",
            where=where,
        )
    if not np.nanmin(rate) > 0.0:
        raise FormatError(
            "dose rates must be positive",
            got=f"{np.nanmin(rate):g}",
            where=where,
            remedy="Leave cells inside the source blank.",
        )
    return AlongAway(along * 10.0, away * 10.0, rate * _PER_CGY_PER_H)
