"""``--optimum`` of ``hdrplan check``: a clinical plan beside the proven optima of its own case and positions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hdrplan.cli.common import warn
from hdrplan.cli.inputs import IN_FILE
from hdrplan.cli.progress import steps_bar
from hdrplan.errors import InputError

if TYPE_CHECKING:
    from hdrplan.io import ClinicalPlan
    from hdrplan.workflow import PlanQuality, SecondCheck

__all__ = ["optimum_of", "optimum_options", "optimum_page"]

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--optimum", is_flag=True, help="Compare the plan with the best plans from its own dwell positions."),
    click.option("--ctv", multiple=True, metavar="NAME", help="With --optimum: CTV; repeatable [by its name]."),
    click.option("--healthy", metavar="NAME", help="With --optimum: organ whose mean dose counts [liver]."),
    click.option(
        "--goals", type=IN_FILE, help="With --optimum: TOML file of limits [what each organ got in the plan]."
    ),
)


def optimum_options(command: F) -> F:
    """Add ``--optimum`` and what goes with it."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def optimum_of(
    clinical: ClinicalPlan, flags: dict[str, Any], *, quiet: bool
) -> Callable[[SecondCheck], PlanQuality] | None:
    """Read what the comparison needs, and return what makes it once the plan is checked; None without --optimum.

    Parameters
    ----------
    clinical : ClinicalPlan
    flags : dict
        Of :func:`optimum_options`.
    quiet : bool
        Show no progress.

    Raises
    ------
    InputError
        No structure set, no CTV, goals that are no limits.
    """
    if not flags["optimum"]:
        named = [name for name in ("ctv", "healthy", "goals") if flags[name]]
        if named:
            raise click.UsageError(f"expected --optimum beside --{named[0]}.")
        return None
    from hdrplan.io import ClinicalChoices, clinical_case, read_structure_set
    from hdrplan.plan import as_plan
    from hdrplan.workflow import QualityOptions, limits_of_clinic, plan_quality

    file: Path | None = clinical.files.get("structures")
    if file is None:
        raise InputError(
            "the optimum needs the structures of the plan", got="none", remedy="Add `structures`: the RT Structure Set."
        )
    choices = ClinicalChoices(ctv=flags["ctv"], healthy=flags["healthy"], goals=flags["goals"])
    case, goals, notes = clinical_case(read_structure_set(file), clinical.ct, choices)
    warn(notes)
    prescription_gy = clinical.brachy.prescription_gy
    prescribed = {ctv.name: prescription_gy for ctv in case.ctvs if prescription_gy > 0}
    options = QualityOptions(limits=None if goals is None else limits_of_clinic(goals, prescribed))

    def compare(check: SecondCheck) -> PlanQuality:
        # The plan as it was checked: its source, and the direction of the sources.
        plan = as_plan(clinical.brachy, check.source, reverse_tip=check.tip.is_reversed)
        with steps_bar(quiet=quiet) as on_progress:
            return plan_quality(plan, case, options=options, on_progress=on_progress)

    return compare


def optimum_page(quality: PlanQuality, clinical: ClinicalPlan, *, identify: bool) -> str:
    """Return optimum.html; the plan's label stands in it only where identities are asked for."""
    from hdrplan import __version__
    from hdrplan.io import sha256
    from hdrplan.report import quality_html

    label = clinical.brachy.label or clinical.files["plan"].name
    title = f"{label} and the best plans" if identify else "A clinical plan and the best plans"
    about = {"Patient": clinical.patient, "RT Plan": sha256(clinical.files["plan"])}
    return quality_html(quality, title=title, version=__version__, about=about, warnings=clinical.notes)
