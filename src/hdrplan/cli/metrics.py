"""``hdrplan metrics``: one table of a whole archive of exported treatments."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdrplan.cli.common import exit_if_lost, quiet_option, warn
from hdrplan.cli.dose_mc import ModelFlags, model_options, refuse_idle
from hdrplan.cli.flags import in_flags
from hdrplan.cli.inputs import IN_DICOM, IN_FILE
from hdrplan.cli.numbers import NUMBER
from hdrplan.cli.outputs import KEY_FILE, OUT_FOLDER, writes
from hdrplan.cli.pdf import pdf_option, print_page, refuse_pdf
from hdrplan.cli.progress import steps_bar
from hdrplan.cli.records import run_record

if TYPE_CHECKING:
    from hdrplan.io import ClinicalChoices, Output
    from hdrplan.workflow import Engine, ModelOptions

__all__ = ["command"]


@click.command("metrics", short_help="Tabulate the dose metrics of a whole archive of treatments.")
@click.argument("folders", nargs=-1, required=True, type=IN_DICOM)
@click.option("-o", "--output", required=True, type=OUT_FOLDER, help="Folder for the tables; must not exist.")
@click.option(
    "--engine",
    type=click.Choice(["stored", "recomputed", "both"]),
    default="both",
    show_default=True,
    help="Use the stored dose of the TPS, a dose recomputed by TG-43, or both.",
)
@click.option("--rules", type=IN_FILE, help="TOML file of rules from ROI names to roles; see docs/howto/dicom.md.")
@click.option("--source", metavar="NAME", help="Source model, if a plan does not name a known one.")
@click.option("--prescription", type=NUMBER, metavar="GY", help="Prescription, if a plan has none.")
@click.option("--optimum", is_flag=True, help="Compare each plan with the best from its own dwell positions.")
@click.option("--healthy", metavar="NAME", help="With --optimum: organ whose mean dose counts [liver].")
@click.option("--goals", type=IN_FILE, help="With --optimum: TOML file of limits [what each organ got in the plan].")
@model_options
@click.option("--jobs", type=click.IntRange(1, 256), help="Number of processes; default: all processors.")
@click.option("--cluster", metavar="ADDRESS", help="Dask scheduler, tcp://host:8786, instead of this machine.")
@click.option(
    "--key", type=KEY_FILE, help="Key file of the pseudonyms, created if missing. Keep it apart from the tables."
)
@click.option("--identify", is_flag=True, help="Write patient IDs and file names instead of pseudonyms.")
@click.option("--strict", is_flag=True, help="A treatment that gives a warning is an error.")
@click.option("--accept-other-patient", is_flag=True, help="Take files of different PatientID or study.")
@writes
@pdf_option
@quiet_option
def command(
    folders: tuple[Path, ...],
    output: Output,
    engine: Engine,
    rules: Path | None,
    source: str | None,
    prescription: float | None,
    optimum: bool,
    healthy: str | None,
    goals: Path | None,
    model: str,
    uncertainty: str,
    seed: int,
    media_rules: Path | None,
    jobs: int | None,
    cluster: str | None,
    key: Path | None,
    identify: bool,
    accept_other_patient: bool,
    strict: bool,
    quiet: bool,
) -> None:
    """Read archives of DICOM exports and write the dose metrics of every plan and structure.

    metrics.csv has one row for each plan, structure and engine. dose_metrics.csv and oar_metrics.csv are the tables
    that the outcome analysis reads. errors.csv lists what could not be read, and why. A stopped run continues where it
    stopped; its results are kept in OUTPUT.partial until all are complete. A treatment whose process dies is tried once
    more. If that fails too, it is listed as an error "lost to the machine", and the exit code is 3.

    With --optimum each plan is compared with the proven optima of its own dwell positions, as by `hdrplan check`:
    optimum.csv has the gains of each lesion, optimum_by_planner.csv those of each planner and year, optimum.html
    shows both. It takes half a minute of processor time a plan.

    With --model mc the D100 of each lesion in the patient's media (D_m,m) and its standard error stand beside that by
    TG-43 (d100_mm_gy), for `hdrplan correlate --d100 mc`. Every ROI of the structure set becomes a
    medium; a plan needs its CT. It takes about a minute of processor time a plan.

    \b
    Examples:
      hdrplan metrics demo-dicom -o tables
      hdrplan metrics demo-dicom -o tables --key key.json --jobs 2
      hdrplan metrics demo-dicom -o tables --engine stored --rules sample/our_names.toml
      hdrplan metrics demo-dicom -o tables --optimum
      hdrplan metrics demo-dicom -o tables --model mc
    """
    from hdrplan import __version__
    from hdrplan.io import new_folder, open_journal, read_key, read_role_rules, write_key, write_rows, write_run
    from hdrplan.report import archive_optimum_html, optimum_sentences
    from hdrplan.threads import thread_count
    from hdrplan.workflow import (
        ARCHIVE_COLUMNS,
        MODEL_COLUMNS,
        OPTIMUM_COLUMNS,
        ArchiveOptions,
        FinishedPlan,
        Labour,
        archive_tables,
        indexed_archive,
    )

    refuse_idle(model)
    if not optimum:
        refuse_pdf("goes with --optimum, whose page it prints")
    flagged = ModelFlags(uncertainty=uncertainty, rules=media_rules, seed=seed)
    options = ArchiveOptions(
        engine=engine,
        rules=None if rules is None else read_role_rules(rules),
        source_name=source,
        prescription_gy=prescription,
        identify=identify,
        accept_other_patient=accept_other_patient,
        strict=strict,
        optimum=_optimum(optimum, healthy, goals, engine),
        model=_model(model, flagged, engine),
    )
    workers, partial = jobs or thread_count(), output.beside(".partial")
    with steps_bar(quiet=quiet) as on_progress:
        archive = indexed_archive(folders, workers=workers, on_progress=on_progress)
    with open_journal(partial, FinishedPlan, options=options.record, secret=read_key(key)) as journal:
        with steps_bar(quiet=quiet) as on_progress:
            labour = Labour(workers, cluster)
            tables = archive_tables(archive, options, journal, labour=labour, on_progress=on_progress)
        warn(tables.warnings)
        with new_folder(output) as draft:
            for name, of_table in (ARCHIVE_COLUMNS | OPTIMUM_COLUMNS if optimum else ARCHIVE_COLUMNS).items():
                columns = (*of_table, *(() if options.model is None else MODEL_COLUMNS.get(name, ())))
                cells = ([_cell(row, column) for column in columns] for row in tables.rows[name])
                write_rows(draft / f"{name}.csv", columns, cells, for_spreadsheets=True)
            if optimum:
                failed = [(str(row["plan_id"] or ""), str(_cell(row, "error"))) for row in tables.rows["errors"]]
                compared = (tables.rows["optimum"], tables.rows["optimum_by_planner"])
                html = archive_optimum_html(*compared, failed, name=output.path.name, version=__version__)
                (draft / "optimum.html").write_text(html, encoding="utf-8")
                print_page(draft / "optimum.html")
            counts = {"plans": len(archive.treatments), "files": archive.files}
            write_run(draft, run_record(options=options.record | counts))
        if key is not None:
            write_key(key, journal.secret, tables.patients)
    plans, lesions, errors = len(archive.treatments), len(tables.rows["dose_metrics"]), len(tables.rows["errors"])
    counted = ((plans, "plan"), (lesions, "lesion"), (errors, "error"))
    counts_text = ", ".join(f"{count} {word}{'s' * (count != 1)}" for count, word in counted)
    click.echo(f"{counts_text}: wrote {output.path}")
    if optimum:
        click.echo("\n".join(optimum_sentences(tables.rows["optimum_by_planner"])))
    exit_if_lost(tables.lost, "treatments", f"Run again with --overwrite to try them; {partial} keeps the rest.")


def _optimum(optimum: bool, healthy: str | None, goals: Path | None, engine: Engine) -> ClinicalChoices | None:
    """Return what the comparison needs; None without --optimum."""
    if not optimum:
        if healthy or goals:
            raise click.UsageError(f"expected --optimum beside --{'healthy' if healthy else 'goals'}.")
        return None
    if engine == "stored":
        raise click.UsageError("--optimum recomputes doses: expected --engine recomputed or both, got stored.")
    from hdrplan.io import ClinicalChoices

    return ClinicalChoices(healthy=healthy, goals=goals)


def _model(model: str, flagged: ModelFlags, engine: Engine) -> ModelOptions | None:
    """Return the options of the dose in media; None without --model mc."""
    if model != "mc":
        return None
    if engine == "stored":
        raise click.UsageError("--model mc recomputes doses: expected --engine recomputed or both, got stored.")
    return flagged.options()


def _cell(row: Mapping[str, object], column: str) -> object:
    """Return one cell; an error's remedy is in the words of the command line."""
    value = row.get(column)
    return in_flags(value) if column == "error" and isinstance(value, str) else value
