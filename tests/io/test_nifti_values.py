"""NaN in a NIfTI file is found in its raw voxels: ITK would read 0, and a lesion would shrink without a word."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from hdrplan.errors import FormatError
from hdrplan.io import read_label_map, read_mask, read_volume


def nifti(values_zyx: np.ndarray, order: str = "<") -> bytes:
    """Bytes of a NIfTI-1 file of floats, written from the standard."""
    kind, bits = (16, 32) if values_zyx.dtype == np.float32 else (64, 64)
    head = bytearray(348)
    struct.pack_into(f"{order}i", head, 0, 348)
    struct.pack_into(f"{order}8h", head, 40, 3, *values_zyx.shape[::-1], 1, 1, 1, 1)
    struct.pack_into(f"{order}2h", head, 70, kind, bits)
    struct.pack_into(f"{order}8f", head, 76, 1.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0, 1.0)
    struct.pack_into(f"{order}3f", head, 108, 352.0, 1.0, 0.0)
    head[123] = 2
    struct.pack_into(f"{order}h", head, 252, 1)
    head[344:348] = b"n+1\0"
    return bytes(head) + bytes(4) + values_zyx.astype(values_zyx.dtype.newbyteorder(order)).tobytes()


READERS: list[Callable[[Path, Path], object]] = [
    lambda path, names: read_volume(path),
    lambda path, names: read_mask(path, "CTV", "CTV"),
    lambda path, names: read_label_map(path, names, {"lesion": "CTV"}),
]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("suffix", ["nii", "nii.gz"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_nan_is_refused_with_its_count(
    read: Callable[[Path, Path], object], suffix: str, order: str, kind: type, tmp_path: Path
) -> None:
    (tmp_path / "names.json").write_text('{"1": "lesion"}')
    values = np.zeros((4, 5, 6), kind)
    values[1:3, 1:4, 1:5] = 1
    path = tmp_path / f"mask.{suffix}"
    pack = gzip.compress if suffix == "nii.gz" else bytes
    path.write_bytes(pack(nifti(values, order=order)))
    read(path, tmp_path / "names.json")  # as it should be
    for bad, count in ((np.nan, 6), (np.inf, 1)):
        spoilt = values.copy()
        spoilt.reshape(-1)[np.flatnonzero(values)[:count]] = bad
        path.write_bytes(pack(nifti(spoilt, order=order)))
        with pytest.raises(FormatError, match=f"must be finite, got {count} NaN or infinite"):
            read(path, tmp_path / "names.json")


def test_itk_reads_zero_for_nan(tmp_path: Path) -> None:
    """What makes the check necessary: where this fails one day, it may go."""
    (tmp_path / "m.nii").write_bytes(nifti(np.full((2, 2, 2), np.nan, np.float32)))
    assert (sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "m.nii"))) == 0).all()


@pytest.mark.parametrize("cut", [20, 200])
def test_voxels_that_end_early_are_refused(cut: int, tmp_path: Path) -> None:
    whole = nifti(np.ones((4, 5, 6), np.float32))
    for name, data in (("m.nii", whole[:-cut]), ("m.nii.gz", gzip.compress(whole)[:-6])):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(FormatError):
            read_volume(tmp_path / name)


def test_itk_keeps_its_words_to_itself(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    good = nifti(np.ones((4, 5, 6), np.float32))
    broken = {
        "a.nii": good[:360],
        "b.nrrd": b"NRRD0004\ntype: float\ndimension: 3\nsizes: 4 5 6\nencoding: gzip\nspace: nonsense\n\nxx",
        "c.mha": b"NDims = 3\nDimSize = 4 5 6\nElementType = MET_FLOAT\nElementDataFile = LOCAL\nxx",
        "d.nii.gz": gzip.compress(good)[:40],
        "e.nrrd": b"NRRD0004\ntype: flot\n\n",
    }
    for name, data in broken.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(FormatError):
            read_volume(tmp_path / name)
    assert capfd.readouterr() == ("", "")
