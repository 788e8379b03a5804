"""``hdrplan robust``: the coverage of a plan when catheters, contours and source differ from the plan."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hdrplan.cli.case import case_options, plan_options, read_case_from, read_plan_for, refuse_planning
from hdrplan.cli.common import echo_lines, json_option, other_case_option, printed_warnings, quiet_option
from hdrplan.cli.dose_mc import ModelFlags, asked_model, computed_factor, model_options_but_seed, refuse_idle
from hdrplan.cli.flags import in_flags
from hdrplan.cli.inputs import IN_PLAN
from hdrplan.cli.numbers import NumberRange
from hdrplan.cli.outputs import OUT_FOLDER, writes
from hdrplan.cli.pdf import pdf_option, print_page
from hdrplan.cli.progress import steps_bar
from hdrplan.cli.records import run_record
from hdrplan.cli.uncertainty import uncertainty_from, uncertainty_options

if TYPE_CHECKING:
    from hdrplan.io import CaseFile, Output
    from hdrplan.plan import Plan
    from hdrplan.simulate import RobustResult
    from hdrplan.workflow import CoverageStudy, RobustPlan

__all__ = ["command"]


@click.command("robust", short_help="Compute coverage under uncertainty; find robust plans.")
@case_options(without=("source_speed_mm_per_s",))
@click.option(
    "--plan", "plan_path", type=IN_PLAN, help="plan.json or its folder; without it the case is planned first."
)
@uncertainty_options
@click.option("-n", "--scenarios", type=click.IntRange(2, 1_000_000), default=1000, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option(
    "--decompose", type=click.IntRange(0, 100_000), default=128, show_default=True,
    help="Base scenarios of the variance decomposition; 0: skip it.",
)  # fmt: skip
@click.option(
    "--optimise", is_flag=True, help="Also find a plan that keeps the prescription in most scenarios, and its price."
)
@click.option(
    "--reached", type=NumberRange(0.0, 1.0, min_open=True), default=0.95, show_default=True,
    help="Fraction of scenarios in which the robust plan must hold.",
)  # fmt: skip
@click.option(
    "--train", type=click.IntRange(2, 1000), default=40, show_default=True,
    help="Scenarios used in the optimisation; coverage is judged on others.",
)  # fmt: skip
@model_options_but_seed
@click.option("-o", "--output", type=OUT_FOLDER, help="Output folder; must not exist.")
@pdf_option
@writes
@other_case_option
@json_option
@quiet_option
def command(
    plan_path: Path | None,
    scenarios: int,
    seed: int,
    decompose: int,
    optimise: bool,
    reached: float,
    train: int,
    model: str,
    uncertainty: str,
    media_rules: Path | None,
    output: Output | None,
    as_json: bool,
    quiet: bool,
    **flags: Any,
) -> None:
    """Recompute the coverage of a plan in many simulated deliveries, and show which errors matter most.

    Every delivery is recomputed by TG-43, without linearisation. The plan is made on the CT after the puncture, so what
    differs is what happens then: reconstruction of catheters on the CT, shift of the implant, breathing, source,
    contours. Errors without a verified figure are 0 unless you set them.

    With --model mc all doses are those in the patient's media (D_m,m): TG-43 times the correction of the plan, which
    every piece of tissue keeps. The case must be a case folder with a CT; --seed is that of the photons, too.

    \b
    Examples:
      hdrplan robust phantoms/liver-lesion-b --plan demo-output -o robust-out
      hdrplan robust phantoms/liver-lesion-b --plan demo-output --implant-mm 5.5 --ctv-mm 1.5 -n 500 -o out
      hdrplan robust phantoms/liver-lesion-b --plan demo-output --optimise --reached 0.9 -o robust-plan
      hdrplan robust phantoms/liver-lesion-b --plan demo-output --model mc -o robust-mc
    """
    from hdrplan.io import json_text
    from hdrplan.report import robust_lines, robust_table
    from hdrplan.simulate import Scenarios
    from hdrplan.workflow import Replanning, plan_robustly, study_coverage

    refuse_idle(model, has_seed=True)
    if model == "mc" and optimise:
        raise click.UsageError("expected --optimise with --model tg43: robust plans are made by TG-43.")
    case_path = flags["case"]
    asked = asked_model(model, case_path, ModelFlags(uncertainty=uncertainty, rules=media_rules, seed=seed))
    errors = uncertainty_from(flags)
    if plan_path is not None:
        refuse_planning(flags, but=("max_dwell_s",) if optimise else ())
    case_file = read_case_from(flags)
    started = time.perf_counter()
    plan = _plan(case_file, plan_path)
    factor = None
    if asked is not None:
        factor = computed_factor(case_path, case_file, plan, asked, quiet=quiet or as_json)
    robust = None
    with steps_bar(quiet=quiet or as_json) as on_progress:
        case, goals, drawn = case_file.case, case_file.goals, Scenarios(errors, scenarios, seed)
        study = study_coverage(
            case, goals, plan, drawn, base_scenarios=decompose, factor=factor, on_progress=on_progress
        )
        if optimise:
            max_dwell_s = plan_options(case_file).max_dwell_s
            replanning = Replanning(reached_frac=reached, scenarios=train, max_dwell_s=max_dwell_s)
            robust = plan_robustly(case, goals, study, replanning=replanning, on_progress=on_progress)
    table = robust_table(case.name, study, robust) | {"seconds": round(time.perf_counter() - started, 2)}
    if output is not None:
        _write(output, case_file, table, study, robust)
    if as_json:
        click.echo(json_text(table), nl=False)
        return
    echo_lines(in_flags(line) for line in robust_lines(study, robust))
    if output is not None:
        page = output.path / "robust.html"
        click.echo(f"Wrote {output.path}: look at {page}. Research use only, never for treatment.")


def _plan(case_file: CaseFile, plan_path: Path | None) -> Plan:
    """Return the plan asked about, or make one."""
    from hdrplan.workflow import plan_case

    if plan_path is not None:
        return read_plan_for(plan_path, case_file)
    options = plan_options(case_file)
    return plan_case(case_file.case, case_file.goals, case_file.source, case_file.strength, options=options).plan


def _write(
    output: Output, case_file: CaseFile, table: dict[str, object], study: CoverageStudy, robust: RobustPlan | None
) -> None:
    from hdrplan import __version__
    from hdrplan.io import new_folder, write_json, write_plan, write_run
    from hdrplan.report import organs_to_draw, robust_figure, robust_html, robust_lines

    organs, scenarios = organs_to_draw(study.coverage), study.coverage.scenarios
    with new_folder(output) as draft:
        write_json(draft / "robust.json", table)
        _write_scenarios(draft / "scenarios.csv", study.coverage)
        for ending in ("png", "svg", "pdf"):
            robust_figure(study.coverage, organs, study.variance, draft / f"robust.{ending}")
        if robust is not None:
            write_plan(draft / "plan.json", robust.plan, f"{case_file.case.name}, robust", case_file.ct_sha256)
            _write_scenarios(draft / "scenarios_robust_plan.csv", robust.coverage)
            for ending in ("png", "svg", "pdf"):
                robust_figure(robust.coverage, organs, None, draft / f"robust_plan.{ending}")
        lines = [in_flags(line) for line in robust_lines(study, robust)]
        page = robust_html(
            case_file.case.name, study, robust,
            lines=lines, warnings=printed_warnings(), version=__version__,
        )  # fmt: skip
        (draft / "robust.html").write_text(page, encoding="utf-8")
        # robust.pdf is the picture.
        print_page(draft / "robust.html", "page.pdf")
        options = asdict(scenarios.uncertainty)
        write_run(draft, run_record(inputs=case_file.inputs, options=options, seed=scenarios.seed))


def _write_scenarios(path: Path, result: RobustResult) -> None:
    from hdrplan.io import write_rows

    header = ("scenario", *(name.replace(" ", ".") for name in result.names))
    write_rows(path, header, ((k, *(f"{v:.6g}" for v in row)) for k, row in enumerate(result.values)))
