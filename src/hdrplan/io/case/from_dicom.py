"""A case from a clinic's DICOM export: CT, structures and catheters found and linked by their UIDs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.errors import HdrPlanError, InputError
from hdrplan.geometry import Catheter, Structure
from hdrplan.io.case.strength import STRENGTH_KEYS
from hdrplan.io.case.table import CaseFile, case_of_parts
from hdrplan.io.dicom.ct import CTSeries, read_ct_slices
from hdrplan.io.dicom.dose import DoseGrid, read_dose_grid
from hdrplan.io.dicom.folder import dicom_files, linked_files
from hdrplan.io.dicom.plan import read_brachy_plan
from hdrplan.io.dicom.structures import StructureSet, read_structure_set
from hdrplan.io.files import sha256
from hdrplan.plan import BrachyPlan, Channel, source_of_brachy

__all__ = ["DicomCase", "case_of_dicom", "catheters_of", "read_dicom_folder"]


@dataclass(frozen=True, slots=True, eq=False)
class DicomCase:
    """What one export holds; None where there is none of a kind.

    Parameters
    ----------
    ct : CTSeries or None
    structures : StructureSet or None
    plan : BrachyPlan or None
    dose : DoseGrid or None
    hashes : dict
        Kind -> SHA-256: no file names, which may name the patient.
    warnings : tuple of str
    """

    ct: CTSeries | None
    structures: StructureSet | None
    plan: BrachyPlan | None
    dose: DoseGrid | None
    hashes: dict[str, str]
    warnings: tuple[str, ...]


def read_dicom_folder(
    folder: Path, *, plan: str | None = None, on_progress: Callable[[int, int], None] | None = None
) -> DicomCase:
    """Read the objects of an export that belong together.

    Parameters
    ----------
    folder : Path
    plan : str, optional
        Label or file name of the plan, where there are several.

    Raises
    ------
    InputError
        No DICOM file, several candidates of a kind (listed).
    FormatError
        A file that cannot be read.
    """
    files, broken = dicom_files(folder, on_progress=on_progress)
    if not files:
        why = f" ({broken[0][1]})" if broken else ""
        raise InputError(f"expected DICOM files of CT, RT Structure Set or RT Plan{why}", got="none", where=folder)
    linked = linked_files(files, plan=plan, where=folder)
    warnings = [*linked.warnings, *(text for _, text in broken)]
    ct = read_ct_slices(list(linked.ct)) if linked.ct else None
    structures = read_structure_set(linked.structures) if linked.structures else None
    brachy = read_brachy_plan(linked.plan, structures) if linked.plan else None
    dose = read_dose_grid(linked.dose) if linked.dose else None
    for part in (ct, structures, brachy, dose):
        warnings += part.warnings if part is not None else ()
    if ct and structures and structures.frame_uid and ct.frame_uid and structures.frame_uid != ct.frame_uid:
        raise InputError(
            "CT and structures must share a frame of reference",
            got="two FrameOfReferenceUIDs",
            where=folder,
            remedy="Register and export them together.",
        )
    hashes = {
        name: sha256(path)
        for name, path in (("RS", linked.structures), ("RP", linked.plan), ("RD", linked.dose))
        if path is not None
    }
    if linked.ct:
        import hashlib

        together = "".join(sorted(sha256(path) for path in linked.ct))
        hashes[f"CT ({len(linked.ct)} slices)"] = hashlib.sha256(together.encode()).hexdigest()
    return DicomCase(ct, structures, brachy, dose, hashes, tuple(warnings))


def case_of_dicom(folder: Path, table: Mapping[str, Any], *, plan: str | None = None) -> CaseFile:
    """Return a case to plan from a DICOM export.

    Parameters
    ----------
    folder : Path
    table : mapping
        Keys of a case table: ``roles`` at least. What it leaves out of ``source`` and ``prescription_gy`` is taken
        from the export's plan, if it has one.
    plan : str, optional

    Raises
    ------
    InputError
        As :func:`read_dicom_folder`; no structure set; a role for an ROI that is not there.
    """
    found = read_dicom_folder(folder, plan=plan)
    if found.structures is None:
        raise InputError("planning needs a structure set (RTSTRUCT)", got="none", where=folder)
    grid = found.ct.volume.grid if found.ct else None
    structures: list[Structure] = []
    warnings = list(found.warnings)
    for name, role in dict(table["roles"]).items():
        structure, said = found.structures.structure(name, role, grid)
        structures.append(structure)
        warnings += said
    targets = [s for s in structures if s.role == "CTV"]
    centre = centre_mm(targets or structures)
    catheters, said = catheters_of(found.structures, found.plan, centre)
    changes = {"name": "dicom-case", **table}
    changes["source"] = _source(table.get("source", {}), found.plan)
    if "prescription_gy" not in changes and found.plan and not math.isnan(found.plan.prescription_gy):
        changes["prescription_gy"] = found.plan.prescription_gy
    case = case_of_parts(
        changes,
        found.ct.volume if found.ct else None,
        tuple(structures),
        catheters,
        folder,
        where=folder,
        hashes=found.hashes,
    )
    strength = case.strength
    if found.plan is not None and not set(table.get("source", {})) & set(STRENGTH_KEYS):
        # The plan's own strength is that of its reference date.
        strength = replace(strength, time=found.plan.source.reference_time)
    return replace(case, strength=strength, warnings=(*warnings, *said, *case.warnings))


def centre_mm(structures: Sequence[Structure]) -> FloatArray:
    """Return the mean of the structures' centres."""
    return np.asarray(np.mean([structure.centre_mm for structure in structures], axis=0))


def _source(given: Mapping[str, Any], plan: BrachyPlan | None) -> dict[str, Any]:
    """Complete the source table from the export's plan."""
    source = dict(given)
    if plan is None:
        return source
    if "name" not in source and "file" not in source:
        source["name"] = source_of_brachy(plan)
    if set(source) <= {"name", "file"}:
        source["strength_u"] = plan.source.strength_u
    return source


def catheters_of(
    structures: StructureSet | None, plan: BrachyPlan | None, towards_mm: FloatArray
) -> tuple[tuple[Catheter, ...], tuple[str, ...]]:
    """Return the catheters of an export, hub first, and warnings.

    The plan's channels first: their curves in the structure set, else a line through their dwells. Without a plan every
    brachytherapy channel of the structure set; its tip is then taken to be the end nearer to ``towards_mm``.
    """
    warnings: list[str] = []
    catheters: list[Catheter] = []
    for channel in plan.channels if plan else ():
        path = _path_of(channel)
        if path is not None:
            catheters.append(Catheter(_free_name(channel.name, channel.number, catheters), path))
        elif len(channel.times_s):
            warnings.append(f"channel {channel.number}: no curve and one dwell; no catheter can be made of it")
    if catheters or structures is None:
        return tuple(catheters), tuple(warnings)
    for roi in structures.rois:
        path = structures.channel_path_mm(roi.number)
        if roi.kind != "BRACHY_CHANNEL" or len(path) < 2:
            continue
        far = np.linalg.norm(path[[0, -1]] - towards_mm, axis=1)
        catheters.append(Catheter(_free_name(roi.name, roi.number, catheters), path if far[0] > far[1] else path[::-1]))
    if catheters:
        warnings.append("no plan tells the tips of the channels: the end nearer to the target is taken")
    return tuple(catheters), tuple(warnings)


def _free_name(name: str, number: int, taken: list[Catheter]) -> str:
    return name if name and name not in {c.name for c in taken} else f"{name or 'channel'} #{number}"


def _path_of(channel: Channel) -> FloatArray | None:
    """Path of a channel from hub to tip; through its dwells and on to the tip where no curve is drawn."""
    if len(channel.path_mm) >= 2 and channel.axis_from in ("path", "orientation", "no dwell"):
        return channel.path_mm[::-1]
    order = np.argsort(-channel.relative_mm, kind="stable")
    points = channel.positions_mm[order]
    apart = (
        np.append(True, np.linalg.norm(np.diff(points, axis=0), axis=1) > 1e-3) if len(points) else np.empty(0, bool)
    )
    points = points[apart]
    if len(points) < 2:
        return None
    tip = points[-1] + channel.relative_mm.min() * channel.axes[order][-1]
    return np.vstack((points, tip)) if channel.relative_mm.min() > 0.1 else points


def readable_structures(
    structures: StructureSet, roles: Mapping[str, str], ct: CTSeries | None
) -> tuple[list[Structure], list[str]]:
    """Return the structures that have a role and can be read, and why others cannot."""
    found: list[Structure] = []
    said: list[str] = []
    for roi in structures.solid():
        role = roles.get(roi.name)
        if role is None:
            continue
        try:
            structure, warnings = structures.structure(roi.name, role, ct.volume.grid if ct else None)  # type: ignore[arg-type]
        except HdrPlanError as error:
            said.append(f"structure left out: {error}")
            continue
        found.append(structure)
        said += warnings
    return found, said
