"""Turnbull's curve: survival without a model where events are known only to lie between two scans."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from hdrplan.arrays import FloatArray, freeze
from hdrplan.outcomes.scan_intervals import Intervals

__all__ = ["Turnbull", "turnbull"]

# Mass below this is none; the maximum satisfies its optimality conditions to this share of the number of rows.
_NO_MASS = 1e-12
_OPTIMAL = 1e-10


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Turnbull:
    """The non-parametric maximum-likelihood estimate of the event-time distribution from intervals.

    Parameters
    ----------
    left, right : (k,) arrays
        Innermost intervals (left, right] that carry mass; where the mass lies inside one is not determined.
    mass : (k,) array
        Probability of each.
    loglik : float
        Log likelihood.
    gap : float
        Largest violation of the optimality conditions per row: the certificate of the maximum.
    n : int
        Rows.
    """

    left: FloatArray
    right: FloatArray
    mass: FloatArray
    loglik: float
    gap: float
    n: int

    def __post_init__(self) -> None:
        freeze(self, "left", (None,))
        freeze(self, "right", (self.left.size,), finite=False)
        freeze(self, "mass", (self.left.size,))

    def survival_bounds(self, times: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return the lowest and highest survival at any times that the estimate allows; equal outside the intervals."""
        at = np.asarray(times, dtype=np.float64)[..., None]
        begun = (self.left < at) | (self.right <= at)  # an exact time has begun when it comes
        lower = 1.0 - (self.mass * begun).sum(axis=-1)
        upper = 1.0 - (self.mass * (self.right <= at)).sum(axis=-1)
        return np.clip(lower, 0.0, 1.0), np.clip(upper, 0.0, 1.0)

    @property
    def median(self) -> tuple[float, float]:
        """Interval in which survival falls through one half; infinite right end where it is not reached."""
        place = int(np.searchsorted(np.cumsum(self.mass), 0.5 - 1e-12))
        place = min(place, self.mass.size - 1)
        return float(self.left[place]), float(self.right[place])


def turnbull(rows: Intervals) -> Turnbull:
    """Return Turnbull's estimate for events known to lie in (left, right].

    References
    ----------
    B. W. Turnbull, J R Stat Soc B 1976;38:290-295, DOI 10.1111/j.2517-6161.1976.tb01597.x.
    Y. Wang, J R Stat Soc B 2007;69:185-198, DOI 10.1111/j.1467-9868.2007.00583.x (the algorithm: Newton steps that
    are non-negative least squares).

    Examples
    --------
    >>> from hdrplan.outcomes import intervals
    >>> fit = turnbull(intervals([0, 2, 2, 4], [2, 4, float("inf"), float("inf")]))
    >>> fit.mass.round(4).tolist()
    [0.25, 0.375, 0.375]
    """
    start, stop = _innermost(rows.left, rows.right)
    (low, high), count = np.unique(np.vstack((rows.left, rows.right)), axis=1, return_counts=True)
    exact = (low == high)[:, None]
    covers = np.where(exact, (start == low[:, None]) & (stop == high[:, None]), False)
    covers |= ~exact & (low[:, None] <= start) & (stop <= high[:, None])
    # An exact time inside an interval: its (x, x] lies in (l, r] only if l < x.
    covers &= exact | (start < stop) | (low[:, None] < start)
    mass, gap = _mixture(covers.astype(np.float64), count.astype(np.float64))
    keep = mass > _NO_MASS
    return Turnbull(
        left=start[keep],
        right=stop[keep],
        mass=mass[keep],
        loglik=float(count @ np.log(covers[:, keep] @ mass[keep])),
        gap=gap,
        n=rows.n,
    )


def _innermost(low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Intervals that begin with a left end and finish with the next right end, with nothing between.

    At one time the ends stand in the order: left of an exact time (closed), right ends (closed), left ends (open).
    """
    exact = low == high
    ends = np.concatenate((low, high))
    kind = np.concatenate((np.where(exact, 0, 2), np.full(high.size, 1)))
    order = np.lexsort((kind, ends))
    ends, kind = ends[order], kind[order]
    here = np.flatnonzero((kind[:-1] != 1) & (kind[1:] == 1))
    pairs = np.unique(np.column_stack((ends[here], ends[here + 1])), axis=0)
    return pairs[:, 0], pairs[:, 1]


def _mixture(covers: FloatArray, count: FloatArray) -> tuple[FloatArray, float]:
    """Weights of a finite mixture that maximise sum count log(covers p), and the certificate."""
    n, k = float(count.sum()), covers.shape[1]
    p = np.full(k, 1.0 / k)
    root = np.sqrt(count)

    def loglik(q: FloatArray) -> float:
        # A first step may gain more on 20,000 rows than any finite penalty: a row that nothing explains rules it out.
        with np.errstate(divide="ignore"):
            return float(count @ np.log(covers @ q))

    value = loglik(p)
    for _ in range(500):
        density = covers @ p
        gradient = covers.T @ (count / density)
        if gradient.max() <= n * (1.0 + _OPTIMAL) and np.all(np.abs(gradient - n)[p > _NO_MASS] <= n * 1e-8):
            break
        # Newton step on the simplex: || S p - 2 || with the constraint sum p = 1 as one heavy extra row.
        s = covers / density[:, None] * root[:, None]
        heavy = 1e3 * np.sqrt(n)
        q, _ = scipy.optimize.nnls(np.vstack((s, np.full(k, heavy))), np.concatenate((2.0 * root, [heavy])))
        q = q / q.sum()
        step = q - p
        for halving in range(40):
            trial = p + step * 0.5**halving
            if loglik(trial) >= value + 1e-4 * 0.5**halving * float(gradient @ step):
                break
        else:
            trial = p * gradient / n  # one step of the EM algorithm always rises
        p = np.maximum(trial, 0.0)
        p = p / p.sum()
        # A few EM steps settle the digits that the line search cannot see.
        for _ in range(3):
            p = p * (covers.T @ (count / (covers @ p))) / n
        value = loglik(p)
    gradient = covers.T @ (count / (covers @ p))
    return p, float(max(gradient.max() / n - 1.0, 0.0))
