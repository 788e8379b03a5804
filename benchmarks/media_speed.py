"""Speed of model-based dose on this machine as it is: ``python -m benchmarks.media_speed``."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from benchmarks.rows import point_task
from hdrplan.geometry import Dwells, Grid
from hdrplan.materials import MediaMap, media, photon_data, voxel_codes
from hdrplan.transport import Voxels, isotropic_ir192, primary_kerma, scatter


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


if __name__ == "__main__":
    for line in speed(1_000_000):
        print(line, flush=True)
