"""Inputs of commands: a file or folder that is not there is refused while the command line is read.

Reading anything takes half a second of imports; a wrong path is known before.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from hdrplan.catalogue import PACKAGED_PHANTOMS
from hdrplan.errors import InputError, files_beside

__all__ = ["IN_CASE", "IN_FILE", "IN_FOLDER", "IN_PATH", "InputPath"]


class InputPath(click.Path):
    """Type of an argument or option that names what the command reads."""

    def __init__(self, expected: str) -> None:
        super().__init__(path_type=Path)
        self.expected = expected

    def convert(self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path; InputError where nothing bears that name.

        Parameters
        ----------
        value, param, ctx
            As of :class:`click.Path`.
        """
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if not path.exists() and not (ctx and ctx.resilient_parsing):
            remedy = files_beside(path)
            if path.name in PACKAGED_PHANTOMS:
                remedy = f"It comes with hdrplan: `hdrplan phantom make {path.name}` writes phantoms/{path.name}."
            raise InputError(f"expected {self.expected}", got="none of that name", where=path, remedy=remedy)
        return path


IN_CASE = InputPath("a case folder or a case.toml")
IN_FILE = InputPath("a file")
IN_FOLDER = InputPath("a folder")
IN_PATH = InputPath("a file or folder")
