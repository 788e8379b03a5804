"""Gray's test that groups have equal incidence of one cause while others compete."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import BoolArray, FloatArray, IntArray
from hdrplan.errors import InputError
from hdrplan.outcomes.columns import Groups, grouped
from hdrplan.outcomes.competing import CompetingRisks
from hdrplan.outcomes.followup import refuse_late_entry
from hdrplan.outcomes.inference import Test

__all__ = ["GrayTest", "gray_test"]


@dataclass(frozen=True, slots=True, eq=False)
class GrayTest:
    """Gray's test that groups have equal incidence of one cause; NaN where the events carry no information on it."""

    groups: tuple[object, ...]
    cause: object
    test: Test

    @property
    def p(self) -> float:
        """The p value."""
        return self.test.p


def gray_test(
    risks: CompetingRisks,
    group: npt.ArrayLike,
    *,
    of: object = 1,
    strata: npt.ArrayLike | None = None,
    rho: float = 0.0,
) -> GrayTest:
    """Return Gray's test of the cumulative incidence of one cause between groups.

    Parameters
    ----------
    risks : CompetingRisks
        Without late entry; rows are taken as independent.
    group : (n,) array_like
        Groups, two or more.
    of : object
        The cause of interest.
    strata : (n,) array_like, optional
        Groups are compared within strata.
    rho : float
        Weight (1 - incidence before)^rho.

    Returns
    -------
    GrayTest

    Raises
    ------
    InputError
        One group only, or the cause of interest never happens.

    References
    ----------
    R. J. Gray, Ann Stat 1988;16:1141-1154, DOI 10.1214/aos/1176350951, equations 2.3, 2.5 and section 2.
    """
    rows, wanted = risks.rows, risks.had(of)
    refuse_late_entry(rows, "Gray's test")
    groups = grouped(group, rows.n, "group")
    k = len(groups)
    if k < 2:
        raise InputError("Gray's test compares two or more groups", got=f"only {groups.labels[0]!r}")
    other = rows.event & ~wanted
    layers = grouped(strata, rows.n, "strata")
    score, variance = np.zeros(k), np.zeros((k, k))
    for layer in range(len(layers)):
        inside = layers.codes == layer
        tables = _tables(rows.time[inside], wanted[inside], other[inside], Groups(groups.labels, groups.codes[inside]))
        s, v = _score(tables, rho)
        score, variance = score + s, variance + v
    u, v = score[:-1], variance[:-1, :-1]  # the scores add up to zero
    if not np.linalg.eigvalsh(v).min() > 1e-12 * np.abs(v).max():
        return GrayTest(groups.labels, of, Test(float("nan"), u.size, float("nan")))
    return GrayTest(groups.labels, of, Test.chi_square(float(u @ np.linalg.solve(v, u)), u.size))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Tables:
    """Rows at risk, events of the cause and other events: columns are groups, rows distinct event times."""

    at_risk: FloatArray
    events: FloatArray
    others: FloatArray


def _tables(time: FloatArray, wanted: BoolArray, other: BoolArray, groups: Groups) -> _Tables:
    times = np.unique(time[wanted | other])
    at_risk, events, others = (np.empty((times.size, len(groups))) for _ in range(3))
    for g in range(len(groups)):
        own = groups.codes == g
        t = time[own]
        at_risk[:, g] = t.size - np.searchsorted(np.sort(t), times, side="left")
        events[:, g] = _count(time[wanted & own], times)
        others[:, g] = _count(time[other & own], times)
    return _Tables(at_risk=at_risk, events=events, others=others)


def _score(tables: _Tables, rho: float) -> tuple[FloatArray, FloatArray]:
    """Score of each group and its covariance in one stratum."""
    at_risk, d1, d2 = tables.at_risk, tables.events, tables.others
    k = at_risk.shape[1]
    if not len(at_risk):  # a stratum without events says nothing
        return np.zeros(k), np.zeros((k, k))
    present = at_risk > 0
    y = np.where(present, at_risk, 1.0)
    after = np.cumprod(np.where(present, 1.0 - (d1 + d2) / y, 1.0), axis=0)
    before = np.vstack((np.ones(k), after[:-1]))  # event-free in each group just before
    incidence_before = np.vstack((np.zeros(k), np.cumsum(before * d1 / y, axis=0)[:-1]))
    # h estimates how many of each group would be under observation had there been no event: h (1 - F) is Gray's R.
    h = np.where(present, at_risk / np.where(before > 0, before, 1.0), 0.0)
    total = h.sum(axis=1)
    r = h * (1.0 - incidence_before)
    n1 = d1.sum(axis=1)
    pooled = np.cumsum(n1 / total)
    pooled_before = np.concatenate(([0.0], pooled[:-1]))
    weight = (1.0 - pooled_before) ** rho
    score = (weight[:, None] * (d1 - n1[:, None] * r / r.sum(axis=1, keepdims=True))).sum(axis=0)

    # a[t, i, g]: how an event in group g moves the score of group i; c: its integral over the pooled hazard.
    a = weight[:, None, None] * h[:, :, None] * (np.eye(k) - (h / total[:, None])[:, None, :])
    c = np.cumsum(a * (n1 / (total * (1.0 - pooled_before)))[:, None, None], axis=0)
    to_come = c[-1] - c
    with np.errstate(divide="ignore", invalid="ignore"):
        alive = (1.0 - pooled)[:, None] / after
        # Tied events are drawn without replacement, as in the hypergeometric variance of the log-rank test.
        tie1 = np.where(n1[:, None] > 1, 1.0 - (n1[:, None] - 1) / (total[:, None] * before - 1), 1.0)
        tie2 = np.where(d2 > 1, 1.0 - (d2 - 1) / (at_risk - 1), 1.0)
        spread1 = np.where(present, tie1 * before * n1[:, None] / (total[:, None] * y), 0.0)
        spread2 = np.where(present & (d2 > 0) & (after > 0), tie2 * before**2 * d2 / y**2, 0.0)
    own = np.where(after > 0, 1.0 - alive, 1.0)
    alive = np.where(after > 0, alive, 0.0)
    b1 = a + own[:, None, :] * to_come
    b2 = alive[:, None, :] * to_come
    variance = np.einsum("tig,tjg,tg->ij", b1, b1, spread1) + np.einsum("tig,tjg,tg->ij", b2, b2, spread2)
    return score, variance


def _count(values: FloatArray, times: FloatArray) -> IntArray:
    ordered = np.sort(values)
    return np.searchsorted(ordered, times, side="right") - np.searchsorted(ordered, times, side="left")
