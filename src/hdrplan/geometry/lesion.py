"""Synthetic lesions and the catheters a rule would put into them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.ndimage import distance_transform_edt

from hdrplan.arrays import BoolArray, FloatArray, frozen
from hdrplan.errors import InputError
from hdrplan.geometry.catheter import Catheter
from hdrplan.geometry.grid import Grid
from hdrplan.geometry.structure import Role, Structure, inside

__all__ = ["LesionShape", "ellipsoid", "parallel_catheters", "place_in", "synthetic_lesion"]

# Distance of neighbouring catheters: a third of the lesion, but not closer than templates allow nor farther than the
# dose of one catheter carries.
_MINIMUM_PITCH_MM, _MAXIMUM_PITCH_MM = 10.0, 22.0
# A catheter ends this far behind the lesion and starts this far before it.
_BEYOND_MM, _BEFORE_MM = 5.0, 80.0
_KEPT = 1 << 22


def ellipsoid(
    name: str,
    grid: Grid,
    centre_mm: npt.ArrayLike,
    semi_axes_mm: npt.ArrayLike,
    *,
    axes: npt.ArrayLike | None = None,
    role: Role = "CTV",
) -> Structure:
    """Voxels of a grid whose centres lie in an ellipsoid.

    Parameters
    ----------
    name : str
    grid : Grid
    centre_mm : (3,) array
    semi_axes_mm : (3,) array
    axes : (3, 3) array, optional
        Column k is the unit vector of semi-axis k in LPS; None is along x, y, z.
    role : str
    """
    semi = np.asarray(semi_axes_mm, dtype=np.float64)
    if semi.shape != (3,) or not (semi > 0).all():
        raise InputError("an ellipsoid needs three semi-axes above 0 mm", got=semi.tolist(), where=name)
    turn = np.eye(3) if axes is None else np.asarray(axes, dtype=np.float64)
    # Voxels beyond the longest semi-axis need no look: of a liver's grid a lesion fills a few per cent.
    middle, reach = grid.index(centre_mm), semi.max() / grid.spacing_mm
    low = np.clip(np.floor(middle - reach), 0, grid.shape_zyx[::-1]).astype(int)
    high = np.clip(np.ceil(middle + reach) + 1, low, grid.shape_zyx[::-1]).astype(int)
    x, y, z = (np.arange(start, stop) for start, stop in zip(low, high, strict=True))
    index_xyz = np.stack(np.meshgrid(z, y, x, indexing="ij")[::-1], axis=-1)
    away = (grid.world(index_xyz) - np.asarray(centre_mm)) @ turn / semi
    mask = np.zeros(grid.shape_zyx, dtype=np.bool_)
    mask[low[2] : high[2], low[1] : high[1], low[0] : high[0]] = (away**2).sum(axis=-1) <= 1.0
    if not mask.any():
        raise InputError(
            "an ellipsoid must hold at least one voxel centre", got="none", where=name, remedy="Is it in the image?"
        )
    return Structure(name=name, role=role, grid=grid, mask_zyx=mask)


def place_in(organ: Structure, diameter_mm: float, rng: np.random.Generator | None = None) -> FloatArray:
    """Centre for a lesion in an organ, LPS: the deepest place, or with ``rng`` any place where it fits as well.

    Where the lesion fits nowhere whole, places at least half as deep as the deepest count.

    Parameters
    ----------
    organ : Structure
    diameter_mm : float
    rng : numpy.random.Generator, optional
    """
    mask, spacing = organ.mask_zyx, tuple(organ.grid.spacing_mm[::-1].tolist())
    # A study places thousands of lesions in one organ; a CT's whole grid is not worth the memory.
    deep = _kept_depth_mm(mask.tobytes(), mask.shape, spacing) if mask.size <= _KEPT else _depth_mm(mask, spacing)
    places = np.argwhere(deep >= min(diameter_mm / 2, deep.max() / 2 if deep.max() < diameter_mm / 2 else np.inf))
    best = np.argwhere(deep == deep.max())[0] if rng is None else places[rng.integers(len(places))]
    return organ.grid.world(best[::-1])


def _depth_mm(mask_zyx: BoolArray, spacing_zyx: tuple[float, ...]) -> FloatArray:
    """Distance of each voxel of a mask from the nearest outside; beyond the array is outside."""
    return np.asarray(distance_transform_edt(np.pad(mask_zyx, 1), sampling=spacing_zyx)[1:-1, 1:-1, 1:-1])


@lru_cache(maxsize=1)
def _kept_depth_mm(mask: bytes, shape_zyx: tuple[int, ...], spacing_zyx: tuple[float, ...]) -> FloatArray:
    return frozen(_depth_mm(np.frombuffer(mask, dtype=np.bool_).reshape(shape_zyx), spacing_zyx))


@dataclass(frozen=True, slots=True)
class LesionShape:
    """Size, form and place of a synthetic lesion.

    Parameters
    ----------
    diameter_mm : float
        Of the ball of the same volume, 8 to 120 mm.
    elongation : float
        Longest axis over the other two, 1 to 3.
    centre_mm : tuple of three float, optional
        None: chosen by :func:`place_in`.

    Raises
    ------
    InputError
        A size that is no liver lesion's.
    """

    diameter_mm: float
    elongation: float = 1.0
    centre_mm: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        if not 8.0 <= self.diameter_mm <= 120.0:
            raise InputError("diameter_mm must lie between 8 and 120 mm", got=f"{self.diameter_mm:g}")
        if not 1.0 <= self.elongation <= 3.0:
            raise InputError("elongation must lie between 1 and 3", got=f"{self.elongation:g}")


def synthetic_lesion(
    organ: Structure, shape: LesionShape, *, name: str = "lesion", rng: np.random.Generator | None = None
) -> Structure:
    """Ellipsoid in an organ, cut at the organ's surface.

    Parameters
    ----------
    organ : Structure
        The liver.
    shape : LesionShape
    name : str
    rng : numpy.random.Generator, optional
        Chooses the place, where the shape names none, and turns the lesion; without it the deepest place, and the
        longest axis along x.

    Raises
    ------
    InputError
        A centre outside the organ.
    """
    centre = place_in(organ, shape.diameter_mm, rng) if shape.centre_mm is None else np.array(shape.centre_mm)
    if centre.shape != (3,) or not inside(organ, centre[None])[0]:
        raise InputError(f"the centre must lie in {organ.name} (LPS, mm)", got=np.round(centre, 1).tolist())
    short = shape.diameter_mm / 2 / shape.elongation ** (1 / 3)
    turn = np.eye(3) if rng is None else np.linalg.qr(rng.normal(size=(3, 3)))[0]
    whole = ellipsoid(name, organ.grid, centre, [short * shape.elongation, short, short], axes=turn)
    return Structure(name=name, role="CTV", grid=organ.grid, mask_zyx=whole.mask_zyx & organ.mask_zyx)


def parallel_catheters(target: Structure, *, direction: npt.ArrayLike = (1.0, 0.0, 0.0)) -> tuple[Catheter, ...]:
    """Parallel straight catheters through a lesion, in a hexagonal pattern.

    The distance of neighbours is a third of the lesion's width, within 10 and 22 mm; the middle one runs through the
    lesion's middle; those are kept that stay at least a quarter of the distance inside the lesion's outline.

    Parameters
    ----------
    target : Structure
    direction : (3,) array
        From hub to tip in LPS; (1, 0, 0) comes from the patient's right.
    """
    along = np.asarray(direction, dtype=np.float64)
    norm = float(np.linalg.norm(along))
    if along.shape != (3,) or not norm > 0:
        raise InputError("direction must be three numbers, not all 0", got=along.tolist())
    along = along / norm
    # Two axes across: any vector that is not along gives the first.
    across = np.cross(along, np.eye(3)[int(np.argmin(np.abs(along)))])
    across /= np.linalg.norm(across)
    plane = np.stack((across, np.cross(along, across)), axis=1)
    place = target.voxels_mm
    flat, depth = place @ plane, place @ along
    middle = flat.mean(axis=0)
    width_mm = 2 * float(np.sqrt(((flat - middle) ** 2).sum(axis=1).max()))
    pitch = float(np.clip(width_mm / 3, _MINIMUM_PITCH_MM, _MAXIMUM_PITCH_MM))
    rings = int(np.ceil(width_mm / pitch)) + 1
    spots = []
    for i in range(-rings, rings + 1):
        for j in range(-rings, rings + 1):
            spot = middle + pitch * np.array([i + j / 2, j * np.sqrt(3) / 2])
            # The lesion's own voxels round the line: all six neighbours at a quarter of the pitch must be hit.
            round_it = spot + pitch / 4 * np.stack((np.cos(_HEXAGON), np.sin(_HEXAGON)), axis=1)
            near = np.sqrt(((flat - spot) ** 2).sum(axis=1)) < pitch / 2
            hit = [
                bool((((flat[near] - p) ** 2).sum(axis=1) < target.grid.spacing_mm.max() ** 2).any()) for p in round_it
            ]
            if all(hit) or (i == j == 0):
                core = near if near.any() else np.ones(len(flat), dtype=np.bool_)
                spots.append((spot, depth[core].min(), depth[core].max()))
    return tuple(
        Catheter(
            f"cath_{k + 1}",
            np.stack([plane @ spot + along * w for w in np.linspace(low - _BEFORE_MM, high + _BEYOND_MM, 3)]),
        )
        for k, (spot, low, high) in enumerate(spots)
    )


_HEXAGON = np.arange(6) * np.pi / 3
