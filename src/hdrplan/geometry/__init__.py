"""Patient space: grids, structures, catheters, dwells. LPS, mm; voxel arrays (z, y, x). Knows no dose, no files."""

from hdrplan.geometry.axes import axes_from_path, off_path_mm, path_error_deg, path_tip_first
from hdrplan.geometry.catheter import Catheter
from hdrplan.geometry.clearance import Clearance, clearance, mask_on
from hdrplan.geometry.contours import contours_of_structure, structure_of_contours
from hdrplan.geometry.dwell import MARGIN_MM, STEP_MM, TIP_OFFSET_MM, Dwells, dwell_positions
from hdrplan.geometry.grid import Grid, Volume
from hdrplan.geometry.implants import Tube, outwards, with_tubes
from hdrplan.geometry.lesion import LesionShape, ellipsoid, parallel_catheters, place_in, synthetic_lesion
from hdrplan.geometry.loops import end_to_end, loop_areas
from hdrplan.geometry.moved import moved_sums
from hdrplan.geometry.neighbour_axes import NeighbourAxes, axes_from_neighbours
from hdrplan.geometry.outline import Outline, OutlinePlanes, planes_of
from hdrplan.geometry.phantoms import PHANTOMS, Phantom, phantom, synthetic_case
from hdrplan.geometry.puncture import trajectories
from hdrplan.geometry.seen_skin import SkinView, skin_view
from hdrplan.geometry.structure import (
    ROLES,
    Role,
    Structure,
    around,
    box_of,
    cropped_structure,
    distance_mm,
    inside,
    on_grid,
    rim_mm,
    thick_part,
    without,
)
from hdrplan.geometry.targets import Margin, grown_lesion, joined, parts_of, smoothed, with_margin
from hdrplan.geometry.traced_errors import TracedErrors
from hdrplan.geometry.trajectory import (
    POSITIONS,
    Position,
    Reach,
    Trajectories,
    angle_deg,
    angle_to_deg,
    gap_to_mm,
    line_gap_mm,
    varied,
)
from hdrplan.geometry.transit import Transit, positions_reached

__all__ = [
    "MARGIN_MM",
    "PHANTOMS",
    "POSITIONS",
    "ROLES",
    "STEP_MM",
    "TIP_OFFSET_MM",
    "Catheter",
    "Clearance",
    "Dwells",
    "Grid",
    "LesionShape",
    "Margin",
    "NeighbourAxes",
    "Outline",
    "OutlinePlanes",
    "Phantom",
    "Position",
    "Reach",
    "Role",
    "SkinView",
    "Structure",
    "TracedErrors",
    "Trajectories",
    "Transit",
    "Tube",
    "Volume",
    "angle_deg",
    "angle_to_deg",
    "around",
    "axes_from_neighbours",
    "axes_from_path",
    "box_of",
    "clearance",
    "contours_of_structure",
    "cropped_structure",
    "distance_mm",
    "dwell_positions",
    "ellipsoid",
    "end_to_end",
    "gap_to_mm",
    "grown_lesion",
    "inside",
    "joined",
    "line_gap_mm",
    "loop_areas",
    "mask_on",
    "moved_sums",
    "off_path_mm",
    "on_grid",
    "outwards",
    "parallel_catheters",
    "parts_of",
    "path_error_deg",
    "path_tip_first",
    "phantom",
    "place_in",
    "planes_of",
    "positions_reached",
    "rim_mm",
    "skin_view",
    "smoothed",
    "structure_of_contours",
    "synthetic_case",
    "synthetic_lesion",
    "thick_part",
    "trajectories",
    "varied",
    "with_margin",
    "with_tubes",
    "without",
]
