"""An archive of exported treatments becomes tables: every plan a row for each structure, or an error.

Patients are told apart by pseudonyms, unless identities are asked for: folders and files are named after patients, so
neither leaves this walk. What is finished goes into a journal; a run that was stopped goes on behind it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from hdrplan.cautions import Caution, caution
from hdrplan.errors import InputError
from hdrplan.io import DicomFile, Journal, Pseudonyms, Treatment, dicom_files, refusal, treatments_of, warning_of
from hdrplan.processes import Lost
from hdrplan.workflow.archive_ids import TreatmentIds
from hdrplan.workflow.archive_mask import files_of, mask_of, masked
from hdrplan.workflow.archive_model import model_errors
from hdrplan.workflow.archive_optimum import named_planner, optimum_errors, optimum_tables
from hdrplan.workflow.archive_rows import ArchiveOptions, Row, treatment_rows
from hdrplan.workflow.labour import ALONE, Labour, in_words, shared_out
from hdrplan.workflow.steps import StepProgress, Steps
from hdrplan.workflow.warning_cells import warning_counts

__all__ = ["ARCHIVE_COLUMNS", "Archive", "ArchiveTables", "FinishedPlan", "archive_tables", "indexed_archive"]

_LESION = (*(f"d{p}_gy" for p in (100, 99, 98, 95, 90, 50, 2)), *(f"v{p}_pct" for p in (100, 150, 200)))
_ORGAN = ("d0_1cc_gy", "d1cc_gy", "d2cc_gy", "max_gy", "mean_gy", "v5gy_cc", "v5gy_pct", "v10gy_cc", "v10gy_pct")
_FACTS = ("engine", "source", "grid_mm", "slice_mm", "in_grid_pct", "extrapolated_pct", "trak_u_s", "total_time_s",
          "pulses", "trak_pulse_u_s")  # fmt: skip
# Table -> its columns: the tidy table, the two that the outcome analysis reads, and what could not be read.
ARCHIVE_COLUMNS: dict[str, tuple[str, ...]] = {
    "metrics": (
        "patient", "plan_id", "structure", "role", "volume_cc", "prescription_gy", *_LESION, *_ORGAN, *_FACTS,
        "warnings",
    ),
    "dose_metrics": (
        "plan_id", "lesion_id", "ctv_cm3", *(name for name in _LESION if name != "d99_gy"),
        "prescription_gy", "engine", "grid_mm", "slice_mm",
    ),
    "oar_metrics": ("plan_id", "organ", "d1cc_gy", "d0_1cc_gy", "v5gy_pct", "v10gy_pct"),
    "errors": ("patient", "plan_id", "file", "error"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """What an archive holds.

    Parameters
    ----------
    roots : tuple of Path
        The folders it consists of.
    files : int
        DICOM files that could be read.
    treatments : tuple of Treatment
        One for each brachytherapy plan.
    broken : tuple of (Path, str)
        Files that could not be read, and why.
    """

    roots: tuple[Path, ...]
    files: int
    treatments: tuple[Treatment, ...]
    broken: tuple[tuple[Path, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedPlan:
    """One plan, read: an entry of the journal.

    Parameters
    ----------
    id : str
        Of the files as they were, and of the program: a plan may lie in an archive twice.
    plan_id, patient : str
        Pseudonyms, or the patient's ID where identities are asked for.
    rows : list of dict
    error : str
        Why there are no rows, else empty.
    file : str
        What may be said of the plan's file.
    """

    id: str
    plan_id: str
    patient: str
    rows: list[Row]
    error: str
    file: str


@dataclass(frozen=True, slots=True)
class ArchiveTables:
    """The tables of an archive.

    Parameters
    ----------
    rows : mapping
        Table -> its rows; tables and columns are those of ``ARCHIVE_COLUMNS``.
    patients : mapping
        Pseudonym -> patient ID: for the holder of the key alone.
    lost : int
        Treatments that are lost to the machine: errors of this run, which the next one tries again.
    warnings : tuple of Caution
        How many plans have each kind of warning; the rows hold them all.
    """

    rows: Mapping[str, Sequence[Row]]
    patients: Mapping[str, str]
    lost: int
    warnings: tuple[Caution, ...]


def indexed_archive(folders: Sequence[Path], *, workers: int = 1, on_progress: StepProgress | None = None) -> Archive:
    """Find the treatments of an archive.

    Parameters
    ----------
    folders : sequence of Path
        Searched with all their sub-folders.
    workers : int
        Processes that read headers.
    on_progress : callable, optional
        Called with (step, done, total).

    Raises
    ------
    InputError
        No plans at all.
    """
    step = Steps(on_progress)
    files: list[DicomFile] = []
    broken: list[tuple[Path, str]] = []
    for folder in folders:
        with step(f"index {folder.name}") as progress:
            readable, unreadable = dicom_files(folder, workers=workers, on_progress=progress)
        files += readable
        broken += unreadable
    treatments = treatments_of(files)
    if not treatments and not broken:
        raise InputError("expected brachytherapy plans (RTPLAN) in the archive", got="none", where=folders[0])
    return Archive(roots=tuple(folders), files=len(files), treatments=tuple(treatments), broken=tuple(broken))


def archive_tables(
    archive: Archive,
    options: ArchiveOptions,
    journal: Journal[FinishedPlan],
    *,
    labour: Labour = ALONE,
    on_progress: StepProgress | None = None,
) -> ArchiveTables:
    """Compute the metrics of every plan that the journal does not hold, and make the tables of all.

    Parameters
    ----------
    archive : Archive
    options : ArchiveOptions
        The journal must have been opened with their record.
    journal : Journal
        Its secret makes the pseudonyms.
    labour : Labour
        Who reads the treatments; one whose worker dies is tried once more.
    on_progress : callable, optional
        Called with (step, done, total).

    Returns
    -------
    ArchiveTables
    """
    names = Pseudonyms(journal.secret, identify=options.identify)
    ids = TreatmentIds(archive.treatments, names)
    left = [treatment for treatment in archive.treatments if ids[treatment] not in journal.done]
    left = list(_without_strangers(left, options, journal, names, archive, ids))
    if labour.scheduler is not None:
        left = [_absolute(treatment) for treatment in left]
    keys = [f"metrics-{journal.secret.hex()[:8]}-{ids[treatment]}" for treatment in left]
    lost = 0
    work = partial(treatment_rows, options=options)
    with Steps(on_progress)("plans") as progress:
        for done, (k, answer) in enumerate(shared_out(work, left, labour, keys=keys), start=1):
            if isinstance(answer, Lost):
                lost += 1
                journal.postpone(_finished(left[k], [], in_words(answer), names, archive, ids))
            else:
                journal.add(_finished(left[k], *answer, names, archive, ids))
            progress(done, len(left))
    metrics, broken = _gathered(archive, journal, names, ids)
    return ArchiveTables(
        _tables(metrics, broken, options), names.known, lost, _doubts(metrics, len(archive.treatments))
    )


def _doubts(metrics: list[Row], plans: int) -> tuple[Caution, ...]:
    """Count the plans that have each kind of warning."""
    cells: dict[object, list[str]] = defaultdict(list)
    for row in metrics:
        cells[row["plan_id"]].append(str(row.get("warnings") or ""))
    counts = warning_counts("; ".join(filter(None, of_plan)) for of_plan in cells.values())
    return tuple(caution("treatments-doubted", count=count, plans=plans, kind=kind) for kind, count in counts)


def _without_strangers(
    treatments: Sequence[Treatment],
    options: ArchiveOptions,
    journal: Journal[FinishedPlan],
    names: Pseudonyms,
    archive: Archive,
    ids: TreatmentIds,
) -> Iterator[Treatment]:
    """Yield the treatments whose files are of one patient, or accepted with a warning; the others are errors."""
    for treatment in treatments:
        if treatment.strangers and not options.accept_other_patient:
            error = refusal(treatment.strangers[0], names.of_tag)
            journal.add(_finished(treatment, [], str(error), names, archive, ids))
            continue
        notes = tuple(warning_of(stranger, names.of_tag) for stranger in treatment.strangers)
        yield replace(treatment, warnings=(*treatment.warnings, *notes))


def _finished(
    treatment: Treatment, rows: list[Row], error: str, names: Pseudonyms, archive: Archive, ids: TreatmentIds
) -> FinishedPlan:
    """Return one plan as the journal and the tables hold it: without the names of folders and files."""
    if not names.identify:
        mask = mask_of(archive.roots, files_of(treatment), more=[treatment.patient_id])
        error = masked(error, mask)
        for column in ("warnings", "optimum_error", "model_error"):
            rows = [row | {column: masked(str(row.get(column) or ""), mask)} for row in rows]
    return FinishedPlan(
        id=ids[treatment],
        plan_id=names.plan(treatment.uid),
        patient=names.patient(treatment.patient_id),
        rows=[named_planner(row, names) for row in rows],
        error=error,
        file=_described(treatment.plan, names),
    )


def _gathered(
    archive: Archive, journal: Journal[FinishedPlan], names: Pseudonyms, ids: TreatmentIds
) -> tuple[list[Row], list[Row]]:
    """Return rows of all plans in the archive's order, and of what could not be read."""
    metrics: list[Row] = []
    broken: list[Row] = []
    for path, error in archive.broken:
        text = error if names.identify else masked(error, mask_of(archive.roots, [path]))
        broken.append({"file": _described(path, names), "error": text})
    for treatment in archive.treatments:
        names.patient(treatment.patient_id)
        plan = journal.done[ids[treatment]]
        who: Row = {"patient": plan.patient, "plan_id": plan.plan_id}
        metrics += [who | row for row in plan.rows]
        if plan.error:
            broken.append(who | {"file": plan.file, "error": plan.error})
    return metrics, broken


def _absolute(treatment: Treatment) -> Treatment:
    """Return the treatment for a worker that stands in another folder."""
    structures, dose = treatment.structures, treatment.dose
    return replace(
        treatment,
        plan=treatment.plan.absolute(),
        structures=None if structures is None else structures.absolute(),
        dose=None if dose is None else dose.absolute(),
        ct=tuple(path.absolute() for path in treatment.ct),
    )


def _tables(metrics: list[Row], broken: list[Row], options: ArchiveOptions) -> dict[str, list[Row]]:
    """Tidy rows, and the same in the words of the cohort tables: there one engine a plan, recomputed first."""
    preferred = "stored" if options.engine == "stored" else "recomputed"
    chosen = [row for row in metrics if str(row["engine"]).startswith(preferred)]
    lesions: list[Row] = []
    without_d100: list[Row] = []
    for row in (row for row in chosen if row["role"] == "CTV"):
        if row.get("d100_gy") is None:
            error = f"{row['structure']}: no D100, for it lies partly outside the dose grid"
            without_d100.append({"patient": row["patient"], "plan_id": row["plan_id"], "error": error})
        else:
            lesions.append(row | {"lesion_id": f"{row['patient']}:{row['structure']}", "ctv_cm3": row["volume_cc"]})
    compared = {} if options.optimum is None else optimum_tables(metrics)
    without = [*optimum_errors(metrics), *model_errors(metrics), *without_d100]
    organs = [row | {"organ": row["structure"]} for row in chosen if row["role"] == "OAR"]
    tables = {"metrics": metrics, "dose_metrics": lesions, "oar_metrics": organs, "errors": [*broken, *without]}
    return tables | compared


def _described(path: Path, names: Pseudonyms) -> str:
    """File name only where identities are asked for."""
    if names.identify:
        return path.as_posix()
    return f"a file of {path.stat().st_size} bytes" if path.exists() else "a file"
