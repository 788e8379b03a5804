"""``run.json``, beside the results of every command: versions, inputs, choices, times. No user, host or path."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from hdrplan.catalogue import installed_versions
from hdrplan.cautions import Caution
from hdrplan.io.value_files import write_json

__all__ = ["RunRecord", "write_run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """What a run depended on, and when and where it ran.

    Parameters
    ----------
    inputs : mapping
        Input name -> SHA-256 (``CaseFile.inputs``).
    options : mapping
        Every choice that changes the result.
    seconds : mapping
        Step -> wall time.
    seed : int, optional
        None where nothing was drawn.
    facts : mapping
        What else a command has to record, by name; not by a name that every record has.
    warnings : sequence of Caution
        Everything that was doubted, as the terminal said it.
    written : datetime
    versions : mapping
        Of hdrplan, Python and the packages that numbers may depend on.
    platform : str
    """

    inputs: Mapping[str, str]
    options: Mapping[str, object]
    seconds: Mapping[str, float] = field(default_factory=dict)
    seed: int | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
    warnings: Sequence[Caution] = ()
    written: datetime = field(default_factory=lambda: datetime.now(UTC))
    versions: Mapping[str, str] = field(default_factory=installed_versions)
    platform: str = f"{sys.platform} {platform.machine()}"

    def table(self) -> dict[str, object]:
        """Return the record as it is written.

        Raises
        ------
        ValueError
            A fact has the name of an entry that every record has: a mistake in the code that gives it.
        """
        table: dict[str, object] = {
            "schema": "hdrplan.run/1",
            "written": self.written.isoformat(timespec="seconds"),
            "purpose": "research use only, never for treatment",
            "versions": self.versions,
            "platform": self.platform,
            "inputs_sha256": self.inputs,
            "options": self.options,
            "seconds": self.seconds,
            "seed": self.seed,
            "warnings": [caution.table() for caution in self.warnings],
        }
        taken = self.facts.keys() & (table.keys() | {"files", "files_sha256"})
        if taken:
            raise ValueError(f"facts must not be named as entries of every record: {sorted(taken)}")
        return table | dict(self.facts)


def write_run(folder: Path, record: RunRecord) -> None:
    """Write ``run.json`` into the draft of a folder."""
    write_json(folder / "run.json", record.table())
