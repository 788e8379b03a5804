"""A case as a folder that can be planned and moved: case.toml and everything it names."""

from __future__ import annotations

from pathlib import Path

from hdrplan.io.applicators import write_applicator
from hdrplan.io.case.strength import strength_values
from hdrplan.io.case.table import CaseFile
from hdrplan.io.images import write_volume
from hdrplan.io.markups import write_markups
from hdrplan.io.segmentations import write_segmentations
from hdrplan.io.source_values import source_table
from hdrplan.io.toml_text import toml_text
from hdrplan.io.value_files import write_json
from hdrplan.plan import Case
from hdrplan.sources import TG43Source, is_packaged

__all__ = ["write_case", "write_source"]


def write_case(folder: Path, case_file: CaseFile, case: Case) -> None:
    """Write a case into an existing folder: images, structures, catheters, goals, source and case.toml.

    Parameters
    ----------
    folder : Path
    case_file : CaseFile
        Goals, source, strength and options come from it.
    case : Case
        Images, structures and catheters come from it.
    """
    table: dict[str, object] = {"name": case.name}
    if case.ct is not None:
        write_volume(folder / "ct.nii.gz", case.ct)
        table["ct"] = "ct.nii.gz"
    if case.catheters:
        write_markups(folder / "catheters.mrk.json", case.catheters)
        table["catheters"] = "catheters.mrk.json"
    if case.applicator is not None:
        write_applicator(folder / "applicator.toml", case.applicator)
        table["applicator"] = "applicator.toml"
    if case.healthy is not None:
        table["healthy"] = case.healthy
    files = write_segmentations(folder, case.structures, case.ct.grid if case.ct is not None else None)
    table["structures"] = [{"file": name} for name in files]
    table["roles"] = {s.name: s.role for s in case.structures}
    table["prescription_gy"] = {p.structure: p.dose_gy for p in case_file.goals.doses}
    if case_file.goals.references:
        table["reference_only"] = [p.structure for p in case_file.goals.references]
    table["source"] = write_source(folder, case_file.source) | strength_values(case_file.strength)
    if case_file.options:
        table["dwells"] = case_file.options
    table["goals"] = [
        {"structure": goal.structure, "goal": goal.text, "level": goal.level, "source": goal.source}
        for goal in case_file.goals.goals
    ]
    (folder / "case.toml").write_text(toml_text(table), encoding="utf-8")


def write_source(folder: Path, source: TG43Source) -> dict[str, object]:
    """Return what ``[source]`` of a case says of the model; one that is not packaged is written beside the case."""
    if is_packaged(source):
        return {"name": source.name}
    write_json(folder / "source.json", source_table(source))
    return {"file": "source.json"}
