"""Other ways to optimise against the proven optimum, on the same cases and goals.

``python -m benchmarks.optimisers [--large] [--write docs/measurements/optimiser.md]``

The baselines are in the spirit of clinical algorithms, not copies of any product: annealing on sampled points with
linear penalties (as IPSA), L-BFGS-B on quadratic penalties over all points (as HIPO), a genetic multi-objective search
on sampled points, and a linear program on sampled points. Each is given the same goals and at most BUDGET_S; their
weights stand in this file. Annealing is compiled, the others are matrix products. Every plan is judged on ALL points.
Because the baselines miss D100, their gap is taken after scaling all times until D100 is exactly 20 Gy; and because
scaling may push the organ over its limit, the bound they are compared with is allowed the same organ dose.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numba
import numpy as np
from scipy.optimize import linprog, minimize

from benchmarks.lesions import Layout, Lesion, lesion
from benchmarks.record import command_line, measured, put_table, timed
from hdrplan.optimize import optimize_times
from hdrplan.plan import Goals, Prescription, parse_goal

DOSE_GY, ORGAN_GY = 20.0, 14.0
# No method is given more; one that is not done then shows the best it has.
BUDGET_S = 180.0


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
    return optimize_times(case.problem(GOALS)).times_s


def sampled_lp(case: Lesion, n: int = 2000) -> np.ndarray:
    """Solve the same program on n sampled points, given whole."""
    ctv, organ, liver = sampled(case, n)
    limits = np.r_[np.full(len(ctv), -DOSE_GY), np.full(len(organ), ORGAN_GY)]
    found = linprog(liver, np.concatenate((-ctv, organ)), limits, bounds=(0, 600), method="highs-ds")
    return found.x


@numba.njit(fastmath=True)
def _annealed(ctv_t, organ_t, liver, times, moves, rng):
    """Compiled moves of single times; doses are kept up to date."""
    m, width = len(times), times.mean()
    dose, organ_dose = times @ ctv_t, times @ organ_t
    trial, trial_organ = np.empty_like(dose), np.empty_like(organ_dose)
    now, best, best_times = np.inf, np.inf, times.copy()
    for k in range(moves):
        # Both the temperature and the steps shrink.
        left = 1 - k / moves
        heat = max(0.1 * left**3, 1e-12)
        j = int(rng.random() * m)
        new = max(0.0, times[j] + (0.01 + left**2) * rng.normal(0.0, 0.15 * width + 0.05 * times[j]))
        step = new - times[j]
        cold = hot = 0.0
        for i in range(len(dose)):
            trial[i] = dose[i] + step * ctv_t[j, i]
            cold += max(DOSE_GY - trial[i], 0.0)
        for i in range(len(organ_dose)):
            trial_organ[i] = organ_dose[i] + step * organ_t[j, i]
            hot += max(trial_organ[i] - ORGAN_GY, 0.0)
        value = 200.0 * cold / len(dose) + 200.0 * hot / len(organ_dose) + liver @ times + step * liver[j]
        if value < now or rng.random() < np.exp(-(value - now) / heat):
            now, times[j] = value, new
            dose, trial = trial, dose
            organ_dose, trial_organ = trial_organ, organ_dose
            if now < best:
                best, best_times = now, times.copy()
    return best, best_times


def annealing(case: Lesion, moves: int = 1_000_000, n: int = 4000) -> np.ndarray:
    """Anneal single times, compiled: linear penalties on sampled points, the best of three runs.

    Single moves come to rest at the kinks of linear penalties, each run at others.
    """
    ctv, organ, liver = sampled(case, n)
    start = np.full(ctv.shape[1], DOSE_GY / np.percentile(ctv.sum(axis=1), 5))
    columns = np.ascontiguousarray(ctv.T), np.ascontiguousarray(organ.T)
    runs = [_annealed(*columns, liver, start.copy(), moves, np.random.default_rng(seed)) for seed in (1, 2, 3)]
    return min(runs, key=lambda run: run[0])[1]


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
    over = time.perf_counter() + BUDGET_S

    def late(intermediate_result) -> None:
        if time.perf_counter() > over:
            raise StopIteration

    return minimize(value, start, jac=True, method="L-BFGS-B", bounds=box, options={"maxiter": 500}, callback=late).x


def genetic(case: Lesion, people: int = 80, generations: int = 1000, n: int = 2000) -> np.ndarray:
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
    over = time.perf_counter() + BUDGET_S
    for _ in range(generations):
        if time.perf_counter() > over:
            break
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
    "annealing (as IPSA), 4000 points, best of 3": annealing,
    "quadratic penalty (as HIPO), L-BFGS-B": quadratic_penalty,
    "genetic, two objectives, 2000 points": genetic,
}


def judged(case: Lesion, name: str) -> dict[str, float | str]:
    """Run one method; judge it on all points."""
    ctv, organ, liver = parts(case)
    times, spent = timed(lambda: METHODS[name](case))
    d100 = float((ctv @ times).min())
    scaled = times * DOSE_GY / d100
    # The bound is that of plans which may give the organ as much as this one does after scaling.
    allowed_gy = max(ORGAN_GY, float((organ @ scaled).max()))
    bound = optimize_times(case.problem(goals(allowed_gy))).certificate.main.bound
    return {
        "case": case.name,
        "dwells": len(times),
        "method": name,
        **spent,
        "d100_gy": round(d100, 2),
        "organ_max_gy": round(float((organ @ times).max()), 2),
        "scaled_liver_gy": round(float(liver @ scaled), 4),
        "scaled_organ_gy": round(float((organ @ scaled).max()), 2),
        "gap_pct": round(100 * (float(liver @ scaled) / bound - 1), 3),
    }


def table(rows: list[dict]) -> str:
    """Return the results as Markdown."""
    lines = [
        "| case | method | s | CPU s | D100 (Gy) | organ Dmax (Gy) | scaled: liver gap (%) | scaled: organ (Gy) |",
        "|" + 8 * "---|",
    ]
    lines += [
        f"| {r['case']}, {r['dwells']} dwells | {r['method']} | {r['seconds']:.2f} | "
        f"{r['cpu_seconds']:.2f} | {r['d100_gy']:.2f} | {r['organ_max_gy']:.2f} | {r['gap_pct']:.2f} | "
        f"{r['scaled_organ_gy']:.2f} |"
        for r in rows
    ]
    return "\n".join(lines)


def compiled(case: Lesion) -> Lesion:
    """Return a lesion after a run of what would be compiled in the first measurement."""
    exact(case)
    annealing(case, moves=10)
    return case


def main() -> None:
    parser = command_line(__doc__, "optimisers")
    parser.add_argument("--large", action="store_true", help="also 270 cc")
    given = parser.parse_args()
    cases = [lambda: compiled(lesion(Layout(diameter_mm=40.0, catheters=4, organ_gap_mm=6.0)))]
    if given.large:
        cases.append(lambda: lesion(Layout(diameter_mm=80.0, catheters=12, step_mm=7.0)))
    work = (partial(judged, case, name) for make in cases for case in [make()] for name in METHODS)
    record = measured(given, work, budget_seconds=BUDGET_S)
    put_table(given.write, "optimisers", table(record["rows"]))


if __name__ == "__main__":
    main()
