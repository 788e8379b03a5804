"""A small plan to look at: a marker at a known place of a CT on any grid, a 1/r^2 dose, a sphere and a box."""

from __future__ import annotations

import numpy as np

from hdrplan.geometry import Catheter, Dwells, Grid, Structure, Volume
from hdrplan.plan import Plan, Prescription
from hdrplan.report import ComparedPlan, Curve, GoalRow, ReportData
from hdrplan.sources import Strength, load_source

# A marker far from the middle in all three axes: 24 mm left, 15 mm anterior, 9 mm superior of the grid's centre.
CENTRE_MM = np.array([-40.0, 25.0, 310.0])
MARKER_MM = CENTRE_MM + np.array([24.0, -15.0, 9.0])


def turned(about_x: float, about_y: float, about_z: float) -> np.ndarray:
    """Rotation matrix, angles in degrees."""
    a, b, c = np.radians([about_x, about_y, about_z])
    x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return z @ y @ x


def centred_grid(
    shape_zyx: tuple[int, int, int], spacing_mm: tuple[float, float, float], direction: np.ndarray
) -> Grid:
    half = (np.subtract(shape_zyx[::-1], 1) / 2) * spacing_mm
    return Grid(
        shape_zyx=shape_zyx,
        origin_mm=CENTRE_MM - direction @ half,
        spacing_mm=np.array(spacing_mm),
        direction=direction,
    )


def small_view(
    direction: np.ndarray | None = None, *, title: str = "phantom", names: tuple[str, str] = ("lesion", "stomach")
) -> ReportData:
    """A marker in a CT on any grid, a 1/r^2 dose from two dwells on another grid, a spherical CTV, a box as OAR."""
    ct_grid = centred_grid((40, 56, 64), (1.5, 1.25, 2.0), np.eye(3) if direction is None else direction)
    points = ct_grid.points_mm().reshape(*ct_grid.shape_zyx, 3)
    rng = np.random.default_rng(7)
    hu = rng.integers(-60, 60, ct_grid.shape_zyx)
    hu[np.linalg.norm(points - MARKER_MM, axis=-1) < 4.0] = 2500
    ctv = np.linalg.norm(points - CENTRE_MM, axis=-1) <= 10.0
    oar = (np.abs(points - CENTRE_MM - [-20.0, 0.0, 0.0]) <= [5.0, 8.0, 12.0]).all(axis=-1)
    at = CENTRE_MM + np.array([[0.0, 0.0, -2.5], [0.0, 0.0, 2.5], [0.0, 0.0, 7.5]])
    times_s = np.array([60.0, 45.0, 0.0])
    dose_grid = centred_grid((41, 41, 41), (1.0, 1.0, 1.0), np.eye(3))
    square = ((dose_grid.points_mm()[:, None, :] - at[None]) ** 2).sum(axis=-1)
    dose = (times_s * 22.0 / np.maximum(square, 0.25)).sum(axis=1).reshape(dose_grid.shape_zyx)
    gy = np.linspace(0, 60, 121)
    return ReportData(
        title=title,
        ct=Volume(ct_grid, hu.astype(np.int16)),
        structures=(
            Structure(name=names[0], role="CTV", grid=ct_grid, mask_zyx=ctv),
            Structure(name=names[1], role="OAR", grid=ct_grid, mask_zyx=oar),
        ),
        catheters=(Catheter("needle 1", CENTRE_MM + np.array([[0.0, 0.0, -25.0], [0.0, 0.0, 12.5]])),),
        dwells=Dwells(
            positions_mm=at,
            axes=np.tile([0.0, 0.0, 1.0], (3, 1)),
            catheter=np.zeros(3),
            offset_mm=np.array([15.0, 10.0, 5.0]),
            catheter_names=("needle 1",),
        ),
        times_s=times_s,
        dose=Volume(dose_grid, dose.astype(np.float32)),
        prescriptions=(Prescription(names[0], 20.0),),
        curves=(
            Curve(name=names[0], role="CTV", dose_gy=gy, volume_frac=np.clip(1 - (gy - 19) / 60, 0, 1), volume_cc=4.2),
            Curve(name=names[1], role="OAR", dose_gy=gy, volume_frac=np.clip(1 - gy / 10, 0, 1), volume_cc=3.1),
        ),
        metrics={
            names[0]: {"role": "CTV", "volume_cc": 4.2, "d100_gy": 19.0, "v100_pct": 98.3},
            names[1]: {"role": "OAR", "volume_cc": 3.1, "d1cc_gy": 6.8},
        },
        goals=(
            GoalRow(
                structure=names[0],
                goal="D100 ≥ 20 Gy",
                reached="19.00 Gy",
                met=False,
                source="prescription",
                mark_gy=20.0,
                mark_frac=1.0,
            ),
            GoalRow(
                structure=names[1],
                goal="D1cc ≤ 14 Gy",
                reached="6.80 Gy",
                met=True,
                source="a protocol",
                level=0,
                mark_gy=14.0,
                mark_frac=1 / 3.1,
                is_minimum=False,
            ),
        ),
        tiles=(("D100", "19.00 Gy", "prescribed 20 Gy"),),
        facts=(("Site", "phantom"),),
        certificate=("Proven best: dual bound 19.00 Gy.",),
        binding=(f"{names[1]} D1cc binds.",),
        methods=("TG-43U1.",),
        references=("Rivard 2004",),
        provenance={"input": "none"},
        version="0.1.0",
    )


def compared_plans() -> list[ComparedPlan]:
    """Return two plans: the small view's, and one with 30 % more dose on a shifted, coarser grid."""
    view = small_view()
    first = Plan(dwells=view.dwells, times_s=view.times_s, source=load_source(), strength=Strength(40700.0))
    grid = Grid(shape_zyx=(25, 25, 25), origin_mm=view.dose.grid.world([1, 2, 3]), spacing_mm=np.array([1.5, 1.5, 1.5]))
    square = ((grid.points_mm()[:, None, :] - view.dwells.positions_mm[None]) ** 2).sum(axis=-1)
    more = (1.3 * view.times_s * 22.0 / np.maximum(square, 0.25)).sum(axis=1).reshape(grid.shape_zyx)
    metrics = {
        "structures": {
            "lesion": {"role": "CTV", "prescription_gy": 20.0, "d100_gy": 19.0, "volume_cc": 4.2},
            "stomach": {"role": "OAR", "d1cc_gy": 6.8},
        },
        "goals": [{"structure": "lesion", "goal": "D100 >= 20 Gy", "reached": 19.0, "unit": "Gy", "met": False}],
    }
    better = {
        "structures": {
            "lesion": {"role": "CTV", "prescription_gy": 20.0, "d100_gy": 24.7, "volume_cc": 4.2},
            "stomach": {"role": "OAR", "d1cc_gy": 8.84},
        },
        "goals": [{"structure": "lesion", "goal": "D100 >= 20 Gy", "reached": 24.7, "unit": "Gy", "met": True}],
    }
    second = Plan(dwells=view.dwells, times_s=1.3 * view.times_s, source=load_source(), strength=Strength(40700.0))
    return [
        ComparedPlan(label="as planned", plan=first, dose=view.dose, curves=view.curves, metrics=metrics),
        ComparedPlan(
            label="longer", plan=second, dose=Volume(grid, more.astype(np.float32)), curves=view.curves, metrics=better
        ),
    ]
