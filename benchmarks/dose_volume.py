"""Dose-volume goals on phantom lesions: how good the plan is, what is proven about it, and with how much work.

``python -m benchmarks.dose_volume [-n 12] [-o benchmarks/results/dose_volume.json]
[--write docs/measurements/optimiser.md]``

Spheres of 34 and 270 cc with misplaced, tilted catheters and one or three round organs at 7 mm, sampled as
``hdrplan plan`` samples them (1 mm). Least mean liver dose under D100 >= 20 Gy and D1cc of each
organ at a part of what it is in the plan for 20 Gy without that goal. First the plan alone, then plan and proof, each
from the beginning. The proof ends after a number of regions: the same bound on a machine that does other work.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.lesions import Layout, implant
from benchmarks.record import command_line, measured, put_table
from hdrplan.dose import SPACING_MM, DoseRate, SamplePoints, dose_rate, sample_points
from hdrplan.geometry import Grid, Structure
from hdrplan.optimize import Optimum, PlanProblem, WorkLimit, optimize_times
from hdrplan.optimize.notes import ProofWork
from hdrplan.plan import Goals, Prescription, parse_goal
from hdrplan.sources import load_source

DOSE_GY, ORGAN_MM, TAIL_CC = 20.0, 12.0, 1.0
ORGANS, GAP_MM = ("duodenum", "stomach", "colon"), 7.0
# Beyond any use: work ends the search.
_LONGEST_S = 7200.0


@dataclass(frozen=True, kw_only=True)
class Case:
    """One phantom with limits: fractions of each organ's D1cc in the plan without them; regions of the proof."""

    cc: int
    diameter_mm: float
    catheters: int
    seed: int
    angles: tuple[float, ...]
    limit_fracs: tuple[float, ...]
    regions: int


def small(catheters: int, seed: int, angles: tuple[float, ...], *limit_fracs: float) -> Case:
    return Case(
        cc=34, diameter_mm=40.0, catheters=catheters, seed=seed, angles=angles, limit_fracs=limit_fracs, regions=2000
    )


def large(limit_frac: float) -> Case:
    return Case(cc=270, diameter_mm=80.0, catheters=9, seed=3, angles=(0.0,), limit_fracs=(limit_frac,), regions=220)


# From limits that just bind to such that the prescription must be lowered.
CASES = (
    *(small(4, 3, (0.0,), fraction) for fraction in (0.98, 0.92, 0.88)),
    *(small(5, 5, (240.0,), fraction) for fraction in (0.95, 0.90)),
    small(4, 3, (60.0,), 0.92),
    # Dose taken from one organ goes to the others.
    *(
        small(4, 3, (30.0, 210.0, 330.0), first, others, others)
        for first, others in ((0.96, 1.01), (0.93, 1.03), (0.97, 0.97))
    ),
    *(large(fraction) for fraction in (0.995, 0.99, 0.97)),
)


@dataclass(frozen=True)
class Phantom:
    """Points and rate matrix, and the names of the organs."""

    points: SamplePoints
    rate: DoseRate
    organs: tuple[str, ...]

    def dose_gy(self, name: str, times_s: np.ndarray, cc: float = TAIL_CC) -> float:
        """Least dose of the hottest volume of an organ."""
        rows = self.points.rows(name)
        dose, volume = self.rate.gy_per_s[rows] @ times_s, self.points.volume_cc[rows]
        order = np.argsort(-dose)
        return float(dose[order][np.searchsorted(np.cumsum(volume[order]), cc)])


def built(case: Case, *, spacing_mm: float = SPACING_MM) -> Phantom:
    """Build one phantom: lesion, an organ at each angle, and a liver of 30 mm around the lesion."""
    radius, angles = case.diameter_mm / 2, case.angles
    layout = Layout(
        diameter_mm=case.diameter_mm, catheters=case.catheters, jitter_mm=2.0, tilt_frac=0.08, seed=case.seed
    )
    dwells = implant(layout)
    balls = [("lesion", "CTV", np.zeros(3), radius)]
    for name, angle in zip(ORGANS, angles, strict=False):
        turn, away = np.deg2rad(angle), radius + GAP_MM + ORGAN_MM
        balls.append((name, "OAR", away * np.array([np.cos(turn), np.sin(turn), 0.0]), ORGAN_MM))
    structures = []
    for name, role, center, size in balls:
        grid, mask = _ball(center, size)
        structures.append(Structure(name=name, role=role, grid=grid, mask_zyx=mask))
    grid, liver = _ball(np.zeros(3), radius + 30.0)
    where = grid.world(np.stack(np.nonzero(liver)[::-1], axis=1))
    free = np.all([np.linalg.norm(where - center, axis=1) > size for _, _, center, size in balls], axis=0)
    liver[liver] = free
    structures.append(Structure(name="liver", role="OAR", grid=grid, mask_zyx=liver))
    points = sample_points(structures, spacing_mm=spacing_mm, healthy="liver")
    rate = dose_rate(dwells, points.points_mm, load_source("gammamed-12i"), strength_u=40700.0)
    return Phantom(points, rate, ORGANS[: len(angles)])


def _ball(center: np.ndarray, radius: float) -> tuple[Grid, np.ndarray]:
    n = 2 * int(np.ceil(radius)) + 3
    grid = Grid(shape_zyx=(n, n, n), origin_mm=center - (n - 1) / 2, spacing_mm=[1.0, 1.0, 1.0])
    index = np.stack(np.meshgrid(*3 * [np.arange(n)], indexing="ij"), axis=-1) - (n - 1) / 2
    return grid, np.linalg.norm(index, axis=-1) <= radius


def planned(
    phantom: Phantom, limits_gy: dict[str, float], regions: int, *, tail_cc: float = TAIL_CC
) -> tuple[Optimum, float, float]:
    """Return the plan, and its seconds of wall and processor time."""
    listed = tuple(
        parse_goal(f"D{tail_cc:g}cc <= {limit:.4f} Gy", structure=name, source="benchmark")
        for name, limit in limits_gy.items()
    )
    wanted = Goals((Prescription("lesion", DOSE_GY),), listed)
    wall, processor = time.perf_counter(), time.process_time()
    problem = PlanProblem(rate=phantom.rate, points=phantom.points, goals=wanted, healthy="liver")
    proof = WorkLimit(seconds=_LONGEST_S if regions else 0.0, steps=regions)
    optimum = optimize_times(problem, proof=proof, time_limit_s=_LONGEST_S)
    return optimum, time.perf_counter() - wall, time.process_time() - processor


def limits_of(phantom: Phantom, case: Case) -> tuple[dict[str, float], Optimum]:
    """Return the limit of each organ's D1cc, and the plan without these limits."""
    free, _, _ = planned(phantom, {}, 0)
    fractions = zip(phantom.organs, case.limit_fracs, strict=True)
    return {name: fraction * phantom.dose_gy(name, free.times_s) for name, fraction in fractions}, free


def result(case: Case) -> dict:
    """Plan one case without and with proof."""
    phantom = built(case)
    limits_gy, free = limits_of(phantom, case)
    first, first_s, _ = planned(phantom, limits_gy, 0)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    proven, wall_s, processor_s = planned(phantom, limits_gy, case.regions)
    main = proven.certificate.main
    lost = [v for level in proven.levels if level.text == "D100 lost" for v in (level.value, level.bound)]
    return {
        "cc": case.cc,
        "organs": len(case.angles),
        "seed": case.seed,
        "limit_fracs": case.limit_fracs,
        "dwells": len(first.times_s),
        "points": len(phantom.points),
        "status": proven.status,
        "d100_gy": round(min([DOSE_GY, *(s.reached_gy for s in proven.shortfalls)]), 3),
        "regions": sum(note.regions for note in proven.notes if isinstance(note, ProofWork)),
        "free_gy": round(free.certificate.main.value, 5),
        "plan_gy": round(first.certificate.main.value, 5),
        "plan_s": round(first_s, 2),
        "best_gy": round(main.value, 5),
        "bound_gy": round(main.bound, 5),
        "plan_over_best_frac": float(f"{first.certificate.main.value / main.value - 1:.1e}"),
        "gap_frac": float(f"{main.gap_frac:.1e}"),
        "seconds": round(wall_s, 1),
        "processor_s": round(processor_s, 1),
        "load": round(load, 1),
        "lost_gy": [round(v, 4) for v in lost],
        "notes": [note.text for note in proven.notes if "Proof" in note.text],
    }


def _listed(fractions: list[float]) -> str:
    return ", ".join(f"{fraction:g}" for fraction in fractions)


def table(rows: list[dict]) -> str:
    """Return the results as Markdown."""
    head = "| cc | organs | dwells | limit / free | D100 (Gy) | at most (Gy) | gap of D100 (%) | liver dose (%) |"
    lines = [f"{head} plan over best (%) | gap of liver dose (%) | regions | processor (s) |", "|" + 12 * "---|"]
    for r in rows:
        most_gy = DOSE_GY - (r["lost_gy"][1] if r["lost_gy"] else 0.0)
        over = "" if r["lost_gy"] else f"{100 * r['plan_over_best_frac']:.3f}"
        lines.append(
            f"| {r['cc']} | {r['organs']} | {r['dwells']} | {_listed(r['limit_fracs'])} | {r['d100_gy']:.2f} | "
            f"{most_gy:.2f} | {100 * (most_gy / r['d100_gy'] - 1):.2f} | "
            f"{100 * (r['best_gy'] / r['free_gy'] - 1):+.1f} | {over} | {100 * r['gap_frac']:.2f} | {r['regions']} | "
            f"{r['processor_s']:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = command_line(__doc__, "dose_volume")
    parser.add_argument("-n", type=int, default=len(CASES), help="only the first n cases")
    parser.add_argument("--only", type=int, action="append", help="only this case (0, 1, ...)")
    given = parser.parse_args()
    cases = [CASES[k] for k in given.only] if given.only else CASES[: given.n]
    record = measured(given, (partial(result, case) for case in cases))
    put_table(given.write, "dose-volume", table(record["rows"]))


if __name__ == "__main__":
    main()
