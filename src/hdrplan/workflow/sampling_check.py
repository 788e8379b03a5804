"""How sure the doses of a plan are: the same questions at points that the optimiser never saw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from scipy.spatial import cKDTree

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.dose import MAX_POINTS, DoseFactor, SamplePoints, Shape, dose_at_points, hot_doses, sample_points
from hdrplan.geometry import Structure
from hdrplan.optimize import EveryPoint
from hdrplan.plan import Plan
from hdrplan.threads import over_each
from hdrplan.workflow.score import Score, StructureScore, TargetScore

__all__ = ["check_sampling", "not_proven", "volume_fracs"]

# Spacing of the points that check D100, over the spacing planned on: no multiple, so that few points coincide.
_OTHER_SPACING = 0.8
_HOT_CC = np.array([0.1, 1.0, 2.0])
# From so many stops on, the doses in one large organ are most of the work, and all threads share them.
_MANY_STOPS = 200

_Doses = Callable[[FloatArray], FloatArray]
_DosesOf = Callable[[str, FloatArray], FloatArray]


def check_sampling(
    score: Score,
    points: SamplePoints,
    ctvs: Sequence[Structure],
    plan: Plan,
    *,
    spacing_mm: float,
    factor: DoseFactor | None = None,
) -> Score:
    """Ask for D100 and the organs' hottest volumes again, elsewhere, and note the differences.

    An optimum touches the prescription at many of its own points: leaving half of them out changes nothing, other
    points lie colder. Where D100 is proven at every point, nothing is left to ask. Organs are asked for their hottest
    volumes in cubes that become smaller until their own error is small (:mod:`hdrplan.dose.hottest`); it is added to
    the difference.

    Parameters
    ----------
    score : Score
    points : SamplePoints
        At which ``score`` was found.
    ctvs : sequence of Structure
        Whose D100 is asked for at other points.
    plan : Plan
    spacing_mm : float
        Spacing of ``points``.
    factor : DoseFactor, optional
        What TG-43's dose is multiplied by.

    Returns
    -------
    Score
        With ``d100_other_points_gy`` of the CTVs given and every ``sampling_gy``; as given where no dwell has a time.
    """
    used = plan.times_s > 0
    if not used.any():
        return score

    def dose_gy(name: str, at_mm: FloatArray) -> FloatArray:
        gy = dose_at_points(plan.dwells, plan.exposure_s, at_mm, plan.source, strength_u=plan.strength_u).gy
        return gy if factor is None else gy * factor.at(name, at_mm)

    dwells = cKDTree(plan.dwells.positions_mm[used])

    def away_mm(at_mm: FloatArray) -> FloatArray:
        return np.asarray(dwells.query(at_mm)[0])

    shapes = dict(zip(points.names, points.shapes, strict=True))
    coldest_gy, organs = dict[str, float](), dict[str, StructureScore]()

    def at_other_points() -> None:
        coldest_gy.update(_coldest_gy(ctvs, shapes, _OTHER_SPACING * spacing_mm, dose_gy))

    def check(s: StructureScore) -> None:
        organs[s.name] = _organ(s, shapes[s.name], partial(dose_gy, s.name), away_mm)

    # The CTVs are one piece of work beside the organs: before them, they left one of two processors idle.
    work: list[Callable[[], None]] = [
        at_other_points,
        *(partial(check, s) for s in score.structures if not isinstance(s, TargetScore)),
    ]
    if used.sum() >= _MANY_STOPS:
        for piece in work:
            piece()
    else:
        over_each(lambda piece: piece(), work)
    checked = (
        _target(s, coldest_gy.get(s.name)) if isinstance(s, TargetScore) else organs[s.name] for s in score.structures
    )
    return replace(score, structures=tuple(checked))


def not_proven(ctvs: Sequence[Structure], proofs: Sequence[EveryPoint]) -> list[Structure]:
    """Return the CTVs whose minimum dose is not proven: those worth a look at other points."""
    proven = {proof.structure for proof in proofs if proof.finished}
    return [ctv for ctv in ctvs if ctv.name not in proven]


def volume_fracs(points: SamplePoints, chosen: BoolArray) -> dict[str, float]:
    """Return the part of each structure's volume whose points are chosen.

    Parameters
    ----------
    points : SamplePoints
    chosen : (n_points,) bool array
    """
    volumes = {name: points.volume_cc[points.rows(name)] for name in points.names}
    return {name: float(cc[chosen[points.rows(name)]].sum() / cc.sum()) for name, cc in volumes.items()}


def _coldest_gy(
    ctvs: Sequence[Structure], shapes: Mapping[str, Shape], spacing_mm: float, dose_gy: _DosesOf
) -> dict[str, float]:
    """D100 of each CTV at points of another spacing."""
    if not ctvs:
        return {}
    others = sample_points(ctvs, spacing_mm=spacing_mm, max_points=2 * MAX_POINTS, shapes=shapes)
    return {name: float(dose_gy(name, others.points_mm[others.rows(name)]).min()) for name in others.names}


def _target(score: TargetScore, other_gy: float | None) -> TargetScore:
    if other_gy is None:
        return score
    return replace(score, d100_other_points_gy=other_gy, d100_sampling_gy=abs(score.d100_gy - other_gy))


def _organ(score: StructureScore, shape: Shape, dose_gy: _Doses, away_mm: _Doses) -> StructureScore:
    hot = hot_doses(shape, _HOT_CC, dose_gy, away_mm)
    sampling_gy = [
        float(abs(own_gy - gy) + error_gy) if np.isfinite(gy) and np.isfinite(own_gy) else None
        for own_gy, gy, error_gy in zip(
            (score.d0_1cc_gy, score.d1cc_gy, score.d2cc_gy), hot.dose_gy, hot.error_gy, strict=True
        )
    ]
    return replace(
        score, d0_1cc_sampling_gy=sampling_gy[0], d1cc_sampling_gy=sampling_gy[1], d2cc_sampling_gy=sampling_gy[2]
    )
