"""A case and its plan as files of 3D Slicer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy.typing as npt

from hdrplan.geometry import Volume
from hdrplan.io.images import write_volume
from hdrplan.io.markups import write_markups
from hdrplan.io.segmentations import write_segmentations
from hdrplan.plan import Case, Plan

__all__ = ["write_slicer_set"]


def write_slicer_set(folder: Path, case: Case, plan: Plan | None, *, dose: Volume | None = None) -> list[str]:
    """Write ct.nrrd, structures.seg.nrrd, catheters.mrk.json and dose.nrrd into an existing folder.

    Parameters
    ----------
    folder : Path
    case : Case
        Structures on a grid of their own get a segmentation file of their own.
    plan : Plan or None
        Its dwells with a time become fiducials beside the catheters' curves.
    dose : Volume, optional
        Gy.

    Returns
    -------
    list of str
        Names of the files.
    """
    if case.ct is not None:
        write_volume(folder / "ct.nrrd", case.ct)
    write_segmentations(folder, case.structures, case.ct.grid if case.ct is not None else None)
    dwells: Sequence[tuple[str, npt.ArrayLike]] = ()
    if plan is not None:
        dwells = [
            (f"{plan.times_s[k]:.1f} s", plan.dwells.positions_mm[k])
            for k in range(len(plan.dwells))
            if plan.times_s[k] > 0
        ]
    write_markups(folder / "catheters.mrk.json", case.catheters, dwells)
    if dose is not None:
        write_volume(folder / "dose.nrrd", dose)
    return sorted(path.name for path in folder.iterdir())
