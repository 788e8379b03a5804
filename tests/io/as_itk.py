"""An image that is read without ITK is what ITK reads."""

from pathlib import Path

import numpy as np

from hdrplan.io.image_files import Image, _opened_by_itk, open_grid, open_image


def assert_read_as_by_itk(path: Path) -> tuple[Image, Image]:
    """Compare voxels and grid, and return the image as it was read without and with ITK."""
    plain, by_itk = open_image(path), _opened_by_itk(path)
    assert plain.pixels is None
    assert plain.values.dtype == by_itk.values.dtype
    assert np.array_equal(plain.values, by_itk.values)
    for name in ("origin_mm", "spacing_mm", "direction"):
        assert np.array_equal(getattr(plain.grid, name), getattr(by_itk.grid, name)), name
    assert plain.grid.shape_zyx == open_grid(path).shape_zyx == by_itk.grid.shape_zyx
    return plain, by_itk
