"""A case from the command line: a case folder, flags, or a folder changed by flags."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from hdrplan.cli.case_table import case_table
from hdrplan.cli.common import other_case_is_refused, strict_option, warn
from hdrplan.cli.flags import number_flag
from hdrplan.cli.inputs import IN_FILE, IN_MASK, IN_PATH, IN_SOURCE, IN_TREATED, refuse_other_folder
from hdrplan.cli.names import names_hidden
from hdrplan.errors import InputError
from hdrplan.options import PLAN_OPTIONS, PlanOptions

if TYPE_CHECKING:
    from hdrplan.io import CaseFile
    from hdrplan.plan import Plan

__all__ = [
    "EVALUATION",
    "POSITIONS",
    "case_options",
    "number_option",
    "plan_options",
    "read_case_from",
    "read_plan_for",
    "refuse_planning",
]

F = TypeVar("F", bound=Callable[..., Any])


def number_option(name: str, *, show_default: bool = False) -> Callable[[F], F]:
    """Return the flag of one of the planner's options, as the table of options has it.

    Parameters
    ----------
    name : str
        Key of :data:`hdrplan.options.PLAN_OPTIONS`; the command gets the value under it.
    show_default : bool
        Give the default to the command and show it; else what is not given is None.
    """
    option = PLAN_OPTIONS[name]
    # A case may hold its own value: what is not given is not the default yet.
    help_ = option.help if show_default else f"{option.help} [case, else {option.default:g}]"
    return number_flag(name, option.default if show_default else None, option.unit.upper() or "X", help_)


def _checked_strength(text: str | None) -> str | None:
    """Return what --strength gives, if it is a strength."""
    if text is not None:
        from hdrplan.sources import strength_from_text

        strength_from_text(text)
    return text


_CASE = click.argument("case", required=False, type=IN_TREATED)
_OPTIONS = [
    click.option("--ct", type=IN_PATH, help="CT: NIfTI, NRRD, MHA or a DICOM series folder."),
    click.option("--labels", type=IN_FILE, help="Label map (with --names) or 3D Slicer .seg.nrrd."),
    click.option("--names", type=IN_FILE, help="JSON file with values and names of the label map."),
    click.option(
        "--mask", "masks", multiple=True, type=IN_MASK, metavar="NAME=FILE", help="One structure as a mask; repeatable."
    ),
    click.option("--ctv", multiple=True, metavar="NAME", help="Structure to treat; repeatable."),
    click.option("--oar", multiple=True, metavar="NAME", help="Organ at risk; repeatable."),
    click.option("--healthy", metavar="NAME", help="Organ (without CTVs) whose mean dose is minimised."),
    click.option(
        "--prescription", multiple=True, metavar="GY|NAME=GY", help="Prescribed D100 of the CTVs or of one, in Gy."
    ),
    click.option("--goals", type=IN_FILE, help="TOML file of [[goals]], each with its source."),
    click.option("--accept-other-patient", is_flag=True, help="Take DICOM files of different PatientID or study."),
]
# The planner's numbers that a command takes: those that its result depends on.
_NUMBERS = tuple(name for name, option in PLAN_OPTIONS.items() if option.in_case)
# Positions and sample points: of studies whose times are real numbers.
POSITIONS = ("step_mm", "tip_offset_mm", "margin_mm", "max_dwell_s", "sample_mm")
# Of commands that compute the dose of given times.
EVALUATION = ("sample_mm", "dose_margin_mm")
# The command of a case before the puncture has another flag for catheters.
_OF_PUNCTURE = {
    "catheters": click.option(
        "--catheters", type=IN_FILE, help="3D Slicer .mrk.json, or polylines as JSON or CSV, hub first."
    )
}
# Goes with the offset of the first dwell, which it gives.
_APPLICATOR = click.option(
    "--applicator", type=IN_FILE, help="TOML file with the offset of the first dwell; see `hdrplan applicator`."
)
# What of a case does not change the dose of a given plan, which has its own source and strength.
_OF_PLANNING = {
    "source": click.option(
        "--source", type=IN_SOURCE, metavar="NAME|FILE", help="Source model [gammamed-12i]; see `hdrplan sources list`."
    ),
    "strength": click.option(
        "--strength",
        callback=lambda ctx, parameter, text: _checked_strength(text),
        metavar="U",
        help='Air-kerma strength at treatment: "40700" (U = cGy cm2/h), "40.7 mGy m2/h", "10 Ci apparent".',
    ),
}


def case_options(*numbers: str, without: Collection[str] = ()) -> Callable[[F], F]:
    """Return what adds the argument CASE, the flags that make or change one, and ``--strict``.

    Parameters
    ----------
    *numbers : str
        The planner's options that the command's result depends on; without any, all that a case may hold.
    without : collection of str
        Flags of a case that the command has no use for ("source", "strength", "catheters"), or another one of the same
        name for.
    """

    def added(command: F) -> F:
        @functools.wraps(command)
        def call(**flags: Any) -> None:
            refuse_other_folder(flags["case"], flags["ctv"])
            command(**flags)

        changed: Any = strict_option(call)
        numbered = [number_option(name) for name in numbers or _NUMBERS if name not in without]
        named = [option for name, option in (_OF_PUNCTURE | _OF_PLANNING).items() if name not in without]
        placed = [_APPLICATOR] if "tip_offset_mm" in (numbers or _NUMBERS) and "tip_offset_mm" not in without else []
        for option in reversed([_CASE, *_OPTIONS, *named, *placed, *numbered]):
            changed = option(changed)
        return cast(F, changed)

    return added


def refuse_planning(flags: dict[str, Any], *, but: Collection[str] = ()) -> None:
    """Refuse the flags of a case that change nothing where a plan is given: before any work.

    Parameters
    ----------
    flags : dict
        Of :func:`case_options`.
    but : collection of str
        Flags that the command uses all the same.

    Raises
    ------
    InputError
    """
    for name in (*_OF_PLANNING, *_NUMBERS):
        if name not in but and flags.get(name) is not None:
            raise InputError(
                f"with a plan given, `{name}` changes nothing", got=flags[name], remedy="Leave it out, or the plan."
            )


def read_case_from(flags: dict[str, Any], *, before_puncture: bool = False) -> CaseFile:
    """Read the case that the flags of :func:`case_options` describe, and print its warnings.

    Takes those flags out of ``flags``.

    Parameters
    ----------
    flags : dict
    before_puncture : bool
        Leave the case's catheters out and read every structure; see :func:`hdrplan.io.read_case`.

    Raises
    ------
    InputError
        Neither CASE nor --ct and --ctv; see also :func:`hdrplan.io.read_case`.
    """
    from hdrplan.io import case_of_table, read_case

    case, accept_other_patient = flags.pop("case"), flags.pop("accept_other_patient")
    series = flags["ct"] if flags.get("ct") is not None and flags["ct"].is_dir() else None
    changes = case_table(flags)
    if case is not None:
        # A folder without case.toml is a DICOM export.
        export = case if case.is_dir() and not (case / "case.toml").exists() else None
        with names_hidden(export, series):
            case_file = read_case(
                case, changes, before_puncture=before_puncture, accept_other_patient=accept_other_patient
            )
        warn(case_file.warnings)
        return case_file
    if "roles" not in changes or "structures" not in changes:
        raise InputError(
            "expected a case folder, or at least --labels or --mask, --ctv and --catheters",
            got="no CASE",
            remedy=f"Try: {_example()}",
        )
    with names_hidden(series):
        case_file = case_of_table(changes, Path.cwd(), where="the command line", before_puncture=before_puncture)
    warn(case_file.warnings)
    return case_file


def _example() -> str:
    """Return a first call of the command that runs."""
    context = click.get_current_context(silent=True)
    command = "plan" if context is None else context.info_name or "plan"
    of_case = {"plan": " -o demo-output", "live": ""}
    if command not in of_case:
        return f"hdrplan {command} --help"
    return f"hdrplan {command} phantoms/liver-lesion-b{of_case[command]}"


def read_plan_for(path: Path, case_file: CaseFile | None = None, *, other_strength: bool = False) -> Plan:
    """Read a plan, and print where it contradicts itself or the case that it is used with.

    Parameters
    ----------
    path : Path
        plan.json or the folder that holds it.
    case_file : CaseFile, optional
    other_strength : bool
        Another strength than the plan's was asked for: that it differs is known.

    Raises
    ------
    InputError
        A plan made on another CT or for other catheters, in a command that has :func:`other_case_option`.
    """
    from dataclasses import replace

    from hdrplan.cautions import caution
    from hdrplan.io import read_plan_file
    from hdrplan.plausibility import doubts_of_plan, doubts_of_strength, is_off_catheters

    file = read_plan_file(path)
    doubts = [*file.warnings, *doubts_of_strength(file.plan.strength)]
    if case_file is not None:
        # A case before the treatment has no strength of its own to compare with.
        plan = replace(file.plan, strength=case_file.strength) if other_strength else file.plan
        doubts += doubts_of_plan(plan, case_file.case, case_file.source, case_file.strength)
        other_ct = file.ct_sha256 is not None and case_file.ct_sha256 not in (None, file.ct_sha256)
        elsewhere = is_off_catheters(plan.dwells, case_file.case.catheters)
        if other_case_is_refused() and (other_ct or elsewhere):
            raise InputError(
                "the plan must be one of this case",
                got="one made on another CT" if other_ct else "one whose dwells lie off all catheters of the case",
                where=path,
                remedy="Name the case that was planned. If they belong together: `accept_other_case=True`.",
            )
        if other_ct:
            doubts.append(caution("plan-other-ct"))
    warn(doubts)
    return file.plan


def plan_options(case_file: CaseFile) -> PlanOptions:
    """Return the planner's options: what the case gives, else the defaults."""
    options: dict[str, Any] = dict(case_file.options)
    return PlanOptions(**options)
