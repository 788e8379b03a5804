"""Whether structures are whole: no slice left out between others, none cut off, a CTV on more than one slice."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import BoolArray, IntArray
from hdrplan.cautions import Caution, caution
from hdrplan.geometry import Structure, Volume, box_of
from hdrplan.plan import anatomy_of, organ_of

__all__ = ["doubts_of_slices"]

# A slice that holds less than this part of what both its neighbours hold was not contoured, or contoured in part.
_LEFT_FRAC = 0.5
# Fewer voxels in both neighbours are the tips of vessels and ribs.
_FEW_VOXELS = 9
# Slices in a row; a structure whose parts lie farther apart has several.
_GAP_SLICES = 4
# These have no second part, however far above: most of a cord was missing, 40 mm of it, without a word.
_IN_ONE_PIECE = ("liver", "spleen", "right kidney", "left kidney", "spinal cord", "aorta", "vena cava")
# An organ that ends in a slice of this part of its largest one was cut off: a ball
# cut half its radius below its top ends with 75 %.
_FLAT_FRAC = 0.6
# Thinner bodies are flat because slices are thick.
_FLAT_SLICES = 5
_EQUAL_FRAC = 0.9
_EQUAL_SLICES = 5
# Organs in one piece that are contoured whole; tubes are often drawn near the target alone.
_COMPACT = ("liver", "spleen", "right kidney", "left kidney", "gallbladder")
_AXES: Final = ("x", "y", "z")
_ENDS: Final = (("right", "left"), ("front", "back"), ("lower", "upper"))


def doubts_of_slices(structures: Sequence[Structure], ct: Volume | None = None) -> list[Caution]:
    """Say which structures lack a slice, end flat, or are CTVs of one slice.

    Parameters
    ----------
    structures : sequence of Structure
    ct : Volume, optional
        Where it ends, an organ may end flat.
    """
    doubts: list[Caution] = []
    for structure in structures:
        box = box_of(structure.mask_zyx)
        mask = structure.mask_zyx[box]
        if structure.role == "CTV":
            doubts += [*_one_slice(structure, mask), *_equal_slices(structure, mask)]
        row = anatomy_of(structure.name)
        # Between vertebrae lie discs, between ribs muscle.
        for axis in range(3) if row is None or row.tissue != "bone" else ():
            one_piece = axis == 0 and organ_of(structure.name) in _IN_ONE_PIECE
            missing = _missing(np.moveaxis(mask, axis, 0), len(mask) if one_piece else _GAP_SLICES)
            if structure.role == "CTV":
                # Parts of a CTV that do not touch have a warning of their own.
                missing = missing[np.moveaxis(mask, axis, 0)[missing].any(axis=(1, 2))]
            if len(missing):
                at_mm = _place_mm(structure, box, axis, int(missing[0]))
                name = _AXES[2 - axis]
                doubts.append(
                    caution("slices-left-out", name=structure.name, count=len(missing), axis=name, at_mm=at_mm)
                )
                break
        if structure.role == "CTV" or organ_of(structure.name) in _COMPACT:
            doubts += _flat(structure, mask, box, ct)[:1]
    return doubts


def _one_slice(ctv: Structure, mask: BoolArray) -> list[Caution]:
    # Fewer than eight voxels have a warning of their own.
    if min(mask.shape) > 1 or mask.sum() < 8:
        return []
    axis = int(np.argmin(mask.shape))
    return [caution("ctv-on-one-slice", name=ctv.name, mm=float(ctv.grid.spacing_mm[2 - axis]))]


def _equal_slices(ctv: Structure, mask: BoolArray) -> list[Caution]:
    """Say where one outline was copied through all slices of a CTV: a box, a cylinder."""
    # A small lesion on thick slices has a few equal ones.
    if len(mask) < _EQUAL_SLICES or not (mask == mask[:1]).all():
        return []
    return [caution("ctv-slices-equal", name=ctv.name, count=len(mask))]


def _missing(slices: BoolArray, most: int) -> IntArray:
    """Return the indices of slices, at most so many in a row, that lack most of what both their neighbours hold."""
    # Eight voxels a byte: a fifth of the time of adding up truth values.
    bits = np.packbits(slices.reshape(len(slices), -1), axis=1)
    areas = _voxels(bits)
    filled = np.flatnonzero(areas)
    odd: list[int] = []
    # Slices beside a gap of empty ones, and slices beside each single one.
    pairs = [*pairwise(filled), *zip(filled[:-2], filled[2:], strict=True)]
    for below, above in pairs:
        if not 2 <= above - below <= most + 1:
            continue
        both = bits[below] & bits[above]
        shared = int(_voxels(both))
        # Of a form that closes up and opens again, as two lobes do, the neighbours shrink as well.
        if shared < max(_FEW_VOXELS, _LEFT_FRAC * min(areas[below], areas[above])):
            continue
        between = range(int(below) + 1, int(above))
        odd += [k for k in between if int(_voxels(both & bits[k])) < _LEFT_FRAC * shared]
    return np.unique(np.array(odd, dtype=np.int64))


def _voxels(bits: npt.NDArray[np.uint8]) -> IntArray:
    """Voxels along the last axis of packed masks."""
    return np.asarray(np.bitwise_count(bits).sum(axis=-1, dtype=np.int64))


def _place_mm(structure: Structure, box: tuple[slice, slice, slice], axis: int, k: int) -> float:
    """Coordinate of a slice along the patient's axis that is nearest to the images' own."""
    index = np.zeros(3)
    index[2 - axis] = box[axis].start + k
    along = int(np.argmax(np.abs(structure.grid.direction[:, 2 - axis])))
    return float(structure.grid.world(index)[along])


def _flat(structure: Structure, mask: BoolArray, box: tuple[slice, slice, slice], ct: Volume | None) -> list[Caution]:
    doubts = []
    for axis in range(3):
        areas = _voxels(np.packbits(np.moveaxis(mask, axis, 0).reshape(mask.shape[axis], -1), axis=1))
        # A body of equal slices is a cylinder or a box: drawn so, not cut.
        if len(areas) < _FLAT_SLICES or areas.min() > _EQUAL_FRAC * areas.max():
            continue
        for k, step in ((0, -1), (-1, 1)):
            share = float(areas[k] / areas.max())
            index = box[axis].start if k == 0 else box[axis].stop - 1
            if share >= _FLAT_FRAC and not _is_at_end(structure, axis, index, step, ct):
                end = _end(structure, axis, step)
                doubts.append(caution("structure-cut-off", name=structure.name, end=end, share=share))
    return doubts


def _end(structure: Structure, axis: int, step: int) -> str:
    """Return the end of the body to which a step along an axis of the images leads."""
    way = structure.grid.direction[:, 2 - axis] * step
    along = int(np.argmax(np.abs(way)))
    return _ENDS[along][int(way[along] > 0)]


def _is_at_end(structure: Structure, axis: int, index: int, step: int, ct: Volume | None) -> bool:
    """Whether the images end within a slice of this one."""
    middle = np.array([n / 2 for n in structure.grid.shape_zyx[::-1]])
    middle[2 - axis] = index + 2.0 * step
    if ct is not None:
        return not bool(ct.grid.contains(structure.grid.world(middle)[None])[0])
    return not 0 <= index + 2 * step < structure.grid.shape_zyx[axis]
