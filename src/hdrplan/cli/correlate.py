"""``hdrplan correlate``: raw cohort tables to a report on dose and local recurrence, in one command."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from hdrplan.cli.cohort.opening import CohortRequest, OpenCohort, cohort_options, open_cohort, warning_words
from hdrplan.cli.common import echo_lines, json_option, quiet_option
from hdrplan.cli.numbers import NUMBER
from hdrplan.cli.outputs import OUT_FOLDER, writes
from hdrplan.cli.pdf import pdf_option, print_page
from hdrplan.cli.progress import progress_bar
from hdrplan.cli.records import run_record
from hdrplan.door import number_in
from hdrplan.errors import InputError

if TYPE_CHECKING:
    from hdrplan.analysis import Correlation, DoseChoice, DoseModel
    from hdrplan.cohort import Derived
    from hdrplan.io import Output

__all__ = ["command"]


@click.command("correlate", short_help="Relate dose to local recurrence: report, figures, tables.")
@cohort_options
@click.option("-o", "--output", required=True, type=OUT_FOLDER, help="Output folder; must not exist.")
@click.option("--mode", type=click.Choice(["recommended", "paper"]), default="recommended", show_default=True,
              help="paper: use the paper's rules and add its model building.")  # fmt: skip
@click.option(
    "--threshold", "threshold_gy", type=NUMBER, default=20.0, show_default=True, help="Fixed threshold of D100, Gy."
)
@click.option(
    "--horizon", "horizon_months", type=NUMBER, default=12.0, show_default=True, help="Time of local control, months."
)
@click.option(
    "--alpha-beta",
    "alpha_beta_gy",
    type=NUMBER,
    default=10.0,
    show_default=True,
    help="alpha/beta of EQD2 and BED, Gy.",
)
@click.option(
    "--adjust",
    multiple=True,
    metavar="COLUMNS",
    help="Columns that the models hold beside D100, separated by commas: any column of the patients, lesions or "
    "sessions, spline(COLUMN) or strata(COLUMN); or none.  [default: diameter_mm,tumour_type,age_years]",
)
@click.option(
    "--dose-error",
    metavar="GY|COLUMN",
    help="Standard deviation of the error of D100: a number, or a column of the lesions. Corrects the effect for it.",
)
@click.option(
    "--expected-dose", metavar="COLUMN", help="Column of the lesions with the D100 that is expected to be delivered."
)
@click.option("--d100", "model", type=click.Choice(["tg43", "mc"]), default="tg43", show_default=True,
              help="D100 by TG-43, or in the patient's media (d100_mm_gy of the dose metrics).")  # fmt: skip
@click.option("--resamples", type=int, default=1999, show_default=True, help="Resamples for corrected p values.")
@click.option(
    "--bootstrap", type=int, default=200, show_default=True, help="Bootstrap samples of patients for intervals."
)
@click.option("--seed", type=int, default=1, show_default=True)
@writes
@pdf_option
@quiet_option
@json_option
def command(
    request: CohortRequest,
    output: Output,
    mode: Literal["recommended", "paper"],
    threshold_gy: float,
    horizon_months: float,
    alpha_beta_gy: float,
    adjust: tuple[str, ...],
    dose_error: str | None,
    expected_dose: str | None,
    model: Literal["tg43", "mc"],
    resamples: int,
    bootstrap: int,
    seed: int,
    quiet: bool,
    as_json: bool,
) -> None:
    """Relate the dose of each lesion to its local recurrence, and write a report, figures and tables.

    D100 is first a continuous covariate, adjusted for size, tumour type and age (or what --adjust names), with standard
    errors clustered by patient. Cut-offs follow, with p values corrected for the search. The folder holds report.html,
    every number (results.csv, correlate.json), the lesions behind them (lesions.csv), and programs that recompute the
    headline in R and SPSS.

    Where dose_metrics has d100_mm_gy, as `hdrplan metrics --model mc` writes it, --d100 mc analyses that dose, and what
    the choice changes is shown for the lesions that have both.

    \b
    Examples:
      hdrplan correlate sample/cohort -o dose-report
      hdrplan correlate sample/cohort -o dose-report --mode paper
      hdrplan correlate sample/cohort.xlsx -o dose-report --threshold 18 --horizon 24 --json
      hdrplan correlate sample/cohort -o dose-report --adjust "diameter_mm,spline(age_years),strata(sex)"
    """
    from hdrplan.analysis import (
        Settings,
        adjusters_from,
        clinical_answer,
        correlate,
        dose_choice,
        has_doses_in_media,
        lesion_table,
        plain_words,
        with_d100_of,
    )
    from hdrplan.cohort import derive
    from hdrplan.io import json_text, new_folder
    from hdrplan.report import DOSE_IN_MEDIA, correlation_table, dose_choice_lines, dose_choice_table

    if min(threshold_gy, horizon_months, alpha_beta_gy) <= 0 or resamples < 19 or bootstrap < 0:
        raise InputError("threshold, horizon and alpha/beta must be positive, at least 19 resamples")
    adjusters, error = adjusters_from(adjust), _error(dose_error)
    columns = tuple(name for name in (error, expected_dose) if isinstance(name, str))
    request = replace(request, rule_set=request.rule_set or ("paper" if mode == "paper" else None))
    opened = open_cohort(request)
    derived, rules = derive(opened.cohort, opened.rules), opened.rules
    settings = Settings(
        mode=mode,
        threshold_gy=threshold_gy,
        horizon_months=horizon_months,
        alpha_beta_gy=alpha_beta_gy,
        landmark_months=rules.week8_to_days / rules.days_per_month,
        week8_needed="no_8_week_scan" in rules.exclude,
        dose_error=error,
        expected_dose=expected_dose,
        n_resamples=resamples,
        n_bootstrap=bootstrap,
        seed=seed,
    )
    table_of = partial(lesion_table, derived=derived, alpha_beta_gy=alpha_beta_gy, adjusters=adjusters, columns=columns)
    table = table_of(with_d100_of(opened.cohort, model))
    chosen = None
    if has_doses_in_media(opened.cohort):
        chosen = dose_choice(table_of, opened.cohort, threshold_gy=threshold_gy)
    with progress_bar("analysis", quiet=quiet or as_json) as progress:
        result = correlate(table, settings, on_progress=progress)
    more = {} if chosen is None else {"dose_choice": dose_choice_table(chosen, model)}
    with new_folder(output) as draft:
        _write(draft, request, opened, derived, result, model=model, choice=chosen)
    if as_json:
        click.echo(json_text({**correlation_table(result), **more, "output": str(output.path)}), nl=False)
        return
    echo_lines(() if chosen is None else dose_choice_lines(chosen))
    if model == "mc":
        click.echo(DOSE_IN_MEDIA)
    answer = clinical_answer(result)
    echo_lines(answer)
    echo_lines(f"- {sentence}" for sentence in plain_words(result)[len(answer) :])
    click.echo(f"Wrote {output.path}; open {output.path / 'report.html'}. Research use only, never for treatment.")


def _error(text: str | None) -> float | str | None:
    """Return the error of D100 as a number of Gy, or the column that holds it."""
    try:
        value = None if text is None else number_in(text)
    except ValueError:
        return text
    if value is not None and not 0 < value < 100:
        raise InputError("--dose-error must be a positive number of Gy, or a column of the lesions", got=text)
    return value


def _write(
    draft: Path,
    request: CohortRequest,
    opened: OpenCohort,
    derived: Derived,
    result: Correlation,
    *,
    model: DoseModel,
    choice: DoseChoice | None,
) -> None:
    from hdrplan.analysis import (
        Estimate,
        LesionRow,
        adjuster_columns,
        correlation_tables,
        estimates,
        lanes,
        lesion_rows,
    )
    from hdrplan.cohort import Endpoint, flow
    from hdrplan.io import cohort_sha256, joint_sha256, write_json, write_rows, write_run, write_values
    from hdrplan.report import (
        correlation_figures,
        correlation_html,
        correlation_table,
        dose_choice_table,
        print_files,
        r_script,
        spss_syntax,
    )

    adjusters = [adjuster.text for adjuster in result.table.adjusters]
    of_dose = {} if model == "tg43" else {"d100": "in the patient's media (D_m,m, d100_mm_gy)"}
    choices = {
        **asdict(result.settings),
        **of_dose,
        "adjust": adjusters,
        **opened.rules.table(),
        "accept": list(request.accept),
    }
    read = cohort_sha256(request.path)
    figures = correlation_figures(result, lanes(opened.cohort, derived), opened.rules.days_per_month)
    page = correlation_html(
        result,
        flow=flow(opened.cohort, derived),
        figures=figures,
        settings=choices,
        warnings=warning_words(opened),
        about={"Tables": joint_sha256(read)},
        choice=choice,
    )
    more = {} if choice is None else {"dose_choice": dose_choice_table(choice, model)}
    (draft / "report.html").write_text(page, encoding="utf-8")
    print_page(draft / "report.html")
    write_json(draft / "correlate.json", {**correlation_table(result), **more, "settings": choices})
    write_values(draft / "endpoints.csv", derived.endpoints, Endpoint)
    write_values(draft / "lesions.csv", lesion_rows(result.table), LesionRow, adjuster_columns(result.table))
    write_values(draft / "results.csv", estimates(result), Estimate)
    if result.models.headline is not None:
        (draft / "headline.R").write_text(r_script(result), encoding="utf-8")
        (draft / "headline.sps").write_text(spss_syntax(result), encoding="utf-8")
    for table in correlation_tables(result):
        write_rows(draft / f"{table.name}.csv", table.columns, table.rows)
    (draft / "figures").mkdir()
    for name, content in print_files(figures):
        (draft / "figures" / name).write_bytes(content)
    record = run_record(inputs=read, options=choices, seed=result.settings.seed)
    write_run(draft, record)
