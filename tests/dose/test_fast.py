"""The fast ways (float32 tables, blocks of voxels) against the float64 reference, for every packaged source."""

from __future__ import annotations

import numpy as np
import pytest
from dose_cases import hard_points, invented_source, oblique_grid, one_dwell, some_dwells

from hdrplan.dose import dose_at_points, dose_by_tables, dose_field, dose_rate
from hdrplan.geometry import Dwells, Grid
from hdrplan.sources import TG43Source, load_source, source_names
from tolerances import BLOCKS, TABLE, TABLE_NEAR

STRENGTH_U = 40700.0


@pytest.mark.parametrize("name", source_names())
def test_tables_are_the_formula(name: str) -> None:
    """Near the axis, behind the cable, inside the capsule, beyond the table, and anywhere to 250 mm."""
    source = load_source(name)
    points = np.concatenate([hard_points(n=200, seed=seed) for seed in range(4)])
    r_mm = np.linalg.norm(points, axis=1)
    points, r_mm = points[r_mm <= 250.0], r_mm[r_mm <= 250.0]
    exact = dose_rate(one_dwell(), points, source, strength_u=STRENGTH_U).gy_per_s[:, 0]
    table = dose_rate(one_dwell(), points, source, strength_u=STRENGTH_U, exact=False).gy_per_s[:, 0]
    deviation = np.abs(table / exact - 1.0)
    assert deviation[r_mm >= 2.0].max() <= TABLE
    assert deviation[r_mm < 2.0].max() <= TABLE_NEAR


def test_sum_by_tables_is_the_formula() -> None:
    source, dwells = invented_source(), some_dwells()
    points = np.random.default_rng(3).uniform(-60.0, 60.0, (700, 3))
    points = points[outside_capsules(dwells, points, source, 2.0)]
    times_s = np.where(np.arange(len(dwells)) % 3, 7.0, 0.0)
    exact = dose_at_points(dwells, times_s, points, source, strength_u=STRENGTH_U).gy
    table = dose_by_tables(dwells, times_s, points, source, strength_u=STRENGTH_U)
    np.testing.assert_allclose(table, exact, rtol=TABLE)


def test_tables_judge_extrapolation_by_radius() -> None:
    points = [[0.4, 0.0, 0.0], [1.9, 0.0, 0.0], [2.1, 0.0, 0.0], [99.0, 0.0, 0.0], [101.0, 0.0, 0.0]]
    rate = dose_rate(one_dwell(), points, invented_source(), strength_u=1.0, exact=False)
    assert rate.extrapolated.tolist() == [True, True, False, False, True]


def outside_capsules(dwells: Dwells, points: np.ndarray, source: TG43Source, margin_mm: float) -> np.ndarray:
    """Points farther than ``margin_mm`` from every capsule."""
    out = np.ones(len(points), dtype=bool)
    for position, axis in zip(dwells.positions_mm, dwells.axes, strict=True):
        along = (points - position) @ axis
        away = np.linalg.norm(points - position - along[:, None] * axis, axis=1)
        beyond = np.maximum(along - source.capsule.tip_z_mm, source.capsule.cable_z_mm - along)
        gap = np.hypot(np.maximum(beyond, 0.0), np.maximum(away - source.capsule.radius_mm, 0.0))
        out &= gap > margin_mm
    return out


def sampled_deviation(dwells: Dwells, times_s: np.ndarray, grid: Grid, source: TG43Source, seed: int = 1) -> float:
    """Largest relative deviation of the field from the exact dose: voxels anywhere, near dwells, and near the axes."""
    rng = np.random.default_rng(seed)
    near = np.repeat(dwells.positions_mm, 60, axis=0)
    near = near + rng.normal(size=near.shape) * 5.0
    reach = rng.uniform(-90.0, 90.0, (len(dwells), 60, 1))
    axes = (dwells.positions_mm[:, None] + dwells.axes[:, None] * reach).reshape(-1, 3)
    axes = axes + rng.normal(size=axes.shape) * 2.0
    shape_xyz = np.array(grid.shape_zyx[::-1])
    index = np.concatenate([np.rint(grid.index(np.concatenate([near, axes]))), rng.integers(0, shape_xyz, (3000, 3))])
    index = index[((index >= 0) & (index < shape_xyz)).all(axis=1)].astype(int)
    points = grid.world(index)
    index = index[outside_capsules(dwells, points, source, 1.0)]
    field = dose_field(dwells, times_s, grid, source, strength_u=STRENGTH_U)
    exact = dose_at_points(dwells, times_s, grid.world(index), source, strength_u=STRENGTH_U).gy
    return float(np.abs(field.values_zyx[index[:, 2], index[:, 1], index[:, 0]] / exact - 1.0).max())


@pytest.mark.parametrize("name", source_names())
def test_field_keeps_its_bound(name: str) -> None:
    dwells = some_dwells()
    grid = Grid(shape_zyx=(72, 80, 96), origin_mm=[-50.0, -42.0, -38.0], spacing_mm=[1.1, 1.0, 1.2])
    assert sampled_deviation(dwells, np.arange(12.0), grid, load_source(name)) <= BLOCKS


def line(n: int, step_mm: float) -> Dwells:
    """A straight catheter that is not along the grid."""
    axis = np.array([0.3, -0.2, 1.0]) / np.linalg.norm([0.3, -0.2, 1.0])
    offset = (np.arange(n) - (n - 1) / 2) * step_mm
    return Dwells(
        positions_mm=offset[:, None] * axis,
        axes=np.tile(axis, (n, 1)),
        catheter=np.zeros(n, dtype=int),
        offset_mm=offset - offset[0],
        catheter_names=("a",),
    )


@pytest.mark.parametrize("dwells", [line(1, 0.0), line(2, 5.0), line(30, 1.0), line(4, 0.1)], ids=len)
@pytest.mark.parametrize("name", ["gammamed-12i", "microselectron-v2r-granero"])
def test_field_keeps_its_bound_where_errors_could_add_up(name: str, dwells: Dwells) -> None:
    """Dwells on one line look at a block from almost one angle: their errors need not cancel."""
    grid = Grid(shape_zyx=(128, 64, 64), origin_mm=[-31.0, -33.0, -60.0], spacing_mm=[1.0, 1.0, 1.0])
    assert sampled_deviation(dwells, np.ones(len(dwells)), grid, load_source(name)) <= BLOCKS


@pytest.mark.parametrize("name", ["gammamed-12i", "microselectron-v2r-granero"])
def test_field_keeps_its_bound_where_all_errors_are_alike(name: str) -> None:
    """400 dwells at one place: blocks that let each err more because there are many were 0.4 to 0.5 % off."""
    grid = Grid(shape_zyx=(96, 96, 96), origin_mm=[-48.0, -47.0, -46.0], spacing_mm=[1.0, 1.0, 1.0])
    assert sampled_deviation(line(400, 0.0), np.ones(400), grid, load_source(name)) <= BLOCKS


@pytest.mark.parametrize("name", ["gammamed-12i", "microselectron-v2r-granero"])
def test_field_keeps_its_bound_on_the_axis_far_beyond_the_tip(name: str) -> None:
    """A straight catheter along the grid: 0.24 % was found 19 to 25 cm beyond the tip of such a one."""
    source = load_source(name)
    z = -2.5 * np.arange(60)
    dwells = Dwells(
        positions_mm=np.stack((np.zeros(60), np.zeros(60), z), axis=1),
        axes=np.tile([0.0, 0.0, 1.0], (60, 1)),
        catheter=np.zeros(60, dtype=int),
        offset_mm=-z,
        catheter_names=("a",),
    )
    for shift_mm in (0.0, 3.0, 8.0):
        grid = Grid(shape_zyx=(130, 12, 12), origin_mm=[shift_mm - 11.0, -11.0, 10.0], spacing_mm=[2.0, 2.0, 2.0])
        field = dose_field(dwells, np.ones(60), grid, source, strength_u=STRENGTH_U).values_zyx
        exact = dose_at_points(dwells, np.ones(60), grid.points_mm(), source, strength_u=STRENGTH_U).gy
        assert np.abs(field.ravel() / exact - 1.0).max() <= BLOCKS


@pytest.mark.parametrize("name", ["m-19-clrp", "flexisource"])
@pytest.mark.parametrize("seed", range(6))
def test_one_dwell_far_along_its_axis_keeps_the_bound(name: str, seed: int) -> None:
    """Where a search over placements of all sources found most: 0.113 % with blocks that were measured less well."""
    rng = np.random.default_rng(seed)
    axis = rng.normal(size=3)
    axis /= np.linalg.norm(axis)
    spacing = np.array([[1.0, 1.0, 5.0], [3.0, 2.0, 2.0]][seed % 2])
    grid = Grid(shape_zyx=(48, 64, 64), origin_mm=[0.0, 0.0, 0.0], spacing_mm=spacing)
    position = spacing * (32, 32, 24) - axis * rng.uniform(100.0, 240.0) + rng.normal(size=3) * 10.0
    dwell = Dwells(
        positions_mm=position[None], axes=axis[None], catheter=np.zeros(1, int), offset_mm=[0.0], catheter_names=("a",)
    )
    field = dose_field(dwell, [1.0], grid, load_source(name), strength_u=STRENGTH_U).values_zyx
    points = grid.points_mm()
    exact = dose_at_points(dwell, [1.0], points, load_source(name), strength_u=STRENGTH_U).gy
    clear = np.linalg.norm(points - position, axis=1) > 5.0
    assert np.abs(field.ravel() / exact - 1.0)[clear].max() <= BLOCKS


@pytest.mark.parametrize(
    ("shape_zyx", "spacing_mm"),
    [((80, 128, 128), (4.7, 4.7, 5.0)), ((50, 128, 128), (5.0, 5.0, 5.0)), ((40, 64, 64), (10.0, 10.0, 10.0))],
    ids=str,
)
def test_coarse_grids_of_whole_patients(
    shape_zyx: tuple[int, int, int], spacing_mm: tuple[float, float, float]
) -> None:
    """Blocks with half diagonals beyond 131 mm ended in a traceback."""
    origin = -np.array(shape_zyx[::-1]) * spacing_mm / 2.0
    grid = Grid(shape_zyx=shape_zyx, origin_mm=origin, spacing_mm=spacing_mm)
    assert sampled_deviation(some_dwells(), np.ones(12), grid, load_source("gammamed-plus")) <= BLOCKS


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 5.0), (0.7, 0.7, 3.0), (2.5, 2.5, 2.5)], ids=str)
def test_field_keeps_its_bound_on_other_grids(spacing_mm: tuple[float, float, float]) -> None:
    direction = oblique_grid().direction
    shape = tuple(int(90.0 / s) for s in spacing_mm[::-1])
    origin = -direction @ (np.array(shape[::-1]) * spacing_mm) / 2.0
    grid = Grid(shape_zyx=(shape[0], shape[1], shape[2]), origin_mm=origin, spacing_mm=spacing_mm, direction=direction)
    assert sampled_deviation(some_dwells(), np.ones(12), grid, load_source("gammamed-plus")) <= BLOCKS


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("threads", ["1", "5"])
def test_field_does_not_depend_on_threads_or_progress(
    exact: bool, threads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = Grid(shape_zyx=(40, 70, 50), origin_mm=[-30.0, -30.0, -30.0], spacing_mm=[1.0, 1.0, 1.5])
    args = (some_dwells(), np.ones(12), grid, invented_source())
    monkeypatch.setenv("HDRPLAN_THREADS", "2")
    field = dose_field(*args, strength_u=1.0, exact=exact).values_zyx
    monkeypatch.setenv("HDRPLAN_THREADS", threads)
    told: list[tuple[int, int]] = []
    slabs = dose_field(*args, strength_u=1.0, exact=exact, on_progress=lambda *p: told.append(p)).values_zyx
    np.testing.assert_array_equal(slabs, field)
    assert told[-1][0] == told[-1][1]


@pytest.mark.parametrize("exact", [True, False])
def test_without_time_there_is_no_dose(exact: bool) -> None:
    field = dose_field(some_dwells(), np.zeros(12), oblique_grid(), invented_source(), strength_u=1.0, exact=exact)
    assert not field.values_zyx.any()
