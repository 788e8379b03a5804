"""Mutants that no test can kill, or should, each with its reason (``reasons.toml``)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mutation.choice import files_of
from benchmarks.mutation.mutants import mutants_of

__all__ = ["Reason", "reasons_of"]

_KINDS = ("equivalent", "tuning", "compiled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a mutant lives.

    Parameters
    ----------
    kind : {"equivalent", "tuning", "compiled"}
        No result can change; a choice of work or slack is another one, and what is promised holds for it too; only
        compiled code runs it, whose tests notice.
    reason : str
    """

    kind: str
    reason: str


def reasons_of(root: Path) -> dict[str, Reason]:
    """Return the explained mutants, by id.

    Parameters
    ----------
    root : Path
        ``src/hdrplan`` of a tree.

    Raises
    ------
    LookupError
        An entry explains a mutant that cannot be made: the code has changed, so must the entry.
    """
    entries = tomllib.loads(Path(__file__).with_name("reasons.toml").read_text(encoding="utf-8")).get("mutant", [])
    files = {entry["file"] for entry in entries}
    made = {m.id for file, source in files_of(root) if file in files for m in mutants_of(file, source)}
    stale = [entry["id"] for entry in entries if entry["id"] not in made or entry["kind"] not in _KINDS]
    if stale:
        raise LookupError(f"benchmarks/mutation/reasons.toml explains what is not there any more: {stale}")
    return {entry["id"]: Reason(kind=entry["kind"], reason=entry["reason"]) for entry in entries}
