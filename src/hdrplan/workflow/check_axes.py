"""Second check: how far doses at points are open because the directions of the sources are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.dose import dose_rate
from hdrplan.plan import BrachyPlan, Plan
from hdrplan.workflow.check_rows import CheckRow

__all__ = ["open_by_axes_gy", "with_axes"]

# Where between the axis and its uncertainty the dose of a dwell changes most is not known: a quarter of it apart.
_SHARES = (-1.0, -0.75, -0.5, -0.25, 0.25, 0.5, 0.75, 1.0)


def with_axes(brachy: BrachyPlan, plan: Plan, rows: Sequence[CheckRow]) -> list[CheckRow]:
    """Return the rows of points with the part of their dose that the directions of the sources leave open.

    Parameters
    ----------
    brachy : BrachyPlan
    plan : Plan
    rows : sequence of CheckRow
        Of :func:`hdrplan.workflow.check_rows.point_rows`.
    """
    places = [row.place_mm for row in rows if row.place_mm is not None]
    open_gy = iter(open_by_axes_gy(brachy, plan, np.array(places)) if places else ())
    return [
        row if row.place_mm is None else replace(row, axes_frac=float(next(open_gy) / row.recomputed)) for row in rows
    ]


def open_by_axes_gy(brachy: BrachyPlan, plan: Plan, points_mm: FloatArray) -> FloatArray:
    """Return by how much the dose at each point could differ at most: every axis turned where it changes most.

    Parameters
    ----------
    brachy : BrachyPlan
        With the uncertainty of its axes.
    plan : Plan
        The same, as computed.
    points_mm : (n, 3) array
    """
    # Nothing is known of the axis of a lonely dwell.
    error_deg = np.concatenate([c.axis_error_deg for c in brachy.channels if len(c.times_s)])
    error_rad = np.radians(np.nan_to_num(error_deg, nan=180.0))
    turned = (error_rad > 0.0) & (plan.times_s > 0.0)
    if not turned.any():
        return np.zeros(len(points_mm))
    dwells = replace(
        plan.dwells,
        positions_mm=plan.dwells.positions_mm[turned],
        axes=plan.dwells.axes[turned],
        catheter=plan.dwells.catheter[turned],
        offset_mm=plan.dwells.offset_mm[turned],
    )
    times_s, error_rad = plan.times_s[turned], error_rad[turned]
    as_read = dose_rate(dwells, points_mm, plan.source, strength_u=plan.strength_u).gy_per_s
    changes = np.zeros_like(as_read)
    for k, point in enumerate(points_mm):
        across = _across(dwells.axes, point - dwells.positions_mm)
        for share in _SHARES:
            angle = (share * error_rad)[:, None]
            axes = np.cos(angle) * dwells.axes + np.sin(angle) * across
            rate = dose_rate(replace(dwells, axes=axes), point[None], plan.source, strength_u=plan.strength_u)
            changes[k] = np.maximum(changes[k], np.abs(rate.gy_per_s[0] - as_read[k]))
    return np.asarray(changes @ times_s)


def _across(axes: FloatArray, toward: FloatArray) -> FloatArray:
    """Return unit vectors across the axes in the plane of a point; any across where the point lies on the axis."""
    across = toward - (toward * axes).sum(axis=1, keepdims=True) * axes
    on_axis = np.linalg.norm(across, axis=1) < 1e-9
    other = np.where(np.abs(axes[:, :1]) < 0.9, [[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]])
    across = np.where(on_axis[:, None], np.cross(axes, other), across)
    return np.asarray(across / np.linalg.norm(across, axis=1, keepdims=True))
