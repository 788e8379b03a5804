"""Patient space: grids, structures, catheters, dwells. LPS, mm; voxel arrays (z, y, x). Knows no dose, no files."""

from hdrplan.geometry.catheter import Catheter
from hdrplan.geometry.dwell import MARGIN_MM, STEP_MM, TIP_OFFSET_MM, Dwells, dwell_positions
from hdrplan.geometry.grid import Grid, Volume
from hdrplan.geometry.structure import ROLES, Role, Structure, distance_mm, inside, rim_mm, without

__all__ = [
    "MARGIN_MM",
    "ROLES",
    "STEP_MM",
    "TIP_OFFSET_MM",
    "Catheter",
    "Dwells",
    "Grid",
    "Role",
    "Structure",
    "Volume",
    "distance_mm",
    "dwell_positions",
    "inside",
    "rim_mm",
    "without",
]
