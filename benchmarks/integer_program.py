"""Plans under dose-volume goals beside those of an integer program, on phantoms that it can finish.

``python -m benchmarks.integer_program [-n 14] [-o benchmarks/results/integer_program.json]
[--write docs/measurements/optimiser.md]``

Lesions of 24 mm with three random catheters and one or three round organs, on lattices of 4 to 6 mm: a binary variable
for each point of an organ is few enough for SciPy's ``milp``. The program is written from the definition of the goals:
a point may lie above its limit where its binary is 1, and the volume of these points stays below that of the goal. It
knows nothing of the plan, of the points that it leaves out or of its bound. Asked first for the highest D100, then for
the smallest mean liver dose at the D100 that the plan holds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from benchmarks.dose_volume import DOSE_GY, GAP_MM, ORGAN_MM, ORGANS, Phantom, planned
from benchmarks.lesions import Layout, implant
from benchmarks.record import command_line, measured, put_table
from hdrplan.arrays import FloatArray
from hdrplan.dose import SamplePoints, dose_rate
from hdrplan.optimize.notes import ProofWork
from hdrplan.sources import load_source

_LESION_MM = 24.0
# Volume of the goals: two points on a lattice of 6 mm, three at 5 mm, seven at 4 mm.
_TAIL_CC = 0.5
# Regions of the proof, half of them for D100.
_REGIONS = 1000
# No point of an organ 7 mm from the lesion gets more than this many times its limit.
_MOST = 5.0
# Volumes stay below the goal's: by less than any point's volume.
_BELOW_CC = 1e-6
# The program's own gap, and what its tolerances change.
_GAP_FRAC, _SAME_FRAC = 1e-5, 1e-4
_LONGEST_S = 120.0
# SciPy's statuses: out of time, an error within the solver.
_LATE, _FAILED = 1, 4
# Longest time of a stop, as planned.
_LONGEST_TIME_S = 600.0
# Times in this unit make rows of about 1: in seconds HiGHS ended some of these programs with "solve error".
_UNIT_S = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Small:
    """A lesion with round organs beside it, on lattices; limits as fractions of D0.5cc in the plan without them."""

    seed: int
    organs: int
    limit_frac: float
    step_mm: float = 6.0


CASES = (
    *(Small(seed=seed, organs=1, limit_frac=frac) for seed in range(1, 5) for frac in (0.95, 0.85)),
    *(Small(seed=seed, organs=3, limit_frac=frac) for seed in (1, 2) for frac in (0.98, 0.95)),
    *(Small(seed=seed, organs=1, limit_frac=frac, step_mm=5.0) for seed in (3, 4) for frac in (0.95, 0.85)),
    *(Small(seed=seed, organs=1, limit_frac=0.9, step_mm=4.0) for seed in (3, 4)),
)


def lattice(center_mm: FloatArray, radius_mm: float, step_mm: float) -> FloatArray:
    """Return the points of a cubic lattice in a ball."""
    axis = np.arange(-radius_mm, radius_mm + step_mm, step_mm)
    offsets = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    return np.asarray(center_mm + offsets[np.linalg.norm(offsets, axis=1) <= radius_mm])


def coarse(case: Small) -> Phantom:
    """Return the phantom of a case: points on lattices, each with the volume of its cube."""
    dwells = implant(Layout(diameter_mm=_LESION_MM, catheters=3, jitter_mm=2.0, tilt_frac=0.08, seed=case.seed))
    radius_mm, away_mm = _LESION_MM / 2, _LESION_MM / 2 + GAP_MM + ORGAN_MM
    turns = 2 * np.pi * np.arange(case.organs) / case.organs
    centers = [away_mm * np.array([np.cos(turn), np.sin(turn), 0.0]) for turn in turns]
    liver = lattice(np.zeros(3), radius_mm + 25.0, case.step_mm)
    apart = [np.linalg.norm(liver - at, axis=1) > size for at, size in
             ((np.zeros(3), radius_mm), *((center, ORGAN_MM) for center in centers))]  # fmt: skip
    parts = [
        ("lesion", "CTV", lattice(np.zeros(3), radius_mm, case.step_mm)),
        ("liver", "OAR", liver[np.all(apart, axis=0)]),
    ]
    names = ORGANS[: case.organs]
    parts += [(name, "OAR", lattice(at, ORGAN_MM, case.step_mm)) for name, at in zip(names, centers, strict=True)]
    counts = [len(at) for _, _, at in parts]
    points_mm = np.concatenate([at for _, _, at in parts])
    cube_cc = case.step_mm**3 / 1000.0
    points = SamplePoints(
        names=tuple(name for name, _, _ in parts),
        roles=tuple(role for _, role, _ in parts),
        start=np.cumsum([0, *counts]),
        points_mm=points_mm,
        volume_cc=np.full(len(points_mm), cube_cc),
        on_surface=np.zeros(len(points_mm), dtype=np.bool_),
        spacing_mm=np.full(len(parts), case.step_mm),
        mask_cc=cube_cc * np.array(counts),
        method="lattice",
    )
    return Phantom(points, dose_rate(dwells, points_mm, load_source("gammamed-12i"), strength_u=40700.0), names)


class IntegerProgram:
    """Dwell times, one binary for each point of an organ, and what D100 misses of the prescription.

    Parameters
    ----------
    phantom : Phantom
    limits_gy : dict
        Organ -> limit of its D1cc.
    """

    def __init__(self, phantom: Phantom, limits_gy: dict[str, float]) -> None:
        rate, points = phantom.rate.gy_per_s, phantom.points
        liver = points.rows("liver")
        volume = points.volume_cc[liver]
        self.n = rate.shape[1]
        self.liver = volume @ rate[liver] / volume.sum()
        self.lesion = rate[points.rows("lesion")]
        self.organs = []
        for name, limit_gy in limits_gy.items():
            rows, volume = rate[points.rows(name)], points.volume_cc[points.rows(name)]
            self.organs.append((rows[volume > 0], volume[volume > 0], limit_gy))
        self.m = sum(len(volume) for _, volume, _ in self.organs)

    def smallest(self, *, d100_gy: float | None) -> tuple[float | None, float]:
        """Return the smallest miss of the prescription (Gy), or where D100 is given, the smallest mean liver dose.

        Parameters
        ----------
        d100_gy : float or None

        Returns
        -------
        value : float or None
            None where the time was used up.
        seconds : float
        """
        n, m = self.n, self.m
        dose_gy = DOSE_GY if d100_gy is None else d100_gy
        rows = [LinearConstraint(self._row(self.lesion, missed=1.0), dose_gy, np.inf)]
        at = n
        for gy_per_s, volume, limit_gy in self.organs:
            own = np.arange(at, at + len(volume))
            above = self._row(gy_per_s)
            above[np.arange(len(volume)), own] = -(_MOST - 1.0) * limit_gy
            left_out = self._row(np.zeros((1, n)))
            left_out[0, own] = volume
            rows += [LinearConstraint(above, -np.inf, limit_gy), LinearConstraint(left_out, 0.0, _TAIL_CC - _BELOW_CC)]
            at += len(volume)
        missed = DOSE_GY if d100_gy is None else 0.0
        cost = np.concatenate((np.zeros(n + m), [1.0]) if d100_gy is None else (_UNIT_S * self.liver, np.zeros(m + 1)))
        begun = time.perf_counter()
        ask = partial(
            milp,
            cost,
            constraints=rows,
            integrality=np.concatenate((np.zeros(n), np.ones(m), [0.0])),
            bounds=Bounds(0.0, np.concatenate((np.full(n, _LONGEST_TIME_S / _UNIT_S), np.ones(m), [missed]))),
        )
        options = {"time_limit": _LONGEST_S, "mip_rel_gap": _GAP_FRAC}
        solved = ask(options=options)
        if solved.status == _FAILED:
            # On some of these programs HiGHS ends with "solve error"; without its presolve it does not.
            solved = ask(options=options | {"presolve": False})
        seconds = time.perf_counter() - begun
        if solved.status == _LATE:
            return None, seconds
        if solved.status != 0:
            raise RuntimeError(f"the integer program did not finish: {solved.message}")
        return float(solved.fun), seconds

    def _row(self, gy_per_s: FloatArray, *, missed: float = 0.0) -> FloatArray:
        """Return rows over all columns: times, binaries, miss."""
        rows = np.zeros((len(gy_per_s), self.n + self.m + 1))
        rows[:, : self.n], rows[:, -1] = _UNIT_S * gy_per_s, missed
        return rows


def result(case: Small) -> dict:
    """Plan one phantom with proof, and let the integer program answer the same two questions."""
    phantom = coarse(case)
    free, _, _ = planned(phantom, {}, 0, tail_cc=_TAIL_CC)
    limits_gy = {
        name: round(case.limit_frac * phantom.dose_gy(name, free.times_s, _TAIL_CC), 4) for name in phantom.organs
    }
    plan, _, processor_s = planned(phantom, limits_gy, _REGIONS, tail_cc=_TAIL_CC)
    main, short = plan.certificate.main, plan.shortfalls
    program = IntegerProgram(phantom, limits_gy)
    missed_gy, first_s = program.smallest(d100_gy=None)
    held = [h.limit for h in plan.certificate.held]
    liver_gy, second_s = program.smallest(d100_gy=held[0] if held else DOSE_GY)
    return {
        "organs": case.organs,
        "step_mm": case.step_mm,
        "binaries": program.m,
        "dwells": program.n,
        "limit_frac": case.limit_frac,
        "d100_gy": short[0].reached_gy if short else DOSE_GY,
        "d100_at_most_gy": short[0].best_gy if short else DOSE_GY,
        "d100_exact_gy": None if missed_gy is None else DOSE_GY - missed_gy,
        "plan_gy": main.value,
        "bound_gy": main.bound,
        "exact_gy": liver_gy,
        "processor_s": round(processor_s, 1),
        "integer_s": round(first_s + second_s, 1),
        "regions": sum(note.regions for note in plan.notes if isinstance(note, ProofWork)),
    }


def agrees(row: dict) -> bool:
    """Whether the optima of the integer program lie between plan and bound, but for its tolerances."""
    more, less = 1.0 + _SAME_FRAC, 1.0 - _SAME_FRAC
    d100_gy, liver_gy = row["d100_exact_gy"], row["exact_gy"]
    return (d100_gy is None or row["d100_gy"] * less <= d100_gy <= row["d100_at_most_gy"] * more) and (
        liver_gy is None or row["bound_gy"] * less <= liver_gy <= row["plan_gy"] * more
    )


def _said(dose_gy: float | None, digits: int) -> str:
    return "not finished" if dose_gy is None else f"{dose_gy:.{digits}f}"


def table(rows: list[dict]) -> str:
    """Return the results as Markdown."""
    lines = [
        "| organs | binaries | dwells | limit / free | D100 (Gy) | exact (Gy) | at most (Gy) | liver bound (Gy) | "
        "exact (Gy) | plan (Gy) | agrees | regions | processor (s) | integer program (s) |",
        "|" + 14 * "---|",
    ]
    lines += [
        f"| {r['organs']} | {r['binaries']} | {r['dwells']} | {r['limit_frac']:g} | {r['d100_gy']:.3f} | "
        f"{_said(r['d100_exact_gy'], 3)} | {r['d100_at_most_gy']:.3f} | {r['bound_gy']:.4f} | "
        f"{_said(r['exact_gy'], 4)} | {r['plan_gy']:.4f} | {'yes' if agrees(r) else 'NO'} | {r['regions']} | "
        f"{r['processor_s']:.0f} | {r['integer_s']:.0f} |"
        for r in rows
    ]
    return "\n".join(lines)


def main() -> None:
    parser = command_line(__doc__, "integer_program")
    parser.add_argument("-n", type=int, default=len(CASES), help="only the first n cases")
    given = parser.parse_args()
    record = measured(given, (partial(result, case) for case in CASES[: given.n]))
    put_table(given.write, "integer-program", table(record["rows"]))


if __name__ == "__main__":
    main()
