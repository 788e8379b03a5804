"""A clinic's export as a case folder: everything that planning needs, nothing that names the patient."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from hdrplan.cautions import Caution, caution
from hdrplan.errors import HdrPlanError, InputError
from hdrplan.geometry import Role, Structure
from hdrplan.io.case.from_dicom import centre_mm
from hdrplan.io.case.roles import healthy_by_name, roles_of_rois
from hdrplan.io.case.write import write_source
from hdrplan.io.dicom.catheters import catheters_of, named_as_catheters
from hdrplan.io.dicom.export import DicomExport
from hdrplan.io.dicom.structures import StructureSet
from hdrplan.io.files import sha256
from hdrplan.io.images import write_volume
from hdrplan.io.markups import write_markups
from hdrplan.io.plan_files import write_plan
from hdrplan.io.segmentations import write_segmentations
from hdrplan.io.toml_text import toml_text
from hdrplan.plan import as_plan, doubts_of_source, source_of_brachy
from hdrplan.plausibility import doubts_of_punctures
from hdrplan.sources import TG43Source, bounded_warnings, load_source

__all__ = ["ImportChoices", "write_imported_case"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportChoices:
    """What the export does not say, or says otherwise.

    Parameters
    ----------
    name : str
        Of the case: no patient.
    rules : mapping of role to patterns
        For the ROIs that are not named here.
    ctv, oar : sequence of str
        ROI names; CTVs named here are the only ones.
    healthy : str, optional
        Organ whose mean dose is to be least; None takes the organ at risk whose name holds "liver", where there is
        only one.
    prescription_gy : float, optional
        None takes the plan's.
    source : TG43Source, optional
        None takes the one that the plan's words name.
    """

    name: str
    rules: Mapping[str, tuple[str, ...]]
    ctv: Sequence[str] = ()
    oar: Sequence[str] = ()
    healthy: str | None = None
    prescription_gy: float | None = None
    source: TG43Source | None = None


def write_imported_case(folder: Path, export: DicomExport, choices: ImportChoices) -> list[Caution]:
    """Write case.toml and its files, the export's plan and dose into an existing folder.

    Parameters
    ----------
    folder : Path
    export : DicomExport
    choices : ImportChoices

    Returns
    -------
    list of Caution

    Raises
    ------
    InputError
        No structure set, no CTV among its ROIs, no prescription.
    """
    if export.structures is None:
        raise InputError("a case needs a structure set (RTSTRUCT)", got=_none(export))
    structures, notes = _structures(export, export.structures, choices)
    warnings = [*export.warnings, *notes]
    targets = _targets(structures, export.structures, choices)
    prescription_gy = choices.prescription_gy
    if prescription_gy is None and export.plan is not None and not math.isnan(export.plan.prescription_gy):
        prescription_gy = export.plan.prescription_gy
    if prescription_gy is None:
        raise InputError("the case needs a prescription", got="none in the export", remedy="Add `prescription_gy=GY`.")
    catheters, catheter_notes = catheters_of(export.structures, export.plan, centre_mm(targets))
    ct = export.ct.volume if export.ct else None
    table: dict[str, object] = {"name": choices.name}
    if ct is not None:
        write_volume(folder / "ct.nii.gz", ct)
        table["ct"] = "ct.nii.gz"
    if catheters:
        write_markups(folder / "catheters.mrk.json", catheters)
        table["catheters"] = "catheters.mrk.json"
    healthy = choices.healthy or healthy_by_name({s.name: s.role for s in structures})
    if healthy:
        table["healthy"] = healthy
    table["structures"] = [{"file": name} for name in write_segmentations(folder, structures, ct.grid if ct else None)]
    table["roles"] = {s.name: s.role for s in structures}
    table["prescription_gy"] = {s.name: prescription_gy for s in targets}
    source = choices.source or (source_of_brachy(export.plan) if export.plan else load_source())
    table["source"] = write_source(folder, source) | _strength(export)
    (folder / "case.toml").write_text(toml_text(table), encoding="utf-8")
    if export.plan is not None:
        ct_sha256 = sha256(folder / "ct.nii.gz") if ct is not None else None
        plan = named_as_catheters(as_plan(export.plan, source), export.plan)
        write_plan(folder / "plan.json", plan, choices.name, ct_sha256)
    if export.dose is not None:
        write_volume(folder / "tps_dose.nrrd", export.dose.volume)
    of_source = doubts_of_source(export.plan, source) if export.plan else ()
    hit = doubts_of_punctures(catheters, structures)
    return [*warnings, *catheter_notes, *hit, *of_source, *bounded_warnings(source)]


def _none(export: DicomExport) -> str:
    unreadable = sum(warning.id == "dicom-unreadable" for warning in export.warnings)
    return f"none; {unreadable} DICOM file{'s' * (unreadable > 1)} could not be read" if unreadable else "none"


def _structures(
    export: DicomExport, drawn: StructureSet, choices: ImportChoices
) -> tuple[list[Structure], list[Caution]]:
    """Return the structures that have a role and can be read, and why others cannot."""
    roles = roles_of_rois(drawn.rois, choices.rules)
    if choices.ctv:
        roles = {roi: "other" if role == "CTV" else role for roi, role in roles.items()}
    roles |= dict.fromkeys(choices.ctv, "CTV") | dict.fromkeys(choices.oar, "OAR")
    structures: list[Structure] = []
    notes: list[Caution] = []
    for roi in drawn.solid():
        if roi.name not in roles:
            continue
        role, grid = cast(Role, roles[roi.name]), export.ct.volume.grid if export.ct else None
        try:
            structure, warnings = drawn.structure(roi.name, role, grid)
        except HdrPlanError as error:
            notes.append(caution("structure-left-out", reason=str(error)))
            continue
        structures.append(structure)
        notes += warnings
    return structures, notes


def _targets(structures: Sequence[Structure], drawn: StructureSet, choices: ImportChoices) -> list[Structure]:
    """Return the CTVs, after a look whether every ROI that was named is there."""
    names = {s.name for s in structures}
    named = [*choices.ctv, *choices.oar, *([choices.healthy] if choices.healthy else [])]
    missing = [name for name in named if name not in names]
    targets = [s for s in structures if s.role == "CTV"]
    if missing or not targets:
        solid = ", ".join(repr(roi.name) for roi in drawn.solid())
        raise InputError(
            f"expected a structure {missing[0]!r}" if missing else "no structure has the role CTV",
            remedy=f"Name the lesion with `ctv`. There are: {solid or 'none'}.",
        )
    return targets


def _strength(export: DicomExport) -> dict[str, object]:
    if export.plan is None:
        # Without a plan nobody knows the strength: planning asks for it.
        return {"#": "strength_u ="}
    source = export.plan.source
    table: dict[str, object] = {"strength_u": source.strength_u}
    if source.reference_time is not None:
        table["strength_time"] = source.reference_time
    return table
