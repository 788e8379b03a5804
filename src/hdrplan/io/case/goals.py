"""Prescriptions and goals of a case: ``[prescription_gy]``, and ``[[goals]]`` or a file that holds them.

A file of goals may have a table ``[dwells]`` too: what a clinic asks of single dwell times belongs to its protocol.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from hdrplan.cautions import Caution, caution
from hdrplan.door import Entries, as_number, as_table
from hdrplan.errors import FormatError, InputError, among, nearest
from hdrplan.geometry import Structure
from hdrplan.io.case.paths import CasePaths
from hdrplan.io.files import toml_entries
from hdrplan.options import PLAN_OPTIONS
from hdrplan.plan import Case, Goal, Goals, Prescription, parse_goal

__all__ = ["goals_of", "numbers_of", "read_goals"]

# What a file of goals may ask of dwell times. Steps and offsets belong to the case: they are no wishes.
_TIMES = ("time_ratio", "max_dwell_s", "min_dwell_s", "time_step_s")


def goals_of(entries: Entries, case: Case, paths: CasePaths) -> tuple[Goals, dict[str, float], tuple[Caution, ...]]:
    """Return prescriptions and goals of a case, what its file of goals asks of dwell times, and warnings.

    Parameters
    ----------
    entries : Entries
        The case table.
    case : Case
        Its structures: a goal of a file for one that is not there is left out with a warning.
    paths : CasePaths

    Raises
    ------
    InputError, FormatError
        A CTV without a prescription, goals that cannot be read, a goal of the case itself for no structure.
    """
    value, where = entries.values.get("goals", []), entries.where
    names = {s.name for s in case.structures} | {"plan"}
    times: dict[str, float] = {}
    if isinstance(value, str | Path):
        goals, times, warnings = _of_file(paths.path(value, "goals"), names)
    else:
        goals, warnings = _of_tables(value, names, where, from_file=False)
    doses = _prescriptions(entries, case, where)
    off = _reference_only(entries, [dose.structure for dose in doses], where)
    asked, references = (tuple(d for d in doses if (d.structure in off) == only) for only in (False, True))
    return Goals(asked, tuple(goals), references), times, tuple(warnings)


def numbers_of(table: Entries, names: Collection[str], where: object) -> dict[str, float]:
    """Return the planner's options in a table, each in its range.

    Parameters
    ----------
    table : Entries
    names : collection of str
        Those it may hold, of :data:`hdrplan.options.PLAN_OPTIONS`.
    where : object
        What messages name.
    """
    table.refuse_unknown(set(names))
    numbers = {key: table.number(key) for key in table}
    for key, value in numbers.items():
        PLAN_OPTIONS[key].check(key, value, where=where)
    return numbers


def read_goals(path: Path, structures: Iterable[Structure]) -> tuple[tuple[Goal, ...], tuple[Caution, ...]]:
    """Read a file of goals, and warn of those for structures that are not there.

    Parameters
    ----------
    path : Path
    structures : iterable of Structure

    Raises
    ------
    InputError, FormatError
        Goals that cannot be read; rules of dwell times, which no given plan is judged by.
    """
    goals, times, warnings = _of_file(path, {structure.name for structure in structures} | {"plan"})
    if times:
        raise InputError(
            "goals of a given plan speak of doses, volumes and the total time",
            got=f"[dwells] {', '.join(times)}",
            where=path,
            remedy="Take [dwells] out.",
        )
    return tuple(goals), tuple(warnings)


def _of_file(path: Path, names: Collection[str]) -> tuple[list[Goal], dict[str, float], list[Caution]]:
    content = toml_entries(path)
    content.refuse_unknown({"goals", "dwells"})
    table = Entries(content.table("dwells", {}).values, f"{path}, [dwells]")
    # A file may ask something of the times alone.
    tables = content.values.get("goals", [] if "dwells" in content else None)
    goals, warnings = _of_tables(tables, names, path, from_file=True)
    return goals, numbers_of(table, _TIMES, path), warnings


def _of_tables(
    value: object, names: Collection[str], where: object, *, from_file: bool
) -> tuple[list[Goal], list[Caution]]:
    if not isinstance(value, list):
        raise FormatError("goals is a file name or [[goals]] tables", got=repr(value)[:60], where=where)
    goals: list[Goal] = []
    warnings: list[Caution] = []
    for k, row in enumerate(value):
        goal = _goal(Entries(as_table(row, "[[goals]]", where).values, f"{where}, goals {k + 1}"))
        if goal.structure in names:
            goals.append(goal)
        elif from_file:
            # A protocol lists organs that one case may not have.
            near = nearest(goal.structure, names, alike=0.8)
            meant = f", but {' and '.join(near)}" if near else ""
            warnings.append(caution("goal-not-applied", goal=goal.text, structure=goal.structure, meant=meant))
        else:
            raise InputError(
                f"no structure is named {goal.structure!r}",
                where=f"{where}, goals {k + 1}",
                remedy=among(goal.structure, sorted(names)),
            )
    return goals, warnings


def _goal(entry: Entries) -> Goal:
    entry.refuse_unknown({"structure", "goal", "level", "source"})
    level = entry.values.get("level", 0)
    if isinstance(level, bool) or not isinstance(level, int) or not 0 <= level <= 100:
        raise FormatError(
            "level is a whole number: 0 hard, 1, 2, ... priorities", got=repr(level)[:60], where=entry.where
        )
    structure, text, source = (entry.text_or_none(key) or "" for key in ("structure", "goal", "source"))
    try:
        return parse_goal(text, structure=structure, source=source, level=level)
    except InputError as error:
        raise InputError(error.expected, got=error.got, where=entry.where, remedy=error.remedy) from None


def _prescriptions(entries: Entries, case: Case, where: object) -> tuple[Prescription, ...]:
    """Return the prescriptions: one number for all CTVs, or one for each by name."""
    value = entries.values.get("prescription_gy")
    ctvs = [ctv.name for ctv in case.ctvs]
    if value is None:
        raise InputError(
            "every CTV needs a prescription",
            got="no [prescription_gy]",
            where=where,
            remedy="Write the dose in Gy for each CTV, or give `prescription=GY`.",
        )
    doses = value if isinstance(value, Mapping) else dict.fromkeys(ctvs, value)
    unknown, missing = [n for n in doses if n not in ctvs], [n for n in ctvs if n not in doses]
    if unknown or missing:
        raise InputError(
            f"prescriptions are for the CTVs ({', '.join(ctvs)})",
            got=f"one for {unknown[0]!r}" if unknown else f"none for {missing[0]!r}",
            where=where,
        )
    return tuple(Prescription(name, as_number(doses[name], f"prescription_gy of {name}", where)) for name in ctvs)


def _reference_only(entries: Entries, ctvs: list[str], where: object) -> list[str]:
    """Return the CTVs whose prescription is not asked for."""
    value = entries.values.get("reference_only", [])
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise FormatError("reference_only is a list of names of CTVs", got=repr(value)[:60], where=where)
    unknown = [name for name in value if name not in ctvs]
    if unknown:
        raise InputError(f"reference_only names CTVs ({', '.join(ctvs)})", got=repr(unknown[0])[:60], where=where)
    return value
