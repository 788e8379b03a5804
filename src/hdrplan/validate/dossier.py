"""All sections in order."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from hdrplan.errors import InputError
from hdrplan.validate.claims import claim_rows
from hdrplan.validate.clinical import clinical_rows
from hdrplan.validate.doses import dose_rows
from hdrplan.validate.row import Row
from hdrplan.validate.statistics import statistics_rows
from hdrplan.validate.volumes import volume_rows
from hdrplan.validate.walk import exchange_rows, optimum_rows

__all__ = ["SECTIONS", "Section", "dossier"]

# (what is done, share of the work that is done).
Progress = Callable[[str, float], None]


class Section(NamedTuple):
    """A section of the dossier.

    Parameters
    ----------
    rows : callable
        Takes a function that it may tell the share of its work that is done.
    work : float
        About how long it takes, in parts of the whole.
    """

    rows: Callable[[Callable[[float], None]], list[Row]]
    work: float


def _at_once(rows: Callable[[], list[Row]], work: float) -> Section:
    return Section(lambda on_share: rows(), work)


SECTIONS: dict[str, Section] = {
    "dose": _at_once(dose_rows, 3.0),
    "volumes": _at_once(volume_rows, 40.0),
    "optimum": _at_once(optimum_rows, 15.0),
    "claims": Section(claim_rows, 95.0),
    "statistics": _at_once(statistics_rows, 3.0),
    "exchange": _at_once(exchange_rows, 4.0),
}


def dossier(
    *, sections: tuple[str, ...] = (), plans: Path | None = None, on_progress: Progress | None = None
) -> list[Row]:
    """Run the sections; all, and the second check of clinical plans, where none is named.

    Parameters
    ----------
    sections : tuple of str
        Keys of ``SECTIONS``, or "plans".
    plans : Path, optional
        Folder of RT Plans.
    on_progress : callable, optional
        Called with (section, share of all work that is done).
    """
    work = {**SECTIONS, "plans": _at_once(partial(clinical_rows, plans), 5.0)}
    unknown = [name for name in sections if name not in work]
    if unknown:
        raise InputError(f"sections are {', '.join(work)}", got=", ".join(unknown))
    chosen = {name: section for name, section in work.items() if name in sections or not sections}
    whole, done = sum(section.work for section in chosen.values()), 0.0
    rows: list[Row] = []
    for name, section in chosen.items():
        report_share = partial(_report_share, on_progress, name, done / whole, section.work / whole)
        report_share(0.0)
        rows += section.rows(report_share)
        done += section.work
    return rows


def _report_share(on_progress: Progress | None, name: str, before: float, weight: float, share: float) -> None:
    if on_progress is not None:
        on_progress(name, before + weight * share)
