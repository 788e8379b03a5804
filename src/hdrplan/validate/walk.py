"""A whole case in water, planned here: its optimum against another solver, its way through DICOM and back."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from scipy.optimize import linprog

from hdrplan.dose import dose_at_points
from hdrplan.geometry import Grid, Volume, ellipsoid, parallel_catheters
from hdrplan.io import (
    DicomSet,
    read_brachy_plan,
    read_ct_series,
    read_dose_grid,
    read_plan,
    read_structure_set,
    read_volume,
    write_dicom_set,
    write_plan,
    write_volume,
)
from hdrplan.options import PlanOptions
from hdrplan.plan import Case, Goals, Prescription, as_plan, parse_goal
from hdrplan.sources import Strength, load_source
from hdrplan.validate.naive_tg43 import rates
from hdrplan.validate.row import Aim, Question, Row, judged
from hdrplan.workflow import PlanResult, plan_case

__all__ = ["exchange_rows", "optimum_rows", "planned"]

_STRENGTH_U = 40700.0


def planned(organ_gy: float, *, duodenum_at_mm: float = 28.0, every_point: bool = False) -> PlanResult:
    """Plan a lesion of 30 mm in a liver of water beside a round organ with a hard limit; times are real numbers.

    Parameters
    ----------
    organ_gy : float
        Limit of the organ's highest dose.
    duodenum_at_mm : float
        Distance of the organ's middle from the lesion's.
    every_point : bool
        As in PlanOptions.
    """
    grid = Grid(
        shape_zyx=(36, 44, 44), origin_mm=np.array([-43.0, -43.0, -43.75]), spacing_mm=np.array([2.0, 2.0, 2.5])
    )
    lesion = ellipsoid("lesion", grid, [0, 0, 0], [15, 13, 15])
    liver = ellipsoid("liver", grid, [0, 0, 0], [38, 38, 38], role="OAR")
    organ = ellipsoid("duodenum", grid, [duodenum_at_mm, 0, 0], [9, 9, 12], role="OAR")
    water = Volume(grid, np.zeros(grid.shape_zyx, dtype=np.int16))
    case = Case(
        name="validation",
        ct=water,
        structures=(lesion, organ, liver),
        catheters=parallel_catheters(lesion),
        healthy="liver",
    )
    limit = parse_goal(f"Dmax <= {organ_gy:g} Gy", structure="duodenum", source="chosen for this comparison", level=0)
    goals = Goals((Prescription("lesion", 20.0),), (limit,))
    return plan_case(
        case, goals, load_source(), Strength(_STRENGTH_U),
        options=PlanOptions(sample_mm=2.0, dose_margin_mm=20.0, every_point=every_point, time_step_s=0.0),
    )  # fmt: skip


def optimum_rows() -> list[Row]:
    """Certificates against the whole linear program in another solver's interior point method."""
    rows = []
    for organ_gy, regime in ((30.0, "limit does not bind"), (7.0, "limit binds"), (4.0, "limit lowers D100")):
        rows += _optimum(planned(organ_gy), organ_gy, regime)
    return [*rows, _every_point(planned(30.0, every_point=True))]


def _every_point(result: PlanResult) -> Row:
    """Look for a point below the prescription where the proof says that there is none."""
    ctv, plan = result.case.structure("lesion"), result.plan
    shape = result.points.shape("lesion")
    inner = ctv.voxels_xyz
    points = ctv.grid.world(
        np.random.default_rng(17).uniform(inner.min(axis=0) - 1, inner.max(axis=0) + 1, (600_000, 3))
    )
    distance, inward = shape.distance_mm(points)
    inside = distance >= 0.0
    # Those near the surface are moved onto it, where the dose is least.
    near = np.abs(distance) < 1.0
    on_surface = points[near] - distance[near, None] * inward[near]
    on_surface = on_surface[shape.holds(on_surface)]
    points = np.concatenate((points[inside], on_surface))
    dose_gy = dose_at_points(plan.dwells, plan.exposure_s, points, plan.source, strength_u=_STRENGTH_U).gy
    coldest = points[np.argsort(dose_gy)[:300]]
    minimum_gy = float((rates(plan.dwells, coldest, plan.source, _STRENGTH_U) @ plan.times_s).min())
    assert result.optimum is not None
    proven = result.optimum.certificate.scope == "every point"
    return judged(
        Question(
            section="Optimum",
            what=f"prescription at every point of the CTV: minimum dose {minimum_gy:.3f} Gy of {len(points):,} points",
            source="TG-43U1 eq. 1, written plainly, at the 300 coldest points",
            method="shortfall below 20 Gy inside the shape and on its surface, at points that the proof did not use",
        ),
        max(0.0, 20.0 - minimum_gy) if proven else 20.0,
        Aim(value=0.0, unit="Gy"),
    )


def _optimum(result: PlanResult, organ_gy: float, regime: str) -> list[Row]:
    points, plan, optimum = result.points, result.plan, result.optimum
    assert optimum is not None
    # Every row again, by the dose engine and not from the plan's own matrix.
    unit = np.eye(len(plan.dwells))
    columns = [
        dose_at_points(plan.dwells, row, points.points_mm, plan.source, strength_u=_STRENGTH_U).gy for row in unit
    ]
    matrix = np.stack(columns, axis=1)
    ctv, organ, liver = (points.rows(name) for name in ("lesion", "duodenum", "liver"))
    volume = points.volume_cc[liver]
    mean = volume @ matrix[liver] / volume.sum()
    source = "whole linear program, all rows, SciPy linprog (HiGHS interior point, crossover)"
    if optimum.status == "proven":
        whole = linprog(
            mean,
            np.concatenate((-matrix[ctv], matrix[organ])),
            np.concatenate((np.full(ctv.stop - ctv.start, -20.0), np.full(organ.stop - organ.start, organ_gy))),
            bounds=(0.0, 600.0),
            method="highs-ipm",
        )
        truth, ours, proven = whole.fun, optimum.certificate.main.value, optimum.certificate.main.bound
        name = "minimum mean liver dose"
    else:
        # Highest D100 under the limit: columns are the times and D100.
        cost = np.append(np.zeros(len(unit)), -1.0)
        rows = np.concatenate(
            (np.column_stack((-matrix[ctv], np.ones(ctv.stop - ctv.start))),
             np.column_stack((matrix[organ], np.zeros(organ.stop - organ.start))))
        )  # fmt: skip
        limits = np.concatenate((np.zeros(ctv.stop - ctv.start), np.full(organ.stop - organ.start, organ_gy)))
        bounds = [(0.0, 600.0)] * len(unit) + [(0.0, 20.0)]
        whole = linprog(cost, rows, limits, bounds=bounds, method="highs-ipm")
        truth, ours, proven = -whole.fun, optimum.shortfalls[0].reached_gy, optimum.shortfalls[0].best_gy
        name = "maximum D100 under the limit"
    dose = matrix @ plan.times_s
    broken = max(0.0, float(dose[organ].max() / organ_gy - 1.0))
    if optimum.status == "proven":
        broken = max(broken, float(1.0 - dose[ctv].min() / 20.0))
    about = f"{len(dose):,} points, {len(unit)} dwells, {regime} ({organ_gy:g} Gy)"
    compared = [
        (f"{name}: {about}", source, "relative difference of the optima", abs(ours / truth - 1.0), 2e-5),
        (f"bound of the certificate: {about}", source, "relative difference of the proven bound",
         abs(proven / truth - 1.0), 2e-5),
        (f"limits and prescription satisfied: {about}", "doses of all points computed again",
         "largest violation of any row, relative to its limit", broken, 1e-6),
    ]  # fmt: skip
    return [
        judged(
            Question(section="Optimum", what=subject, source=truth_of, method=method),
            deviation,
            Aim(value=aim, unit=""),
        )
        for subject, truth_of, method, deviation, aim in compared
    ]


def exchange_rows() -> list[Row]:
    """Write the plan as DICOM-RT and as plan.json, read both again, compare."""
    result = planned(30.0)
    case, plan, dose = result.case, result.plan, result.dose
    section, source = "Exchange", "the plan before it was written"
    with tempfile.TemporaryDirectory(prefix="hdrplan-validate-") as name:
        folder = Path(name)
        write_dicom_set(folder, DicomSet(case=case, plan=plan, dose=dose, prescription_gy=20.0))
        structures = read_structure_set(folder / "RS.dcm")
        back = as_plan(read_brachy_plan(folder / "RP.dcm", structures), plan.source)
        grid = read_dose_grid(folder / "RD.dcm").volume
        ct = read_ct_series(folder).volume
        assert case.ct is not None
        masks = {s.name: structures.structure(s.name, s.role, ct.grid)[0] for s in case.structures}
        write_plan(folder / "plan.json", plan, case.name)
        again = read_plan(folder / "plan.json")
        write_volume(folder / "dose.nrrd", dose)
        volume = read_volume(folder / "dose.nrrd")

    def _row(subject: str, method: str, deviation: float, aim: float, unit: str) -> Row:
        return judged(
            Question(section=section, what=subject, source=source, method=method), deviation, Aim(value=aim, unit=unit)
        )

    moved = np.abs(back.dwells.positions_mm - plan.dwells.positions_mm).max()
    dose_there = float(np.abs(grid.values_zyx / np.maximum(dose.values_zyx, 1e-3) - 1.0)[dose.values_zyx > 1].max())
    volumes = max(abs(masks[s.name].volume_cc / s.volume_cc - 1.0) for s in case.structures)
    json_same = all(
        np.array_equal(getattr(again.dwells, field), getattr(plan.dwells, field))
        for field in ("positions_mm", "axes", "catheter", "offset_mm")
    ) and np.array_equal(again.times_s, plan.times_s)
    return [
        _row("RT Plan: dwell positions", "largest distance after writing and reading", float(moved), 0.01, "mm"),
        _row("RT Plan: dwell times", "largest difference", float(np.abs(back.times_s - plan.times_s).max()), 1e-3, "s"),
        _row("RT Plan: air-kerma strength", "difference", abs(back.strength_u - plan.strength_u), 1e-6, "U"),
        _row("RT Structure Set: volumes", "largest relative difference", 100 * volumes, 0.01, "%"),
        _row("RT Dose: voxels above 1 Gy", "largest relative difference", 100 * dose_there, 0.01, "%"),
        _row("CT: voxels that differ", "count", float((ct.values_zyx != case.ct.values_zyx).sum()), 0.0, ""),
        _row("plan.json: values that differ", "equal to the last bit", 0.0 if json_same else 1.0, 0.0, ""),
        _row("dose.nrrd: voxels that differ", "as 32-bit floats",
            float((volume.values_zyx != dose.values_zyx.astype(np.float32)).sum()), 0.0, ""),
    ]  # fmt: skip
