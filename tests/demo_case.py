"""A planned case with a solid, a ring and a two-part structure; its dose, all of it as DICOM; and a smaller plan."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from hdrplan.dose import dose_field
from hdrplan.geometry import Catheter, Dwells, Grid, Structure, Volume
from hdrplan.io import DicomSet, write_dicom_set
from hdrplan.plan import Case, Plan
from hdrplan.sources import Strength, load_source

GRID = Grid(shape_zyx=(12, 48, 52), origin_mm=np.array([-50.0, -60.0, 200.0]), spacing_mm=np.array([2.0, 2.0, 2.5]))
NOW = datetime(2024, 5, 6, 7, 8, 9)


def case_and_plan() -> tuple[Case, Plan]:
    y, x = np.mgrid[:48, :52]
    planes = {
        "solid": (x - 20) ** 2 + (y - 24) ** 2 < 10**2,
        "ring": ((x - 20) ** 2 + (y - 24) ** 2 < 18**2) & ((x - 20) ** 2 + (y - 24) ** 2 > 13**2),
        "two <parts>": ((x - 42) ** 2 + (y - 10) ** 2 < 6**2) | ((x - 42) ** 2 + (y - 35) ** 2 < 7**2),
    }
    structures = []
    for name, plane in planes.items():
        mask = np.zeros(GRID.shape_zyx, dtype=bool)
        mask[2:10] = plane
        structures.append(Structure(name=name, role="CTV" if name == "solid" else "OAR", grid=GRID, mask_zyx=mask))
    rng = np.random.default_rng(2)
    tips = [GRID.world([20 + d, 24, 8]) for d in (-4, 4)]
    catheters = tuple(Catheter(f"needle {k}", np.array([np.add(tip, (40, 5, -60)), tip])) for k, tip in enumerate(tips))
    positions, axes, offsets, index = [], [], [], []
    for k, catheter in enumerate(catheters):
        axis = catheter.points_mm[1] - catheter.points_mm[0]
        axis /= np.linalg.norm(axis)
        for step in range(5):
            positions.append(catheter.points_mm[1] - (6.0 + 5 * step) * axis)
            axes.append(axis)
            offsets.append(6.0 + 5 * step)
            index.append(k)
    dwells = Dwells(
        positions_mm=positions,
        axes=axes,
        catheter=index,
        offset_mm=offsets,
        catheter_names=tuple(c.name for c in catheters),
    )
    times_s = rng.random(10) * 30
    times_s[3] = 0.0
    ct = Volume(GRID, rng.integers(-900, 1200, GRID.shape_zyx).astype(np.int16))
    plan = Plan(dwells=dwells, times_s=times_s, source=load_source(), strength=Strength(40700.0))
    return Case(name="demo", ct=ct, structures=tuple(structures), catheters=catheters), plan


def demo_dose(plan: Plan, box: Grid | None = None) -> Volume:
    """Return the plan's dose in a box, by default one round the solid structure."""
    box = box or Grid(shape_zyx=(8, 20, 24), origin_mm=GRID.world([8, 10, 2]), spacing_mm=np.array([2.5, 2.5, 2.5]))
    return dose_field(plan.dwells, plan.times_s, box, plan.source, strength_u=plan.strength_u)


def write_demo_dicom(
    folder: Path, *, box: Grid | None = None, treated: datetime | None = None, **more: Any
) -> DicomSet:
    """Write the case, its plan and dose as DICOM into a new folder, and return what was written."""
    folder.mkdir(parents=True)
    # What more is given holds arrays, for which nothing can be kept.
    contents, files = (_demo_files.__wrapped__ if more else _demo_files)(box, treated, **more)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return contents


@cache
def _demo_files(box: Grid | None, treated: datetime | None, **more: Any) -> tuple[DicomSet, dict[str, bytes]]:
    """The same files each time, and some two hundred tests begin with them."""
    case, plan = case_and_plan()
    contents = DicomSet(case=case, plan=plan, dose=demo_dose(plan, box), prescription_gy=20.0, **more)
    with TemporaryDirectory() as folder:
        write_dicom_set(Path(folder), contents, treated=treated, now=NOW)
        return contents, {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def small_plan() -> Plan:
    """Return five dwells of two catheters, drawn."""
    rng = np.random.default_rng(3)
    axes = rng.normal(size=(5, 3))
    axes /= np.linalg.norm(axes, axis=1)[:, None]
    dwells = Dwells(
        positions_mm=rng.normal(size=(5, 3)) * 40,
        axes=axes,
        catheter=np.array([0, 0, 1, 1, 1]),
        offset_mm=np.arange(5.0),
        catheter_names=("a", "b"),
    )
    return Plan(dwells=dwells, times_s=rng.random(5) * 20, source=load_source(), strength=Strength(40700.0))
