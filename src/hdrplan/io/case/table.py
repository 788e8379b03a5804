"""A case on disk: a folder with ``case.toml``, or the same table made from flags.

::

    name = "liver-lesion-b"
    ct = "ct.nii.gz"                      # or a DICOM series folder
    catheters = "catheters.mrk.json"
    healthy = "liver"
    goals = "goals.toml"                  # or [[goals]] here
    [[structures]]
    file = "labels.nii.gz"
    names = "labels.json"                 # .seg.nrrd needs none; a single mask has name = "..." instead
    [roles]                               # CTV, OAR or other; structures not named here are not read
    lesion_B = "CTV"
    stomach = "OAR"
    [prescription_gy]
    lesion_B = 20.0
    [source]
    name = "gammamed-12i"                 # or file = "my_source.json"
    strength_u = 40700.0                  # see docs/reference/formats.md for calibration dates and activities
    [dwells]
    step_mm = 5.0
    [[goals]]
    structure = "stomach"
    goal = "D1cc <= 14 Gy"
    source = "doi or protocol"
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from hdrplan.errors import FormatError, HdrPlanError, InputError
from hdrplan.geometry import ROLES, Catheter, Role, Structure, Volume
from hdrplan.io.case.catheters import read_catheters
from hdrplan.io.case.frames import check_catheters, check_overlap, check_structures
from hdrplan.io.case.strength import STRENGTH_KEYS, strength_of
from hdrplan.io.files import existing_file, sha256, toml_table
from hdrplan.io.images import read_volume
from hdrplan.io.label_maps import read_label_map, read_mask, read_names
from hdrplan.io.segmentations import read_segment_names, read_segmentation
from hdrplan.io.sources import read_source
from hdrplan.options import PLAN_OPTIONS
from hdrplan.plan import Case, Goal, Goals, Prescription, parse_goal
from hdrplan.sources import DEFAULT_SOURCE, Strength, TG43Source, load_source

__all__ = ["DWELL_OPTIONS", "CaseFile", "case_of_parts", "case_of_table", "read_anatomy", "read_case"]

# What a case may say of the planning, by name.
DWELL_OPTIONS = {name: option for name, option in PLAN_OPTIONS.items() if option.in_case}
_KEYS = {
    "name",
    "ct",
    "catheters",
    "healthy",
    "goals",
    "structures",
    "roles",
    "prescription_gy",
    "source",
    "dwells",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CaseFile:
    """A case and what it asks for.

    Parameters
    ----------
    case : Case
    goals : Goals
    source : TG43Source
        Packaged, or the user's own.
    strength : Strength
        Of the source at treatment.
    options : dict
        What ``[dwells]`` gives, by name (:data:`hdrplan.options.PLAN_OPTIONS`); absent ones keep their default.
    inputs : dict
        Input file -> SHA-256, for the record of the run.
    warnings : tuple of str
        What is odd but can be true.
    """

    case: Case
    goals: Goals
    source: TG43Source
    strength: Strength
    options: dict[str, float]
    inputs: dict[str, str]
    warnings: tuple[str, ...] = ()


def read_case(path: Path, changes: Mapping[str, Any] | None = None, *, before_puncture: bool = False) -> CaseFile:
    """Read a case folder (or its ``case.toml``), or with roles among the changes a folder of DICOM files.

    Parameters
    ----------
    path : Path
    changes : mapping, optional
        Keys of the case table that replace those of the file, table by table: ``{"source": {"strength_u": 30000.0}}``.
        The model of the source and its strength are each replaced as a whole.
    before_puncture : bool
        Catheters are left out, and every structure of the files is read, those without a role as "other". CTVs among
        the changes take the place of the file's.

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
            from hdrplan.io.case.from_dicom import case_of_dicom

            return case_of_dicom(path, changes)
        raise InputError(
            "a case folder holds case.toml",
            got="none",
            where=path,
            remedy="A folder of DICOM files is read with `roles`.",
        )
    table = toml_table(toml)
    if before_puncture:
        _other_ctvs(table, changes or {})
    for key, value in (changes or {}).items():
        both_tables = isinstance(value, Mapping) and isinstance(table.get(key), dict)
        if both_tables and key == "source":
            table[key] = _kept(table[key], value)
        table[key] = {**table[key], **value} if both_tables else value
    # Files in a case are named relative to it, so that it can be moved; the command line names them from where it is.
    found = case_of_table(table, toml.parent, where=toml, relative_only=not changes, before_puncture=before_puncture)
    found.inputs[toml.name] = sha256(toml)
    return found


def _kept(source: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of ``[source]`` stays beside the changes: model and strength are each replaced as a whole."""
    for group in ({"name", "file"}, set(STRENGTH_KEYS)):
        if group & set(changes):
            source = {key: value for key, value in source.items() if key not in group}
    return dict(source)


def _other_ctvs(table: dict[str, Any], changes: Mapping[str, Any]) -> None:
    """Make the file's CTVs other structures where the changes name CTVs of their own."""
    roles = table.get("roles")
    if isinstance(roles, dict) and "CTV" in changes.get("roles", {}).values():
        table["roles"] = {name: "other" if role == "CTV" else role for name, role in roles.items()}
        table.pop("prescription_gy", None)


def case_of_table(
    table: Mapping[str, Any],
    folder: Path,
    *,
    where: object,
    relative_only: bool = False,
    before_puncture: bool = False,
) -> CaseFile:
    """Read the files a case table names; the command line makes such a table from its flags.

    Parameters
    ----------
    table : mapping
        As in ``case.toml``.
    folder : Path
        Relative file names start here.
    where : object
        What messages name: the file, or "the command line".
    relative_only : bool
        Refuse absolute file names (a case folder can be moved).
    before_puncture : bool
        As in :func:`read_case`.
    """
    _known(table, _KEYS, where)
    files = _Files(folder, where, relative_only)
    roles = _roles(table, where)
    ct, said = _ct(files.path(table["ct"], "ct")) if "ct" in table else (None, ())
    structures = _structures(table.get("structures"), roles, files, where, everything=before_puncture)
    catheters: tuple[Catheter, ...] = ()
    if "catheters" in table and not before_puncture:
        catheters = read_catheters(files.path(table["catheters"], "catheters"))
    found = _case_file(table, ct, structures, catheters, files, where)
    return replace(found, warnings=(*said, *found.warnings))


def read_anatomy(path: Path) -> tuple[Volume, tuple[Structure, ...], str | None]:
    """Read the CT, the structures with a role and the name of the healthy organ of a case that may lack a CTV.

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
    table = toml_table(toml)
    _known(table, _KEYS, toml)
    if "ct" not in table:
        raise InputError("a case with a CT is needed", got="no ct", where=toml)
    files = _Files(toml.parent, toml, True)
    ct, _ = _ct(files.path(table["ct"], "ct"))
    structures = _structures(table.get("structures"), _roles(table, toml), files, toml)
    check_structures(structures, ct.grid, where=toml)
    return ct, structures, _text(table, "healthy", toml, default=None)


def _ct(path: Path) -> tuple[Volume, tuple[str, ...]]:
    """Read the CT, and what is to be said of a DICOM series: slices filled, doubled, left out."""
    if not path.is_dir():
        return read_volume(path), ()
    from hdrplan.io.dicom.ct import read_ct_series

    series = read_ct_series(path)
    return series.volume, series.warnings


def case_of_parts(
    table: Mapping[str, Any],
    ct: Volume | None,
    structures: tuple[Structure, ...],
    catheters: tuple[Catheter, ...],
    folder: Path,
    *,
    where: object,
    hashes: Mapping[str, str],
) -> CaseFile:
    """Return the case of parts that were read elsewhere (DICOM); the rest of the table is read as usual.

    Parameters
    ----------
    table : mapping
        As in ``case.toml``, without ct, structures and catheters.
    hashes : mapping
        SHA-256 of the files the parts came from.
    """
    _known(table, _KEYS - {"ct", "structures", "catheters"}, where)
    files = _Files(folder, where, False)
    files.hashes |= hashes
    return _case_file(table, ct, structures, catheters, files, where)


def _case_file(
    table: Mapping[str, Any],
    ct: Volume | None,
    structures: tuple[Structure, ...],
    catheters: tuple[Catheter, ...],
    files: _Files,
    where: object,
) -> CaseFile:
    healthy = _text(table, "healthy", where, default=None)
    name = _text(table, "name", where, default=files.folder.resolve().name) or "case"
    case = Case(name, ct, structures, catheters, healthy)
    goals, warnings = _goals(table, case, files, where)
    source, strength = _source(table.get("source"), files, where)
    warnings += _frame_warnings(case, ct, where)
    return CaseFile(
        case=case,
        goals=goals,
        source=source,
        strength=strength,
        options=_options(table.get("dwells", {}), where),
        inputs=files.hashes,
        warnings=warnings,
    )


def _frame_warnings(case: Case, ct: Volume | None, where: object) -> tuple[str, ...]:
    warnings = check_structures(case.structures, ct.grid, where=where) if ct else ()
    warnings += check_overlap(case.structures, case.healthy, where=where)
    return warnings + check_catheters(case.catheters, case.ctvs, ct.grid if ct else None, where=where)


class _Files:
    """File names of a case: resolved, and hashed when used."""

    def __init__(self, folder: Path, where: object, relative_only: bool) -> None:
        self.folder, self.where, self.relative_only = folder, where, relative_only
        self.hashes: dict[str, str] = {}

    def path(self, name: object, key: str) -> Path:
        if not isinstance(name, str | Path) or not str(name).strip() or not _is_path(str(name)):
            raise FormatError(f"{key} must be a file name", got=repr(name)[:80], where=self.where)
        if self.relative_only and Path(name).is_absolute():
            raise FormatError(
                f"{key} must be relative to the case folder",
                got=name,
                where=self.where,
                remedy="Absolute paths break when the folder is moved.",
            )
        path = self.folder / name
        if not path.is_dir():
            existing_file(path)
        self.hashes[Path(name).as_posix() if self.relative_only else path.name] = sha256(path)
        return path


def _is_path(name: str) -> bool:
    """Whether a name can be a path at all: no NUL, no part longer than file systems allow."""
    return (
        "\0" not in name
        and len(name) < 4096
        and all(len(part.encode("utf-8", "replace")) < 256 for part in Path(name).parts)
    )


def _known(table: Mapping[str, Any], known: Iterable[str], where: object) -> None:
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise FormatError(f"known keys are {', '.join(sorted(known))}", got=", ".join(map(str, unknown)), where=where)


def _table(value: object, key: str, where: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise FormatError(f"[{key}] must be a table", got=repr(value)[:60], where=where)
    return value


def _text(table: Mapping[str, Any], key: str, where: object, *, default: str | None) -> str | None:
    value = table.get(key, default)
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise FormatError(f"{key} must be text", got=repr(value)[:60], where=where)
    return value


def _number(value: object, key: str, where: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise FormatError(f"{key} must be a finite number", got=repr(value)[:60], where=where)
    return float(value)


def _roles(table: Mapping[str, Any], where: object) -> dict[str, Role]:
    """Return the roles that the table gives; the healthy organ is an OAR unless said otherwise."""
    value = table.get("roles")
    if value is None:
        raise InputError(
            "a case names the roles of its structures",
            got="no [roles]",
            where=where,
            remedy='Write [roles] with lines such as lesion_B = "CTV".',
        )
    roles = _table(value, "roles", where)
    for name, role in roles.items():
        if role not in ROLES:
            raise InputError(f"role must be one of {', '.join(ROLES)}", got=repr(role)[:60], where=f"{where}, {name}")
    healthy = _text(table, "healthy", where, default=None)
    return cast(dict[str, Role], roles | ({healthy: "OAR"} if healthy and healthy not in roles else {}))


def _structures(
    value: object, roles: Mapping[str, Role], files: _Files, where: object, *, everything: bool = False
) -> tuple[Structure, ...]:
    if not isinstance(value, list) or not value:
        raise InputError("a case needs [[structures]] with file = ...", got=repr(value)[:60], where=where)
    found: dict[str, Structure] = {}
    for k, raw in enumerate(value):
        entry = _table(raw, "[structures]", where)
        place = f"{where}, structures {k + 1}"
        _known(entry, {"file", "names", "name"}, place)
        path = files.path(entry.get("file"), "file")
        other: Role = "other"
        others = [n for n in _known_names([entry], files) if n not in roles] if everything else []
        wanted = {**roles, **dict.fromkeys(others, other)}
        for structure in _structures_of(path, entry, wanted, files, place, others):
            if structure.name in found:
                raise InputError("each structure stands in one file", got=f"{structure.name!r} in two", where=place)
            found[structure.name] = structure
    missing = [name for name in roles if name not in found]
    if missing:
        raise InputError(
            f"no structure is named {missing[0]!r}",
            where=where,
            remedy=f"The files hold: {', '.join(_known_names(value, files)[:40]) or 'none of the names in [roles]'}.",
        )
    return tuple(found[name] for name in [*roles, *(n for n in found if n not in roles)])


def _structures_of(
    path: Path,
    entry: Mapping[str, Any],
    roles: Mapping[str, Role],
    files: _Files,
    where: str,
    optional: Collection[str],
) -> tuple[Structure, ...]:
    if "names" in entry and "name" in entry:
        raise FormatError("names is for a label map, name for a single mask", got="both", where=where)
    if "names" in entry:
        return read_label_map(path, files.path(entry["names"], "names"), roles, optional=optional)
    name = _text(entry, "name", where, default=None)
    if name is not None:
        return (read_mask(path, name, roles[name]),) if name in roles else ()
    if not path.name.lower().endswith(".nrrd"):
        raise FormatError(
            "a label map needs names = 'labels.json', a mask name = '...'",
            got="neither",
            where=f"{where}, {path.name}",
            remedy='`structures=[{"file": "labels.nii.gz", "names": "labels.json"}]`.',
        )
    return read_segmentation(path, roles, optional=optional)


def _known_names(entries: list[Any], files: _Files) -> list[str]:
    """Names that the structure files know, for the remedy; only files already found readable."""
    names: list[str] = []
    for entry in entries:
        if "names" in entry:
            names += read_names(files.path(entry["names"], "names")).values()
        elif "name" in entry:
            names.append(str(entry["name"]))
        else:
            names += read_segment_names(files.path(entry["file"], "file"))
    return names


def _goals(table: Mapping[str, Any], case: Case, files: _Files, where: object) -> tuple[Goals, tuple[str, ...]]:
    warnings: list[str] = []
    value = table.get("goals", [])
    from_file = isinstance(value, str | Path)
    if from_file:
        path = files.path(value, "goals")
        content = toml_table(path)
        _known(content, {"goals"}, path)
        value, where = content.get("goals"), path
    if not isinstance(value, list):
        raise FormatError("goals is a file name or [[goals]] tables", got=repr(value)[:60], where=where)
    names = {s.name for s in case.structures} | {"plan"}
    goals: list[Goal] = []
    for k, raw in enumerate(value):
        place = f"{where}, goals {k + 1}"
        goal = _goal(_table(raw, "[goals]", where), place)
        if goal.structure in names:
            goals.append(goal)
        elif from_file:
            # A protocol lists organs that one case may not have.
            warnings.append(f"goal {goal.text} not applied: no structure {goal.structure!r}")
        else:
            raise InputError(
                f"no structure is named {goal.structure!r}",
                where=place,
                remedy=f"There are: {', '.join(sorted(names))}.",
            )
    return Goals(_prescriptions(table.get("prescription_gy"), case, where), tuple(goals)), tuple(warnings)


def _goal(entry: dict[str, Any], where: str) -> Goal:
    _known(entry, {"structure", "goal", "level", "source"}, where)
    level = entry.get("level", 0)
    if isinstance(level, bool) or not isinstance(level, int) or not 0 <= level <= 100:
        raise FormatError("level is a whole number: 0 hard, 1, 2, ... priorities", got=repr(level)[:60], where=where)
    words = {key: _text(entry, key, where, default=None) or "" for key in ("structure", "goal", "source")}
    try:
        return parse_goal(words["goal"], structure=words["structure"], source=words["source"], level=level)
    except InputError as error:
        raise InputError(error.expected, got=error.got, where=where, remedy=error.remedy) from None


def _prescriptions(value: object, case: Case, where: object) -> tuple[Prescription, ...]:
    ctvs = [ctv.name for ctv in case.ctvs]
    if value is None:
        raise InputError("every CTV needs a prescription", got="no [prescription_gy]", where=where)
    doses = _table(value, "prescription_gy", where) if isinstance(value, dict) else dict.fromkeys(ctvs, value)
    unknown, missing = [n for n in doses if n not in ctvs], [n for n in ctvs if n not in doses]
    if unknown or missing:
        raise InputError(
            f"prescriptions are for the CTVs ({', '.join(ctvs)})",
            got=f"one for {unknown[0]!r}" if unknown else f"none for {missing[0]!r}",
            where=where,
        )
    return tuple(Prescription(name, _number(doses[name], f"prescription_gy of {name}", where)) for name in ctvs)


def _source(value: object, files: _Files, where: object) -> tuple[TG43Source, Strength]:
    table = {} if value is None else _table(value, "source", where)
    _known(table, {"name", "file", *STRENGTH_KEYS}, f"{where}, [source]")
    if "name" in table and "file" in table:
        raise InputError("[source] has a name of the library or a file", got="both", where=where)
    if "file" in table:
        source = read_source(files.path(table["file"], "source file"))
    else:
        source = load_source(_text(table, "name", where, default=DEFAULT_SOURCE) or DEFAULT_SOURCE)
    try:
        given = {key: value for key, value in table.items() if key in STRENGTH_KEYS}
        return source, strength_of(given, source.half_life_days)
    except HdrPlanError as error:
        raise InputError(error.expected, got=error.got, where=f"{where}, [source]", remedy=error.remedy) from None


def _options(value: object, where: object) -> dict[str, float]:
    table = _table(value, "dwells", where)
    _known(table, DWELL_OPTIONS, f"{where}, [dwells]")
    options = {key: _number(number, key, where) for key, number in table.items()}
    for key, number in options.items():
        DWELL_OPTIONS[key].check(key, number, where=where)
    return options
