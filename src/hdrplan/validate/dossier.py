"""All sections in order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hdrplan.errors import InputError
from hdrplan.validate.clinical import clinical_rows
from hdrplan.validate.doses import dose_rows
from hdrplan.validate.row import Row
from hdrplan.validate.statistics import statistics_rows
from hdrplan.validate.volumes import volume_rows
from hdrplan.validate.walk import exchange_rows, optimum_rows

__all__ = ["SECTIONS", "dossier"]

SECTIONS: dict[str, Callable[[], list[Row]]] = {
    "dose": dose_rows,
    "volumes": volume_rows,
    "optimum": optimum_rows,
    "statistics": statistics_rows,
    "exchange": exchange_rows,
}


def dossier(
    *,
    sections: tuple[str, ...] = (),
    plans: Path | None = None,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> list[Row]:
    """Run the sections; all, and the second check of clinical plans, where none is named.

    Parameters
    ----------
    sections : tuple of str
        Keys of ``SECTIONS``, or "plans".
    plans : Path, optional
        Folder of RT Plans.
    on_progress : callable, optional
        Called with (section, sections done, sections in all).
    """
    work: dict[str, Callable[[], list[Row]]] = {**SECTIONS, "plans": lambda: clinical_rows(plans)}
    unknown = [name for name in sections if name not in work]
    if unknown:
        raise InputError(f"sections are {', '.join(work)}", got=", ".join(unknown))
    chosen = [name for name in work if name in sections or not sections]
    rows: list[Row] = []
    for done, name in enumerate(chosen):
        if on_progress:
            on_progress(name, done, len(chosen))
        rows += work[name]()
    return rows
