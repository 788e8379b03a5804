"""``hdrplan dose --model mc``: model-based dose of a plan, as a folder with numbers, dose grid and page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdrplan.cli.case import read_plan_for
from hdrplan.cli.common import echo_lines, printed_warnings, warn
from hdrplan.cli.progress import steps_bar
from hdrplan.cli.records import run_record
from hdrplan.errors import InputError

if TYPE_CHECKING:
    from hdrplan.geometry import Structure
    from hdrplan.io import CaseFile, Output
    from hdrplan.plan import Plan
    from hdrplan.transport import ScatterTask
    from hdrplan.workflow import ModelDose, ModelOptions, ScatterRun

__all__ = ["ModelFlags", "uncertainty_frac", "write_model_dose"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFlags:
    """What the command line says of a model-based dose.

    Parameters
    ----------
    case, plan : Path
    output : Output
        A folder.
    uncertainty, rules, seed
        As on the command line.
    """

    case: Path
    plan: Path
    output: Output
    uncertainty: str
    rules: Path | None
    seed: int


def uncertainty_frac(text: str) -> float:
    """Return the fraction that "1%", "1 %" or "0.01" is; InputError for what is no number."""
    bare = text.strip().removesuffix("%").strip()
    try:
        value = float(bare)
    except ValueError:
        raise InputError("`uncertainty` is a percentage such as 1%", got=repr(text[:20])) from None
    return value / 100.0 if text.strip().endswith("%") else value


def write_model_dose(flags: ModelFlags, *, quiet: bool, as_json: bool) -> None:
    """Compute and write a model-based dose; a run that is stopped is continued by the same command.

    Parameters
    ----------
    flags : ModelFlags
    quiet, as_json : bool
    """
    from hdrplan.io import json_text, read_anatomy, read_case, read_media_rules
    from hdrplan.report import model_lines, model_table
    from hdrplan.workflow import ModelOptions

    options = ModelOptions(
        uncertainty_frac=uncertainty_frac(flags.uncertainty), seed=flags.seed, rules=read_media_rules(flags.rules)
    )
    case_file = read_case(flags.case)
    warn(case_file.warnings)
    if case_file.case.ct is None:
        raise InputError("a model-based dose needs the case's CT", got="a case without `ct`", where=flags.case)
    labels = read_anatomy(flags.case)[1]
    plan = read_plan_for(flags.plan, case_file)
    kept = flags.output.path.with_name(flags.output.path.name + ".mc-run.npz")
    try:
        result = _computed(case_file, labels, plan, options, kept, quiet=quiet or as_json)
    except KeyboardInterrupt:
        if kept.is_file():
            click.echo(f"Stopped; {kept} holds what was done, the same command continues there.", err=True)
        raise
    warn(result.setting.media.cautions)
    table = model_table(result, printed_warnings())
    _write(flags, case_file, result, table)
    kept.unlink(missing_ok=True)
    if as_json:
        click.echo(json_text(table), nl=False)
    elif not quiet:
        echo_lines(model_lines(result))
        click.echo(f"Wrote {flags.output.path}: model_dose.html, model_dose.json, dose_dmm.nrrd, hcf.nrrd.")
        click.echo("Research use only, never for treatment.")


def _computed(
    case_file: CaseFile, labels: Sequence[Structure], plan: Plan, options: ModelOptions, kept: Path, *, quiet: bool
) -> ModelDose:
    from hdrplan.cli.case import plan_options
    from hdrplan.io import read_kept_run, write_kept_run
    from hdrplan.workflow import ScatterRun, model_dose

    def earlier(task: ScatterTask) -> ScatterRun | None:
        held = read_kept_run(kept, task)
        return None if held is None else ScatterRun(*held)

    with steps_bar(quiet=quiet) as on_progress:
        return model_dose(
            case_file.case,
            labels,
            case_file.goals,
            plan,
            options,
            sample_mm=plan_options(case_file).sample_mm,
            kept=earlier,
            keep=lambda run: write_kept_run(kept, run.patient, run.water),
            on_progress=on_progress,
        )


def _write(flags: ModelFlags, case_file: CaseFile, result: ModelDose, table: dict[str, object]) -> None:
    from hdrplan import __version__
    from hdrplan.io import new_folder, write_json, write_run, write_volume
    from hdrplan.report import model_html

    options = {"uncertainty_frac": result.options.uncertainty_frac, "rules": result.setting.media.rules}
    record = run_record(inputs=case_file.inputs, options=options, seed=flags.seed, seconds=result.seconds)
    page = model_html(
        result,
        case_file.case,
        printed_warnings(),
        title=f"Model-based dose: {case_file.case.name}",
        version=__version__,
    )
    with new_folder(flags.output) as draft:
        write_json(draft / "model_dose.json", table)
        write_volume(draft / "dose_dmm.nrrd", result.dose)
        write_volume(draft / "hcf.nrrd", result.factor)
        (draft / "model_dose.html").write_text(page, encoding="utf-8")
        write_run(draft, record)
