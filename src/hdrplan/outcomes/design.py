"""Columns for a model: indicators against a stated reference level, and restricted cubic splines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, freeze
from hdrplan.errors import InputError
from hdrplan.outcomes.columns import grouped

__all__ = ["RestrictedSpline", "indicator_columns", "restricted_spline"]

# Quantiles at which Harrell places 3 to 7 knots (Regression Modeling Strategies, 2nd ed., Springer 2015, Table 2.3).
_QUANTILES: dict[int, tuple[float, ...]] = {
    3: (0.10, 0.50, 0.90),
    4: (0.05, 0.35, 0.65, 0.95),
    5: (0.05, 0.275, 0.50, 0.725, 0.95),
    6: (0.05, 0.23, 0.41, 0.59, 0.77, 0.95),
    7: (0.025, 0.1833, 0.3417, 0.50, 0.6583, 0.8167, 0.975),
}
# A Cox model of 142 lesions with the lesion's name as covariate ran for ten minutes and had nothing to say.
_FEW_LEVELS = 10


def indicator_columns(name: str, values: npt.ArrayLike, reference: object = None) -> dict[str, FloatArray]:
    """Return one 0/1 column for each level of a categorical covariate but the reference.

    The column's name carries the reference level, so that no hazard ratio is printed without it.

    Parameters
    ----------
    name : str
        Name of the covariate.
    values : (n,) array_like
        Levels.
    reference : object, optional
        Reference level; the first in sorted order if not given.

    Returns
    -------
    dict of str to (n,) array

    Raises
    ------
    InputError
        One level only, a reference that does not occur, or names of rows for levels.

    Examples
    --------
    >>> list(indicator_columns("type", ["HCC", "CRLM", "HCC"], reference="HCC"))
    ['type: CRLM vs HCC']
    """
    levels = grouped(values, np.asarray(values).shape[0], name)
    base = levels.labels[0] if reference is None else reference
    if base not in levels.labels or len(levels) < 2:
        raise InputError(f"{name} must have the reference level and at least one other", got=levels.labels, where=base)
    if len(levels) > _FEW_LEVELS and 2 * len(levels) > levels.codes.size:
        raise InputError(
            f"the levels of {name} must stand in two rows or more, on average",
            got=f"{len(levels)} levels in {levels.codes.size} rows",
            remedy="A name of each row, such as the lesion's, is no covariate; rows of one patient are a cluster.",
        )
    return {
        f"{name}: {label} vs {base}": (levels.codes == k).astype(np.float64)
        for k, label in enumerate(levels.labels)
        if label != base
    }


@dataclass(frozen=True, slots=True, eq=False)
class RestrictedSpline:
    """A cubic spline that is linear beyond its outer knots.

    Parameters
    ----------
    knots : (k,) array
        Ascending, at least three.
    """

    knots: FloatArray

    def __post_init__(self) -> None:
        freeze(self, "knots", (None,))
        if self.knots.size < 3 or (np.diff(self.knots) <= 0).any():
            raise InputError("a restricted spline needs three or more ascending knots", got=self.knots.tolist())

    def basis(self, values: npt.ArrayLike) -> FloatArray:
        """Return the columns (n, k - 1): the value itself, then Harrell's k - 2 non-linear terms.

        References
        ----------
        F. E. Harrell, Regression Modeling Strategies, 2nd ed., Springer 2015, 2.4.5, DOI 10.1007/978-3-319-19425-7.
        """
        x, t = np.asarray(values, dtype=np.float64), self.knots

        def cube(knot: float) -> FloatArray:
            return np.clip(x - knot, 0.0, None) ** 3

        last, gap = t[-1], t[-1] - t[-2]
        terms = [
            (cube(knot) - cube(t[-2]) * (last - knot) / gap + cube(last) * (t[-2] - knot) / gap) / (last - t[0]) ** 2
            for knot in t[:-2]
        ]
        return np.column_stack([x, *terms])

    def columns(self, name: str, values: npt.ArrayLike) -> dict[str, FloatArray]:
        """Return the basis as named columns; those after the first are the departure from a straight line."""
        basis = self.basis(values)
        return {name if k == 0 else f"{name}, spline {k}": basis[:, k] for k in range(basis.shape[1])}


def restricted_spline(values: npt.ArrayLike, knots: int | Sequence[float] = 4) -> RestrictedSpline:
    """Return a restricted cubic spline with Harrell's knots for the distribution of ``values``, or with given knots.

    Parameters
    ----------
    values : (n,) array_like
        The covariate.
    knots : int or sequence of float
        Number of knots, 3 to 7, or their positions.

    Raises
    ------
    InputError
        Another number of knots, or too few distinct values for them.
    """
    if not isinstance(knots, int):
        return RestrictedSpline(np.asarray(knots, dtype=np.float64))
    if knots not in _QUANTILES:
        raise InputError("a spline has 3 to 7 knots", got=knots)
    return RestrictedSpline(np.quantile(np.asarray(values, dtype=np.float64), _QUANTILES[knots]))
