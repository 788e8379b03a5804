"""A case from the command line: a case folder, flags, or a folder changed by flags."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hdrplan.cli.common import strict_option, warn
from hdrplan.cli.flags import number_flag
from hdrplan.cli.inputs import IN_CASE, IN_FILE, IN_PATH
from hdrplan.errors import InputError
from hdrplan.options import PLAN_OPTIONS, PlanOptions

if TYPE_CHECKING:
    from hdrplan.io import CaseFile
    from hdrplan.plan import Plan

__all__ = ["case_options", "number_option", "plan_options", "read_case_from", "read_plan_for"]

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
    return number_flag(name, option.default if show_default else None, option.unit.upper() or "X", option.help)


_OPTIONS = [
    click.argument("case", required=False, type=IN_CASE),
    click.option("--ct", type=IN_PATH, help="CT: NIfTI, NRRD, MHA or a DICOM series folder."),
    click.option("--labels", type=IN_FILE, help="Label map (with --names) or 3D Slicer .seg.nrrd."),
    click.option("--names", type=IN_FILE, help="JSON file with values and names of the label map."),
    click.option("--mask", "masks", multiple=True, metavar="NAME=FILE", help="One structure as a mask; repeatable."),
    click.option("--catheters", type=IN_FILE, help="3D Slicer .mrk.json, or polylines as JSON or CSV, hub first."),
    click.option("--ctv", multiple=True, metavar="NAME", help="Structure to treat; repeatable."),
    click.option("--oar", multiple=True, metavar="NAME", help="Organ at risk; repeatable."),
    click.option("--healthy", metavar="NAME", help="Organ (without CTVs) whose mean dose is minimised."),
    click.option(
        "--prescription", multiple=True, metavar="GY|NAME=GY", help="Prescribed D100 of the CTVs or of one, in Gy."
    ),
    click.option("--goals", type=IN_FILE, help="TOML file of [[goals]], each with its source."),
    click.option("--source", metavar="NAME|FILE", help="Source model [gammamed-12i]; see `hdrplan sources list`."),
    click.option(
        "--strength",
        callback=lambda ctx, parameter, text: _checked_strength(text),
        metavar="U",
        help='Air-kerma strength at treatment: "40700" (U = cGy cm2/h), "40.7 mGy m2/h", "10 Ci apparent".',
    ),
    *(number_option(name) for name, option in PLAN_OPTIONS.items() if option.in_case),
]


def _checked_strength(text: str | None) -> str | None:
    """Return what --strength gives, if it is a strength."""
    from hdrplan.sources import strength_from_text

    if text is not None:
        strength_from_text(text)
    return text


def case_options(command: F) -> F:
    """Add the argument CASE, the flags that make or change one, and ``--strict``."""
    command = strict_option(command)
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def read_case_from(flags: dict[str, Any], *, before_puncture: bool = False) -> CaseFile:
    """Read the case that the flags of :func:`case_options` describe, and print its warnings.

    Takes those flags out of ``flags``.

    Parameters
    ----------
    flags : dict
    before_puncture : bool
        Leave catheters out and read every structure; see :func:`hdrplan.io.read_case`.

    Raises
    ------
    InputError
        Neither CASE nor --ct and --ctv; see also :func:`hdrplan.io.read_case`.
    """
    from hdrplan.io import case_of_table, read_case

    case = flags.pop("case")
    changes = _table(flags)
    if case is not None:
        case_file = read_case(case, changes, before_puncture=before_puncture)
        warn(case_file.warnings)
        return case_file
    if "roles" not in changes or "structures" not in changes:
        raise InputError(
            "expected a case folder, or at least --labels or --mask, --ctv and --catheters",
            got="no CASE",
            remedy="Try: hdrplan plan phantoms/liver-lesion-b -o demo-output",
        )
    case_file = case_of_table(changes, Path.cwd(), where="the command line", before_puncture=before_puncture)
    warn(case_file.warnings)
    return case_file


def read_plan_for(path: Path, case_file: CaseFile | None = None, *, other_strength: bool = False) -> Plan:
    """Read a plan, and print where it contradicts itself or the case that it is used with.

    Parameters
    ----------
    path : Path
        plan.json or the folder that holds it.
    case_file : CaseFile, optional
    other_strength : bool
        Another strength than the plan's was asked for: that it differs is known.
    """
    from dataclasses import replace

    from hdrplan.cautions import caution
    from hdrplan.io import read_plan_file
    from hdrplan.plausibility import doubts_of_plan

    file = read_plan_file(path)
    doubts = list(file.warnings)
    if case_file is not None:
        # A case before the treatment has no strength of its own to compare with.
        plan = replace(file.plan, strength=case_file.strength) if other_strength else file.plan
        doubts += doubts_of_plan(plan, case_file.case, case_file.source, case_file.strength)
        if file.ct_sha256 is not None and case_file.ct_sha256 not in (None, file.ct_sha256):
            doubts.append(caution("plan-other-ct"))
    warn(doubts)
    return file.plan


def _table(flags: dict[str, Any]) -> dict[str, object]:
    """Return the flags that were given, as a case table; file names become absolute."""
    table: dict[str, object] = {}
    for key in ("ct", "catheters", "goals"):
        path = flags.pop(key)
        if path is not None:
            table[key] = str(path.absolute())
    labels, names, masks = flags.pop("labels"), flags.pop("names"), flags.pop("masks")
    structures = []
    if labels is not None:
        structures.append({"file": str(labels.absolute())} | ({"names": str(names.absolute())} if names else {}))
    for name, file in (_pair(text, "--mask NAME=FILE") for text in masks):
        structures.append({"file": str(Path(file).absolute()), "name": name})
    if structures:
        table["structures"] = structures
    ctvs = flags.pop("ctv")
    table |= _roles(ctvs, flags.pop("oar"), flags.pop("healthy"))
    prescriptions = flags.pop("prescription")
    if prescriptions:
        table["prescription_gy"] = _prescriptions(prescriptions, ctvs)
    source, strength = flags.pop("source"), flags.pop("strength")
    changed = {} if strength is None else {"strength_u": strength}
    if source is not None:
        changed |= {"file": str(Path(source).absolute())} if Path(source).suffix else {"name": source}
    if changed:
        table["source"] = changed
    dwells = {name: value for name in PLAN_OPTIONS if (value := flags.pop(name, None)) is not None}
    if dwells:
        table["dwells"] = dwells
    return table


def _roles(ctvs: tuple[str, ...], oars: tuple[str, ...], healthy: str | None) -> dict[str, object]:
    both = set(ctvs) & set(oars)
    if both:
        raise InputError("a structure has one role", got=f"{sorted(both)[0]!r} as --ctv and --oar")
    roles = dict.fromkeys(ctvs, "CTV") | dict.fromkeys(oars, "OAR")
    if healthy is not None:
        roles.setdefault(healthy, "OAR")
    return ({"healthy": healthy} if healthy else {}) | ({"roles": roles} if roles else {})


def _prescriptions(texts: tuple[str, ...], ctvs: tuple[str, ...]) -> float | dict[str, float]:
    """``20`` for all CTVs, of the case where the command line names none; ``lesion=20`` for one."""
    doses_gy: dict[str, float] = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        try:
            dose_gy = float(number)
        except ValueError:
            raise InputError("expected --prescription GY or NAME=GY", got=repr(text)) from None
        if not name and not ctvs:
            if len(texts) > 1:
                raise InputError("one --prescription GY is for all CTVs", got=", ".join(texts), remedy="Write NAME=GY.")
            return dose_gy
        doses_gy |= {name: dose_gy} if name else dict.fromkeys(ctvs, dose_gy)
    return doses_gy


def _pair(text: str, form: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (sign and name and value):
        raise InputError(f"expected {form}", got=repr(text))
    return name, value


def plan_options(case_file: CaseFile) -> PlanOptions:
    """Return the planner's options: what the case gives, else the defaults."""
    options: dict[str, Any] = dict(case_file.options)
    return PlanOptions(**options)
