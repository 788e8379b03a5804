"""Speed of model-based dose on this machine as it is: ``python -m benchmarks.media_speed [--demo]``.

Photons and primary points in a CPU second; with ``--demo`` the dose of the demo's plan, from the case to figures and
grids, until every structure is known at its points above 1 Gy, and above 0.4 Gy.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from unittest.mock import patch

import numpy as np

from benchmarks.rows import point_task
from hdrplan.geometry import Dwells, Grid
from hdrplan.io import read_anatomy, read_case
from hdrplan.materials import MediaMap, media, photon_data, voxel_codes
from hdrplan.options import PlanOptions
from hdrplan.transport import Voxels, isotropic_ir192, primary_kerma, scatter
from hdrplan.workflow import ModelOptions, model_dose, plan_case

CASE = Path(__file__).resolve().parents[1] / "phantoms" / "liver-lesion-b"


def speed(histories: int) -> Iterator[str]:
    """Yield histories and primary points per CPU second in a trunk of liver with a layer of bone, on this machine."""
    data = photon_data()
    grid = Grid(shape_zyx=(100, 100, 100), origin_mm=np.full(3, -148.5), spacing_mm=np.full(3, 3.0))
    medium, density = np.full(grid.shape_zyx, data.number("liver")), np.full(grid.shape_zyx, 1.05)
    medium[:, :10], density[:, :10] = data.number("cortical_bone"), 1.6
    scored = Grid(shape_zyx=(50, 50, 50), origin_mm=np.full(3, -147.0), spacing_mm=np.full(3, 6.0))
    task = point_task(Voxels(grid=grid, codes_zyx=voxel_codes(medium, density, data), photons=data), scored, seed=1)
    scatter(task, 100)
    begin = time.process_time()
    scatter(task, histories)
    yield f"{histories / (time.process_time() - begin):.0f} histories per CPU second"
    names = tuple(media())
    numbers = np.where(medium == data.number("liver"), names.index("liver"), names.index("cortical_bone"))
    patient = MediaMap(
        grid=grid,
        medium_zyx=numbers.astype(np.uint8),
        density_g_per_cc_zyx=density.astype(np.float32),
        names=names,
        rules="trunk",
    )
    rng = np.random.default_rng(1)
    dwells = Dwells(
        positions_mm=rng.uniform(-25.0, 25.0, (30, 3)),
        axes=np.tile([0.0, 0.0, 1.0], (30, 1)),
        catheter=np.zeros(30, dtype=np.int64),
        offset_mm=np.arange(30.0),
        catheter_names=("all",),
    )
    # Every voxel is a point: in all directions and to the far corners.
    points = grid.points_mm()
    primary_kerma(points[:100], patient, dwells, np.ones(30), isotropic_ir192(data))
    begin = time.process_time()
    primary_kerma(points, patient, dwells, np.ones(30), isotropic_ir192(data))
    yield f"{time.process_time() - begin:.1f} CPU seconds for the primary of {len(points):,} points and 30 dwells"


def demo(uncertainty_pct: float) -> Iterator[str]:
    """Yield what the dose of the demo's plan takes, by where points begin to count."""
    held, labels = read_case(CASE), read_anatomy(CASE)[1]
    case, goals = held.case, held.goals
    options = PlanOptions(every_point=False, sample_mm=2.0)
    plan = plan_case(case, goals, held.source, held.strength, options=options).plan
    asked = ModelOptions(uncertainty_frac=uncertainty_pct / 100.0)
    setting = import_module("hdrplan.workflow.model_setting")
    for frac in (0.05, 0.02):
        begin, cpu = time.perf_counter(), time.process_time()
        with patch.object(setting, "_COUNTED_FRAC", frac):
            found = model_dose(case, labels, goals, plan, asked)
        wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
        target = next(s.uncertainty_frac for s in found.structures if s.role == "CTV")
        yield (
            f"at most {100 * found.reached_frac:.2f} % above {found.counted_gy:g} Gy, {100 * target:.2f} % in the CTV: "
            f"{wall:.1f} s, {cpu:.1f} CPU s, {found.histories:,} photons in the patient"
        )


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo", action="store_true", help="the dose of the demo's plan instead")
    parser.add_argument("--uncertainty", type=float, default=1.0, help="of the demo, percent")
    asked = parser.parse_args()
    for line in demo(asked.uncertainty) if asked.demo else speed(1_000_000):
        print(line, flush=True)


if __name__ == "__main__":
    main()
