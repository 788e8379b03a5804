"""Does the score rank units rightly? Concordance for censored data, with errors by patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.errors import InputError
from hdrplan.outcomes.columns import finite_column, grouped
from hdrplan.outcomes.followup import FollowUp, refuse_late_entry

__all__ = ["Concordance", "censoring_survival", "concordance"]


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
    n = rows.n
    _, day = np.unique(rows.time, return_inverse=True)
    _, rank = np.unique(2 * day + ~rows.event, return_inverse=True)  # a censoring comes after the events of its day
    _, level = np.unique(score, return_inverse=True)
    totals, numerator, denominator = np.zeros(3), np.zeros(n), np.zeros(n)
    order = np.argsort(level, kind="stable")
    for bit in reversed(range(int(rank.max()).bit_length())):
        block = rank[order] >> (bit + 1)
        later = (rank[order] >> bit & 1).astype(np.bool_)
        starts, ends, block_starts, block_ends = _runs(block, level[order])
        n_later = np.concatenate(([0], np.cumsum(later)))
        earlier = np.where(later, 0.0, weight[order])
        w_earlier = np.concatenate(([0.0], np.cumsum(earlier)))
        below, same = n_later[starts] - n_later[block_starts], n_later[ends] - n_later[starts]
        of_later = n_later[block_ends] - n_later[block_starts]
        higher, equal = w_earlier[block_ends] - w_earlier[ends], w_earlier[ends] - w_earlier[starts]
        of_earlier = w_earlier[block_ends] - w_earlier[block_starts]
        numerator[order] += np.where(later, higher + equal / 2.0, earlier * (below + same / 2.0))
        denominator[order] += np.where(later, of_earlier, earlier * of_later)
        good, tied = earlier @ below, earlier @ same
        totals += (good, earlier @ of_later - good - tied, tied)
        n_before = np.arange(n) - n_later[:-1]  # of the earlier ones
        place = n_before - n_before[block_starts] + block_starts
        behind = block_ends - of_later + n_later[:-1] - n_later[block_starts]
        moved = np.empty_like(order)
        moved[np.where(later, behind, place)] = order
        order = moved
    return totals, numerator, denominator


def _runs(block: IntArray, level: IntArray) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """First and behind-last place of each row's run of equal levels within its block, and of its block."""
    new_block = np.concatenate(([True], block[1:] != block[:-1]))
    new = new_block | np.concatenate(([True], level[1:] != level[:-1]))
    found = []
    for begins in (new, new_block):
        first = np.flatnonzero(begins)
        which = np.cumsum(begins) - 1
        found += [first[which], np.append(first[1:], block.size)[which]]
    return found[0], found[1], found[2], found[3]


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
