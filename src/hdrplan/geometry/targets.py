"""From a lesion to a clinical target volume: parts, margins, smoothing, and lesions grown on the CT from a point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.errors import InputError
from hdrplan.geometry.clearance import mask_on
from hdrplan.geometry.grid import Grid, Volume
from hdrplan.geometry.moved import moved_sums
from hdrplan.geometry.structure import Structure, cropped_structure, inside

__all__ = ["Margin", "grown_lesion", "joined", "parts_of", "smoothed", "with_margin"]

# Parts below this are stray voxels (a sphere of 4 mm has 0.03 cc).
SMALLEST_PART_CC = 0.05
# Voxels around the click that say what the lesion looks like, and what the filter against noise reaches.
_SEED_MM, _NOISE_MM = 3.0, 1.0
# A lesion must differ from the organ by so many standard deviations of the organ's filtered values.
_CONTRAST = 2.0
# Bridges thinner than this are no lesion: vessels, and leaks into other tissue.
_BRIDGE_MM = 4.0
# Bays of the organ up to twice as wide belong to it.
_BAY_MM = 25.0
_MORE_VOXELS = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """A distance to each side of the patient, in mm.

    Parameters
    ----------
    left, right, posterior, anterior, superior, inferior : float
    """

    left: float = 0.0
    right: float = 0.0
    posterior: float = 0.0
    anterior: float = 0.0
    superior: float = 0.0
    inferior: float = 0.0

    def __post_init__(self) -> None:
        if not all(0.0 <= side <= 50.0 for side in self.sides_mm.ravel()):
            raise InputError("margins are 0 to 50 mm", got=", ".join(f"{side:g}" for side in self.sides_mm.ravel()))

    @classmethod
    def all_round(cls, mm: float) -> Margin:
        """Return the same distance to every side."""
        return cls(left=mm, right=mm, posterior=mm, anterior=mm, superior=mm, inferior=mm)

    @property
    def sides_mm(self) -> FloatArray:
        """Distances (3, 2) along x, y, z of LPS: to the positive and to the negative side."""
        return np.array(
            [(self.left, self.right), (self.posterior, self.anterior), (self.superior, self.inferior)], dtype=np.float64
        )


def parts_of(structure: Structure) -> tuple[tuple[Structure, ...], float]:
    """Return the parts of a structure that lie apart, the largest first, and the volume of stray voxels in cc.

    Voxels that share a corner belong together. Several parts are numbered: ``tumour_1``, ``tumour_2``.
    """
    labels, count = ndimage.label(structure.mask_zyx, structure=np.ones((3, 3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    order = np.argsort(-sizes, kind="stable")
    kept = [k for k in order.tolist() if sizes[k] * structure.grid.voxel_cc >= SMALLEST_PART_CC] or order[:1].tolist()
    stray_cc = float(sizes.sum() - sizes[kept].sum()) * structure.grid.voxel_cc
    if len(kept) == count == 1:
        return (structure,), 0.0
    names = [f"{structure.name}_{n}" for n in range(1, len(kept) + 1)] if len(kept) > 1 else [structure.name]
    parts = (
        cropped_structure(name, structure.role, structure.grid, labels == k + 1)
        for name, k in zip(names, kept, strict=True)
    )
    return tuple(parts), stray_cc


def joined(name: str, structures: Sequence[Structure], image: Grid) -> Structure:
    """Return the union of structures of one role on the voxels of an image.

    Parameters
    ----------
    name : str
    structures : sequence of Structure
    image : Grid
    """
    mask = np.zeros(image.shape_zyx, dtype=np.bool_)
    for structure in structures:
        mask |= mask_on(image, structure)
    return cropped_structure(name, structures[0].role, image, mask)


def with_margin(structure: Structure, margin: Margin, *, image: Grid, keep_out: Sequence[Structure] = ()) -> Structure:
    """Return a structure grown by a margin: between two sides it runs as an ellipsoid does.

    Parameters
    ----------
    structure : Structure
        On voxels of ``image``, or on a grid of its own.
    margin : Margin
    image : Grid
        The CT's: the result lies inside it.
    keep_out : sequence of Structure
        Organs into which the margin does not reach; voxels of the structure itself stay.

    Returns
    -------
    Structure
        Same name and role; whole voxels, of which each is in where its centre lies within the margin.
    """
    reach = int(np.ceil(margin.sides_mm.max() / structure.grid.spacing_mm.min())) + 1
    grid, mask = _padded(structure, reach)
    footprint = _footprint(grid, margin)[::-1, ::-1, ::-1]
    room = np.pad(mask, [(n // 2, n // 2) for n in footprint.shape])
    grown = moved_sums([room], [footprint], float_type=np.float32)[0, 0] > 0.5
    z, y, x = np.nonzero(grown & ~mask)
    points_mm = grid.world(np.column_stack((x, y, z)))
    allowed = image.contains(points_mm)
    for organ in keep_out:
        allowed &= ~inside(organ, points_mm)
    grown[z[~allowed], y[~allowed], x[~allowed]] = False
    return cropped_structure(structure.name, structure.role, grid, grown | mask)


def smoothed(structure: Structure, radius_mm: float) -> Structure:
    """Return a structure without details smaller than a radius, of the same volume to half a voxel.

    Parameters
    ----------
    structure : Structure
    radius_mm : float
        Standard deviation of the Gaussian that the mask is filtered with; 0 to 10.
    """
    if not 0.0 <= radius_mm <= 10.0:
        raise InputError("the radius of smoothing is 0 to 10 mm", got=radius_mm)
    if radius_mm == 0.0:
        return structure
    grid, mask = _padded(structure, int(np.ceil(3 * radius_mm / structure.grid.spacing_mm.min())) + 1)
    soft, level = _soft(mask, radius_mm / grid.spacing_mm[::-1])
    return cropped_structure(structure.name, structure.role, grid, soft > level)


def grown_lesion(
    ct: Volume, seed_mm: npt.ArrayLike, name: str, *, organ: Structure, radius_mm: float = 60.0
) -> Structure:
    """Return the lesion around a point of the CT: what looks like the point rather than like the organ around it.

    The CT is filtered against noise; the threshold lies halfway between the values at the point and the organ's
    median. Of the voxels beyond it those that hang together with the point are the lesion, without bridges thinner
    than 4 mm, with its holes filled. A proposal: it must be looked at.

    Parameters
    ----------
    ct : Volume
        HU.
    seed_mm : (3,) array
        Inside the lesion, LPS.
    name : str
    organ : Structure
        That holds the lesion, or surrounds it.
    radius_mm : float
        The lesion lies within this of the point.

    Raises
    ------
    InputError
        A point outside the CT or far from the organ, no contrast, a region that runs out of the organ.
    """
    seed_mm = np.asarray(seed_mm, dtype=np.float64).reshape(3)
    if not ct.grid.contains(seed_mm[None])[0]:
        raise InputError("the point must lie inside the CT", got=f"{seed_mm.round(1).tolist()} mm LPS", where=name)
    grid = ct.grid.cut_to(seed_mm[None], radius_mm + _BAY_MM)
    low = np.rint(ct.grid.index(grid.origin_mm)).astype(int)[::-1]
    box = tuple(slice(a, a + n) for a, n in zip(low, grid.shape_zyx, strict=True))
    spacing_zyx = grid.spacing_mm[::-1]
    hu = ndimage.gaussian_filter(ct.values_zyx[box].astype(np.float32), _NOISE_MM / spacing_zyx, mode="nearest")
    at = np.rint(grid.index(seed_mm)).astype(int)[::-1]
    # A lesion is often a hole in the organ's mask.
    host = _filled(mask_on(grid, organ), spacing_zyx)
    if not host[tuple(at)]:
        raise InputError(f"the point must lie in {organ.name}", got=f"{seed_mm.round(1).tolist()} mm LPS", where=name)
    away_mm = _distance_from(at, grid)
    lesion_hu = float(np.median(hu[host & (away_mm <= max(_SEED_MM, float(spacing_zyx.max())))]))
    organ_hu, noise_hu = _parenchyma(ct, organ, spacing_zyx)
    if abs(lesion_hu - organ_hu) < _CONTRAST * noise_hu:
        raise InputError(
            f"the lesion must differ from {organ.name} by {_CONTRAST:g} standard deviations ({noise_hu:.0f} HU each)",
            got=f"{lesion_hu:.0f} HU at the point, {organ_hu:.0f} HU in {organ.name}",
            where=name,
            remedy="Click on the lesion, or draw it by hand.",
        )
    # As far to the other side: fat, gas and bone beyond the organ are farther away.
    alike = host & (np.abs(hu - lesion_hu) < abs(organ_hu - lesion_hu) / 2)
    mask = _holding(_without_bridges(alike, at, spacing_zyx), at, spacing_zyx)
    if not mask.any() or (mask & (away_mm > radius_mm - spacing_zyx.max())).any():
        raise InputError(
            f"the lesion must end within {radius_mm:g} mm of the point",
            got="a region that runs out" if mask.any() else "no region around the point",
            where=name,
            remedy="Draw it by hand.",
        )
    return cropped_structure(name, "CTV", grid, ndimage.binary_fill_holes(mask))


def _padded(structure: Structure, voxels: int) -> tuple[Grid, BoolArray]:
    mask = np.pad(structure.mask_zyx, voxels)
    nz, ny, nx = mask.shape
    return structure.grid.box([-voxels] * 3, (nz, ny, nx)), mask


def _soft(mask: BoolArray, sigma_voxels: npt.ArrayLike) -> tuple[npt.NDArray[np.float32], float]:
    """Return a mask after a Gaussian filter, and the value above which it has the same number of voxels."""
    soft = ndimage.gaussian_filter(mask.astype(np.float32), sigma_voxels, mode="constant")
    count = int(mask.sum())
    two = np.partition(soft.ravel(), (soft.size - count - 1, soft.size - count))[soft.size - count - 1 :][:2]
    return soft, float(two.mean())


def _footprint(grid: Grid, margin: Margin) -> BoolArray:
    """Offsets of voxels within the margin: in each octant an ellipsoid."""
    # Between centres of voxels margins come out short: of balls of 22 mm at 0.8 to 1.5 mm the radius grew by 0.1 to
    # 0.4 mm too little, with a quarter of a voxel more by 0.2 mm too little to 0.2 mm too much.
    more_mm = _MORE_VOXELS * np.abs(grid.direction) @ grid.spacing_mm
    sides_mm = np.where(margin.sides_mm > 0, margin.sides_mm + more_mm[:, None], 0.0)
    half = np.ceil(sides_mm.max() / grid.spacing_mm).astype(int)
    x, y, z = (np.arange(-n, n + 1) for n in half)
    steps = np.stack(np.meshgrid(z, y, x, indexing="ij")[::-1], axis=-1) * grid.spacing_mm
    away_mm = steps @ grid.direction.T
    reach_mm = np.where(away_mm > 0, sides_mm[:, 0], sides_mm[:, 1])
    # A side without a margin lets nothing through but the voxels themselves.
    share = np.divide(np.abs(away_mm), reach_mm, out=np.where(np.abs(away_mm) > 1e-6, np.inf, 0.0), where=reach_mm > 0)
    return np.asarray((share**2).sum(axis=-1) <= 1.0 + 1e-9)


def _distance_from(at_zyx: npt.NDArray[np.int_], grid: Grid) -> FloatArray:
    axes = [(np.arange(n) - at_zyx[k]) * grid.spacing_mm[::-1][k] for k, n in enumerate(grid.shape_zyx)]
    z, y, x = np.meshgrid(*axes, indexing="ij", sparse=True)
    return np.asarray(np.sqrt(z * z + y * y + x * x))


def _filled(mask: BoolArray, spacing_zyx: FloatArray) -> BoolArray:
    """Organ with its holes, and with the bays that lesions under the capsule leave in its mask."""
    if not mask.any():
        return mask
    near = ndimage.distance_transform_edt(~mask, sampling=spacing_zyx) <= _BAY_MM
    closed = ndimage.distance_transform_edt(near, sampling=spacing_zyx) > _BAY_MM
    return np.asarray(ndimage.binary_fill_holes(mask | closed))


def _parenchyma(ct: Volume, organ: Structure, spacing_zyx: FloatArray) -> tuple[float, float]:
    """Median and robust standard deviation of the organ's filtered HU, half a centimetre inside its surface."""
    low = np.rint(ct.grid.index(organ.grid.origin_mm)).astype(int)[::-1]
    same = np.allclose(organ.grid.spacing_mm, ct.grid.spacing_mm, rtol=1e-3) and bool(
        (low >= 0).all() and (low + organ.grid.shape_zyx <= ct.grid.shape_zyx).all()
    )
    mask = organ.mask_zyx
    if same:
        values = ct.values_zyx[tuple(slice(a, a + n) for a, n in zip(low, mask.shape, strict=True))]
    else:
        values, mask = ct.values_zyx, mask_on(ct.grid, organ)
    hu = ndimage.gaussian_filter(values.astype(np.float32), _NOISE_MM / spacing_zyx, mode="nearest")
    deep = ndimage.distance_transform_edt(np.pad(mask, 1), sampling=spacing_zyx)[1:-1, 1:-1, 1:-1] > 5.0
    inner = hu[deep if deep.any() else mask]
    median = float(np.median(inner))
    return median, float(1.4826 * np.median(np.abs(inner - median)))


def _holding(mask: BoolArray, at_zyx: npt.NDArray[np.int_], spacing_zyx: FloatArray) -> BoolArray:
    """Return the part of a mask that holds a voxel, or lies nearest to it within the seed's radius."""
    labels, _ = ndimage.label(mask)
    near = [
        slice(max(0, c - n), c + n + 1)
        for c, n in zip(at_zyx.tolist(), np.ceil(_SEED_MM / spacing_zyx).astype(int).tolist(), strict=True)
    ]
    around = labels[tuple(near)]
    label = labels[tuple(at_zyx)] or (int(np.bincount(around[around > 0]).argmax()) if around.any() else 0)
    return np.asarray(labels == label) if label else np.zeros_like(mask)


def _without_bridges(mask: BoolArray, at_zyx: npt.NDArray[np.int_], spacing_zyx: FloatArray) -> BoolArray:
    """Open a mask by a ball, keep the part of the point, and give it back the rim that the ball cannot reach."""
    radius_mm = _BRIDGE_MM / 2
    core = ndimage.distance_transform_edt(mask, sampling=spacing_zyx) > radius_mm
    core = _holding(core, at_zyx, spacing_zyx)
    if not core.any():
        return _holding(mask, at_zyx, spacing_zyx)
    near = ndimage.distance_transform_edt(~core, sampling=spacing_zyx) <= radius_mm + float(spacing_zyx.max())
    return np.asarray(mask & near)
