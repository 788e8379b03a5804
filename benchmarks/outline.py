"""How far the outline that a report draws lies inside the isodose that it draws.

    python -m benchmarks.outline [CASE PLAN]

Points along the outline of each CTV, on planes 1 mm apart in three directions: the drawn dose there, and how far the
point lies outside the line of the prescription. Once for the shape that doses are judged on, once for the mask.
"""

from __future__ import annotations

import sys
from pathlib import Path

import contourpy
import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.geometry import Volume
from hdrplan.io import read_case, read_plan
from hdrplan.report import report_data
from hdrplan.report.planes import VIEWS, outline_field
from hdrplan.workflow import plan_result


def outline_points(field: Volume, level: float) -> FloatArray:
    """Return points along the level line of a field on planes 1 mm apart, (n, 3)."""
    corners = field.grid.world(np.array([[0, 0, 0], np.subtract(field.grid.shape_zyx[::-1], 1)]))
    low, high = corners.min(axis=0), corners.max(axis=0)
    step = float(field.grid.spacing_mm.min()) / 4
    points = []
    for view in VIEWS.values():
        across, down = (np.arange(low[k], high[k], step) for k in (view.across, view.down))
        for at in np.arange(low[view.normal], high[view.normal], 1.0):
            plane = np.empty((len(down), len(across), 3))
            plane[..., view.across], plane[..., view.down], plane[..., view.normal] = across, down[:, None], at
            values = np.nan_to_num(field.at(plane), nan=-1.0)
            for line in contourpy.contour_generator(across, down, values).lines(level):
                own = np.full((len(line), 3), at)
                own[:, view.across], own[:, view.down] = np.asarray(line).T
                points.append(own)
    return np.concatenate(points)


def outside_mm(dose: Volume, points_mm: FloatArray, level_gy: float) -> tuple[FloatArray, FloatArray]:
    """Return the dose at points, and how far each lies outside the isodose of a level, to first order."""
    gy, reach = np.asarray(dose.at(points_mm)), 0.25
    slope = [(dose.at(points_mm + reach * a) - dose.at(points_mm - reach * a)) / (2 * reach) for a in np.eye(3)]
    return gy, (level_gy - gy) / np.linalg.norm(slope, axis=0)


def main() -> None:
    """Print one line for the shape and one for the mask of each CTV."""
    case, plan = (Path(p) for p in (*sys.argv[1:3], "phantoms/liver-lesion-b", "demo-output")[:2])
    loaded = read_case(case)
    result = plan_result(loaded.case, loaded.goals, read_plan(plan))
    view = report_data(result, {})
    for prescription in view.prescriptions:
        structure = next(s for s in view.structures if s.name == prescription.structure)
        for name, shapes in (("as judged", view.shapes), ("mask", {})):
            points = outline_points(*outline_field(structure, shapes))
            gy, out_mm = outside_mm(view.dose, points, prescription.dose_gy)
            beyond = gy < prescription.dose_gy
            print(
                f"{structure.name}, {name}: {len(points):,} points, lowest dose {gy.min():.2f} Gy, "
                f"{100 * beyond.mean():.1f} % outside {prescription.dose_gy:g} Gy, "
                f"by up to {max(float(out_mm.max()), 0.0):.2f} mm"
            )


if __name__ == "__main__":
    main()
