"""Any stored dose: RT Dose, or an image whose unit is given; and which structures belong to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from hdrplan.cautions import Caution, caution
from hdrplan.errors import InputError
from hdrplan.geometry import Volume
from hdrplan.io.dicom.dose import StoredDVH, dose_grid_of
from hdrplan.io.dicom.folder import DicomFile, description_of
from hdrplan.io.dicom.patients import checked_strangers
from hdrplan.io.dicom.tags import read_tags
from hdrplan.io.image_files import is_image
from hdrplan.io.images import read_volume
from hdrplan.io.regions import Regions
from hdrplan.plausibility import doubts_of_dose

__all__ = ["DoseUnit", "StoredDose", "checked_pair", "dose_partners", "read_dose"]

DoseUnit = Literal["Gy", "cGy"]
_GY: dict[str, float] = {"Gy": 1.0, "cGy": 0.01}
# Headers, or data, of images in two files.
_TWO_FILES = (".mhd", ".nhdr", ".hdr", ".img", ".raw", ".zraw")
# A dose of the whole plan; others are a part of it.
_WHOLE = ("", "PLAN", "MULTI_PLAN")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredDose:
    """A dose that was computed elsewhere.

    Parameters
    ----------
    volume : Volume
        Gy.
    kind : str
        What was read, in words.
    file : DicomFile or None
        Whose it is and what it refers to, where it is DICOM.
    frame_uid, structures_uid : str
        Frame of reference, and the structure set that the dose names; empty where there are none.
    full_scale_gy : float or None
        Where the dose tops out.
    dvhs : tuple of StoredDVH
        That an RT Dose holds.
    warnings : tuple of Caution
    """

    volume: Volume
    kind: str
    file: DicomFile | None = None
    frame_uid: str = ""
    structures_uid: str = ""
    full_scale_gy: float | None = None
    dvhs: tuple[StoredDVH, ...] = ()
    warnings: tuple[Caution, ...] = ()


def read_dose(path: Path, *, unit: DoseUnit | None = None) -> StoredDose:
    """Read a dose.

    Parameters
    ----------
    path : Path
        RT Dose, or NIfTI, NRRD, MetaImage.
    unit : {"Gy", "cGy"}, optional
        Of an image, which does not state it; an RT Dose does.

    Raises
    ------
    InputError
        An image without a unit, an RT Dose with one.
    FormatError
        As :func:`dose_grid_of` and :func:`read_volume`.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError("expected the file of a dose", got="a folder", where=path)
    if not is_image(path):
        if path.suffix.lower() in _TWO_FILES:
            raise InputError(
                "expected an image with header and data in one file",
                got=path.suffix,
                where=path,
                remedy="Convert it to .nii.gz, .nrrd or .mha.",
            )
        if unit is not None:
            raise InputError("an RT Dose states its own unit", got=f"`unit={unit}`", where=path, remedy="Leave it out.")
        tags = read_tags(path)
        grid = dose_grid_of(tags)
        # Whether a structure reaches the full scale is said of the structure; a DVH is of any dose.
        notes = [n for n in grid.warnings if n.id not in ("dose-full-scale", "dose-of-media")]
        if grid.summation.upper() not in _WHOLE:
            notes.append(caution("dose-of-a-part", summation=grid.summation))
        return StoredDose(
            volume=grid.volume,
            kind=f"RT Dose, summation type {grid.summation or 'not stated'}",
            file=description_of(tags, path),
            frame_uid=grid.frame_uid,
            structures_uid=grid.structures_uid,
            full_scale_gy=grid.full_scale_gy,
            dvhs=grid.dvhs,
            warnings=tuple(notes),
        )
    if unit not in _GY:
        raise InputError(
            "the unit of a dose image must be given",
            got="none" if unit is None else repr(unit),
            where=path,
            remedy='`unit="Gy"` or `unit="cGy"`.',
        )
    image = read_volume(path)
    values = np.asarray(image.values_zyx, dtype=np.float32) * np.float32(_GY[unit])
    negative = int((values < 0).sum())
    volume = Volume(image.grid, values)
    below = [caution("dose-negative", count=negative)] if negative else []
    return StoredDose(volume=volume, kind=f"image in {unit}", warnings=(*below, *doubts_of_dose(volume)))


def checked_pair(dose: StoredDose, regions: Regions, *, accept: bool, where: object) -> tuple[Caution, ...]:
    """Refuse structures of another patient or frame of reference than the dose, or warn where they are accepted.

    Parameters
    ----------
    dose : StoredDose
    regions : Regions
    accept : bool
    where : object
        What the message names.

    Raises
    ------
    InputError
        Not accepted.
    """
    files = [file for file in (dose.file, regions.file) if file is not None]
    notes = list(checked_strangers(files, accept=accept, where=where))
    if dose.frame_uid and regions.frame_uid and dose.frame_uid != regions.frame_uid:
        if not accept:
            raise InputError(
                "dose and structures must have one frame of reference",
                got="two FrameOfReferenceUIDs",
                where=where,
                remedy="If they were registered to each other: `accept_other_patient=True`.",
            )
        notes.append(caution("other-frame"))
    if len(files) == 2:
        links = {
            "dose and structures: one patient": all(file.patient_id for file in files),
            "dose and structures: one frame of reference": bool(dose.frame_uid and regions.frame_uid),
        }
        unsaid = [link for link, is_stated in links.items() if not is_stated]
        notes += [caution("links-not-stated", links="; ".join(unsaid))] if unsaid else []
    if dose.structures_uid and regions.uid and dose.structures_uid != regions.uid:
        notes.append(caution("uid-of-structures"))
    return tuple(notes)


def dose_partners(files: Sequence[DicomFile]) -> list[tuple[DicomFile, list[DicomFile]]]:
    """Return every dose of an export with the structures that belong to it.

    Those that it names, or that its plan names; otherwise all of the same patient and frame of reference.
    """
    drawn = [file for file in files if file.kind in ("RS", "SEG")]
    plans = {file.uid: file for file in files if file.kind == "RP"}
    partners = []
    for dose in (file for file in files if file.kind == "RD"):
        named = set(dose.refers_to)
        for uid in dose.refers_to & plans.keys():
            named |= plans[uid].refers_to
        own = [file for file in drawn if file.uid in named]
        if not own:
            own = [file for file in drawn if _same_place(dose, file)]
        partners.append((dose, own))
    return partners


def _same_place(dose: DicomFile, drawn: DicomFile) -> bool:
    frames = drawn.refers_to | {drawn.frame_uid}
    return dose.patient_id == drawn.patient_id and bool(dose.frame_uid) and dose.frame_uid in frames
