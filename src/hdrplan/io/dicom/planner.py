"""Who made a plan, and when: for comparing plans by planner and year."""

from __future__ import annotations

from pathlib import Path

from hdrplan.io.dicom.tags import read_tags

__all__ = ["read_planner"]


def read_planner(path: Path) -> tuple[str, str]:
    """Return the name of the person who made an RT Plan and the year; empty where the file does not say.

    The operator stands before the reviewer; the date of the plan before that of the study. The name is personal data:
    the caller makes a pseudonym of it.

    Parameters
    ----------
    path : Path

    Raises
    ------
    FormatError
        No DICOM file.
    """
    tags = read_tags(path)
    person = tags.text("OperatorsName", "") or tags.text("ReviewerName", "")
    date = tags.text("RTPlanDate", "") or tags.text("StudyDate", "")
    return person.strip(), date[:4] if date[:4].isdigit() else ""
