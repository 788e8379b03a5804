"""Plans of planning systems that lie on this machine: the second check of each."""

from __future__ import annotations

from pathlib import Path

from hdrplan.errors import HdrPlanError, InputError
from hdrplan.io import read_brachy_plan, read_dose_grid, read_structure_set
from hdrplan.plan import source_of_brachy
from hdrplan.validate.row import Question, Row, skipped
from hdrplan.workflow import StatedDose, check_plan

__all__ = ["clinical_rows"]

_SECTION = "Second check of clinical plans"


def clinical_rows(folder: Path | None) -> list[Row]:
    """Recompute every ``*RP*.dcm`` of a folder, with ``RS`` and ``RD`` of the same name where they are.

    Parameters
    ----------
    folder : Path or None
        None, or a folder that is not there: one row says so.
    """
    if folder is None or not folder.is_dir():
        why = "Plans of patients or under other licences are not part of hdrplan; name a folder of yours with `plans`."
        return [skipped(Question(section=_SECTION, what="RT Plans", source="planning systems"), why=why)]
    plans = sorted(p for p in folder.iterdir() if "RP" in p.name and p.suffix.lower() == ".dcm")
    if not plans:
        raise InputError("expected RT Plans (*RP*.dcm)", got="none", where=folder)
    return [row for number, path in enumerate(plans, start=1) for row in _plan_rows(path, number)]


def _plan_rows(path: Path, number: int) -> list[Row]:
    # Names of files may name patients: plans are numbered.
    name = f"plan {number}"
    try:
        beside = path.with_name(path.name.replace("RP", "RS")), path.with_name(path.name.replace("RP", "RD"))
        structures = read_structure_set(beside[0]) if beside[0].is_file() else None
        dose = read_dose_grid(beside[1]) if beside[1].is_file() else None
        brachy = read_brachy_plan(path, structures)
        source = source_of_brachy(brachy)
        stated = None if dose is None else StatedDose(dose.volume, dose.full_scale_gy)
        check = check_plan(brachy, source, stated=stated)
    except HdrPlanError as error:
        # The sentence without the file's name.
        why = error.expected + (f", got {error.got}" if error.got is not None else "")
        return [skipped(Question(section=_SECTION, what=name, source="RT Plan"), why=f"{why}. {error.remedy}".strip())]
    rows = [
        Row(
            question=Question(
                section=_SECTION,
                what=f"{name}: {row.quantity}{f' ({row.unit})' if row.unit else ''}".strip(),
                source=f"the planning system: {row.tps:.5g}",
                method=f"TG-43 with {source.name}",
            ),
            tolerance=row.tolerance,
            result=f"{row.recomputed:.5g} ({100 * row.difference_frac:+.3f} %)",
            state="pass" if row.passed else "fail",
        )
        for row in check.rows
        if row.passed is not None
    ]
    return rows or [
        skipped(Question(section=_SECTION, what=name, source="RT Plan"), why="The file states no dose to compare with.")
    ]
