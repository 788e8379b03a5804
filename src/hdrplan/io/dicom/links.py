"""Whether plan, dose and structures of an export belong together: frame of reference, plan, structure set, patient."""

from __future__ import annotations

from collections.abc import Sequence

from hdrplan.errors import InputError
from hdrplan.io.dicom.dose import DoseGrid
from hdrplan.io.dicom.folder import DicomFile
from hdrplan.io.dicom.patients import strangers_among
from hdrplan.io.dicom.structures import StructureSet
from hdrplan.plan import BrachyPlan, FileLink

__all__ = ["links_of", "refuse_other_frames"]


def links_of(
    plan: BrachyPlan, structures: StructureSet | None, dose: DoseGrid | None, files: Sequence[DicomFile]
) -> tuple[FileLink, ...]:
    """Return what the files say of each other; None where one of them does not say.

    Parameters
    ----------
    plan : BrachyPlan
    structures : StructureSet or None
    dose : DoseGrid or None
    files : sequence of DicomFile
        For the patients; those of another one were accepted by the user.

    Raises
    ------
    InputError
        Two frames of reference: their coordinates have nothing to do with each other.
    """
    refuse_other_frames(plan, structures, dose)
    others = any(stranger.tag.startswith("Patient") for stranger in strangers_among(files))
    told = len(files) > 1 and (all(file.has_id for file in files) or all(file.patient_name for file in files))
    one_patient = False if others else True if told else None
    links = [FileLink("all files: one patient", one_patient, is_usual=len(files) > 1)]
    if dose is not None:
        links.append(FileLink("dose and plan: one frame of reference", _same(dose.frame_uid, plan.uids["frame"])))
        links.append(FileLink("dose refers to this plan", _same(dose.plan_uid, plan.uids["instance"])))
    if structures is not None:
        frames = structures.frame_uid, plan.uids["frame"]
        links.append(FileLink("structures and plan: one frame of reference", _same(*frames)))
        links.append(FileLink("plan refers to this structure set", _same(plan.uids["structures"], structures.uid)))
    if structures is not None and dose is not None:
        same = _same(dose.structures_uid, structures.uid)
        links.append(FileLink("dose refers to this structure set", same, is_usual=False))
    return tuple(links)


def refuse_other_frames(plan: BrachyPlan, structures: StructureSet | None, dose: DoseGrid | None) -> None:
    """Refuse files of two frames of reference.

    Parameters
    ----------
    plan : BrachyPlan
    structures : StructureSet or None
    dose : DoseGrid or None

    Raises
    ------
    InputError
    """
    frames = {"plan": plan.uids["frame"]}
    if structures is not None:
        frames["structures"] = structures.frame_uid
    if dose is not None:
        frames["dose"] = dose.frame_uid
    stated = {name: uid for name, uid in frames.items() if uid}
    if len(set(stated.values())) > 1:
        raise InputError(
            "plan, structures and dose must share a frame of reference",
            got=f"{len(set(stated.values()))} FrameOfReferenceUIDs among {', '.join(stated)}",
            remedy="Export them together, or register them first: their coordinates are not the same.",
        )


def _same(one: str, other: str) -> bool | None:
    return one == other if one and other else None
