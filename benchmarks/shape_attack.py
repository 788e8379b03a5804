"""Search for holes in the proof at every point: random shapes, random implants, own dose, own search, own program.

``python -m benchmarks.shape_attack [-n 40] [--first-seed 0] [-o benchmarks/results/shape_attack.json]
[--write docs/measurements/optimiser.md]``

Plates, horseshoes, tips, needles, shells, rings and lesions in two parts, turned at random, on voxels of 0.6 to 5 mm.
For each of them:

- are there sample points outside the shape that the proof covers?
- is a point of the shape colder than the dose that the proof says is the lowest? Asked of the optimum and of random
  times, by descent from many starts on the continuous shape;
- is there a plan below the stated bound that gives the prescription at every point, as far as the descent sees and as
  the proof itself finds? Asked by a linear program of its own on points of its own, cold points added until none is
  left.

Shape (SciPy's trilinear interpolation), dose (TG-43U1, eq. 1) and program (SciPy's ``linprog``) are written here from
their definitions; the proof is only asked whether it accepts a plan.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from scipy.ndimage import map_coordinates
from scipy.optimize import linprog

from benchmarks.odd_shapes import random_shape
from benchmarks.record import command_line, measured, put_table
from hdrplan.dose import MinimumDose, MinimumDoseSearch, Shape, dose_rate, sample_points
from hdrplan.geometry import Dwells, Grid, Structure
from hdrplan.optimize import PlanProblem, optimize_every_point
from hdrplan.plan import Goals, Prescription
from hdrplan.sources import TG43Source, load_source

SOURCE, STRENGTH_U, DOSE_GY = "gammamed-12i", 40700.0, 20.0
_STARTS, _STEPS, _SMALLEST_MM = 25, 60, 1e-4
_ROUNDS = 25
# What the optimiser may pay for its proof.
_TOLERANCE_FRAC = 1e-3


def rates(dwells: Dwells, points_mm: np.ndarray, source: TG43Source) -> np.ndarray:
    """Gy/s at (n, 3) points from one second at each dwell, (n, n_dwells): TG-43U1, eq. 1; in a capsule, at its wall."""
    along, away = _along_away(dwells, points_mm)
    away = np.where(_in_capsule(along, away, source), source.capsule.radius_mm, np.maximum(away, 1e-5))
    length = source.active_length_mm

    def geometry(along: np.ndarray, away: np.ndarray) -> np.ndarray:
        beta = np.arctan2(along + length / 2, away) - np.arctan2(along - length / 2, away)
        return beta / (length * away)

    r, theta = np.hypot(along, away), np.arctan2(away, along)
    g = np.interp(r, source.radial_r_mm, source.radial_dose)
    f = np.ones_like(r)
    at_r = np.clip(r, source.anisotropy_r_mm[0], source.anisotropy_r_mm[-1])
    j = np.clip(np.searchsorted(source.anisotropy_r_mm, at_r, side="right") - 1, 0, len(source.anisotropy_r_mm) - 2)
    i = np.clip(np.searchsorted(source.anisotropy_theta_rad, theta, side="right") - 1, 0, len(source.anisotropy) - 2)
    u = (at_r - source.anisotropy_r_mm[j]) / (source.anisotropy_r_mm[j + 1] - source.anisotropy_r_mm[j])
    v = (theta - source.anisotropy_theta_rad[i]) / (source.anisotropy_theta_rad[i + 1] - source.anisotropy_theta_rad[i])
    table = source.anisotropy
    f = (1 - v) * ((1 - u) * table[i, j] + u * table[i, j + 1]) + v * (
        (1 - u) * table[i + 1, j] + u * table[i + 1, j + 1]
    )
    scale = STRENGTH_U * source.dose_rate_constant_gy_per_s_per_u / geometry(np.zeros(1), np.full(1, 10.0))[0]
    return np.asarray(scale * geometry(along, away) * g * f)


def _along_away(dwells: Dwells, points_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance of each point along and away from each dwell's axis, (n, n_dwells)."""
    from_dwell = points_mm[:, None, :] - dwells.positions_mm
    along = np.einsum("nkc,kc->nk", from_dwell, dwells.axes)
    return along, np.linalg.norm(from_dwell - along[..., None] * dwells.axes, axis=2)


def _in_capsule(along: np.ndarray, away: np.ndarray, source: TG43Source) -> np.ndarray:
    capsule = source.capsule
    within = (away < capsule.radius_mm) & (along >= capsule.cable_z_mm) & (along <= capsule.tip_z_mm)
    return np.asarray(within)


def held(shape: Shape, points_mm: np.ndarray) -> np.ndarray:
    """Whether each point lies in a shape."""
    index = (points_mm - shape.grid.origin_mm) @ np.linalg.inv(shape.grid.direction).T / shape.grid.spacing_mm
    level = map_coordinates(shape.level_zyx.astype(float), index[:, ::-1].T, order=1, mode="nearest")
    return np.asarray(level >= -1e-12)


def some_points(shape: Shape, rng: np.random.Generator, count: int) -> np.ndarray:
    """Random points of a shape, half of them moved in a random direction to its surface."""
    cells = np.argwhere(shape.level_zyx >= 0)[:, ::-1]
    index = cells[rng.integers(0, len(cells), count)] + rng.uniform(-1.0, 1.0, (count, 3))
    points = shape.grid.world(np.concatenate((index, cells[rng.integers(0, len(cells), count // 4)])))
    inside = points[held(shape, points)]
    way = rng.normal(size=inside.shape)
    way /= np.linalg.norm(way, axis=1)[:, None]
    far = inside + way * rng.uniform(0.0, 8.0, (len(inside), 1))
    return np.concatenate((inside, _pulled_in(shape, inside, far)))


def _pulled_in(shape: Shape, inside: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the points wanted where they lie in the shape, else the last ones on the way that do, by halving."""
    outside = ~held(shape, wanted)
    low, high = inside.copy(), wanted.copy()
    for _ in range(20):
        middle = (low + high) / 2
        holds = held(shape, middle)[:, None]
        low, high = np.where(holds, middle, low), np.where(holds, high, middle)
    return np.where(outside[:, None], low, wanted)


def coldest(
    shape: Shape, dose_gy: Callable[[np.ndarray], np.ndarray], rng: np.random.Generator, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cold points and their doses, the coldest first: descent on the continuous shape, from the coldest of many."""
    points = some_points(shape, rng, count)
    dose = dose_gy(points)
    order = np.argsort(dose)
    _, apart = np.unique(np.floor(points[order] / 1.5), axis=0, return_index=True)
    first = order[np.sort(apart)[:_STARTS]]
    at, gy, step_mm = points[first], dose[first], np.full(len(first), 1.0)
    ways = np.array([w for w in np.ndindex(3, 3, 3) if w != (1, 1, 1)]) - 1.0
    for _ in range(_STEPS):
        turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        tried = at[:, None] + step_mm[:, None, None] * (ways @ turn)
        tried = _pulled_in(shape, np.repeat(at, len(ways), axis=0), tried.reshape(-1, 3))
        tried_gy = dose_gy(tried).reshape(len(at), -1)
        best = tried_gy.argmin(axis=1)
        row = np.arange(len(at))
        colder = tried_gy[row, best] < gy
        at = np.where(colder[:, None], tried.reshape(len(at), -1, 3)[row, best], at)
        gy = np.where(colder, tried_gy[row, best], gy)
        step_mm *= np.where(colder, 1.3, 0.5)
        if step_mm.max() < _SMALLEST_MM:
            break
    order = np.argsort(gy)
    return at[order], gy[order]


def implant(ctv: Structure, rng: np.random.Generator) -> Dwells:
    """One to three straight catheters through random voxels, 4 to 7 dwells each."""
    positions, axes, catheter, offset = [], [], [], []
    names = tuple("abc"[: rng.integers(1, 4)])
    for k in range(len(names)):
        axis = rng.normal(size=3)
        axis /= np.linalg.norm(axis)
        along = (np.arange(rng.integers(4, 8)) - 3.0) * rng.uniform(4.0, 6.0)
        positions.append(ctv.voxels_mm[rng.integers(len(ctv.voxels_xyz))] + along[:, None] * axis)
        axes.append(np.tile(axis, (len(along), 1)))
        catheter.append(np.full(len(along), k))
        offset.append(along - along[0])
    return Dwells(
        positions_mm=np.concatenate(positions),
        axes=np.concatenate(axes),
        catheter=np.concatenate(catheter),
        offset_mm=np.concatenate(offset),
        catheter_names=names,
    )


def around(ctv: Structure) -> Structure:
    """Return a block of liver that ends 25 mm beyond a lesion, on voxels of 6 mm."""
    grid = Grid.around(ctv.voxels_mm, spacing_mm=6.0, margin_mm=25.0)
    return Structure(name="liver", role="OAR", grid=grid, mask_zyx=np.ones(grid.shape_zyx, dtype=bool))


def attack(seed: int, *, count: int = 4000) -> dict:
    """Attack the proof of one random lesion; ``count`` is the number of points that each search begins with."""
    rng, source = np.random.default_rng(seed), load_source(SOURCE)
    ctv = random_shape(rng)
    name, dwells = ctv.name, implant(ctv, rng)
    points = sample_points([ctv, around(ctv)], spacing_mm=2.0, healthy="liver")
    problem = PlanProblem(
        rate=dose_rate(dwells, points.points_mm, source, strength_u=STRENGTH_U),
        points=points,
        goals=Goals((Prescription(name, DOSE_GY),)),
        healthy="liver",
        max_time_s=5000.0,
    )
    shape = points.shape(name)

    minimum = MinimumDoseSearch(shape, dwells, source, strength_u=STRENGTH_U)

    def least(_: str, times_s: np.ndarray, **asked: Any) -> MinimumDose:
        return minimum.minimum_dose(times_s, **asked)

    def search(times_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        def dose_gy(at: np.ndarray) -> np.ndarray:
            return rates(dwells, at, source) @ times_s

        return coldest(shape, dose_gy, rng, count)

    planned = optimize_every_point(
        problem,
        minimum_dose=least,
        rate_at=lambda _, at: dose_rate(dwells, at, source, strength_u=STRENGTH_U),
        tolerance_frac=_TOLERANCE_FRAC,
    )
    asked, main = planned.problem.points, planned.optimum.certificate.main
    cold_gy = float(search(planned.optimum.times_s)[1][0])
    # Random times: a proof of a hair more than a point is known to receive must fail.
    random_s = rng.exponential(30.0, len(dwells)) * (rng.random(len(dwells)) < 0.8) + 0.1
    seen_gy = float(search(random_s)[1][0])
    refused = least(name, random_s, wanted_gy=seen_gy * (1 + 1e-4), tolerance_gy=1e-3 * seen_gy)
    rows = points.rows("liver")
    cost = points.volume_cc[rows] / points.volume_cc[rows].sum() @ rates(dwells, points.points_mm[rows], source)
    rival = _rival(
        shape, dwells, source, cost, search, lambda times_s: least(name, times_s, wanted_gy=DOSE_GY, tolerance_gy=0.02)
    )
    return {
        "seed": seed,
        "shape": name,
        "voxel_mm": [round(float(mm), 2) for mm in ctv.grid.spacing_mm],
        "volume_cc": round(ctv.volume_cc, 2),
        "points": asked.rows(name).stop - asked.rows(name).start,
        "outside": int((~held(shape, asked.points_mm[asked.rows(name)])).sum()),
        "proven": planned.proven,
        "proven_gy": planned.minimum[name].lower_gy,
        "coldest_gy": cold_gy,
        "random_proven_frac": refused.lower_gy / seen_gy,
        "random_refused": not refused.finished,
        "value": main.value,
        "bound": main.bound,
        "rival_seen_over_bound": rival[0] / main.bound - 1.0,
        "rival_over_bound": rival[1] / main.bound - 1.0,
    }


def _rival(
    shape: Shape,
    dwells: Dwells,
    source: TG43Source,
    cost: np.ndarray,
    search: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    proved: Callable[[np.ndarray], MinimumDose],
) -> tuple[float, float]:
    """Objective of the best plan of a program of its own: held as far as the search sees, and as the proof accepts."""
    points = some_points(shape, np.random.default_rng(5), 3000)
    known = rates(dwells, points, source)
    seen = float("nan")
    for _ in range(_ROUNDS):
        found = linprog(cost, -known, np.full(len(known), -DOSE_GY), bounds=(0.0, 5000.0), method="highs")
        if found.status != 0:
            break
        at, gy = search(found.x)
        if gy[0] >= DOSE_GY * (1 - 2e-5):
            # As far as the search sees; a proof needs a little more to close, or knows points that are colder still.
            times_s = found.x * DOSE_GY / min(DOSE_GY, float(gy[0]))
            seen = float(cost @ times_s)
            for more in (1e-4, 5e-4, 1e-3):
                proof = proved(times_s * (1 + more))
                if proof.lower_gy >= DOSE_GY:
                    return seen, seen * (1 + more)
            at = np.concatenate((at, proof.cold_mm[:50]))
        known = np.concatenate((known, rates(dwells, at, source)))
    return seen, float("nan")


def table(rows: list[dict]) -> str:
    """Return the results as Markdown."""
    proven = [r for r in rows if r["proven"]]
    seen, accepted = (
        [100 * r[name] for r in proven if np.isfinite(r[name])]
        for name in ("rival_seen_over_bound", "rival_over_bound")
    )
    margin = min(r["coldest_gy"] - r["proven_gy"] for r in proven)
    facts = [
        ("random lesions", len(rows)),
        ("of them proven at every point", len(proven)),
        (
            "points of the programs outside the shape",
            f"{sum(r['outside'] for r in rows)} of {sum(r['points'] for r in rows):,}",
        ),
        ("coldest point found, less the dose proven (Gy)", f"{margin:.4f} at least"),
        ("proofs of more than a known point of the shape receives", sum(not r["random_refused"] for r in rows)),
        (
            "dose proven of random times, of the coldest found",
            f"{max(r['random_proven_frac'] for r in rows):.6f} at most",
        ),
        (
            f"objective above the bound: {len(seen)} other plans, every point held as far as the descent sees",
            f"{min(seen):.3f} to {max(seen):.3f} %",
        ),
        (
            f"the same: {len(accepted)} of them, a little longer, that the proof itself accepts",
            f"{min(accepted):.3f} to {max(accepted):.3f} %",
        ),
    ]
    return "\n".join(["| attack | result |", "|---|---|", *(f"| {what} | {result} |" for what, result in facts)])


def main() -> None:
    parser = command_line(__doc__, "shape_attack")
    parser.add_argument("-n", type=int, default=40)
    parser.add_argument("--first-seed", type=int, default=0)
    given = parser.parse_args()
    seeds = range(given.first_seed, given.first_seed + given.n)
    record = measured(given, (partial(attack, seed) for seed in seeds))
    put_table(given.write, "shape-attack", table(record["rows"]))


if __name__ == "__main__":
    main()
