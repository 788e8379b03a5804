"""``hdrplan evaluate``: metrics of given dwell times on a case, nothing optimised."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hdrplan.cli.case import EVALUATION, case_options, plan_options, read_case_from, read_plan_for
from hdrplan.cli.common import echo_lines, json_option, other_case_option, printed_warnings
from hdrplan.cli.dose_mc import ModelFlags, asked_model, computed_model_dose, model_options, refuse_idle
from hdrplan.cli.inputs import IN_PLAN
from hdrplan.cli.outputs import OUT_FILE, writes
from hdrplan.cli.progress import steps_bar
from hdrplan.cli.records import run_record

if TYPE_CHECKING:
    from hdrplan.io import Output

__all__ = ["command"]


@click.command("evaluate", short_help="Compute the metrics of a plan's dwell times on a case.")
@case_options(*EVALUATION, without=("source",))
@click.option("--plan", "plan_path", required=True, type=IN_PLAN, help="plan.json or its folder.")
@click.option(
    "--every-point/--samples-only",
    default=True,
    show_default=True,
    help="Prove D100 at every point of the CTVs, or report it at sample points.",
)
@model_options
@click.option("-o", "--output", type=OUT_FILE, help="Write the metrics to this JSON file.")
@json_option
@writes
@other_case_option
def command(
    plan_path: Path,
    every_point: bool,
    model: str,
    uncertainty: str,
    seed: int,
    media_rules: Path | None,
    output: Output | None,
    as_json: bool,
    **flags: Any,
) -> None:
    """Compute the metrics of a plan on a case, and say which goals are met.

    The plan's own source and strength are used; --strength gives the strength on another day. D100 of these dwell times
    is proven, with its interval.

    With --model mc the figures of the dose in the patient's media stand beside those of TG-43, each with its standard
    error; goals and D100's proof are those of TG-43. The case must be a case folder with a CT.

    \b
    Examples:
      hdrplan evaluate phantoms/liver-lesion-b --plan demo-output
      hdrplan evaluate phantoms/liver-lesion-b-5mm --plan demo-output --accept-other-case --json
      hdrplan evaluate phantoms/liver-lesion-b --plan demo-output --strength 35000 -o metrics.json
      hdrplan evaluate phantoms/liver-lesion-b --plan demo-output --model mc
    """
    from dataclasses import asdict, replace

    from hdrplan.io import json_text, new_file, write_json
    from hdrplan.report import metrics_table, model_lines, model_table, score_lines
    from hdrplan.sources import strength_from_text
    from hdrplan.workflow import evaluate_plan

    refuse_idle(model)
    strength, case_path = flags["strength"], flags["case"]
    asked = asked_model(model, case_path, ModelFlags(uncertainty=uncertainty, rules=media_rules, seed=seed))
    case_file = read_case_from(flags)
    plan = read_plan_for(plan_path, case_file, other_strength=strength is not None)
    if strength is not None:
        plan = replace(plan, strength=strength_from_text(strength))
    options = replace(plan_options(case_file), every_point=every_point)
    with steps_bar(quiet=as_json) as on_progress:
        result = evaluate_plan(case_file.case, case_file.goals, plan, options=options, on_progress=on_progress)
    modelled = None if asked is None else computed_model_dose(case_path, case_file, plan, asked, quiet=as_json)
    table = metrics_table(result, printed_warnings())
    if modelled is not None:
        table["model_based"] = model_table(modelled, ())
    if output is not None:
        options_of_run = asdict(options) | {"strength_u": plan.strength_u, "source": plan.source.name, "model": model}
        if modelled is not None:
            options_of_run["uncertainty_frac"] = modelled.options.uncertainty_frac
        seeded = None if modelled is None else seed
        with new_file(output, run_record(inputs=case_file.inputs, options=options_of_run, seed=seeded)) as draft:
            write_json(draft, table)
    if as_json:
        click.echo(json_text(table), nl=False)
        return
    echo_lines(score_lines(result.score))
    if modelled is not None:
        echo_lines(["", *model_lines(modelled)])
    if output is not None:
        click.echo(f"Wrote {output.path}. Research use only, never for treatment.")
