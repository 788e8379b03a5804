"""The DVH of one structure in a stored dose, and how far each metric may be off for reasons of computation."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.cautions import caution
from hdrplan.dose import DensePoints, Region, RegionPoints, region_points, split
from hdrplan.geometry import Grid, Volume
from hdrplan.metrics import DVH, dvh, eqd2_gy, geud_gy, metric_value
from hdrplan.plan import Metric
from hdrplan.workflow.check_stated import ON_CENTRE
from hdrplan.workflow.dvh_values import DVHOptions, MetricValue, StructureDVH

__all__ = ["structure_dvh"]

_DOSE = ("dose_at_frac", "dose_at_cc", "dose_mean", "dose_max", "dose_min")
# Where less of the structure lies inside the dose grid, what needs all of it is left empty.
_WHOLE_FRAC = 0.999
_HOTTEST = ("dose_at_cc", "dose_max")
# The smallest volume that a dose is asked for holds about this many points, for a small error at its rim.
_SMALLEST_CC, _POINTS_OF_SMALLEST = 0.1, 1000
# The hottest cells are divided as far as this volume reaches, at most so finely.
_HOT_CC, _MAXIMUM_SPLIT, _SAMPLED = 0.5, 8, 16
# A linear interpolation is off by the square of the voxel where the dose bends evenly, and by the voxel itself beside
# sources: then a grid of twice the voxels differs by three times the error, or by the error itself.
_LEAST_ORDER, _HIGHEST_ORDER = 1.0, 3.0


def structure_dvh(region: Region, dose: Volume, options: DVHOptions) -> StructureDVH:
    """Return the DVH of a structure.

    Parameters
    ----------
    region : Outline or Structure
    dose : Volume
        Gy.
    options : DVHOptions

    Raises
    ------
    InputError, FormatError
        As :func:`hdrplan.dose.region_points`.
    """
    dose = _layered(dose)
    points = region_points(
        region, between=options.between, ends=options.ends, count=options.count, readings=options.errors
    )
    volume_cc = np.concatenate([part.volume_cc for part in points.parts])
    gy = np.concatenate([dose.at_placed(part.at, part.to_lps, rim_voxels=ON_CENTRE) for part in points.parts])
    held = np.isfinite(gy)
    inside_frac = float(volume_cc[held].sum() / volume_cc.sum())
    notes = list(points.warnings)
    if inside_frac < _WHOLE_FRAC:
        notes.append(caution("dvh-partly-covered", name=points.name, outside=1 - inside_frac))
    curve, metrics = None, tuple(_empty(row) for row in _rows(options))
    if volume_cc[held].sum() > 0:
        curve = _finest(points, dose, gy, held)
        metrics = (_with_errors if options.errors else _alone)(points, dose, curve, inside_frac, options)
    return StructureDVH(
        name=points.name,
        volume_cc=points.volume_cc,
        volume_error_cc=_volume_error_cc(points) if options.errors else math.nan,
        in_grid_frac=inside_frac,
        curve=curve,
        metrics=metrics,
        between=points.between,
        ends=points.ends,
        points=len(gy),
        warnings=tuple(notes),
    )


def _layered(dose: Volume) -> Volume:
    """Return a dose of which a single plane has the thickness of its voxels: the same on both faces."""
    grid, values = dose.grid, dose.values_zyx
    for axis in (axis for axis in range(3) if grid.shape_zyx[axis] == 1):
        values = np.repeat(values, 2, axis=axis)
        first = np.zeros(3)
        first[2 - axis] = -0.5
        shape = values.shape[0], values.shape[1], values.shape[2]
        grid = replace(grid, shape_zyx=shape, origin_mm=grid.world(first))
    return Volume(grid, values) if grid is not dose.grid else dose


def _finest(points: RegionPoints, dose: Volume, gy: FloatArray, held: BoolArray) -> DVH:
    """Return the curve, with the hottest cells divided and the points on the surface."""
    volume_cc = np.concatenate([part.volume_cc for part in points.parts])
    extra_gy, extra_cc = [np.empty(0)], [np.empty(0)]
    kept = held.copy()
    cell_cc = points.volume_cc / max(1, int((volume_cc > 0).sum()))
    n_per_edge = min(_MAXIMUM_SPLIT, math.ceil((cell_cc * _POINTS_OF_SMALLEST / _SMALLEST_CC) ** (1 / 3)))
    if n_per_edge > 1:
        solid = held & (volume_cc > 0.0)
        chosen = _hottest(np.where(solid, gy, -np.inf), volume_cc, cell_cc) & solid
        start = 0
        for part in points.parts:
            own = chosen[start : start + len(part)]
            start += len(part)
            at, cc = split(part, own, n_per_edge)
            inner_gy = dose.at_placed(at, part.to_lps, rim_voxels=ON_CENTRE)
            # At the rim of the dose grid cells stand for each other: what is lost of one outside, others have lost.
            factor = float(cc.sum()) / max(float(cc[np.isfinite(inner_gy)].sum()), 1e-12)
            extra_gy.append(inner_gy)
            extra_cc.append(cc * factor)
        kept &= ~chosen
    surface_gy = dose.at_placed(points.surface, points.parts[0].to_lps, rim_voxels=ON_CENTRE)
    # Of the surface only the extremes count: points without volume change nothing else.
    on_surface = np.concatenate((gy[kept & (volume_cc == 0.0)], surface_gy[np.isfinite(surface_gy)]))
    ends_gy = np.array([on_surface.min(), on_surface.max()]) if len(on_surface) else on_surface
    kept &= volume_cc > 0.0
    all_gy = np.concatenate((gy[kept], *extra_gy, ends_gy))
    all_cc = np.concatenate((volume_cc[kept], *extra_cc, np.zeros(len(ends_gy))))
    inside = np.isfinite(all_gy)
    # Trilinear weights of doses of 0 Gy may round to -1e-18.
    return dvh(np.maximum(all_gy[inside], 0.0), all_cc[inside])


def _hottest(gy: FloatArray, volume_cc: FloatArray, cell_cc: float) -> BoolArray:
    """Return which cells hold the highest doses of the volume that is divided."""
    # Every 16th cell tells about where the hottest begin: with twice as many as cells of even volume would be, and 200
    # more, they are enough, or else all are asked.
    some, sample = np.arange(len(gy)), gy[::_SAMPLED]
    n = math.ceil((200 + 2 * _HOT_CC / cell_cc) / _SAMPLED)
    if n < len(sample):
        some = np.flatnonzero(gy >= np.partition(sample, len(sample) - n)[len(sample) - n])
    if len(some) < 100 or volume_cc[some].sum() < _HOT_CC:
        some = np.arange(len(gy))
    order = some[np.lexsort((some, -gy[some]))]
    hot = order[: max(100, int(np.searchsorted(np.cumsum(volume_cc[order]), _HOT_CC)))]
    chosen = np.zeros(len(gy), dtype=np.bool_)
    chosen[hot] = True
    return chosen


def _rows(options: DVHOptions) -> list[tuple[str, str, str, Callable[[DVH], float]]]:
    """Return name, unit, kind and function of every metric."""
    rows: list[tuple[str, str, str, Callable[[DVH], float]]] = []
    for metric in options.wanted():
        if metric.kind in _DOSE:
            rows.append((metric.text, "Gy", metric.kind, _of(metric, "Gy", options)))
        else:
            rows += [(metric.text, unit, metric.kind, _of(metric, unit, options)) for unit in ("%", "cc")]
    if options.geud_a is not None:
        a = options.geud_a
        rows.append(("gEUD", "Gy", "dose_mean", lambda curve: geud_gy(curve, a)))
    if options.alpha_beta_gy is not None:
        for metric in (m for m in options.wanted() if m.kind in _DOSE):
            rows.append((f"{metric.text} EQD2", "Gy", metric.kind, _eqd2_of(metric, options)))
    return rows


def _of(metric: Metric, unit: str, options: DVHOptions) -> Callable[[DVH], float]:
    def value(curve: DVH) -> float:
        number = metric_value(
            curve,
            metric.kind,
            metric.at,
            unit="cc" if unit == "cc" else metric.unit,
            prescription_gy=options.prescription_gy,
        )
        return 100.0 * number if unit == "%" else number

    return value


def _eqd2_of(metric: Metric, options: DVHOptions) -> Callable[[DVH], float]:
    physical, alpha_beta_gy = _of(metric, "Gy", options), options.alpha_beta_gy or math.nan

    def value(curve: DVH) -> float:
        if metric.kind != "dose_mean":
            # EQD2 rises with the dose: the order of points stays.
            return float(eqd2_gy(physical(curve), alpha_beta_gy, fractions=options.fractions))
        fraction = np.diff(curve.cumulative_cc, prepend=0.0) / curve.volume_cc
        return float(fraction @ eqd2_gy(curve.dose_gy, alpha_beta_gy, fractions=options.fractions))

    return value


def _empty(row: tuple[str, str, str, object]) -> MetricValue:
    nan = math.nan
    return MetricValue(name=row[0], unit=row[1], value=nan, grid=nan, shape=nan, ends=nan, sampling=nan)


def _alone(
    points: RegionPoints, dose: Volume, curve: DVH, inside_frac: float, options: DVHOptions
) -> tuple[MetricValue, ...]:
    """Return every metric without the errors of its computation."""
    known = [row if inside_frac >= _WHOLE_FRAC or row[2] in _HOTTEST else None for row in _rows(options)]
    empty = [_empty(row) for row in _rows(options)]
    return tuple(e if row is None else replace(e, value=row[3](curve)) for row, e in zip(known, empty, strict=True))


def _with_errors(
    points: RegionPoints, dose: Volume, curve: DVH, inside_frac: float, options: DVHOptions
) -> tuple[MetricValue, ...]:
    fewer, undivided = _curve(dose, points.fewer), _curve(dose, points.parts)
    coarse, coarsest = ([_curve(grid, points.fewer) for grid in grids] for grids in _coarser(dose))
    quarters = [_curve(dose, points.fewer, first=k, step=4) for k in range(4)]
    between = _curve(dose, points.other_between)
    ends = [_curve(dose, parts) for parts in points.other_ends]
    if fewer is None or None in quarters:
        # Hardly a point inside the dose grid.
        return tuple(_empty(row) for row in _rows(options))
    # The error of fewer points falls at least with the square root of their number.
    gain = math.sqrt(sum(len(p) for p in points.fewer) / max(1, sum(len(p) for p in points.parts)))
    metrics = []
    for row in _rows(options):
        name, unit, kind, of = row
        if inside_frac < _WHOLE_FRAC and kind not in _HOTTEST:
            metrics.append(_empty(row))
            continue
        base = of(fewer)

        def largest(others: Sequence[DVH | None], of: Callable[[DVH], float] = of, base: float = base) -> float:
            # A reading that leaves less volume than was asked for has no value to compare.
            known = [abs(of(other) - base) for other in others if other is not None]
            return max((size for size in known if not math.isnan(size)), default=0.0)

        # Twice the standard error of all points, by how four parts of some of them differ: that of two parts is
        # nothing by chance too often.
        noise = float(np.std([of(quarter) for quarter in quarters if quarter is not None], ddof=1)) * gain
        # And what dividing the hottest cells has changed.
        divided = 0.0 if undivided is None else abs(of(curve) - of(undivided))
        noise = max((x for x in (noise, divided) if not math.isnan(x)), default=0.0)
        sampling = noise if kind not in ("dose_min", "dose_max") else 0.0
        metrics.append(
            MetricValue(
                name=name,
                unit=unit,
                value=of(curve),
                grid=_grid_error(largest(coarse), largest(coarsest)),
                shape=largest([between]),
                ends=largest(ends),
                sampling=sampling,
            )
        )
    return tuple(metrics)


def _curve(dose: Volume, parts: Sequence[DensePoints], *, first: int = 0, step: int = 1) -> DVH | None:
    """Return the curve of some points; None where none with a volume is inside the dose grid, such as of no end."""
    # A whole voxel beyond the centres: the coarser grid may end a voxel earlier.
    gy = np.concatenate([dose.at_placed(p.at[first::step], p.to_lps, rim_voxels=1.0) for p in parts])
    volume_cc = step * np.concatenate([p.volume_cc[first::step] for p in parts])
    held = np.isfinite(gy)
    if not float(volume_cc[held].sum()) > 0:
        return None
    return dvh(np.maximum(gy[held], 0.0), volume_cc[held])


def _grid_error(twice: float, four_times: float) -> float:
    """Return the error of a grid by what grids of twice and four times its voxels change.

    An error that grows as ``voxel**p`` makes them ``2**p - 1`` and ``4**p - 1`` times itself (Richardson).
    """
    if not twice > 0:
        return 0.0
    return twice / float(np.clip(four_times / twice - 2.0, _LEAST_ORDER, _HIGHEST_ORDER))


def _coarser(dose: Volume) -> tuple[list[Volume], list[Volume]]:
    """Return the eight grids of every second voxel along each axis, and of every fourth, from the same first voxels."""
    starts = list(itertools.product((0, 1), repeat=3))
    twice = [_every_second(dose, start) for start in starts]
    return twice, [_every_second(volume, start) for volume, start in zip(twice, starts, strict=True)]


def _every_second(dose: Volume, start_zyx: tuple[int, ...]) -> Volume:
    shape_zyx = dose.grid.shape_zyx
    step = [2 if n > 2 + start else 1 for n, start in zip(shape_zyx, start_zyx, strict=True)]
    first = [start if s == 2 else 0 for s, start in zip(step, start_zyx, strict=True)]
    values = dose.values_zyx[first[0] :: step[0], first[1] :: step[1], first[2] :: step[2]]
    grid = Grid(
        shape_zyx=values.shape,
        origin_mm=dose.grid.world(np.array(first[::-1], dtype=np.float64)),
        spacing_mm=dose.grid.spacing_mm * step[::-1],
        direction=dose.grid.direction,
    )
    return Volume(grid, values)


def _volume_error_cc(points: RegionPoints) -> float:
    base = sum(float(part.volume_cc.sum()) for part in points.fewer)
    others = [points.other_between, *points.other_ends]
    return max((abs(sum(float(p.volume_cc.sum()) for p in parts) - base) for parts in others), default=0.0)
