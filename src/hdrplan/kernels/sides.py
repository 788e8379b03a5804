"""How the area, width and height of a structure's sections change from plane to plane: parabolas and powers.

A plane is a row of seven numbers: its height and area in mm and mm2, the radius of the largest circle inside its
contours, then middle x and y and half of the width and height of its only contour, in pixels; NaN where it has several.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit, jit_inline

__all__ = ["alike", "apex", "area_power", "areas_by_boxes", "body_ways", "inward", "moved", "parabola", "section_way"]

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

# Areas, sizes and inscribed circles that differ by less tell no power.
_TELLING = 0.02
# Radius of a contour that lies between the centres of pixels, in pixels.
_POINT = 1e-3
# Contours whose widths or heights differ more are not stretched onto each other: another branch begins.
_LARGEST_STRETCH = 3.0
# A side has an edge between two planes where it bends so many times as much as before and after.
_EDGE = 4.0
# 1/mm: a side that bends by less is straight but for the last digits, whose bends would hide the edge of another side.
_STRAIGHT = 1e-9
# A parabola that comes this near to zero touches it: the tip of a cone. It is asked at so many places.
_TOUCHES, _PLACES = 0.01, 400
# A section may lie this far beyond its box, in pixels.
_RIM = 3.0


@jit
def inward(joined: Bools, k: int, step: int) -> Places:
    """Return the next planes that plane ``k`` is joined to in a direction, at most two.

    Parameters
    ----------
    joined : (n - 1,) array
        Whether the structure goes on from a plane to the next one.
    k : int
    step : int
        1 up, -1 down.
    """
    inner = np.empty(2, dtype=np.int64)
    count = 0
    while count < 2:
        between = k if step == 1 else k - 1
        if not 0 <= between < len(joined) or not joined[between]:
            break
        k += step
        inner[count] = k
        count += 1
    return inner[:count]


@jit
def parabola(at: Floats, values: Floats, t: float) -> float:
    """Return Lagrange's polynomial through two or three values, at ``t``.

    Parameters
    ----------
    at, values : (n,) arrays
    t : float
    """
    total = 0.0
    for i in range(len(values)):
        weight = 1.0
        for j in range(len(values)):
            if j != i:
                weight *= (t - at[j]) / (at[i] - at[j])
        total += weight * values[i]
    return total


@jit
def apex(depth_mm: Floats, values: Floats, slice_mm: float) -> float:
    """Return where values that follow a parabola fall to zero, within one slice beyond depth 0; NaN where they do not.

    Parameters
    ----------
    depth_mm, values : (n,) arrays
        The first at depth 0.
    slice_mm : float
    """
    smallest, at = np.inf, 0
    for k in range(1, _PLACES + 1):
        value = parabola(depth_mm, values, slice_mm * k / _PLACES) / values[0]
        if value <= 0.0:
            return slice_mm * k / _PLACES
        if value < smallest:
            smallest, at = value, k
    return slice_mm * at / _PLACES if smallest < _TOUCHES and at < _PLACES else np.nan


@jit
def alike(one: Floats, other: Floats) -> bool:
    """Return whether two planes have one contour each, of about one size; each (7,)."""
    for axis in (5, 6):
        ratio = one[axis] / other[axis]
        if not (ratio < _LARGEST_STRETCH and ratio > 1.0 / _LARGEST_STRETCH):
            return False
    return True


@jit
def area_power(one: Floats, other: Floats) -> float:
    """Return the power of the area that follows a parabola between two planes, each (7,)."""
    areas = np.log(one[1] / other[1])
    radii = np.log(max(one[2], _POINT) / max(other[2], _POINT))
    if abs(areas) < _TELLING or abs(radii) < _TELLING:
        return 1.0
    return float(2.0 / min(max(areas / radii, 1.0), 3.0))


@jit
def areas_by_boxes(three: Floats, pixel_mm: float, height_mm: float) -> float:
    """Return the area (mm2) at a height by the widths and heights of contours, and the fraction they fill of them.

    Squares of widths follow a parabola in every ellipsoid, cone and cylinder, whichever way it lies; beyond the planes
    the fraction goes on as between the two nearest ones.

    Parameters
    ----------
    three : (n, 7) array
        Planes, from the one nearest to an end of the structure; NaN is returned for other than three, and for planes
        with more than one contour.
    pixel_mm : float
    height_mm : float
    """
    if len(three) != 3 or np.isnan(three[:, 3:]).any():
        return np.nan
    filled = np.empty(2)
    for i in range(2):
        filled[i] = three[i, 1] / (4.0 * pixel_mm * pixel_mm * three[i, 5] * three[i, 6])
    share = min(max(parabola(three[:2, 0], filled, height_mm), 0.0), 1.0)
    area = 1.0
    for axis in (5, 6):
        squares = (2.0 * pixel_mm * three[:, axis]) ** 2
        area *= max(parabola(three[:, 0], squares, height_mm), 0.0)
    return float(share * np.sqrt(area))


@jit
def moved(first: Floats, second: Floats, size: Floats, t: float) -> Floats:
    """Return a box of some size on the way from one box to another.

    A side that two planes share stays: each side moves by the fraction of its way by which the size has changed. Where
    the size hardly changes, that is ``t``.

    Parameters
    ----------
    first, second : (4,) arrays
        Middle x and y, half of the width and height.
    size : (2,) array
        Half of the width and height.
    t : float
        1 at the second; may lie beyond.

    Returns
    -------
    (4,) array
    """
    box = np.empty(4)
    for axis in range(2):
        change = second[2 + axis] - first[2 + axis]
        part = (size[axis] - first[2 + axis]) / change if abs(change) > _TELLING * first[2 + axis] else t
        box[axis] = first[axis] + part * (second[axis] - first[axis])
        box[2 + axis] = size[axis]
    return box


@jit
def section_way(two: Floats, box: Floats, asked: Floats, window: Places, way: Floats) -> None:
    """Tell how a section is made from two planes (see :func:`hdrplan.kernels.sections.section_rows`).

    Parameters
    ----------
    two : (2, 7) array
        The planes.
    box : (4,) array
        That of the section; NaN where nothing is stretched.
    asked : (6,) array
        Weight of the second plane, area in pixels, minimum and maximum of the shift, the largest x and y of pixels.
    window : (4,) array
        First and last x, first and last y of both planes' pixels; changed to hold the box.
    way : (16,) array
        Filled.
    """
    way[0], way[9], way[10], way[11] = asked[0], asked[1], asked[2], asked[3]
    stretched = not np.isnan(box[0])
    for k in range(2):
        for axis in range(2):
            scale = two[k, 5 + axis] / box[2 + axis] if stretched else 1.0
            way[1 + 4 * k + 2 * axis] = scale
            way[2 + 4 * k + 2 * axis] = two[k, 3 + axis] - scale * box[axis] if stretched else 0.0
    way[12:14] = 0.0
    way[14:] = np.inf
    if not stretched:
        return
    way[12:] = box
    for axis in range(2):
        largest = asked[4 + axis]
        low = min(max(np.rint(box[axis] - box[2 + axis] - _RIM), 0.0), largest)
        high = min(max(np.rint(box[axis] + box[2 + axis] + _RIM), 0.0), largest)
        window[2 * axis] = min(window[2 * axis], int(low))
        window[2 * axis + 1] = max(window[2 * axis + 1], int(high))


@jit
def body_ways(
    planes: Floats, joined: Bools, windows: Places, count: Places, raster: Floats, places: Places, ways: Floats
) -> Places:
    """Tell how the sections from each plane to the next one that it is joined to are made.

    Parameters
    ----------
    planes : (n, 7) array
    joined : (n - 1,) array
    windows : (n, 4) array
        First and last x, first and last y of each plane's pixels.
    count : (n - 1,) array
        Layers from each plane to the next one.
    raster : (4,) array
        Length of a pixel in mm, the largest shift as a fraction of the gap, the largest x and y of pixels.
    places : (m, 6) array
        Filled: the two planes of a section, first and last x, first and last y of its pixels.
    ways : (m, 16) array
        Filled: as :func:`section_way`.

    Returns
    -------
    (n - 1,) array
        Whether an edge lies between a plane and the next one: 1 of a bulge, -1 of a waist, 0 none.
    """
    edges = np.zeros(len(joined), dtype=np.int64)
    asked = np.empty(6)
    row = 0
    for k in range(len(joined)):
        if count[k] == 0:
            continue
        edges[k] = _edge_between(planes, joined, k)
        gap = planes[k + 1, 0] - planes[k, 0]
        asked[2], asked[3] = -raster[1] * gap / raster[0], raster[1] * gap / raster[0]
        asked[4], asked[5] = raster[2], raster[3]
        same = alike(planes[k], planes[k + 1])
        for layer in range(count[k]):
            t = (layer + 0.5) / count[k]
            area = _area_between(planes, joined, k, raster[0], t)
            box = np.full(4, np.nan)
            if same:
                box = _box_between(planes, joined, k, t, area)
            asked[0], asked[1] = t, area / (raster[0] * raster[0])
            places[row, 0], places[row, 1] = k, k + 1
            for axis in range(2):
                places[row, 2 + 2 * axis] = min(windows[k, 2 * axis], windows[k + 1, 2 * axis])
                places[row, 3 + 2 * axis] = max(windows[k, 2 * axis + 1], windows[k + 1, 2 * axis + 1])
            section_way(planes[k : k + 2], box, asked, places[row, 2:], ways[row])
            row += 1
    return edges


@jit_inline
def _area_between(planes: Floats, joined: Bools, k: int, pixel_mm: float, t: float) -> float:
    """Area between planes ``k`` and ``k + 1``, mm2: two parabolas through three planes each, blended."""
    power = area_power(planes[k], planes[k + 1])
    height = planes[k, 0] + t * (planes[k + 1, 0] - planes[k, 0])
    below, above = len(inward(joined, k, -1)) > 0, len(inward(joined, k + 1, 1)) > 0
    first = k - 1 if below else k
    last = k + 3 if above else k + 2
    weight = 1.0 if not below else (0.0 if not above else t)
    lower = parabola(planes[first : k + 2, 0], planes[first : k + 2, 1] ** power, height)
    upper = parabola(planes[k:last, 0], planes[k:last, 1] ** power, height)
    area = max((1.0 - weight) * lower + weight * upper, 0.0) ** (1.0 / power)
    if below != above:
        # Towards an end areas may change as a root does.
        three = planes[k:last] if above else planes[first : k + 2][::-1]
        by_boxes = areas_by_boxes(three, pixel_mm, height)
        area = area if np.isnan(by_boxes) else by_boxes
    ends = planes[k, 1], planes[k + 1, 1]
    return float(min(max(area, 0.5 * min(ends[0], ends[1])), 1.5 * max(ends[0], ends[1])))


@jit_inline
def _box_between(planes: Floats, joined: Bools, k: int, t: float, area_mm2: float) -> Floats:
    """Box of a section between planes ``k`` and ``k + 1``: sizes follow the area, or sides two parabolas each."""
    one, other = planes[k, 3:], planes[k + 1, 3:]
    change = np.log(planes[k + 1, 1] / planes[k, 1])
    way = t
    if abs(change) >= _TELLING:
        way = min(max(np.log(area_mm2 / planes[k, 1]) / change, -0.5), 1.5)
    else:
        box, known = _side_parabolas(planes, joined, k, t)
        if known:
            return box
    return moved(one, other, one[2:] * (other[2:] / one[2:]) ** way, t)


@jit_inline
def _side_parabolas(planes: Floats, joined: Bools, k: int, t: float) -> tuple[Floats, bool]:
    """Box whose sides follow two parabolas through three planes each, blended; and whether there is any."""
    height = (1.0 - t) * planes[k, 0] + t * planes[k + 1, 0]
    box, total, weights = np.zeros(4), np.zeros(4), 0.0
    for upper in range(2):
        if len(inward(joined, k + upper, 1 if upper else -1)) == 0:
            continue
        three = planes[k : k + 3] if upper else planes[k - 1 : k + 2]
        if np.isnan(three[:, 3:]).any():
            continue
        weight = t if upper else 1.0 - t
        for axis in range(2):
            for side in range(2):
                along = three[:, 3 + axis] + (2 * side - 1) * three[:, 5 + axis]
                total[2 * axis + side] += weight * parabola(three[:, 0], along, height)
        weights += weight
    if weights == 0.0:
        return box, False
    for axis in range(2):
        low, high = total[2 * axis] / weights, total[2 * axis + 1] / weights
        box[axis], box[2 + axis] = (low + high) / 2, max((high - low) / 2, _POINT)
    return box, True


@jit_inline
def _edge_between(planes: Floats, joined: Bools, k: int) -> int:
    """Whether an edge lies between planes ``k`` and ``k + 1``: 1 of a bulge, -1 of a waist, 0 none.

    There is one where a side of the contours bends far less before and after the gap than in it, and both ways meet in
    the gap (subcell resolution: A. Harten, J Comput Phys 1989;83:148).
    """
    if len(inward(joined, k, -1)) < 2 or len(inward(joined, k + 1, 1)) < 2:
        return 0
    six = planes[k - 2 : k + 4]
    if np.isnan(six[:, 3:]).any():
        return 0
    height = six[:, 0]
    bulge = waist = False
    for axis in range(2):
        for end in range(2):
            # Outward from the structure: a bulge bends inward.
            side = six[:, 5 + axis] + (2 * end - 1) * six[:, 3 + axis]
            bend = np.empty(4)
            for i in range(4):
                after = (side[i + 2] - side[i + 1]) / (height[i + 2] - height[i + 1])
                before = (side[i + 1] - side[i]) / (height[i + 1] - height[i])
                bend[i] = (after - before) / (height[i + 2] - height[i])
            sign = -1.0 if bend[1] > 0.0 else 1.0
            if min(-sign * bend[1], -sign * bend[2]) <= max(_STRAIGHT, _EDGE * abs(bend[0]), _EDGE * abs(bend[3])):
                continue
            lower = parabola(height[:3], side[:3], height[3]) - side[3]
            upper = parabola(height[3:], side[3:], height[2]) - side[2]
            if min(sign * lower, sign * upper) >= 0.0:
                bulge, waist = bulge or sign > 0.0, waist or sign < 0.0
    if bulge == waist:
        return 0
    return 1 if bulge else -1
