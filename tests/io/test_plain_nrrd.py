"""Plain NRRD files are read as ITK reads them, and whatever is not plain is left to ITK."""

import gzip
import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from as_itk import assert_read_as_by_itk

from hdrplan.errors import FormatError
from hdrplan.geometry import Grid, Structure
from hdrplan.io.image_files import _reader_of, open_header, open_image
from hdrplan.io.itk_words import text_fields
from hdrplan.io.plain_nrrd import plain_nrrd
from hdrplan.io.segmentations import read_segmentation, write_segmentation

HEAD = (
    "NRRD0004",
    "# by hand",
    "type: unsigned char",
    "dimension: 3",
    "space: left-posterior-superior",
    "sizes: 6 5 4",
    "space directions: (0.9765625,0,0) (0,1.1,0) (0,0,3.3)",
    "kinds: domain domain domain",
    "endian: little",
    "encoding: gzip",
    "space origin: (-31.25,17.1,402.7)",
    "Segment0_Name:=Läsion",
)


def written(path: Path, *changes: tuple[str, str], n_bytes: int = 120) -> Path:
    head = "\n".join(HEAD)
    for old, new in changes:
        assert old in head
        head = head.replace(old, new)
    voxels = np.random.default_rng(len(head)).integers(0, 100, n_bytes).astype(np.uint8).tobytes()
    path.write_bytes(f"{head}\n\n".encode() + gzip.compress(voxels))
    return path


def assert_as_itk_reads_it(path: Path) -> None:
    plain, _ = assert_read_as_by_itk(path)
    reader = _reader_of(path)
    told = {key: text for key, text in text_fields(reader).items() if not key.startswith(("NRRD_", "ITK_"))}
    assert open_header(path) == (told, reader.GetNumberOfComponents())
    assert plain.header == told


@pytest.mark.parametrize("signs", list(itertools.product("+-", repeat=3)))
def test_as_itk_reads_it(signs: tuple[str, ...], tmp_path: Path) -> None:
    x, y, z = (sign.strip("+") for sign in signs)
    new = f"({x}0.9765625,0,0) (0,{y}1.1,0) (0,0,{z}3.3)"
    directions = ("(0.9765625,0,0) (0,1.1,0) (0,0,3.3)", new)
    assert_as_itk_reads_it(written(tmp_path / "image.nrrd", directions))
    layers = (("dimension: 3", "dimension: 4"), ("sizes: ", "sizes: 3 "), ("directions: ", "directions: none "))
    path = written(tmp_path / "layers.seg.nrrd", directions, *layers, ("kinds: ", "kinds: list "), n_bytes=360)
    assert open_image(path).values.shape == (4, 5, 6, 3)
    assert_as_itk_reads_it(path)


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize(("kind", "size"), [("signed char", 1), ("short", 2), ("uint16", 2), ("int", 4)])
def test_all_whole_numbers_are_read_in_both_orders(kind: str, size: int, order: str, tmp_path: Path) -> None:
    changes = (("unsigned char", kind), ("endian: little", f"endian: {order}"))
    assert_as_itk_reads_it(written(tmp_path / "image.nrrd", *changes, n_bytes=120 * size))


@pytest.mark.parametrize(
    "change",
    [
        ("NRRD0004", "NRRD0003"),
        ("unsigned char", "float"),
        ("left-posterior-superior", "right-anterior-superior"),
        ("(0.9765625,0,0)", "(0.9765625,0.01,0)"),  # oblique
        ("(0.9765625,0,0) (0,1.1,0)", "(0,1.1,0) (0.9765625,0,0)"),  # turned
        ("(0.9765625,0,0)", "(0,0,0)"),
        ("(0,0,3.3)", "none"),
        ("kinds: domain", "kinds: list"),
        ("gzip", "raw"),
        ("kinds:", "centerings: cell cell cell\nkinds:"),  # a field that is not known here
        ("space:", "space: LPS\nspace:"),
        ("Läsion", "two\\nlines"),
        ("# by hand", "# by hand\r"),
        ("sizes: 6 5 4", "sizes: 6 5 2 2"),
    ],
)
def test_what_is_not_plain_is_left_to_itk(change: tuple[str, str], tmp_path: Path) -> None:
    assert plain_nrrd(written(tmp_path / "image.nrrd")) is not None
    assert plain_nrrd(written(tmp_path / "image.nrrd", change)) is None


def test_voxels_that_end_early_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="more voxels than the file holds"):
        open_image(written(tmp_path / "short.nrrd", n_bytes=119))
    path = written(tmp_path / "cut.nrrd")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(FormatError, match="must be whole"):
        open_image(path)


def test_a_segmentation_is_read_without_itk(tmp_path: Path) -> None:
    grid = Grid(shape_zyx=(6, 7, 8), origin_mm=[1.0, 2.0, 3.0], spacing_mm=[1.0, 1.5, 2.0])
    structures = []
    for k in range(3):
        mask = np.zeros(grid.shape_zyx, dtype=np.bool_)
        mask[1 : 3 + k, 2 : 4 + k, 1 + k : 6] = True
        structures.append(Structure(name=f"organ {k}", role="OAR", grid=grid, mask_zyx=mask))
    path = tmp_path / "structures.seg.nrrd"
    write_segmentation(path, structures, grid)
    for one, again in zip(structures, read_segmentation(path), strict=True):
        assert again.name == one.name
        assert np.array_equal(again.voxels_mm, one.voxels_mm)
    code = (
        "import sys\nfrom pathlib import Path\nfrom hdrplan.io.segmentations import read_segmentation\n"
        "read_segmentation(Path(sys.argv[1]))\nassert 'SimpleITK' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
