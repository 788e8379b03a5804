"""Rules that turn labels and HU into media: a value, read from a table that users can copy and change."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, freeze
from hdrplan.door import Entries
from hdrplan.errors import FormatError
from hdrplan.materials.media_table import medium
from hdrplan.plan import anatomy_of, is_lesion_name

__all__ = ["LabelRule", "MediaRules", "TissueRule", "default_rules", "rules_of"]

# Enamel of teeth has 2.9. Metals are refused: rays through a block of metal leave the tables of the primary.
_DENSITY_G_PER_CC = (0.0, 3.0)
_HU = (-1100.0, 32767.0)
_KEYS = (
    "name", "hu_density", "outside", "body_from_hu", "pad_mm", "gas_below_hu", "metal_from_hu", "unlabelled", "label",
)  # fmt: skip
_TISSUE_KEYS = ("medium", "density_g_per_cc", "density_between")
_LABEL_KEYS = (*_TISSUE_KEYS, "organs", "names", "gas", "dense_from_hu", "dense_medium", "dense_between")


@dataclass(frozen=True, slots=True, kw_only=True)
class TissueRule:
    """A medium and where its density comes from.

    Parameters
    ----------
    medium : str
        Name in the table of media.
    density_g_per_cc : tuple of float
        Smallest and largest; equal: nominal, the CT does not enter.
    below_hu : float
        A voxel without a label has this medium below this HU, unless an earlier rule has it.

    Raises
    ------
    InputError
        An unknown medium.
    """

    medium: str
    density_g_per_cc: tuple[float, float]
    below_hu: float = math.inf

    def __post_init__(self) -> None:
        medium(self.medium)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRule:
    """What the voxels of some structures are made of.

    Parameters
    ----------
    organs, names : tuple of str
        Organs, tissues or "lesion"; patterns of names in small letters. Either fits.
    tissue : TissueRule
    gas : bool
        Whether gas within it is air.
    dense : TissueRule or None
        What it is made of from ``dense_from_hu`` on.
    dense_from_hu : float
    """

    organs: tuple[str, ...]
    names: tuple[str, ...]
    tissue: TissueRule
    gas: bool = False
    dense: TissueRule | None = None
    dense_from_hu: float = math.inf

    def fits(self, name: str, role: str) -> bool:
        """Whether the rule is that of a structure with this name and role."""
        if any(fnmatchcase(name.casefold(), pattern) for pattern in self.names):
            return True
        if role == "CTV" or is_lesion_name(name):
            return "lesion" in self.organs
        row = anatomy_of(name)
        return row is not None and bool({row.organ, row.tissue} & set(self.organs))


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaRules:
    """How labels and HU become media; see ``rules.toml`` of this room for what each value means.

    Parameters
    ----------
    name : str
        What reports call the rules.
    hu_density : (n, 2) array
        HU and density in g/cm3, HU growing.
    outside : str
    body_from_hu, gas_below_hu, metal_from_hu : float
    pad_mm : float
    labels : tuple of LabelRule
        The first that fits a structure counts, and has the voxel where structures overlap.
    unlabelled : tuple of TissueRule
        By growing HU; the last has no upper end.
    """

    name: str
    hu_density: FloatArray
    outside: str
    body_from_hu: float
    gas_below_hu: float
    metal_from_hu: float
    pad_mm: float
    labels: tuple[LabelRule, ...]
    unlabelled: tuple[TissueRule, ...]

    def __post_init__(self) -> None:
        freeze(self, "hu_density", (None, 2))
        if len(self.hu_density) < 2 or (np.diff(self.hu_density[:, 0]) <= 0).any() or (self.hu_density < -1e5).any():
            raise FormatError("hu_density needs two points or more with growing HU", where=self.name)
        tops = [rule.below_hu for rule in self.unlabelled]
        if not tops or tops[-1] != math.inf or any(b <= a for a, b in pairwise(tops)):
            raise FormatError(
                "unlabelled needs rules of growing below_hu, the last without one", got=tops, where=self.name
            )
        medium(self.outside)

    def density_g_per_cc(self, hu: npt.ArrayLike) -> FloatArray:
        """Return the densities that the curve gives, that of its ends beyond them."""
        return np.interp(np.asarray(hu, dtype=np.float64), self.hu_density[:, 0], self.hu_density[:, 1])

    def rule_of(self, name: str, role: str) -> int | None:
        """Return the number of the rule of a structure, or None where no rule fits."""
        return next((number for number, rule in enumerate(self.labels) if rule.fits(name, role)), None)

    def unchecked(self) -> tuple[str, ...]:
        """Return the media of the rules whose rows nobody checked."""
        tissues = [*self.unlabelled, *(t for rule in self.labels for t in (rule.tissue, rule.dense) if t is not None)]
        return tuple(sorted({t.medium for t in tissues if not medium(t.medium).checked}))


@cache
def default_rules() -> MediaRules:
    """Return the packaged rules."""
    text = files("hdrplan.materials").joinpath("rules.toml").read_text(encoding="utf-8")
    return rules_of(Entries(tomllib.loads(text), "rules.toml"))


def rules_of(entries: Entries) -> MediaRules:
    """Return the rules of a table.

    Parameters
    ----------
    entries : Entries
        With the keys of ``rules.toml``.

    Raises
    ------
    FormatError
        Another key, a value of another kind.
    InputError
        An unknown medium.
    """
    entries.refuse_unknown(_KEYS)
    return MediaRules(
        name=entries.text("name"),
        hu_density=entries.array("hu_density", (None, 2)),
        outside=_medium_of(entries, "outside"),
        body_from_hu=entries.number("body_from_hu", between=_HU),
        gas_below_hu=entries.number("gas_below_hu", between=_HU),
        metal_from_hu=entries.number("metal_from_hu", between=_HU),
        pad_mm=entries.number("pad_mm", unit="mm", between=(0.0, 500.0)),
        labels=tuple(_label(row) for row in entries.tables("label", [])),
        unlabelled=tuple(_unlabelled(row) for row in entries.tables("unlabelled")),
    )


def _label(row: Entries) -> LabelRule:
    row.refuse_unknown(_LABEL_KEYS)
    dense = None
    if "dense_medium" in row:
        dense = TissueRule(medium=_medium_of(row, "dense_medium"), density_g_per_cc=_range(row, "dense_between"))
    return LabelRule(
        organs=row.texts("organs", []),
        names=tuple(name.casefold() for name in row.texts("names", [])),
        tissue=TissueRule(medium=_medium_of(row, "medium"), density_g_per_cc=_densities(row)),
        gas=row.flag("gas", False),
        dense=dense,
        dense_from_hu=row.number("dense_from_hu", between=_HU) if dense else math.inf,
    )


def _unlabelled(row: Entries) -> TissueRule:
    row.refuse_unknown((*_TISSUE_KEYS, "below_hu"))
    top = row.number("below_hu", between=_HU) if "below_hu" in row else math.inf
    return TissueRule(medium=_medium_of(row, "medium"), density_g_per_cc=_densities(row), below_hu=top)


def _medium_of(row: Entries, key: str) -> str:
    where = f"{row.where}, {key}"
    held = medium(row.text(key), where=where)
    if held.density_g_per_cc > _DENSITY_G_PER_CC[1]:
        raise FormatError(
            "media of rules must be tissues, plastics, water or air",
            got=f"{held.name}, a metal",
            where=where,
            remedy="Metal is computed as the tissue that its label names; metal artefacts should be, says TG-186.",
        )
    return held.name


def _densities(row: Entries) -> tuple[float, float]:
    if "density_g_per_cc" in row:
        nominal = row.number("density_g_per_cc", unit="g/cm3", between=_DENSITY_G_PER_CC)
        return nominal, nominal
    return _range(row, "density_between")


def _range(row: Entries, key: str) -> tuple[float, float]:
    low, high = row.array(key, (2,)).tolist()
    if not _DENSITY_G_PER_CC[0] <= low <= high <= _DENSITY_G_PER_CC[1]:
        raise FormatError(f"{key} must be two growing densities in g/cm3", got=[low, high], where=row.where)
    return low, high
