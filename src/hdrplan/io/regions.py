"""Any structures, for doses that are stored: contours or masks, in a DICOM file, an image file or a folder of masks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hdrplan.catalogue import IMAGE_ENDINGS
from hdrplan.cautions import Caution
from hdrplan.errors import FormatError, InputError
from hdrplan.geometry import Outline, Structure
from hdrplan.io.dicom.folder import DicomFile, description_of
from hdrplan.io.dicom.segmentation import segmentation_of
from hdrplan.io.dicom.sop_classes import LABEL_MAP, SEGMENTATION
from hdrplan.io.dicom.structures import ROI, checked_structure_set
from hdrplan.io.dicom.tags import read_tags
from hdrplan.io.header_names import names_in_header
from hdrplan.io.image_files import is_image, open_image, structure_name
from hdrplan.io.label_maps import read_label_map, read_mask, read_names
from hdrplan.io.segmentations import read_segment_names, read_segmentation

__all__ = ["Regions", "read_regions"]

_MAXIMUM_LABELS = 2000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Regions:
    """The structures of a file or folder.

    Parameters
    ----------
    regions : tuple of Outline or Structure
    left_out : tuple of (str, str)
        Names of structures without a volume, and why.
    kind : str
        What was read, in words.
    file : DicomFile or None
        Whose it is and what it refers to, where it is DICOM.
    frame_uid, uid : str
        Frame of reference and own UID; empty where there are none.
    numbers : mapping of str to int
        ROI numbers by name, for DICOM.
    warnings : tuple of Caution
    """

    regions: tuple[Outline | Structure, ...]
    left_out: tuple[tuple[str, str], ...]
    kind: str
    file: DicomFile | None = None
    frame_uid: str = ""
    uid: str = ""
    numbers: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[Caution, ...] = ()


def read_regions(path: Path, *, names: Path | None = None) -> Regions:
    """Read structures of any kind.

    Parameters
    ----------
    path : Path
        RT Structure Set, DICOM Segmentation, ``.seg.nrrd``, label map or mask (NIfTI, NRRD, MetaImage), or a folder of
        masks, each named by its file.
    names : Path, optional
        JSON file of names for a label map; without it structures are called as its own header says, else by their
        values.

    Raises
    ------
    InputError, FormatError
        No such file, another kind, no structure in it.
    """
    path = Path(path)
    if path.is_dir():
        regions = _of_folder(path)
    elif is_image(path):
        regions = _of_image(path, names)
    else:
        regions = _of_dicom(path)
    if not regions.regions:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in regions.left_out[:5])
        raise InputError("at least one structure must have a volume", got=reasons or "no structure", where=path)
    return regions


def _of_dicom(path: Path) -> Regions:
    tags = read_tags(path)
    file = description_of(tags, path)
    if tags.text("SOPClassUID") in (SEGMENTATION, LABEL_MAP):
        segments = segmentation_of(tags)
        return Regions(
            regions=segments.structures,
            left_out=segments.left_out,
            kind="DICOM segmentation",
            file=file,
            frame_uid=segments.frame_uid,
            uid=file.uid if file is not None else "",
            warnings=segments.warnings,
        )
    drawn = checked_structure_set(tags)
    regions: list[Outline] = []
    left_out: list[tuple[str, str]] = []
    numbers: dict[str, int] = {}
    names = [roi.name for roi in drawn.rois]
    for roi in drawn.rois:
        name = roi.name if roi.name and names.count(roi.name) == 1 else f"{roi.name} #{roi.number}".strip()
        if roi.closed_mm:
            regions.append(Outline(name, roi.closed_mm))
            numbers[name] = roi.number
        else:
            left_out.append((name, _nothing(roi)))
    return Regions(
        regions=tuple(regions),
        left_out=tuple(left_out),
        kind="RT structure set",
        file=file,
        frame_uid=drawn.frame_uid,
        uid=drawn.uid,
        numbers=numbers,
        # Left out is what has none: said once.
        warnings=tuple(note for note in drawn.warnings if note.id != "roi-without-contours"),
    )


def _nothing(roi: ROI) -> str:
    if roi.points_mm:
        return "points only"
    return "open curves only" if roi.open_mm else "no contours"


def _of_image(path: Path, names: Path | None) -> Regions:
    if names is None and names_in_header(path):
        names = path
    if names is not None:
        known = dict.fromkeys(read_names(names).values())
        structures = read_label_map(path, names, dict.fromkeys(known, "other"), optional=tuple(known))
        return _masks(structures, tuple(known), "label map")
    image = open_image(path)
    if any(key.startswith("Segment0_") for key in image.header):
        listed = read_segment_names(path)
        structures = read_segmentation(path, dict.fromkeys(listed, "other"), optional=listed)
        return _masks(structures, listed, "segmentation of 3D Slicer")
    values = image.scalars("a label map has one label a voxel")
    labels = np.unique(values)
    labels = labels[labels != 0]
    if len(labels) > _MAXIMUM_LABELS or (labels != np.rint(labels)).any():
        raise FormatError(
            f"a label map has whole numbers, at most {_MAXIMUM_LABELS} of them", got=len(labels), where=path
        )
    if len(labels) == 1:
        return _masks((image.structure(structure_name(path), "other", values != 0),), (), "mask")
    called = tuple(image.structure(f"label {label:g}", "other", values == label) for label in labels.tolist())
    return _masks(called, (), "label map")


def _of_folder(folder: Path) -> Regions:
    paths = sorted(p for p in folder.iterdir() if is_image(p))
    if not paths:
        raise InputError(
            f"expected a folder of masks ({', '.join(IMAGE_ENDINGS)})",
            got="none in it",
            where=folder,
            remedy="Of DICOM exports give the structure file, or the folder alone for all of its doses.",
        )
    structures: list[Structure] = []
    left_out: list[tuple[str, str]] = []
    for path in paths:
        if not open_image(path).values.any():
            left_out.append((structure_name(path), "no voxel"))
        else:
            structures.append(read_mask(path, structure_name(path), "other"))
    return Regions(regions=tuple(structures), left_out=tuple(left_out), kind="folder of masks")


def _masks(structures: tuple[Structure, ...], listed: tuple[str, ...], kind: str) -> Regions:
    there = {structure.name for structure in structures}
    left_out = tuple((name, "no voxel") for name in listed if name not in there)
    return Regions(regions=structures, left_out=left_out, kind=kind)
