"""The best cut-off of a dose, without fooling oneself.

The cut-off that separates two groups best is significant in far more than 5 % of cohorts in which the dose has no
effect at all, for it was chosen because it separates. Each p here is that of the choice, not of the chosen.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from hdrplan.arrays import FloatArray, IntArray, freeze
from hdrplan.errors import HdrPlanError, InputError
from hdrplan.outcomes.cox_model import cox
from hdrplan.outcomes.cutoff_data import CutoffProblem
from hdrplan.outcomes.resampling import bootstrap_statistics, flipped_maxima, movable_clusters, permuted_rows
from hdrplan.outcomes.scores import efficient_scores, log_rank_scores
from hdrplan.threads import single_blas_thread

__all__ = ["Cutoff", "CutoffP", "CutoffScan", "best_cutoff", "lausen_1992", "lausen_1994"]

# Scores of rows times cut-offs that are held at once, 16 MB each of nine arrays: whole they grow with the square of the
# rows, to 0.9 GB at 4,000.
_BLOCK = 2_000_000
# With covariates more cut-offs than this are thinned, evenly over the rows: neighbours differ by few rows, and with all
# of them the time grows with the square of the rows (8 times from 5,000 to 15,000 patients).
_MOST = 2000


@dataclass(frozen=True, slots=True, eq=False)
class CutoffScan:
    """The statistic of every admissible cut-off.

    Parameters
    ----------
    cutoffs : (k,) array
        Values at which the rows were divided: at or below against above.
    n_below : (k,) array
        Rows at or below each.
    statistic : (k,) array
        Standardised statistic of each division; positive: more events at or below than expected.
    """

    cutoffs: FloatArray
    n_below: IntArray
    statistic: FloatArray

    def __post_init__(self) -> None:
        freeze(self, "cutoffs", (None,))
        freeze(self, "n_below", (self.cutoffs.size,), dtype=np.int64)
        freeze(self, "statistic", (self.cutoffs.size,))

    @property
    def best(self) -> float:
        """The cut-off of the largest absolute statistic (the lowest of equals)."""
        return float(self.cutoffs[np.abs(self.statistic).argmax()])

    @property
    def maximum(self) -> float:
        """The largest absolute statistic."""
        return float(np.abs(self.statistic).max())


@dataclass(frozen=True, slots=True, kw_only=True)
class CutoffP:
    """p of a best cut-off.

    Parameters
    ----------
    naive : float
        As if the cut-off had been fixed in advance: printed to show how far it misleads.
    lausen92, lausen94 : float or None
        Corrected for the choice, for independent rows and without adjustment.
    resampled : float
        Corrected for the choice by resampling whole patients; of the adjusted statistic where covariates were given.
    """

    naive: float
    lausen92: float | None
    lausen94: float | None
    resampled: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Cutoff:
    """A best cut-off, its p and how far it moves.

    Parameters
    ----------
    scan : CutoffScan
        The statistic of every cut-off.
    p : CutoffP
        p, corrected for the choice in several ways, and not.
    critical : float
        Absolute statistic that the maximum exceeds in 5 % of resamples under the null hypothesis: the corrected band.
    interval : tuple of float or None
        95 % interval of the best cut-off over bootstrap samples of patients.
    adjusted_for : tuple of str
        Covariates of the null model.
    n, n_events, n_clusters, n_movable, n_resamples : int
        Rows, events, clusters, clusters whose outcome could be exchanged, resamples.
    """

    scan: CutoffScan
    p: CutoffP
    critical: float
    interval: tuple[float, float] | None
    adjusted_for: tuple[str, ...]
    n: int
    n_events: int
    n_clusters: int
    n_movable: int
    n_resamples: int

    @property
    def best(self) -> float:
        """The cut-off of the largest absolute statistic."""
        return self.scan.best


def best_cutoff(
    problem: CutoffProblem,
    *,
    rng: np.random.Generator,
    n_resamples: int = 1999,
    n_bootstrap: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Cutoff:
    """Return the cut-off that separates best, its p corrected for the choice, and how far it moves.

    Without covariates the statistic is the log-rank score statistic, standardised as a sum drawn without replacement,
    and outcomes are permuted among patients with equal numbers of lesions. With covariates (or strata) it is the score
    statistic of adding the division to a Cox model of the covariates, standardised by patient, and the signs of the
    patients' scores are flipped: exchanging outcomes would also break their link to the covariates. Of more than 2,000
    cut-offs, 2,000 at even numbers of rows are tried then.

    Parameters
    ----------
    problem : CutoffProblem
        What is cut, and what it is adjusted for.
    rng : numpy.random.Generator
        Source of randomness.
    n_resamples, n_bootstrap : int
        Resamples for p; bootstrap samples for the interval (0: none).
    on_progress : callable, optional
        Called with the number of bootstrap samples done and their total.

    Returns
    -------
    Cutoff

    Raises
    ------
    InputError
        No admissible cut-off, outcomes that are all alike, covariates that cannot be fitted.

    References
    ----------
    B. Lausen, M. Schumacher, Biometrics 1992;48:73-85, DOI 10.2307/2532740.
    B. Lausen, M. Schumacher, Comput Stat Data Anal 1996;21:307-326, DOI 10.1016/0167-9473(95)00016-X.
    D. G. Altman et al., J Natl Cancer Inst 1994;86:829-835, DOI 10.1093/jnci/86.11.829.
    """
    rows, interval = problem.rows, None
    scan_of = _adjusted_scan if problem.adjusted else _plain_scan
    with single_blas_thread():
        scan, resampled = scan_of(problem, n_resamples, rng)
        if n_bootstrap:

            def best_of(drawn: IntArray, owner: IntArray) -> float:
                try:
                    return scan_of(problem.drawn(drawn, owner), 0, rng)[0].best
                except HdrPlanError:  # a sample that cannot be fitted or divided says nothing about where
                    return float("nan")

            where = bootstrap_statistics(best_of, rows.owner, n_bootstrap, rng, on_progress)
            lower, upper = np.nanquantile(where, (0.025, 0.975), method="inverted_cdf")
            interval = float(lower), float(upper)
    top, below = scan.maximum, scan.n_below
    above = np.count_nonzero(resampled >= top * (1.0 - 1e-12))
    return Cutoff(
        scan=scan,
        p=CutoffP(
            naive=float(2.0 * scipy.stats.norm.sf(top)),
            lausen92=None if problem.adjusted else lausen_1992(top, below[0] / rows.n, below[-1] / rows.n),
            lausen94=None if problem.adjusted else lausen_1994(top, below, rows.n),
            resampled=float((1.0 + above) / (resampled.size + 1.0)),
        ),
        critical=float(np.quantile(resampled, 0.95)) if resampled.size else float("nan"),
        interval=interval,
        adjusted_for=tuple(problem.covariates or ()),
        n=rows.n,
        n_events=rows.n_events,
        n_clusters=int(rows.owner.max()) + 1,
        n_movable=movable_clusters(rows.owner),
        n_resamples=n_resamples,
    )


def _divisions(x: FloatArray, minimum_frac: float) -> tuple[FloatArray, IntArray, IntArray]:
    """Admissible cut-offs, rows at or below each, and the order of the values."""
    order = np.argsort(x, kind="stable")
    values, last = np.unique(x[order][::-1], return_index=True)
    below = x.size - last  # rows at or below each value
    # A share like 0.1 of 100 rows must admit 10 rows whatever the rounding.
    fine = (below >= minimum_frac * x.size - 1e-9) & (below <= (1.0 - minimum_frac) * x.size + 1e-9) & (below < x.size)
    if not fine.any():
        raise InputError(
            "a cut-off needs values on both sides",
            got=f"{values.size} distinct values, none with {minimum_frac:g} of the rows on each side",
        )
    return values[fine], below[fine].astype(np.int64), order


def _plain_scan(problem: CutoffProblem, n: int, rng: np.random.Generator) -> tuple[CutoffScan, FloatArray]:
    """Log-rank statistics, and the maxima of n permutations of outcomes."""
    cutoffs, below, order = _divisions(problem.value, problem.minimum_frac)
    scores = log_rank_scores(problem.rows)
    size = problem.rows.n
    variance = below * (size - below) / (size * (size - 1.0)) * ((scores - scores.mean()) ** 2).sum()
    if not variance.min() > 0:
        raise InputError("a cut-off needs events", got="outcomes that are all alike")
    expected, error = below * scores.mean(), np.sqrt(variance)

    def statistic(outcome: FloatArray) -> FloatArray:
        result: FloatArray = (np.cumsum(outcome[order])[below - 1] - expected) / error
        return result

    owner = problem.rows.owner
    maxima = np.array([np.abs(statistic(scores[source])).max() for source in permuted_rows(owner, n, rng)])
    return CutoffScan(cutoffs, below, statistic(scores)), maxima


def _adjusted_scan(problem: CutoffProblem, n: int, rng: np.random.Generator) -> tuple[CutoffScan, FloatArray]:
    """Score statistics beside the null model, and the maxima of n flips of the patients' signs."""
    assert problem.covariates is not None
    cutoffs, below, _ = _divisions(problem.value, problem.minimum_frac)
    if cutoffs.size > _MOST:
        kept = np.unique(np.searchsorted(below, np.linspace(below[0], below[-1], _MOST)))
        cutoffs, below = cutoffs[kept], below[kept]
    strata = None if problem.strata is None else problem.strata.codes
    null = cox(problem.rows.independent, problem.covariates, strata=strata)
    statistic, maxima = np.empty(cutoffs.size), np.zeros(n)
    width = max(1, _BLOCK // problem.value.size)
    for start in range(0, cutoffs.size, width):
        some = slice(start, start + width)
        candidates = (problem.value[:, None] <= cutoffs[None, some]).astype(np.float64)
        contributions = problem.rows.by_cluster(efficient_scores(null, candidates))
        error = np.sqrt((contributions**2).sum(axis=0))
        statistic[some] = contributions.sum(axis=0) / np.where(error > 0, error, np.inf)
        # A draw flips the same patients in every block.
        draw = rng if some.stop >= cutoffs.size else copy.deepcopy(rng)
        maxima = np.maximum(maxima, flipped_maxima(contributions, n, draw))
    return CutoffScan(cutoffs, below, statistic), maxima


def lausen_1992(maximum: float, minimum_frac: float, maximum_frac: float) -> float:
    """Return the p of a maximally selected statistic over a range of cut-offs.

    Parameters
    ----------
    maximum : float
        Largest absolute statistic.
    minimum_frac, maximum_frac : float
        Share of the rows at or below the lowest and the highest cut-off.

    Returns
    -------
    float

    References
    ----------
    B. Lausen, M. Schumacher, Biometrics 1992;48:73-85, DOI 10.2307/2532740, from R. Miller, D. Siegmund, Biometrics
    1982;38:1011-1016, DOI 10.2307/2529881.
    """
    density = float(scipy.stats.norm.pdf(maximum))
    span = np.log(maximum_frac * (1.0 - minimum_frac) / ((1.0 - maximum_frac) * minimum_frac))
    p = 4.0 * density / maximum + density * (maximum - 1.0 / maximum) * span
    return float(min(max(p, 0.0), 1.0)) if maximum > 1.0 else 1.0


def lausen_1994(maximum: float, n_below: npt.ArrayLike, n: int) -> float:
    """Return the improved Bonferroni bound of p for the given divisions.

    Parameters
    ----------
    maximum : float
        Largest absolute statistic.
    n_below : (k,) array_like
        Rows at or below each cut-off.
    n : int
        Rows.

    Returns
    -------
    float

    References
    ----------
    B. Lausen, W. Sauerbrei, M. Schumacher, in P. Dirschedl, R. Ostermann (eds), Computational Statistics, Physica 1994,
    483-496; K. J. Worsley, Biometrika 1982;69:297-302, DOI 10.1093/biomet/69.2.297.
    """
    m = np.asarray(n_below, dtype=np.float64)
    t = np.sqrt(1.0 - m[:-1] * (n - m[1:]) / ((n - m[:-1]) * m[1:]))
    steps = np.exp(-(maximum**2) / 2.0) / np.pi * (t - (maximum**2 / 4.0 - 1.0) * t**3 / 6.0)
    return float(min(2.0 * scipy.stats.norm.sf(maximum) + steps.sum(), 1.0))
