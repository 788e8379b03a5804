"""One line of the dossier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Row", "State", "judged", "skipped"]

State = Literal["pass", "explained", "fail", "skipped"]


@dataclass(frozen=True, slots=True)
class Row:
    """A comparison with a truth.

    Parameters
    ----------
    section, what : str
    source : str
        Where the truth comes from.
    method : str
        How the two were compared.
    tolerance : str
    result : str
    state : {"pass", "explained", "fail", "skipped"}
        "explained": outside the aim, inside a wider limit whose reason the note gives.
    note : str
    """

    section: str
    what: str
    source: str
    method: str
    tolerance: str
    result: str
    state: State
    note: str = ""


def judged(
    section: str,
    what: str,
    *,
    source: str,
    method: str,
    found: float,
    aim: float,
    limit: float | None = None,
    unit: str = "%",
    why: str = "",
) -> Row:
    """Return the row of a deviation ``found`` >= 0 that should be at most ``aim``.

    Parameters
    ----------
    limit : float, optional
        Wider than the aim: up to here the deviation is explained by ``why``; beyond, the row fails.
    """
    state: State = "pass" if found <= aim else "explained" if limit is not None and found <= limit else "fail"
    said = f"{aim:g} {unit}" + (f" (explained up to {limit:g} {unit})" if limit is not None and limit > aim else "")
    return Row(
        section,
        what,
        source,
        method,
        said.strip(),
        f"{found:.3g} {unit}".strip(),
        state,
        why if limit is not None else "",
    )


def skipped(section: str, what: str, *, source: str, why: str) -> Row:
    """Return the row of a comparison that this machine cannot make."""
    return Row(section, what, source, "", "", "not run", "skipped", why)
