"""A case: what the patient brings. CT, structures, catheters."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hdrplan.errors import InputError
from hdrplan.geometry import Catheter, Structure, Volume

__all__ = ["Case"]


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """Everything known before planning.

    Parameters
    ----------
    name : str
        Free of patient identifiers.
    ct : Volume or None
        HU; None where only structures are known.
    structures : tuple of Structure
        In the order of the input; names differ; at least one CTV.
    catheters : tuple of Catheter
        May be empty before placement.
    healthy : str or None
        Name of the organ whose mean dose is to be least, CTVs taken out (the liver).

    Raises
    ------
    InputError
        Two structures or catheters of one name, no CTV, a healthy organ that is no structure.
    """

    name: str
    ct: Volume | None
    structures: tuple[Structure, ...]
    catheters: tuple[Catheter, ...]
    healthy: str | None = None

    def __post_init__(self) -> None:
        for kind, names in (
            ("structure", [s.name for s in self.structures]),
            ("catheter", [c.name for c in self.catheters]),
        ):
            twice = [name for name, n in Counter(names).items() if n > 1]
            if twice:
                raise InputError(f"{kind} names must differ", got=f"{twice[0]!r} twice", where=self.name)
        if not self.ctvs:
            raise InputError(
                "a case needs at least one structure with role CTV",
                got=", ".join(s.name for s in self.structures) or "no structures",
                where=self.name,
                remedy="Name the lesion with --ctv or in [roles] of case.toml.",
            )
        if self.healthy is not None:
            self.structure(self.healthy)

    @property
    def ctvs(self) -> tuple[Structure, ...]:
        """The clinical target volumes."""
        return tuple(s for s in self.structures if s.role == "CTV")

    def structure(self, name: str) -> Structure:
        """Return the structure of that name; InputError lists the names there are."""
        for structure in self.structures:
            if structure.name == name:
                return structure
        raise InputError(
            f"no structure is named {name!r}",
            where=self.name,
            remedy=f"There are: {', '.join(s.name for s in self.structures)}.",
        )
