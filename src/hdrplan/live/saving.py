"""A session on disk: its case, and what the command of its plan writes."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from hdrplan.errors import ResourceError
from hdrplan.io import CaseFile, new_folder, write_case, write_plan
from hdrplan.live.wishes import Wishes
from hdrplan.plan import Plan

__all__ = ["is_by_hand", "write_session"]


def is_by_hand(wishes: Wishes) -> bool:
    """Whether a plan can only be given by all of its times: --lock keeps times above 0, not what was cleared."""
    return wishes.by_hand_s is not None or 0.0 in wishes.locked_s.values()


def write_session(folder: Path, case_file: CaseFile, wishes: Wishes, given: Plan | None) -> str:
    """Write a new folder with the case as it is now, run the command of its plan there, and return that command.

    Parameters
    ----------
    folder : Path
    case_file : CaseFile
        As it was opened.
    wishes : Wishes
    given : Plan or None
        Times that the command is given.

    Raises
    ------
    InputError
        The folder exists.
    ResourceError
        The command failed; what it said.
    """
    case = wishes.case_of(case_file.case)
    words = ["plan", "case", *(["--lock", "times.json"] if given is not None else []), "-o", "plan"]
    if is_by_hand(wishes):
        words = ["evaluate", "case", "--plan", "times.json", "-o", "metrics.json"]
    with new_folder(folder) as draft:
        (draft / "case").mkdir()
        write_case(draft / "case", replace(case_file, case=case, goals=wishes.active), case)
        if given is not None:
            write_plan(draft / "times.json", given, case.name, None)
    done = subprocess.run(
        [sys.executable, "-m", "hdrplan", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise ResourceError("the plan of a session must be written", got=" ".join(last)[:200], where=folder)
    return f"hdrplan {' '.join(words)}"
