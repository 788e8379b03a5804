"""Plans proven at every point of the CTV: time, price and size of the proof.

``python -m benchmarks.every_point [-o benchmarks/results/every_point.json] [--write docs/measurements/optimiser.md]``

Ellipsoids of 34 and 270 cc on voxels of 1 mm with misplaced catheters, and the liver phantom's lesion B on 1.5 mm and
5 mm slices. "Sampled" is the plan that holds on the sample points only; its true least dose is found by the same proof.
Each proven plan is checked at random points of the shape, which the proof never saw.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.lesions import Layout, implant
from benchmarks.record import command_line, measured, put_table, timed
from hdrplan.dose import MinimumDoseSearch, dose_at_points, dose_rate, sample_points
from hdrplan.geometry import Dwells, Grid, Structure
from hdrplan.io import read_case
from hdrplan.optimize import PlanProblem, optimize_every_point, optimize_times
from hdrplan.options import PlanOptions
from hdrplan.plan import Goals, Prescription
from hdrplan.sources import load_source
from hdrplan.workflow import planning_problem
from hdrplan.workflow.times import EVERY_POINT_FRAC

if TYPE_CHECKING:
    from hdrplan.optimize.times.every_point import MinimumDoseOf

SOURCE = "gammamed-12i"
STRENGTH_U = 40700.0


@dataclass(frozen=True, kw_only=True)
class Lesion:
    """Everything a plan needs, made before the clock starts."""

    name: str
    ctv: Structure
    dwells: Dwells
    problem: PlanProblem
    strength_u: float


def _ball(name: str, role: str, radii: np.ndarray, spacing_mm: float, hole: np.ndarray | None = None) -> Structure:
    half = np.ceil(radii / spacing_mm).astype(int) + 2
    axes = [np.arange(-n, n + 1) * spacing_mm for n in half]
    z, y, x = np.meshgrid(*axes[::-1], indexing="ij")
    mask = (x / radii[0]) ** 2 + (y / radii[1]) ** 2 + (z / radii[2]) ** 2 <= 1.0
    if hole is not None:
        mask &= (x / hole[0]) ** 2 + (y / hole[1]) ** 2 + (z / hole[2]) ** 2 > 1.0
    return Structure(
        name=name,
        role=role,
        grid=Grid(shape_zyx=mask.shape, origin_mm=-half * spacing_mm, spacing_mm=[spacing_mm] * 3),
        mask_zyx=mask,
    )


def ellipsoid(diameter_mm: float, catheters: int, step_mm: float) -> Lesion:
    """Lay out an ellipsoid on 1 mm voxels inside 35 mm of liver."""
    layout = Layout(
        diameter_mm=diameter_mm, catheters=catheters, step_mm=step_mm, shape=(1.0, 0.95, 1.05), jitter_mm=2.0,
        tilt_frac=0.08, seed=1,
    )  # fmt: skip
    dwells, radii = implant(layout), layout.radii_mm
    ctv = _ball("lesion", "CTV", radii, 1.0)
    points = sample_points([ctv, _ball("liver", "OAR", radii + 35.0, 3.0, hole=radii)], healthy=None)
    rate = dose_rate(dwells, points.points_mm, load_source(SOURCE), strength_u=STRENGTH_U)
    name = f"ellipsoid {diameter_mm:g} mm"
    goals = Goals((Prescription("lesion", 20.0),))
    problem = PlanProblem(rate=rate, points=points, goals=goals, healthy="liver")
    return Lesion(name=name, ctv=ctv, dwells=dwells, problem=problem, strength_u=STRENGTH_U)


def phantom(folder: str) -> Lesion:
    """Lesion B of the liver phantom, all its structures and limits."""
    found = read_case(Path("phantoms") / folder)
    strength_u = found.strength.value_u
    dwells, problem = planning_problem(
        found.case, found.goals, load_source(SOURCE), strength_u=strength_u, options=PlanOptions()
    )
    return Lesion(name=folder, ctv=found.case.ctvs[0], dwells=dwells, problem=problem, strength_u=strength_u)


def result(case: Lesion, seed: int = 11) -> dict:
    """Plan once on the sample points and once at every point."""
    source, shape = load_source(SOURCE), case.problem.points.shape(case.ctv.name)

    def minimum(search: MinimumDoseSearch) -> MinimumDoseOf:
        return lambda name, times_s, **asked: search.minimum_dose(times_s, **asked)

    def new_search() -> MinimumDoseSearch:
        return MinimumDoseSearch(shape, case.dwells, source, strength_u=case.strength_u)

    def rate_at(_, points_mm):
        return dose_rate(case.dwells, points_mm, source, strength_u=case.strength_u)

    sampled, of_sampled = timed(lambda: optimize_times(case.problem))
    proven, of_proof = timed(
        lambda: optimize_every_point(
            # As hdrplan plan does: one search for all rounds.
            case.problem,
            minimum_dose=minimum(new_search()),
            rate_at=rate_at,
            tolerance_frac=EVERY_POINT_FRAC,
        )
    )
    proof = proven.minimum[case.ctv.name]
    asked_gy = case.problem.goals.prescription_gy(case.ctv.name)
    # A plan on samples alone: how cold is it really?
    extent = case.ctv.grid.spacing_mm * case.ctv.grid.shape_zyx[::-1]
    rng = np.random.default_rng(seed)
    seen = case.ctv.grid.world(rng.uniform(0.0, 1.0, (2_000_000, 3)) * extent / case.ctv.grid.spacing_mm)
    seen = seen[shape.holds(seen)]
    at_random = dose_at_points(case.dwells, proven.optimum.times_s, seen, source, strength_u=case.strength_u).gy
    cold = new_search().minimum_dose(sampled.times_s, wanted_gy=asked_gy, tolerance_gy=1e-3 * asked_gy)
    return {
        "case": case.name,
        "volume_cc": round(case.ctv.volume_cc, 1),
        "dwells": len(case.dwells),
        "points": len(case.problem.points),
        "proven": proven.proven,
        **of_proof,
        "sampled_s": of_sampled["seconds"],
        "boxes": proof.boxes,
        "points_added": proven.points_added,
        "proven_gy": round(proof.lower_gy, 4),
        "random_points": len(seen),
        "least_at_random_gy": round(float(at_random.min()), 4),
        "healthy_gy": round(proven.optimum.certificate.main.value, 5),
        "gap_frac": float(f"{proven.optimum.certificate.main.gap_frac:.3g}"),
        "sampled_healthy_gy": round(sampled.certificate.main.value, 5),
        "sampled_least_gy": round(cold.upper_gy, 3),
    }


def table(rows: list[dict]) -> str:
    """Return the results as Markdown."""
    head = (
        "| case | cc | dwells | time (s) | CPU (s) | load | sampled (s) | boxes | points added | proven (Gy) | "
        "liver mean (Gy) | gap | "
        "sampled: liver (Gy) | sampled: minimum dose (Gy) |"
    )
    lines = [head, "|" + 14 * "---|"]
    for r in rows:
        proven = f"{r['proven_gy']:.3f}" if r["proven"] else "not finished"
        lines.append(
            f"| {r['case']} | {r['volume_cc']} | {r['dwells']} | {r['seconds']:.2f} | {r['cpu_seconds']:.2f} | "
            f"{r['load']} | {r['sampled_s']:.2f} | "
            f"{r['boxes']:,} | {r['points_added']} | {proven} | {r['healthy_gy']:.4f} | {r['gap_frac']:.1e} | "
            f"{r['sampled_healthy_gy']:.4f} | {r['sampled_least_gy']:.2f} |"
        )
    return "\n".join(lines)


CASES: dict[str, Callable[[], Lesion]] = {
    "34": lambda: ellipsoid(40.2, 4, 5.0),
    "270": lambda: ellipsoid(80.2, 8, 5.0),
    "270 fine": lambda: ellipsoid(80.2, 14, 5.0),
    "liver-lesion-b": lambda: phantom("liver-lesion-b"),
    "liver-lesion-b-5mm": lambda: phantom("liver-lesion-b-5mm"),
}


def main() -> None:
    parser = command_line(__doc__, "every_point")
    parser.add_argument("--case", choices=CASES, action="append", help="only these")
    given = parser.parse_args()
    if not given.table_only:
        result(CASES["34"]())  # compile, and read the cache
    record = measured(given, (lambda name=name: result(CASES[name]()) for name in given.case or CASES))
    put_table(given.write, "every-point", table(record["rows"]))


if __name__ == "__main__":
    main()
