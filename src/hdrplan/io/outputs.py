"""The one way in which hdrplan writes: files and folders whole or not at all, and never over what is not its own.

A command opens :func:`new_folder` or :func:`new_file` and writes into the draft beside the place; where the block
ends well the draft is put on the disk (fsync) and takes the place in one step. The rule for every output:

- never an input, nor inside or around one;
- never what exists, without ``overwrite``;
- with ``overwrite`` a file is replaced, and in a folder the files that its ``run.json`` lists. Every other file there
  stays; see :func:`other_files`.

Every result has a record of its run: ``run.json`` in a folder, ``NAME.run.json`` beside a file.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hdrplan.errors import InputError
from hdrplan.io.drafts import draft_beside, moved_in, sync_tree
from hdrplan.io.files import sha256
from hdrplan.io.run_record import RunRecord
from hdrplan.io.value_files import json_text
from hdrplan.places import RECORD, record_beside, recorded_files, refuse_inputs, refuse_taken

__all__ = ["Output", "check_output", "new_file", "new_folder", "other_files", "record_beside"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where a result goes, and what may be there already.

    Parameters
    ----------
    path : Path
    overwrite : bool
        Replace a file, or what hdrplan wrote into a folder.
    inputs : tuple of Path
        Files and folders that the result is made of.
    private : bool
        Readable by its owner alone: it identifies patients.
    """

    path: Path
    overwrite: bool = False
    inputs: tuple[Path, ...] = ()
    private: bool = False

    def beside(self, ending: str, *, folder: bool = False) -> Path:
        """Return where finished work is kept until the output is whole; it keeps the rule of outputs.

        Parameters
        ----------
        ending : str
            The output's name and this are the place's name.
        folder : bool
            Whether a folder is kept, or a file.

        Raises
        ------
        InputError
            An input lies there, or a file where a folder has to be.
        """
        place = self.path.with_name(self.path.name + ending)
        refuse_inputs(place, self.inputs, folder=folder)
        if os.path.lexists(place) and place.is_dir() is not folder:
            raise InputError(
                f"finished work is kept in a {'folder' if folder else 'file'} beside the output",
                got=f"a {'file' if folder else 'folder'}",
                where=place,
                remedy="Choose another output, or move that one away.",
            )
        return place


def check_output(place: Output | Path, *, folder: bool) -> None:
    """Refuse an output that the rule of this module forbids: ask before long work.

    Parameters
    ----------
    place : Output or Path
        A path is an output that must be new.
    folder : bool
        Whether a folder is to be written, or a file.

    Raises
    ------
    InputError
        An input, or something that may not be replaced.
    """
    output = _output(place)
    refuse_inputs(output.path, output.inputs, folder=folder)
    refuse_taken(output.path, folder=folder, overwrite=output.overwrite)


@contextmanager
def new_folder(place: Output | Path) -> Iterator[Path]:
    """Give a draft folder to write into; it takes the output's place when the block ends well.

    Parameters
    ----------
    place : Output or Path
        A path is an output that must be new.

    Raises
    ------
    InputError
        See :func:`check_output`; a file that is not hdrplan's own bears the name of a new one. Nothing is left on any
        error.
    """
    output = _output(place)
    check_output(output, folder=True)
    path = Path(os.path.realpath(output.path))
    with draft_beside(path) as draft:
        yield draft
        _record_files(draft)
        if output.private:
            for file in draft.rglob("*"):
                file.chmod(0o700 if file.is_dir() else 0o600)
        sync_tree(draft)
        # Another process may have made the folder meanwhile: it is as little replaced as one that was there before.
        check_output(output, folder=True)
        if path.is_dir():
            _keep(other_files(path), path, draft)
        draft.chmod(0o700 if output.private else path.stat().st_mode & 0o7777 if path.is_dir() else 0o777 & ~_umask())
        sync_tree(draft, files=False)
        moved_in(draft, path, replace=output.overwrite)


@contextmanager
def new_file(place: Output | Path, record: RunRecord | None = None) -> Iterator[Path]:
    """Give a draft file to write to; it takes the output's place when the block ends well.

    Parameters
    ----------
    place : Output or Path
        A path is an output that must be new.
    record : RunRecord, optional
        Goes beside the file, with its hash. A record that is there is always of the file beside it: a run that is
        killed between the two leaves a whole file without one.

    Raises
    ------
    InputError
        See :func:`check_output`. Nothing is left on any error.
    """
    output = _output(place)
    check_output(output, folder=False)
    path = Path(os.path.realpath(output.path))
    with draft_beside(path) as folder:
        draft = folder / path.name
        yield draft
        check_output(output, folder=False)
        draft.chmod(0o600 if output.private else path.stat().st_mode & 0o7777 if path.exists() else 0o666 & ~_umask())
        beside, of_run = record_beside(path), record_beside(draft)
        if record is not None:
            of_file = {"files": [path.name], "files_sha256": {path.name: sha256(draft)}}
            of_run.write_text(json_text(record.table() | of_file), encoding="utf-8")
            of_run.chmod(draft.stat().st_mode & 0o7777)
        sync_tree(folder)
        if output.overwrite:
            beside.unlink(missing_ok=True)
        moved_in(draft, path, replace=output.overwrite)
        if record is not None:
            moved_in(of_run, beside, replace=True)


def other_files(folder: Path) -> tuple[str, ...]:
    """Return the files of an output folder that hdrplan did not write, by its ``run.json``; empty for a new folder.

    Raises
    ------
    InputError
        The folder was not written by hdrplan.
    """
    if not folder.is_dir() or not any(folder.iterdir()):
        return ()
    ours = recorded_files(folder)
    return tuple(name for name in _names(folder) if name not in ours or (folder / name).is_symlink())


def _output(place: Output | Path) -> Output:
    return place if isinstance(place, Output) else Output(path=Path(place))


def _names(folder: Path) -> list[str]:
    """Files and links of a folder and its sub-folders; sub-folders that are empty."""
    names = []
    for top, folders, files in os.walk(folder):
        links = [name for name in folders if (Path(top) / name).is_symlink()]
        here = Path(top).relative_to(folder)
        names += [(here / name).as_posix() for name in (*files, *links)]
        if not folders and not files and top != str(folder):
            names.append(here.as_posix())
    return sorted(names)


def _record_files(draft: Path) -> None:
    """Write into the run's record which files are its own."""
    path = draft / RECORD
    if path.is_file():
        record = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json_text(record | {"files": _names(draft)}), encoding="utf-8")


def _keep(names: tuple[str, ...], folder: Path, draft: Path) -> None:
    """Give the draft the other files of a folder: links to the same data, copies where the disk has no links."""
    for name in names:
        old, new = folder / name, draft / name
        if os.path.lexists(new) and not (old.is_dir() and not old.is_symlink()):
            raise InputError(
                "only files that hdrplan wrote are overwritten",
                got=f"another file called {name}",
                where=folder,
                remedy="Move it, or use another name.",
            )
        if old.is_dir() and not old.is_symlink():
            new.mkdir(parents=True, exist_ok=True)
            continue
        try:
            new.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise InputError(
                "only files that hdrplan wrote are overwritten",
                got=f"another file called {name}",
                where=folder,
                remedy="Move it, or use another name.",
            ) from None
        try:
            os.link(old, new, follow_symlinks=False)
        except OSError:
            shutil.copy2(old, new, follow_symlinks=False)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
