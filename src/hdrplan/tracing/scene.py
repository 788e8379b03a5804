"""A CT made ready for tracing: noise smoothed, and how deep in the body each point lies."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import cKDTree

from hdrplan.arrays import FloatArray
from hdrplan.errors import InputError
from hdrplan.geometry import Grid, Volume

__all__ = ["NOISE_MM", "Scene", "scene_of"]

# Standard deviation of the filter against noise: half the radius of a 6F catheter still stands out.
NOISE_MM = 0.8
# The body is found on voxels of this size, as what is denser than this (fat has -100 HU, air -1000).
_COARSE_MM, _BODY_HU = 2.0, -300.0
# Slices farther apart than this do not hold what a catheter is between them.
_THICKEST_MM = 6.0
# A tube is wiped out to this radius, with what lies at this distance from its middle; where another that is not known
# may touch it, its core alone.
_WIPED_MM, _CORE_MM, _AROUND_MM = 2.0, 1.4, 4.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """A CT that catheters are traced on.

    Parameters
    ----------
    grid : Grid
        Of the CT.
    hu_zyx : (nz, ny, nx) array
        As stored, without what lies beyond -1024 and 3071 HU.
    smooth_zyx : (nz, ny, nx) array
        HU, smoothed by 0.8 mm where the voxels are finer.
    depth_zyx : array
        mm below the skin, negative outside the body, on every ``stride`` th voxel.
    stride : (3,) array of int
        Along z, y, x.
    noise_hu : float
        Standard deviation of the smoothed values between neighbours inside the body.
    """

    grid: Grid
    hu_zyx: npt.NDArray[np.float32]
    smooth_zyx: npt.NDArray[np.float32]
    depth_zyx: npt.NDArray[np.float32]
    stride: npt.NDArray[np.int64]
    noise_hu: float

    def smooth_at(self, points_mm: FloatArray) -> FloatArray:
        """Smoothed HU at points (..., 3)."""
        return _values(self.smooth_zyx, self.grid.index(points_mm)[..., ::-1])

    def hu_at(self, points_mm: FloatArray) -> FloatArray:
        """Return stored HU at points (..., 3)."""
        return _values(self.hu_zyx, self.grid.index(points_mm)[..., ::-1])

    def depth_at(self, points_mm: FloatArray) -> FloatArray:
        """Depth below the skin in mm at points (..., 3); negative outside the body."""
        return _values(self.depth_zyx, self.grid.index(points_mm)[..., ::-1] / self.stride)

    def to_border_mm(self, point_mm: FloatArray) -> float:
        """Distance of a point (3,) from the nearest outer face of the scan."""
        index = self.grid.index(point_mm[None])[0]
        beyond = np.subtract(self.grid.shape_zyx[::-1], 1) - index
        return float((np.minimum(index, beyond) * self.grid.spacing_mm).min())

    def without(self, line_mm: FloatArray, keep_mm: FloatArray | None = None) -> Scene:
        """Return the scene with a tube wiped out: its voxels get the value of what is around them.

        Parameters
        ----------
        line_mm : (n, 3) array
            The middle of the tube, points up to 1 mm apart.
        keep_mm : (m, 3) array, optional
            The middle of another; voxels that are nearer to it stay.
        """
        spacing = self.grid.spacing_mm
        reach = np.ceil(_WIPED_MM / spacing).astype(int)
        offsets = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in reach), indexing="ij"), axis=-1).reshape(-1, 3)
        near = np.rint(self.grid.index(line_mm)).astype(int)[:, None] + offsets
        voxels = np.unique(near.reshape(-1, 3), axis=0)
        voxels = voxels[((voxels >= 0) & (voxels < self.grid.shape_zyx[::-1])).all(axis=1)]
        tree = cKDTree(line_mm)
        away, nearest = tree.query(self.grid.world(voxels))
        wiped_out = away < (_CORE_MM if keep_mm is None else _WIPED_MM)
        if keep_mm is not None:
            wiped_out &= away < cKDTree(keep_mm).query(self.grid.world(voxels))[0]
        voxels, nearest = voxels[wiped_out], nearest[wiped_out]
        axes = np.concatenate((np.eye(3), -np.eye(3))) * _AROUND_MM
        around = np.median(self.smooth_at(line_mm[:, None] + axes), axis=1)
        wiped = self.smooth_zyx.copy()
        wiped[tuple(voxels.T[::-1])] = around[nearest]
        return replace(self, smooth_zyx=wiped)


def _values(volume_zyx: npt.NDArray[np.float32], index_zyx: FloatArray) -> FloatArray:
    """Trilinear values; beyond the outer voxels those of the border."""
    places = index_zyx.reshape(-1, 3).T
    found = ndimage.map_coordinates(volume_zyx, places, order=1, mode="nearest", output=np.float32)
    return np.asarray(found.reshape(index_zyx.shape[:-1]), dtype=np.float64)


def scene_of(ct: Volume) -> Scene:
    """Make a CT ready for tracing.

    Parameters
    ----------
    ct : Volume
        HU, with the air around the patient.

    Raises
    ------
    InputError
        Slices or voxels too far apart to show a catheter, or no body in the scan.
    """
    spacing = ct.grid.spacing_mm[::-1]
    if spacing.max() > _THICKEST_MM or min(ct.grid.shape_zyx) < 5:
        raise InputError(
            f"catheters are traced on at least 5 slices, voxels up to {_THICKEST_MM:g} mm",
            got=f"{' x '.join(map(str, ct.grid.shape_zyx))} voxels of {' x '.join(f'{s:.3g}' for s in spacing)} mm",
            remedy="Reconstruct thin slices (1 mm) of the planning CT.",
        )
    hu = np.clip(ct.values_zyx, -1024, 3071).astype(np.float32)
    # A voxel blurs like a Gaussian of 0.3 of its edge; slices thicker than the filter are left alone.
    blur = np.sqrt(np.maximum(NOISE_MM**2 - (0.3 * spacing) ** 2, 0.05))
    smooth = ndimage.gaussian_filter(hu, np.where(spacing < 2 * NOISE_MM, blur, 0.0) / spacing)
    stride = np.maximum(1, np.rint(_COARSE_MM / spacing)).astype(np.int64)
    coarse = smooth[:: stride[0], :: stride[1], :: stride[2]]
    body = _body(coarse)
    inner = ndimage.distance_transform_edt(body, spacing * stride)
    outer = ndimage.distance_transform_edt(~body, spacing * stride)
    return Scene(
        grid=ct.grid,
        hu_zyx=hu,
        smooth_zyx=smooth,
        depth_zyx=(inner - outer).astype(np.float32),
        stride=stride,
        noise_hu=_noise(smooth, body, stride),
    )


def _body(coarse: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Return the largest thing denser than air, without what is thinner than 8 mm (catheters, sheets), filled."""
    dense = ndimage.binary_opening(coarse > _BODY_HU, ndimage.generate_binary_structure(3, 1), iterations=2)
    labels, count = ndimage.label(dense)
    if count == 0:
        raise InputError("expected a body in the CT", got="nothing denser than -300 HU and thicker than 8 mm")
    body = labels == int(np.bincount(labels.ravel())[1:].argmax()) + 1
    for layer in body:
        layer[:] = ndimage.binary_fill_holes(layer)
    return np.asarray(body)


def _noise(smooth: npt.NDArray[np.float32], body: npt.NDArray[np.bool_], stride: npt.NDArray[np.int64]) -> float:
    """Robust standard deviation of second differences, along rows, of soft tissue."""
    rows = smooth[:: stride[0], :: stride[1]]
    inside = body[:, :, 1:-1]
    centre = rows[:, :, :: stride[2]]
    bend = (centre[:, :, 2:] - 2 * centre[:, :, 1:-1] + centre[:, :, :-2])[inside & (np.abs(centre[:, :, 1:-1]) < 200)]
    # Of three independent values: variance 1 + 4 + 1.
    return float(np.median(np.abs(bend)) / 0.6745 / np.sqrt(6.0)) if bend.size else 0.0
