"""Does the score rank units rightly? Concordance for censored data, with errors by patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.errors import InputError
from hdrplan.outcomes.columns import finite_column, grouped
from hdrplan.outcomes.followup import FollowUp, refuse_late_entry

__all__ = ["Concordance", "censoring_survival", "concordance"]

Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True, slots=True, kw_only=True)
class Concordance:
    """Probability that of two comparable units the one with the higher score fails first; 0.5 is chance.

    Parameters
    ----------
    c, std_err : float
        The probability and its standard error.
    concordant, discordant, tied_risk : float
        (Weighted) comparable pairs in the order of the score, against it, and with equal scores.
    """

    c: float
    std_err: float
    concordant: float
    discordant: float
    tied_risk: float


def concordance(
    rows: FollowUp,
    risk: npt.ArrayLike,
    *,
    method: Literal["harrell", "uno"] = "harrell",
    tau: float | None = None,
    strata: npt.ArrayLike | None = None,
) -> Concordance:
    """Return Harrell's or Uno's concordance of a risk score.

    A pair is comparable when the earlier time is an event; a censoring at the same time counts as later; two events at
    the same time are not comparable. Tied scores count half.

    Parameters
    ----------
    rows : FollowUp
        Without late entry. Where it has clusters, the infinitesimal-jackknife error is summed by cluster.
    risk : (n,) array_like
        Higher means earlier failure expected.
    method : {"harrell", "uno"}
        Uno weights each pair by 1/G(t-)^2 (G: Kaplan-Meier of the censoring), so that C does not depend on censoring.
    tau : float, optional
        Only events before ``tau`` count (Uno's truncation).
    strata : (n,) array_like, optional
        Only pairs within a stratum are compared; Uno's weights are those of the stratum.

    Returns
    -------
    Concordance

    Raises
    ------
    InputError
        No comparable pair, late entry, or a score that is not one finite number a row.

    References
    ----------
    F. E. Harrell et al., Stat Med 1996;15:361-387. H. Uno et al., Stat Med 2011;30:1105-1117, DOI 10.1002/sim.4154.
    """
    refuse_late_entry(rows, "a concordance")
    score = finite_column(risk, rows.n, "risk")
    if method not in ("harrell", "uno"):
        raise InputError("method must be harrell or uno", got=method)
    layers = grouped(strata, rows.n, "strata")
    totals, numerator, denominator = np.zeros(3), np.zeros(rows.n), np.zeros(rows.n)
    for k in range(len(layers)):
        chosen = np.flatnonzero(layers.codes == k)
        layer = rows.independent.chosen(chosen)
        counts, numerator[chosen], denominator[chosen] = _pairs(layer, score[chosen], _weight(layer, method, tau))
        totals += counts
    if not totals.sum() > 0:
        raise InputError("concordance needs comparable pairs", got="no event before another unit's time")
    c = float((totals[0] + totals[2] / 2.0) / totals.sum())
    influence = (numerator - c * denominator) / totals.sum()
    by_cluster = rows.by_cluster(influence[:, None])[:, 0]
    concordant, discordant, tied_risk = (float(v) for v in totals)
    return Concordance(
        c=c,
        std_err=float(np.sqrt((by_cluster**2).sum())),
        concordant=concordant,
        discordant=discordant,
        tied_risk=tied_risk,
    )


def _weight(rows: FollowUp, method: str, tau: float | None) -> FloatArray:
    """Weight of the pairs in which each row fails first; 0 without an event."""
    weight = np.where(rows.event, 1.0, 0.0)
    if method == "uno":
        with np.errstate(divide="ignore"):
            weight = weight / censoring_survival(rows, rows.time, before=True) ** 2
        weight = np.where(rows.event, weight, 0.0)
    return weight if tau is None else np.where(rows.time < tau, weight, 0.0)


def _pairs(rows: FollowUp, score: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Weighted concordant, discordant and tied pairs; and each row's share of numerator and of all comparable pairs.

    Rows in order of time have a rank; of two ranks the first bit in which they differ tells the earlier one. So each
    pair is counted once, in the pass of that bit over the rows in order of score: n log n, where the pairs are n^2.
    """
    _, day = np.unique(rows.time, return_inverse=True)
    _, rank = np.unique(2 * day + ~rows.event, return_inverse=True)  # a censoring comes after the events of its day
    _, level = np.unique(score, return_inverse=True)
    order = np.argsort(level, kind="stable")
    # What travels with the rows from pass to pass: narrow integers, for memory is what limits the passes.
    rank, level = rank[order].astype(np.int32), level[order].astype(np.int32)
    weight, order = weight[order], order.astype(np.int32)
    totals, numerator, denominator = np.zeros(3), np.zeros(rows.n), np.zeros(rows.n)
    bounds = np.array([0, rows.n])
    for bit in reversed(range(int(rank.max()).bit_length())):
        later = (rank >> bit & 1).astype(np.bool_)
        n_later = np.concatenate(([0], np.cumsum(later, dtype=np.int32)))
        earlier = np.where(later, 0.0, weight)
        w_earlier = np.concatenate(([0.0], np.cumsum(earlier)))
        runs = _runs(level, bounds)
        length, size = np.diff(runs), np.diff(bounds)
        block_first, block_later = np.repeat(n_later[bounds[:-1]], size), np.repeat(np.diff(n_later[bounds]), size)
        below = np.repeat(n_later[runs[:-1]], length) - block_first
        same = np.repeat(np.diff(n_later[runs]), length)
        higher = np.repeat(w_earlier[bounds[1:]], size) - np.repeat(w_earlier[runs[1:]], length)
        equal = np.repeat(np.diff(w_earlier[runs]), length)
        of_earlier = np.repeat(np.diff(w_earlier[bounds]), size)
        good, tied, of_pairs = earlier * below, earlier * same, earlier * block_later
        numerator += np.where(later, higher + equal / 2.0, good + tied / 2.0)
        denominator += np.where(later, of_earlier, of_pairs)
        totals += (good.sum(), of_pairs.sum() - good.sum() - tied.sum(), tied.sum())
        # The earlier rows of a block move to its front, the later ones behind, both still in order of score.
        n_front = size - np.diff(n_later[bounds])
        ahead = n_later[:-1] - block_first
        place = np.where(later, np.repeat(bounds[:-1] + n_front, size) + ahead, np.arange(rows.n) - ahead)
        rank, level, order = _moved(rank, place), _moved(level, place), _moved(order, place)
        weight, numerator, denominator = (_moved(v, place) for v in (weight, numerator, denominator))
        bounds = np.unique(np.concatenate((bounds, bounds[:-1] + n_front)))
    return totals, _moved(numerator, order), _moved(denominator, order)


def _moved(values: npt.NDArray[Number], place: IntArray) -> npt.NDArray[Number]:
    """Return the values, each at its new place."""
    result = np.empty_like(values)
    result[place] = values
    return result


def _runs(level: IntArray, bounds: IntArray) -> IntArray:
    """Return the places where runs of equal levels begin within blocks, and the end."""
    new = np.concatenate(([True], level[1:] != level[:-1], [True]))
    new[bounds] = True
    return np.flatnonzero(new)


def censoring_survival(rows: FollowUp, at: npt.ArrayLike, *, before: bool = False) -> FloatArray:
    """Return the Kaplan-Meier estimate of remaining uncensored, G(t) or (``before``) G(t-).

    Events come before censorings at the same time, so a row with an event is no longer at risk of censoring then.

    Parameters
    ----------
    rows : FollowUp
        Follow-up without late entry.
    at : array_like
        Times.
    before : bool
        Return the value just before each time.

    Returns
    -------
    array
        Of the shape of ``at``.

    References
    ----------
    E. L. Kaplan, P. Meier, J Am Stat Assoc 1958;53:457-481, DOI 10.1080/01621459.1958.10501452.
    """
    times, index = np.unique(rows.time, return_inverse=True)
    lost = np.bincount(index, weights=~rows.event, minlength=times.size)
    died = np.bincount(index, weights=rows.event, minlength=times.size)
    at_risk = np.cumsum((lost + died)[::-1])[::-1] - died
    curve = np.cumprod(1.0 - lost / np.where(at_risk > 0, at_risk, 1.0))
    place = np.searchsorted(times, np.asarray(at, dtype=np.float64), side="left" if before else "right")
    result: FloatArray = np.concatenate(([1.0], curve))[place]
    return result
