"""Images on disk: CT volumes, label maps, masks, 3D Slicer segmentations. NIfTI, NRRD, MHA, DICOM series folders.

SimpleITK gives every format in LPS. Headers are believed only after their claims were compared with the file's size.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hdrplan.errors import FormatError, InputError, ResourceError
from hdrplan.geometry import Grid, Role, Structure, Volume
from hdrplan.io.files import existing_file, json_object
from hdrplan.io.image_headers import check_text_header
from hdrplan.memory import require_memory

__all__ = [
    "read_label_map",
    "read_mask",
    "read_names",
    "read_segment_names",
    "read_segmentation",
    "read_volume",
    "write_volume",
]

SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".mha")
MAX_BYTES = 8 << 30
# Deflate shrinks at most 1032 to 1; bzip2 of zeros more, but no real image.
MAX_RATIO = 1100
# HU of CT; dose and density volumes pass too. Beyond is a broken header.
MAX_ABS_VALUE = 1e6


def read_volume(path: Path) -> Volume:
    """Read a CT (or any scalar volume) from a file or a DICOM series folder.

    Raises
    ------
    FormatError
        Not an image, not three-dimensional, more than one value a voxel, NaN.
    """
    if Path(path).is_dir():
        from hdrplan.io.dicom.ct import read_ct_series

        return read_ct_series(Path(path)).volume
    image, _ = _image(Path(path))
    grid, values = _grid(image, path), _values(image)
    if values.ndim != 3:
        raise FormatError("expected one value a voxel", got=f"{values.shape[-1]}", where=path)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise FormatError(
            "voxel values must be finite", got=f"{int((~np.isfinite(values)).sum())} NaN or infinite", where=path
        )
    if np.abs(values[values != values.min()]).max(initial=0) > MAX_ABS_VALUE:
        raise FormatError(f"voxel values must lie within {MAX_ABS_VALUE:g}", got=f"{values.max():g}", where=path)
    return Volume(grid, values)


def read_names(path: Path) -> dict[int, str]:
    """Read the names file of a label map: JSON, either ``{"32": "lesion_B"}`` or ``{"lesion_B": 32}``."""
    names: dict[int, str] = {}
    for key, value in json_object(path).items():
        try:
            label, name = (int(key), value) if isinstance(value, str) else (int(value), key)
        except (TypeError, ValueError, OverflowError):
            raise FormatError(
                'expected pairs such as "32": "lesion_B"', got=f"{key!r}: {value!r}"[:120], where=path
            ) from None
        if label in names:
            raise FormatError("each label value stands once", got=f"{label} twice", where=path)
        names[label] = name
    return names


def read_label_map(
    path: Path, names_path: Path, wanted: Mapping[str, Role], *, optional: Collection[str] = ()
) -> tuple[Structure, ...]:
    """Read the structures named in ``wanted`` from a label map with a names file.

    Structures that the names file does not know are left to other files; each result has its own cropped grid. Those
    named in ``optional`` may be without a voxel, and are left out then.

    Raises
    ------
    FormatError
        Labels that are not whole numbers, two values of one name.
    InputError
        A wanted structure without a voxel.
    """
    names = read_names(names_path)
    labels = {name: [value for value, known in names.items() if known == name] for name in wanted}
    image, _ = _image(path)
    grid, values = _grid(image, path), _values(image)
    if values.ndim != 3:
        raise FormatError("a label map has one label a voxel", got=f"{values.shape[-1]} values", where=path)
    if values.dtype.kind == "f" and not (np.isfinite(values).all() and (values == np.rint(values)).all()):
        raise FormatError("labels must be whole numbers", got="fractions or NaN", where=path)
    found = []
    for name, role in wanted.items():
        if len(labels[name]) > 1:
            raise FormatError("each structure name stands once", got=f"{name!r} for {labels[name]}", where=names_path)
        if labels[name]:
            mask = values == labels[name][0]
            if name not in optional or mask.any():
                found.append(_structure(name, role, grid, mask, path))
    return tuple(found)


def read_mask(path: Path, name: str, role: Role) -> Structure:
    """Read one structure from a mask: 0 outside, one other value inside."""
    image, _ = _image(path)
    grid, values = _grid(image, path), _values(image)
    if values.ndim != 3:
        raise FormatError("a mask has one value a voxel", got=f"{values.shape[-1]}", where=path)
    inside = np.unique(values[values != 0]) if values.dtype.kind != "f" or np.isfinite(values).all() else np.array([])
    if len(inside) != 1:
        raise FormatError(
            "a mask is 0 outside and one other value inside",
            got=f"{len(inside)} other values",
            where=path,
            remedy="For a label map give its names file.",
        )
    return _structure(name, role, grid, values != 0, path)


def read_segmentation(
    path: Path, wanted: Mapping[str, Role] | None = None, *, optional: Collection[str] = ()
) -> tuple[Structure, ...]:
    """Read segments of a 3D Slicer ``.seg.nrrd``: overlapping layers and cropped extents included.

    ``wanted`` None reads every segment, with role "other"; those named in ``optional`` may be without a voxel. The
    file's own space origin holds the crop, so the extents in the header are not needed.

    References
    ----------
    3D Slicer developer guide, "Segmentations file format" (Segment fields Name, LabelValue, Layer).
    """
    image, header = _image(path)
    grid, values = _grid(image, path), _values(image)
    layers = values[..., np.newaxis] if values.ndim == 3 else values
    segments = _segments(header, layers.shape[-1], path)
    if wanted is None:
        wanted = {name: "other" for name in segments}
    return tuple(
        _structure(name, role, grid, layers[..., segments[name][1]] == segments[name][0], path)
        for name, role in wanted.items()
        if name in segments and (name not in optional or (layers[..., segments[name][1]] == segments[name][0]).any())
    )


def read_segment_names(path: Path) -> tuple[str, ...]:
    """Return the names of all segments of a ``.seg.nrrd``, empty ones too."""
    image, header = _image(path)
    return tuple(_segments(header, image.GetNumberOfComponentsPerPixel(), path))


def _segments(header: Mapping[str, str], n_layers: int, path: Path) -> dict[str, tuple[int, int]]:
    """Name -> (label value, layer) from the header; files older than layers hold one segment a layer."""
    segments: dict[str, tuple[int, int]] = {}
    for k in range(100_000):
        if f"Segment{k}_ID" not in header and f"Segment{k}_Name" not in header:
            break
        name = header.get(f"Segment{k}_Name", header.get(f"Segment{k}_ID", ""))
        try:
            label = int(header.get(f"Segment{k}_LabelValue", "1"))
            layer = int(header.get(f"Segment{k}_Layer", str(k)))
        except ValueError:
            raise FormatError("LabelValue and Layer are whole numbers", got="text", where=f"{path}, {name}") from None
        if not 0 <= layer < n_layers:
            raise FormatError(f"the file has {n_layers} layers", got=f"layer {layer}", where=f"{path}, {name}")
        if name in segments:
            raise FormatError("segment names must differ", got=f"{name!r} twice", where=path)
        segments[name] = (label, layer)
    if not segments:
        raise FormatError(
            "expected a 3D Slicer segmentation (Segment0_Name ...)",
            got="no segment in the header",
            where=path,
            remedy="A plain label map needs names = 'labels.json'.",
        )
    return segments


def _structure(name: str, role: Role, grid: Grid, mask: npt.NDArray[np.bool_], path: Path) -> Structure:
    """Return the structure on the smallest box that holds it."""
    if not mask.any():
        raise InputError(f"structure {name!r} must have voxels", got="none", where=path)
    box = [np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {k}))) for k in range(3)]
    low, high = [int(b[0]) for b in box], [int(b[-1]) + 1 for b in box]
    crop = mask[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    return Structure(
        name=name, role=role, grid=grid.box(low[::-1], (crop.shape[0], crop.shape[1], crop.shape[2])), mask_zyx=crop
    )


def _image(path: Path) -> tuple[Any, dict[str, str]]:
    """SimpleITK image and header of a file, after its claims were checked."""
    import SimpleITK as sitk  # noqa: N813 (its own documentation's name)

    existing_file(path)
    if not str(path).lower().endswith(SUFFIXES):
        raise FormatError(f"expected an image ({', '.join(SUFFIXES)})", got=path.name, where=path)
    check_text_header(path)
    _refuse_detached(path)
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        size, parts = reader.GetSize(), reader.GetNumberOfComponents()
        if len(size) != 3:
            raise FormatError("expected a three-dimensional image", got=f"{len(size)} dimensions", where=path)
        claimed = float(np.prod([float(n) for n in size])) * max(1, parts)
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
        image = reader.Execute()
    except RuntimeError as error:
        raise FormatError("not a readable image", got=_reason(error), where=path) from None
    return image, _header(reader)


def _header(reader: Any) -> dict[str, str]:
    """Text fields of the header; broken ones are no text and are left out."""
    header: dict[str, str] = {}
    for key in reader.GetMetaDataKeys():
        try:
            header[key] = reader.GetMetaData(key)
        except (TypeError, UnicodeError):
            continue
    return header


def _reason(error: Exception) -> str:
    """Return the last sentence of an ITK exception, without its source paths."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].split("): ")[-1][:200] if lines else type(error).__name__


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


def _grid(image: Any, path: Path) -> Grid:
    size = image.GetSize()
    numbers = np.array([*image.GetOrigin(), *image.GetSpacing(), *image.GetDirection()])
    # 100 m: farther, or coarser, is a damaged header.
    if not (np.abs(numbers) < 1e5).all():
        raise FormatError(
            "origin and spacing must be mm, direction cosines at most 1", got=[f"{n:g}" for n in numbers], where=path
        )
    try:
        return Grid(
            shape_zyx=(size[2], size[1], size[0]),
            origin_mm=np.array(image.GetOrigin()),
            spacing_mm=np.array(image.GetSpacing()),
            direction=np.array(image.GetDirection()).reshape(3, 3),
        )
    except InputError as error:
        raise FormatError(error.expected, got=error.got, where=path) from None


def _values(image: Any) -> npt.NDArray[Any]:
    import SimpleITK as sitk  # noqa: N813

    return np.asarray(sitk.GetArrayViewFromImage(image))


def write_volume(path: Path, volume: Volume) -> None:
    """Write a volume as .nrrd, .nii.gz or .mha (compressed), by its suffix; the caller gives a path that is free."""
    import SimpleITK as sitk  # noqa: N813

    image = sitk.GetImageFromArray(volume.values_zyx)
    image.SetOrigin(volume.grid.origin_mm.tolist())
    image.SetSpacing(volume.grid.spacing_mm.tolist())
    image.SetDirection(volume.grid.direction.ravel().tolist())
    try:
        sitk.WriteImage(image, str(path), useCompression=True)
    except RuntimeError:
        # ITK says much and not why: the system's words for it are not passed on.
        raise ResourceError(
            "the image cannot be written", where=path.name, remedy="Is the disk full, or the folder not writable?"
        ) from None


def names_json(names: Mapping[int, str]) -> str:
    """Text of a names file."""
    return json.dumps({str(value): name for value, name in names.items()}, indent=1) + "\n"
