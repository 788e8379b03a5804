"""DVHs of every dose of an export as rows of tables, with a journal from which a stopped run continues.

Patients, doses and structure sets are told apart by pseudonyms, unless identities are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from hdrplan.cautions import Caution, caution
from hdrplan.edition import edition
from hdrplan.errors import HdrPlanError, InputError
from hdrplan.io import DicomFile, Journal, Pseudonyms, dicom_files, dose_partners, states_of
from hdrplan.processes import Lost
from hdrplan.workflow.archive_mask import mask_of, masked
from hdrplan.workflow.dvh_rows import DVHRow, dvh_curve_rows, dvh_row
from hdrplan.workflow.dvh_values import DVHOptions
from hdrplan.workflow.labour import ALONE, Labour, in_words, shared_out
from hdrplan.workflow.steps import StepProgress, Steps
from hdrplan.workflow.stored_dvh import dvh_of_pair, read_pair
from hdrplan.workflow.warning_cells import warning_cell, warning_counts

__all__ = ["DoseIndex", "FinishedDose", "FolderTables", "folder_dvhs", "indexed_doses"]


_Pair: TypeAlias = tuple[DicomFile, DicomFile]


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseIndex:
    """What a folder holds.

    Parameters
    ----------
    root : Path
    files : int
        DICOM files that could be read.
    pairs : tuple of (DicomFile, DicomFile)
        A dose and structures of it.
    alone : tuple of DicomFile
        Doses without structures.
    broken : tuple of (Path, str)
        Files that could not be read, and why.
    """

    root: Path
    files: int
    pairs: tuple[_Pair, ...]
    alone: tuple[DicomFile, ...]
    broken: tuple[tuple[Path, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedDose:
    """One dose with one file of structures: an entry of the journal.

    Parameters
    ----------
    id : str
        Of the pair of files.
    rows : list of dict
        One for each structure: volume, metrics and their errors.
    curves : list of dict
        Points of the cumulative curves.
    error : str
        Why there are no rows, else empty.
    """

    id: str
    rows: list[DVHRow]
    curves: list[DVHRow]
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderTables:
    """The tables of a folder.

    Parameters
    ----------
    metrics, curves, errors : sequence of dict
    patients : mapping
        Pseudonym -> patient ID: for the holder of the key alone.
    lost : int
        Pairs that are lost to the machine: the next run tries them again.
    warnings : tuple of Caution
        How many structures have each kind of warning; the rows hold them all.
    """

    metrics: Sequence[DVHRow]
    curves: Sequence[DVHRow]
    errors: Sequence[DVHRow]
    patients: Mapping[str, str]
    lost: int
    warnings: tuple[Caution, ...]


def indexed_doses(folder: Path, *, workers: int = 1, on_progress: StepProgress | None = None) -> DoseIndex:
    """Find the doses of a folder of DICOM files and the structures that belong to each.

    Those that a dose names, or that its plan names; otherwise all of its patient and frame of reference.

    Parameters
    ----------
    folder : Path
        Searched with all its sub-folders.
    workers : int
        Processes that read headers.
    on_progress : callable, optional
        Called with (step, done, total).

    Raises
    ------
    InputError
        No dose in it.
    """
    with Steps(on_progress)("index") as progress:
        files, broken = dicom_files(folder, workers=workers, on_progress=progress)
    partners = dose_partners(files)
    if not partners and not broken:
        raise InputError(
            "expected RT Doses in the folder",
            got=f"none in {len(files)} DICOM files",
            where=folder,
            remedy="Of other files give the dose and its structures.",
        )
    return DoseIndex(
        root=folder,
        files=len(files),
        pairs=tuple((dose, drawn) for dose, own in partners for drawn in own),
        alone=tuple(dose for dose, own in partners if not own),
        broken=tuple(broken),
    )


def folder_dvhs(
    index: DoseIndex,
    options: DVHOptions,
    journal: Journal[FinishedDose],
    *,
    identify: bool = False,
    labour: Labour = ALONE,
    on_progress: StepProgress | None = None,
) -> FolderTables:
    """Compute the DVHs of every pair that the journal does not hold, and make the tables of all.

    Parameters
    ----------
    index : DoseIndex
    options : DVHOptions
    journal : Journal
        Opened with the record of the options; its secret makes the pseudonyms.
    identify : bool
        Patient IDs and file names instead of pseudonyms.
    labour : Labour
    on_progress : callable, optional
        Called with (step, done, total).
    """
    names = Pseudonyms(journal.secret, identify=identify)
    # Looked at once: a file that changes meanwhile splits none.
    ids = [_id(pair, names) for pair in index.pairs]
    missing = [(pair, id_) for pair, id_ in zip(index.pairs, ids, strict=True) if id_ not in journal.done]
    left, left_ids = [pair for pair, _ in missing], [id_ for _, id_ in missing]
    tasks = [(dose.path.absolute(), drawn.path.absolute()) for dose, drawn in left]
    keys = [f"dvh-{journal.secret.hex()[:8]}-{id_}" for id_ in left_ids]
    lost = 0
    with Steps(on_progress)("doses") as progress:
        for done, (k, answer) in enumerate(
            shared_out(partial(_pair_rows, options=options), tasks, labour, keys=keys), start=1
        ):
            if isinstance(answer, Lost):
                lost += 1
                journal.postpone(_finished(index, left[k], left_ids[k], ([], [], in_words(answer)), names))
            else:
                journal.add(_finished(index, left[k], left_ids[k], answer, names))
            progress(done, len(left))
    return _gathered(index, ids, journal, names, lost)


def _pair_rows(task: tuple[Path, Path], options: DVHOptions) -> tuple[list[DVHRow], list[DVHRow], str]:
    """Return rows, curves and error of one pair."""
    try:
        result = dvh_of_pair(read_pair(*task), options)
    except HdrPlanError as error:
        return [], [], str(error)
    except Exception as fault:  # one broken export must not stop the folder: what happened becomes its row
        return [], [], f"unexpected {type(fault).__name__}: {fault}"
    of_structures = {note for s in result.structures for note in s.warnings}
    of_all = [note for note in result.warnings if note not in of_structures]
    rows = [dvh_row(s) | {"warnings": warning_cell((*of_all, *s.warnings))} for s in result.structures]
    return rows, [point for s in result.structures for point in dvh_curve_rows(s)], ""


def _id(pair: _Pair, names: Pseudonyms) -> str:
    files = (f"{file.uid}{file.path.absolute().as_posix()}" for file in pair)
    return names.of_uid("dose", "\0".join((edition(), *files, states_of([file.path for file in pair]))))


def _who(index: DoseIndex, pair: _Pair, names: Pseudonyms) -> DVHRow:
    if names.identify:
        of_dose, of_set = (file.path.relative_to(index.root).as_posix() for file in pair)
    else:
        of_dose, of_set = names.of_uid("dose", pair[0].uid), names.of_uid("set", pair[1].uid)
    return {"patient": names.patient(pair[0].patient_id), "dose": of_dose, "structures": of_set}


def _finished(
    index: DoseIndex,
    pair: tuple[DicomFile, DicomFile],
    id_: str,
    answer: tuple[list[DVHRow], list[DVHRow], str],
    names: Pseudonyms,
) -> FinishedDose:
    """Return one pair as journal and tables hold it: without the names of folders and files."""
    rows, curves, error = answer
    if not names.identify:
        mask = mask_of([index.root], [file.path for file in pair], more=[pair[0].patient_id])
        error = masked(error, mask)
        rows = [row | {"warnings": masked(str(row["warnings"]), mask)} for row in rows]
    return FinishedDose(id=id_, rows=rows, curves=curves, error=error)


def _gathered(
    index: DoseIndex, ids: Sequence[str], journal: Journal[FinishedDose], names: Pseudonyms, lost: int
) -> FolderTables:
    metrics: list[DVHRow] = []
    curves: list[DVHRow] = []
    errors: list[DVHRow] = []
    for path, error in index.broken:
        text = error if names.identify else masked(error, mask_of([index.root], [path]))
        errors.append({"error": text})
    for dose in index.alone:
        who = _who(index, (dose, dose), names) | {"structures": ""}
        errors.append(who | {"error": "no structures of this dose or its frame of reference"})
    for pair, id_ in zip(index.pairs, ids, strict=True):
        who, done = _who(index, pair, names), journal.done[id_]
        metrics += [who | row for row in done.rows]
        curves += [who | row for row in done.curves]
        if done.error:
            errors.append(who | {"error": done.error})
    return FolderTables(
        metrics=metrics,
        curves=curves,
        errors=errors,
        patients=names.known,
        lost=lost,
        warnings=tuple(
            caution("structures-doubted", count=count, structures=len(metrics), kind=kind)
            for kind, count in warning_counts(str(row["warnings"]) for row in metrics)
        ),
    )
