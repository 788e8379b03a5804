"""Image files opened with care: NIfTI, NRRD and MetaImage in LPS, plain ones at once and the rest through SimpleITK.

Headers are believed only after their claims were compared with the file's size: ITK would allocate what they claim.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import BoolArray
from hdrplan.catalogue import IMAGE_ENDINGS
from hdrplan.errors import FormatError, InputError, ResourceError
from hdrplan.geometry import Grid, Role, Structure, cropped_structure
from hdrplan.io.files import existing_file
from hdrplan.io.image_headers import check_text_header
from hdrplan.io.image_orientation import missing_orientation
from hdrplan.io.itk_words import reason_of, text_fields
from hdrplan.io.nifti_values import check_nifti_header, check_nifti_values
from hdrplan.io.noise import without_noise
from hdrplan.io.plain_nifti import Frame, plain_header, plain_values
from hdrplan.io.plain_nrrd import plain_nrrd, plain_nrrd_values
from hdrplan.kinds import what_is
from hdrplan.memory import require_memory

__all__ = ["Image", "image_stem", "is_image", "open_grid", "open_header", "open_image", "structure_name"]

MAX_BYTES = 8 << 30
# Deflate shrinks at most 1032 to 1; bzip2 of zeros more, but no real image.
MAX_RATIO = 1100
# Origins farther, or voxels larger, than 100 m come of a damaged header.
MAX_MM = 1e5


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Image:
    """An image file as it was read.

    Parameters
    ----------
    path : Path
    grid : Grid
    values : (z, y, x) or (z, y, x, layers) array
        Of the file's type; a view of ``pixels``.
    header : mapping of str to str
        Text fields of the header.
    pixels : object
        What owns the memory of ``values``, if that is ITK's image.
    """

    path: Path
    grid: Grid
    values: npt.NDArray[Any]
    header: Mapping[str, str]
    pixels: object

    def scalars(self, expected: str) -> npt.NDArray[Any]:
        """Return the values (z, y, x).

        Parameters
        ----------
        expected : str
            What the message says was expected.

        Raises
        ------
        FormatError
            Several values a voxel.
        """
        if self.values.ndim != 3:
            raise FormatError(expected, got=f"{self.values.shape[-1]} values", where=self.path)
        return self.values

    def layers(self) -> npt.NDArray[Any]:
        """Return the values (z, y, x, layers), one layer where a voxel has one value."""
        return self.values[..., np.newaxis] if self.values.ndim == 3 else self.values

    def structure(self, name: str, role: Role, mask_zyx: BoolArray) -> Structure:
        """Return voxels of the image as a structure on the smallest box that holds them.

        Parameters
        ----------
        name : str
        role : {"CTV", "OAR", "other"}
        mask_zyx : (z, y, x) bool array

        Raises
        ------
        InputError
            No voxel.
        """
        if not mask_zyx.any():
            raise InputError(f"structure {name!r} must have voxels", got="none", where=self.path)
        return cropped_structure(name, role, self.grid, mask_zyx)

    def structure_in(self, box: tuple[slice, slice, slice], name: str, role: Role, mask_zyx: BoolArray) -> Structure:
        """Return voxels of a box of the image, the smallest that holds them, as a structure.

        Parameters
        ----------
        box : three slices
            Along z, y and x.
        name : str
        role : {"CTV", "OAR", "other"}
        mask_zyx : bool array
            Of the box's shape.
        """
        nz, ny, nx = mask_zyx.shape
        grid = self.grid.box([side.start for side in box[::-1]], (nz, ny, nx))
        return Structure(name=name, role=role, grid=grid, mask_zyx=mask_zyx)


def is_image(path: Path) -> bool:
    """Whether a file is an image by its name."""
    return path.name.lower().endswith(IMAGE_ENDINGS)


def image_stem(path: Path) -> str:
    """Return the name of an image file without its ending."""
    ending = max((e for e in IMAGE_ENDINGS if path.name.lower().endswith(e)), key=len, default="")
    return path.name[: len(path.name) - len(ending)]


def structure_name(path: Path) -> str:
    """Return the name of the structure that an image file is named after.

    Composed as people type it: archives that macOS made hold "ä" as two characters, and no option would find the name.
    """
    return unicodedata.normalize("NFC", image_stem(path))


def open_image(path: Path) -> Image:
    """Read an image file after its header's claims were checked.

    Raises
    ------
    InputError, FormatError
        No such file, no image, not three-dimensional, a header that claims what cannot be.
    ResourceError
        An image larger than this machine's memory.
    """
    existing_file(path)
    if not is_image(path):
        raise FormatError(f"expected an image ({', '.join(IMAGE_ENDINGS)})", got=what_is(path) or path.name, where=path)
    _check_header(path)
    if (plain := plain_header(path)) is not None:
        _check_claim(plain.frame.shape_xyz, 1, path)
        grid = _grid_of(plain.frame, path)
        return Image(path=path, grid=grid, values=plain_values(path, plain), header={}, pixels=None)
    if (nrrd := plain_nrrd(path)) is not None:
        _check_claim(nrrd.frame.shape_xyz, nrrd.layers, path)
        grid, values = _grid_of(nrrd.frame, path), plain_nrrd_values(path, nrrd)
        return Image(path=path, grid=grid, values=values, header=nrrd.texts, pixels=None)
    return _opened_by_itk(path)


def _opened_by_itk(path: Path) -> Image:
    import SimpleITK as sitk  # noqa: N813 (its own documentation's name)

    reader = _reader_of(path)
    try:
        check_nifti_values(path)
        with without_noise():
            pixels = reader.Execute()
    except RuntimeError as error:
        raise FormatError("not a readable image", got=reason_of(error), where=path) from None
    return Image(
        path=path,
        grid=_grid(pixels, path),
        values=np.asarray(sitk.GetArrayViewFromImage(pixels)),
        header=text_fields(reader),
        pixels=pixels,
    )


def _reader_of(path: Path) -> Any:
    """Return ITK's reader of a file, which has read its header."""
    import SimpleITK as sitk  # noqa: N813 (its own documentation's name)

    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        with without_noise():
            reader.ReadImageInformation()
        _check_size(reader, path)
    except RuntimeError as error:
        raise FormatError("not a readable image", got=reason_of(error), where=path) from None
    return reader


def open_grid(path: Path) -> Grid:
    """Return the voxels of an image file from its header alone.

    Raises
    ------
    InputError, FormatError, ResourceError
        As :func:`open_image`, apart from the voxels' values.
    """
    existing_file(path)
    _check_header(path)
    if (plain := plain_header(path)) is not None:
        _check_claim(plain.frame.shape_xyz, 1, path)
        return _grid_of(plain.frame, path)
    if (nrrd := plain_nrrd(path)) is not None:
        _check_claim(nrrd.frame.shape_xyz, nrrd.layers, path)
        return _grid_of(nrrd.frame, path)
    return _grid(_reader_of(path), path)


def open_header(path: Path) -> tuple[dict[str, str], int]:
    """Return the text fields of an NRRD header, and how many values a voxel has; errors as :func:`open_grid`.

    Parameters
    ----------
    path : Path
    """
    existing_file(path)
    _check_header(path)
    if (nrrd := plain_nrrd(path)) is not None:
        _check_claim(nrrd.frame.shape_xyz, nrrd.layers, path)
        return nrrd.texts, nrrd.layers
    reader = _reader_of(path)
    return text_fields(reader), int(reader.GetNumberOfComponents())


def _check_header(path: Path) -> None:
    """Refuse what a header says if it cannot be right, before ITK reads it."""
    check_text_header(path)
    check_nifti_header(path)
    _refuse_detached(path)
    missing_orientation(path)


def _check_size(reader: Any, path: Path) -> None:
    """Refuse an image that is not three-dimensional, larger than its file can hold, or than memory."""
    size = reader.GetSize()
    if len(size) != 3:
        raise FormatError("expected a three-dimensional image", got=f"{len(size)} dimensions", where=path)
    _check_claim(size, reader.GetNumberOfComponents(), path)


def _check_claim(size: tuple[int, ...], values: int, path: Path) -> None:
    claimed = float(np.prod([float(n) for n in size])) * max(1, values)
    if claimed > MAX_BYTES:
        raise ResourceError(f"an image of at most {MAX_BYTES >> 30} GiB", got=f"{size} voxels", where=path)
    if claimed > MAX_RATIO * path.stat().st_size:
        raise FormatError(
            "the header claims more voxels than the file can hold",
            got=f"{size} voxels in {path.stat().st_size} bytes",
            where=path,
            remedy="The file is truncated or damaged.",
        )
    # The image, its array, and a float copy while it is judged.
    require_memory(12.0 * claimed, f"an image of {size} voxels", remedy="Crop or resample it.")


def _refuse_detached(path: Path) -> None:
    """Refuse headers that point at other files: data must be in the file that was named (and hashed)."""
    with path.open("rb") as stream:
        start = stream.read(65536).lower()
    head = start.split(b"\n\n", 1)[0]
    if path.suffix.lower() == ".mha":
        _refuse_odd_dimensions(start, path)
    if (path.suffix == ".nrrd" and (b"data file:" in head or b"datafile:" in head)) or (
        path.suffix == ".mha"
        and b"elementdatafile" in start
        and b"local" not in start.split(b"elementdatafile", 1)[1][:20]
    ):
        raise FormatError("the voxels must be in the file itself", got="a header that names another file", where=path)


def _refuse_odd_dimensions(start: bytes, path: Path) -> None:
    """Refuse a MetaImage whose NDims is not 3: ITK loops so often before it doubts the number."""
    for line in start.split(b"elementdatafile", 1)[0].splitlines():
        key, _, value = line.partition(b"=")
        if key.strip() == b"ndims" and value.strip() != b"3":
            raise FormatError(
                "expected a three-dimensional image", got=f"NDims = {value.decode('latin-1')}", where=path
            )


def _grid(pixels: Any, path: Path) -> Grid:
    direction = np.array(pixels.GetDirection()).reshape(3, 3)
    frame = Frame(pixels.GetSize(), np.array(pixels.GetOrigin()), np.array(pixels.GetSpacing()), direction)
    return _grid_of(frame, path)


def _grid_of(frame: Frame, path: Path) -> Grid:
    numbers = np.concatenate((frame.origin_mm, frame.spacing_mm, frame.direction.ravel()))
    if not (np.abs(numbers) < MAX_MM).all():
        raise FormatError(
            "origin and spacing must be mm, direction cosines at most 1", got=[f"{n:g}" for n in numbers], where=path
        )
    nx, ny, nz = frame.shape_xyz
    try:
        return Grid(
            shape_zyx=(nz, ny, nx), origin_mm=frame.origin_mm, spacing_mm=frame.spacing_mm, direction=frame.direction
        )
    except InputError as error:
        raise FormatError(error.expected, got=error.got, where=path) from None
