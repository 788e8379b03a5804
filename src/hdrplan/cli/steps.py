"""``hdrplan steps``: what finer dwell steps, and offsets chosen by catheter, buy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hdrplan.cli.case import case_options, plan_options, read_case_from
from hdrplan.cli.common import echo_lines, json_option
from hdrplan.cli.outputs import OUT_FILE, writes
from hdrplan.cli.records import run_record
from hdrplan.door import number_in
from hdrplan.errors import InputError

if TYPE_CHECKING:
    from hdrplan.io import Output

__all__ = ["command"]


@click.command("steps", short_help="Show what finer dwell steps and free offsets would gain.")
@case_options("tip_offset_mm", "margin_mm", "max_dwell_s", "sample_mm")
@click.option("--steps", "steps_text", default="10,5,2.5", show_default=True, metavar="MM,MM,...", help="Step sizes.")
@click.option("-o", "--output", type=OUT_FILE, help="Write the table to this CSV file.")
@json_option
@writes
def command(steps_text: str, output: Output | None, as_json: bool, **flags: Any) -> None:
    """Plan a case at several dwell steps with free offsets, and compare with a bound that no step can beat.

    Candidate positions lie at the finest step; the other steps must be multiples of it. The bound holds for every step
    and offset. Times are not rounded, and --step is not used. For each coarser step, a plan is made for every offset of
    every catheter.

    \b
    Examples:
      hdrplan steps phantoms/liver-lesion-b-5mm
      hdrplan steps phantoms/liver-lesion-b-5mm --steps 10,5 -o steps.csv
      hdrplan steps phantoms/liver-lesion-b --steps 6,3 --json
    """
    from hdrplan.io import json_text, new_file, write_rows
    from hdrplan.report import step_columns, step_lines, step_rows
    from hdrplan.workflow import study_steps

    steps_mm = _steps_mm(steps_text)
    case_file = read_case_from(flags)
    study = study_steps(
        case_file.case,
        case_file.goals,
        case_file.source,
        case_file.strength,
        steps_mm=steps_mm,
        options=plan_options(case_file),
    )
    if output is not None:
        rows = step_columns(study)
        options = dict(case_file.options) | {
            "steps_mm": steps_mm, "source": case_file.source.name, "strength_u": case_file.strength.value_u,
        }  # fmt: skip
        with new_file(output, run_record(inputs=case_file.inputs, options=options)) as draft:
            write_rows(draft, list(rows[0]), (row.values() for row in rows))
    if as_json:
        click.echo(json_text({"steps": step_rows(study)}), nl=False)
        return
    echo_lines(step_lines(study))
    if output is not None:
        click.echo(f"Wrote {output.path}. Research use only, never for treatment.")


def _steps_mm(text: str) -> list[float]:
    try:
        steps_mm = [number_in(word) for word in text.split(",")]
    except ValueError:
        raise InputError("expected --steps MM,MM,...", got=repr(text), remedy="Try: --steps 10,5,2.5") from None
    if not all(0 < step_mm < 1000 for step_mm in steps_mm):
        raise InputError("steps must be positive (mm)", got=repr(text))
    return steps_mm
