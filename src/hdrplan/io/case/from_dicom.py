"""A case from a clinic's DICOM export: its structures get roles, what the table leaves out comes from its plan."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.cautions import Caution, caution
from hdrplan.door import Entries
from hdrplan.errors import HdrPlanError, InputError
from hdrplan.geometry import Catheter, Grid, Structure
from hdrplan.io.case.strength import STRENGTH_KEYS
from hdrplan.io.case.structures import roles_of
from hdrplan.io.case.table import CaseFile, case_of_parts
from hdrplan.io.dicom.catheters import catheters_of
from hdrplan.io.dicom.export import read_dicom_folder
from hdrplan.io.dicom.structures import StructureSet
from hdrplan.plan import BrachyPlan, source_of_brachy
from hdrplan.plausibility import doubts_of_punctures, may_be_punctured

__all__ = ["case_of_dicom", "centre_mm"]


def case_of_dicom(
    folder: Path, table: Mapping[str, object], *, plan: str | None = None, accept_other_patient: bool = False
) -> CaseFile:
    """Return a case to plan from a DICOM export.

    Parameters
    ----------
    folder : Path
    table : mapping
        Keys of a case table: ``roles`` at least. What it leaves out of ``source`` and ``prescription_gy`` is taken
        from the export's plan, if it has one.
    plan : str, optional
        Label or file name of the plan, where there are several.
    accept_other_patient : bool
        As in :func:`read_dicom_folder`.

    Raises
    ------
    InputError
        As :func:`read_dicom_folder`; no structure set; a role for an ROI that is not there.
    """
    entries = Entries(table, folder)
    export = read_dicom_folder(folder, plan=plan, accept_other_patient=accept_other_patient)
    if export.structures is None:
        raise InputError("planning needs a structure set (RTSTRUCT)", got="none", where=folder)
    grid = export.ct.volume.grid if export.ct else None
    structures: list[Structure] = []
    warnings = list(export.warnings)
    roles = roles_of(entries)
    for name, role in roles.items():
        structure, notes = export.structures.structure(name, role, grid)
        structures.append(structure)
        warnings += notes
    targets = [s for s in structures if s.role == "CTV"]
    catheters, notes = catheters_of(export.structures, export.plan, centre_mm(targets or structures))
    warnings += _punctures(export.structures, roles, catheters, grid)
    changes = {"name": "dicom-case", **table}
    asked = entries.table("source", {}).values
    changes["source"] = _source(asked, export.plan)
    if "prescription_gy" not in changes and export.plan and not math.isnan(export.plan.prescription_gy):
        changes["prescription_gy"] = export.plan.prescription_gy
    case = case_of_parts(
        changes,
        export.ct.volume if export.ct else None,
        tuple(structures),
        catheters,
        folder,
        where=folder,
        hashes=export.hashes,
    )
    strength = case.strength
    if export.plan is not None and not set(asked) & set(STRENGTH_KEYS):
        # The plan's own strength is that of its reference date.
        strength = replace(strength, time=export.plan.source.reference_time)
    ct_sha256 = next((value for kind, value in export.hashes.items() if kind.startswith("CT ")), None)
    warned = (*warnings, *notes, *case.warnings)
    return replace(case, strength=strength, files=(*case.files, folder), ct_sha256=ct_sha256, warnings=warned)


def _punctures(
    drawn: StructureSet, roles: Collection[str], catheters: Sequence[Catheter], grid: Grid | None
) -> list[Caution]:
    """Say which catheters pass through ROIs that have no role, and which of these cannot be read."""
    structures, notes = [], []
    for roi in drawn.solid():
        if catheters and roi.name not in roles and not may_be_punctured(roi.name):
            try:
                structures.append(drawn.structure(roi.name, "other", grid)[0])
            except HdrPlanError as error:
                notes.append(caution("structure-left-out", reason=str(error)))
    return [*notes, *doubts_of_punctures(catheters, structures)]


def centre_mm(structures: Sequence[Structure]) -> FloatArray:
    """Return the mean of the structures' centres."""
    return np.asarray(np.mean([structure.centre_mm for structure in structures], axis=0))


def _source(asked: Mapping[str, object], plan: BrachyPlan | None) -> dict[str, object]:
    """Complete the source table from the export's plan."""
    source = dict(asked)
    if plan is None:
        return source
    if "name" not in source and "file" not in source:
        source["name"] = source_of_brachy(plan).name
    if set(source) <= {"name", "file"}:
        source["strength_u"] = plan.source.strength_u
    return source
