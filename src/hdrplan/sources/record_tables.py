"""The tables of a source's record: g(r), F(r, theta) and along-away, checked and turned into house units."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.door import Entries, as_table
from hdrplan.errors import FormatError
from hdrplan.sources.extend import blanks_filled
from hdrplan.sources.model import AlongAway

__all__ = ["PER_CGY_PER_H", "along_away_of", "anisotropy_of", "radial_of"]

PER_CGY_PER_H = 1.0 / 100.0 / 3600.0
"""Gy / s of a cGy / h."""


def _numbers(values: object, name: str, where: object, ndim: int) -> FloatArray:
    """Return an array; blank cells (None) are NaN, and nothing else is."""
    try:
        cells = np.array(values, dtype=object)
        blank = np.array([cell is None for cell in cells.flat], dtype=np.bool_).reshape(cells.shape)
        if any(isinstance(cell, str | bool) for cell in cells.flat):
            raise TypeError
        array = np.where(blank, np.nan, cells).astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        raise FormatError(f"{name} must be a table of numbers, rows of one length", where=where) from None
    if array.ndim != ndim or array.size == 0:
        got = f"shape {array.shape}"
        raise FormatError(f"{name} must be {'a list' if ndim == 1 else 'rows'} of numbers", got=got, where=where)
    if not np.isfinite(array[~blank]).all():
        raise FormatError(f"{name} must be finite", got="NaN or infinity", where=where, remedy="A blank cell is null.")
    return array


def _axis(values: object, name: str, where: object) -> FloatArray:
    """Return a strictly rising axis without blanks."""
    array = _numbers(values, name, where, 1)
    if len(array) < 2:
        raise FormatError(f"{name} must have at least two entries", got=len(array), where=where)
    if np.isnan(array).any():
        raise FormatError(
            f"{name} must have no blank entry", got=f"blank at place {int(np.isnan(array).argmax()) + 1}", where=where
        )
    falls = np.flatnonzero(np.diff(array) <= 0.0)
    if falls.size:
        k = int(falls[0])
        raise FormatError(f"{name} must rise strictly", got=f"{array[k]:g} then {array[k + 1]:g}", where=where)
    return array


def _radii_mm(values: object, name: str, where: object) -> FloatArray:
    """Return radii in mm."""
    r_cm = _axis(values, name, where)
    if r_cm[0] < 0.0:
        raise FormatError(f"{name} must not be negative", got=f"{r_cm[0]:g}", where=where)
    if r_cm[-1] > 40.0:
        raise FormatError(
            f"{name} must end within 40 cm", got=f"{r_cm[-1]:g}", where=where, remedy="It looks like mm: divide by 10."
        )
    if not r_cm[0] <= 1.0 <= r_cm[-1] or r_cm[-1] < 3.0:
        raise FormatError(
            f"{name} must hold 1 cm and reach at least 3 cm",
            got=f"{r_cm[0]:g} to {r_cm[-1]:g} cm",
            where=where,
            remedy="It looks like m: multiply by 100." if r_cm[-1] <= 0.4 else "",
        )
    return r_cm * 10.0


def radial_of(table: Entries) -> tuple[FloatArray, FloatArray]:
    """Return the radial dose function of ``radial_dose``.

    Returns
    -------
    r_mm, g : (n,) array

    Raises
    ------
    FormatError
        A hole, an axis that does not rise, another unit, g that is not 1 at 1 cm.
    """
    entries, where = table.values, table.where
    r_mm = _radii_mm(entries.get("r_cm"), "r_cm", where)
    g = _numbers(entries.get("g"), "g", where, 1)
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
    at_1_cm = float(np.interp(10.0, r_mm, g))
    if abs(at_1_cm - 1.0) > 0.01:
        raise FormatError(
            "g must be 1 at 1 cm", got=f"{at_1_cm:.4g}", where=where, remedy="Check the unit of r_cm and the norm of g."
        )
    return r_mm, g


def anisotropy_of(table: Entries) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """Return the anisotropy function of ``anisotropy``.

    Returns
    -------
    r_mm : (n_r,) array
    theta_rad : (n_theta,) array
    f : (n_theta, n_r) array
        Without blanks; see :func:`hdrplan.sources.extend.blanks_filled`.
    blank : (n_theta, n_r) bool array
        Where the publication has none.

    Raises
    ------
    FormatError
        A hole away from the poles, an axis that does not rise, another unit, F that is not 1 at 90 degrees.
    """
    entries, where = table.values, table.where
    r_mm = _radii_mm(entries.get("r_cm"), "r_cm", where)
    theta_deg = _axis(entries.get("theta_deg"), "theta_deg", where)
    if theta_deg[0] != 0.0 or abs(theta_deg[-1] - 180.0) > 1e-9 or 90.0 not in theta_deg:
        raise FormatError(
            "theta_deg must run from 0 (tip) to 180 (cable) and hold 90",
            got=f"{theta_deg[0]:g} to {theta_deg[-1]:g}",
            where=where,
            remedy="It looks like radians: multiply by 180 / pi." if 3.0 < theta_deg[-1] < 3.2 else "",
        )
    f = _numbers(entries.get("f"), "f", where, 2)
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
    # A ray from the source's centre leaves capsule and cable once: cells that were shifted end in a blank.
    returns = np.argwhere(blank[:, 1:] & ~blank[:, :-1])
    if len(returns):
        i, j = returns[0]
        raise FormatError(
            "F may be blank up to a radius, not beyond one that has a number",
            got=f"a hole at {theta_deg[i]:g} degrees and {r_mm[j + 1] / 10:g} cm",
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


def along_away_of(record: Mapping[str, object], where: str) -> AlongAway | None:
    """Return the published along-away table, if there is one; blank cells are NaN.

    Raises
    ------
    FormatError
        Axes that do not rise, a table of another shape, dose rates that are not positive.
    """
    if record.get("along_away") is None:
        return None
    table = as_table(record["along_away"], "along_away", where)
    entries, where = table.values, str(table.where)
    along, away = _axis(entries.get("along_cm"), "along_cm", where), _axis(entries.get("away_cm"), "away_cm", where)
    if away[0] < 0.0 or max(away[-1], along[-1], -along[0]) > 40.0:
        raise FormatError(
            "away_cm must not be negative, nor any distance above 40 cm", got=f"{away[0]:g}, {along[-1]:g}", where=where
        )
    rate = _numbers(entries.get("cgy_per_h_per_u"), "cgy_per_h_per_u", where, 2)
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
    return AlongAway(along * 10.0, away * 10.0, rate * PER_CGY_PER_H)
