"""How good predicted risks are: Brier score, calibration and net benefit, with censoring and competing risks.

What happened by a time is known of rows that had any event by then or are still followed. Each counts with the inverse
of its probability of not being censored, so that those who are known stand for those who were lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, IntArray, freeze
from hdrplan.errors import InfeasibleError, InputError
from hdrplan.outcomes.columns import Groups, finite_column
from hdrplan.outcomes.competing import CompetingRisks
from hdrplan.outcomes.design import restricted_spline
from hdrplan.outcomes.discrimination import censoring_survival
from hdrplan.outcomes.followup import refuse_late_entry

__all__ = ["CalibrationCurve", "KnownStatus", "calibration_curve", "integrated_brier", "known_status", "risk_groups"]


# A risk of 0 or 1 has no log odds; it counts as this far from it.
_CERTAIN = 1e-8


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class KnownStatus:
    """Who had the event of interest by a time, and how many rows each one stands for; :func:`known_status` makes it.

    Parameters
    ----------
    at : float
        The time.
    event : (n,) array
        1 where the event of interest had happened by then, else 0.
    weight : (n,) array
        Inverse probability of not being censored; 0 where the status is not known.
    cluster : Groups or None
        Patient of each row.
    """

    at: float
    event: FloatArray
    weight: FloatArray
    cluster: Groups | None

    def __post_init__(self) -> None:
        freeze(self, "event", (None,))
        freeze(self, "weight", (self.event.size,))

    def brier(self, risk: npt.ArrayLike) -> float:
        """Return the mean squared difference of predicted risk (n,) and event; 0 is perfect.

        References
        ----------
        T. A. Gerds, M. Schumacher, Biom J 2006;48:1029-1040, DOI 10.1002/bimj.200610301.
        """
        return float((self.weight * (self.event - np.asarray(risk, dtype=np.float64)) ** 2).mean())

    def incidence(self) -> float:
        """Return the weighted share of rows with the event."""
        return float((self.weight * self.event).sum() / self.weight.sum())

    def net_benefit(self, risk: npt.ArrayLike, thresholds: npt.ArrayLike) -> FloatArray:
        """Return the net benefit (m,) of acting where the predicted risk reaches a threshold (m,).

        True positives less false positives at the exchange rate that the threshold says, a row.

        References
        ----------
        A. J. Vickers, E. B. Elkin, Med Decis Making 2006;26:565-574, DOI 10.1177/0272989X06295361.
        """
        predicted = np.asarray(risk, dtype=np.float64)
        values = []
        for threshold in np.atleast_1d(np.asarray(thresholds, dtype=np.float64)):
            weight = self.weight * (predicted >= threshold)
            odds = threshold / (1.0 - threshold)
            values.append(float((weight * (self.event - odds * (1.0 - self.event))).mean()))
        return np.array(values)


def known_status(risks: CompetingRisks, at: float, *, of: object = 1) -> KnownStatus:
    """Return who had an event by a time, with the weights of those of whom it is known.

    Parameters
    ----------
    risks : CompetingRisks
        Without late entry.
    at : float
        The time.
    of : object
        The cause of interest.

    Returns
    -------
    KnownStatus

    Raises
    ------
    InputError
        The cause never happens, late entry, or nobody is followed as long.
    """
    event, weight = _status(risks, np.array([float(at)]), of)
    return KnownStatus(at=float(at), event=event[:, 0], weight=weight[:, 0], cluster=risks.rows.cluster)


def integrated_brier(risks: CompetingRisks, predicted: npt.ArrayLike, at: npt.ArrayLike, *, of: object = 1) -> float:
    """Return the mean Brier score from 0 to the last time, by trapezoids (0 at time 0).

    R's riskRegression sums rectangles that begin at each time. Both come to the same as the times become dense.

    Parameters
    ----------
    risks : CompetingRisks
    predicted : (n, m) array_like
        Risk of each row by each time.
    at : (m,) array_like
        Ascending times.
    of : object
        The cause of interest.
    """
    times, risk = np.asarray(at, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    event, weight = _status(risks, times, of)
    scores = (weight * (event - risk) ** 2).mean(axis=0)
    return float(np.trapezoid([0.0, *scores], [0.0, *times]) / times[-1])


def _status(risks: CompetingRisks, times: FloatArray, of: object) -> tuple[FloatArray, FloatArray]:
    """Return who had the event by each time (n, m), and the weight of each row; 0 where its status is not known."""
    rows = risks.rows
    refuse_late_entry(rows, "a score of predictions")
    had = risks.had(of)[:, None]
    time = rows.time[:, None]
    done, followed = rows.event[:, None] & (time <= times), time > times
    nobody = times[~followed.any(axis=0)]
    if nobody.size:
        raise InputError(
            "somebody must be followed beyond the time of a prediction", got=f"nobody after {nobody.min():g}"
        )
    own = censoring_survival(rows.independent, time, before=True)
    weight = np.where(done, 1.0 / np.where(own > 0, own, 1.0), 0.0)
    weight += followed / censoring_survival(rows.independent, times)
    return (done & had).astype(np.float64), weight


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CalibrationCurve:
    """Observed against predicted risk.

    Parameters
    ----------
    predicted, observed, lower, upper : (m,) arrays
        The curve over the range of the predictions, with its pointwise 95 % limits.
    intercept, slope : float
        Of a logistic line through the predictions' log odds; 0 and 1 are perfect.
    """

    predicted: FloatArray
    observed: FloatArray
    lower: FloatArray
    upper: FloatArray
    intercept: float
    slope: float

    def __post_init__(self) -> None:
        for name in ("predicted", "observed", "lower", "upper"):
            freeze(self, name, (None,))


def risk_groups(risk: npt.ArrayLike, n_groups: int = 4) -> tuple[IntArray, ...]:
    """Return the rows of each group of predicted risk, lowest first.

    Quantiles of the risks part the groups, as in R's `riskRegression`; equal risks stay together, so there may be fewer
    groups than asked for.

    Parameters
    ----------
    risk : (n,) array_like
    n_groups : int

    Returns
    -------
    tuple of int arrays
        Row numbers.

    Raises
    ------
    InputError
        A risk that is not finite.
    """
    values = np.ravel(np.asarray(risk, dtype=np.float64))
    values = finite_column(values, values.size, "the predicted risk")
    upper = np.unique(np.quantile(values, np.arange(1, n_groups + 1) / n_groups))
    edges = np.concatenate(([-np.inf], upper))
    groups = (np.flatnonzero((values > low) & (values <= high)) for low, high in pairwise(edges))
    return tuple(rows for rows in groups if rows.size)


def calibration_curve(status: KnownStatus, risk: npt.ArrayLike, *, n_points: int = 60) -> CalibrationCurve:
    """Return observed against predicted risk as a smooth curve: a weighted logistic spline, errors by cluster.

    Parameters
    ----------
    status : KnownStatus
    risk : (n,) array_like
        Predicted risk of each row, between 0 and 1.
    n_points : int
        Points of the curve, from the first to the last percentile of the predictions.

    Returns
    -------
    CalibrationCurve

    Raises
    ------
    InputError
        Risks that are not between 0 and 1, or all alike.
    InfeasibleError
        The logistic model has no finite estimate.

    References
    ----------
    P. C. Austin, H. Putter, D. Giardiello, D. van Klaveren, Diagn Progn Res 2022;6:2, DOI 10.1186/s41512-021-00114-6.
    """
    predicted = finite_column(risk, status.event.size, "the predicted risk")
    if not ((predicted >= 0) & (predicted <= 1)).all() or not np.ptp(predicted) > 0:
        lowest, highest = float(predicted.min()), float(predicted.max())
        raise InputError("predicted risks must differ and lie between 0 and 1", got=f"{lowest:g} to {highest:g}")
    predicted = np.clip(predicted, _CERTAIN, 1.0 - _CERTAIN)
    odds = np.log(predicted / (1.0 - predicted))
    spline = restricted_spline(odds, 3)
    coef, covariance = _weighted_logistic(status, np.column_stack((np.ones(odds.size), spline.basis(odds))))
    line, _ = _weighted_logistic(status, np.column_stack((np.ones(odds.size), odds)))
    first, last = np.quantile(odds, (0.01, 0.99))
    at = np.linspace(float(first), float(last), n_points)
    x = np.column_stack((np.ones(n_points), spline.basis(at)))
    middle, half = x @ coef, 1.959963984540054 * np.sqrt(np.einsum("ij,jk,ik->i", x, covariance, x))
    return CalibrationCurve(
        predicted=_expit(at),
        observed=_expit(middle),
        lower=_expit(middle - half),
        upper=_expit(middle + half),
        intercept=float(line[0]),
        slope=float(line[1]),
    )


def _expit(x: FloatArray) -> FloatArray:
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def _weighted_logistic(status: KnownStatus, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Coefficients of a weighted logistic model and their sandwich by cluster; the weights count as known."""
    coef = np.zeros(x.shape[1])
    for _ in range(50):
        p = _expit(x @ coef)
        score = (status.weight * (status.event - p))[:, None] * x
        information = (x * (status.weight * p * (1.0 - p))[:, None]).T @ x
        if not np.linalg.cond(information) < 1e14:
            break
        step = np.linalg.solve(information, score.sum(axis=0))
        coef = coef + step / max(1.0, float(np.abs(step).max()) / 5.0)
        if np.abs(step).max() < 1e-10:
            summed = score if status.cluster is None else status.cluster.sum(score)
            bread = np.linalg.inv(information)
            return coef, bread @ (summed.T @ summed) @ bread
    raise InfeasibleError(
        "the calibration curve has no finite estimate",
        got=f"{int(status.event.sum())} with the event by {status.at:g}, "
        f"{int(((status.weight > 0) & (status.event == 0)).sum())} known to be without it",
        remedy="There are too few rows with the event for a curve, or too few without it.",
    )
