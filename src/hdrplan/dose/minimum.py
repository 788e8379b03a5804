"""The minimum dose over all points of a structure, proven: boxes, bounds, and halving.

What is covered are the points of a :class:`hdrplan.dose.Shape`, those at which the trilinear interpolation of its level
is not negative: the shape that the sample points were taken from. Boxes stay inside one cell between eight voxel
centres, so the level is multilinear in each and has its extremes at the corners: a box is outside, inside or cut by the
surface without any doubt. With q >= 0 in the structure, every multiplier w >= 0 gives

    dose(x) >= dose(x) - w q(x) >= minimum over the eight corners of [linear bound - w q],

which is how a box cut by the surface is charged only for its part inside. Boxes whose bound misses the dose wanted are
halved along their longest edge, until the bound holds or a point of the structure is known that misses it too. The
dose is that of :func:`hdrplan.dose.dose_at_points`, inside a capsule that of its side wall: nothing is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, IntArray, freeze, frozen
from hdrplan.dose.box_bounds import Bounds, BoxBounds, left_of
from hdrplan.dose.boxes import candidates
from hdrplan.dose.rate import dose_at_points
from hdrplan.dose.shape import Shape
from hdrplan.dose.tables import checked_strength, checked_times
from hdrplan.geometry import Dwells, Volume
from hdrplan.sources import TG43Source

__all__ = ["MAX_BOXES", "MinimumDose", "MinimumDoseSearch", "minimum_dose"]

MAX_BOXES = 3_000_000
"""Boxes that a search examines at most, but for the last round."""

# Half diagonal, mm: a cold point speaks for a box of this size, however much less there may be in it.
_NEAR_MM = 0.2
# A point that misses the dose by this many tolerances speaks for a box of some mm while only a proof is looked for: a
# first plan that leaves a whole region cold took 870,000 boxes and gave 400,000 cold points.
_BY_FAR, _ROUGHLY_MM = 20.0, 1.0
# Places that receive less than this many tolerances more than is wanted are looked at first, before any box, at the
# next times: one of them is cold in two of three rounds. A session of four lesions took 70,000 boxes of each to see it.
_NEARLY_COLD, _MOST_PLACES = 10.0, 20_000
# Of the tolerance, shared out evenly among the dwells: where the remainder of one is less in a box, its bound there is
# enough for all boxes inside.
_SETTLED_FRAC = 0.3
# So many places of a pass are looked at in any case, the coldest by their boxes' slopes.
_ALWAYS_SEEN = 200
# No box gets smaller. On the axis beyond a catheter's last dwell the dose has a crease of some Gy per mm, which no
# corner of a larger box meets.
_SMALLEST_MM = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MinimumDose:
    """Bounds of the minimum dose in a structure.

    Parameters
    ----------
    lower_gy : float
        No point of the structure receives less: proven.
    upper_gy : float
        The lowest dose found at a point of the structure; infinite where every box was proven without a look at a
        point.
    cold_mm : (n, 3) array
        Points of the structure that keep it from being proven, the coldest first; empty where all is.
    boxes : int
        Boxes examined.
    finished : bool
        Whether every point is proven to receive the dose wanted; ``lower_gy`` holds in any case.
    short_mm : (m, 3) array
        Other points found, with less than the tolerance more than is wanted: a plan that is to be proven gives them
        more. Only where nothing but a proof was asked for and there is none.
    """

    lower_gy: float
    upper_gy: float
    cold_mm: FloatArray
    boxes: int
    finished: bool
    short_mm: FloatArray = field(default_factory=lambda: np.zeros((0, 3)))

    def __post_init__(self) -> None:
        freeze(self, "cold_mm", (None, 3))
        freeze(self, "short_mm", (None, 3))


def minimum_dose(
    shape: Shape,
    dwells: Dwells,
    times_s: npt.ArrayLike,
    source: TG43Source,
    *,
    strength_u: float,
    wanted_gy: float,
    tolerance_gy: float,
) -> MinimumDose:
    """Prove that every point of a structure receives a dose, or find the points that keep it from being proven.

    Parameters
    ----------
    shape : Shape
        Of the structure: one of ``SamplePoints.shapes``, or of :func:`hdrplan.dose.shape_of`.
    dwells : Dwells
    times_s : (n_dwells,) array
    source : TG43Source
    strength_u : float
        Air-kerma strength, U.
    wanted_gy : float
        What is to be proven.
    tolerance_gy : float
        Where a point receives less than ``wanted_gy`` and half of this more, it counts as cold: the boxes round it
        would have to be very small.

    Returns
    -------
    MinimumDose

    Raises
    ------
    InputError
        As in :func:`hdrplan.dose.dose_at_points`.
    """
    search = MinimumDoseSearch(shape, dwells, source, strength_u=strength_u)
    return search.minimum_dose(times_s, wanted_gy=wanted_gy, tolerance_gy=tolerance_gy)


class MinimumDoseSearch:
    """The minimum dose of one structure, asked for time after time: boxes and the bounds of single dwells are kept.

    Parameters
    ----------
    shape, dwells, source, strength_u
        As in :func:`minimum_dose`.
    factor : Volume, optional
        What TG-43's dose is multiplied by, on nodes of :func:`hdrplan.dose.nodes_of`: all doses are those then.
    """

    def __init__(
        self, shape: Shape, dwells: Dwells, source: TG43Source, *, strength_u: float, factor: Volume | None = None
    ) -> None:
        self._shape, self._dwells, self._source, self._factor = shape, dwells, source, factor
        self._strength_u = checked_strength(strength_u)
        self._boxes = BoxBounds(shape, dwells, source, strength_u=self._strength_u, factor=factor)
        self._nearly_cold_mm = np.zeros((0, 3))

    def minimum_dose(
        self, times_s: npt.ArrayLike, *, wanted_gy: float, tolerance_gy: float, only_proof: bool = False
    ) -> MinimumDose:
        """Return bounds of the minimum dose at some times; errors as in :func:`minimum_dose`.

        Parameters
        ----------
        times_s : (n_dwells,) array
        wanted_gy, tolerance_gy : float
            As there.
        only_proof : bool
            Whether nothing but a proof is worth small boxes: once a cold point is known, no box is halved below some
            tenths of a mm, and those of very cold points not below a mm; and where a place that was nearly cold before
            is cold now, no box is examined. ``lower_gy`` is then lower than it could be.
        """
        times = checked_times(self._dwells, times_s)
        if only_proof and (known := self._cold_again(times, wanted_gy, tolerance_gy)) is not None:
            return known
        boxes, examined, lower, upper, finished = self._boxes.tree.roots, 0, np.inf, np.inf, True
        left = self._boxes.roots(times)
        settled_gy = _SETTLED_FRAC * tolerance_gy / max(1, len(left.stops))
        cold: list[FloatArray] = [np.zeros((0, 3))]
        cold_gy: list[FloatArray] = [np.zeros(0)]
        short: list[FloatArray] = [np.zeros((0, 3))]
        nearly_cold: list[FloatArray] = [np.zeros((0, 3))]
        nearly_gy = wanted_gy + _NEARLY_COLD * tolerance_gy
        while len(boxes):
            examined += len(boxes)
            bound, inside = self._boxes.bounds(boxes, times, left, settled_gy)
            open_ = bound.lower_gy < wanted_gy
            lower = min(lower, float(bound.lower_gy[~open_].min(initial=np.inf)))
            boxes, bound, inside = boxes[open_], bound.of(open_), left_of(inside, open_)
            points, doses = self._coldest(boxes, bound, times, nearly_gy)
            upper = min(upper, float(doses.min(initial=np.inf)))
            nearly_cold.append(points[doses < nearly_gy])
            missed = doses < wanted_gy + tolerance_gy / 2
            # A cold point speaks for its box when little lies below it.
            little = (doses - bound.lower_gy < tolerance_gy / 4) | (bound.half_diagonal_mm < _NEAR_MM)
            stop = (missed & little) | (bound.half_diagonal_mm < _SMALLEST_MM)
            if only_proof and (missed.any() or not finished):
                by_far = doses < wanted_gy - _BY_FAR * tolerance_gy
                stop |= bound.half_diagonal_mm < np.where(by_far, _ROUGHLY_MM, _NEAR_MM)
            if examined > MAX_BOXES:
                stop[:] = True
            if stop.any():
                finished = False
                lower = min(lower, float(bound.lower_gy[stop].min()))
                cold.append(points[stop & missed])
                cold_gy.append(doses[stop & missed])
            if only_proof:
                short.append(points[(doses < wanted_gy + tolerance_gy) & ~(stop & missed)])
            boxes, from_whole, left = self._boxes.halves(boxes[~stop], bound.of(~stop), left_of(inside, ~stop))
            # Half of the halves lie on the warm side of their box, and its bound is enough for them.
            proven = from_whole >= wanted_gy
            examined += int(proven.sum())
            lower = min(lower, float(from_whole[proven].min(initial=np.inf)))
            boxes, left = boxes[~proven], left_of(left, ~proven)
        # The last ones are those in the smallest boxes.
        self._nearly_cold_mm = np.concatenate(nearly_cold)[-_MOST_PLACES:]
        return MinimumDose(
            lower_gy=lower,
            upper_gy=max(lower, upper),
            cold_mm=np.concatenate(cold)[np.argsort(np.concatenate(cold_gy), kind="stable")],
            boxes=examined,
            finished=finished,
            short_mm=short[0] if finished else np.concatenate(short),
        )

    def _cold_again(self, times_s: FloatArray, wanted_gy: float, tolerance_gy: float) -> MinimumDose | None:
        """Return the places of the last search that are cold at these times; None for none."""
        places = frozen(self._nearly_cold_mm)
        gy = self._doses(times_s, places)
        # Between what is wanted and a quarter of the tolerance more, boxes would have to be very small.
        if gy.min(initial=np.inf) >= wanted_gy + tolerance_gy / 4:
            return None
        order = np.argsort(gy, kind="stable")
        n_cold, n_short = np.searchsorted(gy[order], (wanted_gy + tolerance_gy / 2, wanted_gy + tolerance_gy))
        return MinimumDose(
            lower_gy=0.0,
            upper_gy=float(gy.min()),
            cold_mm=places[order[:n_cold]],
            boxes=0,
            finished=False,
            short_mm=places[order[n_cold:n_short]],
        )

    def _doses(self, times_s: FloatArray, points_mm: FloatArray) -> FloatArray:
        gy = dose_at_points(self._dwells, times_s, points_mm, self._source, strength_u=self._strength_u).gy
        return gy if self._factor is None else gy * self._factor.at(points_mm)

    def _coldest(
        self, boxes: IntArray, bound: Bounds, times_s: FloatArray, nearly_gy: float
    ) -> tuple[FloatArray, FloatArray]:
        """Of each box, the place in the structure where the dose's slopes say it is lowest, mm, and its dose.

        Candidates are the corners inside and, since the level is linear along an edge, the places where edges pass
        the surface. The dose is infinite where the slopes alone say that it is not nearly cold, but for some of the
        coldest places, and where no point of the structure is known in the box.
        """
        tree, shape = self._boxes.tree, self._shape
        places, rise = candidates(bound.level, bound.rise_gy)
        best, rows = rise.argmin(axis=1), np.arange(len(boxes))
        at = places[rows, best]
        points = frozen(shape.grid.world(tree.low(boxes) + (at + 1) / 2 * tree.size(boxes)))
        guess_gy = bound.linear[:, 0] + rise[rows, best]
        coldest = np.partition(guess_gy, _ALWAYS_SEEN)[_ALWAYS_SEEN] if len(boxes) > _ALWAYS_SEEN else np.inf
        seen = np.flatnonzero(guess_gy < max(nearly_gy, coldest))
        doses = np.full(len(boxes), np.inf)
        gy = self._doses(times_s, points[seen])
        # A level that is 0 but for its rounding: no point of the structure is known in the box.
        doses[seen] = np.where(shape.holds(points[seen]), gy, np.inf)
        return points, doses
