"""A CT and everything segmented on it, from whatever files and folders they lie in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from hdrplan.cautions import Caution, each_once
from hdrplan.errors import FormatError, HdrPlanError, InputError
from hdrplan.geometry import Catheter, Grid, Outline, Structure, Volume, structure_of_contours
from hdrplan.io.case.frames import check_structures
from hdrplan.io.dicom.ct import CTSeries
from hdrplan.io.dicom.folder import DicomFile, dicom_file, dicom_files
from hdrplan.io.dicom.patients import checked_strangers
from hdrplan.io.files import sha256
from hdrplan.io.header_names import names_beside, names_in_header
from hdrplan.io.image_files import Image, is_image, open_image, structure_name
from hdrplan.io.image_places import doubts_of_labels, doubts_of_orientation
from hdrplan.io.label_maps import is_names, read_names
from hdrplan.io.regions import Regions, read_regions
from hdrplan.io.scan_catheters import find_catheters, is_curves
from hdrplan.io.scan_ct import find_ct
from hdrplan.kinds import for_packed, what_is

__all__ = ["Scan", "read_scan"]

# HU: every scan of a trunk has air, -1000 HU, beside or inside the patient; labels and masks are never negative.
_AIR_HU = -200.0
# Labels change at surfaces alone, scans from voxel to voxel: less than 0.2 and more than 0.7 on real ones.
_LABELS_CHANGE = 0.5
# Layers of images in folders of folders: CT and a folder of masks beside it.
_DEPTH = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scan:
    """A CT and its structures.

    Parameters
    ----------
    ct : Volume
        HU.
    structures : tuple of Structure
        Of all files, with the role "other" and names that differ.
    catheters : tuple of Catheter
        Of curves of 3D Slicer that lie beside the CT.
    kinds : tuple of (str, str)
        File or folder, and what it was taken for.
    left_out : tuple of (str, str)
        Names without a structure, and why.
    hashes : mapping of str to str
        File -> SHA-256; folders and DICOM files without their names.
    warnings : tuple of Caution
    """

    ct: Volume
    structures: tuple[Structure, ...]
    catheters: tuple[Catheter, ...]
    kinds: tuple[tuple[str, str], ...]
    left_out: tuple[tuple[str, str], ...]
    hashes: Mapping[str, str]
    warnings: tuple[Caution, ...]


def read_scan(sources: Sequence[Path], *, names: Path | None = None, accept_other_patient: bool = False) -> Scan:
    """Read a CT and the segmentations that lie beside it.

    Parameters
    ----------
    sources : sequence of Path
        Files and folders, in any order: one CT (NIfTI, NRRD, MetaImage, or a DICOM series), and any of label maps with
        names (in their header, a JSON beside or among them, or ``names``), masks named by their files,
        ``.seg.nrrd``, DICOM Segmentations, RT Structure Sets, curves of 3D Slicer (``.mrk.json``) as
        catheters. The same CT may lie there twice, as a DICOM series and as a file of its own.
    names : Path, optional
        JSON of names for label maps that have none of their own.
    accept_other_patient : bool
        Take DICOM files of another PatientID or StudyInstanceUID than the CT's, with a warning.

    Raises
    ------
    InputError
        No CT, or several; a structure file of another frame of reference or patient; nothing that lies in the CT.
    FormatError
        A file that cannot be read; a label map without names.
    """
    given = {Path(source) for source in sources}
    images, clinical, curves = _files(sources)
    listed = [path for path in curves if path in given and is_names(path)]
    if listed:
        curves = [path for path in curves if path not in listed]
        names = _only_names([*filter(None, [names]), *listed])
    slices = [file for file in clinical if file.kind == "CT"]
    drawn = [file for file in clinical if file.kind in ("RS", "SEG")]
    sorts = {path: _sort_of(open_image(path)) for path in images}
    scans = [path for path, sort in sorts.items() if sort == "CT"]
    others = [path for path, sort in sorts.items() if sort == "other"]
    _check_others(others, given=given, has_ct=bool(scans or slices))
    found = find_ct(scans, slices, drawn, given=given, where=sources[0])
    series, ct = found.series, found.volume
    strangers = checked_strangers([*slices[:1], *drawn], accept=accept_other_patient, where=sources[0])
    warnings = [*strangers, *(series.warnings if series else doubts_of_orientation(found.path))]
    kinds = [found.kind]
    read: list[tuple[str, Regions]] = []
    unread = [(name, "the same CT once more") for name in found.same]
    unread += [(structure_name(path), "no voxel") for path, sort in sorts.items() if sort == "empty"]
    unread += [(path.name, "neither a CT in HU nor labels") for path in others]
    catheters, of_curves, unread_curves = find_catheters(curves, given=given, ct=ct.grid)
    for path in (path for path, sort in sorts.items() if sort == "labels"):
        regions = _of_image(path, names)
        kinds.append((path.name, f"{regions.kind}, {_counted(regions)}"))
        warnings += [*doubts_of_orientation(path), *doubts_of_labels(path, ct.grid)]
        read.append((path.name, regions))
    for file in drawn:
        _check_frame(file, series)
        regions = read_regions(file.path)
        kinds.append((file.kind, f"{regions.kind}, {_counted(regions)}"))
        read.append((file.kind, regions))
    kinds += of_curves
    structures, left_out, notes = _inside(read, ct.grid)
    if read and not structures:
        reasons = "; ".join(f"{name}: {why}" for name, why in left_out[:5])
        raise InputError("structures must lie inside the CT", got=reasons, where=sources[0])
    return Scan(
        ct=ct,
        structures=structures,
        kinds=tuple(kinds),
        catheters=catheters,
        left_out=(*unread, *unread_curves, *left_out),
        hashes={_said(Path(s), k, len(sources)): sha256(Path(s)) for k, s in enumerate(sources, start=1)},
        warnings=each_once([*warnings, *(w for _, r in read for w in r.warnings), *notes]),
    )


def _only_names(listed: Sequence[Path]) -> Path:
    if len(listed) > 1:
        raise InputError(
            "one file of names for all label maps",
            got=f"{len(listed)}: {', '.join(path.name for path in listed)}"[:120],
            remedy="Put each beside its label map under the same name: ct_labels.nii.gz, ct_labels.json.",
        )
    return listed[0]


def _said(source: Path, number: int, count: int) -> str:
    """Return what a record calls a source: planning systems name folders and DICOM files after patients."""
    if source.is_file() and is_image(source):
        return source.name
    kind = "folder" if source.is_dir() else "DICOM file"
    return kind if count == 1 else f"{kind}, source {number}"


def _files(sources: Sequence[Path]) -> tuple[list[Path], list[DicomFile], list[Path]]:
    """Return the images, the DICOM files and the files of curves among files and folders."""
    images: list[Path] = []
    clinical: list[DicomFile] = []
    curves: list[Path] = []
    for source in map(Path, sources):
        if source.is_dir():
            images += _files_of(source, _DEPTH, is_image)
            curves += _files_of(source, _DEPTH, is_curves)
            clinical += dicom_files(source)[0]
        elif is_image(source):
            images.append(source)
        elif source.suffix.lower() in (".json", ".csv"):
            curves.append(source)
        else:
            file = dicom_file(source)
            if file is None:
                what = what_is(source) or source.name
                raise FormatError(
                    "expected a CT or a segmentation: NIfTI, NRRD, MetaImage or DICOM",
                    got=what,
                    where=source,
                    remedy=for_packed(what),
                )
            clinical.append(file)
    return list(dict.fromkeys(images)), list({f.path: f for f in clinical}.values()), list(dict.fromkeys(curves))


def _files_of(folder: Path, depth: int, wanted: Callable[[Path], bool]) -> list[Path]:
    inside = sorted(folder.iterdir())
    files = [path for path in inside if path.is_file() and wanted(path) and not path.name.startswith(".")]
    if depth > 1:
        for path in inside:
            files += _files_of(path, depth - 1, wanted) if path.is_dir() and not path.is_symlink() else []
    return files


def _sort_of(image: Image) -> Literal["CT", "labels", "empty", "other"]:
    """Return what an image is: "other" is neither a CT in HU nor whole labels, such as a dose."""
    if image.values.ndim != 3 or any(key.startswith("Segment0_") for key in image.header):
        return "labels"
    if not image.values.any():
        return "empty"
    low, high = float(image.values.min()), float(image.values.max())
    if low <= _AIR_HU:
        return "CT"
    if low < 0 or high > np.iinfo(np.uint16).max or _changes(image.values) > _LABELS_CHANGE:
        return "other"
    return "labels"


def _check_others(others: Sequence[Path], *, given: Set[Path], has_ct: bool) -> None:
    """Refuse an image of no use that was given by its own path, and any where no CT was found: it may be meant as one.

    In a folder beside a CT it is left out: an export for 3D Slicer has the dose beside CT and structures.
    """
    for path in others:
        if path in given or not has_ct:
            image = open_image(path)  # owns the memory of its values
            raise FormatError(
                "expected a CT in HU (air at -1000) or whole labels from 0",
                got=f"values from {float(image.values.min()):g} to {float(image.values.max()):g}",
                where=path,
                remedy="A CT stored from 0 must be rescaled to HU; other kinds of scans are not planned on.",
            )


def _changes(values: npt.NDArray[Any]) -> float:
    """Fraction of the voxels with a value whose neighbour along the rows has another."""
    here, there = values[..., :-1], values[..., 1:]
    return float((here != there)[here != 0].mean()) if here.any() else 0.0


def _of_image(path: Path, names: Path | None) -> Regions:
    """Return the structures of an image; labels that nobody named are refused."""
    if names_in_header(path):
        return read_regions(path)
    regions, own = read_regions(path), names or names_beside(path)
    if regions.kind not in ("label map", "mask"):
        return regions
    if own is not None and (regions.kind == "label map" or _names_it(own, path)):
        return read_regions(path, names=own)
    if regions.kind == "mask":
        return regions
    raise FormatError(
        "labels need names: in the header (TotalSegmentator), a JSON file beside it, or `names`",
        got=f"{len(regions.regions)} labels without",
        where=path,
        remedy='Write {"1": "liver", ...} as JSON.',
    )


def _names_it(names: Path, mask: Path) -> bool:
    """Whether a file of names has one for the value of a mask."""
    image = open_image(mask)  # owns the memory of its values
    return int(image.values.max()) in read_names(names)


def _counted(regions: Regions) -> str:
    count = len(regions.regions)
    return f"{count} structure{'s' * (count != 1)}"


def _check_frame(file: DicomFile, series: CTSeries | None) -> None:
    """Refuse structures of another frame of reference than the CT's."""
    frames = (file.refers_to | {file.frame_uid}) - {""}
    if series is not None and series.frame_uid and frames and not frames & {series.frame_uid, series.series_uid}:
        raise InputError(
            "structures must share the CT's frame of reference",
            got="another FrameOfReferenceUID",
            where=file.kind,
            remedy="Export CT and structures together.",
        )


def _inside(
    read: Iterable[tuple[str, Regions]], ct: Grid
) -> tuple[tuple[Structure, ...], tuple[tuple[str, str], ...], list[Caution]]:
    """Return what lies in the CT under names that differ, and what does not."""
    structures: dict[str, Structure] = {}
    left_out: list[tuple[str, str]] = []
    notes: list[Caution] = []
    for file, regions in read:
        left_out += regions.left_out
        for region in regions.regions:
            try:
                structure, of_contours = _structure(region, ct)
                notes += [*of_contours, *check_structures((structure,), ct)]
            except HdrPlanError as error:
                left_out.append((region.name, str(error)))
                continue
            name = structure.name if structure.name not in structures else f"{structure.name} ({file})"
            structures[name] = replace(structure, name=name)
    return tuple(structures.values()), tuple(left_out), notes


def _structure(region: Outline | Structure, ct: Grid) -> tuple[Structure, tuple[Caution, ...]]:
    if isinstance(region, Structure):
        return region, ()
    return structure_of_contours(region.name, "other", region.contours_mm, ct)
