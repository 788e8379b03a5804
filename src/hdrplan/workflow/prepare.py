"""A scan becomes a case: lesions become CTVs, organs get roles by their names, and each decision has its reason."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Literal, TypeAlias, get_args

from scipy.spatial import cKDTree

from hdrplan.cautions import Caution, caution
from hdrplan.errors import InputError
from hdrplan.geometry import (
    Margin,
    Structure,
    Volume,
    grown_lesion,
    joined,
    parts_of,
    rim_mm,
    smoothed,
    with_margin,
    without,
)
from hdrplan.plan import anatomy_of, is_lesion_name, organ_of
from hdrplan.workflow.drawn_twice import each_lesion_once, each_organ_once
from hdrplan.workflow.obstacles import usual_margin_mm

__all__ = ["PrepareOptions", "PreparedCase", "PreparedRow", "PreparedUse", "prepare_case"]

PreparedUse: TypeAlias = Literal["CTV", "healthy organ", "OAR", "obstacle", "not used"]
_MAXIMUM_LISTED = 12
# Of what the healthy organ consists: it is spared as a whole, not by its parts.
_NO_RISK = ("liver", "liver vessels")


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareOptions:
    """How a case is made of a scan.

    Parameters
    ----------
    name : str
        Of the case: no patient.
    ctv, oar : tuple of str
        Structures with these roles; CTVs named here are the only ones. Without, names decide.
    healthy : str, optional
        Organ whose mean dose is minimised; None takes the liver.
    picks_mm : tuple of (float, float, float)
        Points, LPS, in lesions that are grown on the CT.
    margin : Margin
        From the lesion to its CTV; it does not reach into organs at risk.
    smooth_mm : float
        Standard deviation of the Gaussian that smooths the CTV; its volume stays but for organs and the lesion.
    union : bool
        Whether all lesions become one CTV.
    oar_within_mm : float
        Organs by name are organs at risk where they come so near to a CTV, or to the healthy organ before there is
        one. By the inverse square law 20 Gy at 30 mm are 1.8 Gy at 100 mm.
    """

    name: str = "prepared"
    ctv: tuple[str, ...] = ()
    oar: tuple[str, ...] = ()
    healthy: str | None = None
    picks_mm: tuple[tuple[float, float, float], ...] = ()
    margin: Margin = field(default_factory=Margin)
    smooth_mm: float = 0.0
    union: bool = False
    oar_within_mm: float = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedRow:
    """What one structure became.

    Parameters
    ----------
    name : str
    volume_cc : float
    use : PreparedUse
    avoid_mm : float
        Margin that placed catheters keep to it; 0 where it is no obstacle.
    why : str
    """

    name: str
    volume_cc: float
    use: PreparedUse
    avoid_mm: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedCase:
    """A case that a scan became.

    Parameters
    ----------
    name : str
    ct : Volume
    structures : tuple of Structure
        What is only avoided or not used has the role "other". There may be no CTV yet.
    healthy : str or None
    rows : tuple of PreparedRow
        One a structure, CTVs first.
    warnings : tuple of Caution
    """

    name: str
    ct: Volume
    structures: tuple[Structure, ...]
    healthy: str | None
    rows: tuple[PreparedRow, ...]
    warnings: tuple[Caution, ...]


def prepare_case(ct: Volume, structures: Sequence[Structure], options: PrepareOptions) -> PreparedCase:
    """Return the case that a CT and its structures make.

    Parameters
    ----------
    ct : Volume
        HU.
    structures : sequence of Structure
        Names that differ.
    options : PrepareOptions

    Raises
    ------
    InputError
        A name that no structure has (with near matches), a structure with two roles, a point without a lesion.
    """
    known = {s.name: s for s in structures}
    _check_names(known, options)
    healthy = options.healthy or _liver(known.values())
    drawn, reasons, warnings = _lesions(ct, known, options, healthy)
    lesions, twice, told = each_lesion_once(drawn, chosen=bool(options.ctv))
    targets, grosses = _targets(ct, lesions, known, options, reasons)
    taken = {lesion.name for lesion in targets} | grosses.keys() | reasons.keys()
    others = [s for s in known.values() if s.name not in taken]
    others, copies = each_organ_once(others, first=(*([healthy] if healthy else []), *options.oar))
    doubles = {double.structure.name: double for double in (*twice, *copies)}
    reasons |= {name: double.why for name, double in doubles.items()}
    warnings += [*told, *(double.warning for double in doubles.values())]
    oars = _organs_at_risk(others, targets, options, healthy)
    roles = {name: "OAR" for name in oars} | ({healthy: "OAR"} if healthy else {})
    kept = (
        *targets,
        *(replace(s, role="other") for s in (*grosses.values(), *(d.structure for d in doubles.values()))),
        *(replace(s, role="OAR" if s.name in roles else "other") for s in others),
    )
    return PreparedCase(
        name=options.name,
        ct=ct,
        structures=kept,
        healthy=healthy,
        rows=_rows(kept, healthy, reasons, oars, doubles),
        warnings=tuple(warnings),
    )


def _check_names(known: dict[str, Structure], options: PrepareOptions) -> None:
    named = [*options.ctv, *options.oar, *([options.healthy] if options.healthy else [])]
    for name in named:
        if named.count(name) > 1:
            raise InputError("a structure has one role", got=f"{name!r} with two")
        if name not in known:
            near = get_close_matches(name, known, 3, 0.5)
            listed = ", ".join([*known][:_MAXIMUM_LISTED]) + " ..." * (len(known) > _MAXIMUM_LISTED)
            remedy = f"Did you mean {' or '.join(map(repr, near))}?" if near else f"There are: {listed or 'none'}."
            raise InputError(f"no structure is named {name!r}", remedy=remedy)


def _liver(structures: Iterable[Structure]) -> str | None:
    livers = [s for s in structures if organ_of(s.name) == "liver"]
    return max(livers, key=lambda s: s.volume_cc).name if livers else None


def _lesions(
    ct: Volume, known: dict[str, Structure], options: PrepareOptions, healthy: str | None
) -> tuple[list[Structure], dict[str, str], list[Caution]]:
    """Return the lesions, why each is one, and what is to be said; of structures of several parts each part."""
    reasons: dict[str, str] = {}
    warnings: list[Caution] = []
    lesions: list[Structure] = []
    by_name = [n for n in known if is_lesion_name(n) and n != healthy and not options.picks_mm]
    for name in options.ctv or by_name:
        parts, stray_cc = parts_of(replace(known[name], role="CTV"))
        if stray_cc > 0:
            warnings.append(caution("prepared-stray-voxels", name=name, cc=stray_cc))
        why = "named as CTV" if options.ctv else "a lesion by its name"
        for number, part in enumerate(parts, start=1):
            reasons[part.name] = why if len(parts) == 1 else f"{why}, part {number} of {len(parts)}"
            lesions.append(part)
        reasons.setdefault(name, why)
    for number, point_mm in enumerate(options.picks_mm, start=1):
        if healthy is None:
            raise InputError("a lesion is grown inside an organ", got="no liver", remedy="Name the organ (`healthy`).")
        name = f"lesion_{number}"
        while name in known or name in reasons:
            name += "_picked"
        lesions.append(grown_lesion(ct, point_mm, name, organ=known[healthy]))
        place = ", ".join(f"{v:g}" for v in point_mm)
        reasons[name] = f"grown on the CT from the point ({place}) mm"
        warnings.append(caution("prepared-lesion-grown", name=name, cc=lesions[-1].volume_cc))
    return lesions, reasons, warnings


def _targets(
    ct: Volume,
    lesions: Sequence[Structure],
    known: dict[str, Structure],
    options: PrepareOptions,
    reasons: dict[str, str],
) -> tuple[list[Structure], dict[str, Structure]]:
    """Return the CTVs, and the lesions that lie in them where these are not the same; reasons are added."""
    if options.union and len(lesions) > 1:
        names = ", ".join(lesion.name for lesion in lesions)
        lesions = [joined("lesions", lesions, ct.grid)]
        reasons["lesions"] = f"union of {names}"
    if not options.margin.sides_mm.any() and not options.smooth_mm:
        return list(lesions), {}
    organs = [s for s in known.values() if s.name in options.oar or (s.name not in reasons and _is_organ(s.name))]
    made: list[Structure] = []
    for lesion in lesions:
        grown = with_margin(lesion, options.margin, image=ct.grid, keep_out=organs)
        soft = smoothed(grown, options.smooth_mm)
        # Smoothing moves the surface: out of the organs again, and never into the lesion.
        whole = joined(f"CTV_{lesion.name}", (without(soft, organs), lesion), ct.grid) if options.smooth_mm else grown
        made.append(replace(whole, name=f"CTV_{lesion.name}"))
        sides = [float(side) for side in options.margin.sides_mm.ravel()]
        margin = f"{sides[0]:g} mm" if len(set(sides)) == 1 else "/".join(f"{s:g}" for s in sides) + " mm (L/R/P/A/S/I)"
        smooth = f", smoothed by {options.smooth_mm:g} mm" if options.smooth_mm else ""
        reasons[made[-1].name] = f"{lesion.name} with a margin of {margin}{smooth}; not into other organs"
    return made, {lesion.name: lesion for lesion in lesions}


def _is_organ(name: str) -> bool:
    """Whether a margin stays out of a structure of that name: an organ beside the liver and its vessels."""
    row = anatomy_of(name)
    return row is not None and row.organ not in _NO_RISK and row.tissue != "other"


def _organs_at_risk(
    others: Sequence[Structure], targets: Sequence[Structure], options: PrepareOptions, healthy: str | None
) -> dict[str, str]:
    """Return the organs at risk and why."""
    oars = dict.fromkeys(options.oar, "named as organ at risk")
    # Before there is a lesion, the organ that will hold it stands for it.
    near = targets or [s for s in others if s.name == healthy]
    trees = [cKDTree(rim_mm(structure)) for structure in near]
    of = "a CTV" if targets else str(healthy)
    for structure in others:
        row = anatomy_of(structure.name)
        if row is None or not row.is_risk or row.organ in _NO_RISK or structure.name in (healthy, *oars):
            continue
        away_mm = min((float(tree.query(rim_mm(structure))[0].min()) for tree in trees), default=0.0)
        if away_mm <= options.oar_within_mm:
            oars[structure.name] = f"{row.organ} by its name" + (f", {away_mm:.0f} mm from {of}" if trees else "")
    return oars


def _rows(
    structures: Sequence[Structure], healthy: str | None, reasons: Mapping[str, str], oars: Mapping[str, str],
    doubles: Container[str],
) -> tuple[PreparedRow, ...]:  # fmt: skip
    rows = []
    for structure in structures:
        twice = structure.name in doubles
        use, why = _use(structure, healthy, reasons, oars, twice=twice)
        avoid_mm = 0.0 if twice or use in ("CTV", "healthy organ") else usual_margin_mm(structure.name)
        rows.append(
            PreparedRow(name=structure.name, volume_cc=structure.volume_cc, use=use, avoid_mm=avoid_mm, why=why)
        )
    return tuple(sorted(rows, key=lambda row: get_args(PreparedUse).index(row.use)))


def _use(
    structure: Structure, healthy: str | None, reasons: Mapping[str, str], oars: Mapping[str, str], *, twice: bool
) -> tuple[PreparedUse, str]:
    """Return what a structure became and why."""
    name, anatomy = structure.name, anatomy_of(structure.name)
    if twice or structure.role == "CTV":
        return "not used" if twice else "CTV", reasons[name]
    if name == healthy:
        return "healthy organ", "the liver by its name" if organ_of(name) == "liver" else "named"
    if structure.role == "OAR":
        return "OAR", oars[name]
    if name in reasons:
        return "not used", f"lesion inside a CTV ({reasons[name]})"
    if is_lesion_name(name):
        return "not used", "a lesion that was not asked for"
    if anatomy is None:
        return "not used", "a name that says nothing"
    if not usual_margin_mm(name):
        return "not used", f"{anatomy.organ} by its name: neither spared nor avoided"
    far = anatomy.is_risk and anatomy.organ not in _NO_RISK
    return "obstacle", f"{anatomy.organ} by its name" + (", too far to be at risk" if far else "")
