"""A case as a folder that can be planned and moved: case.toml and everything it names."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from hdrplan.io.case.strength import strength_values
from hdrplan.io.case.table import CaseFile
from hdrplan.io.images import write_volume
from hdrplan.io.markups import write_markups
from hdrplan.io.outputs import write_json
from hdrplan.io.segmentations import write_segmentations
from hdrplan.io.source_values import source_table
from hdrplan.plan import Case
from hdrplan.sources import is_packaged

__all__ = ["write_case"]


def write_case(folder: Path, found: CaseFile, case: Case) -> None:
    """Write a case into an existing folder: images, structures, catheters, goals, source and case.toml.

    Parameters
    ----------
    folder : Path
    found : CaseFile
        Goals, source, strength and options come from it.
    case : Case
        Images, structures and catheters come from it.
    """
    lines = [f"name = {_quoted(case.name)}"]
    if case.ct is not None:
        write_volume(folder / "ct.nii.gz", case.ct)
        lines.append('ct = "ct.nii.gz"')
    if case.catheters:
        write_markups(folder / "catheters.mrk.json", case.catheters)
        lines.append('catheters = "catheters.mrk.json"')
    if case.healthy is not None:
        lines.append(f"healthy = {_quoted(case.healthy)}")
    for file in write_segmentations(folder, case.structures, case.ct.grid if case.ct is not None else None):
        lines += ["", "[[structures]]", f"file = {_quoted(file)}"]
    lines += ["", "[roles]", *(f"{_quoted(s.name)} = {_quoted(s.role)}" for s in case.structures)]
    lines += ["", "[prescription_gy]"]
    lines += [f"{_quoted(p.structure)} = {p.dose_gy!r}" for p in found.goals.prescriptions]
    lines += ["", "[source]"]
    if is_packaged(found.source):
        lines.append(f"name = {_quoted(found.source.name)}")
    else:
        write_json(folder / "source.json", source_table(found.source))
        lines.append('file = "source.json"')
    for key, value in strength_values(found.strength).items():
        lines.append(f"{key} = {value.isoformat() if isinstance(value, datetime) else repr(value)}")
    if found.options:
        lines += ["", "[dwells]", *(f"{key} = {value!r}" for key, value in found.options.items())]
    for goal in found.goals.goals:
        lines += ["", "[[goals]]", f"structure = {_quoted(goal.structure)}", f"goal = {_quoted(goal.text)}"]
        lines += [f"level = {goal.level}", f"source = {_quoted(goal.source)}"]
    (folder / "case.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _quoted(text: str) -> str:
    # A JSON string is a TOML basic string; DEL is the one character that TOML alone forbids.
    return json.dumps(text, ensure_ascii=True).replace("\x7f", "")
