"""Time-dependent area under the ROC curve, weighted for censoring, with its standard error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from hdrplan.arrays import BoolArray, FloatArray, freeze
from hdrplan.outcomes.columns import finite_column
from hdrplan.outcomes.competing import CompetingRisks
from hdrplan.outcomes.discrimination import censoring_survival
from hdrplan.outcomes.followup import FollowUp, refuse_late_entry

__all__ = ["RocArea", "auc_at"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class RocArea:
    """Areas under the ROC curve at some times.

    Parameters
    ----------
    times, auc, std_err : (m,) arrays
        NaN where there is no case or no control.
    """

    times: FloatArray
    auc: FloatArray
    std_err: FloatArray

    def __post_init__(self) -> None:
        for name in ("times", "auc", "std_err"):
            freeze(self, name, (None,), finite=False)

    def interval(self, conf_level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Return lower and upper limits, symmetric and kept within 0 and 1."""
        half = scipy.stats.norm.ppf(0.5 + conf_level / 2.0) * self.std_err
        return np.maximum(self.auc - half, 0.0), np.minimum(self.auc + half, 1.0)


def auc_at(rows: FollowUp | CompetingRisks, risk: npt.ArrayLike, at: npt.ArrayLike, *, of: object = 1) -> RocArea:
    """Return the area under the ROC curve of a risk score for having had the event by given times.

    Cases had the event by the time, controls are free of it after; those censored before are represented by the others
    through inverse-probability-of-censoring weights (cumulative cases, dynamic controls). The error is the
    infinitesimal jackknife, by cluster where there are clusters, and counts that the weights are estimated; that the
    score may be is not counted.

    Parameters
    ----------
    rows : FollowUp or CompetingRisks
        Without late entry. A competing event makes a control from then on.
    risk : (n,) array_like
        Higher means earlier failure expected.
    at : (m,) array_like
        Times.
    of : object
        The cause of interest among competing risks.

    Returns
    -------
    RocArea

    Raises
    ------
    InputError
        The cause never happens, late entry, or a score that is not one finite number a row.

    References
    ----------
    P. Blanche, J.-F. Dartigues, H. Jacqmin-Gadda, Stat Med 2013;32:5381-5397, DOI 10.1002/sim.5958.
    """
    if isinstance(rows, CompetingRisks):
        other: BoolArray = rows.rows.event & ~rows.had(of)
        rows = rows.rows
    else:
        other = np.zeros(rows.n, dtype=np.bool_)
    refuse_late_entry(rows, "an area under the ROC curve")
    score = finite_column(risk, rows.n, "risk")
    times = np.atleast_1d(np.asarray(at, dtype=np.float64))
    found = [_area(rows, score, other, float(t)) for t in times]
    return RocArea(times=times, auc=np.array([f[0] for f in found]), std_err=np.array([f[1] for f in found]))


def _area(rows: FollowUp, score: FloatArray, other: BoolArray, t: float) -> tuple[float, float]:
    done, open_ = rows.event & (rows.time <= t), rows.time > t
    g_own = censoring_survival(rows, rows.time, before=True)
    weight = np.where(done, 1.0 / np.where(g_own > 0, g_own, 1.0), 0.0)
    weight[open_] = 1.0 / max(float(censoring_survival(rows, [t])[0]), 1e-300)
    case, control = np.where(done & ~other, weight, 0.0), np.where(open_ | (done & other), weight, 0.0)
    total = case.sum() * control.sum()
    if not total > 0:
        return float("nan"), float("nan")
    below = _weight_below(score, control, score)
    beaten = _weight_below(-score, case, -score)
    area = float(case @ below / total)
    # Derivatives of the area by the weight of each case and of each control.
    by_case, by_control = (below / control.sum() - area) / case.sum(), (beaten / case.sum() - area) / control.sum()
    direct = case * by_case + control * by_control
    influence = direct + _through_weights(rows, direct, done, t)
    std_err = np.sqrt((rows.by_cluster(influence[:, None]) ** 2).sum())
    return area, float(std_err)


def _weight_below(values: FloatArray, weight: FloatArray, at: FloatArray) -> FloatArray:
    """Sum of the weights of values below each of ``at``, and half of those equal to it."""
    order = np.argsort(values, kind="stable")
    cumulated = np.concatenate(([0.0], np.cumsum(weight[order])))
    below = cumulated[np.searchsorted(values[order], at, side="left")]
    up_to = cumulated[np.searchsorted(values[order], at, side="right")]
    result: FloatArray = (below + up_to) / 2.0
    return result


def _through_weights(rows: FollowUp, direct: FloatArray, done: BoolArray, t: float) -> FloatArray:
    """How each row moves the area through the censoring curve G by which the others are weighted.

    A weight 1 / G(s) falls by the relative change of G(s); a row changes each factor of G at a censoring time u <= s at
    which it is at risk, and more where it is censored itself.
    """
    times, index = np.unique(rows.time, return_inverse=True)
    lost = np.bincount(index, weights=~rows.event, minlength=times.size)
    died = np.bincount(index, weights=rows.event, minlength=times.size)
    at_risk = np.cumsum((lost + died)[::-1])[::-1] - died
    # The sum of what hangs on each factor: cases after it, and everybody who is still open at t.
    own = np.bincount(index, weights=np.where(done, direct, 0.0), minlength=times.size)
    after = own.sum() - np.cumsum(own) + np.where(times <= t, direct[~done].sum(), 0.0)
    after = np.where(times <= t, after, 0.0)
    stay = at_risk - lost
    per_loss = np.where(stay > 0, after / np.where(stay > 0, stay, 1.0), 0.0)
    passed = np.cumsum(np.where(at_risk > 0, per_loss * lost / np.where(at_risk > 0, at_risk, 1.0), 0.0))
    # An event comes before the censorings of its time: its row is not at risk of them.
    until = np.where(rows.event, np.concatenate(([0.0], passed[:-1]))[index], passed[index])
    result: FloatArray = np.where(~rows.event, per_loss[index], 0.0) - until
    return result
