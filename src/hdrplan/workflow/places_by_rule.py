"""Places for virtual lesions by rule: where lesions of a real liver are hard to treat, or hard to reach."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy.ndimage import distance_transform_edt

from hdrplan.arrays import FloatArray, freeze
from hdrplan.errors import InputError, among
from hdrplan.geometry import Grid, Structure, distance_mm, on_grid
from hdrplan.plan import anatomy_of

__all__ = ["PLACE_RULES", "LesionPlace", "filled_organ", "lesion_places"]

# Voxels looked at in an organ, and the share of them that fits a rule best: places are drawn among these.
_LOOKED_AT, _BEST_FRAC = 4000, 0.05


@dataclass(frozen=True, slots=True, eq=False)
class LesionPlace:
    """Centre of a lesion, and the rule that put it there.

    Parameters
    ----------
    rule : str
        Key of ``PLACE_RULES``.
    centre_mm : (3,) array
        LPS.
    """

    rule: str
    centre_mm: FloatArray

    def __post_init__(self) -> None:
        freeze(self, "centre_mm", (3,))


@dataclass(frozen=True, slots=True, eq=False)
class _Spots:
    """Possible centres: positions, their depth in the organ, and the structures round it."""

    at_mm: FloatArray
    deep_mm: FloatArray
    structures: tuple[Structure, ...]

    def to(self, tissue: Callable[[str], bool], what: str) -> FloatArray:
        """Distance of each to the nearest structure whose name fits."""
        near = [s for s in self.structures if tissue(s.name)]
        if not near:
            raise InputError(f"the rule needs {what}", got="no such structure", remedy="Leave the rule out: `rules`.")
        return np.asarray(np.min([distance_mm(s, self.at_mm) for s in near], axis=0))


def _is_bowel(name: str) -> bool:
    row = anatomy_of(name)
    return row is not None and row.tissue == "bowel"


def _is_portal(name: str) -> bool:
    return "portal" in name.lower()


# Rule -> what is small at the places that it asks for.
PLACE_RULES: Mapping[str, tuple[str, Callable[[_Spots, float], FloatArray]]] = MappingProxyType(
    {
        "bowel": ("nearest to stomach and bowel", lambda spots, _: spots.to(_is_bowel, "stomach or bowel")),
        "dome": ("highest under the diaphragm", lambda spots, _: -spots.at_mm[:, 2]),
        "hilum": ("nearest to the portal vein", lambda spots, _: spots.to(_is_portal, "a portal vein")),
        "subcapsular": ("a millimetre under the capsule", lambda spots, r_mm: np.abs(spots.deep_mm - r_mm - 1.0)),
    }
)


def lesion_places(
    organ: Structure,
    structures: Sequence[Structure],
    *,
    diameter_mm: float,
    count: int,
    rules: Sequence[str] = tuple(PLACE_RULES),
) -> tuple[LesionPlace, ...]:
    """Return places for balls in an organ, to each rule its share; places of one rule lie as far apart as can be.

    Of the voxels where the ball fits whole, a twentieth satisfies a rule best. The first place is the best of all, each
    next one the farthest from those chosen. Nothing is drawn at random.

    Parameters
    ----------
    organ : Structure
        The liver, its lesions filled in.
    structures : sequence of Structure
        What lies round it.
    diameter_mm : float
    count : int
    rules : sequence of str
        Keys of ``PLACE_RULES``.

    Raises
    ------
    InputError
        No such rule, a rule without its structures, no place where the ball fits.
    """
    unknown = next((rule for rule in rules if rule not in PLACE_RULES), None)
    if unknown is not None or not rules:
        raise InputError(f"rules are {', '.join(PLACE_RULES)}", got=unknown or "none")
    spots = _spots(organ, structures, diameter_mm / 2)
    places = []
    for k, rule in enumerate(rules):
        share = (count + len(rules) - 1 - k) // len(rules)
        worth = PLACE_RULES[rule][1](spots, diameter_mm / 2)
        best = np.argsort(worth, kind="stable")[: max(share, int(_BEST_FRAC * len(worth)))]
        places += [LesionPlace(rule, spots.at_mm[row]) for row in _spread(spots.at_mm, best, share)]
    return tuple(places)


def filled_organ(structures: Sequence[Structure], name: str, grid: Grid) -> Structure:
    """Return an organ on a grid, the CTVs of its case filled in.

    Parameters
    ----------
    structures : sequence of Structure
    name : str
        Of the organ.
    grid : Grid

    Raises
    ------
    InputError
        No such structure.
    """
    members = [s for s in structures if s.name == name or s.role == "CTV"]
    if name not in {s.name for s in members}:
        raise InputError(f"no structure is named {name!r}", remedy=among(name, (s.name for s in structures)))
    mask = np.any([on_grid(s, grid).mask_zyx for s in members], axis=0)
    return Structure(name=name, role="OAR", grid=grid, mask_zyx=mask)


def _spots(organ: Structure, structures: Sequence[Structure], radius_mm: float) -> _Spots:
    deep = distance_transform_edt(np.pad(organ.mask_zyx, 1), sampling=organ.grid.spacing_mm[::-1])[1:-1, 1:-1, 1:-1]
    fits = np.argwhere(deep >= radius_mm)
    if not len(fits):
        raise InputError(
            f"a ball of {2 * radius_mm:g} mm fits nowhere in {organ.name}", got=f"at most {2 * deep.max():.0f} mm"
        )
    fits = fits[:: max(1, len(fits) // _LOOKED_AT)]
    return _Spots(organ.grid.world(fits[:, ::-1]), deep[tuple(fits.T)], tuple(structures))


def _spread(at_mm: FloatArray, rows: np.ndarray, count: int) -> list[int]:
    """Return so many of the rows: the first, then each time the one farthest from all chosen."""
    chosen = [int(rows[0])][:count]
    away = np.full(len(rows), np.inf)
    while len(chosen) < min(count, len(rows)):
        away = np.minimum(away, np.linalg.norm(at_mm[rows] - at_mm[chosen[-1]], axis=1))
        chosen.append(int(rows[int(away.argmax())]))
    return chosen
