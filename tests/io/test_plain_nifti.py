"""Plain NIfTI files are read as ITK reads them, and whatever is not plain is left to ITK."""

import gzip
import io
import itertools
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from as_itk import assert_read_as_by_itk

from hdrplan.errors import FormatError
from hdrplan.geometry import Volume
from hdrplan.io import packed_voxels
from hdrplan.io.image_files import open_image
from hdrplan.io.plain_nifti import plain_header, plain_values

KINDS = ["uint8", "int8", "int16", "uint16", "int32"]
FLIPS = [signs for signs in itertools.product((1.0, -1.0), repeat=3)]


def written(path: Path, kind: str, signs: tuple[float, ...]) -> Path:
    rng = np.random.default_rng(len(str(path)))
    values = rng.integers(0, 100, (4, 5, 6)).astype(kind)
    image = sitk.GetImageFromArray(values)
    image.SetOrigin((-31.25, 17.1, 402.7))
    image.SetSpacing((0.9765625, 1.1, 3.3))
    image.SetDirection(np.diag(signs).ravel().tolist())
    sitk.WriteImage(image, str(path))
    return path


@pytest.mark.parametrize("signs", FLIPS)
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_as_itk_reads_it(signs: tuple[float, ...], ending: str, tmp_path: Path) -> None:
    for kind in KINDS:
        path = written(tmp_path / f"{kind}{ending}", kind, signs)
        assert plain_header(path) is not None
        plain, _ = assert_read_as_by_itk(path)
        assert plain.grid.shape_zyx == (4, 5, 6)


def changed(path: Path, at: int, form: str, *numbers: float) -> Path:
    content = bytearray(path.read_bytes())
    struct.pack_into(form, content, at, *numbers)
    path.write_bytes(bytes(content))
    return path


@pytest.mark.parametrize(
    ("at", "form", "numbers"),
    [
        (112, "<2f", (2.0, 0.0)),  # scaled values
        (112, "<2f", (1.0, -1024.0)),
        (123, "<B", (1,)),  # metres
        (123, "<B", (0,)),  # no unit
        (252, "<h", (0,)),  # no qform
        (254, "<h", (0,)),  # no sform
        (256, "<3f", (0.1, 0.0, 0.995)),  # oblique
        (268, "<f", (31.5,)),  # qform elsewhere
        (284, "<f", (0.01,)),  # sform oblique
        (280, "<f", (-1.0,)),  # sform of another voxel size
        (76, "<f", (2.0,)),  # neither left- nor right-handed
        (70, "<2h", (768, 32)),  # another type
        (40, "<5h", (4, 6, 5, 2, 2)),  # four-dimensional
    ],
)
def test_what_is_not_plain_is_left_to_itk(at: int, form: str, numbers: tuple[float, ...], tmp_path: Path) -> None:
    path = written(tmp_path / "image.nii", "int16", (1.0, 1.0, 1.0))
    assert plain_header(path) is not None
    assert plain_header(changed(path, at, form, *numbers)) is None


def test_the_other_byte_order_is_read(tmp_path: Path) -> None:
    path = written(tmp_path / "image.nii", "int16", (1.0, 1.0, 1.0))
    little, content = open_image(path), path.read_bytes()
    fields = [(0, "i"), (40, "8h"), (70, "2h"), (76, "8f"), (108, "3f"), (252, "2h"), (256, "18f")]
    head = bytearray(content[:352])
    for start, form in fields:
        struct.pack_into(f">{form}", head, start, *struct.unpack_from(f"<{form}", content, start))
    path.write_bytes(bytes(head) + np.frombuffer(content[352:], "<i2").astype(">i2").tobytes())
    header = plain_header(path)
    assert header is not None
    assert header.kind == np.dtype(">i2")
    big = plain_values(path, header)
    assert big.dtype == np.dtype("int16")
    assert np.array_equal(big, little.values)
    assert np.array_equal(header.frame.origin_mm, little.grid.origin_mm)


@pytest.mark.parametrize("damage", ["cut", "flipped", "checksum"])
def test_damaged_voxels_are_refused(damage: str, tmp_path: Path) -> None:
    path = written(tmp_path / "image.nii.gz", "int16", (1.0, 1.0, 1.0))
    content = bytearray(path.read_bytes())
    if damage == "cut":
        content = content[:-12]
    elif damage == "checksum":
        content[-6] ^= 0xFF
    else:
        unpacked = bytearray(gzip.decompress(bytes(content)))
        content = bytearray(gzip.compress(bytes(unpacked[:-10])))
    path.write_bytes(bytes(content))
    with pytest.raises(FormatError, match=r"must be whole|must lie inside the file"):
        open_image(path)


@pytest.mark.parametrize("at_once", [1, 5, 1 << 18])
def test_packed_bytes_are_those_that_gzip_reads(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One member and several, empty ones, zeros behind them, few bytes at a time; cut short or with a bit turned."""
    monkeypatch.setattr(packed_voxels, "_READ_BYTES", at_once)
    monkeypatch.setattr(packed_voxels, "_UNPACKED_BYTES", at_once)
    rng = np.random.default_rng(at_once)
    refused = 0
    for _ in range(300):
        parts = [rng.integers(0, 3, rng.integers(0, 60)).astype(np.uint8).tobytes() for _ in range(rng.integers(1, 4))]
        packed = bytearray(b"".join(gzip.compress(part) + b"\0" * int(rng.choice([0, 0, 3])) for part in parts))
        damage = rng.choice(["none", "cut", "bit"])
        if damage == "cut":
            packed = packed[: rng.integers(1, len(packed))]
        elif damage == "bit":
            packed[rng.integers(len(packed))] ^= 1 << int(rng.integers(8))
        first = int(rng.integers(0, 9))
        n = max(1, sum(map(len, parts)) - first + int(rng.choice([0, 0, 4])))
        room = bytearray(n)
        try:
            with gzip.open(io.BytesIO(packed)) as stream:
                stream.seek(first)
                want = stream.read(n) + stream.read(1)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            refused += 1
            want = None
        try:
            filled = packed_voxels.unpack_into(io.BytesIO(packed), first, memoryview(room))
        except (EOFError, zlib.error):
            # Of a turned bit in a header, such as a date, zlib says more than Python does.
            assert want is None or damage == "bit"
            continue
        # A turned bit may make more bytes than are asked for: neither then comes to the checksum.
        assert want is not None or damage == "bit"
        assert want is None or bytes(room[: max(0, filled)]) == want[:n]
    assert 30 < refused < 250


def test_voxels_become_a_volume_without_a_copy(tmp_path: Path) -> None:
    image = open_image(written(tmp_path / "image.nii.gz", "int16", (1.0, 1.0, 1.0)))
    assert Volume(image.grid, image.values).values_zyx is image.values
