"""Whose files these are: structures, plan or dose of another patient or study than the CT are not taken in silence."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from hdrplan.cautions import Caution, caution
from hdrplan.errors import InputError
from hdrplan.io.dicom.folder import DicomFile

__all__ = [
    "Stranger",
    "_without_name",
    "checked_strangers",
    "refusal",
    "strangers_among",
    "unreadable_files",
    "warning_of",
]

# Names in messages tell two patients apart within one run, and lead nobody back to them.
_SECRET = secrets.token_bytes(16)

# (tag, value) -> the name of that patient or study in messages.
Namer: TypeAlias = Callable[[str, str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """A file that names another patient or study than the one it is used with.

    Parameters
    ----------
    kind, reference : {"CT", "RS", "RP", "RD", "SEG", "record"}
        Of the file, and of the one it is compared with.
    tag : {"PatientID", "PatientName", "StudyInstanceUID"}
        The name where one of the two files has no ID.
    own, other : str
        The two values: they stay out of messages.
    """

    kind: str
    reference: str
    tag: str
    own: str
    other: str


def strangers_among(files: Sequence[DicomFile]) -> tuple[Stranger, ...]:
    """Compare files that are used together: with the CT, or with the plan where there is none.

    Parameters
    ----------
    files : sequence of DicomFile
        One slice stands for a CT. Values that a file does not have (anonymisers take them out) differ from nothing.
        Without a CT studies are not compared: planning systems write a plan into a study of its own, and afterloaders
        their records.
    """
    order = {"CT": 0, "RP": 1}
    ranked = sorted(files, key=lambda file: order.get(file.kind, 2))
    planned = [file for file in ranked if file.kind != "record"]
    studies = [(file.kind, file.study_uid) for file in planned] if any(file.kind == "CT" for file in ranked) else []
    return (
        *_differing("PatientID", [(file.kind, file.patient_id) for file in ranked if file.has_id]),
        *_of_other_names(ranked),
        *_differing("StudyInstanceUID", studies),
    )


def _differing(tag: str, values: Sequence[tuple[str, str]]) -> Iterator[Stranger]:
    """Yield the files whose value is not that of the first that has one."""
    named = [(kind, value) for kind, value in values if value]
    for kind, value in named[1:]:
        if value != named[0][1]:
            yield Stranger(kind=kind, reference=named[0][0], tag=tag, own=value, other=named[0][1])


def _of_other_names(ranked: Sequence[DicomFile]) -> Iterator[Stranger]:
    """Yield the files without an ID that name another patient than the first file with a name, and the other way."""
    named = [file for file in ranked if file.patient_name]
    for file in named[1:]:
        first = named[0]
        if not (file.has_id and first.has_id) and _letters(file.patient_name) != _letters(first.patient_name):
            yield Stranger(
                kind=file.kind, reference=first.kind, tag="PatientName", own=file.patient_name, other=first.patient_name
            )


def _letters(name: str) -> tuple[str, ...]:
    """Words of a name in lower case, sorted: scanners and planning systems write one name in several ways."""
    return tuple(sorted(re.findall(r"[^\W_]+", name.casefold())))


def _written_otherwise(files: Sequence[DicomFile]) -> Iterator[Caution]:
    """Yield a warning for files of one ID whose names or dates of birth differ."""
    for what, value in (("name", lambda f: _letters(f.patient_name)), ("date of birth", lambda f: f.birth_date)):
        stated = [file for file in files if file.has_id and value(file)]
        for file in stated[1:]:
            if file.patient_id == stated[0].patient_id and value(file) != value(stated[0]):
                yield caution("patient-written-otherwise", kind=file.kind, reference=stated[0].kind, what=what)


def checked_strangers(files: Sequence[DicomFile], *, accept: bool, where: object) -> tuple[Caution, ...]:
    """Refuse files of another patient or study, or return a warning for each where they are accepted.

    Files of one ID whose names or dates of birth differ are taken with a warning.

    Parameters
    ----------
    files : sequence of DicomFile
    accept : bool
    where : object
        What the message names.

    Raises
    ------
    InputError
        Not accepted.
    """
    strangers = strangers_among(files)
    if strangers and not accept:
        raise refusal(strangers[0], _pseudonym, where)
    return (*(warning_of(stranger, _pseudonym) for stranger in strangers), *_written_otherwise(files))


def refusal(stranger: Stranger, name: Namer, where: object = None) -> InputError:
    """Return the error that names both patients or studies by pseudonym.

    Parameters
    ----------
    stranger : Stranger
    name : Namer
        Tag and value -> pseudonym.
    where : object
        What the message names first.
    """
    own, other = name(stranger.tag, stranger.own), name(stranger.tag, stranger.other)
    return InputError(
        f"CT, structures, plan, dose and records must have one {stranger.tag}",
        got=f"{stranger.kind} of {own} with {stranger.reference} of {other}",
        where=where,
        remedy="If they belong together: `accept_other_patient=True`.",
    )


def warning_of(stranger: Stranger, name: Namer) -> Caution:
    """Return the warning where such a file was accepted."""
    return caution(
        "other-patient",
        kind=stranger.kind,
        reference=stranger.reference,
        tag=stranger.tag,
        own=name(stranger.tag, stranger.own),
        other=name(stranger.tag, stranger.other),
    )


def _pseudonym(tag: str, text: str) -> str:
    return f"{tag[0]}-{hmac.new(_SECRET, text.encode(), hashlib.sha256).hexdigest()[:8]}"


def _without_name(text: str, path: Path) -> str:
    """Return a message about a file without its path: warnings go into run.json, files are named after patients."""
    size = path.stat().st_size if path.is_file() else 0
    for word in (str(path), str(path.parent), path.name):
        text = text.replace(word, f"a file of {size} bytes")
    return text


def unreadable_files(broken: Iterable[tuple[Path, str]]) -> list[Caution]:
    """Return a warning for each file of an export that is DICOM and cannot be read.

    Parameters
    ----------
    broken : iterable of (Path, str)
        From :func:`dicom_files`.
    """
    return [caution("dicom-unreadable", reason=_without_name(text, path)) for path, text in broken]
