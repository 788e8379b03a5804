"""One virtual lesion, planned and delivered: anatomy, catheters by rule, proven plan, a delivery that differs.

Each lesion is a task of its own, keyed by its content: the same task gives the same result on any worker.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass, field

import numpy as np

from hdrplan.dose import SamplePoints, dose_at_points, dose_rate, sample_points
from hdrplan.edition import edition
from hdrplan.geometry import Grid, LesionShape, Structure, Volume, box_of, dwell_positions, on_grid, synthetic_case
from hdrplan.metrics import DVH, dvh
from hdrplan.optimize import PlanProblem, optimize_times
from hdrplan.plan import Case, Goals, Plan, Prescription
from hdrplan.simulate import Uncertainty, scenario, smooth_field
from hdrplan.sources import Strength, load_source

__all__ = ["LesionTask", "PlannedLesion", "host_organ", "organ_digest", "plan_lesion"]

# The liver phantom holds lesions up to this; larger draws are planned at this size and say so.
MAXIMUM_DIAMETER_MM = 110.0
# V100 refers to the protocol's dose, whatever a plan reaches (Xu 2021).
PRESCRIBED_GY = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionTask:
    """What decides the result of one lesion.

    Parameters
    ----------
    lesion_id : str
    diameter_mm : float
    seed : int
    strength_u : float
    prescription_gy : float
        Dose that the plan encloses the lesion with: clinics fall short of 20 Gy, or exceed it.
    sample_mm : float
        Sampling of the lesion; the liver is coarser.
    uncertainty : Uncertainty
    """

    lesion_id: str
    diameter_mm: float
    seed: int
    strength_u: float = 40700.0
    prescription_gy: float = PRESCRIBED_GY
    sample_mm: float = 2.5
    uncertainty: Uncertainty = field(default_factory=Uncertainty)

    def key(self, organ: str) -> str:
        """Name of the result: a hash of the program, the task and the organ.

        Parameters
        ----------
        organ : str
            Of :func:`organ_digest`.
        """
        text = json.dumps([edition(), organ, asdict(self)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLesion:
    """Result of one task.

    Parameters
    ----------
    lesion_id : str
    planned_diameter_mm : float
        Of the lesion that was planned: larger draws than the phantom holds are cut.
    ctv_cc : float
    catheters, dwells, points : int
    total_time_s : float
    liver_mean_gy : float
    d100_gy, d98_gy, d90_gy, d50_gy, v100_frac : float
        As planned.
    delivered_d100_gy, delivered_d98_gy, delivered_v100_frac : float
        As delivered.
    gap_frac : float
        Of the plan's certificate.
    seconds : float
    """

    lesion_id: str
    planned_diameter_mm: float
    ctv_cc: float
    catheters: int
    dwells: int
    points: int
    total_time_s: float
    liver_mean_gy: float
    d100_gy: float
    d98_gy: float
    d90_gy: float
    d50_gy: float
    v100_frac: float
    delivered_d100_gy: float
    delivered_d98_gy: float
    delivered_v100_frac: float
    gap_frac: float
    seconds: float


def host_organ(case: Case, organ: str | None = None, *, every: int = 2) -> Structure:
    """Return the organ with its lesions filled in, cut to its box and thinned: where virtual lesions are placed.

    Parameters
    ----------
    case : Case
    organ : str, optional
        None takes the healthy organ of the case, else "liver".
    every : int
        Keep every so many voxels along each axis; the lesion's own sampling stays as fine as the task says.

    Returns
    -------
    Structure
    """
    whole = case.structure(organ or case.healthy or "liver")
    grid = whole.grid
    mask = whole.mask_zyx.copy()
    for ctv in case.ctvs:
        mask |= on_grid(ctv, grid).mask_zyx
    box = box_of(mask)
    cut = mask[tuple(slice(side.start, side.stop, every) for side in box)]
    nz, ny, nx = cut.shape
    thin = Grid(
        shape_zyx=(nz, ny, nx),
        origin_mm=grid.world([side.start for side in box[::-1]]),
        spacing_mm=grid.spacing_mm * every,
        direction=grid.direction,
    )
    return Structure(name=whole.name, role="OAR", grid=thin, mask_zyx=cut)


def organ_digest(host: Structure) -> str:
    """Return what tells this organ from others: its name, its place and its voxels.

    Parameters
    ----------
    host : Structure
    """
    digest = hashlib.sha256(f"{host.name} {host.grid.shape_zyx}".encode())
    for part in (host.grid.origin_mm, host.grid.spacing_mm, host.grid.direction, host.mask_zyx):
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


def plan_lesion(task: LesionTask, host: Structure) -> PlannedLesion:
    """Place, plan and deliver one lesion.

    Parameters
    ----------
    task : LesionTask
    host : Structure
        Of :func:`host_organ`.

    Raises
    ------
    HdrPlanError
        A lesion that does not fit or cannot be planned.
    """
    started = time.perf_counter()
    rng = np.random.default_rng(np.random.SeedSequence(task.seed, spawn_key=tuple(task.lesion_id.encode())))
    diameter_mm = min(task.diameter_mm, MAXIMUM_DIAMETER_MM)
    case = synthetic_case(
        Volume(host.grid, np.zeros(host.grid.shape_zyx, dtype=np.int8)),
        [host],
        host.name,
        LesionShape(diameter_mm, elongation=float(rng.uniform(1.0, 1.4))),
        prescription_gy=task.prescription_gy,
        rng=rng,
    )
    ctv = case.structures[0]
    source = load_source("gammamed-12i")
    dwells = dwell_positions(case.catheters, targets=[ctv])
    points = sample_points(case.structures[:2], spacing_mm=task.sample_mm, max_points=3000, healthy=host.name)
    rate = dose_rate(dwells, points.points_mm, source, strength_u=task.strength_u)
    goals = Goals((Prescription(ctv.name, task.prescription_gy),))
    optimum = optimize_times(PlanProblem(rate=rate, points=points, goals=goals, healthy=host.name))
    plan = Plan(dwells=dwells, times_s=optimum.times_s, source=source, strength=Strength(task.strength_u))
    rows, liver = points.rows(ctv.name), points.rows(host.name)
    planned_gy = rate.gy_per_s @ plan.times_s
    planned = dvh(planned_gy[rows], points.volume_cc[rows])
    delivered = _delivered(plan, points, ctv.name, task.uncertainty, seed=int(rng.integers(2**31)))
    return PlannedLesion(
        lesion_id=task.lesion_id,
        planned_diameter_mm=diameter_mm,
        ctv_cc=planned.volume_cc,
        catheters=len(case.catheters),
        dwells=len(dwells),
        points=len(points),
        total_time_s=plan.total_time_s,
        liver_mean_gy=float(np.average(planned_gy[liver], weights=points.volume_cc[liver])),
        d100_gy=planned.min_gy,
        d98_gy=planned.dose_at_frac(0.98),
        d90_gy=planned.dose_at_frac(0.90),
        d50_gy=planned.dose_at_frac(0.50),
        v100_frac=float(planned.volume_frac_at_gy(PRESCRIBED_GY)),
        delivered_d100_gy=delivered.min_gy,
        delivered_d98_gy=delivered.dose_at_frac(0.98),
        delivered_v100_frac=float(delivered.volume_frac_at_gy(PRESCRIBED_GY)),
        gap_frac=optimum.certificate.main.gap_frac,
        seconds=time.perf_counter() - started,
    )


def _delivered(plan: Plan, points: SamplePoints, ctv: str, uncertainty: Uncertainty, *, seed: int) -> DVH:
    """Return the CTV's DVH of one delivery that differs from the plan."""
    rows = points.rows(ctv)
    shapes = smooth_field(points) if uncertainty.ctv_mm or uncertainty.oar_mm else None
    delivery = scenario(plan, points, uncertainty, seed=seed, number=0, shapes=shapes)
    gy = dose_at_points(
        delivery.dwells, delivery.times_s, delivery.points_mm[rows], plan.source, strength_u=delivery.strength_u
    ).gy
    return dvh(gy, delivery.volume_cc[rows])
