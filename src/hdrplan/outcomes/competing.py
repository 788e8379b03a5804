"""Competing risks: what happens first. Aalen-Johansen incidence with errors that know patients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import scipy

from hdrplan.arrays import BoolArray, FloatArray, freeze
from hdrplan.errors import InputError
from hdrplan.outcomes.columns import grouped
from hdrplan.outcomes.followup import FollowUp, follow_up, refuse_late_entry
from hdrplan.outcomes.product_limit import product_limit_errors, risk_table

__all__ = ["CompetingRisks", "Incidence", "aalen_johansen", "competing_risks"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CompetingRisks:
    """Follow-up to the first event of any cause, and which cause it was; :func:`competing_risks` makes it.

    Parameters
    ----------
    rows : FollowUp
        Its events are those of any cause.
    causes : tuple
        Labels of the causes.
    of_cause : (n, n_causes) array of bool
        Which row had which cause.
    """

    rows: FollowUp
    causes: tuple[object, ...]
    of_cause: BoolArray

    def __post_init__(self) -> None:
        freeze(self, "of_cause", (self.rows.n, len(self.causes)), dtype=np.bool_)

    def had(self, cause: object) -> BoolArray:
        """Return which rows had a cause (n,).

        Raises
        ------
        InputError
            It never happens.
        """
        column = self.of_cause[:, self.causes.index(cause)] if cause in self.causes else None
        if column is None or not column.any():
            raise InputError(
                "the cause of interest must happen at least once", got=f"{cause!r} among {list(self.causes)}"
            )
        return column


def competing_risks(
    time: npt.ArrayLike,
    cause: npt.ArrayLike,
    *,
    censored: object = 0,
    causes: tuple[object, ...] | None = None,
    entry: npt.ArrayLike | None = None,
    cluster: npt.ArrayLike | None = None,
) -> CompetingRisks:
    """Return checked follow-up to the first of several events.

    Parameters
    ----------
    time : (n,) array_like
        Time of the first event of any cause, or of the last observation.
    cause : (n,) array_like
        Label of what happened; ``censored`` where nothing did.
    censored : object
        The label that means censored.
    causes : tuple, optional
        The causes to report, so that a group in which one never happens has it with incidence 0; those that occur if
        not given.
    entry, cluster : (n,) array_like, optional
        As for :func:`follow_up`.

    Returns
    -------
    CompetingRisks

    Raises
    ------
    InputError
        No event at all, a cause that occurs but is not named, or follow-up that cannot be right.

    Examples
    --------
    >>> risks = competing_risks([1, 2, 3, 4], ["recurrence", "death", "none", "recurrence"], censored="none")
    >>> risks.causes
    ('death', 'recurrence')
    """
    n = np.asarray(time).shape[0] if np.ndim(time) else 0
    groups = grouped(cause, n, "cause")
    seen = tuple(label for label in groups.labels if label != censored)
    causes = seen if causes is None else causes
    if not causes:
        raise InputError("there must be at least one event", got="every row censored")
    unknown = [label for label in seen if label not in causes]
    if unknown:
        raise InputError("every cause that occurs must be named", got=unknown, where=f"causes {list(causes)}")
    place = {label: k for k, label in enumerate(groups.labels)}
    of_cause = np.column_stack([groups.codes == place.get(c, -1) for c in causes])
    rows = follow_up(time, of_cause.any(axis=1), entry=entry, cluster=cluster)
    return CompetingRisks(rows=rows, causes=causes, of_cause=of_cause)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Incidence:
    """Cumulative incidence of each cause: one row for each distinct time of the data.

    Parameters
    ----------
    causes : tuple
        Labels of the causes, in the order of the columns.
    time : (k,) array
        Distinct times.
    at_risk : (k,) array
        Rows under observation and event-free just before.
    events : (k, n_causes) array
        Events by cause.
    incidence, std_err, lower, upper : (k, n_causes) arrays
        Probability of having had each cause first by the time, its error and pointwise limits.
    survival : (k,) array
        Probability of no event of any cause; with the incidences it adds up to 1.
    conf_level : float
        Coverage.
    """

    causes: tuple[object, ...]
    time: FloatArray
    at_risk: FloatArray
    events: FloatArray
    incidence: FloatArray
    std_err: FloatArray
    lower: FloatArray
    upper: FloatArray
    survival: FloatArray
    conf_level: float

    def __post_init__(self) -> None:
        for name in ("time", "at_risk", "survival"):
            freeze(self, name, (None,))
        for name in ("events", "incidence", "std_err", "lower", "upper"):
            freeze(self, name, (self.time.size, len(self.causes)), finite=False)

    def incidence_at(self, times: npt.ArrayLike) -> FloatArray:
        """Return the incidences (n_times, n_causes) at any times."""
        index = np.searchsorted(self.time, np.asarray(times, dtype=np.float64), side="right")
        result: FloatArray = np.vstack((np.zeros(len(self.causes)), self.incidence))[index]
        return result

    def interval_at(self, times: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return lower and upper limits (n_times, n_causes) at any times; NaN before the first event of a cause."""
        index = np.searchsorted(self.time, np.asarray(times, dtype=np.float64), side="right")
        unknown = np.full(len(self.causes), np.nan)
        return np.vstack((unknown, self.lower))[index], np.vstack((unknown, self.upper))[index]


def aalen_johansen(
    risks: CompetingRisks, *, conf_level: float = 0.95, errors: Literal["jackknife", "aalen"] = "jackknife"
) -> Incidence:
    """Return the Aalen-Johansen estimate of the cumulative incidence of each cause.

    One minus Kaplan-Meier with the other causes censored overstates an incidence; this does not. The error is the
    infinitesimal jackknife (as R's ``survfit`` for several states), summed by cluster where rows are not independent;
    or Aalen's (as R's ``cmprsk::cuminc``), for independent rows from the start only;
    the limits are symmetric on the log scale of 1 - incidence (R's default), kept within 0 and 1.

    Parameters
    ----------
    risks : CompetingRisks
    conf_level : float
        Coverage.
    errors : {"jackknife", "aalen"}

    Returns
    -------
    Incidence

    Raises
    ------
    InputError
        Aalen's errors of clusters or late entry.

    References
    ----------
    O. O. Aalen, S. Johansen, Scand J Stat 1978;5:141-150.
    O. O. Aalen, Ann Stat 1978;6:534-545, DOI 10.1214/aos/1176344198 (variance).
    T. M. Therneau, P. M. Grambsch, Modeling Survival Data, Springer 2000 (infinitesimal jackknife).

    Examples
    --------
    >>> curve = aalen_johansen(competing_risks([1, 2, 3, 4], [1, 2, 0, 1]))
    >>> curve.incidence_at([4]).tolist()
    [[0.75, 0.25]]
    """
    rows = risks.rows
    times = np.unique(rows.time)
    at_risk, events = risk_table(rows, risks.of_cause, times)
    hazard = events / at_risk[:, None]  # each row is at risk at its own time
    survival = np.cumprod(1.0 - hazard.sum(axis=1))
    before = np.concatenate(([1.0], survival[:-1]))
    incidence = np.cumsum(before[:, None] * hazard, axis=0)
    if errors == "aalen":
        if rows.cluster is not None:
            raise InputError("Aalen's errors take rows as independent", remedy='Use `errors="jackknife"`.')
        refuse_late_entry(rows, "Aalen's variance")
        std_err = _aalen_errors(at_risk, events, before, survival, incidence)
    elif errors == "jackknife":
        _, std_err = product_limit_errors(rows, risks.of_cause, times)
    else:
        raise InputError("errors must be jackknife or aalen", got=errors)
    z = scipy.stats.norm.ppf(0.5 + conf_level / 2.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        half = z * std_err / incidence
        lower, upper = incidence * np.exp(-half), np.minimum(incidence * np.exp(half), 1.0)
    none = incidence == 0
    return Incidence(
        causes=risks.causes,
        time=times,
        at_risk=at_risk,
        events=events,
        incidence=incidence,
        std_err=std_err,
        lower=np.where(none, np.nan, lower),
        upper=np.where(none, np.nan, upper),
        survival=survival,
        conf_level=conf_level,
    )


def _aalen_errors(
    at_risk: FloatArray, events: FloatArray, before: FloatArray, survival: FloatArray, incidence: FloatArray
) -> FloatArray:
    """Root of Aalen's variance of each incidence: events of each time are draws without replacement from all at risk.

    An event at u moves the incidence at t by S(u-) / Y(u) times 1 - (F(t) - F(u)) / S(u), if of the cause itself, and
    by minus its second term else. The square of a sum in F(t) needs three cumulated sums, not a table of all u and t.
    """
    y = np.where(at_risk > 0, at_risk, 1.0)[:, None]
    drawn = events * np.where(y > 1, 1.0 - (events - 1.0) / np.where(y > 1, y - 1.0, 1.0), 1.0)
    unit = before[:, None] ** 2 * drawn / y**2
    left = np.where(survival > 1e-15, survival, np.inf)[:, None]  # nobody stays: what follows is 0
    result = np.empty_like(incidence)
    for j in range(incidence.shape[1]):
        f = incidence[:, j, None]
        own = np.arange(incidence.shape[1]) == j
        at_event = own + f / left
        constant, linear, square = (
            np.cumsum((unit * term).sum(axis=1)) for term in (at_event**2, at_event / left, 1.0 / left**2)
        )
        f = f[:, 0]
        result[:, j] = np.sqrt(np.maximum(constant - 2.0 * f * linear + f**2 * square, 0.0))
    return result
