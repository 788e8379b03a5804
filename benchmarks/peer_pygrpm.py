"""Time pygrpm (AGPL) on a problem of hdrplan; runs in an environment that has pygrpm and not hdrplan.

    python peer_pygrpm.py problem.npz result.npz

``problem.npz``: points_cm (n, 3), positions_cm (m, 3), axes (m, 3), times_h (m,), strength_u, and the source table:
length_cm, constant (cGy / h / U), g (2, k), f (theta + 1, r + 1) with radii (cm) above and degrees on the left.
``result.npz``: dose_gy (n,), cpu_s.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from pygrpm.tg43 import Seed


def main(problem_file: str, result_file: str) -> None:
    problem = np.load(problem_file)
    with tempfile.TemporaryDirectory() as folder:
        for name, values in (
            ("L", [problem["length_cm"]]),
            ("Lambda", [problem["constant"]]),
            ("gL", problem["g"].T),
            ("F", problem["f"]),
            ("HalfLife", [73.83]),
        ):
            np.savetxt(Path(folder) / f"{name}.dat", values)
        seed = Seed(folder, use_xarray=False)
    points = problem["points_cm"]
    dose_gy = np.zeros(len(points))
    start = time.process_time()
    for position, axis, hours in zip(problem["positions_cm"], problem["axes"], problem["times_h"], strict=True):
        dose_gy += seed.dose_at_points(points, position, axis) * (hours * float(problem["strength_u"]) / 100.0)
    cpu_s = time.process_time() - start
    np.savez(result_file, dose_gy=dose_gy, cpu_s=cpu_s)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
