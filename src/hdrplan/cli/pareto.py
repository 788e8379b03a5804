"""``hdrplan pareto``: what coverage costs the organs, the liver and the clock; every plan a proven optimum."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hdrplan.cli.case import case_options, plan_options, read_case_from
from hdrplan.cli.common import json_option, quiet_option, steps_bar
from hdrplan.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from hdrplan.io import CaseFile
    from hdrplan.optimize import Axis, Front, PlanProblem
    from hdrplan.plan import Plan

__all__ = ["command"]

_AXIS = re.compile(r"^(?:(.+):)?([A-Za-z0-9]+)=([0-9.]+)\.\.([0-9.]+)/([0-9]+)$")


@click.command("pareto", short_help="Trade-off surfaces of proven plans over coverage, organs and time.")
@case_options
@click.option("--axis", "axis_texts", multiple=True, metavar="NAME:METRIC=FROM..TO/N", help="What to vary; repeat.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder to write; must not exist.")
@click.option("--overwrite", is_flag=True, help="Replace an output folder that hdrplan wrote.")
@json_option
@quiet_option
def command(
    axis_texts: tuple[str, ...], output: Path | None, overwrite: bool, as_json: bool, quiet: bool, **flags: Any
) -> None:
    """Plan every combination of limits, each to a proven optimum of the healthy organ's mean dose.

    An axis is D100 or Dmin of a CTV (at least), Dmax or Dmean of a structure, or time (at most; Gy and s). Without
    --axis: D100 of each CTV, Dmax of the limited organ with the highest dose, total time; ten steps each for one CTV.

    \b
    Examples:
      hdrplan pareto phantoms/liver-lesion-b -o pareto-out
      hdrplan pareto phantoms/liver-lesion-b --axis lesion_B:D100=15..22/8 --axis ribs:Dmax=10..25/10 -o ribs
      hdrplan pareto phantoms/liver-lesion-b --axis time=600..1200/20 --json

    The folder holds pareto.csv, pareto.png, pareto.html (choose a plan with sliders, save it as plan.json), run.json.
    """
    from hdrplan.io import check_free

    found = read_case_from(flags)
    if output is not None:
        check_free(output, overwrite)
    started = time.perf_counter()
    with steps_bar(quiet=quiet or as_json) as tell:
        plan, front, seconds = _planned(found, axis_texts, tell)
    seconds["all"] = round(time.perf_counter() - started, 3)
    if output is not None:
        _write(output, overwrite, found, plan, front, seconds)
    _print(front, output, seconds, as_json)


def _planned(found: CaseFile, axis_texts: tuple[str, ...], tell: Any) -> tuple[Plan, Front, dict[str, float]]:
    from hdrplan.optimize import PlanProblem, pareto_front
    from hdrplan.plan import Plan
    from hdrplan.workflow import planning_matrix

    options, case = plan_options(found), found.case
    asked = [_axis(text) for text in axis_texts]
    started = time.perf_counter()
    dwells, points, rate = planning_matrix(
        case, found.goals, found.source, strength_u=found.strength.value_u, options=options
    )
    ready = time.perf_counter()
    problem = PlanProblem(
        rate=rate, points=points, goals=found.goals, healthy=case.healthy, max_time_s=options.max_dwell_s
    )
    axes = asked or _own_axes(problem)
    front = pareto_front(
        problem,
        axes,
        on_progress=lambda done, total: tell("optimise", done, total),
    )
    seconds = {"sample and matrix": round(ready - started, 3), "optimise": round(time.perf_counter() - ready, 3)}
    best = front.times_s[front.possible][0]
    plan = Plan(dwells=dwells, times_s=best, source=found.source, strength=found.strength)
    return plan, front, seconds


def _axis(text: str) -> Axis:
    import numpy as np

    from hdrplan.optimize import Axis

    match = _AXIS.match(text.replace(" ", ""))
    if not match or int(match[5]) < 1 or (match[1] is None and match[2].lower() != "time"):
        raise InputError("an axis is written NAME:METRIC=FROM..TO/N, or time=FROM..TO/N", got=repr(text))
    return Axis(match[1] or "plan", match[2], np.linspace(float(match[3]), float(match[4]), int(match[5])))


def _own_axes(problem: PlanProblem) -> list[Axis]:
    """Coverage, the organ with the highest dose, and time, around the plan with all prescriptions."""
    import numpy as np

    from hdrplan.optimize import Axis, optimize_times

    points, goals = problem.points, problem.goals
    plain = optimize_times(problem)
    dose = problem.rate.gy_per_s @ plain.times_s
    organs = {
        name: float(dose[points.rows(name)].max())
        for name, role in zip(points.names, points.roles, strict=True)
        if role == "OAR" and name != problem.healthy
    }
    n = 10 if len(goals.prescriptions) == 1 else 4
    axes = [Axis(p.structure, "D100", np.linspace(0.75, 1.0, n) * p.dose_gy) for p in goals.prescriptions]
    if organs:
        # An organ that somebody set a limit for says more than a rib beside a catheter.
        limited = {goal.structure for goal in goals.goals} & set(organs)
        worst = max(limited or organs, key=lambda name: organs[name])
        axes.append(Axis(worst, "Dmax", np.linspace(0.6, 1.0, n) * organs[worst]))
    axes.append(Axis("plan", "time", np.linspace(0.8, 1.0, n) * float(plain.times_s.sum())))
    return axes


def _write(output: Path, overwrite: bool, found: CaseFile, plan: Plan, front: Front, seconds: dict[str, float]) -> None:
    from hdrplan.io import new_folder, plan_table, write_rows, write_run
    from hdrplan.report import pareto_figure, pareto_html, pareto_rows

    name = found.case.name
    with new_folder(output, overwrite=overwrite) as draft:
        rows = pareto_rows(front)
        write_rows(draft / "pareto.csv", list(rows[0]), (row.values() for row in rows))
        pareto_figure(front, draft / "pareto.png")
        page = pareto_html(front, plan_table(plan, f"{name}, from the trade-off surface"), title=name)
        (draft / "pareto.html").write_text(page, encoding="utf-8")
        options = {axis.label: [float(v) for v in axis.values] for axis in front.axes}
        write_run(draft, inputs=found.inputs, options=options, seconds=seconds)


def _print(front: Front, output: Path | None, seconds: dict[str, float], as_json: bool) -> None:
    from hdrplan.io import json_text
    from hdrplan.report import pareto_rows

    if as_json:
        click.echo(json_text({"plans": pareto_rows(front), "text": front.text}), nl=False)
        return
    click.echo(front.text)
    for axis in front.axes:
        click.echo(f"{axis.label}: {axis.values.min():g} to {axis.values.max():g} in {len(axis.values)} steps")
    best: np.ndarray[Any, Any] = front.value[front.possible]
    click.echo(f"{front.objective}: {best.min():.3f} to {best.max():.3f} {front.unit}")
    for j, label in enumerate(front.left_out):
        click.echo(f"{label} (judged, not planned for): met by {int(front.left_out_met[:, j].sum())} plans")
    click.echo(f"sample and matrix {seconds['sample and matrix']:.2f} s, plans {seconds['optimise']:.2f} s")
    if output is not None:
        click.echo(f"written to {output}/: pareto.html, pareto.csv, pareto.png")
