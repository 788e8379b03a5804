"""A case: what the patient brings. CT, structures, catheters."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hdrplan.brief import brief_html, brief_repr
from hdrplan.errors import InputError, among
from hdrplan.geometry import Catheter, Structure, Volume, around
from hdrplan.plan.applicator import Applicator
from hdrplan.plan.goals import AROUND, Goals, isodose_frac

__all__ = ["Case", "Organs"]

# Which organs count: all that are at risk, those that a goal names, or those that a hard limit names.
Organs = Literal["all", "with goals", "with limits"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
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
    applicator : Applicator or None
        What the catheters are, where the case says it: the offset of the first dwell is a property of it.

    Raises
    ------
    InputError
        Two structures or catheters of one name, no CTV, a healthy organ that is no structure or a CTV.
    """

    name: str
    ct: Volume | None
    structures: tuple[Structure, ...]
    catheters: tuple[Catheter, ...]
    healthy: str | None = None
    applicator: Applicator | None = None

    __repr__ = brief_repr
    _repr_html_ = brief_html

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
                remedy='Name the lesion with `role="CTV"`.',
            )
        if self.healthy is not None and self.structure(self.healthy).role == "CTV":
            raise InputError(
                "the healthy organ must be another structure than the CTV",
                got=repr(self.healthy),
                where=self.name,
                remedy="Name the organ around the lesion, for example the liver.",
            )

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
            f"no structure is named {name!r}", where=self.name, remedy=among(name, (s.name for s in self.structures))
        )

    def dosed_structures(self, goals: Goals, organs: Organs = "all") -> tuple[Structure, ...]:
        """Return the structures that a plan's dose is asked of, in order of input.

        These are the CTVs, the healthy organ and the organs that count. Where all organs count, a conformity goal adds
        the tissue in and around the CTVs, of any kind, as far as their isodose can reach where the goal holds and all
        of its excess lies on one side: twice the thickness of an even shell, and 10 mm.

        Parameters
        ----------
        goals : Goals
        organs : {"all", "with goals", "with limits"}
            "all": every organ at risk, and whatever a goal names. "with goals": what a goal names. "with limits": what
            a hard goal (level 0) names.

        Returns
        -------
        tuple of Structure
        """
        asked = {goal.structure for goal in goals.goals if goal.level == 0 or organs != "with limits"} | {self.healthy}
        roles = ("CTV", "OAR") if organs == "all" else ("CTV",)
        chosen = tuple(s for s in self.structures if s.role in roles or s.name in asked)
        return (*chosen, *self._surroundings(goals)) if organs == "all" else chosen

    def _surroundings(self, goals: Goals) -> tuple[Structure, ...]:
        """Return the tissue that conformity goals are judged in, or nothing where there are none."""
        shares = [isodose_frac(goal) for goal in goals.goals if goal.metric.kind == "conformity"]
        if not shares:
            return ()
        radius_mm = (750.0 / np.pi * sum(ctv.volume_cc for ctv in self.ctvs)) ** (1 / 3)
        shell_mm = radius_mm * (max(shares) ** (1 / 3) - 1.0)
        return (around(self.ctvs, 10.0 + 2.0 * shell_mm, AROUND),)
