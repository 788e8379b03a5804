"""Segmented structures: a name, a role and a mask on a grid of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from hdrplan.arrays import BoolArray, freeze
from hdrplan.errors import InputError
from hdrplan.geometry.grid import Grid

__all__ = ["ROLES", "Role", "Structure"]

Role = Literal["CTV", "OAR", "other"]
ROLES: tuple[str, ...] = get_args(Role)


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """One segmented structure.

    Parameters
    ----------
    name : str
    role : {"CTV", "OAR", "other"}
        Clinical target volume, organ at risk, or neither (drawn, never planned on).
    grid : Grid
        May be a cropped part of the CT's grid, or another grid altogether.
    mask_zyx : (nz, ny, nx) bool array

    Raises
    ------
    InputError
        Unknown role, empty mask, mask and grid of different shape.
    """

    name: str
    role: Role
    grid: Grid
    mask_zyx: BoolArray

    def __post_init__(self) -> None:
        freeze(self, "mask_zyx", (None, None, None), dtype=np.bool_)
        if self.role not in ROLES:
            raise InputError(f"role must be one of {', '.join(ROLES)}", got=repr(self.role), where=self.name)
        if self.mask_zyx.shape != self.grid.shape_zyx:
            raise InputError(
                f"mask must have the grid's shape {self.grid.shape_zyx}",
                got=self.mask_zyx.shape,
                where=self.name,
            )
        if not self.mask_zyx.any():
            raise InputError("a structure needs at least one voxel", got="an empty mask", where=self.name)

    @property
    def volume_cc(self) -> float:
        """Volume of the mask: voxels times voxel volume."""
        return int(self.mask_zyx.sum()) * self.grid.voxel_cc
