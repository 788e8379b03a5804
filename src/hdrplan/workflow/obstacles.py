"""Which structures a needle keeps away from, and how far, told from their names."""

from __future__ import annotations

import re

from hdrplan.plan import Case

__all__ = ["BONE_MM", "ORGAN_MM", "default_obstacles", "is_bone"]

# Catheters lie where they were planned to 5 to 6 mm (Luedemann 2011, Radiat Oncol 6:107): less than 5 mm of margin
# keeps nothing free. A starting value, no clinical limit.
ORGAN_MM = 5.0
# Bone hurts the needle, not the patient: the radius of a 6 F sheath and a voxel.
BONE_MM = 3.0
_BONES = re.compile(r"rib|vertebra|cartilage|sternum|scapula|hip|sacrum|humer|femur|clavicul", re.IGNORECASE)
_ORGANS = re.compile(
    r"lung|colon|bowel|stomach|duoden|esophag|oesophag|kidney|gall|bile|heart|aorta|cava|portal|vein|arter|spinal|cord"
    r"|spleen|pancrea|bladder|intestin",
    re.IGNORECASE,
)


def is_bone(name: str) -> bool:
    """Whether a structure's name says that it is bone or cartilage."""
    return bool(_BONES.search(name))


def default_obstacles(case: Case, *, body: str = "body") -> dict[str, float]:
    """Return obstacle -> margin in mm for the structures whose names say what they are.

    The CTVs, the healthy organ, the body and structures of unknown names are no obstacles.
    """
    names = [s.name for s in case.structures if s.role != "CTV" and s.name not in (case.healthy, body)]
    return {name: BONE_MM if is_bone(name) else ORGAN_MM for name in names if is_bone(name) or _ORGANS.search(name)}
