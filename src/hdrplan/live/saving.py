"""A session on disk: its case, and what the command of its plan writes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

from hdrplan.errors import ResourceError
from hdrplan.io import CaseFile, new_folder, write_case, write_plan
from hdrplan.live.shown import Shown
from hdrplan.live.wishes import Wishes, fixed_times
from hdrplan.plan import Plan

__all__ = ["EXPORTS", "free_folder", "given_times", "is_by_hand", "write_session"]

# Formats of `hdrplan export`.
EXPORTS = ("dicom", "slicer")


def is_by_hand(wishes: Wishes) -> bool:
    """Whether a plan can only be given by all of its times: --lock keeps times above 0, not what was cleared."""
    return wishes.by_hand_s is not None or 0.0 in wishes.locked_s.values()


def free_folder(saves: Path) -> Path:
    """Return the next folder to save into: plan-1, plan-2, ... of a folder, which is made."""
    saves.mkdir(parents=True, exist_ok=True)
    return next(path for k in count(1) if not (path := saves / f"plan-{k}").exists())


def given_times(wishes: Wishes, shown: Shown) -> Plan | None:
    """Return the times that the command of a plan must be given: all, those that are locked, or none.

    Parameters
    ----------
    wishes : Wishes
    shown : Shown
        The plan on the screen.
    """
    if is_by_hand(wishes):
        return shown.plan
    if not wishes.locked_s:
        return None
    return replace(shown.plan, times_s=fixed_times(wishes.locked_s, shown.plan.dwells, 0.0))


def write_session(folder: Path, case_file: CaseFile, wishes: Wishes, given: Plan | None, exports: Sequence[str]) -> str:
    """Write a new folder with the case as it is now and what the commands of its plan write; return these.

    Parameters
    ----------
    folder : Path
    case_file : CaseFile
        As it was opened.
    wishes : Wishes
    given : Plan or None
        Times that the command is given.
    exports : sequence of str
        "dicom", "slicer": the plan is exported so, into a folder of that name.

    Raises
    ------
    InputError
        The folder exists.
    ResourceError
        The command failed; what it said. Nothing is left.
    """
    case = wishes.case_of(case_file.case)
    plan_file, words = "plan", ["plan", "case", *(["--lock", "times.json"] if given is not None else []), "-o", "plan"]
    if is_by_hand(wishes):
        plan_file, words = "times.json", ["evaluate", "case", "--plan", "times.json", "-o", "metrics.json"]
    commands = [words, *(["export", plan_file, "--case", "case", "--format", kind, "-o", kind] for kind in exports)]
    with new_folder(folder) as draft:
        (draft / "case").mkdir()
        write_case(draft / "case", replace(case_file, case=case, goals=wishes.active), case)
        if given is not None:
            write_plan(draft / "times.json", given, case.name, None)
        # In the draft: a folder that can be seen has its plan.
        for command in commands:
            done = subprocess.run(
                [sys.executable, "-m", "hdrplan", *command], cwd=draft, capture_output=True, text=True, check=False
            )
            if done.returncode:
                last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
                raise ResourceError(f"hdrplan {command[0]} must end well", got=" ".join(last)[:200], where=folder)
    return "; ".join(f"hdrplan {' '.join(command)}" for command in commands)
