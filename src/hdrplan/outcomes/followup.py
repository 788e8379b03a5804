"""Follow-up as arrays: checked once at the door of the room, in any one unit of time.

A row is one unit of analysis (patient, cycle or lesion): ``time`` from its origin to its event or its last
observation, ``event`` whether that was an event, ``entry`` when it came under observation (0 unless left-truncated).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import BoolArray, FloatArray, IntArray, freeze
from hdrplan.errors import InputError

__all__ = ["FollowUp", "Landmark", "clusters", "covariate_matrix", "follow_up", "labels_and_codes", "landmark"]

# Times closer than this share of the largest are one time.
_SAME_TIME = 1e-11


@dataclass(frozen=True, slots=True, eq=False)
class FollowUp:
    """Checked rows of follow-up.

    Parameters
    ----------
    time : (n,) array
        Time of event or last observation, not negative.
    event : (n,) array of bool
        True where an event was seen.
    entry : (n,) array
        Time from which the row is under observation; minus infinity where it always was.
    """

    time: FloatArray
    event: BoolArray
    entry: FloatArray

    def __post_init__(self) -> None:
        freeze(self, "time", (None,))
        freeze(self, "event", (self.time.size,), dtype=np.bool_)
        freeze(self, "entry", (self.time.size,), finite=False)
        if self.time.size == 0:
            raise InputError("follow-up must have at least one row", got=0)
        if self.time.min() < 0:
            raise InputError(
                "follow-up times must not be negative",
                got=float(self.time.min()),
                where=f"row {int(self.time.argmin()) + 1}",
                remedy="An event before the origin needs another origin or an exclusion.",
            )
        late = np.isnan(self.entry) | (self.entry >= self.time)
        if late.any():
            row = int(np.argmax(late))
            raise InputError(
                "entry must come before the end of follow-up",
                got=f"entry {self.entry[row]:g}, time {self.time[row]:g}",
                where=f"row {row + 1}",
            )

    @property
    def truncated(self) -> bool:
        """Whether any row entered late."""
        return bool(np.isfinite(self.entry).any())


def follow_up(time: npt.ArrayLike, event: npt.ArrayLike, entry: npt.ArrayLike | None = None) -> FollowUp:
    """Return checked follow-up rows.

    Parameters
    ----------
    time : (n,) array_like
        Time of event or last observation.
    event : (n,) array_like
        0 or False: censored; 1 or True: event.
    entry : (n,) array_like, optional
        Delayed entry (left truncation), in the same unit.

    Raises
    ------
    InputError
        Unequal lengths, missing or negative times, an event that is not 0 or 1, entry not before time.
    """
    time = _numbers(time, "time")
    flags = _numbers(event, "event")
    if not np.isin(flags, (0.0, 1.0)).all():
        raise InputError(
            "event must be 0 (censored) or 1 (event)", got=sorted({float(v) for v in flags} - {0.0, 1.0})[:3]
        )
    start = np.full(time.size, -np.inf) if entry is None else _numbers(entry, "entry")
    if not time.size == flags.size == start.size:
        raise InputError("time, event and entry must have equal lengths", got=(time.size, flags.size, start.size))
    time, start = _tied(time, start)
    return FollowUp(time, flags.astype(np.bool_), start)


def _tied(time: FloatArray, entry: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Set times that differ by arithmetic alone (0.3, 0.1 + 0.2) to the smallest of them, as R's ``timefix`` does."""
    finite = np.isfinite(entry)
    every = np.concatenate((time, entry[finite]))
    values, place = np.unique(every, return_inverse=True)
    if values.size < 2 or not np.isfinite(values).all():
        return time, entry
    leads = np.concatenate(([True], np.diff(values) > _SAME_TIME * np.abs(values).max()))
    if leads.all():
        return time, entry
    snapped = values[leads][np.cumsum(leads) - 1][place]
    start = entry.copy()
    start[finite] = snapped[time.size :]
    return snapped[: time.size], start


def _numbers(values: npt.ArrayLike, name: str) -> FloatArray:
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


def labels_and_codes(values: npt.ArrayLike | None, n: int, name: str) -> tuple[tuple[object, ...], IntArray]:
    """Return the sorted distinct labels of a grouping column and each row's index into them.

    Parameters
    ----------
    values : (n,) array_like or None
        Labels of any one kind; None makes one group.
    n : int
        Rows expected.
    name : str
        Name of the column, for messages.

    Raises
    ------
    InputError
        Another length, or missing labels.
    """
    if values is None:
        return (None,), np.zeros(n, dtype=np.int64)
    array = np.asarray(values)
    if array.shape != (n,):
        raise InputError(f"{name} must have one value a row", got=f"shape {array.shape} for {n} rows")
    if any(v is None or v != v for v in array.tolist()):
        raise InputError(f"{name} must not be missing", remedy="Decide on the missing rows first.")
    try:
        labels, codes = np.unique(array, return_inverse=True)
    except TypeError:
        raise InputError(f"{name} must hold labels of one kind", got="mixed text and numbers") from None
    return tuple(labels.tolist()), codes.astype(np.int64)


def covariate_matrix(
    covariates: Mapping[str, npt.ArrayLike] | npt.ArrayLike, n: int, names: tuple[str, ...] | None = None
) -> tuple[tuple[str, ...], FloatArray]:
    """Return the names and the (n, k) matrix of covariates given as columns by name or as a matrix.

    Parameters
    ----------
    covariates : mapping of str to (n,) array_like, or (n, k) or (n,) array_like
        Numbers; text must be turned into indicator columns first (:func:`hdrplan.outcomes.indicator_columns`).
    n : int
        Rows expected.
    names : tuple of str, optional
        Names of the columns of a matrix; ``x1, x2, ...`` if not given.

    Raises
    ------
    InputError
        Another number of rows, values that are missing or not numbers.
    """
    if isinstance(covariates, Mapping):
        names = tuple(str(name) for name in covariates)
        columns = [_numbers(values, f"covariate {name}") for name, values in covariates.items()]
        if any(column.size != n for column in columns):
            raise InputError("every covariate must have one value a row", got=[c.size for c in columns], where=names)
        matrix = np.column_stack(columns) if columns else np.empty((n, 0))
    else:
        matrix = np.asarray(covariates, dtype=np.float64)
        matrix = matrix[:, None] if matrix.ndim == 1 else matrix
        if matrix.ndim != 2 or matrix.shape[0] != n:
            raise InputError("covariates must have one row a unit", got=f"shape {matrix.shape} for {n} rows")
        names = tuple(f"x{k + 1}" for k in range(matrix.shape[1])) if names is None else tuple(names)
        if len(names) != matrix.shape[1]:
            raise InputError("covariates need one name a column", got=f"{len(names)} names, {matrix.shape[1]} columns")
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


def clusters(values: npt.ArrayLike, n: int, n_parameters: int) -> tuple[tuple[object, ...], IntArray]:
    """Return labels and codes of clusters that are enough to estimate errors from.

    Raises
    ------
    InputError
        No more clusters than parameters: the sandwich would be singular.
    """
    labels, codes = labels_and_codes(values, n, "cluster")
    if len(labels) <= n_parameters:
        raise InputError(
            f"errors by cluster need more clusters than the {n_parameters} parameters",
            got=len(labels),
            remedy="Use fewer covariates, or errors for independent rows.",
        )
    return labels, codes


@dataclass(frozen=True, slots=True, eq=False)
class Landmark:
    """Who is still at risk at a landmark, with the clock set to 0 there.

    Parameters
    ----------
    keep : (n,) array of bool
        Rows under observation and event-free after the landmark.
    time : (m,) array
        Time from the landmark for the kept rows.
    n_event_before, n_censored_before : int
        Rows that had their event or left observation at or before the landmark.
    """

    keep: BoolArray
    time: FloatArray
    n_event_before: int
    n_censored_before: int

    def __post_init__(self) -> None:
        freeze(self, "keep", (None,), dtype=np.bool_)
        freeze(self, "time", (None,))


def landmark(time: npt.ArrayLike, event: npt.ArrayLike, at: float) -> Landmark:
    """Return the rows still at risk after a landmark time, and their time from there.

    Groups formed by something seen during follow-up (the 8-week response) must start where it was seen: nobody could
    have had the event before, and counting that time as survived is immortal time.

    Parameters
    ----------
    time, event : (n,) array_like
        Follow-up.
    at : float
        The landmark, in the unit of ``time``.

    References
    ----------
    J. R. Anderson, K. C. Cain, R. D. Gelber, J Clin Oncol 1983;1:710-719, DOI 10.1200/JCO.1983.1.11.710.
    """
    rows = follow_up(time, event)
    keep = rows.time > at
    return Landmark(keep, rows.time[keep] - at, int((rows.event & ~keep).sum()), int((~rows.event & ~keep).sum()))
