"""``hdrplan metrics``: one table of a whole archive of exported treatments."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from hdrplan.cli.common import progress_bar, quiet_option
from hdrplan.cli.metrics_rows import rows_of

if TYPE_CHECKING:
    from hdrplan.io import DicomFile, Treatment

__all__ = ["command"]

_FILE = click.Path(path_type=Path)
_LESION = (
    *(f"d{p}_gy" for p in (100, 99, 98, 95, 90, 50, 2)),
    *(f"v{p}_pct" for p in (100, 150, 200)),
)
_ORGAN = ("d0_1cc_gy", "d1cc_gy", "d2cc_gy", "max_gy", "mean_gy", "v5gy_cc", "v5gy_pct", "v10gy_cc", "v10gy_pct")
_FACTS = ("engine", "source", "grid_mm", "slice_mm", "in_grid_pct", "extrapolated_pct", "trak_u_s", "total_time_s")
COLUMNS: dict[str, tuple[str, ...]] = {
    "metrics.csv": (
        "patient", "plan_id", "structure", "role", "volume_cc", "prescription_gy", *_LESION, *_ORGAN, *_FACTS,
        "warnings",
    ),
    "dose_metrics.csv": (
        "plan_id", "lesion_id", "ctv_cm3", *(name for name in _LESION if name != "d99_gy"),
        "prescription_gy", "engine", "grid_mm", "slice_mm",
    ),
    "oar_metrics.csv": ("plan_id", "organ", "d1cc_gy", "d0_1cc_gy", "v5gy_pct", "v10gy_pct"),
    "errors.csv": ("patient", "plan_id", "file", "error"),
}  # fmt: skip


@click.command("metrics", short_help="One table of a whole archive of treatments.")
@click.argument("folders", nargs=-1, required=True, type=_FILE)
@click.option("-o", "--output", required=True, type=_FILE, help="Folder for the tables; must not exist.")
@click.option(
    "--engine",
    type=click.Choice(["stored", "recomputed", "both"]),
    default="both",
    show_default=True,
    help="Dose of the TPS as stored, or recomputed by TG-43.",
)
@click.option("--rules", type=_FILE, help="TOML file of role rules for ROI names; see docs/howto/dicom.md.")
@click.option("--source", metavar="NAME", help="Source model, where a plan's words do not name it.")
@click.option("--prescription", type=float, metavar="GY", help="Prescription, where a plan states none.")
@click.option("--jobs", type=click.IntRange(1, 256), help="Processes; default: all processors.")
@click.option("--key", type=_FILE, help="Key file of the pseudonyms: made if absent. Keep it apart.")
@click.option("--identify", is_flag=True, help="Patient IDs and file names instead of pseudonyms.")
@click.option("--overwrite", is_flag=True, help="Replace a folder that hdrplan wrote.")
@quiet_option
def command(
    folders: tuple[Path, ...],
    output: Path,
    engine: str,
    rules: Path | None,
    source: str | None,
    prescription: float | None,
    jobs: int | None,
    key: Path | None,
    identify: bool,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Walk archives of DICOM exports and write the dose metrics of every plan and structure.

    metrics.csv is the tidy table (one row a plan, structure and engine); dose_metrics.csv and oar_metrics.csv are the
    tables that the outcome analysis reads; errors.csv lists what could not be read, and why. A stopped run goes on
    where it stopped: what is done stands in OUTPUT.partial until the end.

    \b
    Examples:
      hdrplan metrics archive/ -o tables
      hdrplan metrics /data/2016 /data/2017 -o tables --key /safe/key.json --jobs 8
      hdrplan metrics archive/ -o tables --engine stored --rules our_names.toml
    """
    from hdrplan.errors import InputError
    from hdrplan.io import (
        Pseudonyms,
        check_free,
        new_folder,
        read_key,
        read_role_rules,
        treatments_of,
        write_key,
        write_rows,
        write_run,
    )
    from hdrplan.threads import thread_count

    check_free(output, overwrite)
    workers = jobs or thread_count()
    options: dict[str, Any] = {
        "engine": engine,
        "rules": {role: list(patterns) for role, patterns in read_role_rules(rules).items()},
        "own_rules": rules is not None,
        "source": source,
        "prescription_gy": prescription,
        "identify": identify,
    }
    partial = output.with_name(output.name + ".partial")
    files, errors = _index(folders, workers, quiet)
    treatments = treatments_of(files)
    if not treatments and not errors:
        raise InputError("expected brachytherapy plans (RTPLAN) in the archive", got="none", where=folders[0])
    with _journal(partial) as journal:
        secret, done = _resumed(journal, partial, options, read_key(key))
        names = Pseudonyms(secret, identify=identify)
        todo = [t for t in treatments if names.plan(t.uid + t.plan.as_posix()) not in done]
        with progress_bar("plans", quiet=quiet) as on_progress:
            for k, (treatment, found, error) in enumerate(_each(todo, options, workers)):
                entry: dict[str, Any] = {
                    "id": names.plan(treatment.uid + treatment.plan.as_posix()),
                    "plan_id": names.plan(treatment.uid),
                    "patient": names.patient(treatment.patient_id),
                    "rows": found,
                    "error": _safe(error, _paths(treatment), identify) if error else "",
                    "file": _shown(treatment.plan, identify),
                }
                done[entry["id"]] = entry
                journal.write(json.dumps(entry) + "\n")
                journal.flush()
                on_progress(k + 1, len(todo))
    rows: list[dict[str, Any]] = []
    broken: list[dict[str, Any]] = [
        {"file": _shown(path, identify), "error": _safe(text, [path], identify)} for path, text in errors
    ]
    for treatment in treatments:
        names.patient(treatment.patient_id)
        entry = done[names.plan(treatment.uid + treatment.plan.as_posix())]
        common = {"patient": entry["patient"], "plan_id": entry["plan_id"]}
        rows += [common | row for row in entry["rows"]]
        if entry["error"]:
            broken.append(common | {"file": entry["file"], "error": entry["error"]})
    tables = _tables(rows, broken, engine)
    with new_folder(output, overwrite=overwrite) as draft:
        for name, columns in COLUMNS.items():
            cells = ([row.get(column) for column in columns] for row in tables[name])
            write_rows(draft / name, columns, cells, for_spreadsheets=True)
        write_run(draft, inputs={}, options=options | {"plans": len(treatments), "files": len(files)})
    if key is not None:
        write_key(key, secret, names.known)
    partial.unlink(missing_ok=True)
    click.echo(
        f"{len(treatments)} plans, {len(tables['dose_metrics.csv'])} lesions, {len(broken)} errors: wrote {output}"
    )


def _journal(partial: Path) -> IO[str]:
    """Open the journal of a run, for this process alone where the system can lock."""
    from hdrplan.errors import InputError

    partial.parent.mkdir(parents=True, exist_ok=True)
    journal = partial.open("a+", encoding="utf-8", errors="replace")
    with suppress(ImportError):  # Windows has no fcntl
        import fcntl

        try:
            fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            journal.close()
            raise InputError(
                "one run at a time writes an output",
                got="another that is under way",
                where=partial,
                remedy="Wait for it, or choose another output.",
            ) from None
    return journal


def _resumed(
    journal: IO[str], partial: Path, options: dict[str, Any], secret: bytes
) -> tuple[bytes, dict[str, dict[str, Any]]]:
    """Secret and finished plans of a stopped run with the same options; its last line may be torn."""
    from hdrplan.errors import InputError

    journal.seek(0)
    text = journal.read()
    lines = text.splitlines()
    if "\n" not in text:
        # Stopped before its first line was whole: nothing is lost by beginning anew.
        journal.truncate(0)
        journal.write(json.dumps({"secret": secret.hex(), "options": options}) + "\n")
        journal.flush()
        return secret, {}
    try:
        head = json.loads(lines[0])
        kept = bytes.fromhex(head["secret"])
        same = head["options"] == options
    except (KeyError, TypeError, ValueError):
        same, kept = False, b""
    if not same:
        raise InputError(
            "a stopped run can go on with the same options only",
            got="others",
            where=partial,
            remedy="Delete that file to begin anew.",
        )
    if not text.endswith("\n"):
        journal.write("\n")
    done = {}
    for line in lines[1:]:
        try:
            entry = json.loads(line)
            done[entry["id"]] = entry
        except (KeyError, TypeError, ValueError):
            continue
    return kept, done


def _index(folders: tuple[Path, ...], workers: int, quiet: bool) -> tuple[list[DicomFile], list[tuple[Path, str]]]:
    """Describe all files of the archives."""
    from hdrplan.io import dicom_files

    files: list[DicomFile] = []
    errors: list[tuple[Path, str]] = []
    for folder in folders:
        with progress_bar(f"index {folder.name}", quiet=quiet) as on_progress:
            found, broken = dicom_files(folder, workers=workers, on_progress=on_progress)
        files += found
        errors += broken
    return files, errors


def _each(
    todo: list[Treatment], options: dict[str, Any], workers: int
) -> Iterator[tuple[Treatment, list[dict[str, Any]], str]]:
    """Metrics of each plan, in processes; what one raises is its error and not the end."""
    if workers == 1 or len(todo) < 2:
        for treatment in todo:
            yield (treatment, *rows_of(treatment, options))
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(min(workers, len(todo)), mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = [(treatment, pool.submit(rows_of, treatment, options)) for treatment in todo]
        for treatment, future in futures:
            try:
                rows, error = future.result()
            except Exception as fault:  # a worker that died takes its plan with it, not the run
                rows, error = [], f"{type(fault).__name__}: {fault}"
            yield treatment, rows, error


def _tables(rows: list[dict[str, Any]], broken: list[dict[str, Any]], engine: str) -> dict[str, list[dict[str, Any]]]:
    """Tidy rows, and the same in the words of the cohort tables: there one engine a plan, recomputed first."""
    first = "stored" if engine == "stored" else "recomputed"
    chosen = [row for row in rows if row["engine"].startswith(first)]
    lesions = [
        row | {"lesion_id": f"{row['patient']}:{row['structure']}", "ctv_cm3": row["volume_cc"]}
        for row in chosen
        if row["role"] == "CTV"
    ]
    for row in lesions:
        if row.get("d100_gy") is None:
            lost = f"{row['structure']}: no D100, for it lies partly outside the dose grid"
            broken.append({"patient": row["patient"], "plan_id": row["plan_id"], "error": lost})
    lesions = [row for row in lesions if row.get("d100_gy") is not None]
    organs = [row | {"organ": row["structure"]} for row in chosen if row["role"] == "OAR"]
    return {"metrics.csv": rows, "dose_metrics.csv": lesions, "oar_metrics.csv": organs, "errors.csv": broken}


def _shown(path: Path, identify: bool) -> str:
    """File name only where identities were asked for: folders are named after patients."""
    return path.as_posix() if identify else f"a file of {path.stat().st_size} bytes" if path.exists() else "a file"


def _paths(treatment: Treatment) -> list[Path]:
    return [path for path in (treatment.plan, treatment.structures, treatment.dose) if path is not None]


def _safe(text: str, paths: list[Path], identify: bool) -> str:
    """Message without the paths of its files: archives name folders after patients."""
    if identify:
        return text
    for path in paths:
        for known in (str(path), str(path.parent), path.name):
            text = text.replace(known, "<file>")
    return text
