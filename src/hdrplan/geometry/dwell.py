"""Dwell positions: where the source may stop, and which way it points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray, IntArray, freeze
from hdrplan.brief import brief_repr
from hdrplan.errors import InputError
from hdrplan.geometry.catheter import Catheter
from hdrplan.geometry.structure import Structure, distance_mm

__all__ = ["MARGIN_MM", "STEP_MM", "TIP_OFFSET_MM", "Dwells", "dwell_positions"]

# Step of the afterloader's clinical liver plans; half of it is offered by every current afterloader.
STEP_MM = 5.0
# Centre of the active core behind the capsule's tip, GammaMed 12i (2.71 mm in the geometry that the CLRP publishes
# with egs_brachy): the drawn tip is taken as the innermost point that the capsule reaches. A catheter drawn to the end
# of its solid tip needs that length on top.
TIP_OFFSET_MM = 2.7
# One step beyond the target: a dwell just outside still lifts the dose at the target's ends.
MARGIN_MM = 5.0
# The source is a rigid capsule of about this length (active core 3.5 mm, capsule 4.5 to 5 mm): in a bent catheter
# its axis is the chord over this length. That also smooths the corners of the drawn polyline.
_CAPSULE_MM = 5.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dwells:
    """Dwell positions of all catheters of a session.

    Parameters
    ----------
    positions_mm : (n, 3) array
        LPS positions of the centre of the source's active core.
    axes : (n, 3) array
        Unit vectors along the source toward its tip (theta = 0 of TG-43).
    catheter : (n,) int array
        Index into ``catheter_names``.
    offset_mm : (n,) array
        Distance of each dwell from the catheter's tip, along the catheter.
    catheter_names : tuple of str

    Raises
    ------
    InputError
        No dwell, axes that are not unit vectors, a catheter index without a name.
    """

    positions_mm: FloatArray
    axes: FloatArray
    catheter: IntArray
    offset_mm: FloatArray
    catheter_names: tuple[str, ...]

    __repr__ = brief_repr

    def __post_init__(self) -> None:
        freeze(self, "positions_mm", (None, 3))
        freeze(self, "axes", (None, 3))
        freeze(self, "catheter", (None,), dtype=np.int64)
        freeze(self, "offset_mm", (None,))
        n = len(self.positions_mm)
        if n == 0:
            raise InputError("at least one dwell position is needed", got=0)
        if not len(self.axes) == len(self.catheter) == len(self.offset_mm) == n:
            raise InputError(
                "positions, axes, catheter and offset must have one length",
                got=(n, len(self.axes), len(self.catheter), len(self.offset_mm)),
            )
        if np.abs(np.linalg.norm(self.axes, axis=1) - 1.0).max() > 1e-6:
            raise InputError("source axes must be unit vectors", got="other lengths")
        if self.catheter.min() < 0 or self.catheter.max() >= len(self.catheter_names):
            raise InputError("every dwell needs the index of a named catheter", got=self.catheter.max())

    def __len__(self) -> int:
        return len(self.positions_mm)

    def of_catheter(self, k: int) -> Dwells:
        """Return the dwells of one catheter, by its index."""
        own = self.catheter == k
        return Dwells(
            positions_mm=self.positions_mm[own],
            axes=self.axes[own],
            catheter=np.zeros(int(own.sum()), dtype=np.int64),
            offset_mm=self.offset_mm[own],
            catheter_names=(self.catheter_names[k],),
        )


def dwell_positions(
    catheters: Sequence[Catheter],
    *,
    step_mm: float = STEP_MM,
    tip_offset_mm: float = TIP_OFFSET_MM,
    margin_mm: float = MARGIN_MM,
    targets: Sequence[Structure] = (),
    first_mm: float | None = None,
    last_mm: float | None = None,
) -> Dwells:
    """Candidate dwell positions along each catheter, counted from its tip.

    Parameters
    ----------
    catheters : sequence of Catheter
        Hub first, tip last.
    step_mm : float
        Distance of neighbouring dwells along the catheter.
    tip_offset_mm : float
        Distance from the catheter's tip to the centre of the active core at its innermost dwell.
    margin_mm : float
        Dwells farther than this from every target are left out; 0 keeps those inside. Distances are physical, to the
        surface of the mask's voxels.
    targets : sequence of Structure
        The CTVs; without any, all positions are kept.
    first_mm, last_mm : float or None
        Keep only dwells with ``first_mm <= distance from the tip <= last_mm``.

    Returns
    -------
    Dwells
        Catheter by catheter, tip first. The axis is the chord of the catheter over one capsule length, toward the tip.

    Raises
    ------
    InputError
        A step, offset, margin or range that cannot be; a catheter shorter than the tip offset; a catheter without a
        dwell near any target. The last is an error even when other catheters do come near: either it belongs to
        another lesion and the case lacks that lesion's CTV, or hub and tip, or the frame, are mistaken. All such
        catheters are named, with their distances.

    Examples
    --------
    >>> from hdrplan.geometry import Catheter, dwell_positions
    >>> needle = Catheter("needle", [[0, 0, 0], [0, 0, 30]])
    >>> dwell_positions([needle], step_mm=10, tip_offset_mm=5).positions_mm[:, 2].tolist()
    [25.0, 15.0, 5.0]
    """
    _check(catheters, step_mm, tip_offset_mm, margin_mm, first_mm, last_mm)
    all_offsets = []
    for catheter in catheters:
        offset = np.arange(tip_offset_mm, catheter.length_mm + 1e-9, step_mm)
        offset = offset[
            (offset >= (first_mm or 0.0) - 1e-9) & (offset <= (np.inf if last_mm is None else last_mm) + 1e-9)
        ]
        if not len(offset):
            raise InputError(
                "a catheter needs at least one dwell between its tip offset, first_mm, last_mm and its hub",
                got=f"length {catheter.length_mm:g} mm, tip offset {tip_offset_mm:g} mm",
                where=f"catheter {catheter.name}",
                remedy="Positions are in mm; check the units of the file and the range asked for.",
            )
        all_offsets.append(offset)
    along = [_along(catheter, offset) for catheter, offset in zip(catheters, all_offsets, strict=True)]
    away_mm = _away_mm(targets, along)
    positions, axes, index, offsets = [], [], [], []
    missed = []
    for k, (catheter, offset, position) in enumerate(zip(catheters, all_offsets, along, strict=True)):
        keep = away_mm[k] <= margin_mm + 1e-9
        if not keep.any():
            missed.append(f"{catheter.name} ({away_mm[k].min():.1f} mm away)")
        position, offset = position[keep], offset[keep]
        chord = _along(catheter, offset - _CAPSULE_MM / 2) - _along(catheter, offset + _CAPSULE_MM / 2)
        positions.append(position)
        axes.append(chord / np.linalg.norm(chord, axis=1, keepdims=True))
        index.append(np.full(len(offset), k))
        offsets.append(offset)
    if missed:
        raise InputError(
            f"every catheter must come within {margin_mm:g} mm of a CTV ({', '.join(t.name for t in targets)})",
            got=", ".join(missed),
            where="catheters" if len(missed) > 1 else f"catheter {missed[0].split(' (')[0]}",
            remedy="Leave it out, add the CTV it belongs to, widen the margin, or check its frame (LPS or RAS).",
        )
    return Dwells(
        positions_mm=np.concatenate(positions),
        axes=np.concatenate(axes),
        catheter=np.concatenate(index),
        offset_mm=np.concatenate(offsets),
        catheter_names=tuple(catheter.name for catheter in catheters),
    )


def _away_mm(targets: Sequence[Structure], along: Sequence[FloatArray]) -> list[FloatArray]:
    """Distance of the positions of each catheter to the nearest target; 0 without any target.

    For all catheters at once: each call of :func:`distance_mm` looks for the surface of the target anew.
    """
    positions = np.concatenate(along)
    away_mm = np.min([distance_mm(t, positions) for t in targets], axis=0) if targets else np.zeros(len(positions))
    return np.split(away_mm, np.cumsum([len(position) for position in along])[:-1])


def _along(catheter: Catheter, offset_mm: FloatArray) -> FloatArray:
    """Positions at distances from the tip along the polyline; beyond its ends it goes on straight."""
    from_tip = catheter.points_mm[::-1]
    step = np.diff(from_tip, axis=0)
    length = np.linalg.norm(step, axis=1)
    arc = np.concatenate(([0.0], np.cumsum(length)))
    segment = np.clip(np.searchsorted(arc, offset_mm, side="right") - 1, 0, len(step) - 1)
    share = (offset_mm - arc[segment]) / length[segment]
    return np.asarray(from_tip[segment] + share[:, None] * step[segment])


def _check(
    catheters: Sequence[Catheter],
    step_mm: float,
    tip_offset_mm: float,
    margin_mm: float,
    first_mm: float | None,
    last_mm: float | None,
) -> None:
    if not catheters:
        raise InputError("at least one catheter is needed", got=0, remedy="`hdrplan place` proposes catheters.")
    # 0.5 to 50 mm: below no afterloader steps, above is another unit.
    if not 0.5 <= step_mm <= 50.0:
        raise InputError("step_mm must lie between 0.5 and 50 mm", got=f"{step_mm:g}")
    if not 0.0 <= tip_offset_mm <= 100.0:
        raise InputError("tip_offset_mm must lie between 0 and 100 mm", got=f"{tip_offset_mm:g}")
    if not 0.0 <= margin_mm <= 200.0:
        raise InputError("margin_mm must lie between 0 and 200 mm", got=f"{margin_mm:g}")
    for name, value in (("first_mm", first_mm), ("last_mm", last_mm)):
        if value is not None and not np.isfinite(value):
            raise InputError(f"{name} must be a finite distance from the tip in mm", got=value)
    if first_mm is not None and last_mm is not None and first_mm > last_mm:
        raise InputError("first_mm must not be larger than last_mm", got=f"{first_mm:g} > {last_mm:g}")
