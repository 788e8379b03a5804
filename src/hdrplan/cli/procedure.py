"""``hdrplan simulate procedure``: what re-planning after each catheter is worth, in many simulated procedures."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import click

from hdrplan.cli.case import case_options, plan_options, read_case_from
from hdrplan.cli.common import echo_lines, exit_if_lost, json_option, printed_warnings, quiet_option
from hdrplan.cli.flags import number_flag
from hdrplan.cli.inputs import IN_FILE
from hdrplan.cli.numbers import NUMBER
from hdrplan.cli.outputs import OUT_FOLDER, writes
from hdrplan.cli.pdf import pdf_option, print_page
from hdrplan.cli.place_options import path_options, place_options
from hdrplan.cli.progress import steps_bar
from hdrplan.cli.records import run_record

if TYPE_CHECKING:
    from hdrplan.io import CaseFile, Output
    from hdrplan.workflow import ProcedureStudy

__all__ = ["procedure"]


@click.command("procedure")
@case_options("step_mm", "tip_offset_mm", "margin_mm", "max_dwell_s", without=("catheters",))
@click.option(
    "--given", "catheters", type=IN_FILE, help="Catheters that are in the patient already, as .mrk.json, JSON or CSV."
)
@path_options
@click.option("--most", type=click.IntRange(1, 20), default=8, show_default=True, help="Maximum number of catheters.")
@click.option("--count", type=click.IntRange(1, 20), help="Insert this many.")
@click.option(
    "--worth", type=NUMBER, default=5.0, show_default=True, metavar="%",
    help="Dose to the healthy organ that one more catheter must save.",
)  # fmt: skip
@number_flag("error_mm", 5.5, "MM", "Displacement of each catheter as a whole, RMS in space.")
@click.option("-n", "--runs", type=click.IntRange(1, 100_000), default=200, show_default=True, help="Procedures.")
@click.option("--foresee", is_flag=True, help="Also choose each next catheter for the best expected end (slow).")
@click.option(
    "--scenarios", type=click.IntRange(1, 100), default=6, show_default=True, help="Displacements that --foresee tries."
)
@number_flag("sample_mm", 4.0, "MM", "Edge of the sampling cubes.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option("--workers", type=click.IntRange(1, 256), help="Number of processes; default: all processors.")
@click.option("-o", "--output", type=OUT_FOLDER, required=True, help="Output folder; must not exist.")
@pdf_option
@writes
@json_option
@quiet_option
def procedure(
    avoid: tuple[str, ...],
    error_mm: float,
    runs: int,
    foresee: bool,
    scenarios: int,
    workers: int | None,
    output: Output,
    as_json: bool,
    quiet: bool,
    **flags: Any,
) -> None:
    """Simulate procedures in which each catheter comes to lie elsewhere than planned.

    Catheters are chosen as by `hdrplan place`, without proof. Each goes in displaced by a random error. The same errors
    meet two ways to go on: all catheters as planned at the beginning, or the rest chosen anew after each insertion. In
    both, dwell times are optimised in the end for where the catheters lie. The result is how often every prescription
    and every hard goal is met, with 95 % intervals, and the dose to the healthy organ. Results are kept in OUT.tasks,
    so a stopped run continues where it was.

    \b
    Examples:
      hdrplan simulate procedure phantoms/liver-lesion-b-5mm --ctv lesion_C --prescription 20 --runs 4 -o procedures
      hdrplan simulate procedure phantoms/liver-lesion-b-5mm --count 2 --error 8 --seed 7 --runs 4 -o procedures-8mm

    The folder holds procedure.html, procedure.json and procedures.csv (a row for each run and way). Research use only.
    """
    from hdrplan.io import ResultStore, json_text, kept_is_told
    from hdrplan.report import procedure_lines, procedure_table
    from hdrplan.threads import thread_count
    from hdrplan.workflow import ARMS, Course, Labour, ProcedureDesign, Steps, insertion_setting, nominal_plan
    from hdrplan.workflow import simulate_procedures as simulated

    count, sample_mm = flags.pop("count"), flags.pop("sample_mm")
    seed, most = flags.pop("seed"), flags.pop("most")
    store = ResultStore(output.beside(".tasks", folder=True), Course)
    case_file = read_case_from(flags, before_puncture=True)
    options = place_options(case_file.case, avoid, flags | {"most": most, "seed": seed, "error_mm": error_mm})
    options = replace(options, sample_mm=sample_mm)
    with steps_bar(quiet=quiet or as_json) as on_progress:
        step = Steps(on_progress)
        with step("paths"):
            setting = insertion_setting(
                case_file.case,
                case_file.goals,
                case_file.source,
                case_file.strength,
                options=options,
                planning=plan_options(case_file),
            )
        with step("choice"):
            nominal = nominal_plan(setting, count=count, most=most, worth_frac=options.worth_frac)
        design = ProcedureDesign(
            setting=setting,
            nominal=nominal,
            arms=ARMS if foresee else ARMS[:2],
            runs=runs,
            error_mm=error_mm,
            seed=seed,
            draws=scenarios if foresee else 0,
            inputs=case_file.inputs,
        )
        labour = Labour(workers or thread_count())
        study = simulated(design, store, labour=labour, on_progress=on_progress)
    table = procedure_table(study)
    with kept_is_told(store.folder):
        _write(output, case_file, study, table)
    if as_json:
        click.echo(json_text(table), nl=False)
    else:
        echo_lines(procedure_lines(study))
        click.echo(f"Wrote {output.path}: look at {output.path / 'procedure.html'}. Research use only.")
    exit_if_lost(study.lost, "procedures", "Run again with --overwrite to try them once more; the others are kept.")


def _write(output: Output, case_file: CaseFile, study: ProcedureStudy, table: dict[str, object]) -> None:
    from hdrplan import __version__
    from hdrplan.io import new_folder, write_json, write_run, write_values
    from hdrplan.report import procedure_html
    from hdrplan.workflow import Course

    design = study.design
    rows = [study.courses[arm][n] for n in range(design.runs) for arm in design.arms if n in study.courses[arm]]
    with new_folder(output) as draft:
        write_json(draft / "procedure.json", table)
        write_values(draft / "procedures.csv", rows, Course)
        page = procedure_html(study, warnings=printed_warnings(), version=__version__)
        (draft / "procedure.html").write_text(page, encoding="utf-8")
        print_page(draft / "procedure.html")
        options = asdict(design.setting.options) | {
            "count": len(design.nominal.paths), "runs": design.runs, "error_mm": design.error_mm,
            "foresee": design.draws,
        }  # fmt: skip
        record = run_record(inputs=case_file.inputs, options=options, seconds=study.seconds, seed=design.seed)
        write_run(draft, record)
