"""What one changed dwell time costs: the DVH of the demo's CTV again, from dose rates that are there.

Run: python -m benchmarks.one_dwell (prints the median of fifteen, CPU time of one core)
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import hdrplan


def main() -> None:
    """Plan the demo, then change its longest dwell and ask for the DVH."""
    loaded = hdrplan.read_case(Path("phantoms/liver-lesion-b"))
    options = hdrplan.PlanOptions(every_point=False, proof_s=0.0)
    result = hdrplan.plan_case(loaded.case, loaded.goals, loaded.source, loaded.strength, options=options)
    plan, points = result.plan, result.points
    rate = hdrplan.dose_rate(plan.dwells, points.points_mm, plan.source, strength_u=plan.strength_u)
    rows, longest = points.rows("lesion_B"), plan.exposure_s.argmax()
    spent_ms = []
    for _ in range(15):
        started = time.process_time()
        times_s = plan.exposure_s.copy()
        times_s[longest] -= 10.0
        d100_gy = hdrplan.metrics.dvh(rate.gy_per_s[rows] @ times_s, points.volume_cc[rows]).min_gy
        spent_ms.append(1000 * (time.process_time() - started))
    size = f"{len(points.volume_cc[rows]):,} points, {len(plan.dwells)} positions"
    print(f"{size}: {statistics.median(spent_ms):.0f} ms; D100 {d100_gy:.2f} Gy")


if __name__ == "__main__":
    main()
