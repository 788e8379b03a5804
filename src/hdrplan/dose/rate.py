"""The dose-rate matrix: what one second at each dwell gives each point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import BoolArray, FloatArray, adopt, freeze, frozen
from hdrplan.brief import brief_repr
from hdrplan.dose.tables import (
    checked_points,
    checked_strength,
    in_slabs,
    in_whole_vectors,
    lattice_of_source,
    pieces_of_source,
    rows_of,
    stops_of,
    tables_of,
    weights_us,
    whole_vectors,
)
from hdrplan.geometry import Dwells
from hdrplan.kernels.exact import dose_rows, rate_rows
from hdrplan.kernels.lattice_rows import Columns, dose_table_rows, rate_matrix_rows
from hdrplan.kernels.tg43 import Stops
from hdrplan.memory import require_memory
from hdrplan.sources import TG43Source

__all__ = [
    "DoseRate",
    "PointDose",
    "dose_at_points",
    "dose_by_tables",
    "dose_rate",
    "fill_by_tables",
    "fill_rates",
    "sum_by_tables",
]

_SLAB_PAIRS = 20_000_000  # some tenths of a second of work: progress is told between slabs


@dataclass(frozen=True, slots=True, eq=False)
class DoseRate:
    """Dose rates of all dwells at all points.

    Parameters
    ----------
    gy_per_s : (n_points, n_dwells) array
    extrapolated : (n_points,) bool array
        Points that lie outside the source's tabulated range for at least one dwell.
    """

    gy_per_s: FloatArray
    extrapolated: BoolArray

    __repr__ = brief_repr

    def __post_init__(self) -> None:
        adopt(self.gy_per_s)
        freeze(self, "extrapolated", (None,), dtype=np.bool_)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of points, and of dwells."""
        return self.gy_per_s.shape[0], self.gy_per_s.shape[1]

    def at(self, rows: slice) -> FloatArray:
        """Return the rates at some points, a view."""
        return self.gy_per_s[rows]

    def dose_gy(self, times_s: FloatArray) -> FloatArray:
        """Return the dose of dwell times, (n_dwells,), at all points."""
        return np.asarray(self.gy_per_s @ times_s)


@dataclass(frozen=True, slots=True, eq=False)
class PointDose:
    """Doses at points.

    Parameters
    ----------
    gy : (n_points,) array
    extrapolated_gy : (n_points,) array
        How much of it comes from dwells for which the point lies outside the source's tabulated range.
    """

    gy: FloatArray
    extrapolated_gy: FloatArray

    __repr__ = brief_repr

    def __post_init__(self) -> None:
        freeze(self, "gy", (None,))
        freeze(self, "extrapolated_gy", (len(self.gy),))

    @property
    def extrapolated(self) -> BoolArray:
        """Points that lie outside the source's tabulated range for at least one dwell with time."""
        return np.asarray(self.extrapolated_gy > 0.0)

    def extrapolated_frac(self, volume_cc: FloatArray, rows: slice) -> float:
        """Part of a structure's dose that comes from extrapolated data: of its integral over the volume.

        Parameters
        ----------
        volume_cc : (n_points,) array
            Volume that each point stands for.
        rows : slice
            The points of the structure.
        """
        of_volume = volume_cc[rows]
        whole = float(of_volume @ self.gy[rows])
        return float(of_volume @ self.extrapolated_gy[rows]) / whole if whole > 0.0 else 0.0


def dose_rate(
    dwells: Dwells,
    points_mm: npt.ArrayLike,
    source: TG43Source,
    *,
    strength_u: float,
    exact: bool = True,
    on_progress: Callable[[int, int], None] | None = None,
) -> DoseRate:
    """Dose rates by the TG-43U1 2D formalism.

    Parameters
    ----------
    dwells : Dwells
    points_mm : (n_points, 3) array
        LPS positions. Inside the capsule the value of its side wall is returned
        (:func:`hdrplan.kernels.tg43.rate_per_u`).
    source : TG43Source
    strength_u : float
        Air-kerma strength S_K in U (1 U = 1 cGy cm^2 / h).
    exact : bool
        True: float64 throughout. False: the same formula in float32 without trigonometry, within 0.02 % from 2 mm on
        and 0.1 % from 0.5 mm on (measured: 0.001 %); which points are extrapolated is then judged by radius alone.
    on_progress : callable, optional
        Called with (rows done, rows in all).

    Returns
    -------
    DoseRate
        ``gy_per_s`` is (n_points, n_dwells).

    Raises
    ------
    InputError
        Points that are not (n, 3) or not finite, a strength that is not positive.
    ResourceError
        The matrix does not fit into memory.

    References
    ----------
    Rivard MJ et al., Med Phys 2004;31:633 (TG-43U1), equation 1.
    """
    points = checked_points(points_mm)
    strength = checked_strength(strength_u)
    require_memory(
        8.0 * len(points) * len(dwells),
        f"the rate matrix of {len(points)} points x {len(dwells)} dwells",
        remedy="Take fewer points (larger `sample_mm`) or fewer dwells (larger `step_mm`).",
    )
    out, outside = np.empty((len(points), len(dwells))), np.empty(len(points), dtype=np.bool_)
    if exact:
        fill_rates(out, outside, dwells, points, source, strength, on_progress)
    else:
        fill_by_tables(out, outside, dwells, points, source, strength, on_progress)
    return DoseRate(out, outside)


def fill_rates(
    out: FloatArray,
    outside: BoolArray,
    dwells: Dwells,
    points: FloatArray,
    source: TG43Source,
    strength_u: float,
    on_progress: Callable[[int, int], None] | None,
) -> None:
    """Write exact rates, (n_points, n_dwells), and which points are extrapolated, (n_points,), of checked input."""
    pieces, columns = pieces_of_source(source), rows_of(dwells)

    def block(first: int, last: int) -> None:
        rate_rows(first, last, points, columns, strength_u, pieces, outside, out)

    in_slabs(block, len(points), max(1, _SLAB_PAIRS // len(dwells)), on_progress)


def fill_by_tables(
    out: FloatArray,
    outside: BoolArray,
    dwells: Dwells,
    points: FloatArray,
    source: TG43Source,
    strength_u: float,
    on_progress: Callable[[int, int], None] | None,
) -> None:
    """Write rates by the float32 tables; arguments as of :func:`fill_rates`."""
    positions, axes, tables = dwells.positions_mm, dwells.axes, tables_of(source)
    lattice, centre = lattice_of_source(source), frozen(positions.mean(axis=0))
    whole = in_whole_vectors(len(dwells))
    singles = frozen(np.concatenate([positions - centre, axes], axis=1)[whole].T, np.float32)
    columns32 = Columns(centre, singles, strength_u)
    published_mm = (max(tables.near_mm, tables.capsule_radius_mm), tables.far_mm)

    def block(first: int, last: int) -> None:
        rate_matrix_rows(first, last, points, columns32, published_mm, lattice, outside, out)

    in_slabs(block, len(points), max(1, _SLAB_PAIRS // len(dwells)), on_progress)


def dose_at_points(
    dwells: Dwells,
    times_s: npt.ArrayLike,
    points_mm: npt.ArrayLike,
    source: TG43Source,
    *,
    strength_u: float,
    on_progress: Callable[[int, int], None] | None = None,
) -> PointDose:
    """Doses of given dwell times, without the matrix: memory of the points alone.

    Parameters
    ----------
    dwells : Dwells
    times_s : (n_dwells,) array
        Dwell times, not negative; dwells of 0 s cost nothing.
    points_mm, source, strength_u, on_progress
        As in :func:`dose_rate`.

    Returns
    -------
    PointDose

    Raises
    ------
    InputError
        As in :func:`dose_rate`, and times that are negative, not finite or of another number than the dwells.
    """
    points = checked_points(points_mm)
    used, weights = weights_us(dwells, times_s, checked_strength(strength_u))
    pieces, columns, whole = pieces_of_source(source), rows_of(dwells, used), whole_vectors(weights)
    out, unpublished = np.empty(len(points)), np.empty(len(points))

    def block(first: int, last: int) -> None:
        dose_rows(first, last, points, columns, whole, pieces, unpublished, out)

    in_slabs(block, len(points), max(1, _SLAB_PAIRS // max(1, len(weights))), on_progress)
    return PointDose(out, unpublished)


def dose_by_tables(
    dwells: Dwells, times_s: npt.ArrayLike, points_mm: npt.ArrayLike, source: TG43Source, *, strength_u: float
) -> FloatArray:
    """Doses of given dwell times by the float32 tables of :func:`dose_rate`, for many deliveries of one plan.

    Parameters
    ----------
    dwells : Dwells
    times_s : (n_dwells,) array
        Dwell times, not negative; dwells of 0 s cost nothing.
    points_mm, source, strength_u
        As in :func:`dose_rate`.

    Returns
    -------
    (n_points,) array
        Gy, within 0.02 % from 2 mm on and 0.1 % from 0.5 mm on.

    Raises
    ------
    InputError
        As in :func:`dose_at_points`.
    """
    stops = stops_of(dwells, times_s, checked_strength(strength_u))
    return sum_by_tables(stops, checked_points(points_mm), source)


def sum_by_tables(stops: Stops, points: FloatArray, source: TG43Source) -> FloatArray:
    """Doses of stops at checked points by the float32 tables, Gy; weights may be negative.

    Parameters
    ----------
    stops : Stops
    points : (n_points, 3) array
    source : TG43Source
    """
    lattice, out = lattice_of_source(source), np.empty(len(points))

    def block(first: int, last: int) -> None:
        dose_table_rows(first, last, points, stops, lattice, out)

    in_slabs(block, len(points), len(points), None)
    return out
