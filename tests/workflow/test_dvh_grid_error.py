"""What a dose grid may have lost beside sources, where linear interpolation is not off by the square of the voxel."""

from __future__ import annotations

import itertools

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.dose import region_points
from hdrplan.geometry import Grid, Structure, Volume
from hdrplan.metrics import dvh
from hdrplan.workflow import DVHOptions
from hdrplan.workflow.dvh_structure import structure_dvh

OPTIONS = DVHOptions(metrics=("D50", "D2cc", "D1cc", "D0.1cc"))
# Dwells 5 mm apart, as inverse squares.
SOURCES_MM = np.array([[0.3, -0.4, z] for z in (-7.1, -2.1, 2.9)])


def dose_gy(points_mm: FloatArray) -> FloatArray:
    away_mm = points_mm[:, None] - SOURCES_MM
    return (100.0 / ((away_mm**2).sum(axis=2) + 0.2)).sum(axis=1)


VOXELS_MM = ((1.0, 1.0, 1.0), (1.0, 1.0, 3.0), (1.5, 1.5, 5.0), (2.0, 2.0, 2.5), (2.0, 2.0, 5.0), (2.5,) * 3)
SHIFTS = (0.1, 0.3, 0.5, 0.8)


def test_errors_beside_sources_cover_nineteen_of_twenty_metrics() -> None:
    mask = Grid(shape_zyx=(41,) * 3, origin_mm=np.full(3, -20.0), spacing_mm=np.ones(3))
    z, y, x = np.indices(mask.shape_zyx) - 20.0
    ball = Structure(name="ball", role="CTV", grid=mask, mask_zyx=x**2 + y**2 + z**2 <= 12.0**2)
    parts = region_points(ball, between=OPTIONS.between, ends=OPTIONS.ends, count=OPTIONS.count, readings=False).parts
    places_mm = np.concatenate([part.at @ part.to_lps[:, :3].T + part.to_lps[:, 3] for part in parts])
    truth = dvh(dose_gy(places_mm), np.concatenate([part.volume_cc for part in parts]))
    wanted = {"D50": truth.dose_at_frac(0.5)} | {f"D{cc:g}cc": truth.dose_at_cc(cc) for cc in (2.0, 1.0, 0.1)}
    covered = [
        abs(metric.value - wanted[metric.name]) <= metric.error
        for voxel_mm, shift in itertools.product(VOXELS_MM, SHIFTS)
        for metric in structure_dvh(ball, in_voxels(np.array(voxel_mm), shift), OPTIONS).metrics
    ]
    assert np.mean(covered) >= 0.95


def in_voxels(step_mm: FloatArray, shift: float) -> Volume:
    """The dose at the voxels of a grid whose first is moved by a part of a voxel."""
    x, y, z = (np.ceil(50.0 / step_mm).astype(int) + 1).tolist()
    grid = Grid(shape_zyx=(z, y, x), origin_mm=shift * step_mm - 25.0, spacing_mm=step_mm)
    places = np.indices(grid.shape_zyx).reshape(3, -1).T[:, ::-1]
    return Volume(grid, dose_gy(grid.world(places.astype(float))).reshape(grid.shape_zyx))
