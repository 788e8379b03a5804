"""NRRD files: ITK reads what was written, to the last bit."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from hdrplan.errors import ResourceError
from hdrplan.geometry import Grid, Volume
from hdrplan.io.image_files import open_image
from hdrplan.io.images import write_volume


@pytest.mark.parametrize("kind", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "int64", "float32", "float64"])
def test_itk_reads_the_same(kind: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    turned = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    grid = Grid(shape_zyx=(3, 4, 5), origin_mm=[-31.7, 1 / 3, 402.1], spacing_mm=[0.7, 1.1, 3.3], direction=turned)
    values = (100 * rng.random((3, 4, 5))).astype(kind)
    write_volume(tmp_path / "image.nrrd", Volume(grid, values))
    image = sitk.ReadImage(str(tmp_path / "image.nrrd"))
    assert sitk.GetArrayViewFromImage(image).dtype == np.dtype(kind)
    assert np.array_equal(sitk.GetArrayViewFromImage(image), values)
    assert image.GetOrigin() == tuple(grid.origin_mm)
    assert np.allclose(image.GetSpacing(), grid.spacing_mm, rtol=1e-14)
    assert np.allclose(np.reshape(image.GetDirection(), (3, 3)), turned, atol=1e-14)
    assert np.array_equal(open_image(tmp_path / "image.nrrd").values, values)


def test_a_view_is_written_as_it_looks(tmp_path: Path) -> None:
    values = np.arange(120, dtype=">f4").reshape(4, 5, 6)[:, ::2, ::-1]
    grid = Grid(shape_zyx=values.shape, origin_mm=[0, 0, 0], spacing_mm=[1, 1, 1])
    write_volume(tmp_path / "image.nrrd", Volume(grid, values))
    assert np.array_equal(open_image(tmp_path / "image.nrrd").values, values)


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("the system has no full device")
    (tmp_path / "image.nrrd").symlink_to(full)
    grid = Grid(shape_zyx=(40, 50, 60), origin_mm=[0, 0, 0], spacing_mm=[1, 1, 1])
    noise = np.random.default_rng(0).random((40, 50, 60))
    with pytest.raises(ResourceError, match=r"image\.nrrd: .*No space left"):
        write_volume(tmp_path / "image.nrrd", Volume(grid, noise))
