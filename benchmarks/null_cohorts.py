"""How often do the dose-recurrence tests cry wolf? Cohorts in which dose has no effect, from raw tables to p values.

Every cohort has 114 + 50 patients; large lesions get less dose and recur more often, lesions of a patient share a gamma
frailty, events are seen at scans. A test of level 5 % should reject in 5 % of them; what everybody does is beside it.

    python benchmarks/null_cohorts.py --n 500 -o docs/measurements/null-cohorts.json --page docs/howto/cohort.md
    python benchmarks/null_cohorts.py --n 100 --hr 0.9         # power instead
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import math
import sys
import time
from pathlib import Path

import numpy as np
from scipy import stats

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from hdrplan.analysis import lesion_table
from hdrplan.analysis.dose_shape import line_p, spline_curve, step_beside_line
from hdrplan.analysis.effects import D100, adjusters, d100_model
from hdrplan.cohort import Rules, checked_cohort, derive
from hdrplan.errors import HdrPlanError
from hdrplan.outcomes import best_cutoff, cox, cutoff_problem, max_t
from synthetic_cohort import synthetic_cohort

TESTS = {
    "headline": "D100 per Gy, adjusted, errors by patient (headline)",
    "score": "D100 per Gy, adjusted score test, patients' signs flipped",
    "spline": "spline of D100, 3 df, adjusted score test, errors by patient",
    "line": "a straight line, against a curve and against a step, corrected for both",
    "cutoff": "best cut-off, adjusted, corrected by resampling patients (headline)",
    "cutoff_lausen92": "best cut-off, not adjusted, Lausen 1992",
    "cutoff_naive": "best cut-off, not adjusted, no correction",
    "univariate": "D100 per Gy alone, lesions as independent",
}


def p_values(seed: int, hr: float, resamples: int, size_effect: float) -> tuple[dict[str, float], int]:
    """Return the p of every test on one cohort, and its number of recurrences."""
    rng = np.random.default_rng([2021, seed])
    made = synthetic_cohort(rng, {"HCC": 114, "CRLM": 50}, log_hr_per_gy=math.log(hr), size_effect_on_dose=size_effect)
    rules = Rules()
    cohort, _ = checked_cohort(made.raw, rules, today=dt.date(2026, 1, 1))
    table = lesion_table(cohort, derive(cohort, rules))
    found = dict.fromkeys(TESTS, math.nan)
    lesions, dose = table.follow_up, table.d100_gy
    try:
        fit = d100_model(table)
        found["headline"] = float(fit.p[fit.names.index(D100)])
        curve = spline_curve(table)
        found["spline"] = curve.overall.p
        beside = adjusters(table)
        joint = max_t(cox(lesions, beside), {"d100": dose}, rng=rng, n_resamples=resamples)
        found["score"] = float(joint.p_adjusted[0])
        adjusted = cutoff_problem(lesions, dose, covariates=beside)
        found["cutoff"] = best_cutoff(adjusted, rng=rng, n_resamples=resamples).p.resampled
        bare = best_cutoff(cutoff_problem(lesions, dose), rng=rng, n_resamples=0)
        found["cutoff_lausen92"], found["cutoff_naive"] = bare.p.lausen92, bare.p.naive
        straight = line_p(curve, step_beside_line(table, rng=rng, n_resamples=resamples))
        found["line"] = math.nan if straight is None else straight
        found["univariate"] = float(cox(lesions.independent, {D100: dose}).p[0])
    except HdrPlanError as error:  # counted as missing below, never as "not significant"
        print(f"cohort {seed}: {error}", file=sys.stderr)
    return found, table.n_events


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=500)
    parser.add_argument("--hr", type=float, default=1.0, help="true hazard ratio per Gy")
    parser.add_argument("--resamples", type=int, default=499)
    parser.add_argument("--size-effect", type=float, default=-0.05, help="Gy of D100 per mm of diameter")
    parser.add_argument("--page", type=Path, help="write the table between the marks of this page")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    start = time.perf_counter()
    rows, events = zip(
        *(p_values(i, options.hr, options.resamples, options.size_effect) for i in range(options.n)), strict=True
    )
    seconds = time.perf_counter() - start
    result: dict[str, object] = {
        "cohorts": options.n, "true_hr_per_gy": options.hr, "size_effect_gy_per_mm": options.size_effect,
        "median_recurrences": float(np.median(events)), "seconds_per_cohort": round(seconds / options.n, 3),
    }  # fmt: skip
    table: dict[str, dict[str, object]] = {}
    for name, words in TESTS.items():
        p = np.array([row[name] for row in rows])
        known = p[np.isfinite(p)]
        rejected = int((known < 0.05).sum())
        low, high = stats.binomtest(rejected, known.size).proportion_ci(method="exact")
        table[name] = {
            "test": words, "rejected": rejected, "of": int(known.size), "share": round(rejected / known.size, 4),
            "exact_95": [round(low, 4), round(high, 4)], "holds_5_percent": bool(low <= 0.05 <= high),
        }  # fmt: skip
        print(f"{words:<74}{100 * rejected / known.size:6.1f} %  (95 % {100 * low:.1f} to {100 * high:.1f})")
    result["tests"] = table
    if options.page:
        start_mark, end_mark = "<!-- null cohorts -->\n", "<!-- end of null cohorts -->"
        before, rest = options.page.read_text(encoding="utf-8").split(start_mark)
        lines = ["| test | rejects | exact 95 % | holds 5 % |", "|---|---|---|---|"]
        for t in table.values():
            low, high = (100 * x for x in t["exact_95"])
            holds = "yes" if t["holds_5_percent"] else "**no**"
            lines.append(f"| {t['test']} | {100 * t['share']:.1f} % | {low:.1f} to {high:.1f} | {holds} |")
        text = before + start_mark + "\n".join(lines) + "\n" + end_mark + rest.split(end_mark)[1]
        options.page.write_text(text, encoding="utf-8")
    if options.output:
        options.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
