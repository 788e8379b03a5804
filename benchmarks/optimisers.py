"""Other ways to optimise against the proven optimum, on the same cases and goals.

``python -m benchmarks.optimisers [--large] [--write docs/optimisation.md]``

The baselines are in the spirit of clinical algorithms, not copies of any product: annealing on sampled points with
linear penalties (as IPSA), L-BFGS-B on quadratic penalties over all points (as HIPO), a genetic multi-objective search
on sampled points, and a linear program on sampled points. Each is given the same goals; their weights stand in this
file. Every plan is judged on ALL points. Because the baselines miss D100, their gap is taken after scaling all times
until D100 is exactly 20 Gy; and because scaling may push the organ over its limit, the bound they are compared with is
allowed the same organ dose.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.optimize import linprog, minimize

from benchmarks.lesions import Lesion, lesion
from hdrplan import __version__
from hdrplan.optimize import optimize_times
from hdrplan.plan import Goals, Prescription, parse_goal

DOSE_GY, ORGAN_GY = 20.0, 14.0


def goals(organ_gy: float) -> Goals:
    """Return the goals of all methods."""
    limit = parse_goal(f"Dmax <= {organ_gy} Gy", structure="duodenum", source="benchmark")
    return Goals((Prescription("lesion", DOSE_GY),), (limit,))


GOALS = goals(ORGAN_GY)


def parts(case: Lesion) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of lesion and organ, and the mean row of the liver."""
    ctv, organ, liver = (case.points.rows(name) for name in ("lesion", "duodenum", "liver"))
    volume = case.points.volume_cc[liver]
    return case.rate.gy_per_s[ctv], case.rate.gy_per_s[organ], volume @ case.rate.gy_per_s[liver] / volume.sum()


def sampled(case: Lesion, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random rows, half of the lesion's on its surface."""
    rng = np.random.default_rng(seed)
    rows = case.points.rows("lesion")
    surface = np.flatnonzero(case.points.on_surface[rows])
    inside = np.flatnonzero(~case.points.on_surface[rows])
    ctv, organ, liver = parts(case)
    pick = np.concatenate([rng.choice(a, min(n // 2, len(a)), replace=False) for a in (surface, inside)])
    return ctv[pick], organ[rng.choice(len(organ), min(n, len(organ)), replace=False)], liver


def exact(case: Lesion) -> np.ndarray:
    """Linear program over all points, rows added as violated: hdrplan."""
    return optimize_times(case.rate, case.points, GOALS, healthy="liver").times_s


def sampled_lp(case: Lesion, n: int = 2000) -> np.ndarray:
    """Solve the same program on n sampled points, given whole."""
    ctv, organ, liver = sampled(case, n)
    limits = np.r_[np.full(len(ctv), -DOSE_GY), np.full(len(organ), ORGAN_GY)]
    found = linprog(liver, np.concatenate((-ctv, organ)), limits, bounds=(0, 600), method="highs-ds")
    return found.x


def annealing(case: Lesion, moves: int = 40_000, n: int = 1000) -> np.ndarray:
    """Anneal single times: linear penalties on sampled points."""
    ctv, organ, liver = sampled(case, n)
    rng = np.random.default_rng(1)
    m = ctv.shape[1]
    times = np.full(m, DOSE_GY / np.percentile(ctv.sum(axis=1), 5))
    dose, organ_dose = ctv @ times, organ @ times

    def cost(d: np.ndarray, o: np.ndarray, t: np.ndarray) -> float:
        return float(20.0 * np.maximum(DOSE_GY - d, 0).mean() + 20.0 * np.maximum(o - ORGAN_GY, 0).mean() + liver @ t)

    now = cost(dose, organ_dose, times)
    best, best_times = now, times.copy()
    for k in range(moves):
        heat = 0.2 * (1 - k / moves) ** 3
        j = int(rng.integers(m))
        new = max(0.0, times[j] + rng.normal(0.0, 0.15 * times.mean() + 0.05 * times[j]))
        step = new - times[j]
        trial, trial_organ = dose + step * ctv[:, j], organ_dose + step * organ[:, j]
        old, times[j] = times[j], new
        value = cost(trial, trial_organ, times)
        if value < now or rng.random() < np.exp(-(value - now) / max(heat, 1e-12)):
            now, dose, organ_dose = value, trial, trial_organ
            if now < best:
                best, best_times = now, times.copy()
        else:
            times[j] = old
    return best_times


def quadratic_penalty(case: Lesion) -> np.ndarray:
    """L-BFGS-B on quadratic penalties over all points of lesion and organ."""
    ctv, organ, liver = parts(case)

    def value(t: np.ndarray) -> tuple[float, np.ndarray]:
        low, high = np.maximum(DOSE_GY - ctv @ t, 0), np.maximum(organ @ t - ORGAN_GY, 0)
        cost = 2000 * (low @ low) / len(ctv) + 2000 * (high @ high) / len(organ) + liver @ t
        slope = -4000 * (low @ ctv) / len(ctv) + 4000 * (high @ organ) / len(organ) + liver
        return float(cost), slope

    start = np.full(ctv.shape[1], DOSE_GY / np.median(ctv.sum(axis=1)))
    box = [(0, 600)] * ctv.shape[1]
    return minimize(value, start, jac=True, method="L-BFGS-B", bounds=box, options={"maxiter": 500}).x


def genetic(case: Lesion, people: int = 80, generations: int = 150, n: int = 600) -> np.ndarray:
    """Two objectives (least dose of the lesion, mean of the liver) under non-dominated sorting; sampled points."""
    ctv, organ, liver = sampled(case, n)
    rng = np.random.default_rng(2)
    m = ctv.shape[1]
    scale = DOSE_GY / np.median(ctv.sum(axis=1))
    times = scale * rng.gamma(2.0, 0.5, (people, m))

    def objectives(t: np.ndarray) -> np.ndarray:
        least = (ctv @ t.T).min(axis=0)
        over = np.maximum((organ @ t.T).max(axis=0) - ORGAN_GY, 0)
        return np.stack((-np.minimum(least, DOSE_GY) + over, t @ liver), axis=1)

    def ranks(f: np.ndarray) -> np.ndarray:
        worse = (f[:, None] >= f[None]).all(axis=2) & (f[:, None] > f[None]).any(axis=2)
        return worse.sum(axis=1)

    scores = objectives(times)
    for _ in range(generations):
        mothers, fathers = (times[rng.permutation(people)] for _ in range(2))
        mix = rng.uniform(-0.25, 1.25, (people, m))
        children = np.maximum(mothers + mix * (fathers - mothers), 0)
        change = rng.random((people, m)) < 1.5 / m
        children = np.where(change, children * rng.lognormal(0.0, 0.3, (people, m)), children)
        everyone = np.concatenate((times, children))
        both = np.concatenate((scores, objectives(children)))
        order = np.lexsort((both[:, 1], both[:, 0], ranks(both)))[:people]
        times, scores = everyone[order], both[order]
    lesion_gy = -scores[:, 0]
    # The best after scaling to the prescription.
    return times[np.argmin(scores[:, 1] / np.maximum(lesion_gy, 1e-6))]


METHODS: dict[str, Callable[[Lesion], np.ndarray]] = {
    "hdrplan: LP, all points": exact,
    "LP, 2000 sampled points": sampled_lp,
    "annealing (as IPSA), 1000 points": annealing,
    "quadratic penalty (as HIPO), L-BFGS-B": quadratic_penalty,
    "genetic, two objectives": genetic,
}


def judged(case: Lesion, name: str) -> dict[str, float | str]:
    """Run one method; judge it on all points."""
    ctv, organ, liver = parts(case)
    started = time.perf_counter()
    times = METHODS[name](case)
    seconds = time.perf_counter() - started
    d100 = float((ctv @ times).min())
    scaled = times * DOSE_GY / d100
    # The bound is that of plans which may give the organ as much as this one does after scaling.
    allowed_gy = max(ORGAN_GY, float((organ @ scaled).max()))
    bound = optimize_times(case.rate, case.points, goals(allowed_gy), healthy="liver").certificate.dual
    return {
        "case": case.name,
        "dwells": len(times),
        "method": name,
        "seconds": round(seconds, 3),
        "d100_gy": round(d100, 2),
        "organ_max_gy": round(float((organ @ times).max()), 2),
        "scaled_liver_gy": round(float(liver @ scaled), 4),
        "scaled_organ_gy": round(float((organ @ scaled).max()), 2),
        "gap_pct": round(100 * (float(liver @ scaled) / bound - 1), 3),
    }


def table(rows: list[dict]) -> str:
    """Return the results as Markdown."""
    lines = [
        "| case | method | time (s) | D100 (Gy) | organ Dmax (Gy) | scaled: liver gap (%) | scaled: organ (Gy) |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r['case']}, {r['dwells']} dwells | {r['method']} | {r['seconds']:.2f} | {r['d100_gy']:.2f} | "
        f"{r['organ_max_gy']:.2f} | {r['gap_pct']:.2f} | {r['scaled_organ_gy']:.2f} |"
        for r in rows
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true", help="also 270 cc")
    parser.add_argument("--write", type=Path, help="Markdown file whose table is replaced")
    parser.add_argument("-o", "--output", type=Path, default=Path("benchmarks/results/optimisers.json"))
    args = parser.parse_args()
    cases = [lesion(40.0, catheters=4, step_mm=5.0, organ_gap_mm=6.0)]
    if args.large:
        cases.append(lesion(80.0, catheters=12, step_mm=7.0, liver_mm=3.0))
    optimize_times(cases[0].rate, cases[0].points, GOALS, healthy="liver")  # once, so that nothing is compiled below
    rows = []
    for case in cases:
        for name in METHODS:
            rows.append(judged(case, name))
            print(json.dumps(rows[-1]), flush=True)
    record = {
        "machine": {"processor": platform.machine(), "python": platform.python_version(), "numpy": np.__version__},
        "hdrplan": __version__,
        "rows": rows,
    }
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    if args.write:
        text = args.write.read_text(encoding="utf-8")
        head, _, rest = text.partition("<!-- optimisers -->\n")
        _, mark, tail = rest.partition("<!-- end optimisers -->")
        if not mark:
            sys.exit(f"{args.write}: expected the marks <!-- optimisers --> and <!-- end optimisers -->")
        args.write.write_text(f"{head}<!-- optimisers -->\n{table(rows)}\n{mark}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
