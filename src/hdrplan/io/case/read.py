"""A case from where it lies: a folder with ``case.toml``, or a folder of DICOM files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from hdrplan.errors import InputError
from hdrplan.geometry import Structure, Volume
from hdrplan.io.case.frames import check_structures
from hdrplan.io.case.from_dicom import case_of_dicom
from hdrplan.io.case.paths import CasePaths
from hdrplan.io.case.strength import STRENGTH_KEYS
from hdrplan.io.case.structures import roles_of, structures_of
from hdrplan.io.case.table import CASE_KEYS, CaseFile, case_of_table, read_ct
from hdrplan.io.files import sha256, toml_entries
from hdrplan.kinds import for_a_case

__all__ = ["read_anatomy", "read_case"]


def read_case(
    path: str | Path,
    changes: Mapping[str, object] | None = None,
    *,
    before_puncture: bool = False,
    accept_other_patient: bool = False,
) -> CaseFile:
    """Read a case folder (or its ``case.toml``), or with roles among the changes a folder of DICOM files.

    Parameters
    ----------
    path : Path
    changes : mapping, optional
        Keys of the case table that replace those of the file, table by table: ``{"source": {"strength_u": 30000.0}}``.
        The model of the source and its strength are each replaced as a whole.
    before_puncture : bool
        Catheters of the file are left out, and every structure of the files is read, those without a role as "other".
        CTVs and catheters among the changes take the place of the file's.
    accept_other_patient : bool
        As in :func:`hdrplan.io.read_dicom_folder`, for a folder of DICOM files.

    Raises
    ------
    InputError, FormatError
        Anything missing, unknown or contradictory: with file and key. All references are relative to the folder.
    """
    path = Path(path)
    if not path.exists():
        raise InputError("expected a case folder or a case.toml", got="none of that name", where=path)
    toml = path / "case.toml" if path.is_dir() else path
    if path.is_dir() and not toml.is_file():
        if changes and "roles" in changes:
            return case_of_dicom(path, changes, accept_other_patient=accept_other_patient)
        got, remedy = for_a_case(path)
        if got == "a folder of DICOM files":
            remedy = "It is read with `roles`."
        raise InputError("expected a case folder or a case.toml", got=got, where=path, remedy=remedy)
    table = dict(toml_entries(toml).values)
    if before_puncture:
        table = _with_other_ctvs({key: value for key, value in table.items() if key != "catheters"}, changes or {})
    table = _changed(table, changes or {})
    # Files in a case are named relative to it, so that it can be moved; the command line names them from where it is.
    case = case_of_table(table, toml.parent, where=toml, relative_only=not changes, before_puncture=before_puncture)
    return replace(case, inputs={**case.inputs, toml.name: sha256(toml)}, files=(*case.files, toml))


def _changed(table: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """Return the case table with the changes: tables are merged, other values replaced."""
    changed = dict(table)
    for key, value in changes.items():
        before = table.get(key)
        if not isinstance(value, Mapping) or not isinstance(before, dict):
            changed[key] = value
            continue
        if key == "source":
            # Half of one model or strength beside half of another would be neither.
            for group in ({"name", "file"}, set(STRENGTH_KEYS)):
                if group & set(value):
                    before = {name: entry for name, entry in before.items() if name not in group}
        changed[key] = {**before, **value}
    return changed


def _with_other_ctvs(table: dict[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """Return the case table with its CTVs as other structures where the changes name CTVs of their own."""
    roles, changed = table.get("roles"), changes.get("roles")
    if not isinstance(roles, dict) or not isinstance(changed, Mapping) or "CTV" not in changed.values():
        return table
    others = {name: "other" if role == "CTV" else role for name, role in roles.items()}
    return {key: value for key, value in table.items() if key != "prescription_gy"} | {"roles": others}


def read_anatomy(path: Path) -> tuple[Volume, tuple[Structure, ...], str | None]:
    """Read the CT, all structures and the name of the healthy organ of a case that may lack a CTV.

    Parameters
    ----------
    path : Path
        A case folder or its ``case.toml``; catheters, goals, prescriptions and source may be missing and are not read.

    Raises
    ------
    InputError, FormatError
        No ``case.toml``, no CT in it, or a file that cannot be used.
    """
    path = Path(path)
    toml = path / "case.toml" if path.is_dir() else path
    if not toml.is_file():
        raise InputError(
            "expected a case folder or a case.toml",
            got="a folder without one" if path.is_dir() else "none of that name",
            where=path,
            remedy="It names ct, [[structures]], [roles] and healthy.",
        )
    entries = toml_entries(toml)
    entries.refuse_unknown(CASE_KEYS)
    if "ct" not in entries:
        raise InputError("a case with a CT is needed", got="no ct", where=toml)
    paths = CasePaths(toml.parent, toml, relative_only=True)
    ct, _ = read_ct(paths.path(entries.values["ct"], "ct"))
    structures, _ = structures_of(entries, roles_of(entries), paths, others=lambda _: True)
    check_structures(structures, ct.grid, where=toml)
    return ct, structures, entries.text_or_none("healthy")
