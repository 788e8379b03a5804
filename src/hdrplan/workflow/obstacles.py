"""Which structures a needle keeps away from, and how far, told from their names."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from hdrplan.errors import InputError
from hdrplan.geometry import thick_part
from hdrplan.plan import Case, Tissue, anatomy_of

__all__ = [
    "BONE_MM",
    "GROUPS",
    "LIVER_VESSEL_MM",
    "ORGAN_MM",
    "THICK_VESSEL_MM",
    "as_obstacles",
    "default_obstacles",
    "is_bone",
    "not_avoided",
    "refuse_missing_groups",
    "usual_margin_mm",
]

# Catheters lie where they were planned to 5 to 6 mm (Luedemann 2011, Radiat Oncol 6:107): less than 5 mm of margin
# keeps nothing free. A starting value, no clinical limit.
ORGAN_MM = 5.0
# Bone hurts the needle, not the patient: the radius of a 6 F sheath and a voxel.
BONE_MM = 3.0
# No needle in the liver passes all of its vessels: the thick ones are avoided by the sheath's radius and a voxel.
# Starting values, no clinical limits.
LIVER_VESSEL_MM = 3.0
THICK_VESSEL_MM = 5.0
# What a straight needle to the liver meets first; a placement without one of them must be asked for.
GROUPS: Mapping[str, tuple[Tissue, ...]] = {
    "ribs": ("bone",),
    "lungs": ("lung",),
    "bowel": ("bowel",),
    "vessels": ("great vessel", "liver vessel"),
}


def _tissue(name: str) -> Tissue:
    row = anatomy_of(name)
    return "other" if row is None else row.tissue


def is_bone(name: str) -> bool:
    """Whether a structure's name says that it is bone or cartilage."""
    return _tissue(name) == "bone"


def default_obstacles(case: Case, *, body: str = "body") -> dict[str, float]:
    """Return obstacle -> margin in mm for the structures whose names say what they are.

    The CTVs, the healthy organ, the body and structures of unknown names are no obstacles.
    """
    return {name: margin_mm for name in _others(case, body) if (margin_mm := usual_margin_mm(name))}


def usual_margin_mm(name: str) -> float:
    """Return the margin that needles keep to a structure of that name; 0 where it is no obstacle."""
    tissue = _tissue(name)
    return 0.0 if tissue == "other" else {"bone": BONE_MM, "liver vessel": LIVER_VESSEL_MM}.get(tissue, ORGAN_MM)


def not_avoided(case: Case, margins_mm: Collection[str], *, body: str = "body") -> tuple[str, ...]:
    """Return the structures that were read and that needles do not keep away from.

    Parameters
    ----------
    case : Case
    margins_mm : collection of str
        The obstacles.
    body : str
    """
    return tuple(name for name in _others(case, body) if name not in margins_mm)


def refuse_missing_groups(case: Case, *, without: Collection[str], body: str = "body") -> None:
    """Refuse a placement that cannot see ribs, lungs, bowel or vessels, unless it was asked for.

    Parameters
    ----------
    case : Case
    without : collection of str
        Of :data:`GROUPS`: these may be missing.
    body : str

    Raises
    ------
    InputError
        A group of which no structure was read, or one that is none.
    """
    unknown = [group for group in without if group not in GROUPS]
    if unknown:
        raise InputError(f"groups of obstacles are {', '.join(GROUPS)}", got=repr(unknown[0]))
    tissues = {_tissue(name) for name in _others(case, body)}
    missing = [group for group, members in GROUPS.items() if group not in without and not tissues & set(members)]
    if missing:
        raise InputError(
            f"paths can only keep away from what was segmented: no structure is named as {', '.join(missing)}",
            remedy=f"Segment them, or accept paths that may pass through them: `without={','.join(missing)}`.",
        )


def as_obstacles(case: Case, margins_mm: Mapping[str, float]) -> tuple[Case, dict[str, float]]:
    """Return the case and the margins that paths are measured by: of the liver's vessels only the thick parts.

    Parameters
    ----------
    case : Case
    margins_mm : mapping
        Obstacle -> margin; vessels of the liver without a thick part are none.
    """
    parts = {
        s.name: thick_part(s, THICK_VESSEL_MM)
        for s in case.structures
        if s.name in margins_mm and _tissue(s.name) == "liver vessel"
    }
    thick = {name: part for name, part in parts.items() if part is not None}
    kept = {name: margin_mm for name, margin_mm in margins_mm.items() if name in thick or name not in parts}
    return replace(case, structures=tuple(thick.get(s.name, s) for s in case.structures)), kept


def _others(case: Case, body: str) -> list[str]:
    return [s.name for s in case.structures if s.role != "CTV" and s.name not in (case.healthy, body)]
