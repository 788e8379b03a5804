"""``hdrplan plot``: one figure of a plan as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hdrplan.cli.case import EVALUATION, case_options, plan_options, read_case_from, read_plan_for
from hdrplan.cli.common import other_case_option
from hdrplan.cli.inputs import IN_PLAN
from hdrplan.cli.outputs import OUT_FILE, figure_form, writes
from hdrplan.cli.records import run_record

if TYPE_CHECKING:
    from hdrplan.io import Output

__all__ = ["command"]

_KINDS = ("isodose", "dvh", "catheters", "overview", "3d")


@click.command("plot", short_help="Draw a plan: isodoses, DVH, catheters, overview, 3D.")
@case_options(*EVALUATION, without=("source", "strength"))
@click.option("--plan", "plan_path", required=True, type=IN_PLAN, help="plan.json or its folder.")
@click.option(
    "--what", "figure", type=click.Choice(_KINDS), default="isodose", show_default=True, help="Figure to draw."
)
@click.option("-o", "--output", required=True, type=OUT_FILE, help="Output file: .png, .svg or .pdf; .html for 3d.")
@click.option("--dpi", type=click.IntRange(50, 600), default=150, show_default=True, help="Resolution of a PNG.")
@writes
@other_case_option
def command(plan_path: Path, figure: str, output: Output, dpi: int, **flags: Any) -> None:
    """Draw one figure of a plan and write it as PNG, SVG or PDF; the 3D view is an HTML page.

    \b
    Examples:
      hdrplan plot phantoms/liver-lesion-b --plan demo-output -o isodoses.pdf
      hdrplan plot phantoms/liver-lesion-b --plan demo-output --what dvh -o dvh.svg
      hdrplan plot phantoms/liver-lesion-b --plan demo-output --what catheters -o catheters.png --dpi 300
      hdrplan plot phantoms/liver-lesion-b --plan demo-output --what 3d -o plan-3d.html
    """
    form = figure_form(output, ("html",)) if figure == "3d" else figure_form(output)
    from hdrplan.io import new_file
    from hdrplan.report import FIGURES, figure_bytes, report_data, solid_html
    from hdrplan.workflow import evaluate_plan, plan_result

    case_file = read_case_from(flags)
    plan = read_plan_for(plan_path, case_file)
    # Only the overview says D100: it is the proven one, as in the report.
    evaluated = evaluate_plan if figure == "overview" else plan_result
    result = evaluated(case_file.case, case_file.goals, plan, options=plan_options(case_file))
    record = run_record(inputs=case_file.inputs, options={"what": figure, "dpi": dpi})
    view = report_data(result, record.table())
    content = solid_html(view).encode() if figure == "3d" else figure_bytes(FIGURES[figure](view), form, dpi=dpi)
    with new_file(output, record) as draft:
        draft.write_bytes(content)
    click.echo(f"Wrote {output.path}. Research use only, never for treatment.")
