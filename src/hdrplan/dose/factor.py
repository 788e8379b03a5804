"""What TG-43's dose is multiplied by: the dose in a patient's media over that in water without end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, frozen
from hdrplan.brief import brief_repr
from hdrplan.dose.points import SamplePoints
from hdrplan.dose.shape import Shape
from hdrplan.errors import InputError
from hdrplan.geometry import Grid, Volume
from hdrplan.kernels.factored import factored_rows
from hdrplan.threads import over_rows

__all__ = ["DoseFactor", "FactorBound", "nodes_of"]

_SLICES = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DoseFactor:
    """A factor for TG-43's dose at every point.

    Parameters
    ----------
    fields : mapping
        Structure -> its factor at nodes, trilinear between them, on a grid of :func:`nodes_of`: what a proof at every
        point of this structure is about.
    elsewhere : callable
        (n, 3) points in mm -> (n,): the factor at points of all other structures.
    on_nodes : callable, optional
        The same for the many points of grids, from its values at nodes; None: that of all other points.

    Raises
    ------
    InputError
        A factor that is not positive.
    """

    fields: Mapping[str, Volume]
    elsewhere: Callable[[FloatArray], FloatArray]
    on_nodes: Callable[[FloatArray], FloatArray] | None = None

    __repr__ = brief_repr

    def __post_init__(self) -> None:
        for name, field in self.fields.items():
            if not (np.isfinite(field.values_zyx).all() and (field.values_zyx > 0.0).all()):
                raise InputError("a factor of the dose must be positive", got=float(field.values_zyx.min()), where=name)

    def at(self, name: str, points_mm: FloatArray) -> FloatArray:
        """Return the factor at points of a structure, (n,).

        Parameters
        ----------
        name : str
        points_mm : (n, 3) array
        """
        return self.fields[name].at(points_mm) if name in self.fields else self.elsewhere(points_mm)

    def at_all(self, points: SamplePoints) -> FloatArray:
        """Return the factor at all sample points, (n_points,)."""
        return np.concatenate([self.at(name, points.points_mm[points.rows(name)]) for name in points.names])

    def on_grid(self, dose: Volume) -> Volume:
        """Return a dose on a grid, multiplied by the factor, some slices at a time."""
        values, factor = dose.values_zyx.astype(np.float32), self.on_nodes or self.elsewhere
        for first in range(0, len(values), _SLICES):
            last = min(first + _SLICES, len(values))
            slices = values[first:last]
            slices *= factor(dose.grid.points_mm(first, last)).reshape(slices.shape)
        return Volume(dose.grid, values)


def nodes_of(shape: Shape, spacing_mm: float) -> Grid:
    """Return nodes for the factor of a structure: along its shape's axes, over all of its grid.

    Parameters
    ----------
    shape : Shape
    spacing_mm : float
        Distance of nodes at most.
    """
    grid = shape.grid
    size_mm = (np.array(grid.shape_zyx[::-1]) - 1) * grid.spacing_mm
    count = np.maximum(np.ceil(size_mm / spacing_mm - 1e-9).astype(int), 1)
    nx, ny, nz = (count + 1).tolist()
    return Grid(shape_zyx=(nz, ny, nx), origin_mm=grid.origin_mm, spacing_mm=size_mm / count, direction=grid.direction)


class FactorBound:
    """Turns lower bounds of TG-43's dose in boxes into those of the dose times a factor.

    Parameters
    ----------
    grid : Grid
        Of the boxes.
    field : Volume
        On nodes along the same axes.

    Raises
    ------
    InputError
        Nodes along other axes, or that do not reach round the boxes.
    """

    def __init__(self, grid: Grid, field: Volume) -> None:
        nodes, last = field.grid, np.subtract(grid.shape_zyx[::-1], 1)
        ends = nodes.index(grid.world(np.array([[0, 0, 0], last])))
        reach = np.subtract(nodes.shape_zyx[::-1], 1)
        if np.abs(nodes.direction - grid.direction).max() > 1e-9 or (ends < -1e-6).any() or (ends > reach + 1e-6).any():
            raise InputError("a factor's nodes must lie along a structure's axes, all round it", got="other nodes")
        self._grid, self._nodes = grid, nodes
        self._values: npt.NDArray[np.float64] = frozen(field.values_zyx)

    def apply(self, low: FloatArray, size: FloatArray, linear: FloatArray) -> None:
        """Change bounds in place.

        Parameters
        ----------
        low, size : (n, 3) array
            Boxes in indices of their grid.
        linear : (n, 5) array
            Value, slopes and remainder; written.
        """
        spacing_mm = self._grid.spacing_mm
        at, edges = self._nodes.index(self._grid.world(low)), size * (spacing_mm / self._nodes.spacing_mm)
        half_mm = 0.5 * size * spacing_mm
        over_rows(
            lambda first, last: factored_rows(
                first, last, self._values, frozen(at), frozen(edges), frozen(half_mm), linear
            ),
            len(low),
            smallest=64,
        )
