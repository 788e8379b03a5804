"""From CT and labels to media and densities: labels first, HU second, by stated rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.errors import InputError
from hdrplan.geometry import Grid, Structure, Volume, mask_on
from hdrplan.materials.doubts import HU, SOFT_HU, Counts, Ruled, doubts_of_media
from hdrplan.materials.map import MediaMap
from hdrplan.materials.media_table import media
from hdrplan.materials.padding import doubts_of_cuts, missing_beyond_mm, padded
from hdrplan.materials.rules import LabelRule, MediaRules, TissueRule, default_rules
from hdrplan.plan import anatomy_of

__all__ = ["assign_media", "body_structure"]

Bytes = npt.NDArray[np.uint8]

_DENSE_HU = 300.0
_SLICES = 16
_GAS = TissueRule(medium="air", density_g_per_cc=(0.0, 2.0))


def body_structure(structures: Sequence[Structure]) -> Structure | None:
    """Return the structure that is the whole body, by its name, or None."""
    for structure in structures:
        name = structure.name.casefold()
        if name.startswith(("body", "external", "patient")) and (row := anatomy_of(name)) and row.organ == "outside":
            return structure
    return None


def assign_media(
    ct: Volume,
    structures: Sequence[Structure],
    rules: MediaRules | None = None,
    *,
    dwells_mm: FloatArray | None = None,
    voxel_mm: float = 3.0,
) -> MediaMap:
    """Return medium and density of every voxel of a grid along the CT's axes.

    Parameters
    ----------
    ct : Volume
        HU.
    structures : sequence of Structure
        All labels there are, whatever their role.
    rules : MediaRules, optional
        Default: the packaged rules.
    dwells_mm : (n, 3) array, optional
        The map reaches ``rules.pad_mm`` beyond them: where the CT is shorter, its outermost slice is repeated.
    voxel_mm : float
        Voxels of the CT are joined to about this size: mean density, and the medium of the largest mass.

    Returns
    -------
    MediaMap

    Raises
    ------
    InputError
        Dwells outside the CT.
    """
    rules = rules or default_rules()
    if dwells_mm is not None:
        _refuse_outside(ct.grid, dwells_mm)
    body = body_structure(structures)
    ruled = _by_rule(structures, rules)
    within = _body_of_ct(ct, rules.body_from_hu) if body is None else mask_on(ct.grid, body)
    if not within.any():
        raise InputError("no voxel of the CT lies in the body", got="air everywhere" if body is None else body.name)
    factors = np.maximum(np.rint(voxel_mm / ct.grid.spacing_mm), 1).astype(int)[::-1]
    low, high = _bounds(within, factors)
    counts = Counts(overlap=np.zeros((len(ruled) + 1, len(ruled)), dtype=np.int64))
    parts = []
    for box in _slabs(low, high, int(factors[0])):
        medium, density, counted = _slab(ct, within, ruled, rules, box)
        parts.append(_joined(medium, density, factors))
        counts += counted
    medium, density = np.concatenate([m for m, _ in parts]), np.concatenate([d for _, d in parts])
    grid = _coarse_grid(ct.grid, low, factors, medium.shape)
    cautions = doubts_of_media(ruled, rules, counts, ct.grid.voxel_cc, body_labelled=body is not None)
    if dwells_mm is not None:
        missing_mm = missing_beyond_mm(ct.grid, dwells_mm, rules.pad_mm, within)
        cautions += doubts_of_cuts(ct.grid, dwells_mm, missing_mm)
        grid, medium, density = padded(grid, medium, density, missing_mm)
    return MediaMap(
        grid=grid,
        medium_zyx=medium,
        density_g_per_cc_zyx=density,
        names=tuple(media()),
        rules=rules.name,
        structures=tuple((r.structure.name, _spoken(r.rule)) for r in ruled),
        cautions=cautions,
        outside=rules.outside,
    )


def _by_rule(structures: Sequence[Structure], rules: MediaRules) -> list[Ruled]:
    """Structures that have a rule, in the order of the rules."""
    numbered = [(rules.rule_of(structure.name, structure.role), structure) for structure in structures]
    return [
        Ruled(structure, rule)
        for number, rule in enumerate(rules.labels)
        for own, structure in numbered
        if own == number
    ]


def _refuse_outside(grid: Grid, dwells_mm: FloatArray) -> None:
    held = grid.contains(dwells_mm)
    if not held.all():
        raise InputError(
            "every dwell must lie within the CT",
            got=f"{int((~held).sum())} of {len(held)} dwells outside it",
            remedy="Plan and case belong to different images, or the CT is cut: use the CT that was planned on.",
        )


def _body_of_ct(ct: Volume, from_hu: float) -> BoolArray:
    """Return the largest connected part denser than air, without the table; holes are filled slice by slice."""
    dense = np.empty(ct.grid.shape_zyx, dtype=np.bool_)
    for k, layer in enumerate(ct.values_zyx):
        # Opening takes the table and clothes off.
        dense[k] = ndimage.binary_opening(layer > from_hu, iterations=2)
    parts, n = ndimage.label(dense)
    if n > 1:
        sizes = np.bincount(parts.ravel())
        sizes[0] = 0
        dense = parts == sizes.argmax()
    for k in range(len(dense)):
        dense[k] = ndimage.binary_fill_holes(dense[k])
    return dense


def _bounds(within: BoolArray, factors: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """First and last voxel, (z, y, x), of the body with one coarse voxel round it, as far as the CT goes."""
    low, high = [], []
    for axis in range(3):
        filled = np.flatnonzero(within.any(axis=tuple({0, 1, 2} - {axis})))
        low.append(max(int(filled[0]) - int(factors[axis]), 0))
        high.append(min(int(filled[-1]) + int(factors[axis]), within.shape[axis] - 1))
    return np.array(low), np.array(high)


def _slabs(
    low: npt.NDArray[np.int64], high: npt.NDArray[np.int64], factor: int
) -> Iterator[tuple[slice, slice, slice]]:
    step = max(_SLICES // factor, 1) * factor
    for first in range(int(low[0]), int(high[0]) + 1, step):
        yield (
            slice(first, min(first + step, int(high[0]) + 1)),
            slice(int(low[1]), int(high[1]) + 1),
            slice(int(low[2]), int(high[2]) + 1),
        )


def _slab(
    ct: Volume, within: BoolArray, ruled: Sequence[Ruled], rules: MediaRules, box: tuple[slice, slice, slice]
) -> tuple[Bytes, npt.NDArray[np.float32], Counts]:
    """Media and densities of some slices at the CT's own voxels, and what is odd there."""
    raw = ct.values_zyx[box].astype(np.float32)
    hu, body = np.clip(raw, *HU), within[box]
    grid = ct.grid.box([side.start for side in reversed(box)], hu.shape)
    number = {name: k for k, name in enumerate(media())}
    medium = np.full(hu.shape, number[rules.outside], dtype=np.uint8)
    density = np.full(hu.shape, media()[rules.outside].density_g_per_cc, dtype=np.float32)

    def fill(where: BoolArray, tissue: TissueRule) -> None:
        medium[where] = number[tissue.medium]
        low, high = tissue.density_g_per_cc
        density[where] = low if low == high else np.clip(rules.density_g_per_cc(hu[where]), low, high)

    owner = np.full(hu.shape, len(ruled), dtype=np.int16)
    overlap = np.zeros((len(ruled) + 1, len(ruled)), dtype=np.int64)
    solid, off, odd = 0, 0, (raw < SOFT_HU[0]) | (raw > SOFT_HU[1])
    for k, item in enumerate(ruled):
        mask = mask_on(grid, item.structure)
        overlap[:, k] = np.bincount(owner[mask], minlength=len(ruled) + 1)
        mask &= owner == len(ruled)
        owner[mask] = k
        fill(mask, item.rule.tissue)
        if _is_solid(item.rule):
            solid += int(mask.sum())
            off += int((mask & odd).sum())
        if item.rule.dense is not None:
            fill(mask & (hu >= item.rule.dense_from_hu), item.rule.dense)
        if item.rule.gas:
            fill(mask & (hu < rules.gas_below_hu), _GAS)
    free, below = body & (owner == len(ruled)), -np.inf
    for tissue in rules.unlabelled:
        fill(free & (hu >= below) & (hu < tissue.below_hu), tissue)
        below = tissue.below_hu
    return (
        medium,
        density,
        Counts(
            overlap=overlap,
            solid=solid,
            off=off,
            dense=int((free & (hu > _DENSE_HU)).sum()),
            # A body label may leave out the organs.
            metal=int(((body | (owner < len(ruled))) & (raw >= rules.metal_from_hu)).sum()),
            beyond=int(((raw < HU[0]) | (raw > HU[1])).sum()),
            low_hu=float(raw.min()),
            high_hu=float(raw.max()),
        ),
    )


def _is_solid(rule: LabelRule) -> bool:
    """Whether a rule gives one density of soft tissue, whatever the CT shows."""
    low, high = rule.tissue.density_g_per_cc
    return low == high and 0.9 < low < 1.15 and rule.dense is None and not rule.gas


def _joined(
    medium: Bytes, density: npt.NDArray[np.float32], factors: npt.NDArray[np.int64]
) -> tuple[Bytes, npt.NDArray[np.float32]]:
    """Join voxels: mean density, the medium of the largest mass; the last ones are repeated to fill their block."""
    if (factors == 1).all():
        return medium, density
    short = [(0, int(-n % f)) for n, f in zip(medium.shape, factors, strict=True)]
    medium, density = np.pad(medium, short, mode="edge"), np.pad(density, short, mode="edge")
    blocks = [side for n, f in zip(medium.shape, factors, strict=True) for side in (n // int(f), int(f))]
    inner = (1, 3, 5)
    best = np.full(blocks[::2], -1.0, dtype=np.float32)
    chosen = np.zeros(blocks[::2], dtype=np.uint8)
    for number in np.unique(medium):
        mass = np.where(medium == number, density, 0.0).reshape(blocks).sum(axis=inner)
        more = mass > best
        best[more], chosen[more] = mass[more], number
    return chosen, density.reshape(blocks).mean(axis=inner, dtype=np.float64).astype(np.float32)


def _coarse_grid(grid: Grid, low: npt.NDArray[np.int64], factors: npt.NDArray[np.int64], shape: Sequence[int]) -> Grid:
    # The centre of a block of f voxels lies (f - 1) / 2 voxels after the centre of its first.
    return Grid(
        shape_zyx=(int(shape[0]), int(shape[1]), int(shape[2])),
        origin_mm=grid.world((low + (factors - 1) / 2.0)[::-1]),
        spacing_mm=grid.spacing_mm * factors[::-1],
        direction=grid.direction,
    )


def _spoken(rule: LabelRule) -> str:
    low, high = rule.tissue.density_g_per_cc
    text = (
        f"{rule.tissue.medium}, {f'{low:g} g/cm3' if low == high else f'density of the CT, {low:g} to {high:g} g/cm3'}"
    )
    if rule.dense is not None:
        text += f"; {rule.dense.medium} from {rule.dense_from_hu:g} HU"
    return f"{text}; gas is air" if rule.gas else text
