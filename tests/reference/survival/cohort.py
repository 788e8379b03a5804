"""Make lesions.csv: a synthetic cohort of lesions in patients, with events only on scan dates, so full of ties.

Run from the root of the checkout: ``python tests/reference/survival/cohort.py``. Nothing here is clinical.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

COLUMNS = ["lesion", "patient", "time", "status", "left", "right", "d100_gy", "diameter_mm", "crlm", "age_years"]
SCANS_DAYS = np.array([56, 146, 236, 326, 416, 598, 780, 962, 1144])


def main() -> None:
    """Write lesions.csv beside this file."""
    rng = np.random.default_rng(20261123)
    rows: list[list[object]] = []
    for patient in range(1, 165):
        crlm = int(rng.random() < 0.3)
        frailty = rng.gamma(1.5, 1 / 1.5)
        age = round(float(rng.normal(69, 10)), 1)
        death = rng.exponential(1600 if not crlm else 1100)
        loss = rng.uniform(150, 1300)
        for _ in range(1 + min(rng.poisson(0.8 if crlm else 0.35), 4)):
            diameter = round(float(np.clip(rng.lognormal(3.45, 0.5), 8, 120)), 0)
            d100 = round(float(np.clip(rng.normal(21 - 0.05 * (diameter - 35), 3), 6, 35)), 1)
            rate = frailty * 0.0008 * np.exp(0.5 * crlm + 0.012 * (diameter - 35) - 0.07 * (d100 - 20))
            recurrence = rng.exponential(1 / rate)
            scans = SCANS_DAYS + rng.integers(-7, 8)
            last_look = min(death, loss)
            seen = scans[scans <= last_look]
            bad = seen[seen >= recurrence]
            left = float(seen[seen < recurrence].max(initial=0))
            if bad.size:
                time, status, right = int(bad[0]), 1, int(bad[0])
            elif death < loss:
                time, status, right = int(np.ceil(death)), 2, ""
            else:
                time, status, right = int(max(seen.max(initial=30), 30)), 0, ""
            rows.append([len(rows) + 1, patient, time, status, int(left), right, d100, int(diameter), crlm, age])
    with (Path(__file__).parent / "lesions.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


if __name__ == "__main__":
    main()
