"""Sums of voxels under a shape that is moved over them, for all places of the shape at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray

__all__ = ["moved_sums"]

_FACTORS = (2, 3, 5)


def moved_sums(
    fields_zyx: Sequence[npt.NDArray[np.generic]],
    shapes_zyx: Sequence[npt.NDArray[np.generic]],
    *,
    float_type: type[np.floating] = np.float64,
) -> FloatArray:
    """Return the sum of every field, weighted with every shape, at each place at which the shape lies in the field.

    By Fourier transforms of NumPy, each of them made once: what scipy.signal does, but its import takes 0.8 CPU s,
    since it brings scipy.stats and scipy.optimize.

    Parameters
    ----------
    fields_zyx : sequence of arrays
        All of one size, (n_z, n_y, n_x).
    shapes_zyx : sequence of arrays
        All of one size, none larger than the fields', (m_z, m_y, m_x).
    float_type : type
        The numbers that are computed with: half the memory with ``np.float32``.

    Returns
    -------
    (n_fields, n_shapes, n_z - m_z + 1, n_y - m_y + 1, n_x - m_x + 1) array
        At (0, 0, 0) the first voxel of the shape lies on the first voxel of the field.
    """
    size, shape = np.array(fields_zyx[0].shape), np.array(shapes_zyx[0].shape)
    # What wraps around lands on places that are not returned: the field's own size is enough.
    padded = tuple(_quick_length(int(n)) for n in size)
    axes = tuple(range(len(padded)))
    valid = tuple(slice(0, int(n)) for n in size - shape + 1)
    transforms = [np.fft.rfftn(field.astype(float_type), padded, axes) for field in fields_zyx]
    weights = [np.conj(np.fft.rfftn(part.astype(float_type), padded, axes)) for part in shapes_zyx]
    return np.array([[np.fft.irfftn(a * b, padded, axes)[valid] for b in weights] for a in transforms])


def _quick_length(length: int) -> int:
    """Return the next length without prime factors above 5, which transforms take at their full speed."""
    while True:
        rest = length
        for factor in _FACTORS:
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return length
        length += 1
