"""Follow-up as one value: checked once at the door of the room, in any one unit of time.

A row is one unit of analysis (patient, cycle or lesion): ``time`` from its origin to its event or its last
observation, ``event`` whether that was an event, ``entry`` when it came under observation (0 unless left-truncated).
Rows of one patient are not independent: ``cluster`` says whose they are, and every estimator whose errors can know it
sums them by patient.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import BoolArray, FloatArray, IntArray, freeze
from hdrplan.errors import InputError
from hdrplan.outcomes.columns import Groups, grouped, number_column

__all__ = ["FollowUp", "Landmark", "follow_up", "landmark", "refuse_late_entry"]

# Times closer than this share of the largest are one time.
_SAME_TIME = 1e-11


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FollowUp:
    """Checked rows of follow-up; :func:`follow_up` makes them.

    Parameters
    ----------
    time : (n,) array
        Time of event or last observation, not negative.
    event : (n,) array of bool
        True where an event was seen.
    entry : (n,) array
        Time from which the row is under observation; minus infinity where it always was.
    cluster : Groups or None
        Patient of each row; None where rows are independent.
    """

    time: FloatArray
    event: BoolArray
    entry: FloatArray
    cluster: Groups | None = None

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
    def n(self) -> int:
        """Rows."""
        return int(self.time.size)

    @property
    def n_events(self) -> int:
        """Events."""
        return int(self.event.sum())

    @property
    def truncated(self) -> bool:
        """Whether any row entered late."""
        return bool(np.isfinite(self.entry).any())

    @property
    def owner(self) -> IntArray:
        """Index of each row's cluster; of the row itself where rows are independent."""
        return np.arange(self.n) if self.cluster is None else self.cluster.codes

    @property
    def independent(self) -> FollowUp:
        """The same rows, taken as independent."""
        return replace(self, cluster=None)

    def chosen(self, rows: IntArray | BoolArray) -> FollowUp:
        """Return the follow-up of some rows, in the order asked for."""
        cluster = None if self.cluster is None else self.cluster.chosen(rows)
        return FollowUp(time=self.time[rows], event=self.event[rows], entry=self.entry[rows], cluster=cluster)

    def by_cluster(self, values: FloatArray) -> FloatArray:
        """Return values (n, k) of rows summed by cluster (n_clusters, k); as they are where rows are independent."""
        return values if self.cluster is None else self.cluster.sum(values)


def follow_up(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    *,
    entry: npt.ArrayLike | None = None,
    cluster: npt.ArrayLike | None = None,
) -> FollowUp:
    """Return checked follow-up rows.

    Parameters
    ----------
    time : (n,) array_like
        Time of event or last observation.
    event : (n,) array_like
        0 or False: censored; 1 or True: event. For a cause-specific analysis other causes count as censored.
    entry : (n,) array_like, optional
        Delayed entry (left truncation), in the same unit. With several rows a unit it carries time-dependent
        covariates.
    cluster : (n,) array_like, optional
        Patient of each row, where rows of one patient are not independent (lesions).

    Returns
    -------
    FollowUp
        Times that differ by rounding alone are set equal.

    Raises
    ------
    InputError
        Unequal lengths, missing or negative times, an event that is not 0 or 1, entry not before time.

    Examples
    --------
    >>> rows = follow_up([5, 8, 12], [1, 0, 1], cluster=["P1", "P1", "P2"])
    >>> rows.n, rows.n_events, rows.cluster.labels
    (3, 2, ('P1', 'P2'))
    """
    time = number_column(time, "time")
    flags = number_column(event, "event")
    if not np.isin(flags, (0.0, 1.0)).all():
        raise InputError(
            "event must be 0 (censored) or 1 (event)", got=sorted({float(v) for v in flags} - {0.0, 1.0})[:3]
        )
    start = np.full(time.size, -np.inf) if entry is None else number_column(entry, "entry")
    if not time.size == flags.size == start.size:
        raise InputError("time, event and entry must have equal lengths", got=(time.size, flags.size, start.size))
    owners = None if cluster is None else grouped(cluster, time.size, "cluster")
    time, start = _tied(time, start)
    return FollowUp(time=time, event=flags.astype(np.bool_), entry=start, cluster=owners)


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


def refuse_late_entry(rows: FollowUp, estimator: str) -> None:
    """Refuse left-truncated rows for an estimator that knows no late entry.

    Raises
    ------
    InputError
        A row entered late.
    """
    if rows.truncated:
        raise InputError(
            f"{estimator} needs rows under observation from the start",
            got=f"{int(np.isfinite(rows.entry).sum())} rows with late entry",
        )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Landmark:
    """Who is still at risk at a landmark, with the clock set to 0 there.

    Parameters
    ----------
    keep : (n,) array of bool
        Rows under observation and event-free after the landmark.
    rows : FollowUp
        Follow-up of the kept rows (m,) from the landmark.
    n_event_before, n_censored_before : int
        Rows that had their event or left observation at or before the landmark.
    """

    keep: BoolArray
    rows: FollowUp
    n_event_before: int
    n_censored_before: int

    def __post_init__(self) -> None:
        freeze(self, "keep", (None,), dtype=np.bool_)


def landmark(rows: FollowUp, at: float) -> Landmark:
    """Return the rows still at risk after a landmark time, and their follow-up from there.

    Groups formed by something seen during follow-up (the 8-week response) must start where it was seen: nobody could
    have had the event before, and counting that time as survived is immortal time.

    Parameters
    ----------
    rows : FollowUp
        Without late entry.
    at : float
        The landmark, in the unit of the times.

    Returns
    -------
    Landmark

    Raises
    ------
    InputError
        Late entry, or nobody at risk after the landmark.

    References
    ----------
    J. R. Anderson, K. C. Cain, R. D. Gelber, J Clin Oncol 1983;1:710-719, DOI 10.1200/JCO.1983.1.11.710.
    """
    refuse_late_entry(rows, "a landmark analysis")
    keep = rows.time > at
    if not keep.any():
        raise InputError("somebody must be at risk after the landmark", got=f"all {rows.n} rows end by {at:g}")
    kept = rows.chosen(keep)
    return Landmark(
        keep=keep,
        rows=replace(kept, time=kept.time - at),
        n_event_before=int((rows.event & ~keep).sum()),
        n_censored_before=int((~rows.event & ~keep).sum()),
    )
