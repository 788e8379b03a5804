"""DVHs as rows of tables: one a structure with its metrics, one a point of its curve."""

from __future__ import annotations

import math

from hdrplan.workflow.dvh_values import StructureDVH

__all__ = ["CURVE_COLUMNS", "DVHRow", "dvh_curve_rows", "dvh_row"]

DVHRow = dict[str, object]
CURVE_COLUMNS = ("structure", "dose_gy", "volume_cc", "volume_pct")
_CURVE_POINTS = 201


def dvh_row(s: StructureDVH) -> DVHRow:
    """Return one structure as a row: volume, share inside the dose grid, each metric and its error (None: no value)."""
    row: DVHRow = {
        "structure": s.name,
        "volume_cc": s.volume_cc,
        "volume_error_cc": s.volume_error_cc,
        "in_grid_pct": 100 * s.in_grid_frac,
    }
    for m in s.metrics:
        stem, unit = m.key.rsplit("_", 1)
        known = not math.isnan(m.value)
        row |= {m.key: m.value if known else None, f"{stem}_error_{unit}": m.error if known else None}
    return row


def dvh_curve_rows(s: StructureDVH) -> list[DVHRow]:
    """Return the points of one structure's curve, in CURVE_COLUMNS; percent is of the whole volume."""
    return [
        dict(zip(CURVE_COLUMNS, (s.name, round(gy, 5), round(cc, 6), round(100 * cc / s.volume_cc, 5)), strict=True))
        for gy, cc in zip(*(values.tolist() for values in s.sampled(_CURVE_POINTS)), strict=True)
    ]
