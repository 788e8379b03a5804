"""Catheters: polylines from the hub (skin side) to the tip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray, freeze
from hdrplan.brief import brief_repr
from hdrplan.errors import InputError

__all__ = ["Catheter"]


@dataclass(frozen=True, slots=True, eq=False)
class Catheter:
    """One catheter.

    Parameters
    ----------
    name : str
    points_mm : (n, 3) array
        LPS positions from the hub to the tip, at least two, neighbours apart.

    Raises
    ------
    InputError
        Fewer than two points, or two neighbours at one place.
    """

    name: str
    points_mm: FloatArray

    __repr__ = brief_repr

    def __post_init__(self) -> None:
        freeze(self, "points_mm", (None, 3))
        if len(self.points_mm) < 2:
            raise InputError(
                "a catheter needs at least two points, hub first", got=len(self.points_mm), where=self.name
            )
        if (np.linalg.norm(np.diff(self.points_mm, axis=0), axis=1) < 1e-6).any():
            raise InputError("neighbouring points of a catheter must differ", got="a repeated point", where=self.name)

    @property
    def length_mm(self) -> float:
        """Length along the polyline."""
        return float(np.linalg.norm(np.diff(self.points_mm, axis=0), axis=1).sum())
