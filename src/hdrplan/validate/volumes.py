"""Volumes and DVH: solids whose doses follow from one integral.

Two questions, kept apart. How well does the sampling compute the doses of a given shape? Within 0.5 %, whatever the
slices. How well does a mask tell the shape? As its voxels let it: those that the surface cuts are in or out by chance.
"""

from __future__ import annotations

import math

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.dose import Shape, sample_points, shape_of
from hdrplan.geometry import Grid, Structure, structure_of_contours
from hdrplan.metrics import DVH, dvh
from hdrplan.validate.row import Aim, Question, Row, judged
from hdrplan.validate.solids import STRENGTH, Solid, cone, cylinder, sphere

__all__ = ["volume_rows"]

_SECTION = "Volumes and DVH"
# (solid, distance of the point source from its middle, on its axis): 5 mm outside the sphere, 10 mm outside the others.
_SOLIDS: tuple[tuple[Solid, float], ...] = (
    (sphere(20.0), -25.0),
    (cylinder(15.0, 40.0), -30.0),
    (cone(20.0, 40.0), 30.0),
)
# Voxels so small that the mask says all that matters.
_FINE_MM = 0.4
_PIXEL_MM = 1.0
_SLICES_MM = (1.0, 2.5, 5.0)
# Edge of the regular lattice of cubes that a shape's doses are compared with.
_LATTICE_MM = 0.4
_AIM_PCT = 0.5
_SIGMAS = 3.0
_SOURCE = "closed integral of the solid over discs in a field of 1 / r^2"
_NAMES = ("D0.1cc", "D2cc", "median dose")


def volume_rows() -> list[Row]:
    """Solids in a field of 1 / r^2, in oblique positions: what is computed, and what slices tell."""
    return [
        *(row for solid, source_mm in _SOLIDS for row in _fine_rows(solid, source_mm)),
        *(row for slice_mm in _SLICES_MM for row in _computed_rows(slice_mm)),
        *(row for mm in _SLICES_MM for solid, source_mm in _SOLIDS for row in _contour_rows(solid, source_mm, mm)),
    ]


def _fine_rows(solid: Solid, source_mm: float) -> list[Row]:
    """Doses on the sample points of planning, of a mask so fine that it is the solid."""
    doses_gy = []
    for axis, offset in _positions():
        structure = solid.structure((_FINE_MM, _FINE_MM, _FINE_MM), axis, offset)
        doses_gy.append(_sampled(structure, source_mm * axis)[:3])
    wrong = 100 * np.abs(np.array(doses_gy) / _truth(solid, source_mm) - 1.0).max(axis=0)
    return [
        judged(
            Question(
                section=_SECTION,
                what=f"computation: {solid.name}, {name}, {_outside(solid, source_mm)}",
                source=_SOURCE,
                method=f"two oblique positions, voxels of {_FINE_MM:g} mm, on the sample points of planning",
            ),
            float(value),
            Aim(value=_AIM_PCT),
        )
        for name, value in zip(_NAMES, wrong, strict=True)
    ]


def _computed_rows(slice_mm: float) -> list[Row]:
    """Doses on the sample points of planning against a lattice, both of the shape that the slices gave."""
    wrong = np.zeros(4)
    for solid, source_mm in _SOLIDS:
        axis, offset = _positions()[0]
        structure = _drawn(solid, slice_mm, axis, offset)
        truth = _lattice(shape_of(structure), source_mm * axis, structure.volume_cc)
        wrong = np.maximum(wrong, 100 * np.abs(_sampled(structure, source_mm * axis) / truth - 1.0))
    return [
        judged(
            Question(
                section=_SECTION,
                what=f"computation: {name}, shapes of slices of {slice_mm:g} mm",
                source=f"the same shape in a regular lattice of {_LATTICE_MM:g} mm cubes",
                method="sphere, cylinder and cone, oblique, on the sample points of planning, "
                "largest of the deviations",
            ),
            float(value),
            Aim(value=_AIM_PCT),
        )
        for name, value in zip((*_NAMES, "D100"), wrong, strict=True)
    ]


def _contour_rows(solid: Solid, source_mm: float, slice_mm: float) -> list[Row]:
    """Doses of contours drawn on slices, as an RT Structure Set brings them, against the solid."""
    truth = _truth(solid, source_mm)
    worst, limit = np.zeros(3), np.full(3, _AIM_PCT)
    for axis, offset in _positions():
        structure = _drawn(solid, slice_mm, axis, offset)
        wrong = 100 * np.abs(_sampled(structure, source_mm * axis)[:3] / truth - 1.0)
        allowed = _AIM_PCT + _unsaid_pct(structure, solid, source_mm, axis)
        worse = wrong / allowed >= worst / limit
        worst, limit = np.where(worse, wrong, worst), np.where(worse, allowed, limit)
    return [
        judged(
            Question(
                section=_SECTION,
                what=f"information: {solid.name}, {name}, {_outside(solid, source_mm)}, "
                f"pixels {_PIXEL_MM:g} mm, slices {slice_mm:g} mm",
                source=_SOURCE,
                method="contours on the slices of a CT in two oblique positions, as from an RT Structure Set; "
                "the position that is worse relative to its limit",
            ),
            float(value),
            Aim(
                value=_AIM_PCT,
                limit=round(float(maximum), 2),
                why="The slices do not describe the shape fully. The limit is the sum of 0.5 %, three standard "
                "deviations of the dose if each voxel cut by the surface is inside or outside by chance, and the shift "
                "of the faces by rims that are cut off between slices."
                if value > _AIM_PCT
                else "",
            ),
        )
        for name, value, maximum in zip(_NAMES, worst, limit, strict=True)
    ]


def _unsaid_pct(structure: Structure, solid: Solid, source_mm: float, axis: FloatArray) -> FloatArray:
    """Return what the voxels do not say of each dose: three standard deviations of chance, and the rims.

    A voxel cut at a place that is even over its edge errs by its volume / sqrt(12). With n of them inside the isodose,
    the volume there errs by sqrt(n / 12) voxels, and the dose by that times its slope over the volume. Where a part x
    of the structure is asked for, voxels outside the isodose count as x and those inside as 1 - x.

    Between slices a distance h apart a rim of 90 degrees is cut off: h^2 / 6 of its section on average, for faces at 45
    degrees. The areas of the slices bring the volume back, on the faces beside the rim: on an end of radius R and one
    slice of the side that is h^2 / (3 (R + 2 h)) outward, and the isodose moves by no more.
    """
    mask, grid = structure.mask_zyx, structure.grid
    away = []
    for k in range(3):
        low = np.argwhere(np.diff(np.pad(mask, 1).astype(np.int8), axis=k) != 0)[:, ::-1] - 1.0
        low[:, 2 - k] += 0.5
        away.append(np.linalg.norm(grid.world(low) - source_mm * axis, axis=1))
    cut_mm, voxel_mm3 = np.concatenate(away), 1000 * grid.voxel_cc
    slice_mm = float(grid.spacing_mm[2])
    rim_mm = slice_mm**2 / (3 * (solid.rim_mm + 2 * slice_mm)) if solid.rim_mm else 0.0
    out = []
    for truth_gy, fraction in zip(_truth(solid, source_mm), (0.0, 0.0, 0.5), strict=True):
        reach_mm = math.sqrt(STRENGTH / truth_gy)
        inside = cut_mm <= reach_mm
        count = (1 - fraction) ** 2 * inside.sum() + fraction**2 * (~inside).sum()
        shell_mm3 = solid.volume_mm3(reach_mm + 0.05, source_mm) - solid.volume_mm3(reach_mm - 0.05, source_mm)
        off_mm = 0.1 * voxel_mm3 * math.sqrt(count / 12.0) / shell_mm3
        out.append(100 * 2 * (_SIGMAS * off_mm + rim_mm) / reach_mm)
    return np.array(out)


def _positions() -> list[tuple[FloatArray, FloatArray]]:
    """Oblique axes, and parts of a voxel by which the grid is moved."""
    out = []
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        axis = rng.normal(size=3)
        out.append((axis / np.linalg.norm(axis), rng.uniform(-0.5, 0.5, 3)))
    return out


def _drawn(solid: Solid, slice_mm: float, axis: FloatArray, offset: FloatArray) -> Structure:
    """Structure of the solid's exact contours on the slices of a CT."""
    ct = solid.structure((_PIXEL_MM, _PIXEL_MM, slice_mm), axis, offset).grid
    return structure_of_contours(solid.name, "OAR", solid.contours(ct, axis), ct)[0]


def _sampled(structure: Structure, source_mm: FloatArray) -> FloatArray:
    """D0.1cc and D2cc on an organ's sample points, median and D100 on a target's, as planning has them."""
    grid = Grid(shape_zyx=(9, 9, 9), origin_mm=source_mm - 4.0, spacing_mm=np.ones(3))
    ball = np.linalg.norm(grid.points_mm() - source_mm, axis=1) < 4.0
    beside = Structure(name="beside", role="CTV", grid=grid, mask_zyx=ball.reshape(grid.shape_zyx))
    organ, target = (
        Structure(name="solid", role=role, grid=structure.grid, mask_zyx=structure.mask_zyx) for role in ("OAR", "CTV")
    )

    def curve(structures: list[Structure]) -> DVH:
        points = sample_points(structures)
        rows = points.rows("solid")
        return dvh(STRENGTH / ((points.points_mm[rows] - source_mm) ** 2).sum(axis=1), points.volume_cc[rows])

    hot, cold = curve([beside, organ]), curve([target])
    return np.array([hot.dose_at_cc(0.1), hot.dose_at_cc(2.0), cold.dose_at_frac(0.5), cold.min_gy])


def _lattice(shape: Shape, source_mm: FloatArray, volume_cc: float) -> FloatArray:
    """Return the same doses of a shape cut into equal cubes, the volumes scaled to the mask's."""
    grid = shape.grid
    count = np.ceil(grid.spacing_mm * (np.array(grid.shape_zyx[::-1]) - 1) / _LATTICE_MM).astype(int)
    nx, ny, nz = (int(n) for n in count)
    fine = Grid(
        shape_zyx=(nz, ny, nx),
        origin_mm=grid.world([0.5, 0.5, 0.5]),
        spacing_mm=np.full(3, _LATTICE_MM),
        direction=grid.direction,
    )
    dose, volume, inner = [], [], []
    for z in range(0, fine.shape_zyx[0], 8):
        centre = fine.points_mm(z, min(z + 8, fine.shape_zyx[0]))
        distance, inward = shape.distance_mm(centre)
        near = distance > -_LATTICE_MM / 2
        fraction = np.clip(0.5 + distance[near] / _LATTICE_MM, 0.0, 1.0)
        middle = centre[near] + ((1 - fraction) * _LATTICE_MM / 2)[:, None] * inward[near]
        dose.append(STRENGTH / ((middle - source_mm) ** 2).sum(axis=1))
        volume.append(fraction)
        inner.append(centre[distance >= 0.0])
    weights = np.concatenate(volume)
    curve = dvh(np.concatenate(dose), weights * (volume_cc / weights.sum()))
    farthest_mm = _farthest_mm(shape, np.concatenate(inner), source_mm)
    return np.array([curve.dose_at_cc(0.1), curve.dose_at_cc(2.0), curve.dose_at_frac(0.5), STRENGTH / farthest_mm**2])


def _farthest_mm(shape: Shape, inner_mm: FloatArray, source_mm: FloatArray) -> float:
    """Distance of the farthest point inside: from the farthest of a lattice, by ever finer lattices round them."""
    step_mm = _LATTICE_MM
    cell = np.stack(np.meshgrid(*[np.linspace(-1, 1, 7)] * 3), axis=-1).reshape(-1, 3)
    for _ in range(4):
        away = np.linalg.norm(inner_mm - source_mm, axis=1)
        farthest = inner_mm[np.argsort(-away, kind="stable")[:60]]
        around = (farthest[:, None, :] + step_mm * cell).reshape(-1, 3)
        inner_mm = np.concatenate((farthest, around[shape.holds(around)]))
        step_mm /= 2
    return float(np.linalg.norm(inner_mm - source_mm, axis=1).max())


def _truth(solid: Solid, source_mm: float) -> FloatArray:
    return np.array([solid.dose_at_mm3(v, source_mm) for v in (100.0, 2000.0, solid.volume_mm3() / 2)])


def _outside(solid: Solid, source_mm: float) -> str:
    return f"source {solid.distances_mm(source_mm)[0]:.0f} mm outside"
