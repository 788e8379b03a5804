"""A clinic's plan with the dose and the structures that belong to it, as the second check takes it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hdrplan.cautions import Caution
from hdrplan.errors import InputError
from hdrplan.geometry import Grid, Structure
from hdrplan.io.dicom.ct import read_ct_grid
from hdrplan.io.dicom.dose import DoseGrid, StoredDVH, read_dose_grid
from hdrplan.io.dicom.folder import dicom_file, dicom_files, linked_files, require
from hdrplan.io.dicom.links import links_of
from hdrplan.io.dicom.patients import checked_strangers, unreadable_files
from hdrplan.io.dicom.plan import read_brachy_plan
from hdrplan.io.dicom.record import read_treatment_record
from hdrplan.io.dicom.structures import StructureSet, read_structure_set
from hdrplan.plan import BrachyPlan, FileLink, TreatmentRecord

__all__ = ["ClinicalPlan", "read_clinical_plan"]

# DoseSummationType of doses that are not those of one plan.
_OF_OTHER_PLANS = ("MULTI_PLAN", "PLAN_OVERVIEW", "BEAM", "BEAM_SESSION", "CONTROL_POINT")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClinicalPlan:
    """What a planning system exported of one treatment.

    Parameters
    ----------
    files : mapping
        "plan", "dose", "structures" -> the file, of those there are.
    brachy : BrachyPlan
    dose : DoseGrid or None
    structures : tuple of Structure
        Solid ones that could be read; none without a dose to compare them in.
    links : tuple of FileLink
        Whether the files belong together.
    patient : str
        Pseudonym, made with the plan's own bytes: the same for the same file, and tells nobody who has it not.
    notes : tuple of Caution
        What was passed over while reading, and why.
    ct : Grid or None
        Of the CT that the structures were drawn on, where it is in the folder.
    records : tuple of TreatmentRecord
        What was delivered.
    ct_slices : tuple of Path
        Files of that CT.
    dvhs : mapping of str to StoredDVH
        What came with the dose for these structures, by name.
    """

    files: Mapping[str, Path]
    brachy: BrachyPlan
    dose: DoseGrid | None
    structures: tuple[Structure, ...]
    links: tuple[FileLink, ...]
    patient: str
    notes: tuple[Caution, ...]
    ct: Grid | None = None
    records: tuple[TreatmentRecord, ...] = ()
    ct_slices: tuple[Path, ...] = ()
    dvhs: Mapping[str, StoredDVH] = field(default_factory=dict)


def read_clinical_plan(
    plan: Path,
    *,
    dose: Path | None = None,
    structures: Path | None = None,
    records: Sequence[Path] = (),
    accept_other_patient: bool = False,
) -> ClinicalPlan:
    """Read a plan and what belongs to it.

    Parameters
    ----------
    plan : Path
        An RT Plan; or a folder of DICOM files, in which what belongs to its one plan is found.
    dose, structures : Path, optional
        RT Dose and RT Structure Set; they go before those of the folder.
    records : sequence of Path
        RT Brachy Treatment Records; those of a folder are not looked for.
    accept_other_patient : bool
        Take files of different PatientID or StudyInstanceUID, with a warning.

    Raises
    ------
    InputError, FormatError
        Several plans in the folder or none, files that cannot be read, files of another patient or frame of reference,
        a dose of several plans.
    """
    notes: list[Caution] = []
    ct: Grid | None = None
    slices: tuple[Path, ...] = ()
    of_ct: tuple[Path, ...] = ()
    where = plan
    if plan.is_dir():
        found, broken = dicom_files(plan)
        notes += unreadable_files(broken)
        linked = linked_files(found, where=plan)
        dose, structures = dose or linked.dose, structures or linked.structures
        plan = require(linked.plan, "RP", plan)
        notes += linked.warnings
        of_ct = tuple(linked.ct)
        slices, ct = linked.ct[:1], read_ct_grid(linked.ct) if linked.ct else None
    paths = [path for path in (*slices, plan, dose, structures, *records) if path is not None and path.is_file()]
    parts = [part for part in (dicom_file(path) for path in paths) if part is not None]
    notes += checked_strangers(parts, accept=accept_other_patient, where=where)
    delivered = [read_treatment_record(path) for path in records]
    drawn = read_structure_set(structures) if structures is not None else None
    brachy = read_brachy_plan(plan, drawn)
    grid = read_dose_grid(dose) if dose is not None else None
    if grid is not None and grid.summation.upper() in _OF_OTHER_PLANS:
        raise InputError(
            "the dose must be that of one plan (DoseSummationType)",
            got=grid.summation,
            where=dose,
            remedy="Export the dose of the plan.",
        )
    links = links_of(brachy, drawn, grid, parts)
    solid: list[Structure] = []
    if drawn is not None:
        notes += drawn.warnings
    if drawn is not None and grid is not None:
        solid, left_out = drawn.structures_that_read(ct)
        notes += left_out
    notes += grid.warnings if grid is not None else ()
    files = {"plan": plan, "dose": dose, "structures": structures}
    return ClinicalPlan(
        files={name: path for name, path in files.items() if path is not None},
        brachy=brachy,
        dose=grid,
        structures=tuple(solid),
        links=links,
        patient=_patient(plan),
        notes=tuple(notes),
        ct=ct,
        records=tuple(delivered),
        ct_slices=of_ct,
        dvhs=_own_dvhs(grid, drawn),
    )


def _own_dvhs(grid: DoseGrid | None, drawn: StructureSet | None) -> dict[str, StoredDVH]:
    """Return the DVHs of a dose for the structures of the set that it names."""
    if grid is None or drawn is None or not drawn.uid or grid.structures_uid != drawn.uid:
        return {}
    stored = {dvh.roi_number: dvh for dvh in grid.dvhs}
    return {name: stored[roi.number] for name, roi in drawn.named_solid().items() if roi.number in stored}


def _patient(plan: Path) -> str:
    file = dicom_file(plan)
    if file is None or not file.patient_id:
        return "not stated"
    return "P-" + hmac.new(plan.read_bytes(), file.patient_id.encode(), hashlib.sha256).hexdigest()[:10]
