"""The options of a placement that the flags of ``hdrplan place`` describe."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from hdrplan.cli.flags import number_flag
from hdrplan.door import number_in
from hdrplan.errors import InputError, among

if TYPE_CHECKING:
    from hdrplan.plan import Case
    from hdrplan.workflow import PlaceOptions

__all__ = ["TOWARD", "path_options", "place_options"]

_REACH = ("longest_mm", "tilt_deg", "slant_deg", "below_deg", "position", "beyond_mm", "within_deg")
# From the lesion to the skin, in LPS.
TOWARD = {
    "right": (-1.0, 0.0, 0.0),
    "left": (1.0, 0.0, 0.0),
    "anterior": (0.0, -1.0, 0.0),
    "posterior": (0.0, 1.0, 0.0),
    "right-anterior": (-1.0, -1.0, 0.0),
    "left-anterior": (1.0, -1.0, 0.0),
    "right-posterior": (-1.0, 1.0, 0.0),
    "left-posterior": (1.0, 1.0, 0.0),
}


F = TypeVar("F", bound=Callable[..., Any])

_PATHS = (
    click.option("--avoid", multiple=True, metavar="NAME=MM", help="Margin of an obstacle; 0 removes it; repeatable."),
    click.option(
        "--without",
        metavar="GROUP,...",
        help="Of ribs, lungs, bowel, vessels those that are not segmented: paths may pass through them.",
    ),
    click.option(
        "--body",
        default="body",
        show_default=True,
        metavar="NAME",
        help="Structure inside the skin; otherwise found in the CT.",
    ),
    click.option(
        "--position", default="supine", show_default=True, help="Patient: supine, prone, left-side, right-side, any."
    ),
    number_flag("longest_mm", 150.0, "MM", "Maximum length from skin to tip."),
    number_flag("tilt_deg", 30.0, "DEG", "Maximum angle out of the axial plane."),
    number_flag("slant_deg", 60.0, "DEG", "Maximum angle to the skin's normal."),
    number_flag("below_deg", 20.0, "DEG", "Maximum angle from below the horizontal."),
    number_flag("beyond_mm", 5.0, "MM", "Distance of the tip beyond the lesion."),
    click.option("--toward", type=click.Choice(list(TOWARD)), help="Side of the skin to enter from."),
    number_flag("within_deg", 45.0, "DEG", "Maximum angle to the direction of --toward."),
    number_flag("apart_mm", 5.0, "MM", "Minimum distance of two catheters."),
    number_flag("spread_deg", 40.0, "DEG", "Maximum angle between two catheters."),
    click.option("--candidates", type=int, default=50, show_default=True, help="Paths to choose from, at most 64."),
)


def path_options(command: F) -> F:
    """Add the flags that say which paths there are to choose from."""
    changed: Any = command
    for option in reversed(_PATHS):
        changed = option(changed)
    return cast(F, changed)


def place_options(case: Case, avoid: tuple[str, ...], flags: dict[str, Any]) -> PlaceOptions:
    """Return the options that the command's own flags ask for, and take these out of ``flags``.

    Parameters
    ----------
    case : Case
    avoid : tuple of str
        ``NAME=MM`` of --avoid.
    flags : dict

    Raises
    ------
    InputError
        A margin that is no number, or of no structure of the case.
    """
    from hdrplan.geometry import Reach
    from hdrplan.workflow import PlaceOptions

    toward = flags.pop("toward")
    reach = Reach(toward=TOWARD[toward] if toward else None, **{name: flags.pop(name) for name in _REACH})
    without = tuple(group.strip() for group in (flags.pop("without") or "").split(",") if group.strip())
    return PlaceOptions(
        without=without,
        margins_mm=_margins_mm(case, avoid, flags["body"]),
        reach=reach,
        worth_frac=flags.pop("worth") / 100,
        **flags,
    )


def _margins_mm(case: Case, avoid: tuple[str, ...], body: str) -> dict[str, float]:
    """Return the margins of the usual obstacles, changed by --avoid NAME=MM."""
    from hdrplan.workflow import default_obstacles

    margins_mm = default_obstacles(case, body=body)
    names = {structure.name for structure in case.structures}
    for text in avoid:
        name, sign, number = text.partition("=")
        try:
            margin_mm = number_in(number)
        except ValueError:
            margin_mm = float("nan")
        if not sign or not -1e9 < margin_mm <= 100.0:
            raise InputError("expected --avoid NAME=MM, at most 100 mm", got=repr(text))
        if name not in names:
            raise InputError(f"no structure is named {name!r}", remedy=among(name, sorted(names)))
        margins_mm[name] = margin_mm
    return {name: margin_mm for name, margin_mm in margins_mm.items() if margin_mm > 0}
