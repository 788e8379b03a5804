"""Results that many tests begin with: made once in a session, by whichever of its processes asks first."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hdrplan.geometry import Grid, Volume
from hdrplan.io import read_volume, write_volume

ROOT = Path(__file__).resolve().parents[1]
SMALLER = 0.5
# Those that are in lie on all sides of lesion B, and its prescription is reached at every point.
CATHETERS = (1, 3, 5, 6)
# Organs that no example names: each is sampled and checked in every plan.
ORGANS_LEFT_OUT = (
    "small_bowel", "kidney_right", "gallbladder", "lungs", "portal_vein_and_splenic_vein",
    "inferior_vena_cava",
)  # fmt: skip


class MadeOnce:
    """A folder that all processes of a session share.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def __call__(self, name: str, make: Callable[[Path], None]) -> Path:
        """Return a result, made now where no process has made it; one that is being made is waited for.

        Parameters
        ----------
        name : str
            Of its folder or file.
        make : callable
            Makes it, in an empty folder, under its name. What it raises leaves nothing.
        """
        place = self.folder / name
        with (self.folder / f".{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not place.exists():
                draft = self.folder / f".{name}.draft"
                shutil.rmtree(draft, ignore_errors=True)
                draft.mkdir()
                make(draft)
                (draft / name).rename(place)
        return place


def folder_of_the_session(factory: pytest.TempPathFactory) -> Path:
    """Return the temporary folder of this session, the same in all its processes."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def write_small_phantoms(folder: Path) -> Path:
    """Copy the phantoms; both of the liver become one of half its size, in pixels of twice the width.

    Four of seven catheters are in, and the organs that no example names have no role and no goal: a plan takes half
    the time of one with all of them.
    """
    shutil.copytree(ROOT / "phantoms", folder)
    small = folder / "liver-lesion-b-5mm"
    for name in ("ct.nii.gz", "labels.nii.gz"):
        full = read_volume(small / name)
        grid = Grid(
            shape_zyx=full.values_zyx[:, ::2, ::2].shape,
            origin_mm=SMALLER * full.grid.origin_mm,
            spacing_mm=SMALLER * full.grid.spacing_mm * [2.0, 2.0, 1.0],
            direction=full.grid.direction,
        )
        (small / name).unlink()
        write_volume(small / name, Volume(grid, np.ascontiguousarray(full.values_zyx[:, ::2, ::2])))
    file = small / "catheters.mrk.json"
    scene = json.loads(file.read_text())
    scene["markups"] = [scene["markups"][k] for k in CATHETERS]
    for curve, name in zip(scene["markups"], ("cath_1", "cath_2", "cath_5", "cath_6"), strict=True):
        curve["name"] = name
    for point in (point for curve in scene["markups"] for point in curve["controlPoints"]):
        point["position"] = [SMALLER * x for x in point["position"]]
    file.write_text(json.dumps(scene))
    case, goals = small / "case.toml", small / "goals.toml"
    roles = [
        line for line in case.read_text().splitlines() if not line.startswith(tuple(f"{o} =" for o in ORGANS_LEFT_OUT))
    ]
    case.write_text("\n".join(roles))
    first, *rest = goals.read_text().split("[[goals]]")
    kept = [goal for goal in rest if not any(f'"{organ}"' in goal for organ in ORGANS_LEFT_OUT)]
    goals.write_text("[[goals]]".join([first, *kept]))
    shutil.copytree(small, folder / "liver-lesion-b", dirs_exist_ok=True)
    return folder
