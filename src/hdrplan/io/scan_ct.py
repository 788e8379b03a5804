"""The one CT among files and folders; the same CT may lie there more than once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hdrplan.errors import InputError
from hdrplan.geometry import Volume
from hdrplan.io.dicom.ct import CTSeries, read_ct_slices
from hdrplan.io.dicom.folder import DicomFile
from hdrplan.io.images import read_volume

__all__ = ["FoundCT", "find_ct"]

# Two files of one CT: converters write positions in float32, and HU may be rounded to whole ones.
_SAME_MM = 1e-2
_SAME_HU = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoundCT:
    """A CT and what it was read from.

    Parameters
    ----------
    volume : Volume
        HU.
    kind : (str, str)
        File, and what it is.
    path : Path
        Of an image file; of a series, of its first slice.
    series : CTSeries or None
        None of an image file.
    same : tuple of str
        Other files that hold the same CT.
    """

    volume: Volume
    kind: tuple[str, str]
    path: Path
    series: CTSeries | None
    same: tuple[str, ...] = ()


def find_ct(
    scans: Sequence[Path], slices: Sequence[DicomFile], drawn: Sequence[DicomFile], *, given: Set[Path], where: Path
) -> FoundCT:
    """Return the CT of image files and DICOM slices.

    Parameters
    ----------
    scans : sequence of Path
        Images in HU.
    slices, drawn : sequence of DicomFile
        CT slices of any series; structures, which say what series they were drawn on.
    given : set of Path
        Those that were given by their own path: whoever names two files means two CTs.
    where : Path
        What messages name.

    Raises
    ------
    InputError
        None, or several that differ.
    """
    series = _series(slices, drawn)
    # A series first: it has the identity that structures refer to.
    if len({len(files) for files in series.values()}) > 1:
        raise _several(series)
    first, *others = _all_of(scans, series, where)
    same = all(_is_same(first.volume, other.volume) for other in others)
    if not same and len(series) > 1:
        raise _several(series)
    if not same or (others and all(path in given for path in scans) and not series):
        listed = ", ".join([*(path.name for path in scans), *(["a DICOM series"] if series else [])])
        remedy = "Give one of them: they are the same." if same else "Give its file or folder."
        raise InputError("expected one CT", got=listed, where=where, remedy=remedy)
    again = tuple(other.path.name if other.series is None else "a DICOM series" for other in others)
    return replace(first, same=again)


def _all_of(scans: Sequence[Path], series: dict[str, list[DicomFile]], where: Path) -> Iterator[FoundCT]:
    if not scans and not series:
        raise InputError(
            "expected one CT", got="none", where=where, remedy="Give its file or folder; a CT in HU has air."
        )
    for files in series.values():
        read = read_ct_slices([file.path for file in files])
        kind = ("CT", f"DICOM series of {len(files)} slices")
        yield FoundCT(volume=read.volume, kind=kind, path=files[0].path, series=read)
    for path in scans:
        yield FoundCT(volume=read_volume(path), kind=(path.name, "CT"), path=path, series=None)


def _several(series: dict[str, list[DicomFile]]) -> InputError:
    listed = "; ".join(f"{len(files)} slices, series ...{uid[-8:]}" for uid, files in series.items())
    return InputError("expected one CT series", got=len(series), remedy=f"Give one of them. There are: {listed}.")


def _series(slices: Sequence[DicomFile], drawn: Sequence[DicomFile]) -> dict[str, list[DicomFile]]:
    """Return the slices of each CT series, or of the only one that structures were drawn on."""
    series: dict[str, list[DicomFile]] = {}
    for file in slices:
        series.setdefault(file.series_uid, []).append(file)
    if len(series) > 1:
        linked = {uid for uid in series if any(uid in file.refers_to for file in drawn)}
        frames = {file.frame_uid for file in drawn} - {""}
        linked = linked or {uid for uid, files in series.items() if files[0].frame_uid in frames}
        series = {uid: files for uid, files in series.items() if uid in linked} if len(linked) == 1 else series
    return series


def _is_same(one: Volume, other: Volume) -> bool:
    """Whether two volumes hold the same values at the same places, whatever the order of their axes."""
    grid, again = one.grid, other.grid
    if sorted(grid.shape_zyx) != sorted(again.shape_zyx):
        return False
    # Axes of the other one, by the directions of the first: a converter may have turned or flipped them.
    turned = grid.direction.T @ again.direction
    axes = np.abs(turned).argmax(axis=1)
    if sorted(axes) != [0, 1, 2] or np.abs(np.abs(turned[np.arange(3), axes]) - 1.0).max() > 1e-3:
        return False
    values = np.transpose(other.values_zyx, [2 - axes[2], 2 - axes[1], 2 - axes[0]])
    signs = np.sign(turned[np.arange(3), axes])
    values = values[:: int(signs[2]), :: int(signs[1]), :: int(signs[0])]
    if values.shape != one.values_zyx.shape or np.abs(grid.spacing_mm - again.spacing_mm[axes]).max() > _SAME_MM:
        return False
    corner = np.zeros(3)
    corner[axes] = np.where(signs < 0, np.array(grid.shape_zyx[::-1]) - 1, 0)
    if np.abs(again.world(corner[None])[0] - grid.world(np.zeros((1, 3)))[0]).max() > _SAME_MM:
        return False
    # Slice by slice: the difference of two large scans would take as much memory again.
    return all(
        float(np.abs(a.astype(np.float32) - b.astype(np.float32)).max()) <= _SAME_HU
        for a, b in zip(one.values_zyx, values, strict=True)
    )
