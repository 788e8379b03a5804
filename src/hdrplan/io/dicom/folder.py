"""A clinic's export: which files are there, and which belong together by their UIDs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hdrplan.cautions import Caution, caution
from hdrplan.errors import FormatError, HdrPlanError, InputError, ResourceError
from hdrplan.io.dicom.sop_classes import (
    BRACHY_RECORD,
    CT_IMAGE,
    ENHANCED_CT,
    LABEL_MAP,
    RT_DOSE,
    RT_PLAN,
    RT_STRUCTURE_SET,
    SEGMENTATION,
)
from hdrplan.io.dicom.tags import Tags, read_tags

__all__ = ["DicomFile", "Linked", "description_of", "dicom_file", "dicom_files", "linked_files"]

KINDS = {
    CT_IMAGE: "CT",
    ENHANCED_CT: "CT",
    RT_STRUCTURE_SET: "RS",
    RT_PLAN: "RP",
    RT_DOSE: "RD",
    SEGMENTATION: "SEG",
    LABEL_MAP: "SEG",
    BRACHY_RECORD: "record",
}
MAX_FILES = 1_000_000
WORDS = {"CT": "CT series", "RS": "structure set", "RP": "brachytherapy plan", "RD": "dose grid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DicomFile:
    """One file of an export: what it is, and what it refers to.

    Parameters
    ----------
    path : Path
    kind : {"CT", "RS", "RP", "RD", "SEG", "record"}
    uid, series_uid, frame_uid : str
        Empty where absent.
    label : str
        Of the plan or structure set; summation type of a dose.
    refers_to : frozenset of str
        UIDs of instances, series and frames.
    patient_id : str
        For pseudonyms and comparison alone; the name where there is no ID.
    study_uid : str
        Empty where absent.
    patient_name, birth_date : str
        For comparison alone; empty where absent.
    has_id : bool
        Whether ``patient_id`` is an ID, and not the name that stands for it.
    """

    path: Path
    kind: str
    uid: str
    series_uid: str
    frame_uid: str
    label: str
    refers_to: frozenset[str]
    patient_id: str
    study_uid: str
    patient_name: str = ""
    birth_date: str = ""
    has_id: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """Files that belong together; empty or None where the export has none.

    Parameters
    ----------
    ct : tuple of Path
        Slices of one series.
    structures, plan, dose : Path or None
    warnings : tuple of Caution
        Where a file is not the one that the others refer to.
    """

    ct: tuple[Path, ...]
    structures: Path | None
    plan: Path | None
    dose: Path | None
    warnings: tuple[Caution, ...] = ()


def dicom_files(
    folder: Path, *, workers: int = 1, on_progress: Callable[[int, int], None] | None = None
) -> tuple[list[DicomFile], list[tuple[Path, str]]]:
    """Return the DICOM files of a folder and its sub-folders, and what could not be read and why.

    Links are not followed. Files that are no DICOM are passed over; files that are DICOM but broken are reported.

    Parameters
    ----------
    folder : Path
    workers : int
        Processes that read headers.
    on_progress : callable, optional
        Called with (files, files in all).
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError("expected a folder of DICOM files", got="none of that name", where=folder)
    paths: list[Path] = []
    for top, folders, names in os.walk(folder, followlinks=False):
        folders.sort()
        paths += [Path(top) / name for name in sorted(names)]
        if len(paths) > MAX_FILES:
            raise ResourceError(f"at most {MAX_FILES} files in one export", got="more", where=folder)
    files: list[DicomFile] = []
    broken: list[tuple[Path, str]] = []
    for k, (path, described) in enumerate(zip(paths, _each_described(paths, workers), strict=True)):
        if on_progress is not None:
            on_progress(k + 1, len(paths))
        if isinstance(described, str):
            broken.append((path, described))
        elif described is not None:
            files.append(described)
    return files, broken


def _each_described(paths: Sequence[Path], workers: int) -> Iterator[DicomFile | str | None]:
    # A process takes a second to start: worth it from a thousand headers on.
    if workers == 1 or len(paths) < 1000:
        yield from map(_description, paths)
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(_description, paths, chunksize=100)


def _description(path: Path) -> DicomFile | str | None:
    """Return what a file is, None where it is no DICOM of ours, or why it cannot be read."""
    if not _may_be_dicom(path):
        return None
    try:
        return description_of(read_tags(path, pixels=False), path)
    except (HdrPlanError, OSError) as error:
        return str(error)


def dicom_file(path: Path) -> DicomFile | None:
    """Return what one file is; None where it is none of ours, or broken: its reader says why."""
    described = _description(path)
    return described if isinstance(described, DicomFile) else None


def _may_be_dicom(path: Path) -> bool:
    """Whether the file has the DICOM prefix, or lacks it but is named like one: what a copy left that stopped."""
    if path.is_symlink() or not path.is_file() or path.name.startswith("."):
        return False
    if path.suffix.lower() == ".dcm":
        return True
    if path.stat().st_size < 132:
        # Exports also name files by their UIDs: RP.1.2.840.1, IM0001.
        return path.stat().st_size == 0 and (not path.suffix or path.suffix[1:].isdigit())
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def description_of(tags: Tags, path: Path) -> DicomFile | None:
    """Return what a DICOM file that was read is, whatever its name; None where it is none of ours.

    Raises
    ------
    FormatError
        Damaged references.
    """
    kind = KINDS.get(tags.text("SOPClassUID", ""))
    if kind is None or (kind == "RP" and not tags.has("ApplicationSetupSequence")):
        return None
    refers = {item.text("ReferencedSOPInstanceUID", "") for item in tags.items("ReferencedStructureSetSequence")}
    refers |= {item.text("ReferencedSOPInstanceUID", "") for item in tags.items("ReferencedRTPlanSequence")}
    refers |= _series_uids(tags)
    label = tags.text("RTPlanLabel", "") or tags.text("StructureSetLabel", "") or tags.text("DoseSummationType", "")
    return DicomFile(
        path=path,
        kind=kind,
        uid=tags.text("SOPInstanceUID", ""),
        series_uid=tags.text("SeriesInstanceUID", ""),
        frame_uid=tags.text("FrameOfReferenceUID", ""),
        label=label,
        refers_to=frozenset(refers - {""}),
        patient_id=tags.text("PatientID", "") or tags.text("PatientName", ""),
        study_uid=tags.text("StudyInstanceUID", ""),
        patient_name=tags.text("PatientName", ""),
        birth_date=tags.text("PatientBirthDate", ""),
        has_id=bool(tags.text("PatientID", "")),
    )


def _series_uids(tags: Tags) -> set[str]:
    uids = set()
    for frame in tags.items("ReferencedFrameOfReferenceSequence"):
        uids.add(frame.text("FrameOfReferenceUID", ""))
        for study in frame.items("RTReferencedStudySequence"):
            for series in study.items("RTReferencedSeriesSequence"):
                uids.add(series.text("SeriesInstanceUID", ""))
    return uids


def linked_files(files: Sequence[DicomFile], *, plan: str | None = None, where: object = None) -> Linked:
    """Return the plan of an export with the structure set, dose and CT that it refers to.

    A single file of a kind is taken even where the UIDs do not match (anonymisers break them), with a warning.

    Parameters
    ----------
    files : sequence of DicomFile
    plan : str, optional
        Label or file name of the plan to take where there are several.
    where : object
        What messages name: the export.

    Raises
    ------
    InputError
        Several candidates of one kind, listed.
    """
    warnings: list[Caution] = []
    kinds = {kind: [f for f in files if f.kind == kind] for kind in WORDS}
    plans = [f for f in kinds["RP"] if plan is None or plan in (f.label, f.path.name)]
    if plan is not None and not plans:
        raise InputError(f"no plan is named {plan!r}", where=where, remedy=_listed(kinds["RP"]))
    remedy = "Name one of them (`plan`), or leave one in the folder."
    plan_file = _only(plans, "RP", where, remedy)
    uid, refers_to = (plan_file.uid, plan_file.refers_to) if plan_file else (None, frozenset())
    structures = _partner(kinds["RS"], [f for f in kinds["RS"] if f.uid in refers_to], plan_file, warnings, where)
    dose = _partner(kinds["RD"], [f for f in kinds["RD"] if uid in f.refers_to], plan_file, warnings, where)
    series: dict[str, list[DicomFile]] = {}
    for f in kinds["CT"]:
        series.setdefault(f.series_uid, []).append(f)
    slices = _ct(series, structures or plan_file, warnings, where)
    return Linked(
        ct=tuple(f.path for f in slices),
        structures=structures.path if structures else None,
        plan=plan_file.path if plan_file else None,
        dose=dose.path if dose else None,
        warnings=tuple(warnings),
    )


def _listed(files: Sequence[DicomFile]) -> str:
    return "There are: " + "; ".join(f"{f.path.name} ({f.label or 'no label'})" for f in files[:20]) + "."


def _only(files: Sequence[DicomFile], kind: str, where: object, remedy: str) -> DicomFile | None:
    if len(files) > 1:
        raise InputError(
            f"expected one {WORDS[kind]}", got=len(files), where=where, remedy=f"{_listed(files)} {remedy}"
        )
    return files[0] if files else None


def _partner(
    files: Sequence[DicomFile],
    linked: Sequence[DicomFile],
    plan: DicomFile | None,
    warnings: list[Caution],
    where: object,
) -> DicomFile | None:
    """Return the file of a kind that is linked to the plan; else the only one of its kind, with a warning."""
    if len(linked) > 1 and linked[0].kind == "RD":
        # Plan sums first: the single setups add up to them.
        linked = [f for f in linked if f.label in ("PLAN", "BRACHY", "FRACTION")] or linked
    if linked:
        return _only(linked, linked[0].kind, where, "Leave one of them in the folder.")
    if plan is not None and len(files) > 1:
        files = [f for f in files if f.kind != "RD" or not f.refers_to]
    if not files:
        return None
    file = _only(files, files[0].kind, where, "None of them is the one the plan refers to.")
    if plan is not None:
        word = WORDS[files[0].kind]
        warnings.append(caution("uid-of-partner", word=word))
    return file


def _ct(
    series: dict[str, list[DicomFile]], owner: DicomFile | None, warnings: list[Caution], where: object
) -> Sequence[DicomFile]:
    if owner is not None:
        linked = [files for uid, files in series.items() if uid in owner.refers_to]
        if not linked:
            linked = [f for f in series.values() if f[0].frame_uid in (owner.refers_to | {owner.frame_uid}) - {""}]
        if len(linked) == 1:
            return linked[0]
        if series:
            warnings.append(caution("uid-of-ct"))
    if len(series) > 1:
        raise InputError(
            "expected one CT series",
            got=len(series),
            where=where,
            remedy="There are: " + "; ".join(f"{len(f)} slices, series ...{u[-8:]}" for u, f in series.items()) + ".",
        )
    return next(iter(series.values()), [])


def require(path: Path | None, kind: str, where: object) -> Path:
    """Return the path of a file that the export must hold.

    Parameters
    ----------
    path : Path or None
        Of :class:`Linked`.
    kind : {"CT", "RS", "RP", "RD"}
    where : object
        What the message names: the export.

    Raises
    ------
    FormatError
        There is none.
    """
    if path is None:
        remedy = "A plan of hdrplan is exported first: `hdrplan export`." if kind == "RP" else ""
        raise FormatError(f"the export must hold a {WORDS[kind]}", got="none", where=where, remedy=remedy)
    return path
