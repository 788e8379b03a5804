"""Dwell positions: where the source may stop, and which way it points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray, IntArray, freeze
from hdrplan.errors import InputError

__all__ = ["Dwells"]


@dataclass(frozen=True, slots=True, eq=False)
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
