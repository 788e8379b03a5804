"""A clinic's export as a case folder: everything that planning needs, nothing that names the patient."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

from hdrplan.errors import InputError
from hdrplan.geometry import Catheter, Structure, Volume
from hdrplan.io.case.from_dicom import DicomCase, catheters_of, centre_mm, readable_structures
from hdrplan.io.case.roles import roles_of_rois
from hdrplan.io.images import write_volume
from hdrplan.io.markups import write_markups
from hdrplan.io.plan_files import write_plan
from hdrplan.io.segmentations import write_segmentations
from hdrplan.plan import as_plan, source_of_brachy
from hdrplan.sources import DEFAULT_SOURCE, load_source

__all__ = ["write_case_folder"]


def write_case_folder(
    folder: Path,
    found: DicomCase,
    *,
    name: str,
    rules: dict[str, tuple[str, ...]],
    ctv: Sequence[str] = (),
    oar: Sequence[str] = (),
    healthy: str | None = None,
    prescription_gy: float | None = None,
    source: str | None = None,
) -> list[str]:
    """Write case.toml and its files into an existing folder; returns warnings.

    Parameters
    ----------
    found : DicomCase
    name : str
        Of the case: no patient.
    rules : dict
        Role rules for the ROIs that are not named here.
    ctv, oar : sequence of str
        ROI names.
    healthy : str, optional
    prescription_gy : float, optional
        None takes the plan's.
    source : str, optional
        Source model; None takes the plan's.

    Raises
    ------
    InputError
        No structure set, no CTV among its ROIs, no prescription.
    """
    if found.structures is None:
        raise InputError("a case needs a structure set (RTSTRUCT)", got="none")
    roles = roles_of_rois(found.structures.rois, rules)
    for wanted, role in ((ctv, "CTV"), (oar, "OAR")):
        if role == "CTV" and wanted:
            roles = {roi: ("other" if r == "CTV" else r) for roi, r in roles.items()}
        for roi in wanted:
            roles[roi] = role
    structures, warnings = readable_structures(found.structures, roles, found.ct)
    warnings = [*found.warnings, *warnings]
    missing = [roi for roi in (*ctv, *oar, *([healthy] if healthy else [])) if roi not in {s.name for s in structures}]
    targets = [s for s in structures if s.role == "CTV"]
    if missing or not targets:
        solid = ", ".join(repr(roi.name) for roi in found.structures.solid())
        raise InputError(
            f"expected a structure {missing[0]!r}" if missing else "no structure has the role CTV",
            remedy=f"Name the lesion with `ctv`. There are: {solid or 'none'}.",
        )
    dose_gy = prescription_gy
    if dose_gy is None and found.plan is not None and not math.isnan(found.plan.prescription_gy):
        dose_gy = found.plan.prescription_gy
    if dose_gy is None:
        raise InputError("the case needs a prescription", got="none in the export", remedy="Add `prescription_gy=GY`.")
    catheters, said = catheters_of(found.structures, found.plan, centre_mm(targets))
    warnings += said
    files = _write_files(folder, found, structures, catheters)
    lines = _toml(name, files, structures, healthy, dose_gy, catheters, found, source)
    (folder / "case.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if found.plan is not None:
        plan = as_plan(found.plan, load_source(source or source_of_brachy(found.plan)))
        write_plan(folder / "plan.json", plan, name)
    if found.dose is not None:
        write_volume(folder / "tps_dose.nrrd", found.dose.volume)
    return warnings


def _write_files(
    folder: Path, found: DicomCase, structures: Sequence[Structure], catheters: Sequence[Catheter]
) -> list[str]:
    """Write CT, segmentations and catheters; returns the names of the segmentations."""
    ct = found.ct.volume if found.ct else None
    if ct is not None:
        write_volume(folder / "ct.nii.gz", Volume(ct.grid, ct.values_zyx))
    names = write_segmentations(folder, structures, ct.grid if ct else None)
    if catheters:
        write_markups(folder / "catheters.mrk.json", catheters)
    return names


def _toml(
    name: str,
    files: Sequence[str],
    structures: Sequence[Structure],
    healthy: str | None,
    dose_gy: float,
    catheters: Sequence[Catheter],
    found: DicomCase,
    source: str | None,
) -> list[str]:
    def quoted(text: str) -> str:
        # A JSON string is a TOML basic string; DEL is the one character that TOML alone forbids.
        return json.dumps(text, ensure_ascii=True).replace("\x7f", "")

    lines = [f"name = {quoted(name)}"]
    lines += ['ct = "ct.nii.gz"'] if found.ct else []
    lines += ['catheters = "catheters.mrk.json"'] if catheters else []
    lines += [f"healthy = {quoted(healthy)}"] if healthy else []
    for file in files:
        lines += ["", "[[structures]]", f"file = {quoted(file)}"]
    lines += ["", "[roles]", *(f"{quoted(s.name)} = {quoted(s.role)}" for s in structures)]
    lines += ["", "[prescription_gy]", *(f"{quoted(s.name)} = {dose_gy!r}" for s in structures if s.role == "CTV")]
    if found.plan is not None:
        chosen = source or source_of_brachy(found.plan)
        lines += ["", "[source]", f"name = {quoted(chosen)}", f"strength_u = {found.plan.source.strength_u!r}"]
        if found.plan.source.reference_time is not None:
            lines.append(f"# strength of {found.plan.source.reference_time:%Y-%m-%d %H:%M}; decay it to the treatment")
    else:
        # Without a plan nobody knows the strength: planning asks for it.
        lines += ["", "[source]", f"name = {quoted(source or DEFAULT_SOURCE)}", "# strength_u ="]
    return lines
