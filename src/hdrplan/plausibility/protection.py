"""Whether the organs that can be harmed are protected: at risk by their role, and with a limit."""

from __future__ import annotations

from collections.abc import Sequence

from scipy.spatial import cKDTree

from hdrplan.arrays import FloatArray
from hdrplan.cautions import Caution, caution
from hdrplan.geometry import Structure
from hdrplan.plan import Goals, anatomy_of, organ_of
from hdrplan.plausibility.sample import sampled_mm

__all__ = ["doubts_of_organs_without_role", "doubts_of_protection"]

# Within this of a CTV a hollow organ needs a limit (register, "hollow-organ-without-limit").
_NEAR_MM = 40.0
_TISSUES = ("bowel", "spinal cord", "heart", "gallbladder")
_KIDNEYS = ("right kidney", "left kidney", "kidneys")
_VOXELS = 20_000
# Of more than these the line would grow too long.
_NAMES = 4


def doubts_of_protection(goals: Goals, structures: Sequence[Structure], healthy: str | None) -> list[Caution]:
    """Say which organs a plan would harm without a word.

    Parameters
    ----------
    goals : Goals
    structures : sequence of Structure
        Those with a role in the case.
    healthy : str or None
        The organ around the CTVs; it has an objective of its own.
    """
    named = {goal.structure for goal in goals.goals}
    limited = {
        goal.structure for goal in goals.goals if goal.sense == "<=" and goal.metric.unit in ("Gy", "frac", "cc")
    }
    organs = [s for s in structures if s.role != "CTV" and s.name != healthy]
    doubts = [
        caution("organ-not-at-risk", name=s.name)
        for s in organs
        if s.role == "other" and s.name not in named and (_is_hollow(s.name) or _tissue(s.name) == "spinal cord")
    ]
    at_risk = [s.name for s in organs if s.role == "OAR" and _can_be_harmed(s.name)]
    if at_risk and not limited & {s.name for s in organs}:
        return [*doubts, caution("case-without-limits", names=_listed(at_risk))]
    ctvs_mm = _voxels_mm(structures)
    away_mm = [(s, _away_mm(s, ctvs_mm)) for s in organs if _is_hollow(s.name) and s.name not in limited]
    doubts += [_without_limit(s, mm) for s, mm in away_mm if mm <= _NEAR_MM]
    far = [s.name for s, mm in away_mm if mm > _NEAR_MM and s.role == "OAR"]
    if far:
        doubts.append(caution("hollow-organ-without-limit", name=_listed(far), because=", at risk by its role"))
    return doubts


def doubts_of_organs_without_role(structures: Sequence[Structure], ctvs: Sequence[Structure]) -> list[Caution]:
    """Say which hollow organs of the files lie near a CTV and have no role in the case.

    Parameters
    ----------
    structures : sequence of Structure
        Those without a role.
    ctvs : sequence of Structure
    """
    ctvs_mm = _voxels_mm(ctvs)
    away_mm = [(s, _away_mm(s, ctvs_mm)) for s in structures if _is_hollow(s.name)]
    return [_without_limit(s, mm, role=" and no role") for s, mm in away_mm if mm <= _NEAR_MM]


def _listed(names: Sequence[str]) -> str:
    return ", ".join([*names[:_NAMES], *(["..."] if names[_NAMES:] else [])])


def _without_limit(organ: Structure, away_mm: float, role: str = "") -> Caution:
    because = f"{role}, {away_mm:.0f} mm from a CTV"
    return caution("hollow-organ-without-limit", name=organ.name, because=because)


def _voxels_mm(structures: Sequence[Structure]) -> list[FloatArray]:
    return [sampled_mm(s, _VOXELS) for s in structures if s.role == "CTV"]


def _away_mm(organ: Structure, ctvs_mm: Sequence[FloatArray]) -> float:
    tree = cKDTree(sampled_mm(organ, _VOXELS))
    return min((float(tree.query(mm[:: max(1, len(mm) // 500)])[0].min()) for mm in ctvs_mm), default=float("inf"))


def _tissue(name: str) -> str:
    row = anatomy_of(name)
    return "" if row is None else row.tissue


def _is_hollow(name: str) -> bool:
    return _tissue(name) == "bowel"


def _can_be_harmed(name: str) -> bool:
    return _tissue(name) in _TISSUES or organ_of(name) in _KIDNEYS
