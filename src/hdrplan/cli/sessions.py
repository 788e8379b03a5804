"""``hdrplan sessions``: several lesions in the minimum number of sequential sessions."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import click

from hdrplan.cli.case import POSITIONS, case_options, plan_options, read_case_from
from hdrplan.cli.common import echo_lines, json_option
from hdrplan.cli.outputs import OUT_FOLDER, writes
from hdrplan.cli.records import run_record
from hdrplan.errors import InputError

if TYPE_CHECKING:
    from hdrplan.io import Output
    from hdrplan.plan import Goal

__all__ = ["command"]


@click.command("sessions", short_help="Distribute several lesions over the fewest sessions.")
@case_options(*POSITIONS, "time_step_s", "min_dwell_s", "time_ratio")
@click.option(
    "--every-point/--samples-only",
    default=True,
    show_default=True,
    help="Prove D100 of the sum at every point of the CTVs (for 0.1 % more dose) or at sample points only.",
)
@click.option("--budget", "budget_texts", multiple=True, metavar="LIMIT", help="Limit of one session; repeatable.")
@click.option("--most", type=int, default=4, show_default=True, help="Maximum number of sessions, at most 4.")
@click.option("-o", "--output", required=True, type=OUT_FOLDER, help="Output folder; must not exist.")
@writes
@json_option
def command(
    every_point: bool, budget_texts: tuple[str, ...], most: int, output: Output, as_json: bool, **flags: Any
) -> None:
    """Distribute the lesions of a case over the fewest sessions that each keep their budget.

    A budget limits one session: its time, or "NAME: " and a limit of a structure. After the first session it must be a
    time or a mean dose. Dose of earlier sessions is included. The goals of the case hold for the sum of all sessions,
    and its catheters are used in all of them.

    \b
    Examples:
      hdrplan sessions sample/two-lesions --budget "time <= 30 min" -o sessions
      hdrplan sessions sample/two-lesions --budget "time <= 3000 s" --budget "liver: Dmean <= 5 Gy" -o sessions
      hdrplan sessions sample/two-lesions --budget "liver: V5Gy <= 30 %" --most 2 -o sessions --json

    The folder holds session-1/plan.json and so on, sessions.json and run.json.
    """
    from hdrplan.io import json_text, new_folder, write_json, write_plan, write_run
    from hdrplan.report import session_lines, session_table
    from hdrplan.workflow import plan_sessions

    budgets = [_budget(text) for text in budget_texts]
    case_file = read_case_from(flags)
    options = replace(plan_options(case_file), every_point=every_point)
    result = plan_sessions(
        case_file.case,
        case_file.goals,
        case_file.source,
        case_file.strength,
        budgets=budgets,
        maximum_count=most,
        options=options,
    )
    table = session_table(result)
    chosen = {
        "budgets": list(budget_texts),
        "most": most,
        "strength_u": case_file.strength.value_u,
        "source": case_file.source.name,
    }
    with new_folder(output) as draft:
        for k, session in enumerate(result.sessions, start=1):
            folder = draft / f"session-{k}"
            folder.mkdir()
            name = f"{case_file.case.name}, session {k} of {len(result.sessions)}"
            write_plan(folder / "plan.json", session.plan, name, case_file.ct_sha256)
        write_json(draft / "sessions.json", table)
        write_run(draft, run_record(inputs=case_file.inputs, options=asdict(options) | chosen, seconds=result.seconds))
    if as_json:
        click.echo(json_text(table), nl=False)
        return
    echo_lines(session_lines(result))
    click.echo(f"To check them: hdrplan validate CASE --plan {output.path}")
    click.echo(f"Wrote {output.path}/: sessions.json, session-1/plan.json ... Research use only, never for treatment.")


def _budget(text: str) -> Goal:
    from hdrplan.plan import parse_goal

    name, colon, limit = text.rpartition(":")
    goal = parse_goal(limit, structure=name.strip() or "plan", source="user")
    if goal.sense != "<=":
        raise InputError("a budget is an upper limit, with <=", got=repr(text))
    if bool(colon) == (goal.metric.kind == "total_time"):
        raise InputError("expected --budget 'time <= 3000 s' or 'NAME: Dmean <= 5 Gy'", got=repr(text))
    return goal
