"""The best cut-off of a dose, without fooling oneself.

The cut-off that separates two groups best is significant in far more than 5 % of cohorts in which the dose has no
effect at all, for it was chosen because it separates. Each p here is that of the choice, not of the chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from hdrplan.arrays import FloatArray, IntArray, freeze
from hdrplan.errors import HdrPlanError, InputError
from hdrplan.outcomes.cox import cox
from hdrplan.outcomes.followup import FollowUp, follow_up, labels_and_codes
from hdrplan.outcomes.resampling import bootstrap_statistics, flipped_maxima, movable_clusters, permuted_rows
from hdrplan.outcomes.scores import efficient_scores, log_rank_scores, sum_by
from hdrplan.threads import one_blas_thread

__all__ = ["Cutoff", "best_cutoff", "lausen_1992", "lausen_1994"]


@dataclass(frozen=True, slots=True, eq=False)
class Cutoff:
    """A maximally selected log-rank statistic and what it is worth.

    Parameters
    ----------
    cutoffs : (k,) array
        Values at which the rows were divided: at or below against above.
    n_below : (k,) array
        Rows at or below each.
    statistic : (k,) array
        Standardised statistic of each division; positive: more events at or below than expected.
    best : float
        The cut-off of the largest absolute statistic (the lowest of equals).
    p_naive : float
        p as if the best cut-off had been fixed in advance: printed to show how far it misleads.
    p_lausen92, p_lausen94 : float or None
        p corrected for the choice, for independent rows and without adjustment.
    p_resampled : float
        p corrected for the choice by resampling whole patients; of the adjusted statistic where covariates were given.
    critical : float
        Absolute statistic that the maximum exceeds in 5 % of resamples under the null hypothesis: the corrected band.
    lower, upper : float or None
        95 % interval of the best cut-off over bootstrap samples of patients.
    adjusted_for : tuple of str
        Covariates of the null model.
    n, n_events, n_clusters, n_movable, n_resamples : int
        Rows, events, clusters, clusters whose outcome could be exchanged, resamples.
    """

    cutoffs: FloatArray
    n_below: IntArray
    statistic: FloatArray
    best: float
    p_naive: float
    p_lausen92: float | None
    p_lausen94: float | None
    p_resampled: float
    critical: float
    lower: float | None
    upper: float | None
    adjusted_for: tuple[str, ...]
    n: int
    n_events: int
    n_clusters: int
    n_movable: int
    n_resamples: int

    def __post_init__(self) -> None:
        freeze(self, "cutoffs", (None,))
        freeze(self, "n_below", (self.cutoffs.size,), dtype=np.int64)
        freeze(self, "statistic", (self.cutoffs.size,))

    @property
    def maximum(self) -> float:
        """The largest absolute statistic."""
        return float(np.abs(self.statistic).max())


def best_cutoff(
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    value: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    cluster: npt.ArrayLike | None = None,
    covariates: Mapping[str, npt.ArrayLike] | None = None,
    strata: npt.ArrayLike | None = None,
    least_frac: float = 0.1,
    n_resamples: int = 1999,
    n_bootstrap: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Cutoff:
    """Return the cut-off that separates best, its p corrected for the choice, and how far it moves.

    Without covariates the statistic is the log-rank score statistic, standardised as a sum drawn without replacement,
    and outcomes are permuted among patients with equal numbers of lesions. With covariates (or strata) it is the score
    statistic of adding the division to a Cox model of the covariates, standardised by patient, and the signs of the
    patients' scores are flipped: exchanging outcomes would also break their link to the covariates.

    Parameters
    ----------
    time, event : (n,) array_like
        Follow-up.
    value : (n,) array_like
        What is cut, for example D100 in Gy.
    rng : numpy.random.Generator
        Source of randomness.
    cluster : (n,) array_like, optional
        Patient of each row.
    covariates : mapping, optional
        Adjust for these, for example the diameter: large lesions get less dose and fail more.
    strata : (n,) array_like, optional
        Strata of the null model.
    least_frac : float
        Smallest share of rows on either side.
    n_resamples, n_bootstrap : int
        Resamples for p; bootstrap samples for the interval (0: none).
    on_progress : callable, optional
        Told how many bootstrap samples are done.

    Raises
    ------
    InputError
        No events, no admissible cut-off.

    References
    ----------
    B. Lausen, M. Schumacher, Biometrics 1992;48:73-85, DOI 10.2307/2532740.
    B. Lausen, M. Schumacher, Comput Stat Data Anal 1996;21:307-326, DOI 10.1016/0167-9473(95)00016-X.
    D. G. Altman et al., J Natl Cancer Inst 1994;86:829-835, DOI 10.1093/jnci/86.11.829.
    """
    rows = follow_up(time, event)
    n = rows.time.size
    x = np.asarray(value, dtype=np.float64)
    if x.shape != (n,) or not np.isfinite(x).all():
        raise InputError("the value to cut must be one finite number a row", got=f"shape {x.shape} for {n} rows")
    if not rows.event.any():
        raise InputError("a cut-off needs events", got="none")
    if not 0.0 < least_frac < 0.5:
        raise InputError("least_frac must lie between 0 and 0.5", got=least_frac)
    _, owner = labels_and_codes(cluster, n, "cluster") if cluster is not None else ((), np.arange(n))
    adjust = None if covariates is None and strata is None else (dict(covariates or {}), strata)
    scan = _adjusted_scan if adjust is not None else _plain_scan
    with one_blas_thread():
        cutoffs, n_below, statistic, resampled = scan(rows, x, owner, least_frac, adjust, n_resamples, rng)
        top = float(np.abs(statistic).max())
        p = (1.0 + np.count_nonzero(resampled >= top * (1.0 - 1e-12))) / (resampled.size + 1.0)
        lower = upper = None
        if n_bootstrap:

            def best_of(drawn: IntArray, drawn_owner: IntArray) -> float:
                part = FollowUp(rows.time[drawn], rows.event[drawn], rows.entry[drawn])
                chosen = adjust and ({k: np.asarray(v)[drawn] for k, v in adjust[0].items()}, _taken(adjust[1], drawn))
                try:
                    cuts, _, found, _ = scan(part, x[drawn], drawn_owner, least_frac, chosen, 0, rng)
                except HdrPlanError:  # a sample that cannot be fitted or divided says nothing about where
                    return float("nan")
                return float(cuts[np.abs(found).argmax()])

            where = bootstrap_statistics(best_of, owner, n_bootstrap, rng, on_progress)
            lower, upper = (float(v) for v in np.nanquantile(where, (0.025, 0.975), method="inverted_cdf"))
    return Cutoff(
        cutoffs, n_below, statistic, float(cutoffs[np.abs(statistic).argmax()]),
        float(2.0 * stats.norm.sf(top)),
        None if adjust else lausen_1992(top, n_below[0] / n, n_below[-1] / n),
        None if adjust else lausen_1994(top, n_below, n),
        float(p), float(np.quantile(resampled, 0.95)) if resampled.size else float("nan"), lower, upper,
        tuple(adjust[0]) if adjust else (), n, int(rows.event.sum()), int(owner.max()) + 1, movable_clusters(owner),
        n_resamples,
    )  # fmt: skip


def _taken(values: npt.ArrayLike | None, rows: IntArray) -> npt.ArrayLike | None:
    return None if values is None else np.asarray(values)[rows]


def _divisions(x: FloatArray, least_frac: float) -> tuple[FloatArray, IntArray, IntArray]:
    """Order of the values, admissible cut-offs and rows at or below each."""
    order = np.argsort(x, kind="stable")
    values, last = np.unique(x[order][::-1], return_index=True)
    below = x.size - last  # rows at or below each value
    # A share like 0.1 of 100 rows must admit 10 rows whatever the rounding.
    fine = (below >= least_frac * x.size - 1e-9) & (below <= (1.0 - least_frac) * x.size + 1e-9) & (below < x.size)
    if not fine.any():
        raise InputError(
            "a cut-off needs values on both sides",
            got=f"{values.size} distinct values, none with {least_frac:g} of the rows on each side",
        )
    return values[fine], below[fine].astype(np.int64), order


_Scan = tuple[FloatArray, IntArray, FloatArray, FloatArray]
_Adjust = tuple[dict[str, npt.ArrayLike], npt.ArrayLike | None] | None


def _plain_scan(
    rows: FollowUp, x: FloatArray, owner: IntArray, least_frac: float, adjust: _Adjust, n: int, rng: np.random.Generator
) -> _Scan:
    cutoffs, below, order = _divisions(x, least_frac)
    scores = log_rank_scores(rows.time, rows.event)
    size = x.size
    variance = below * (size - below) / (size * (size - 1.0)) * ((scores - scores.mean()) ** 2).sum()
    if not variance.min() > 0:
        raise InputError("a cut-off needs events", got="outcomes that are all alike")
    expected, error = below * scores.mean(), np.sqrt(variance)

    def statistic(outcome: FloatArray) -> FloatArray:
        result: FloatArray = (np.cumsum(outcome[order])[below - 1] - expected) / error
        return result

    maxima = np.array([np.abs(statistic(scores[source])).max() for source in permuted_rows(owner, n, rng)])
    return cutoffs, below, statistic(scores), maxima


def _adjusted_scan(
    rows: FollowUp, x: FloatArray, owner: IntArray, least_frac: float, adjust: _Adjust, n: int, rng: np.random.Generator
) -> _Scan:
    cutoffs, below, _ = _divisions(x, least_frac)
    assert adjust is not None
    null = cox(rows.time, rows.event, adjust[0], strata=adjust[1])
    candidates = (x[:, None] <= cutoffs[None, :]).astype(np.float64)
    contributions = sum_by(owner, efficient_scores(null, candidates))
    error = np.sqrt((contributions**2).sum(axis=0))
    statistic = contributions.sum(axis=0) / np.where(error > 0, error, np.inf)
    return cutoffs, below, statistic, flipped_maxima(contributions, n, rng)


def lausen_1992(maximum: float, least_frac: float, most_frac: float) -> float:
    """Return the p of a maximally selected statistic over cut-offs between two shares of the rows.

    References
    ----------
    B. Lausen, M. Schumacher, Biometrics 1992;48:73-85, DOI 10.2307/2532740, from R. Miller, D. Siegmund, Biometrics
    1982;38:1011-1016, DOI 10.2307/2529881.
    """
    density = float(stats.norm.pdf(maximum))
    span = np.log(most_frac * (1.0 - least_frac) / ((1.0 - most_frac) * least_frac))
    p = 4.0 * density / maximum + density * (maximum - 1.0 / maximum) * span
    return float(min(max(p, 0.0), 1.0)) if maximum > 1.0 else 1.0


def lausen_1994(maximum: float, n_below: npt.ArrayLike, n: int) -> float:
    """Return the improved Bonferroni bound of p for the given divisions.

    References
    ----------
    B. Lausen, W. Sauerbrei, M. Schumacher, in P. Dirschedl, R. Ostermann (eds), Computational Statistics, Physica 1994,
    483-496; K. J. Worsley, Biometrika 1982;69:297-302, DOI 10.1093/biomet/69.2.297.
    """
    m = np.asarray(n_below, dtype=np.float64)
    t = np.sqrt(1.0 - m[:-1] * (n - m[1:]) / ((n - m[:-1]) * m[1:]))
    steps = np.exp(-(maximum**2) / 2.0) / np.pi * (t - (maximum**2 / 4.0 - 1.0) * t**3 / 6.0)
    return float(min(2.0 * stats.norm.sf(maximum) + steps.sum(), 1.0))
