"""``hdrplan dose --model mc``: model-based dose of a plan, as a folder with numbers, dose grid and page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hdrplan.cli.case import read_plan_for
from hdrplan.cli.common import echo_lines, printed_warnings, warn
from hdrplan.cli.inputs import IN_FILE
from hdrplan.cli.pdf import print_page
from hdrplan.cli.progress import steps_bar
from hdrplan.cli.records import run_record
from hdrplan.door import number_in
from hdrplan.errors import InputError

if TYPE_CHECKING:
    from hdrplan.dose import DoseFactor
    from hdrplan.io import CaseFile, Output
    from hdrplan.plan import Plan
    from hdrplan.transport import ScatterTask
    from hdrplan.workflow import ModelDose, ModelOptions, ScatterRun

__all__ = [
    "ModelFlags",
    "asked_model",
    "computed_factor",
    "computed_model_dose",
    "model_options",
    "model_options_but_seed",
    "refuse_idle",
    "uncertainty_frac",
    "write_model_dose",
    "write_model_files",
]

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--model",
        type=click.Choice(("tg43", "mc")),
        default="tg43",
        show_default=True,
        help="TG-43 (water everywhere), or Monte Carlo in the patient's media beside it.",
    ),
    click.option(
        "--uncertainty",
        default="0.01",
        show_default=True,
        help="With --model mc: standard error (k = 1) that each structure reaches, relative; a % sign is understood.",
    ),
    click.option(
        "--seed", type=click.IntRange(0), default=1, show_default=True, help="With --model mc: of the photons."
    ),
    click.option("--media", "media_rules", type=IN_FILE, help="With --model mc: own rules for media (TOML)."),
)

_SEED = 2


def model_options(function: F) -> F:
    """Add the options of a dose model: ``--model``, ``--uncertainty``, ``--seed`` and ``--media``."""
    return _with(function, _OPTIONS)


def model_options_but_seed(function: F) -> F:
    """Add them to a command that has a seed already: it is that of the photons, too."""
    return _with(function, tuple(option for k, option in enumerate(_OPTIONS) if k != _SEED))


def _with(function: F, options: tuple[Callable[[F], F], ...]) -> F:
    for option in reversed(options):
        function = option(function)
    return function


def refuse_idle(model: str, *, of_tg43: tuple[str, ...] = (), has_seed: bool = False) -> None:
    """Refuse options of the other model: they would be ignored.

    Parameters
    ----------
    model : {"tg43", "mc"}
    of_tg43 : tuple of str
        Parameters of this command that only a TG-43 dose heeds.
    has_seed : bool
        Whether the command has a seed of its own.

    Raises
    ------
    InputError
        One that was given on the command line.
    """
    context = click.get_current_context()
    of_mc = ("uncertainty", "media_rules") if has_seed else ("uncertainty", "seed", "media_rules")
    idle = of_tg43 if model == "mc" else of_mc
    for option in context.command.params:
        source = context.get_parameter_source(option.name or "")
        if option.name in idle and source == click.core.ParameterSource.COMMANDLINE:
            other = "tg43, the default" if model == "mc" else "mc"
            raise InputError(f"{option.opts[-1]} goes with --model {other}, and would be ignored here")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFlags:
    """What the command line says of a model-based dose.

    Parameters
    ----------
    uncertainty, rules, seed
        As on the command line.
    """

    uncertainty: str
    rules: Path | None
    seed: int

    def options(self) -> ModelOptions:
        """Return them as options of the computation."""
        from hdrplan.io import read_media_rules
        from hdrplan.workflow import ModelOptions

        return ModelOptions(
            uncertainty_frac=uncertainty_frac(self.uncertainty), seed=self.seed, rules=read_media_rules(self.rules)
        )


def uncertainty_frac(text: str) -> float:
    """Return the fraction that "1%", "1 %" or "0.01" is; InputError for what is no number."""
    bare = text.strip().removesuffix("%").strip()
    try:
        value = number_in(bare)
    except ValueError:
        raise InputError("`uncertainty` is a percentage such as 1%", got=repr(text[:20])) from None
    return value / 100.0 if text.strip().endswith("%") else value


def asked_model(model: str, case: Path | None, asked: ModelFlags) -> ModelOptions | None:
    """Return the options of a model-based dose where one was asked for, before long work.

    Parameters
    ----------
    model : {"tg43", "mc"}
    case : Path or None
        What the command line names as the case.
    asked : ModelFlags

    Raises
    ------
    InputError
        Not a case folder, or an option out of its range.
    """
    if model != "mc":
        return None
    if case is None or (case.is_dir() and not (case / "case.toml").is_file()):
        raise InputError("`model=mc` needs a case folder with case.toml: media are made of its labels", where=case)
    return asked.options()


def write_model_dose(case: Path, plan: Path, output: Output, asked: ModelFlags, *, quiet: bool, as_json: bool) -> None:
    """Compute and write a model-based dose; a run that is stopped is continued by the same command.

    Parameters
    ----------
    case, plan : Path
    output : Output
        A folder.
    asked : ModelFlags
    quiet, as_json : bool
    """
    from hdrplan.io import json_text, kept_is_told, read_case
    from hdrplan.report import model_lines, model_table

    options = asked.options()
    case_file = read_case(case)
    warn(case_file.warnings)
    planned = read_plan_for(plan, case_file)
    kept = output.beside(".mc-run.npz")
    with kept_is_told(kept):
        try:
            result = computed_model_dose(case, case_file, planned, options, kept=kept, quiet=quiet or as_json)
        except BaseException as error:
            if kept.exists() and not isinstance(error, OSError):  # the system's errors get it into their own line
                click.echo(f"The photons so far are kept in {kept}: the same command goes on with them.", err=True)
            raise
        table = model_table(result, printed_warnings())
        _write(output, case_file, result, table)
    kept.unlink(missing_ok=True)
    if as_json:
        click.echo(json_text(table), nl=False)
    elif not quiet:
        echo_lines(model_lines(result))
        click.echo(f"Wrote {output.path}: model_dose.html, model_dose.json, dose_dmm.nrrd, hcf.nrrd.")
        click.echo("Research use only, never for treatment.")


def computed_model_dose(
    case: Path, case_file: CaseFile, plan: Plan, options: ModelOptions, *, kept: Path | None = None, quiet: bool = False
) -> ModelDose:
    """Return the model-based dose of a plan, and print its warnings.

    Parameters
    ----------
    case : Path
        A case folder or its ``case.toml``: all its labels are read.
    case_file : CaseFile
        What was read of it.
    plan : Plan
    options : ModelOptions
    kept : Path, optional
        Where the run is kept between rounds, and continued from.
    quiet : bool
    """
    from hdrplan.cli.case import plan_options
    from hdrplan.io import read_anatomy, read_kept_run, write_kept_run
    from hdrplan.workflow import KeptRuns, ScatterRun, model_dose

    if case_file.case.ct is None:
        raise InputError("a model-based dose needs the case's CT", got="a case without `ct`", where=case)
    labels = read_anatomy(case)[1]

    def earlier(task: ScatterTask) -> ScatterRun | None:
        held = read_kept_run(kept, task) if kept is not None else None
        return None if held is None else ScatterRun(*held)

    def keep(run: ScatterRun) -> None:
        if kept is not None:
            write_kept_run(kept, run.patient, run.water)

    with steps_bar(quiet=quiet) as on_progress:
        result = model_dose(
            case_file.case,
            labels,
            case_file.goals,
            plan,
            replace(options, sample_mm=plan_options(case_file).sample_mm),
            runs=KeptRuns(earlier=earlier, keep=keep),
            on_progress=on_progress,
        )
    warn(result.setting.media.cautions)
    return result


def computed_factor(
    case: Path, case_file: CaseFile, plan: Plan, options: ModelOptions, *, quiet: bool = False
) -> DoseFactor:
    """Return the factor of a plan for D_m,m, and print the warnings of its media; parameters as above."""
    from hdrplan.cli.case import plan_options
    from hdrplan.io import read_anatomy
    from hdrplan.workflow import Steps, factor_of_plan

    labels, asked = read_anatomy(case)[1], replace(options, sample_mm=plan_options(case_file).sample_mm)
    with steps_bar(quiet=quiet) as on_progress:
        found = factor_of_plan(case_file.case, labels, case_file.goals, plan, asked, step=Steps(on_progress))
    warn(found.setting.media.cautions)
    return found.factor


def _write(output: Output, case_file: CaseFile, result: ModelDose, table: dict[str, object]) -> None:
    from hdrplan.io import new_folder, write_run, write_volume

    options = {"uncertainty_frac": result.options.uncertainty_frac, "rules": result.setting.media.rules}
    record = run_record(inputs=case_file.inputs, options=options, seed=result.options.seed, seconds=result.seconds)
    with new_folder(output) as draft:
        write_volume(draft / "dose_dmm.nrrd", result.dose)
        write_model_files(draft, result, case_file, table)
        write_run(draft, record)


def write_model_files(draft: Path, result: ModelDose, case_file: CaseFile, table: dict[str, object]) -> None:
    """Write the page of a model-based dose, its numbers and its factor into a folder.

    Parameters
    ----------
    draft : Path
    result : ModelDose
    case_file : CaseFile
    table : dict
        What ``model_dose.json`` holds.
    """
    from hdrplan import __version__
    from hdrplan.io import write_json, write_volume
    from hdrplan.report import model_html

    title = f"Model-based dose: {case_file.case.name}"
    page = model_html(result, case_file.case, printed_warnings(), title=title, version=__version__)
    write_json(draft / "model_dose.json", table)
    write_volume(draft / "hcf.nrrd", result.factor)
    (draft / "model_dose.html").write_text(page, encoding="utf-8")
    print_page(draft / "model_dose.html")
