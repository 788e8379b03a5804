"""Catheters that lie beside a CT as curves of 3D Slicer, one file for all or one for each."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace
from pathlib import Path

import numpy as np

from hdrplan.errors import HdrPlanError
from hdrplan.geometry import Catheter, Grid
from hdrplan.io.case.catheters import read_catheters
from hdrplan.io.files import json_entries

__all__ = ["find_catheters", "is_curves"]

_SUFFIX = ".mrk.json"
Said = tuple[tuple[str, str], ...]


def is_curves(path: Path) -> bool:
    """Whether a file of a folder may hold catheters by its name."""
    return path.name.lower().endswith(_SUFFIX)


def find_catheters(paths: Sequence[Path], *, given: Set[Path], ct: Grid) -> tuple[tuple[Catheter, ...], Said, Said]:
    """Return catheters, what each file was taken for, and which files were left out and why.

    Catheters that lie in two files are one. What lies in a folder is left out where it holds no catheters, is a line
    beside curves (a ruler, most likely) or lies outside the CT; a file that was given by its own path is refused then.

    Parameters
    ----------
    paths : sequence of Path
    given : set of Path
        Those that were given by their own path.
    ct : Grid

    Raises
    ------
    HdrPlanError
        A file that was given by its own path holds no catheters.
    """
    read: list[tuple[Path, tuple[Catheter, ...]]] = []
    left_out: list[tuple[str, str]] = []
    for path in paths:
        try:
            read.append((path, read_catheters(path)))
        except HdrPlanError as error:
            if path in given:
                raise
            left_out.append((path.name, f"no catheters: {error.expected}"))
    curved = any(not _is_line(path) for path, _ in read)
    catheters: dict[str, Catheter] = {}
    kinds: list[tuple[str, str]] = []
    for path, own in read:
        if curved and path not in given and _is_line(path):
            left_out.append((path.name, "a line beside curves: a ruler? Give it by its own path if it is a needle"))
            continue
        if not any(_reaches(catheter, ct) for catheter in own):
            left_out.append((path.name, "catheters outside the CT"))
            continue
        new = [c for c in own if not any(_is_same(c, known) for known in catheters.values())]
        for catheter in new:
            name = catheter.name if catheter.name not in catheters else f"{path.name[: -len(_SUFFIX)]} {catheter.name}"
            while name in catheters:
                name += "_2"
            catheters[name] = replace(catheter, name=name)
        count = f"{len(new)} catheter{'s' * (len(new) != 1)}"
        kinds.append((path.name, count if len(new) == len(own) else f"{count}, the others as before"))
    return tuple(catheters.values()), tuple(kinds), tuple(left_out)


def _is_line(path: Path) -> bool:
    """Whether all markups of a file are straight lines between two points."""
    if not is_curves(path):
        return False
    kinds = {entry.values.get("type") for entry in json_entries(path).tables("markups")}
    return kinds == {"Line"}


def _is_same(one: Catheter, other: Catheter) -> bool:
    a, b = one.points_mm, other.points_mm
    return a.shape == b.shape and bool(np.abs(a - b).max() <= 1e-2)


def _reaches(catheter: Catheter, ct: Grid) -> bool:
    """Whether a control point lies in the CT; the hub is often above it."""
    return bool(ct.contains(catheter.points_mm).any())
