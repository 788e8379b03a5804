"""The dossier of several sessions: what their folder says, computed again session by session, earlier dose counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.door import Entries
from hdrplan.dose import SamplePoints, sample_points
from hdrplan.errors import FormatError, InputError
from hdrplan.io import CaseFile, json_entries, read_plan_file
from hdrplan.plan import Goal, parse_goal
from hdrplan.validate.own_metrics import metric_of
from hdrplan.validate.own_plan import Delivered, PlannedCase, options_of
from hdrplan.validate.plan_bound import bound_rows, objective_rows
from hdrplan.validate.plan_rows import PLAIN, SECTION, case_row, total_rows
from hdrplan.validate.row import Aim, Question, Row, judged, skipped
from hdrplan.validate.search import coldest

__all__ = ["sessions_dossier"]

_SEARCH = "descent from many starts on the continuous shape, TG-43 written plainly"
# Rounding of doses that two codes compute.
_SAME_PCT = 1e-4


def sessions_dossier(folder: Path, file: CaseFile | None, progress: Callable[[str, float], None]) -> list[Row]:
    """Check everything that the folder of several sessions says.

    Parameters
    ----------
    folder : Path
        That ``hdrplan sessions`` wrote.
    file : CaseFile or None
        The case that was planned; without it only times are checked.
    progress : callable
        Called with (what is done, share of the work that is done).

    Returns
    -------
    list of Row

    Raises
    ------
    InputError
        A session without its folder.
    FormatError
        A file that is not what hdrplan writes.
    """
    stated, record = json_entries(folder / "sessions.json"), json_entries(folder / "run.json")
    entries = stated.tables("sessions")
    sessions = [_session(folder / f"session-{k}", record) for k in range(1, len(entries) + 1)]
    rows = [_total_row(sessions, stated)]
    if file is not None:
        rows.insert(0, case_row(record, file))
    budgets = _budgets(record)
    for k, (own, entry) in enumerate(zip(sessions, entries, strict=True)):
        progress(f"session {k + 1}", 0.05 + 0.95 * k / len(sessions))
        of_session = total_rows(own, {"sessions.json": entry})
        if file is None:
            asked = Question(section=SECTION, what="D100, goals, bound", source="the case")
            of_session.append(skipped(asked, why="Structures are needed: name the case beside its sessions."))
        else:
            planned = _planned(own, sessions[:k], entry, file, budgets)
            of_session += _dose_rows(own, planned, entry)
            of_session.append(_goals_row(own, planned))
            certificate = entry.table("certificate")
            of_session += objective_rows(own, planned, certificate)
            of_session += bound_rows(own, planned, certificate, lambda share: None)
        rows += [_named(row, f"session {k + 1}") for row in of_session]
    return rows


def _named(row: Row, session: str) -> Row:
    return replace(row, question=replace(row.question, what=f"{session}: {row.question.what}"))


def _session(folder: Path, record: Entries) -> Delivered:
    if not (folder / "plan.json").is_file():
        raise InputError("expected a folder with plan.json for each session of sessions.json", got="none", where=folder)
    return Delivered(
        plan=read_plan_file(folder).plan,
        stated=json_entries(folder / "plan.json"),
        record=record,
        options=options_of(record),
        locked=np.zeros(0, dtype=np.int64),
    )


def _budgets(record: Entries) -> tuple[Goal, ...]:
    texts = record.table("options").values.get("budgets")
    if not isinstance(texts, list):
        raise FormatError("expected the budgets of the sessions", got="none", where=record.where)
    named = [str(text).rpartition(":") for text in texts]
    return tuple(parse_goal(limit, structure=name.strip() or "plan", source="user") for name, _, limit in named)


def _planned(
    own: Delivered, earlier: Sequence[Delivered], entry: Entries, file: CaseFile, budgets: tuple[Goal, ...]
) -> PlannedCase:
    """Sample the case as it was sampled for the sessions; what was given before counts.

    Parameters
    ----------
    own : Delivered
    earlier : sequence of Delivered
        Sessions before this one.
    entry : Entries
        Of this session in sessions.json.
    file : CaseFile
    budgets : tuple of Goal
    """
    asked = replace(file.goals, goals=(*file.goals.goals, *budgets))
    points = sample_points(
        file.case.dosed_structures(asked), spacing_mm=own.options.sample_mm, healthy=file.case.healthy
    )

    def earlier_gy(points_mm: FloatArray) -> FloatArray:
        return sum((session.dose_gy(points_mm) for session in earlier), np.zeros(len(points_mm)))

    lesions = entry.items("lesions")
    return PlannedCase(
        case=file.case,
        goals=replace(file.goals, prescriptions=tuple(p for p in file.goals.prescriptions if p.structure in lesions)),
        points=points,
        dose_gy=own.dose_gy(points.points_mm) + earlier_gy(points.points_mm),
        earlier=earlier_gy,
        budgets=budgets,
    )


def _total_row(sessions: Sequence[Delivered], stated: Entries) -> Row:
    total_s = sum(float(session.plan.times_s.sum()) for session in sessions)
    asked = Question(
        section=SECTION,
        what=f"{len(sessions)} sessions of {total_s:.1f} s in all",
        source="sum of the dwell times of all plan.json",
        method="difference to sessions.json",
    )
    return judged(asked, abs(total_s - stated.number("total_time_s")), Aim(value=1e-6, unit="s"))


def _dose_rows(own: Delivered, planned: PlannedCase, entry: Entries) -> list[Row]:
    """Compute the D100 of every CTV again, of the session and of the sum; look for colder points between."""
    points, rows = planned.points, []
    for key, dose_gy in (("d100_gy", own.dose_gy(points.points_mm)), ("d100_sum_gy", planned.dose_gy)):
        stated = entry.table(key)
        off = max(abs(stated.number(name) / float(dose_gy[points.rows(name)].min()) - 1.0) for name in stated)
        asked = Question(
            section=SECTION,
            what=f"{key} of {len(list(stated))} CTVs at the sample points",
            source=PLAIN,
            method="largest relative difference at the same points",
        )
        rows.append(judged(asked, 100 * off, Aim(value=_SAME_PCT)))
    for seed, prescription in enumerate(planned.goals.prescriptions, start=101):
        name = prescription.structure
        cold = coldest(points.shape(name), lambda at: own.dose_gy(at) + planned.earlier_gy(at), seed=seed)
        asked = Question(
            section=SECTION,
            what=f"{name}: minimum dose {cold.minimum_gy:.3f} Gy of {cold.looked_at:,} points",
            source=_SEARCH,
        )
        proven = entry.table("d100_sum_lower_gy", {})
        if name not in proven:
            stated_gy = entry.table("d100_sum_gy").number(name)
            why = f"Nothing is claimed between the sample points, where D100 is {stated_gy:.3f} Gy."
            rows.append(skipped(asked, why=why))
            continue
        lower_gy = proven.number(name)
        method = f"shortfall of the sum below the proven {lower_gy:.3f} Gy, that no point is to lie below"
        short_gy = max(0.0, lower_gy - cold.minimum_gy)
        rows.append(judged(replace(asked, method=method), 100 * short_gy / lower_gy, Aim(value=_SAME_PCT)))
    return rows


def _goals_row(own: Delivered, planned: PlannedCase) -> Row:
    """Judge the prescriptions and hard goals of the sum, and the budgets of the session alone."""
    points = planned.points
    alone_gy = own.dose_gy(points.points_mm)
    hard = [goal for goal in planned.goals.goals if goal.level == 0]
    prescribed = [p.goal for p in planned.goals.prescriptions]
    off = 0.0
    for goals, dose_gy in (([*prescribed, *hard], planned.dose_gy), (planned.budgets, alone_gy)):
        for goal in goals:
            reached = _reached(own, planned, points, goal, dose_gy)
            over = reached - goal.value if goal.sense == "<=" else goal.value - reached
            off = max(off, over / max(abs(goal.value), 1e-3))
    return judged(
        Question(
            section=SECTION,
            what=f"{len(prescribed)} prescriptions, {len(hard)} hard goals and {len(planned.budgets)} budgets are held",
            source=f"{PLAIN}, at the sample points; goals of the sum, budgets of the session",
            method="largest fraction by which one is missed",
        ),
        100 * off,
        Aim(value=_SAME_PCT),
    )


def _reached(own: Delivered, planned: PlannedCase, points: SamplePoints, goal: Goal, dose_gy: FloatArray) -> float:
    if goal.metric.kind == "total_time":
        return own.plan.total_time_s
    rows = points.rows(goal.structure)
    return metric_of(goal.metric, dose_gy[rows], points.volume_cc[rows], planned.prescription_gy(goal.structure))
