"""Certificates of 24 varied phantom lesions of 2 to 12 cm, each agreeing with an independent solver.

``python -m benchmarks.certificates [-n 24] [-o benchmarks/results/certificates.json] [--write docs/optimisation.md]``

The independent check gives SciPy's interior point every row that the plan's dose comes near (within 12 % of a limit),
and none of our bookkeeping; its optimum must agree, and its own plan must hold all other rows.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
from scipy.optimize import linprog

from benchmarks.lesions import Lesion, lesion, varied
from benchmarks.optimisers import DOSE_GY, GOALS, ORGAN_GY, parts
from hdrplan.optimize import optimize_times

NEAR_FRAC = 0.12


def independent(case: Lesion, times_s: np.ndarray, dose_gy: float) -> float | None:
    """Optimum of the other solver, or None where it did not end."""
    ctv, organ, liver = parts(case)
    near_ctv = ctv[ctv @ times_s < dose_gy * (1 + NEAR_FRAC)]
    near_organ = organ[organ @ times_s > ORGAN_GY * (1 - NEAR_FRAC)]
    rows = np.concatenate((-near_ctv, near_organ))
    limits = np.r_[np.full(len(near_ctv), -dose_gy), np.full(len(near_organ), ORGAN_GY)]
    found = linprog(liver, rows, limits, bounds=(0, 600), method="highs-ipm")
    if found.status != 0:
        return None
    if (ctv @ found.x).min() < dose_gy * (1 - 1e-6) or (organ @ found.x).max() > ORGAN_GY * (1 + 1e-6):
        return None
    return float(found.fun)


def independent_d100(case: Lesion, times_s: np.ndarray, dose_gy: float) -> float | None:
    """Greatest D100 under the organ's limit by the other solver."""
    ctv, organ, _ = parts(case)
    near_ctv = ctv[ctv @ times_s < dose_gy * (1 + NEAR_FRAC)]
    near_organ = organ[organ @ times_s > ORGAN_GY * (1 - NEAR_FRAC)]
    n = ctv.shape[1]
    rows = np.concatenate((np.c_[-near_ctv, np.ones(len(near_ctv))], np.c_[near_organ, np.zeros(len(near_organ))]))
    limits = np.r_[np.zeros(len(near_ctv)), np.full(len(near_organ), ORGAN_GY)]
    found = linprog(np.r_[np.zeros(n), -1.0], rows, limits, bounds=[(0, 600)] * n + [(0, DOSE_GY)], method="highs-ipm")
    if found.status != 0 or (organ @ found.x[:n]).max() > ORGAN_GY * (1 + 1e-6):
        return None
    return min(float((ctv @ found.x[:n]).min()), DOSE_GY)


def result(arguments: dict, *, liver_mm: float, point_mm: float) -> dict:
    """Plan and check one lesion."""
    case = lesion(**arguments, liver_mm=liver_mm, point_mm=point_mm)
    started = time.perf_counter()
    optimum = optimize_times(case.rate, case.points, GOALS, healthy="liver")
    seconds = time.perf_counter() - started
    c = optimum.certificate
    reached = min([DOSE_GY, *(s.reached_gy for s in optimum.shortfalls)])
    if optimum.shortfalls:
        other, value = independent_d100(case, optimum.times_s, reached), reached
    else:
        other, value = independent(case, optimum.times_s, DOSE_GY), c.primal
    return {
        "diameter_mm": arguments["diameter_mm"],
        "volume_cc": round(float(case.points.volume_cc[case.points.rows("lesion")].sum()), 1),
        "dwells": len(optimum.times_s),
        "points": len(case.points),
        "status": optimum.status,
        "d100_gy": round(float((parts(case)[0] @ optimum.times_s).min()), 4),
        "seconds": round(seconds, 3),
        "rows_used": c.rows_used,
        "gap_frac": float(f"{c.gap_frac:.2e}"),
        "violation_frac": c.violation_frac,
        "liver_gy": round(c.primal, 5),
        "other_solver_difference_frac": None if other is None else float(f"{abs(value / other - 1):.2e}"),
    }


def table(rows: list[dict]) -> str:
    """Return the results as Markdown."""
    head = "| cc | dwells | points | D100 (Gy) | time (s) | rows | gap | other solver |"
    lines = [head, "|" + 8 * "---|"]
    for r in rows:
        other = r["other_solver_difference_frac"]
        lines.append(
            f"| {r['volume_cc']} | {r['dwells']} | {r['points']:,} | {r['d100_gy']:.2f} | {r['seconds']:.2f} | "
            f"{r['rows_used']} | {r['gap_frac']:.0e} | {'did not end' if other is None else f'{other:.0e}'} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=24)
    parser.add_argument("-o", "--output", type=Path, default=Path("benchmarks/results/certificates.json"))
    parser.add_argument("--write", type=Path, help="Markdown file whose table is replaced")
    parser.add_argument("--table-only", action="store_true", help="use the results kept in --output")
    args = parser.parse_args()
    if args.table_only:
        rows = json.loads(args.output.read_text(encoding="utf-8"))
    else:
        rows = []
        for arguments in varied(args.n):
            # 1.5 mm where 1 mm would need more than 2 GB for the matrix.
            point_mm = 1.5 if arguments["diameter_mm"] > 85 else 1.0
            rows.append(result(arguments, liver_mm=4.0, point_mm=point_mm))
            print(json.dumps(rows[-1]), flush=True)
        args.output.parent.mkdir(parents=True, exist_ok=True)
        args.output.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    if args.write:
        head, _, rest = args.write.read_text(encoding="utf-8").partition("<!-- certificates -->\n")
        _, mark, tail = rest.partition("<!-- end certificates -->")
        if not mark:
            sys.exit(f"{args.write}: expected the marks <!-- certificates --> and <!-- end certificates -->")
        args.write.write_text(f"{head}<!-- certificates -->\n{table(rows)}\n{mark}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
