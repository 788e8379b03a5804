"""Points that join the structures of a problem, and their rates, while everything else stays where it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.dose import DoseRate, DoseRateBlocks, GrowingRows, MinimumDose, SamplePoints
from hdrplan.optimize.program.cubes import cells_of

__all__ = ["first_joined", "joined", "joining_mm", "many_dwells"]

# Cold points join the problem one for each cube of this edge: close points say the same.
CUBE_MM = 2.0
# From so many dwells on a round costs much more than points do: those join that are nearly cold, too, one for each
# smaller cube. Four lesions with 900 dwells took six rounds, not nine. The program begins with one for each larger
# cube, and asks for others where they are missed.
MANY_DWELLS, SMALL_CUBE_MM, BEGIN_MM = 300, 1.0, 3.0


def many_dwells(n_dwells: int) -> bool:
    """Whether a round costs so much that the next one begins with all that is known."""
    return n_dwells >= MANY_DWELLS


def joining_mm(dose: MinimumDose, n_dwells: int) -> FloatArray:
    """Return the points that join a CTV, (n, 3) in mm, the cold ones first.

    Parameters
    ----------
    dose : MinimumDose
        As found in a search for nothing but a proof.
    n_dwells : int
        Of the problem.
    """
    if not many_dwells(n_dwells):
        return np.asarray(dose.cold_mm[_first_of_each_cube(dose.cold_mm, CUBE_MM)])
    places = np.concatenate((dose.cold_mm, dose.short_mm))
    return np.asarray(places[_first_of_each_cube(places, SMALL_CUBE_MM)])


def first_joined(joining: FloatArray, n_dwells: int) -> IntArray:
    """Return which of the points that join a CTV, (n, 3) in mm, the program begins with."""
    if not many_dwells(n_dwells) or not len(joining):
        return np.arange(len(joining))
    return _first_of_each_cube(joining, BEGIN_MM)


def _first_of_each_cube(points_mm: FloatArray, edge_mm: float) -> IntArray:
    """Return which points are the first of their cubes, in their order."""
    _, first = np.unique(cells_of(points_mm, edge_mm), return_index=True)
    return np.sort(first)


def joined(
    rate: DoseRate | DoseRateBlocks, points: SamplePoints, new: Mapping[str, tuple[FloatArray, DoseRate]]
) -> tuple[DoseRateBlocks, SamplePoints]:
    """Put points without volume at the end of the rows of their structures.

    Parameters
    ----------
    rate : DoseRate or DoseRateBlocks
        At ``points``.
    points : SamplePoints
    new : mapping
        Name of a structure -> points in mm, and their rates.
    """
    count = np.array([len(new[name][0]) if name in new else 0 for name in points.names])
    blocks = rate.blocks if isinstance(rate, DoseRateBlocks) else _blocks_of(rate, points)
    blocks = tuple(
        block.with_rows(new[name][1].gy_per_s) if name in new else block
        for name, block in zip(points.names, blocks, strict=True)
    )

    def put_behind(
        old: npt.NDArray[Any], added: Callable[[FloatArray, DoseRate], npt.NDArray[Any]]
    ) -> npt.NDArray[Any]:
        pieces = []
        for name in points.names:
            pieces += [old[points.rows(name)], *([added(*new[name])] if name in new else [])]
        return np.concatenate(pieces)

    return (
        DoseRateBlocks(blocks, put_behind(rate.extrapolated, lambda _, rates: rates.extrapolated)),
        replace(
            points,
            start=points.start + np.concatenate(([0], np.cumsum(count))),
            points_mm=put_behind(points.points_mm, lambda mm, _: mm),
            volume_cc=put_behind(points.volume_cc, lambda mm, _: np.zeros(len(mm))),
            on_surface=put_behind(points.on_surface, lambda mm, _: np.ones(len(mm), dtype=np.bool_)),
        ),
    )


def _blocks_of(rate: DoseRate, points: SamplePoints) -> tuple[GrowingRows, ...]:
    return tuple(GrowingRows(rate.at(points.rows(name))) for name in points.names)
