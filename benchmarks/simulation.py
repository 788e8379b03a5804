"""Cost of simulating: deliveries a second, seconds and bytes a plan, and how they grow.

Run: python -m benchmarks.simulation. CPU seconds of one thread: a busy machine does not change them. See
docs/measurements/simulation.md.
"""

from __future__ import annotations

import json
import os
import platform
import time
from dataclasses import asdict
from pathlib import Path

os.environ["HDRPLAN_THREADS"] = "1"

import numpy as np

from hdrplan.dose import dose_rate
from hdrplan.io import read_case
from hdrplan.options import PlanOptions
from hdrplan.simulate import Scenarios, Uncertainty, robust_coverage
from hdrplan.sources import load_source
from hdrplan.workflow import LesionTask, host_organ, plan_case, plan_lesion, robust_points

PHANTOM = Path(__file__).parents[1] / "phantoms" / "liver-lesion-b"


def main() -> None:
    found = read_case(PHANTOM)
    source = load_source("gammamed-12i")
    options = PlanOptions(sample_mm=2.0)
    plan = plan_case(found.case, found.goals, source, found.strength, options=options).plan
    points = robust_points(found.case, found.goals)
    robust_coverage(plan, points, found.goals, Scenarios(Uncertainty(), count=2))
    n = 40
    started = time.process_time()
    robust_coverage(plan, points, found.goals, Scenarios(Uncertainty(), count=n))
    each_s = (time.process_time() - started) / n
    active = int((plan.times_s > 0).sum())
    pairs = len(points) * active
    started = time.process_time()
    for _ in range(5):
        dose_rate(plan.dwells, points.points_mm, source, strength_u=plan.strength_u, exact=False)
    engine = 5 * len(points) * len(plan.dwells) / (time.process_time() - started)
    print(f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}, one thread\n")
    print("| delivery of the demo plan | |\n|---|---|")
    print(f"| points, active dwells | {len(points):,}, {active} |")
    print(f"| deliveries per CPU second | {1 / each_s:.1f} |")
    print(
        f"| share of the dose engine's limit (pairs per CPU second) | {pairs / each_s / engine:.0%} of {engine:.2g} |"
    )
    print("\n| lesion (mm) | CTV (cc) | dwells | points | CPU s per plan | bytes of its result |")
    print("|---|---|---|---|---|---|")
    host = host_organ(found.case)
    seconds = []
    for diameter_mm in (15.0, 30.0, 45.0, 60.0, 90.0):
        plan_lesion(LesionTask(lesion_id="warm", diameter_mm=diameter_mm, seed=1), host)
        started = time.process_time()
        one = plan_lesion(LesionTask(lesion_id=f"L{diameter_mm:g}", diameter_mm=diameter_mm, seed=1), host)
        used = time.process_time() - started
        seconds.append(used)
        size = len(json.dumps(asdict(one)))
        print(f"| {diameter_mm:g} | {one.ctv_cc:.1f} | {one.dwells} | {one.points:,} | {used:.2f} | {size} |")
    mean = float(np.mean(seconds[:4]))
    print(f"\n100,000 plans of 15 to 60 mm: {mean * 1e5 / 3600:.0f} CPU-hours, {size * 1e5 / 1e6:.0f} MB of results.")


if __name__ == "__main__":
    main()
