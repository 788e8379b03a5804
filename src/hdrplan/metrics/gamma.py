"""Comparison of dose distributions: the gamma index in three dimensions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, freeze
from hdrplan.errors import InputError
from hdrplan.kernels.gamma import Reference, Search, gamma_rows
from hdrplan.threads import over_rows

__all__ = ["GammaCriteria", "gamma_index"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GammaCriteria:
    """Criteria of a gamma comparison.

    Parameters
    ----------
    dose_frac : float
        Dose criterion as a fraction: of the local reference dose, or of ``normal_gy``.
    distance_mm : float
    local : bool
        Whether the dose criterion is of the local dose.
    largest : float
        Gamma is searched up to this value.
    step_frac : float
        Search step as a fraction of ``distance_mm``; between voxels the evaluated dose is trilinear.
    """

    dose_frac: float = 0.02
    distance_mm: float = 1.0
    local: bool = True
    largest: float = 1.5
    step_frac: float = 0.1

    def __post_init__(self) -> None:
        for name, low, high in (
            ("dose_frac", 1e-4, 1.0),
            ("distance_mm", 0.01, 20.0),
            ("largest", 1.0, 5.0),
            ("step_frac", 0.02, 0.5),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"{name} of gamma must lie between {low:g} and {high:g}", got=value)

    @property
    def short(self) -> str:
        """Dose and distance, as in a table."""
        return f"{100 * self.dose_frac:g} % {'local' if self.local else 'global'} / {self.distance_mm:g} mm"

    @property
    def text(self) -> str:
        """The criteria as a sentence."""
        return f"{self.short}, searched every {self.step_frac * self.distance_mm:g} mm with trilinear interpolation"


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    offsets_mm: FloatArray
    distance2: FloatArray

    def __post_init__(self) -> None:
        freeze(self, "offsets_mm", (None, 3))
        freeze(self, "distance2", (None,))


def _search(criteria: GammaCriteria) -> _Search:
    """Lattice of steps inside the largest distance, nearest first."""
    reach = criteria.largest * criteria.distance_mm
    step = criteria.step_frac * criteria.distance_mm
    count = int(reach / step + 1e-9)
    axis = np.arange(-count, count + 1) * step
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    offsets = np.column_stack((x.ravel(), y.ravel(), z.ravel()))
    square = (offsets**2).sum(axis=1)
    order = np.argsort(square, kind="stable")
    order = order[square[order] <= reach**2 * (1 + 1e-12)]
    return _Search(offsets[order], square[order] / criteria.distance_mm**2)


def gamma_index(
    reference_gy: npt.ArrayLike,
    index_xyz: npt.ArrayLike,
    evaluated_zyx: npt.NDArray[np.float32],
    spacing_mm: npt.ArrayLike,
    criteria: GammaCriteria,
    *,
    normal_gy: float | None = None,
) -> FloatArray:
    """Return gamma at reference points against a dose grid.

    Parameters
    ----------
    reference_gy : (n,) array
        Positive doses.
    index_xyz : (n, 3) array
        Place of each reference point in the evaluated grid, in voxels (x, y, z).
    evaluated_zyx : (nz, ny, nx) array
        Evaluated dose.
    spacing_mm : (3,) array
        Of the evaluated grid, x, y, z.
    criteria : GammaCriteria
    normal_gy : float, optional
        Dose that a global criterion is a fraction of.

    Returns
    -------
    (n,) array
        At most ``criteria.largest``; NaN outside the evaluated grid.

    Raises
    ------
    InputError
        Reference doses that are not positive under a local criterion, no ``normal_gy`` for a global one.
    """
    reference = np.array(reference_gy, dtype=np.float64)
    if criteria.local:
        if len(reference) and not reference.min() > 0:
            raise InputError("reference doses of a local gamma must be positive (Gy)", got=reference.min())
        criterion = criteria.dose_frac * reference
    elif normal_gy is None or not normal_gy > 0:
        raise InputError("a global gamma needs a positive normal_gy", got=normal_gy)
    else:
        criterion = np.full(len(reference), criteria.dose_frac * normal_gy)
    search = _search(criteria)
    steps = search.offsets_mm / np.asarray(spacing_mm, dtype=np.float64)
    index = np.array(index_xyz, dtype=np.float64).reshape(-1, 3)
    out = np.empty(len(reference))
    evaluated = np.ascontiguousarray(evaluated_zyx, dtype=np.float32)
    for array in (reference, criterion, steps, index, evaluated):
        array.setflags(write=False)
    points = Reference(dose_gy=reference, index_xyz=index, criterion_gy=criterion)
    places = Search(offsets_xyz=steps, distance2=search.distance2, largest=float(criteria.largest))

    def block(first: int, last: int) -> None:
        gamma_rows(first, last, points, evaluated, places, out)

    over_rows(block, len(reference))
    return out
