"""Patient space: grids, structures, catheters, dwells. LPS, mm; voxel arrays (z, y, x). Knows no dose, no files."""

from hdrplan.geometry.catheter import Catheter
from hdrplan.geometry.dwell import Dwells
from hdrplan.geometry.grid import Grid, Volume
from hdrplan.geometry.structure import ROLES, Role, Structure

__all__ = ["ROLES", "Catheter", "Dwells", "Grid", "Role", "Structure", "Volume"]
