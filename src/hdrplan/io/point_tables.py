"""Plain CSV tables of dwells and points, and the doses written beside the points."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, freeze
from hdrplan.door import number_in
from hdrplan.errors import FormatError
from hdrplan.geometry import Dwells
from hdrplan.io.csv_files import CsvTable, read_csv
from hdrplan.io.outputs import Output, new_file
from hdrplan.io.run_record import RunRecord
from hdrplan.io.value_files import write_rows

__all__ = ["PointTable", "read_dwells_csv", "read_points_csv", "write_point_doses"]

_DWELLS = ("x_mm", "y_mm", "z_mm", "tip_x", "tip_y", "tip_z", "time_s")
_POINTS = ("x_mm", "y_mm", "z_mm")
_ADDED = ("dose_gy", "extrapolated")


@dataclass(frozen=True, slots=True, eq=False)
class PointTable:
    """Points of a CSV file with all their columns.

    Parameters
    ----------
    header : tuple of str
    rows : tuple of tuple of str
        As they stand in the file.
    points_mm : (n, 3) array
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    points_mm: FloatArray

    def __post_init__(self) -> None:
        freeze(self, "points_mm", (len(self.rows), 3))


def read_dwells_csv(path: Path) -> tuple[Dwells, FloatArray]:
    """Read dwells and their times: columns x_mm, y_mm, z_mm, tip_x, tip_y, tip_z, time_s in any order.

    ``tip_*`` is the direction from the source's centre to its tip, of any length. A column ``catheter`` groups the
    dwells; without it they belong to one catheter. Other columns are left alone.

    Raises
    ------
    FormatError
        A column or value is missing, not a finite number, a time is negative, a direction has no length.
    """
    table = read_csv(path, _DWELLS)
    rows, values = table.rows, _numbers(table, _DWELLS)
    positions, axes, times_s = values[:, :3], values[:, 3:6], values[:, 6]
    lengths = np.linalg.norm(axes, axis=1)
    for bad, expected in ((lengths < 1e-9, "tip_x, tip_y, tip_z must be a direction"), (times_s < 0, "time_s >= 0")):
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise FormatError(expected, got=", ".join(rows[row]), where=table.where(row))
    named = table.column("catheter") if "catheter" in table.header else None
    names = ["1" if named is None else row[named] for row in rows]
    catheters = tuple(dict.fromkeys(names))
    index = np.array([catheters.index(name) for name in names])
    # The file does not say how far the tip of the catheter is: offsets count from the first dwell of each.
    first = np.array([names.index(name) for name in names])
    offset_mm = np.linalg.norm(positions - positions[first], axis=1)
    return Dwells(
        positions_mm=positions,
        axes=axes / lengths[:, None],
        catheter=index,
        offset_mm=offset_mm,
        catheter_names=catheters,
    ), times_s


def read_points_csv(path: Path) -> PointTable:
    """Read points: columns x_mm, y_mm, z_mm in any order; other columns are kept.

    Raises
    ------
    FormatError
        A column or value is missing or not a finite number; a column is already called dose_gy or extrapolated.
    """
    table = read_csv(path, _POINTS)
    for name in _ADDED:
        if name in table.header:
            raise FormatError("the points get this column", got=f"one already called {name}", where=path)
    return PointTable(table.header, table.rows, _numbers(table, _POINTS))


def write_point_doses(
    place: Output | Path,
    table: PointTable,
    dose_gy: FloatArray,
    extrapolated: npt.NDArray[np.bool_],
    record: RunRecord | None = None,
) -> None:
    """Write the rows of a table of points with two columns more.

    Parameters
    ----------
    place : Output or Path
        A path must not exist.
    table : PointTable
    dose_gy : (n,) array
        Column ``dose_gy``, 10 digits.
    extrapolated : (n,) bool array
        Column ``extrapolated``: 1 outside the source's published table, else 0.
    record : RunRecord, optional
        Goes beside the file.
    """
    rows = zip(table.rows, dose_gy, extrapolated, strict=True)
    with new_file(place, record) as draft:
        write_rows(draft, (*table.header, *_ADDED), ((*row, f"{dose:.10g}", int(off)) for row, dose, off in rows))


def _numbers(table: CsvTable, wanted: tuple[str, ...]) -> FloatArray:
    columns = [table.column(name) for name in wanted]
    values = np.empty((len(table.rows), len(wanted)))
    for i, row in enumerate(table.rows):
        for j, column in enumerate(columns):
            try:
                values[i, j] = number_in(row[column])
            except ValueError:
                values[i, j] = math.nan
            if not math.isfinite(values[i, j]):
                raise FormatError(
                    f"{wanted[j]} must be a finite number", got=repr(row[column])[:40], where=table.where(i)
                )
    return values
