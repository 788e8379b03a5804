"""A clinic's export: CT, structures, plan and dose found and linked by their UIDs, and read together."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hdrplan.cautions import Caution
from hdrplan.errors import InputError
from hdrplan.io.dicom.ct import CTSeries, read_ct_slices
from hdrplan.io.dicom.dose import DoseGrid, read_dose_grid
from hdrplan.io.dicom.folder import Linked, dicom_files, linked_files
from hdrplan.io.dicom.patients import checked_strangers, unreadable_files
from hdrplan.io.dicom.plan import read_brachy_plan
from hdrplan.io.dicom.structures import StructureSet, read_structure_set
from hdrplan.io.files import sha256
from hdrplan.plan import BrachyPlan

__all__ = ["DicomExport", "read_dicom_folder"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class DicomExport:
    """What one export holds; None where there is none of a kind.

    Parameters
    ----------
    ct : CTSeries or None
    structures : StructureSet or None
    plan : BrachyPlan or None
    dose : DoseGrid or None
    hashes : mapping of str to str
        Kind -> SHA-256: no file names, which may name the patient.
    warnings : tuple of Caution
    """

    ct: CTSeries | None
    structures: StructureSet | None
    plan: BrachyPlan | None
    dose: DoseGrid | None
    hashes: Mapping[str, str]
    warnings: tuple[Caution, ...]


def read_dicom_folder(
    folder: Path,
    *,
    plan: str | None = None,
    accept_other_patient: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> DicomExport:
    """Read the objects of an export that belong together.

    Parameters
    ----------
    folder : Path
    plan : str, optional
        Label or file name of the plan, where there are several.
    accept_other_patient : bool
        Take files of another PatientID or StudyInstanceUID than the CT's, with a warning.
    on_progress : callable, optional
        Called with (files, files in all).

    Raises
    ------
    InputError
        No DICOM file, several candidates of a kind (listed), files of another patient.
    FormatError
        A file that cannot be read.
    """
    files, broken = dicom_files(folder, on_progress=on_progress)
    if not files:
        why = f" ({broken[0][1]})" if broken else ""
        raise InputError(f"expected DICOM files of CT, RT Structure Set or RT Plan{why}", got="none", where=folder)
    linked = linked_files(files, plan=plan, where=folder)
    taken = {*linked.ct[:1], linked.structures, linked.plan, linked.dose}
    strangers = checked_strangers([f for f in files if f.path in taken], accept=accept_other_patient, where=folder)
    warnings = [*linked.warnings, *strangers, *unreadable_files(broken)]
    ct = read_ct_slices(linked.ct) if linked.ct else None
    structures = read_structure_set(linked.structures) if linked.structures else None
    brachy = read_brachy_plan(linked.plan, structures) if linked.plan else None
    dose = read_dose_grid(linked.dose) if linked.dose else None
    for item in (ct, structures, brachy, dose):
        warnings += item.warnings if item is not None else ()
    if ct and structures and structures.frame_uid and ct.frame_uid and structures.frame_uid != ct.frame_uid:
        raise InputError(
            "CT and structures must share a frame of reference",
            got="two FrameOfReferenceUIDs",
            where=folder,
            remedy="Register and export them together.",
        )
    return DicomExport(
        ct=ct, structures=structures, plan=brachy, dose=dose, hashes=_hashes(linked), warnings=tuple(warnings)
    )


def _hashes(linked: Linked) -> dict[str, str]:
    """Return kind -> SHA-256; of the slices of a CT, over their hashes in order."""
    files = {"RS": linked.structures, "RP": linked.plan, "RD": linked.dose}
    hashes = {kind: sha256(path) for kind, path in files.items() if path is not None}
    if linked.ct:
        together = "".join(sorted(sha256(path) for path in linked.ct))
        hashes[f"CT ({len(linked.ct)} slices)"] = hashlib.sha256(together.encode()).hexdigest()
    return hashes
