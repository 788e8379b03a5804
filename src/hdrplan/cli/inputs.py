"""Inputs of commands: a path that cannot be right is refused while the command line is read.

Reading anything takes a second of imports; that a file is not there, or a folder does not hold what the command reads,
is known before.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from hdrplan.catalogue import PACKAGED_PHANTOMS
from hdrplan.errors import FormatError, InputError, files_beside
from hdrplan.kinds import for_a_case, for_a_folder, for_a_plan, what_is

__all__ = [
    "IN_CASE",
    "IN_COHORT",
    "IN_DICOM",
    "IN_EXPORT",
    "IN_FILE",
    "IN_MASK",
    "IN_PATH",
    "IN_PLAN",
    "IN_PLANNED",
    "IN_PLAN_OR_CASE",
    "IN_SESSION",
    "IN_SOURCE",
    "IN_TREATED",
    "InputPath",
    "InputText",
    "refuse_other_folder",
    "refuse_other_than_plan",
]

_SOURCE_FILES = (".json", ".csv", ".xlsx", ".xls")


class InputPath(click.Path):
    """Type of an argument or option that names what the command reads.

    Parameters
    ----------
    expected : str
        What the path must be, for the message.
    looked_at : callable, optional
        Raises InputError where what stands at the path is not that.
    """

    def __init__(self, expected: str, looked_at: Callable[[Path], None] | None = None) -> None:
        super().__init__(path_type=Path)
        self.expected = expected
        self.looked_at = looked_at

    def convert(self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path; InputError where nothing bears that name, or something else than was expected.

        Parameters
        ----------
        value, param, ctx
            As of :class:`click.Path`.
        """
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if not (ctx and ctx.resilient_parsing):
            _refuse_missing(path, self.expected)
            if self.looked_at is not None:
                self.looked_at(path)
        return path


class InputText(click.types.StringParamType):
    """Type of a text in which a path stands, such as NAME=FILE.

    Parameters
    ----------
    paths_of : callable
        Text -> the files that it names.
    """

    def __init__(self, paths_of: Callable[[str], Sequence[str]]) -> None:
        self.paths_of = paths_of

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the text; InputError where nothing bears the name in it.

        Parameters
        ----------
        value, param, ctx
            As of :class:`click.types.StringParamType`.
        """
        text = super().convert(value, param, ctx)
        if not (ctx and ctx.resilient_parsing):
            for file in self.paths_of(str(text)):
                _refuse_missing(Path(file), "a file")
        return text


def _refuse_missing(path: Path, expected: str) -> None:
    if path.exists():
        return
    remedy = files_beside(path)
    if path.name in PACKAGED_PHANTOMS:
        remedy = f"It comes with hdrplan: `hdrplan phantom make {path.name}` writes phantoms/{path.name}."
    raise InputError(f"expected {expected}", got="none of that name", where=path, remedy=remedy)


def _file(path: Path) -> None:
    if path.is_dir():
        raise FormatError("expected a file", got="a folder", where=path)


def _folder(path: Path) -> None:
    if not path.is_dir():
        got, remedy = for_a_folder(path)
        raise FormatError("expected a folder", got=got, where=path, remedy=remedy)


def refuse_other_than_plan(path: Path) -> None:
    """Refuse a path at which no plan stands; the message says what does.

    Parameters
    ----------
    path : Path

    Raises
    ------
    InputError
    """
    # A plan may bear any name: a file is refused where it is known to be something else.
    known = (path / "plan.json").is_file() if path.is_dir() else what_is(path) in (None, "a plan", "a JSON file")
    if not known:
        got, remedy = for_a_plan(path)
        raise InputError("expected a plan", got=got, where=path, remedy=remedy)


def _plan_or_case(path: Path) -> None:
    if not _holds_a_case(path):
        refuse_other_than_plan(path)


def _planned(path: Path) -> None:
    if not (path / "sessions.json").is_file():
        refuse_other_than_plan(path)


def _case(path: Path) -> None:
    if not _holds_a_case(path):
        _refuse_for_a_case(path)


def _holds_a_case(path: Path) -> bool:
    return (path / "case.toml").is_file() if path.is_dir() else what_is(path) in (None, "a TOML file")


def _refuse_for_a_case(path: Path) -> None:
    got, remedy = for_a_case(path)
    raise InputError("expected a case folder or a case.toml", got=got, where=path, remedy=remedy)


def refuse_other_folder(case: Path | None, ctvs: tuple[str, ...]) -> None:
    """Refuse a folder that holds no case, unless the command line names CTVs in it: then it may be a DICOM export.

    Parameters
    ----------
    case : Path or None
    ctvs : tuple of str

    Raises
    ------
    InputError
    """
    if case is None or _holds_a_case(case) or (ctvs and case.is_dir() and _any_file(case)):
        return
    _refuse_for_a_case(case)


def _dicom(path: Path) -> None:
    _folder(path)
    if not _any_file(path):
        raise InputError("expected a folder of DICOM files", got="one without files", where=path)


def _export(path: Path) -> None:
    if path.is_dir():
        _dicom(path)


def _any_file(folder: Path) -> bool:
    return any(files for _, _, files in os.walk(folder))


def _cohort(path: Path) -> None:
    if not path.is_dir():
        return
    if not any(file.suffix.lower() in (".csv", ".parquet", ".sav", ".xlsx") for file in path.iterdir()):
        raise InputError("a cohort folder holds patients.csv, sessions.csv and more", got="no table", where=path)


IN_CASE = InputPath("a case folder or a case.toml", _case)
# Beside --ctv the case may be a folder of DICOM files: see refuse_other_folder.
IN_TREATED = InputPath("a case folder or a case.toml")
IN_COHORT = InputPath("a file or folder", _cohort)
IN_DICOM = InputPath("a folder of DICOM files", _dicom)
IN_EXPORT = InputPath("a DICOM file or a folder of them", _export)
IN_FILE = InputPath("a file", _file)
IN_PATH = InputPath("a file or folder")
IN_PLAN = InputPath("a file or folder", refuse_other_than_plan)
IN_PLAN_OR_CASE = InputPath("a file or folder", _plan_or_case)
IN_PLANNED = InputPath("a file or folder", _planned)
# NAME=FILE: without the sign the table of the case says what is wrong.
IN_MASK = InputText(lambda text: [file for file in text.partition("=")[2:] if file])
# FILE[=TRANSFORM.json]
IN_SESSION = InputText(lambda text: [file for file in text.partition("=")[::2] if file])
# NAME|FILE
IN_SOURCE = InputText(lambda text: [text] if Path(text).suffix.lower() in _SOURCE_FILES else [])
