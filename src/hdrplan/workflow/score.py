"""What a plan amounts to: metrics of every structure, and the goals reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from hdrplan.brief import brief_repr
from hdrplan.dose import SamplePoints
from hdrplan.errors import InputError, among
from hdrplan.geometry import Volume
from hdrplan.metrics import DVH, d100_sampling, metric_value, organ_metrics, target_metrics
from hdrplan.optimize import EveryPoint
from hdrplan.plan import Goal, Goals
from hdrplan.workflow.conformity_index import Conformity, conformity
from hdrplan.workflow.curves import curves_of

__all__ = ["GoalResult", "Score", "StructureScore", "TargetScore", "evaluate", "with_proven_d100"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureScore:
    """Doses of one structure; fractions are 0 to 1.

    Parameters
    ----------
    name, role : str
    volume_cc : float
    d0_1cc_gy, d1cc_gy, d2cc_gy : float
        Dose that the hottest 0.1, 1 and 2 cc receive at least; NaN where the structure is smaller.
    max_gy, mean_gy, min_gy : float
    v5gy_cc, v5gy_frac, v10gy_cc, v10gy_frac : float
        Volume that receives at least 5 and 10 Gy.
    d0_1cc_sampling_gy, d1cc_sampling_gy, d2cc_sampling_gy : float or None
        How far these doses of an organ may be off, by :func:`hdrplan.workflow.check_sampling`; None where not checked.
    """

    name: str
    role: str
    volume_cc: float
    d0_1cc_gy: float
    d1cc_gy: float
    d2cc_gy: float
    max_gy: float
    mean_gy: float
    min_gy: float
    v5gy_cc: float
    v5gy_frac: float
    v10gy_cc: float
    v10gy_frac: float
    d0_1cc_sampling_gy: float | None = None
    d1cc_sampling_gy: float | None = None
    d2cc_sampling_gy: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetScore(StructureScore):
    """Doses of one CTV.

    Parameters
    ----------
    prescription_gy : float
    d100_gy, d99_gy, d98_gy, d95_gy, d90_gy, d50_gy, d2_gy : float
        Dose that this percentage of the volume receives at least; D100 on the surface too, and the least that is proven
        at every point where there is such a proof.
    v100_frac, v150_frac, v200_frac : float
        Volume that receives at least this percentage of the prescription.
    dhi : float
        Dose homogeneity index.
    d100_inside_gy : float
        D100 of the points inside only, as voxel centres would say.
    d100_sampling_gy : float or None
        How far D100 may be off: what half the points change, or after
        :func:`hdrplan.workflow.check_sampling` what other points say. None where D100 is proven.
    d100_other_points_gy : float or None
        D100 at points that the optimiser never saw; None where not checked.
    conformity : Conformity or None
        None where no dose on a grid is known.
    d100_lower_gy, d100_upper_gy : float or None
        Proven: the least dose at any point of the CTV lies between these; None without such a proof.
    """

    prescription_gy: float
    d100_gy: float
    d99_gy: float
    d98_gy: float
    d95_gy: float
    d90_gy: float
    d50_gy: float
    d2_gy: float
    v100_frac: float
    v150_frac: float
    v200_frac: float
    dhi: float
    d100_inside_gy: float
    d100_sampling_gy: float | None
    d100_other_points_gy: float | None = None
    conformity: Conformity | None = None
    d100_lower_gy: float | None = None
    d100_upper_gy: float | None = None


@dataclass(frozen=True, slots=True)
class GoalResult:
    """One prescription or goal, and what the plan reaches.

    Parameters
    ----------
    goal : Goal
    reached : float
        In the unit of the goal's metric; NaN where it is not known.
    met : bool
    """

    goal: Goal
    reached: float
    met: bool


@dataclass(frozen=True, slots=True)
class Score:
    """Metrics of every structure, and every goal with what was reached.

    Parameters
    ----------
    structures : tuple of StructureScore
        CTVs are :class:`TargetScore`.
    goals : tuple of GoalResult
        Prescriptions first.

    Examples
    --------
    ``score.target("lesion_B").d100_gy``, ``score.structure("stomach").d1cc_gy``.
    """

    structures: tuple[StructureScore, ...]
    goals: tuple[GoalResult, ...]

    __repr__ = brief_repr

    @property
    def targets(self) -> tuple[TargetScore, ...]:
        """The CTVs."""
        return tuple(s for s in self.structures if isinstance(s, TargetScore))

    def structure(self, name: str) -> StructureScore:
        """Return the score of a structure; InputError lists the names there are."""
        return _named(self.structures, name)

    def target(self, name: str) -> TargetScore:
        """Return the score of a CTV; InputError lists the CTVs there are."""
        return _named(self.targets, name)


S = TypeVar("S", bound=StructureScore)


def _named(scores: Sequence[S], name: str) -> S:
    for score in scores:
        if score.name == name:
            return score
    raise InputError(f"no score is named {name!r}", remedy=among(name, (s.name for s in scores)))


def evaluate(
    dose_gy: npt.ArrayLike,
    points: SamplePoints,
    goals: Goals,
    *,
    dose: Volume | None = None,
    total_time_s: float = float("nan"),
    curves: Mapping[str, DVH] | None = None,
) -> Score:
    """Metrics of every structure and the goals reached, from the doses at the sample points.

    Parameters
    ----------
    dose_gy : (n_points,) array
    points : SamplePoints
    goals : Goals
    dose : Volume, optional
        Gy on a grid: the conformity indices need the volume inside the prescription isodose in all tissue.
    total_time_s : float
        For goals on the plan's time.
    curves : mapping, optional
        What :func:`hdrplan.workflow.curves_of` returns of these doses, where it is known.

    Returns
    -------
    Score
        How sure D100 is follows from these points alone; :func:`hdrplan.workflow.check_sampling` asks at others.

    Raises
    ------
    InputError
        A CTV without prescription, a goal on a structure without points.
    """
    doses = np.asarray(dose_gy, dtype=np.float64)
    if curves is None:
        curves = curves_of(doses, points)
    roles = dict(zip(points.names, points.roles, strict=True))
    ctvs = [curve for name, curve in curves.items() if roles[name] == "CTV"]
    structures: list[StructureScore] = []
    for name, curve in curves.items():
        volume_cc = curve.volume_cc
        if roles[name] != "CTV":
            structures.append(StructureScore(name=name, role=roles[name], volume_cc=volume_cc, **organ_metrics(curve)))
            continue
        prescribed_gy = goals.prescription_gy(name)
        sampling = d100_sampling(doses[points.rows(name)], points.volume_cc[points.rows(name)])
        structures.append(
            TargetScore(
                name=name,
                role=roles[name],
                volume_cc=volume_cc,
                prescription_gy=prescribed_gy,
                d100_inside_gy=sampling.inside_gy,
                d100_sampling_gy=sampling.sensitivity_gy,
                conformity=None if dose is None else conformity(ctvs, prescribed_gy, dose),
                **(organ_metrics(curve) | target_metrics(curve, prescribed_gy)),
            )
        )
    indices = {s.name: s.conformity for s in structures if isinstance(s, TargetScore)}
    asked = (*(prescription.goal for prescription in goals.prescriptions), *goals.goals)
    reached = [_reached(goal, curves, goals, indices, total_time_s) for goal in asked]
    return Score(
        tuple(structures),
        tuple(GoalResult(goal, value, _is_met(goal, value)) for goal, value in zip(asked, reached, strict=True)),
    )


def with_proven_d100(score: Score, proofs: Sequence[EveryPoint]) -> Score:
    """Put what is proven at every point of a CTV in the place of what sample points say of its D100.

    Parameters
    ----------
    score : Score
        Of the times that the proofs are about.
    proofs : sequence of EveryPoint
        A proof that was not finished gives its interval; D100 stays that of the points.

    Returns
    -------
    Score
        Goals on D100 are judged by what is proven.
    """
    minima = {proof.structure: proof for proof in proofs}
    structures = tuple(
        _proven(s, minima[s.name]) if isinstance(s, TargetScore) and s.name in minima else s for s in score.structures
    )
    d100_gy = {s.name: s.d100_gy for s in structures if isinstance(s, TargetScore) and s.d100_lower_gy is not None}
    judged = tuple(
        replace(g, reached=d100_gy[g.goal.structure], met=_is_met(g.goal, d100_gy[g.goal.structure]))
        if g.goal.metric.text == "D100" and g.goal.structure in d100_gy
        else g
        for g in score.goals
    )
    return Score(structures, judged)


def _proven(score: TargetScore, proof: EveryPoint) -> TargetScore:
    upper_gy = min(score.d100_gy, proof.upper_gy, score.d100_other_points_gy or np.inf)
    return replace(
        score,
        d100_gy=proof.minimum_gy if proof.finished else upper_gy,
        d100_lower_gy=proof.minimum_gy,
        d100_upper_gy=upper_gy,
        # What is proven is not sampled: a plan has no second set of points then, and its evaluation tells none.
        d100_other_points_gy=None if proof.finished else score.d100_other_points_gy,
        d100_sampling_gy=None,
    )


def _reached(
    goal: Goal, curves: Mapping[str, DVH], goals: Goals, indices: dict[str, Conformity | None], total_time_s: float
) -> float:
    """Value of a goal's metric, in the metric's unit."""
    metric = goal.metric
    if metric.kind == "total_time":
        return total_time_s
    if metric.kind == "conformity":
        # Without a dose on a grid the isodose's volume is not known.
        known = indices.get(goal.structure)
        return np.nan if known is None else known.index(metric.text)
    prescribed_gy = goals.doses_gy.get(goal.structure)
    return metric_value(curves[goal.structure], metric.kind, metric.at, unit=metric.unit, prescription_gy=prescribed_gy)


def _is_met(goal: Goal, reached: float) -> bool:
    # A millionth of the limit: the tolerance that the certificate states for every row.
    slack = 1e-6 * abs(goal.value)
    return reached >= goal.value - slack if goal.sense == ">=" else reached <= goal.value + slack
