"""Phantoms of known geometry: water, simple CTVs, catheters; with their analytic facts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray
from hdrplan.errors import InputError, among
from hdrplan.geometry.catheter import Catheter
from hdrplan.geometry.grid import Grid, Volume
from hdrplan.geometry.lesion import LesionShape, ellipsoid, parallel_catheters, synthetic_lesion
from hdrplan.geometry.structure import Structure, on_grid

__all__ = ["PHANTOMS", "Phantom", "phantom", "synthetic_case"]

Fact = float | list[float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Phantom:
    """A case whose geometry is known exactly.

    Parameters
    ----------
    name, text : str
    ct : Volume
        HU; water is 0.
    structures : tuple of Structure
    catheters : tuple of Catheter
        None where only the frame matters.
    prescription_gy : float
    facts : mapping
        Analytic truths, the unit in the name.
    """

    name: str
    text: str
    ct: Volume
    structures: tuple[Structure, ...]
    catheters: tuple[Catheter, ...] = ()
    prescription_gy: float = 20.0
    facts: Mapping[str, Fact] = field(default_factory=dict)


def phantom(name: str) -> Phantom:
    """Make a phantom by name; InputError lists the names there are."""
    if name not in PHANTOMS:
        raise InputError(f"no phantom is named {name!r}", remedy=among(name, PHANTOMS))
    return PHANTOMS[name][1]()


def _water(grid: Grid) -> Volume:
    return Volume(grid, np.zeros(grid.shape_zyx, dtype=np.int16))


def _centred(count: int, spacing_mm: tuple[float, float, float], turn: FloatArray | None = None) -> Grid:
    """Grid whose middle is the origin, about ``count`` mm wide."""
    shape = [2 * int(count / 2 / s) + 1 for s in spacing_mm]
    direction = np.eye(3) if turn is None else turn
    corner = direction @ (-(np.array(shape) - 1) / 2 * spacing_mm)
    return Grid(
        shape_zyx=(shape[2], shape[1], shape[0]), origin_mm=corner, spacing_mm=np.array(spacing_mm), direction=direction
    )


def _sphere() -> Phantom:
    radius = 15.0
    ctv = ellipsoid("sphere", _centred(60, (1.0, 1.0, 1.0)), [0, 0, 0], [radius] * 3)
    return Phantom(
        name="sphere",
        text=PHANTOMS["sphere"][0],
        ct=_water(ctv.grid),
        structures=(ctv,),
        catheters=parallel_catheters(ctv),
        facts={
            "volume_cc": 4 / 3 * math.pi * radius**3 / 1000,
            "radius_mm": radius,
            "centre_mm": [0.0, 0.0, 0.0],
            # Field 1e4 Gy mm2 / r^2 round the centre: D_x lies at the radius that holds the part x.
            "inverse_square_d100_gy": 1e4 / radius**2,
            "inverse_square_d50_gy": 1e4 / (radius * 0.5 ** (1 / 3)) ** 2,
            "inverse_square_mean_gy": 3e4 / radius**2,
        },
    )


def _ellipsoid() -> Phantom:
    semi, centre = [22.0, 15.0, 11.0], [3.0, -4.0, 5.0]
    turn = _turn(30.0, 20.0)
    ctv = ellipsoid("ellipsoid", _centred(80, (1.0, 1.0, 2.5)), centre, semi, axes=turn)
    return Phantom(
        name="ellipsoid",
        text=PHANTOMS["ellipsoid"][0],
        ct=_water(ctv.grid),
        structures=(ctv,),
        catheters=parallel_catheters(ctv, direction=turn[:, 0]),
        facts={
            "volume_cc": 4 / 3 * math.pi * math.prod(semi) / 1000,
            "semi_axes_mm": semi,
            "centre_mm": centre,
            "long_axis": turn[:, 0].round(12).tolist(),
            "inverse_square_d100_gy": 1e4 / max(semi) ** 2,
        },
    )


def _straight_catheter() -> Phantom:
    radius, half = 8.0, 20.0
    grid = _centred(80, (1.0, 1.0, 1.0))
    place = grid.points_mm()
    mask = (np.hypot(place[:, 1], place[:, 2]) <= radius) & (np.abs(place[:, 0]) <= half)
    ctv = Structure(name="cylinder", role="CTV", grid=grid, mask_zyx=mask.reshape(grid.shape_zyx))
    needle = Catheter("needle", np.array([[-39.0, 0.0, 0.0], [half + 2.7, 0.0, 0.0]]))
    return Phantom(
        name="straight-catheter",
        text=PHANTOMS["straight-catheter"][0],
        ct=_water(grid),
        structures=(ctv,),
        catheters=(needle,),
        facts={
            "volume_cc": math.pi * radius**2 * 2 * half / 1000,
            "radius_mm": radius,
            "length_mm": 2 * half,
            "axis": [1.0, 0.0, 0.0],
            # Tip offset 2.7 mm, step 5 mm: the first dwell lies at the cylinder's end.
            "first_dwell_mm": [half, 0.0, 0.0],
            "dwells_inside": 2 * half / 5 + 1,
        },
    )


def _asymmetric_marker() -> Phantom:
    turn = _turn(25.0, -15.0)
    grid = Grid(
        shape_zyx=(20, 30, 40),
        origin_mm=np.array([-50.0, 60.0, -70.0]),
        spacing_mm=np.array([1.0, 1.5, 3.0]),
        direction=turn,
    )
    # One voxel block off every plane of symmetry: any flip or swapped axis moves it.
    low, size = np.array([7, 19, 4]), np.array([3, 4, 2])
    mask = np.zeros(grid.shape_zyx, dtype=np.bool_)
    mask[low[2] : low[2] + size[2], low[1] : low[1] + size[1], low[0] : low[0] + size[0]] = True
    values = np.where(mask, np.int16(3000), np.int16(0))
    return Phantom(
        name="asymmetric-marker",
        text=PHANTOMS["asymmetric-marker"][0],
        ct=Volume(grid, values),
        structures=(Structure(name="marker", role="CTV", grid=grid, mask_zyx=mask),),
        facts={
            "volume_cc": float(np.prod(size * grid.spacing_mm)) / 1000,
            "centre_mm": grid.world(low + (size - 1) / 2).tolist(),
            "first_voxel_mm": grid.origin_mm.tolist(),
            "last_voxel_mm": grid.world([39, 29, 19]).tolist(),
        },
    )


def _turn(about_z_deg: float, about_x_deg: float) -> FloatArray:
    a, b = math.radians(about_z_deg), math.radians(about_x_deg)
    z = np.array([[math.cos(a), -math.sin(a), 0], [math.sin(a), math.cos(a), 0], [0, 0, 1]])
    x = np.array([[1, 0, 0], [0, math.cos(b), -math.sin(b)], [0, math.sin(b), math.cos(b)]])
    return np.asarray(z @ x)


PHANTOMS: dict[str, tuple[str, Callable[[], Phantom]]] = {
    "sphere": ("CTV a ball of 30 mm in water, 1 mm voxels.", _sphere),
    "ellipsoid": ("CTV an oblique ellipsoid of 44 x 30 x 22 mm in water, 2.5 mm slices.", _ellipsoid),
    "straight-catheter": ("CTV a cylinder round one straight catheter in water.", _straight_catheter),
    "asymmetric-marker": ("A marker at a known place on an oblique grid, no catheters.", _asymmetric_marker),
}


def synthetic_case(
    ct: Volume,
    structures: Sequence[Structure],
    organ: str,
    shape: LesionShape,
    *,
    direction: npt.ArrayLike = (1.0, 0.0, 0.0),
    prescription_gy: float = 20.0,
    rng: np.random.Generator | None = None,
) -> Phantom:
    """Put a synthetic lesion with parallel catheters into a segmented CT.

    Earlier CTVs become part of the organ again; other structures stay as they are.

    Parameters
    ----------
    ct : Volume
    structures : sequence of Structure
    organ : str
        Name of the one that holds the lesion.
    shape : LesionShape
    direction : (3,) array
        From hub to tip, as :func:`hdrplan.geometry.parallel_catheters` takes it.
    prescription_gy : float
    rng : numpy.random.Generator, optional
        As :func:`hdrplan.geometry.synthetic_lesion` takes it.

    Raises
    ------
    InputError
        No such organ; a centre outside it.
    """
    named = {s.name: s for s in structures}
    if organ not in named:
        raise InputError(f"no structure is named {organ!r}", remedy=among(organ, named))
    members = [named[organ], *(s for s in structures if s.role == "CTV" and s.name != organ)]
    mask = np.any([on_grid(s, ct.grid).mask_zyx for s in members], axis=0)
    host = Structure(name=organ, role="OAR", grid=ct.grid, mask_zyx=mask)
    lesion = synthetic_lesion(host, shape, rng=rng)
    others = [s for s in structures if s.role != "CTV" and s.name != organ]
    return Phantom(
        name=f"lesion-{shape.diameter_mm:g}mm",
        text=f"Synthetic lesion of {shape.diameter_mm:g} mm ({lesion.volume_cc:.1f} cc) in {organ}.",
        ct=ct,
        structures=(lesion, host, *others),
        catheters=parallel_catheters(lesion, direction=direction),
        prescription_gy=prescription_gy,
    )
