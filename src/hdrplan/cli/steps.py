"""``hdrplan steps``: what finer dwell steps, and offsets chosen by catheter, buy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hdrplan.cli.case import case_options, plan_options, read_case_from
from hdrplan.cli.common import json_option
from hdrplan.errors import InputError

if TYPE_CHECKING:
    from hdrplan.geometry import Dwells
    from hdrplan.optimize import StepResult

__all__ = ["command"]


@click.command("steps", short_help="What finer dwell steps and offsets by catheter buy.")
@case_options
@click.option("--steps", "steps_text", default="10,5,2.5", show_default=True, metavar="MM,MM,...", help="Step sizes.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the table to this CSV file.")
@json_option
def command(steps_text: str, output: Path | None, as_json: bool, **flags: Any) -> None:
    """Plan a case at several dwell steps, the offset of each catheter chosen freely, against what no step can beat.

    Candidates lie at the finest step; the others must be multiples of it. Their bound holds for every step and offset.
    Times are real numbers; --step is not used. Each coarser step solves a plan for every offset of every catheter.

    \b
    Examples:
      hdrplan steps phantoms/liver-lesion-b-5mm
      hdrplan steps phantoms/liver-lesion-b-5mm --steps 10,5 -o steps.csv
      hdrplan steps phantoms/liver-lesion-b --steps 6,3 --json
    """
    from dataclasses import replace

    from hdrplan.io import json_text, new_file, write_rows
    from hdrplan.optimize import PlanProblem, compare_steps
    from hdrplan.workflow import planning_matrix

    steps_mm = _steps_mm(steps_text)
    found = read_case_from(flags)
    options = replace(plan_options(found), step_mm=min(steps_mm))
    if options.min_dwell_s or options.time_ratio or options.source_speed_mm_per_s:
        raise InputError(
            "steps are compared at times that are real numbers, without transit dose",
            got="a shortest dwell, a time ratio or a transit speed",
            remedy="Add --min-dwell 0 --time-ratio 0 --transit-speed 0.",
        )
    dwells, points, rate = planning_matrix(
        found.case, found.goals, found.source, strength_u=found.strength.value_u, options=options
    )
    results = compare_steps(
        PlanProblem(
            rate=rate,
            points=points,
            goals=found.goals,
            healthy=found.case.healthy,
            max_time_s=options.max_dwell_s,
        ),
        dwells.catheter,
        dwells.offset_mm,
        steps_mm=steps_mm,
    )
    rows = [_row(result, dwells) for result in results]
    if output is not None:
        with new_file(output) as draft:
            header = _flat(rows[0])
            write_rows(draft, list(header), (_flat(row).values() for row in rows))
    if as_json:
        click.echo(json_text({"steps": rows}), nl=False)
        return
    _print(rows)
    if output is not None:
        click.echo(f"Wrote {output}. Research use only, never for treatment.")


def _steps_mm(text: str) -> list[float]:
    try:
        steps_mm = [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError("expected --steps MM,MM,...", got=repr(text), remedy="Try: --steps 10,5,2.5") from None
    if not all(0 < step_mm < 1000 for step_mm in steps_mm):
        raise InputError("steps must be positive (mm)", got=repr(text))
    return steps_mm


def _row(result: StepResult, dwells: Dwells) -> dict[str, Any]:
    optimum, proof = result.optimum, result.optimum.certificate
    first_mm = {}
    for k, name in enumerate(dwells.catheter_names):
        own = dwells.offset_mm[result.used & (dwells.catheter == k)]
        first_mm[name] = round(float(own.min()), 6) if len(own) else None
    return {
        "step_mm": result.step_mm,
        "objective": proof.objective,
        "unit": proof.unit,
        "value": proof.primal,
        "bound": result.bound,
        # At another D100 the objective is another problem's.
        "loss_frac": None if optimum.shortfalls else result.loss_frac,
        "shortfall_gy": sum(s.prescription_gy - s.reached_gy for s in optimum.shortfalls),
        "positions": int(result.used.sum()),
        "active_dwells": int((optimum.times_s > 0).sum()),
        "total_time_s": float(optimum.times_s.sum()),
        "status": optimum.status,
        "first_dwell_from_tip_mm": first_mm,
        "seconds": round(result.seconds, 3),
    }


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with a column for each catheter."""
    first_mm = row["first_dwell_from_tip_mm"]
    flat = {key: value for key, value in row.items() if key != "first_dwell_from_tip_mm"}
    return flat | {f"first_dwell_{name}_mm": value for name, value in first_mm.items()}


def _print(rows: list[dict[str, Any]]) -> None:
    click.echo(f"{rows[0]['objective']} ({rows[0]['unit']}); bound of every step and offset: {rows[0]['bound']:.4f}")
    click.echo(f"{'step (mm)':>9}{'objective':>11}{'loss (%)':>10}{'active':>8}{'time (s)':>10}{'search (s)':>12}")
    for row in rows:
        loss = "-" if row["loss_frac"] is None else f"{100 * row['loss_frac']:.3f}"
        lowered = f" by {row['shortfall_gy']:.2f} Gy" if row["shortfall_gy"] else ""
        click.echo(
            f"{row['step_mm']:>9g}{row['value']:>11.4f}{loss:>10}{row['active_dwells']:>8}"
            f"{row['total_time_s']:>10.1f}{row['seconds']:>12.2f}"
            + ("" if row["status"] == "optimal" else f"  {row['status']}{lowered}")
        )
        first = ", ".join(
            f"{name} {'-' if mm is None else format(mm, 'g')}" for name, mm in row["first_dwell_from_tip_mm"].items()
        )
        click.echo(f"{'':>9}  first dwell from the tip (mm): {first}")
