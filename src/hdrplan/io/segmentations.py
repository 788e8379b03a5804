"""Segmentations of 3D Slicer (``.seg.nrrd``): named segments in layers, read and written."""

from __future__ import annotations

import gzip
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hdrplan.errors import FormatError, InputError
from hdrplan.geometry import Grid, Role, Structure
from hdrplan.io.image_files import open_header, open_image
from hdrplan.io.label_maps import boxes_of
from hdrplan.threads import over_each

__all__ = ["read_segment_names", "read_segmentation", "write_segmentation", "write_segmentations"]

_COLOURS = {"CTV": "0.86 0.16 0.16", "OAR": "0.16 0.47 0.86", "other": "0.6 0.6 0.6"}


def read_segmentation(
    path: Path, wanted: Mapping[str, Role] | None = None, *, optional: Collection[str] = ()
) -> tuple[Structure, ...]:
    """Read segments, overlapping layers and cropped extents included.

    Parameters
    ----------
    path : Path
    wanted : mapping of str to role, optional
        Segments to read, those of other files among them; None reads every segment, with role "other".
    optional : collection of str
        Those of the wanted that may be without a voxel, and are left out then.

    Returns
    -------
    tuple of Structure
        In the order of ``wanted``. The file's own space origin holds the crop: the header's extents are not needed.

    Raises
    ------
    FormatError
        No segment in the header, two of one name, layers that are not there.
    InputError
        A wanted segment without a voxel.

    References
    ----------
    3D Slicer developer guide, "Segmentations file format" (Segment fields Name, LabelValue, Layer).
    """
    image = open_image(path)
    layers = image.layers()
    segments = _segments(image.header, layers.shape[-1], path)
    if wanted is None:
        wanted = {name: "other" for name in segments}
    # The layers of a voxel lie side by side in the file: each is taken out once, and not once for each segment.
    asked = {name: segments[name] for name in wanted if name in segments}
    numbers = sorted({layer for _, layer in asked.values()})
    planes = dict(zip(numbers, over_each(lambda layer: np.ascontiguousarray(layers[..., layer]), numbers), strict=True))

    def boxes_in(number: int) -> dict[int, tuple[slice, slice, slice] | None]:
        return boxes_of(planes[number], [label for label, layer in asked.values() if layer == number])

    boxes = dict(zip(numbers, over_each(boxes_in, numbers), strict=True))

    def structure(name: str) -> Structure | None:
        label, layer = asked[name]
        box = boxes[layer][label]
        if box is not None:
            return image.structure_in(box, name, wanted[name], planes[layer][box] == label)
        if name in optional:
            return None
        raise InputError(f"structure {name!r} must have voxels", got="none", where=path)

    return tuple(found for found in over_each(structure, list(asked)) if found is not None)


def read_segment_names(path: Path) -> tuple[str, ...]:
    """Return the names of all segments, empty ones too: of the header, voxels are not read."""
    return tuple(_segments(*open_header(path), path))


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


def write_segmentations(folder: Path, structures: Sequence[Structure], ct: Grid | None) -> list[str]:
    """Write ``structures.seg.nrrd`` with what lies on the CT's voxels, and a file for each structure that does not.

    Parameters
    ----------
    folder : Path
        Exists.
    structures : sequence of Structure
    ct : Grid or None
        Without a CT each structure gets a file of its own.

    Returns
    -------
    list of str
        Names of the files.
    """
    names = []
    for number, (grid, members) in enumerate(_by_grid(structures, ct)):
        names.append("structures.seg.nrrd" if number == 0 else f"structures_{number + 1}.seg.nrrd")
        write_segmentation(folder / names[-1], members, grid)
    return names


def write_segmentation(path: Path, structures: Sequence[Structure], grid: Grid) -> None:
    """Write ``.seg.nrrd``: structures that overlap go into different layers.

    Parameters
    ----------
    path : Path
    structures : sequence of Structure
        Each on a box of ``grid``, as read from one image.
    grid : Grid
        Voxels of the file.

    Raises
    ------
    InputError
        A structure whose voxels are not voxels of the grid.
    """
    layers: list[npt.NDArray[np.uint8]] = []
    places: list[tuple[int, int, str]] = []
    for structure in structures:
        box = _box(structure, grid)
        free = (k for k, a in enumerate(layers) if not a[box][structure.mask_zyx].any() and int(a.max()) < 255)
        number = next(free, len(layers))
        if number == len(layers):
            layers.append(np.zeros(grid.shape_zyx, dtype=np.uint8))
        label = int(layers[number].max()) + 1
        layers[number][box][structure.mask_zyx] = label
        extent = " ".join(f"{b.start} {b.stop - 1}" for b in box[::-1])
        places.append((number, label, extent))
    header = _header(structures, places, grid, len(layers))
    voxels = np.stack(layers, axis=-1) if len(layers) > 1 else layers[0]
    # mtime 0: the same structures give the same bytes. Level 9 takes twelve times as long for 8 % of the bytes.
    path.write_bytes(header.encode() + gzip.compress(np.ascontiguousarray(voxels).tobytes(), 6, mtime=0))


def _by_grid(structures: Sequence[Structure], ct: Grid | None) -> list[tuple[Grid, list[Structure]]]:
    """Return grids and the structures on them: those on the CT's voxels together, each other one by itself."""
    together: list[Structure] = []
    alone: list[tuple[Grid, list[Structure]]] = []
    for structure in structures:
        if ct is not None and _on_voxels(structure.grid, ct):
            together.append(structure)
        else:
            alone.append((structure.grid, [structure]))
    return ([(ct, together)] if together and ct is not None else []) + alone


def _on_voxels(box: Grid, grid: Grid) -> bool:
    """Whether the box is made of whole voxels inside the grid."""
    nz, ny, nx = box.shape_zyx
    corners = grid.index(box.world([[0, 0, 0], [nx - 1, ny - 1, nz - 1]]))
    near = abs(corners - corners.round()).max() < 0.01 and abs(box.direction - grid.direction).max() < 1e-4
    same_step = abs(box.spacing_mm / grid.spacing_mm - 1).max() < 1e-4
    return bool(near and same_step and grid.contains(box.world([[0, 0, 0], [nx - 1, ny - 1, nz - 1]])).all())


def _box(structure: Structure, grid: Grid) -> tuple[slice, slice, slice]:
    low = grid.index(structure.grid.origin_mm)
    first = np.rint(low).astype(int)
    nz, ny, nx = structure.grid.shape_zyx
    last = first + np.array([nx - 1, ny - 1, nz - 1])
    far = grid.index(structure.grid.world([nx - 1, ny - 1, nz - 1]))
    if np.abs(low - first).max() > 0.01 or np.abs(far - last).max() > 0.01:
        raise InputError(
            "structures of one segmentation must share its voxels", got="another grid", where=structure.name
        )
    if (first < 0).any() or (last[::-1] >= grid.shape_zyx).any():
        raise InputError(
            "structures of one segmentation must lie inside it", got="voxels outside", where=structure.name
        )
    return (
        slice(int(first[2]), int(first[2]) + nz),
        slice(int(first[1]), int(first[1]) + ny),
        slice(int(first[0]), int(first[0]) + nx),
    )


def _line(text: str) -> str:
    """Text that is safe in a NRRD header line: printable, and no end of line of its own."""
    return "".join(c if c.isprintable() else " " for c in text).replace("\\", "/").strip() or "unnamed"


def _header(structures: Sequence[Structure], places: Sequence[tuple[int, int, str]], grid: Grid, n_layers: int) -> str:
    nz, ny, nx = grid.shape_zyx
    axes = [grid.direction[:, k] * grid.spacing_mm[k] for k in range(3)]
    vectors = " ".join(f"({','.join(repr(float(v)) for v in axis)})" for axis in axes)
    many = n_layers > 1
    lines = [
        "NRRD0004",
        "type: unsigned char",
        f"dimension: {4 if many else 3}",
        "space: left-posterior-superior",
        f"sizes: {f'{n_layers} ' if many else ''}{nx} {ny} {nz}",
        f"space directions: {'none ' if many else ''}{vectors}",
        f"kinds: {'list ' if many else ''}domain domain domain",
        "encoding: gzip",
        f"space origin: ({','.join(repr(float(v)) for v in grid.origin_mm)})",
        "Segmentation_ContainedRepresentationNames:=Binary labelmap|",
        "Segmentation_MasterRepresentation:=Binary labelmap",
        "Segmentation_ReferenceImageExtentOffset:=0 0 0",
    ]
    for k, (structure, (layer, label, extent)) in enumerate(zip(structures, places, strict=True)):
        lines += [
            f"Segment{k}_ID:=Segment_{k + 1}",
            f"Segment{k}_Name:={_line(structure.name)}",
            f"Segment{k}_NameAutoGenerated:=0",
            f"Segment{k}_Color:={_COLOURS[structure.role]}",
            f"Segment{k}_ColorAutoGenerated:=0",
            f"Segment{k}_Extent:={extent}",
            f"Segment{k}_LabelValue:={label}",
            f"Segment{k}_Layer:={layer}",
            f"Segment{k}_Tags:=Segmentation.Status:completed|",
        ]
    return "\n".join(lines) + "\n\n"
