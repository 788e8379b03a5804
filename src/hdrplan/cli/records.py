"""The record of a run, beside every result: inputs by their hashes, options, and every warning that was printed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdrplan.cli.common import printed_warnings
from hdrplan.cli.inputs import IN_CASE, InputPath

if TYPE_CHECKING:
    from hdrplan.io import RunRecord

__all__ = ["run_record"]


def run_record(
    *,
    options: Mapping[str, object],
    inputs: Mapping[str, str] | None = None,
    seconds: Mapping[str, float] | None = None,
    seed: int | None = None,
    facts: Mapping[str, object] | None = None,
) -> RunRecord:
    """Return the record of the command under way.

    Parameters
    ----------
    options : mapping
        Every choice that changes the result.
    inputs : mapping, optional
        Input name -> SHA-256 of what a case, a cohort or a DICOM export consists of. Other files and plans on the
        command line are added under the names of their arguments and options.
    seconds, seed, facts : optional
        As in :class:`hdrplan.io.RunRecord`.
    """
    from hdrplan.io import RunRecord

    known = dict(inputs or {})
    others = {k: v for k, v in _hashes(click.get_current_context()) if v not in known.values()}
    return RunRecord(
        inputs=others | known,
        options=options,
        seconds=seconds or {},
        seed=seed,
        facts=facts or {},
        warnings=printed_warnings(),
    )


def _hashes(context: click.Context) -> Iterator[tuple[str, str]]:
    """Yield name and hash of every file on the command line, and of the plans in folders."""
    from hdrplan.io import sha256

    for parameter in context.command.params:
        if not isinstance(parameter.type, InputPath) or parameter.type is IN_CASE:
            continue
        value = context.params.get(parameter.name or "")
        several = isinstance(value, tuple)
        for k, path in enumerate(value if isinstance(value, tuple) else (value,), start=1):
            file = path / "plan.json" if isinstance(path, Path) and path.is_dir() else path
            if isinstance(file, Path) and file.is_file():
                yield f"{parameter.name} {k}" if several else f"{parameter.name}", sha256(file)
