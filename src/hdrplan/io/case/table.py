"""A case on disk: a folder with ``case.toml``, or the same table made from flags.

::

    name = "liver-lesion-b"
    ct = "ct.nii.gz"                      # or a DICOM series folder
    catheters = "catheters.mrk.json"
    applicator = "needle.toml"            # gives tip_offset_mm, and says who measured it
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

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hdrplan.brief import brief_html, brief_repr
from hdrplan.catalogue import CASE_ENTRIES
from hdrplan.cautions import Caution, each_once
from hdrplan.door import Entries
from hdrplan.errors import HdrPlanError, InputError
from hdrplan.geometry import Catheter, Structure, Volume
from hdrplan.io.applicators import read_applicator, with_applicator
from hdrplan.io.case.catheters import read_catheters
from hdrplan.io.case.frames import check_catheters, check_overlap, check_structures
from hdrplan.io.case.goals import goals_of, numbers_of
from hdrplan.io.case.markup_doubts import doubts_of_markups
from hdrplan.io.case.paths import CasePaths
from hdrplan.io.case.strength import STRENGTH_KEYS, strength_of
from hdrplan.io.case.structures import roles_of, structures_of
from hdrplan.io.dicom.ct import read_ct_series
from hdrplan.io.image_places import doubts_of_orientation
from hdrplan.io.images import read_volume
from hdrplan.io.sources import read_source
from hdrplan.options import PLAN_OPTIONS
from hdrplan.plan import Case, Goals
from hdrplan.plausibility import (
    doubts_of_anatomy_and_catheters,
    doubts_of_dwell_places,
    doubts_of_goals,
    doubts_of_names,
    doubts_of_organs_without_role,
    doubts_of_protection,
    doubts_of_punctures,
    doubts_of_source_for_pulses,
    doubts_of_strength,
    may_be_punctured,
)
from hdrplan.sources import DEFAULT_SOURCE, Strength, TG43Source, bounded_warnings, load_source

__all__ = ["CASE_KEYS", "DWELL_OPTIONS", "CaseFile", "case_of_parts", "case_of_table", "read_ct"]

# What a case may say of the planning, by name.
DWELL_OPTIONS = {name: option for name, option in PLAN_OPTIONS.items() if option.in_case}
CASE_KEYS = frozenset(CASE_ENTRIES)


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
        What ``[dwells]`` of the case and of its file of goals give, by name (:data:`hdrplan.options.PLAN_OPTIONS`);
        absent ones keep their default.
    inputs : dict
        Input file -> SHA-256, for the record of the run.
    files : tuple of Path
        Where these lie; of a DICOM export its folder.
    ct_sha256 : str or None
        Of the CT: plans made on it say so.
    warnings : tuple of Caution
        What is odd but can be true.
    """

    case: Case
    goals: Goals
    source: TG43Source
    strength: Strength
    options: dict[str, float]
    inputs: dict[str, str]
    files: tuple[Path, ...] = ()
    ct_sha256: str | None = None
    warnings: tuple[Caution, ...] = ()

    __repr__ = brief_repr
    _repr_html_ = brief_html


def case_of_table(
    table: Mapping[str, object],
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
        Every structure of the files is read, those without a role as "other".

    Returns
    -------
    CaseFile

    Raises
    ------
    InputError, FormatError
        Anything missing, unknown or contradictory: with file and key.
    """
    entries = Entries(table, where)
    entries.refuse_unknown(CASE_KEYS)
    paths = CasePaths(folder, where, relative_only=relative_only)
    roles = roles_of(entries)
    ct, warnings = read_ct(paths.path(table["ct"], "ct")) if "ct" in table else (None, ())
    catheters: tuple[Catheter, ...] = ()
    if "catheters" in table:
        drawn = paths.path(table["catheters"], "catheters")
        catheters = read_catheters(drawn)
        warnings = (*warnings, *doubts_of_markups(drawn))
    read, places = structures_of(
        entries,
        roles,
        paths,
        ct.grid if ct else None,
        # What a catheter may have hit counts without a role too.
        others=lambda name: before_puncture or (bool(catheters) and not may_be_punctured(name)),
    )
    structures = read if before_puncture else tuple(s for s in read if s.name in roles)
    without_role = [s for s in read if s.name not in roles]
    hit = doubts_of_punctures(catheters, without_role)
    near = doubts_of_organs_without_role(without_role, structures)
    case_file = _case_file(
        entries, _Anatomy(ct, structures, catheters), paths, (*warnings, *places, *hit, *near, *doubts_of_names(read))
    )
    return replace(case_file, ct_sha256=paths.sha256_of("ct"))


def read_ct(path: Path) -> tuple[Volume, tuple[Caution, ...]]:
    """Read a CT, and what is to be said of a DICOM series: slices filled, doubled, left out."""
    if not path.is_dir():
        return read_volume(path), tuple(doubts_of_orientation(path))
    series = read_ct_series(path)
    return series.volume, series.warnings


def case_of_parts(
    table: Mapping[str, object],
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
    ct : Volume or None
    structures : tuple of Structure
    catheters : tuple of Catheter
    folder : Path
        Relative file names start here.
    where : object
        What messages name.
    hashes : mapping
        SHA-256 of the files the parts came from.

    Returns
    -------
    CaseFile

    Raises
    ------
    InputError, FormatError
        As :func:`case_of_table`.
    """
    entries = Entries(table, where)
    entries.refuse_unknown(CASE_KEYS - {"ct", "structures", "catheters"})
    return _case_file(entries, _Anatomy(ct, structures, catheters), CasePaths(folder, where, hashes=hashes))


@dataclass(frozen=True, slots=True, eq=False)
class _Anatomy:
    """What images and structure sets give."""

    ct: Volume | None
    structures: tuple[Structure, ...]
    catheters: tuple[Catheter, ...]

    def warnings(self, case: Case, where: object) -> tuple[Caution, ...]:
        """Refuse parts that do not lie in one frame; say what is odd."""
        grid = self.ct.grid if self.ct else None
        inside = check_structures(self.structures, grid, where=where) if grid else ()
        overlap = check_overlap(self.structures, case.healthy, where=where)
        check_catheters(self.catheters, case.ctvs, grid, where=where)
        doubts = doubts_of_anatomy_and_catheters(self.ct, self.structures, self.catheters, case.healthy, where=where)
        return (*inside, *overlap, *doubts)


def _case_file(entries: Entries, anatomy: _Anatomy, paths: CasePaths, warnings: tuple[Caution, ...] = ()) -> CaseFile:
    name = entries.text("name", paths.folder.resolve().name or "case")
    case = Case(
        name=name,
        ct=anatomy.ct,
        structures=anatomy.structures,
        catheters=anatomy.catheters,
        healthy=entries.text_or_none("healthy"),
        applicator=read_applicator(paths.path(entries.text("applicator"), "applicator"))
        if "applicator" in entries
        else None,
    )
    goals, times, goal_warnings = goals_of(entries, case, paths)
    source, strength = _source(entries, paths)
    # What the case itself or a flag says of a rule stands before its file of goals.
    table = Entries(entries.table("dwells", {}).values, f"{entries.where}, [dwells]")
    options = with_applicator(times | numbers_of(table, DWELL_OPTIONS, entries.where), case.applicator, entries.where)
    with_role = roles_of(entries)
    return CaseFile(
        case=case,
        goals=goals,
        source=source,
        strength=strength,
        options=options,
        inputs=paths.hashes,
        files=paths.files,
        warnings=each_once(
            (
                *warnings,
                *anatomy.warnings(case, entries.where),
                *goal_warnings,
                *doubts_of_goals(goals, case.structures, case.healthy),
                *doubts_of_protection(goals, [s for s in case.structures if s.name in with_role], case.healthy),
                *doubts_of_dwell_places(options, source),
                *bounded_warnings(source),
                *doubts_of_strength(strength),
                *doubts_of_source_for_pulses(source, strength),
            )
        ),
    )


def _source(entries: Entries, paths: CasePaths) -> tuple[TG43Source, Strength]:
    """Return model and strength of ``[source]``."""
    table = Entries(entries.table("source", {}).values, f"{entries.where}, [source]")
    table.refuse_unknown({"name", "file", *STRENGTH_KEYS})
    if "name" in table and "file" in table:
        raise InputError("[source] has a name of the library or a file", got="both", where=entries.where)
    own = read_source(paths.path(table.values["file"], "source file")) if "file" in table else None
    strength = {key: value for key, value in table.values.items() if key in STRENGTH_KEYS}
    try:
        source = own or load_source(table.text("name", DEFAULT_SOURCE))
        return source, strength_of(strength, source.half_life_days)
    except HdrPlanError as error:
        raise InputError(error.expected, got=error.got, where=table.where, remedy=error.remedy) from None
