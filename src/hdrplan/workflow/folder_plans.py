"""A folder of prepared cases becomes a table: every case is planned, or is a row that says why not.

A case that has no catheters is given some first (:func:`hdrplan.workflow.place_case`). What is planned stands in a
store, so a run that was stopped goes on where it was; what failed is tried again.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from hdrplan.edition import edition
from hdrplan.errors import HdrPlanError, InputError
from hdrplan.io import CaseFile, ResultStore, case_sha256, json_text, plan_table, read_case
from hdrplan.options import PlanOptions
from hdrplan.processes import Lost
from hdrplan.workflow.labour import ALONE, Labour, in_words, shared_out
from hdrplan.workflow.obstacles import default_obstacles
from hdrplan.workflow.place import place_case
from hdrplan.workflow.place_options import PlaceOptions
from hdrplan.workflow.plan import PlanResult, plan_case
from hdrplan.workflow.planned_cases import CaseOutcome, PlannedCase
from hdrplan.workflow.steps import StepProgress, Steps
from hdrplan.workflow.warning_cells import warning_cell

__all__ = ["FolderOptions", "cases_in", "plan_folder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderOptions:
    """What all cases of a folder have in common.

    Parameters
    ----------
    changes : mapping
        Keys of the case table that replace those of every case.
    every_point : bool
        Prove D100 at every point of the CTVs.
    proof_s : float
        For the proof of dose-volume goals.
    most : int
        Maximum number of catheters of a case that has none.
    without : tuple of str
        Of ribs, lungs, bowel and vessels those that need not be segmented.
    time_limit_s : float
        For choosing catheters.
    strict : bool
        A case that gives a warning is not planned.
    """

    changes: Mapping[str, object] = field(default_factory=dict)
    every_point: bool = True
    proof_s: float = 10.0
    most: int = 6
    without: tuple[str, ...] = ()
    time_limit_s: float = 60.0
    strict: bool = False


def cases_in(folder: Path) -> tuple[str, ...]:
    """Return the case folders below a folder, in order of their names.

    Raises
    ------
    InputError
        There are none.
    """
    names = sorted(path.parent.relative_to(folder).as_posix() for path in folder.rglob("case.toml"))
    if not names or names == ["."]:
        raise InputError(
            "expected a folder of case folders, each with a case.toml",
            got="one case" if names else "none",
            where=folder,
            remedy="`hdrplan prepare SCAN -o FOLDER/NAME` makes one." if not names else "`hdrplan plan CASE` plans it.",
        )
    return tuple(names)


def plan_folder(
    folder: Path,
    store: ResultStore[PlannedCase],
    options: FolderOptions,
    *,
    labour: Labour = ALONE,
    on_progress: StepProgress | None = None,
) -> list[CaseOutcome]:
    """Plan all cases of a folder; the order of the answer is that of their names.

    Parameters
    ----------
    folder : Path
    store : ResultStore
        Plans of earlier runs are taken from it, new ones are put into it as they come.
    options : FolderOptions
    labour : Labour
        Who plans; a case whose process dies is tried once more.
    on_progress : callable, optional
        Called with (step, done, total).

    Raises
    ------
    InputError
        No cases.
    """
    step = Steps(on_progress)
    names = cases_in(folder)
    keys = {name: _key(name, folder, options) for name in names}
    outcomes = {
        name: CaseOutcome(case=name, result=found, kept=True)
        for name in names
        if (found := store.read(keys[name])) is not None
    }
    left = [name for name in names if name not in outcomes]
    with step(f"cases ({len(outcomes)} found)") as progress:
        work = partial(_attempt, folder=folder, options=options)
        answers = shared_out(work, left, labour, keys=[keys[name] for name in left])
        for done, (k, answer) in enumerate(answers, start=1):
            outcome = (
                CaseOutcome(case=left[k], result=None, error=in_words(answer), lost=True)
                if isinstance(answer, Lost)
                else answer
            )
            if outcome.result is not None:
                store.write(keys[left[k]], outcome.result)
            outcomes[left[k]] = outcome
            progress(done, len(left))
    return [outcomes[name] for name in names]


def _key(name: str, folder: Path, options: FolderOptions) -> str:
    """Key of a result: the program, the options, the case's name and every byte of it, wherever its files lie."""
    text = json.dumps(
        [edition(), asdict(options), name, case_sha256(folder / name, options.changes)], sort_keys=True, default=str
    )
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _attempt(name: str, folder: Path, options: FolderOptions) -> CaseOutcome:
    try:
        return CaseOutcome(case=name, result=_planned(name, folder, options))
    except HdrPlanError as error:
        return CaseOutcome(case=name, result=None, error=" ".join(str(error).split()))
    except Exception as error:  # a row of failures.csv, whatever it was
        return CaseOutcome(case=name, result=None, error=f"{type(error).__name__}: {' '.join(str(error).split())}")


def _planned(name: str, folder: Path, options: FolderOptions) -> PlannedCase:
    before_s = time.process_time()
    found = read_case(folder / name, options.changes)
    if not found.case.catheters:
        found = read_case(folder / name, options.changes, before_puncture=True)
    if options.strict and found.warnings:
        raise InputError("with `strict=True` no warning may be left", got=warning_cell(found.warnings))
    planning = _planning(found, options)
    if found.case.catheters:
        result = plan_case(found.case, found.goals, found.source, found.strength, options=planning)
    else:
        place = PlaceOptions(
            margins_mm=default_obstacles(found.case),
            most=options.most,
            without=options.without,
            time_limit_s=options.time_limit_s,
        )
        result = place_case(
            found.case, found.goals, found.source, found.strength, options=place, plan_options=planning
        ).planned
    return _row(name, found, result, cpu_s=time.process_time() - before_s)


def _planning(found: CaseFile, options: FolderOptions) -> PlanOptions:
    given: dict[str, Any] = dict(found.options)
    return replace(PlanOptions(**given), every_point=options.every_point, proof_s=options.proof_s)


def _row(name: str, found: CaseFile, result: PlanResult, *, cpu_s: float) -> PlannedCase:
    targets, score = result.score.targets, result.score
    worst = min(targets, key=lambda target: target.d100_gy / target.prescription_gy)
    hard = [goal for goal in score.goals[len(targets) :] if goal.goal.level == 0]
    main = None if result.optimum is None else result.optimum.certificate.main
    catheters = [{"name": c.name, "hub_to_tip_mm_lps": c.points_mm.tolist()} for c in result.case.catheters]
    return PlannedCase(
        case=name,
        ctvs=len(targets),
        ctv_cc=float(sum(target.volume_cc for target in targets)),
        catheters=len(result.case.catheters),
        placed=not found.case.catheters,
        d100_gy=worst.d100_gy,
        d98_gy=worst.d98_gy,
        v100_pct=100 * worst.v100_frac,
        prescriptions_met=all(goal.met for goal in score.goals[: len(targets)]),
        objective="" if main is None else f"{main.text} ({main.unit})",
        value=float("nan") if main is None else main.value,
        bound=float("nan") if main is None else main.bound,
        gap_pct=float("nan") if main is None else 100 * main.gap_frac,
        hard_goals=len(hard),
        hard_met=sum(goal.met for goal in hard),
        missed="; ".join(f"{goal.goal.structure} {goal.goal.text}" for goal in hard if not goal.met),
        total_time_s=result.plan.total_time_s,
        warnings=len(found.warnings),
        warning_texts=warning_cell(found.warnings),
        cpu_s=round(cpu_s, 2),
        plan=json_text(plan_table(result.plan, name, found.ct_sha256)),
        catheter_file=json_text({"catheters": catheters}),
    )
