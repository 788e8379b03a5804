"""Outputs of commands: one rule for all (:mod:`hdrplan.io.outputs`), asked before any work.

A command names the options that write with the types below and bears :func:`writes`; it gets an Output where it would
have got a path. Everything else on its command line that is a file or folder is an input, which no output may touch.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hdrplan.catalogue import IMAGE_ENDINGS
from hdrplan.cli.inputs import InputPath
from hdrplan.errors import InputError
from hdrplan.places import refuse_inputs, refuse_taken, refuse_together

if TYPE_CHECKING:
    from hdrplan.io import Output

__all__ = [
    "KEY_FILE",
    "OUT_FILE",
    "OUT_FOLDER",
    "OutputPath",
    "figure_form",
    "output_at",
    "refuse_other_image",
    "writes",
]


class OutputPath(click.Path):
    """Type of an option that names what the command writes."""

    def __init__(self, *, folder: bool) -> None:
        super().__init__(path_type=Path)
        self.folder = folder


class _KeyPath(click.Path):
    """Type of an option that names a file of secrets: read, or made, and apart from all that is handed on."""


OUT_FOLDER = OutputPath(folder=True)
OUT_FILE = OutputPath(folder=False)
KEY_FILE = _KeyPath(path_type=Path)


def writes(function: Callable[..., None]) -> Callable[..., None]:
    """Add ``--overwrite``, and give the command its outputs as Output, after they were found free.

    Parameters
    ----------
    function : callable
        A command with options of the types OUT_FILE and OUT_FOLDER.
    """

    @functools.wraps(function)
    def call(**options: Any) -> None:
        _refuse_at_once(click.get_current_context())
        del options["overwrite"]
        for parameter in click.get_current_context().command.params:
            name = parameter.name or ""
            if isinstance(parameter.type, OutputPath) and options.get(name) is not None:
                options[name] = output_at(options[name], folder=parameter.type.folder)
        function(**options)

    return click.option(
        "--overwrite", is_flag=True, help="Replace an existing file, or in a folder the files that hdrplan wrote."
    )(call)


def figure_form(output: Output, forms: tuple[str, ...] = ("png", "svg", "pdf")) -> str:
    """Return the form of a figure by the ending of its name.

    Parameters
    ----------
    output : Output
    forms : tuple of str
        Those that this figure has.

    Raises
    ------
    InputError
        Another ending.
    """
    form = output.path.suffix.lower().removeprefix(".")
    if form not in forms:
        raise InputError(f"the name of this figure must end in .{', .'.join(forms)}", got=repr(output.path.name))
    return form


def refuse_other_image(output: Output) -> None:
    """Refuse a name that no image can have: before the work whose result would have none.

    Parameters
    ----------
    output : Output

    Raises
    ------
    InputError
    """
    name = output.path.name.lower()
    if not any(name.endswith(ending) and name != ending for ending in IMAGE_ENDINGS):
        raise InputError(f"the name of this image must end in {', '.join(IMAGE_ENDINGS)}", got=repr(output.path.name))


def _refuse_at_once(context: click.Context) -> None:
    """Refuse what a look at the disk shows, before the imports that reading a case's references takes."""
    paths = [(parameter.type, context.params.get(parameter.name or "")) for parameter in context.command.params]
    inputs = [path for kind, value in paths if not isinstance(kind, OutputPath) for path in _paths(value)]
    for kind, value in paths:
        if isinstance(kind, OutputPath):
            for path in _paths(value):
                refuse_inputs(path, inputs, folder=kind.folder)
                refuse_taken(path, folder=kind.folder, overwrite=context.params["overwrite"])
    written = [path for kind, value in paths if isinstance(kind, OutputPath | _KeyPath) for path in _paths(value)]
    for one, other in permutations(written, 2):
        refuse_together(one, other)
    readable = [path for kind, value in paths if isinstance(kind, InputPath) for path in _paths(value)]
    for path in (path for kind, value in paths if isinstance(kind, _KeyPath) for path in _paths(value)):
        refuse_inputs(path, readable, folder=False)


def _paths(value: object) -> list[Path]:
    return [item for item in (value if isinstance(value, tuple) else (value,)) if isinstance(item, Path)]


def output_at(path: Path, *, folder: bool) -> Output:
    """Return the output at a path that the command under way chose or was given, after it was found free.

    Parameters
    ----------
    path : Path
    folder : bool

    Raises
    ------
    InputError
        An input of the command, or something that may not be replaced.
    """
    from hdrplan.io import Output, check_output, other_files

    context = click.get_current_context()
    output = Output(
        path=path,
        overwrite=context.params["overwrite"],
        inputs=tuple(_inputs(context)),
        private=bool(context.params.get("identify")),
    )
    check_output(output, folder=folder)
    others = other_files(path) if folder and output.overwrite else ()
    if others:
        shown = ", ".join(others[:3]) + (" ..." if len(others) > 3 else "")
        plural = "s" * (len(others) > 1)
        click.echo(f"note: {path} contains {len(others)} other file{plural}, kept: {shown}", err=True)
    return output


def _inputs(context: click.Context) -> Iterator[Path]:
    """Files and folders on the command line that are no outputs, and the files that a case among them names."""
    from hdrplan.io import case_references

    for parameter in context.command.params:
        value = context.params.get(parameter.name or "")
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(parameter.type, OutputPath):
                continue
            if isinstance(item, Path):
                yield item
                yield from case_references(item)
            elif isinstance(item, str) and "FILE" in (parameter.metavar or ""):
                # NAME=FILE, NAME|FILE, FILE=TRANSFORM
                yield from (Path(word) for word in (item, *item.partition("=")[::2]) if word and os.path.exists(word))
