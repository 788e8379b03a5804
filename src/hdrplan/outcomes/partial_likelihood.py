"""Risk sets of one stratum, and the sums over them that Cox's model, its residuals and its tests are made of.

Efron's method treats d tied deaths as d successive ones: the l-th (l = 0 .. d-1) sees the risk set with the fraction
l/d of the dying rows removed. Breslow's sees the full set d times. So the whole likelihood is a sum over deaths, each
with its own ``fraction`` (0 for Breslow), and one formula serves both. A row of weight w counts as w rows; tied deaths
count with their mean weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.outcomes.followup import FollowUp
from hdrplan.outcomes.newton import Derivatives

__all__ = ["DeathMeans", "RiskSets", "information_sum"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class DeathMeans:
    """Averages over the risk set that each death sees, at some coefficients.

    Parameters
    ----------
    hazard : (n,) array
        Relative hazard of each sorted row, times its weight and exp(-shift).
    total : (d,) array
        Sum of the hazards at risk: S0.
    mean : (d, k) array
        Mean covariates, weighted by hazard.
    shift : float
        What was taken from the linear predictor to keep its exponential finite.
    """

    hazard: FloatArray
    total: FloatArray
    mean: FloatArray
    shift: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class RiskSets:
    """Rows of one stratum sorted by time, and where each event time and each death stands among them.

    Parameters
    ----------
    index : (n,) array of int
        Rows of the whole data, in the order used here.
    time, entry, x, offset, weight : arrays
        Sorted rows.
    event_times : (m,) array
        Distinct times with events.
    first : (m,) array of int
        First sorted row at or after each event time: the risk set is everything from there on.
    late : (m,) array of int
        Rows, in order of entry, that have not entered before each event time start here.
    by_entry : (n,) array of int
        Sorted rows in order of entry; empty where nobody enters late.
    deaths : (d,) array of int
        Sorted rows with events.
    death_time : (d,) array of int
        Event time of each death.
    starts : (m,) array of int
        First death of each event time.
    fraction : (d,) array
        Share of the tied deaths already removed when this one happens.
    death_weight : (d,) array
        Mean weight of the deaths of its time.
    """

    index: IntArray
    time: FloatArray
    entry: FloatArray
    x: FloatArray
    offset: FloatArray
    weight: FloatArray
    event_times: FloatArray
    first: IntArray
    late: IntArray
    by_entry: IntArray
    deaths: IntArray
    death_time: IntArray
    starts: IntArray
    fraction: FloatArray
    death_weight: FloatArray

    @classmethod
    def of(
        cls, rows: FollowUp, chosen: IntArray, x: FloatArray, offset: FloatArray, weight: FloatArray, ties: str
    ) -> RiskSets:
        """Return the risk sets of one stratum.

        Parameters
        ----------
        rows : FollowUp
            All rows (n,).
        chosen : (m,) array of int
            Rows of the stratum.
        x : (n, k) array
            Covariates of all rows.
        offset : (n,) array
            Known part of the log hazard of all rows.
        weight : (n,) array
            How many rows each row stands for.
        ties : {"efron", "breslow"}
            Treatment of tied event times.

        Returns
        -------
        RiskSets
        """
        index = chosen[np.argsort(rows.time[chosen], kind="stable")]
        time, entry = rows.time[index], rows.entry[index]
        deaths = np.flatnonzero(rows.event[index])
        event_times, starts, death_time, count = np.unique(
            time[deaths], return_index=True, return_inverse=True, return_counts=True
        )
        rank = np.arange(deaths.size) - starts[death_time]
        own = weight[index]
        shared = np.bincount(death_time, weights=own[deaths], minlength=count.size) / count
        by_entry = np.argsort(entry, kind="stable") if np.isfinite(entry).any() else np.empty(0, dtype=np.int64)
        return cls(
            index=index,
            time=time,
            entry=entry,
            x=x[index],
            offset=offset[index],
            weight=own,
            event_times=event_times,
            first=np.searchsorted(time, event_times, side="left"),
            late=np.searchsorted(entry[by_entry], event_times, side="left"),
            by_entry=by_entry,
            deaths=deaths,
            death_time=death_time,
            starts=starts,
            fraction=rank / count[death_time] if ties == "efron" else np.zeros(deaths.size),
            death_weight=shared[death_time],
        )

    def risk_sum(self, values: FloatArray) -> FloatArray:
        """Return the sum of ``values`` (n, ...) over the rows at risk at each event time (m, ...)."""
        result: FloatArray = _from_the_end(values)[self.first]
        if self.by_entry.size:
            result = result - _from_the_end(values[self.by_entry])[self.late]
        return result

    def death_sum(self, values: FloatArray) -> FloatArray:
        """Return the sum of ``values`` (n, ...) over the deaths at each event time (m, ...)."""
        if self.deaths.size == 0:
            return np.zeros((0, *values.shape[1:]))
        result: FloatArray = np.add.reduceat(values[self.deaths], self.starts, axis=0)
        return result

    def seen_by_death(self, values: FloatArray) -> FloatArray:
        """Return the sum of ``values`` (n, ...) over the risk set that each death sees (d, ...)."""
        risk, dying = self.risk_sum(values), self.death_sum(values)
        f = self.fraction.reshape(-1, *(1,) * (values.ndim - 1))
        return risk[self.death_time] - f * dying[self.death_time]

    def relative_hazard(self, coef: FloatArray) -> tuple[FloatArray, float]:
        """Return exp(x coef + offset - shift) of each row, and the shift that keeps it finite."""
        eta = self.x @ coef + self.offset
        shift = float(eta.max(initial=0.0))
        return np.exp(eta - shift), shift

    def means(self, coef: FloatArray) -> DeathMeans:
        """Return the averages over the risk set that each death sees."""
        r, shift = self.relative_hazard(coef)
        r = r * self.weight
        s0 = self.seen_by_death(r)
        with np.errstate(divide="ignore", invalid="ignore"):  # far out all hazards of a risk set underflow
            mean = self.seen_by_death(r[:, None] * self.x) / s0[:, None]
        return DeathMeans(hazard=r, total=s0, mean=mean, shift=shift)

    def score_terms(self, at: DeathMeans) -> FloatArray:
        """Return what each death adds to the gradient (d, k)."""
        own = self.weight[self.deaths]
        result: FloatArray = own[:, None] * self.x[self.deaths] - self.death_weight[:, None] * at.mean
        return result

    def spread(self, at: DeathMeans, weight: FloatArray, columns: slice = slice(None)) -> FloatArray:
        """Return the covariance of covariates in the risk sets, summed over deaths with a weight each.

        The sum over deaths of the sum over rows is turned round: each row counts with the hazard it went through, so no
        (deaths, k, k) array is ever made.

        Parameters
        ----------
        at : DeathMeans
            Averages at the coefficients in question.
        weight : (d,) array
            Weight of each death, beside that of its row.
        columns : slice
            Rows of the matrix that are wanted, where only some covariates are asked about.

        Returns
        -------
        (k, k) array, or its rows ``columns``
        """
        weight = weight * self.death_weight
        through = at.hazard * self.passed_through(weight / at.total)
        between = (at.mean[:, columns] * weight[:, None]).T @ at.mean
        result: FloatArray = (self.x[:, columns] * through[:, None]).T @ self.x - between
        return result

    def derivatives(self, coef: FloatArray) -> Derivatives:
        """Return the log likelihood, its gradient (k,) and the information (k, k)."""
        at = self.means(coef)
        eta = self.x[self.deaths] @ coef + self.offset[self.deaths]
        loglik = float(self.weight[self.deaths] @ eta - self.death_weight @ (np.log(at.total) + at.shift))
        return loglik, self.score_terms(at).sum(axis=0), self.spread(at, np.ones(at.total.size))

    def passed_through(self, per_death: FloatArray) -> FloatArray:
        """Return the sum of ``per_death`` (d,) over the deaths that saw each row (n,), tied ones by their share."""
        result = self._accumulated(per_death)
        if self.deaths.size:
            result[self.deaths] -= self._tie_share(per_death)
        return result

    def _accumulated(self, per_death: FloatArray) -> FloatArray:
        """Sum of a quantity of deaths (d, ...) over each row's time under observation (n, ...)."""
        if self.deaths.size == 0:
            return np.zeros((self.time.size, *per_death.shape[1:]))
        by_time = np.add.reduceat(per_death, self.starts, axis=0)
        total = np.concatenate((np.zeros((1, *per_death.shape[1:])), np.cumsum(by_time, axis=0)))
        until = np.searchsorted(self.event_times, self.time, side="right")
        since = np.searchsorted(self.event_times, self.entry, side="right")
        result: FloatArray = total[until] - total[since]
        return result

    def _tie_share(self, per_death: FloatArray) -> FloatArray:
        """Sum over the deaths of one event time, weighted by fraction: what a dying row must not count (d, ...)."""
        f = self.fraction.reshape(-1, *(1,) * (per_death.ndim - 1))
        by_time = np.add.reduceat(f * per_death, self.starts, axis=0)
        result: FloatArray = by_time[self.death_time]
        return result

    def martingale(self, coef: FloatArray) -> FloatArray:
        """Return events minus expected events of each sorted row (n,)."""
        r, _ = self.relative_hazard(coef)
        result = -r * self.passed_through(self.death_weight / self.seen_by_death(r * self.weight))
        result[self.deaths] += 1.0
        return result

    def score_residuals(self, coef: FloatArray) -> FloatArray:
        """Return what one row like each sorted row adds to the gradient (n, k), whatever its weight."""
        r, _ = self.relative_hazard(coef)
        at = self.means(coef)
        hazard, mean = self.death_weight / at.total, at.mean
        weighted = mean * hazard[:, None]
        result = -r[:, None] * (self.x * self._accumulated(hazard)[:, None] - self._accumulated(weighted))
        if self.deaths.size:
            x, d = self.x[self.deaths], self.deaths
            average = np.add.reduceat(mean, self.starts, axis=0)[self.death_time]
            count = np.bincount(self.death_time)[self.death_time]
            result[d] += x - average / count[:, None]
            result[d] += r[d, None] * (x * self._tie_share(hazard)[:, None] - self._tie_share(weighted))
        return result

    def baseline(self, coef: FloatArray) -> FloatArray:
        """Return the cumulative baseline hazard at the event times (m,), for covariates and offset 0."""
        r, shift = self.relative_hazard(coef)
        if self.deaths.size == 0:
            return np.zeros(0)
        jumps = self.death_weight / self.seen_by_death(r * self.weight)
        result: FloatArray = np.cumsum(np.add.reduceat(jumps, self.starts)) * np.exp(-shift)
        return result


def _from_the_end(values: FloatArray) -> FloatArray:
    """Return the sums of rows i to the last, with a final 0: (n + 1, ...)."""
    result = np.zeros((values.shape[0] + 1, *values.shape[1:]))
    result[:-1] = np.cumsum(values[::-1], axis=0)[::-1]
    return result


def information_sum(strata: Sequence[RiskSets], coef: FloatArray) -> Derivatives:
    """Return log likelihood, gradient and information summed over strata."""
    each = [stratum.derivatives(coef) for stratum in strata]
    return sum(e[0] for e in each), np.sum([e[1] for e in each], axis=0), np.sum([e[2] for e in each], axis=0)
