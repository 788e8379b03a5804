"""Columns beside the follow-up: groups by label, covariates as a matrix; each is checked once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import BoolArray, FloatArray, IntArray, freeze
from hdrplan.errors import InputError

__all__ = ["Covariates", "Groups", "covariate_matrix", "finite_column", "grouped", "number_column"]

# Columns by name, or a matrix whose columns are called x1, x2, ...
Covariates = Mapping[str, npt.ArrayLike] | npt.ArrayLike


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Which group each row belongs to.

    Parameters
    ----------
    labels : tuple
        Distinct labels in sorted order; (None,) where there is one group without a name.
    codes : (n,) array of int
        Index of each row's label.
    """

    labels: tuple[object, ...]
    codes: IntArray

    def __post_init__(self) -> None:
        freeze(self, "codes", (None,), dtype=np.int64)

    def __len__(self) -> int:
        return len(self.labels)

    def chosen(self, rows: IntArray | BoolArray) -> Groups:
        """Return the groups of some rows; a group without rows is dropped."""
        present, codes = np.unique(self.codes[rows], return_inverse=True)
        return Groups(tuple(self.labels[k] for k in present), codes)

    def sum(self, values: FloatArray) -> FloatArray:
        """Return values (n, k) summed by group (n_groups, k)."""
        total = np.zeros((len(self.labels), values.shape[1]))
        np.add.at(total, self.codes, values)
        return total

    def enough_for(self, n_parameters: int) -> Groups:
        """Return these clusters, if there are enough of them to estimate the errors of a model.

        Raises
        ------
        InputError
            No more clusters than parameters: the sandwich would be singular.
        """
        if len(self.labels) <= n_parameters:
            raise InputError(
                f"errors by cluster need more clusters than the {n_parameters} parameters",
                got=len(self.labels),
                remedy="Use fewer covariates, or errors for independent rows.",
            )
        return self


def grouped(values: npt.ArrayLike | None, n: int, name: str) -> Groups:
    """Return the groups that a column of labels makes.

    Parameters
    ----------
    values : (n,) array_like or None
        Labels of any one kind; None makes one group.
    n : int
        Rows expected.
    name : str
        Name of the column, for messages.

    Returns
    -------
    Groups

    Raises
    ------
    InputError
        Another length, or missing labels.
    """
    if values is None:
        return Groups((None,), np.zeros(n, dtype=np.int64))
    array = np.asarray(values)
    if array.shape != (n,):
        raise InputError(f"{name} must have one value a row", got=f"shape {array.shape} for {n} rows")
    if any(v is None or v != v for v in array.tolist()):
        raise InputError(f"{name} must not be missing", remedy="Decide on the missing rows first.")
    try:
        labels, codes = np.unique(array, return_inverse=True)
    except TypeError:
        raise InputError(f"{name} must hold labels of one kind", got="mixed text and numbers") from None
    return Groups(tuple(labels.tolist()), codes.astype(np.int64))


def number_column(values: npt.ArrayLike, name: str) -> FloatArray:
    """Return one column of numbers of which none is missing.

    Raises
    ------
    InputError
        Not numbers, not one column, or missing values.
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be numbers", got=str(error)) from None
    if array.ndim != 1:
        raise InputError(f"{name} must be one column", got=f"shape {array.shape}")
    if np.isnan(array).any():
        raise InputError(
            f"{name} must not be missing",
            got=f"{int(np.isnan(array).sum())} missing values",
            where=f"row {int(np.argmax(np.isnan(array))) + 1}",
            remedy="Decide on the missing rows first; none is dropped silently.",
        )
    return array


def finite_column(values: npt.ArrayLike, n: int, name: str) -> FloatArray:
    """Return one finite number a row, as a risk score or a value to cut must be.

    Parameters
    ----------
    values : (n,) array_like
    n : int
        Rows expected.
    name : str
        Name of the column, for messages.

    Returns
    -------
    (n,) array

    Raises
    ------
    InputError
        Another length, missing or infinite values.
    """
    array: FloatArray = np.asarray(values, dtype=np.float64)
    if array.shape != (n,) or not np.isfinite(array).all():
        raise InputError(f"{name} must be one finite number a row", got=f"shape {array.shape} for {n} rows")
    return array


def covariate_matrix(covariates: Covariates, n: int) -> tuple[tuple[str, ...], FloatArray]:
    """Return the names and the (n, k) matrix of covariates.

    Parameters
    ----------
    covariates : mapping of str to (n,) array_like, or (n, k) or (n,) array_like
        Numbers; text must be turned into indicator columns first (:func:`hdrplan.outcomes.indicator_columns`). The
        columns of a matrix are called ``x1, x2, ...``.
    n : int
        Rows expected.

    Returns
    -------
    names : tuple of str
    matrix : (n, k) array

    Raises
    ------
    InputError
        Another number of rows, values that are missing or not numbers.
    """
    if isinstance(covariates, Mapping):
        names = tuple(str(name) for name in covariates)
        columns = [number_column(values, f"covariate {name}") for name, values in covariates.items()]
        if any(column.size != n for column in columns):
            raise InputError("every covariate must have one value a row", got=[c.size for c in columns], where=names)
        matrix = np.column_stack(columns) if columns else np.empty((n, 0))
    else:
        matrix = np.asarray(covariates, dtype=np.float64)
        matrix = matrix[:, None] if matrix.ndim == 1 else matrix
        if matrix.ndim != 2 or matrix.shape[0] != n:
            raise InputError("covariates must have one row a unit", got=f"shape {matrix.shape} for {n} rows")
        names = tuple(f"x{k + 1}" for k in range(matrix.shape[1]))
    bad = ~np.isfinite(matrix)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise InputError(
            f"covariate {names[column]} must be a finite number",
            got=f"{int(bad[:, column].sum())} missing or infinite values",
            where=f"row {row + 1}",
            remedy="Decide on the missing rows first; none is dropped silently.",
        )
    return names, matrix
