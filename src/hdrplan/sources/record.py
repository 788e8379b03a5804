"""From one record in published units (cm, degrees, cGy / h / U) to a TG43Source in house units, checked at the door."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast, get_args

from hdrplan.arrays import FloatArray
from hdrplan.door import Entries
from hdrplan.errors import FormatError
from hdrplan.sources.extend import REACH_MM, anisotropy_to, far_water, radial_dose_to
from hdrplan.sources.model import Capsule, SourceKind, TG43Source
from hdrplan.sources.record_tables import PER_CGY_PER_H, along_away_of, anisotropy_of, radial_of
from hdrplan.sources.strength import HALF_LIFE_DAYS

__all__ = ["SCHEMA", "source_from_record"]

SCHEMA = "hdrplan-source/1"
# A table that ends before it needs the shape of another one.
_WHOLE_MM = 200.0
_CAPSULE_NOTE = "The capsule is not stated; that of the WG-MBDCA generic source is taken."


def source_from_record(
    record: Mapping[str, object], beyond: tuple[FloatArray, FloatArray] | None = None, *, where: str = ""
) -> TG43Source:
    """Check one record and convert it.

    Parameters
    ----------
    record : mapping
        As in the files of ``sources/data``: lengths in cm, angles in degrees, Lambda in cGy / h / U; blank cells None.
    beyond : tuple of arrays, optional
        r (mm) and g, to 40 cm, whose shape continues the table; needed by one that ends before 20 cm. Without it g
        goes on as in water without an end.
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
    r_g, g = radial_of(entries.table("radial_dose"))
    r_f, theta, f, blank = anisotropy_of(entries.table("anisotropy"))
    r_max = min(r_g[-1], r_f[-1])
    if beyond is None and r_g[-1] < _WHOLE_MM:
        raise FormatError(f"g must reach {_WHOLE_MM / 10:.0f} cm", got=f"{r_g[-1] / 10:g} cm", where=where)
    if beyond is None:
        beyond = far_water().radial_r_mm, far_water().radial_dose
    r_g, g = radial_dose_to(REACH_MM, r_g, g, *beyond)
    r_f, f, filled = anisotropy_to(REACH_MM, r_f, f, blank)
    return TG43Source(
        name=entries.text("name"),
        model=entries.text("model", entries.text("name")),
        manufacturer=entries.text("manufacturer", "not stated"),
        kind=cast(SourceKind, entries.choice("kind", get_args(SourceKind), "user")),
        citation=entries.text("citation"),
        provenance=entries.text("provenance", where),
        dose_rate_constant_gy_per_s_per_u=constant * PER_CGY_PER_H,
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
        along_away=along_away_of(record, where),
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
