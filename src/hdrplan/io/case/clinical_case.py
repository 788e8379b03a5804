"""The case behind a clinic's plan: its structure set with roles, for comparing the plan with what was possible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from hdrplan.cautions import Caution, caution
from hdrplan.errors import InputError
from hdrplan.geometry import Grid, Role, Structure
from hdrplan.io.case.goals import read_goals
from hdrplan.io.case.roles import DEFAULT_RULES, healthy_by_name, roles_of_rois
from hdrplan.io.dicom.structures import StructureSet
from hdrplan.io.files import sha256
from hdrplan.plan import Case, Goal, anatomy_of

__all__ = ["ClinicalChoices", "clinical_case"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicalChoices:
    """What a structure set does not say.

    Parameters
    ----------
    ctv : tuple of str
        ROI names; CTVs named here are the only ones. Without them the rules decide.
    healthy : str, optional
        Organ whose mean dose counts; None takes the ROI whose name holds "liver", where there is only one.
    rules : mapping
        Role -> patterns of ROI names.
    goals : Path, optional
        TOML file of limits.
    """

    ctv: tuple[str, ...] = ()
    healthy: str | None = None
    rules: Mapping[str, tuple[str, ...]] | None = None
    goals: Path | None = None

    @property
    def record(self) -> dict[str, object]:
        """The choices as run.json and the journal of a run hold them."""
        goals = None if self.goals is None else sha256(self.goals)
        return {"ctv": list(self.ctv), "healthy": self.healthy, "goals": goals}


def clinical_case(
    drawn: StructureSet, ct: Grid | None, choices: ClinicalChoices
) -> tuple[Case, tuple[Goal, ...] | None, tuple[Caution, ...]]:
    """Return the case, the goals of the file, if one is named, and what is to be said of both.

    Parameters
    ----------
    drawn : StructureSet
    ct : Grid or None
        Of the CT that the structures were drawn on.
    choices : ClinicalChoices

    Raises
    ------
    InputError, FormatError
        No CTV, a name that no ROI has, a file of goals that cannot be read.
    """
    solid, notes = drawn.structures_that_read(ct)
    roles = roles_of_rois(drawn.rois, DEFAULT_RULES if choices.rules is None else dict(choices.rules))
    roles = {structure.name: roles.get(structure.name, "other") for structure in solid}
    if choices.rules is None:
        roles |= dict.fromkeys(_organs_by_type(drawn, roles), "OAR")
    _require(choices, roles)
    if choices.ctv:
        roles = {name: "other" if role == "CTV" else role for name, role in roles.items()}
        roles |= dict.fromkeys(choices.ctv, "CTV")
    if "CTV" not in roles.values():
        raise InputError(
            "the optimum needs a CTV, and by its name no structure is one",
            got=_listed(roles) or "no structures",
            remedy="Name the lesion with `ctv`.",
        )
    healthy = choices.healthy or healthy_by_name(roles)
    if healthy is not None and roles[healthy] != "CTV":
        roles[healthy] = "OAR"
    structures = tuple(replace(s, role=cast(Role, roles[s.name])) for s in solid)
    case = Case(name="clinical plan", ct=None, structures=structures, catheters=(), healthy=healthy)
    goals, skipped = (None, ()) if choices.goals is None else read_goals(choices.goals, structures)
    return case, goals, (*notes, *_notes(structures, healthy, choices), *skipped)


def _organs_by_type(drawn: StructureSet, roles: Mapping[str, str]) -> list[str]:
    """Return the structures that the file calls organs and whose names say nothing: none of them may get more."""
    typed = [roi.name for roi in drawn.rois if roi.kind in ("ORGAN", "AVOIDANCE") and anatomy_of(roi.name) is None]
    return [name for name in typed if roles.get(name) == "other"]


def _require(choices: ClinicalChoices, roles: Mapping[str, str]) -> None:
    named = {"ctv": choices.ctv, "healthy": (choices.healthy,) if choices.healthy else ()}
    for parameter, names in named.items():
        for name in names:
            if name not in roles:
                raise InputError(
                    f"`{parameter}` names a structure of the set",
                    got=repr(name[:60]),
                    remedy=f"There are: {_listed(roles) or 'none'}.",
                )


def _listed(roles: Mapping[str, str]) -> str:
    return ", ".join(repr(name[:24]) for name in roles)


def _notes(structures: tuple[Structure, ...], healthy: str | None, choices: ClinicalChoices) -> list[Caution]:
    notes = []
    if healthy is None:
        notes.append(caution("no-healthy-organ"))
    if choices.goals is None and not any(s.role == "OAR" and s.name != healthy for s in structures):
        notes.append(caution("no-organ-limits"))
    return notes
