"""``python -m benchmarks.dvh_errors``: how often the errors that ``hdrplan.dvh`` states cover a known truth.

First solids in doses that rise evenly, then a lesion and its liver beside the sources of a plan, in dose grids of seven
kinds of voxels; there the truth is the dose of TG-43 at the points of each structure.
"""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import numpy as np

import hdrplan
from benchmarks.dvh import FRACTIONS
from benchmarks.dvh_solids import AXES, SOLIDS, write_dose, write_structures
from hdrplan.arrays import FloatArray
from hdrplan.dose import dose_at_points, dose_field, region_points
from hdrplan.geometry import Grid
from hdrplan.metrics import dvh, metric_value
from hdrplan.options import PlanOptions
from hdrplan.workflow import DVHOptions
from hdrplan.workflow.dvh_structure import structure_dvh

SLICES_MM = (0.2, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0)
OPTIONS = DVHOptions(metrics=("D99", "D95", "D50", "D5", "D1", "Dmean"))


CASE = Path(__file__).resolve().parents[1] / "phantoms" / "liver-lesion-b-5mm"
VOXELS_MM = ((1.0,) * 3, (1.0, 1.0, 3.0), (1.5, 1.5, 5.0), (2.0, 2.0, 2.5), (2.0, 2.0, 5.0), (2.5,) * 3, (3.0,) * 3)
# Where the first voxel lies, in voxels.
SHIFTS = ((0.1, 0.3, 0.2), (0.6, 0.9, 0.5))
HOT = DVHOptions(metrics=("D98", "D90", "D50", "D2", "D2cc", "D1cc", "D0.1cc", "Dmean"))
# Of a grid's dose, without --exact.
GRID_FRAC = 1e-3


def main() -> None:
    """Print each structure whose truth is missed, and the counts of all."""
    print("{} of {} covered, solids".format(*solids()))
    print("{} of {} covered, beside sources".format(*beside_sources()))


def beside_sources() -> tuple[int, int]:
    """Return how many metrics of a lesion and its liver are covered in grids of the dose of a plan, and of how many."""
    held = hdrplan.read_case(CASE)
    options = PlanOptions(every_point=False)
    plan = hdrplan.plan_case(held.case, held.goals, held.source, held.strength, options=options).plan
    covered, count = 0, 0
    for region in (s for s in held.case.structures if s.name in ("lesion_B", "liver")):
        parts = region_points(region, between=HOT.between, ends=HOT.ends, count=HOT.count, readings=False).parts
        places_mm = np.concatenate([part.at @ part.to_lps[:, :3].T + part.to_lps[:, 3] for part in parts])
        dose = dose_at_points(plan.dwells, plan.times_s, places_mm, plan.source, strength_u=plan.strength_u)
        truth = dvh(dose.gy, np.concatenate([part.volume_cc for part in parts]))
        wanted = {metric.text: metric_value(truth, metric.kind, metric.at) for metric in HOT.wanted()}
        for voxel_mm, shift in itertools.product(VOXELS_MM, SHIFTS):
            grid = around(places_mm, np.array(voxel_mm), np.array(shift))
            volume = dose_field(plan.dwells, plan.times_s, grid, plan.source, strength_u=plan.strength_u)
            missed = [
                f"{m.name} by {100 * (m.value / wanted[m.name] - 1):+.1f} %"
                for m in structure_dvh(region, volume, HOT).metrics
                if abs(m.value - wanted[m.name]) > m.error + GRID_FRAC * wanted[m.name]
            ]
            covered, count = covered + len(wanted) - len(missed), count + len(wanted)
            if missed:
                print(f"{region.name}, voxels of {voxel_mm} mm, shift {shift}: missed {', '.join(missed)}")
    return covered, count


def around(places_mm: FloatArray, voxel_mm: FloatArray, shift: FloatArray) -> Grid:
    """Return a grid that holds all places, its first voxel moved by a shift in voxels."""
    first_mm, last_mm = places_mm.min(axis=0) - 12.0, places_mm.max(axis=0) + 12.0
    x, y, z = (np.ceil((last_mm - first_mm) / voxel_mm).astype(int) + 1).tolist()
    return Grid(shape_zyx=(z, y, x), origin_mm=first_mm + shift * voxel_mm, spacing_mm=voxel_mm)


def solids() -> tuple[int, int]:
    """Return how many values of solids in doses that rise evenly are covered, and of how many."""
    covered, count = 0, 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for solid in SOLIDS.values():
            for slice_mm in SLICES_MM:
                drawn = write_structures(folder / "rs.dcm", {solid.name: solid.contours(slice_mm)})
                for along, axis in AXES.items():
                    dose = write_dose(folder / "rd.dcm", axis, 2.0 if slice_mm >= 2 else 1.0)
                    result = hdrplan.dvh(dose, drawn, OPTIONS)[solid.name]
                    truth = np.array([solid.volume_cc, *solid.dose_at_frac(axis, FRACTIONS), solid.mean_gy(axis)])
                    value = np.array([result.volume_cc, *(m.value for m in result.metrics)])
                    error = np.array([result.volume_error_cc, *(m.error for m in result.metrics)])
                    off = np.abs(value - truth)
                    held = off <= error + 1e-9
                    covered, count = covered + int(held.sum()), count + len(held)
                    if not held.all():
                        missed = 100 * (off / truth)[~held].max()
                        print(f"{solid.name}, slices of {slice_mm:g} mm, {along}: missed by up to {missed:.2f} %")
    return covered, count


if __name__ == "__main__":
    main()
