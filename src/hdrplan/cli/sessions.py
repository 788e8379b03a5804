"""``hdrplan sessions``: several lesions in the fewest sequential sessions."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hdrplan.cli.case import case_options, plan_options, read_case_from
from hdrplan.cli.common import json_option
from hdrplan.errors import InputError

if TYPE_CHECKING:
    from hdrplan.dose import DoseRate, SamplePoints
    from hdrplan.io import CaseFile
    from hdrplan.optimize import Session
    from hdrplan.plan import Goal, Plan

__all__ = ["command"]


@click.command("sessions", short_help="Several lesions in the fewest sessions, each within its budget.")
@case_options
@click.option("--budget", "budget_texts", multiple=True, metavar="LIMIT", help="Limit of one session; repeatable.")
@click.option("--most", type=int, default=4, show_default=True, help="Most sessions, at most 4.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder to write; must not exist.")
@click.option("--overwrite", is_flag=True, help="Replace an output folder that hdrplan wrote.")
@json_option
def command(
    budget_texts: tuple[str, ...], most: int, output: Path, overwrite: bool, as_json: bool, **flags: Any
) -> None:
    """Share the lesions of a case among the fewest sessions that each keep their budget, former dose counted.

    A budget limits one session: its time, or "NAME: " and a limit of a structure. After the first session it is
    the time or a mean dose. The goals of the case hold for the sum of all sessions; its catheters serve them all.

    \b
    Examples:
      hdrplan sessions two-lesions --budget "time <= 30 min" -o sessions
      hdrplan sessions two-lesions --budget "time <= 3000 s" --budget "liver: Dmean <= 5 Gy" -o sessions
      hdrplan sessions two-lesions --budget "liver: V5Gy <= 30 %" --most 2 -o sessions --json

    The folder holds session-1/plan.json and so on, sessions.json and run.json.
    """
    from hdrplan.io import check_free, json_text
    from hdrplan.optimize import PlanProblem, split_sessions
    from hdrplan.plan import Plan
    from hdrplan.workflow import delivery_of, planning_matrix

    budgets = [_budget(text) for text in budget_texts]
    check_free(output, overwrite)
    found = read_case_from(flags)
    options = plan_options(found)
    if options.source_speed_mm_per_s:
        raise InputError(
            "sessions are planned without transit dose", got="a transit speed", remedy="Add --transit-speed 0."
        )
    started = time.perf_counter()
    asked = replace(found.goals, goals=(*found.goals.goals, *budgets))
    dwells, points, rate = planning_matrix(
        found.case, asked, found.source, strength_u=found.strength.value_u, options=options
    )
    sessions = split_sessions(
        PlanProblem(
            rate=rate,
            points=points,
            goals=found.goals,
            healthy=found.case.healthy,
            max_time_s=options.max_dwell_s,
            delivery=delivery_of(dwells, options),
        ),
        budgets=budgets,
        most_sessions=most,
    )
    seconds = {"all": round(time.perf_counter() - started, 3)}
    plans = [
        Plan(dwells=dwells, times_s=session.optimum.times_s, source=found.source, strength=found.strength)
        for session in sessions
    ]
    table = _table(sessions, plans, points, rate)
    chosen = {
        "budgets": list(budget_texts),
        "most": most,
        "strength_u": found.strength.value_u,
        "source": found.source.name,
    }
    _write(output, overwrite, found, plans, table, dict(found.options) | chosen, seconds)
    if as_json:
        click.echo(json_text(table), nl=False)
        return
    _print(table)
    click.echo(f"Wrote {output}/: sessions.json, session-1/plan.json ... Research use only, never for treatment.")


def _budget(text: str) -> Goal:
    from hdrplan.plan import parse_goal

    name, colon, limit = text.rpartition(":")
    goal = parse_goal(limit, structure=name.strip() or "plan", source="user")
    if goal.sense != "<=":
        raise InputError("a budget is an upper limit, with <=", got=repr(text))
    if bool(colon) == (goal.metric.kind == "total_time"):
        raise InputError("expected --budget 'time <= 3000 s' or 'NAME: Dmean <= 5 Gy'", got=repr(text))
    return goal


def _table(sessions: tuple[Session, ...], plans: list[Plan], points: SamplePoints, rate: DoseRate) -> dict[str, Any]:
    """Return each session's lesions, time and doses, its own and summed with the former ones."""
    import numpy as np

    ctvs = [name for name, role in zip(points.names, points.roles, strict=True) if role == "CTV"]
    dose_sum_gy = np.zeros(len(points))
    rows = []
    for session, plan in zip(sessions, plans, strict=True):
        dose_gy = rate.gy_per_s @ plan.times_s
        dose_sum_gy = dose_sum_gy + dose_gy
        rows.append(
            {
                "lesions": list(session.lesions),
                "total_time_s": plan.total_time_s,
                "active_dwells": int((plan.times_s > 0).sum()),
                "d100_gy": {name: float(dose_gy[points.rows(name)].min()) for name in ctvs},
                "d100_sum_gy": {name: float(dose_sum_gy[points.rows(name)].min()) for name in ctvs},
                "proof": list(session.optimum.lines),
            }
        )
    return {"sessions": rows, "total_time_s": sum(plan.total_time_s for plan in plans)}


def _write(
    output: Path,
    overwrite: bool,
    found: CaseFile,
    plans: list[Plan],
    table: dict[str, Any],
    options: dict[str, Any],
    seconds: dict[str, float],
) -> None:
    from hdrplan.io import new_folder, write_json, write_plan, write_run

    with new_folder(output, overwrite=overwrite) as draft:
        for k, plan in enumerate(plans, start=1):
            folder = draft / f"session-{k}"
            folder.mkdir()
            write_plan(folder / "plan.json", plan, f"{found.case.name}, session {k} of {len(plans)}")
        write_json(draft / "sessions.json", table)
        write_run(draft, inputs=found.inputs, options=options, seconds=seconds)


def _print(table: dict[str, Any]) -> None:
    rows = table["sessions"]
    click.echo(f"{len(rows)} session{'s' if len(rows) > 1 else ''}, {table['total_time_s']:.1f} s in all")
    for k, row in enumerate(rows, start=1):
        click.echo(f"session {k}: {', '.join(row['lesions'])}; {row['total_time_s']:.1f} s")
        for name, d100_gy in row["d100_gy"].items():
            click.echo(f"  {name:<22} D100 {d100_gy:>7.2f} Gy, summed {row['d100_sum_gy'][name]:>7.2f} Gy")
