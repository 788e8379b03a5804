"""``hdrplan pareto``: what coverage costs the organs, the liver and the clock; every plan a proven optimum."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from hdrplan.cli.case import POSITIONS, case_options, plan_options, read_case_from
from hdrplan.cli.common import echo_lines, json_option, printed_warnings, quiet_option
from hdrplan.cli.outputs import OUT_FOLDER, writes
from hdrplan.cli.pdf import pdf_option, print_page
from hdrplan.cli.progress import steps_bar
from hdrplan.cli.records import run_record
from hdrplan.errors import InputError

if TYPE_CHECKING:
    from hdrplan.io import CaseFile, Output
    from hdrplan.optimize import Axis
    from hdrplan.workflow import ParetoResult

__all__ = ["command"]

_AXIS = re.compile(r"^(?:(.+):)?([A-Za-z0-9]+)=([0-9.]+)\.\.([0-9.]+)/([0-9]+)$")


@click.command("pareto", short_help="Show the trade-off between coverage, organ doses and time, with proof.")
@case_options(*POSITIONS)
@click.option(
    "--axis", "axis_texts", multiple=True, metavar="NAME:METRIC=FROM..TO/N", help="Limit to vary; repeatable."
)
@click.option("-o", "--output", type=OUT_FOLDER, help="Output folder; must not exist.")
@pdf_option
@writes
@json_option
@quiet_option
def command(axis_texts: tuple[str, ...], output: Output | None, as_json: bool, quiet: bool, **flags: Any) -> None:
    """Make a plan for every combination of limits, each with a proven minimum of the healthy organ's mean dose.

    An axis is a minimum D100 or Dmin of a CTV, a maximum Dmax or Dmean of a structure (Gy), or a maximum time (s).
    Without --axis: D100 of each CTV, Dmax of the organ nearest to its limit if half of the limit is used, and total
    time, in ten steps each for one CTV.

    \b
    Examples:
      hdrplan pareto phantoms/liver-lesion-b -o pareto-out
      hdrplan pareto phantoms/liver-lesion-b --axis lesion_B:D100=15..22/8 --axis ribs:Dmax=10..25/10 -o ribs
      hdrplan pareto phantoms/liver-lesion-b --axis time=600..1200/20 --json

    The folder holds pareto.csv, pareto.png, pareto.html (choose a plan by its DVHs and isodoses, save it as plan.json)
    and run.json.
    """
    from hdrplan.io import json_text
    from hdrplan.report import pareto_lines, pareto_rows
    from hdrplan.workflow import plan_pareto

    case_file = read_case_from(flags)
    axes = [_axis(text) for text in axis_texts]
    with steps_bar(quiet=quiet or as_json) as on_progress:
        result = plan_pareto(
            case_file.case,
            case_file.goals,
            case_file.source,
            case_file.strength,
            axes=axes,
            options=plan_options(case_file),
            on_progress=on_progress,
        )
    if output is not None:
        _write(output, case_file, result)
    if as_json:
        click.echo(json_text({"plans": pareto_rows(result.front), "text": result.front.text}), nl=False)
        return
    echo_lines(pareto_lines(result))
    if output is not None:
        click.echo(
            f"Wrote {output.path}/: pareto.html, pareto.csv, pareto.png. Research use only, never for treatment."
        )


def _axis(text: str) -> Axis:
    import numpy as np

    from hdrplan.optimize import Axis

    match = _AXIS.match(text.replace(" ", ""))
    if not match or int(match[5]) < 1 or (match[1] is None and match[2].lower() != "time"):
        raise InputError("an axis is written NAME:METRIC=FROM..TO/N, or time=FROM..TO/N", got=repr(text))
    return Axis(match[1] or "plan", match[2], np.linspace(float(match[3]), float(match[4]), int(match[5])))


def _write(output: Output, case_file: CaseFile, result: ParetoResult) -> None:
    from hdrplan.io import new_folder, plan_table, write_rows, write_run
    from hdrplan.report import pareto_figure, pareto_html, pareto_rows

    name, front = case_file.case.name, result.front
    with new_folder(output) as draft:
        rows = pareto_rows(front)
        write_rows(draft / "pareto.csv", list(rows[0]), (row.values() for row in rows))
        pareto_figure(front, draft / "pareto.png")
        plan = plan_table(result.plan, f"{name}, from the trade-off surface", case_file.ct_sha256)
        page = pareto_html(result, plan, case=case_file.case, warnings=printed_warnings())
        (draft / "pareto.html").write_text(page, encoding="utf-8")
        print_page(draft / "pareto.html")
        options = {axis.label: [float(v) for v in axis.values] for axis in front.axes}
        write_run(draft, run_record(inputs=case_file.inputs, options=options, seconds=result.seconds))
