"""Points that join the structures of a problem, and their rates, while everything else stays where it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray
from hdrplan.dose import DoseRate, DoseRateBlocks, GrowingRows, SamplePoints

__all__ = ["joined"]


def joined(
    rate: DoseRate | DoseRateBlocks, points: SamplePoints, new: Mapping[str, tuple[FloatArray, DoseRate]]
) -> tuple[DoseRateBlocks, SamplePoints]:
    """Put points without volume at the end of the rows of their structures.

    Parameters
    ----------
    rate : DoseRate or DoseRateBlocks
        At ``points``.
    points : SamplePoints
    new : mapping
        Name of a structure -> points in mm, and their rates.
    """
    count = np.array([len(new[name][0]) if name in new else 0 for name in points.names])
    blocks = rate.blocks if isinstance(rate, DoseRateBlocks) else _blocks_of(rate, points)
    blocks = tuple(
        block.with_rows(new[name][1].gy_per_s) if name in new else block
        for name, block in zip(points.names, blocks, strict=True)
    )

    def put_behind(
        old: npt.NDArray[Any], added: Callable[[FloatArray, DoseRate], npt.NDArray[Any]]
    ) -> npt.NDArray[Any]:
        pieces = []
        for name in points.names:
            pieces += [old[points.rows(name)], *([added(*new[name])] if name in new else [])]
        return np.concatenate(pieces)

    return (
        DoseRateBlocks(blocks, put_behind(rate.extrapolated, lambda _, rates: rates.extrapolated)),
        replace(
            points,
            start=points.start + np.concatenate(([0], np.cumsum(count))),
            points_mm=put_behind(points.points_mm, lambda mm, _: mm),
            volume_cc=put_behind(points.volume_cc, lambda mm, _: np.zeros(len(mm))),
            on_surface=put_behind(points.on_surface, lambda mm, _: np.ones(len(mm), dtype=np.bool_)),
        ),
    )


def _blocks_of(rate: DoseRate, points: SamplePoints) -> tuple[GrowingRows, ...]:
    return tuple(GrowingRows(rate.at(points.rows(name))) for name in points.names)
