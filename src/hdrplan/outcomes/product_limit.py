"""Who is at risk when, and the errors of product-limit curves by cluster, for any number of causes."""

from __future__ import annotations

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, IntArray
from hdrplan.outcomes.followup import FollowUp

__all__ = ["product_limit_errors", "risk_table"]


def risk_table(rows: FollowUp, of_cause: BoolArray, times: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return who is at risk and what happens at given times.

    Parameters
    ----------
    rows : FollowUp
        Follow-up with any event.
    of_cause : (n, n_causes) array of bool
        Which row had which cause.
    times : (k,) array
        Distinct times, ascending.

    Returns
    -------
    at_risk : (k,) array
        Rows under observation and event-free just before.
    events : (k, n_causes) array
        Events by cause.
    """
    n = rows.n
    at_risk = (n - np.searchsorted(np.sort(rows.time), times, side="left")).astype(np.float64)
    if rows.truncated:
        at_risk -= n - np.searchsorted(np.sort(rows.entry), times, side="left")
    index = np.searchsorted(times, rows.time)
    events: FloatArray = np.column_stack(
        [np.bincount(index, weights=of_cause[:, c], minlength=times.size) for c in range(of_cause.shape[1])]
    ).astype(np.float64)
    return at_risk, events


def product_limit_errors(rows: FollowUp, of_cause: BoolArray, times: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the standard errors of a product-limit curve, by cluster.

    The derivative of an estimate by the weight of a row, summed over the rows of a cluster, is how that cluster moves
    it; the root of the sum of squares over clusters is the infinitesimal-jackknife error.

    Parameters
    ----------
    rows : FollowUp
        Follow-up with any event.
    of_cause : (n, n_causes) array of bool
        Which row had which cause.
    times : (k,) array
        Distinct times of rows, ascending: somebody is at risk at each.

    Returns
    -------
    survival : (k,) array
        Errors of the survival.
    incidence : (k, n_causes) array
        Errors of the incidences.
    """
    at_risk, events = risk_table(rows, of_cause, times)
    per_row = 1.0 / at_risk
    hazard = events / at_risk[:, None]
    left = 1.0 - hazard.sum(axis=1)
    before = np.concatenate(([1.0], np.cumprod(left)[:-1]))
    # Relative change of the survival by the weight of a row that stays: nobody stays where all at risk have the event.
    per_event = np.where(left > 1e-15, per_row / np.where(left > 1e-15, left, 1.0), 0.0)
    stays = np.cumsum(hazard.sum(axis=1) * per_event)
    last = np.searchsorted(times, rows.time)
    entered = np.searchsorted(times, rows.entry, side="right") - 1
    out = stays[last] - rows.event * per_event[last]
    since = np.where(entered >= 0, stays[entered], 0.0)
    count = _Moves(rows.owner, entered, last, times.size)
    q = count.sums(-since, out)
    n = count.sums(np.ones(rows.n), -np.ones(rows.n))
    qq, nn, qn = count.products(q, q), count.products(n, n), count.products(q, n)
    survival = np.cumprod(left)
    of_survival = survival * _root_of_sum(qq, stays**2 * nn, 2.0 * stays * qn)
    of_incidence = np.empty((times.size, of_cause.shape[1]))
    for j in range(of_cause.shape[1]):
        f = np.cumsum(before * hazard[:, j])
        e = np.cumsum(before * hazard[:, j] * (np.concatenate(([0.0], stays[:-1])) - per_row))
        at_entry = np.where(entered >= 0, since * f[entered] - e[entered], 0.0)
        p = count.sums(at_entry, e[last] + of_cause[:, j] * before[last] * per_row[last] - out * f[last])
        of_incidence[:, j] = _root_of_sum(
            count.products(p, p),
            f**2 * qq,
            e**2 * nn,
            2.0 * f * count.products(p, q),
            2.0 * e * count.products(p, n),
            2.0 * f * e * qn,
        )
    return of_survival, of_incidence


def _root_of_sum(*terms: FloatArray) -> FloatArray:
    """Root of a sum of squares given by its terms; 0 where they cancel but for rounding."""
    total, size = np.sum(terms, axis=0), np.sum(np.abs(terms), axis=0)
    rounding = np.maximum(1e-12 * size, 1e-15 * np.maximum.accumulate(size))
    result: FloatArray = np.sqrt(np.where(total > rounding, total, 0.0))
    return result


class _Moves:
    """Rows that come and go, in order of cluster and time: sums over a cluster, and over clusters of their products.

    How a row moves an estimate changes its form only when it comes and when it goes. Between, the change of a cluster
    is p + q F(t) + n E(t), with its own p, q, n and with F, E of the whole data; so the sum of squares over clusters at
    every time needs six cumulated sums, and n log n steps, where time by time all clusters took n^2.
    """

    def __init__(self, owner: IntArray, entered: IntArray, last: IntArray, n_times: int) -> None:
        cluster, place = np.concatenate((owner, owner)), np.concatenate((entered, last))
        # At one time whoever goes comes first; a row that comes counts from the next time on.
        self._order = np.lexsort((place, cluster))
        self._place = place[self._order] + 1
        first = np.concatenate(([True], np.diff(cluster[self._order]) != 0))
        self._begins = np.flatnonzero(first)
        self._lengths = np.diff(np.append(self._begins, self._order.size))
        self._n_times = n_times

    def sums(self, coming: FloatArray, going: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return each cluster's sum of a number of its rows, before and after each move."""
        change = np.concatenate((coming, going))[self._order]
        total = np.cumsum(change)
        after = total - np.repeat((total - change)[self._begins], self._lengths)
        return after - change, after

    def products(self, a: tuple[FloatArray, FloatArray], b: tuple[FloatArray, FloatArray]) -> FloatArray:
        """Return the sum over clusters of the product of two such sums, at each time."""
        by_time = np.bincount(self._place, weights=a[1] * b[1] - a[0] * b[0], minlength=self._n_times + 1)
        return np.cumsum(by_time)[1:].astype(np.float64)
