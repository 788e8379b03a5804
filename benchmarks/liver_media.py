"""What media change in twenty plans of liver lesions: ``python -m benchmarks.liver_media [--plans N]``.

Ellipsoids of 4 to 65 cc set at random in the liver of the phantom, parallel catheters by a rule, 20 Gy planned by TG-43
at sample points. Each plan's D_m,m against its TG-43, beside the range that Duque et al. found in 20 patients (Radiat
Oncol 2020;15:60, doi 10.1186/s13014-020-01492-9): targets up to -3.5 % of the prescription and -1.5 % of the volume,
liver up to -6.2 % of the volume, organs at risk at most -0.5 Gy.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import tempfile
from pathlib import Path

import numpy as np

from hdrplan.cli import cli
from hdrplan.io import read_anatomy, read_case
from hdrplan.metrics import dvh
from hdrplan.options import PlanOptions
from hdrplan.transport import jackknife_error
from hdrplan.workflow import ModelOptions, factor_of_plan, plan_case

CASE = Path(__file__).resolve().parents[1] / "phantoms" / "liver-lesion-b"
DIAMETERS_MM = (20.0, 30.0, 40.0, 50.0)
ELONGATIONS = (1.0, 1.3, 1.6)
OPTIONS = PlanOptions(every_point=False, sample_mm=2.0)
MODEL = ModelOptions(uncertainty_frac=0.03, sample_mm=2.0)
COLUMNS = {
    "cc": "cc",
    "d100": "D100",
    "d98": "D98",
    "d90": "D90 (% of prescription)",
    "d90_error": "±",
    "v100": "V100",
    "v_d90": "V at D90 (points)",
    "factor_w": "mean D_w,m (%)",
    "liver_v5": "liver V5Gy",
    "liver_v10": "V10Gy (points)",
    "liver_v5_part": "V5Gy",
    "liver_v10_part": "V10Gy (% of itself)",
    "organ_gy": "organ's D1cc (Gy)",
}
ORGANS = ("stomach", "duodenum", "small_bowel", "colon", "kidney_right", "spinal_cord", "gallbladder")


def changes(seed: int, folder: Path) -> dict[str, float]:
    """Return what media change in one plan: percent of the prescription, points of volume, Gy.

    Parameters
    ----------
    seed : int
        Of the lesion.
    folder : Path
        Where its case is written.
    """
    diameter_mm, elongation = DIAMETERS_MM[seed % len(DIAMETERS_MM)], ELONGATIONS[seed % len(ELONGATIONS)]
    call = ["phantom", "lesion", str(CASE), "--diameter-mm", f"{diameter_mm}", "--elongation", f"{elongation}"]
    with contextlib.redirect_stdout(io.StringIO()):
        cli([*call, "--seed", f"{seed}", "-o", str(folder / "case"), "--quiet"], standalone_mode=False)
    held, labels = read_case(folder / "case"), read_anatomy(folder / "case")[1]
    case, goals = held.case, held.goals
    plan = plan_case(case, goals, held.source, held.strength, options=OPTIONS).plan
    found = factor_of_plan(case, labels, goals, plan, MODEL)
    points, prescribed_gy = found.points, goals.prescriptions[0].dose_gy
    row: dict[str, float] = {"organ_gy": 0.0}
    for name, role in zip(points.names, points.roles, strict=True):
        at = points.rows(name)
        cc, tg43 = points.volume_cc[at], found.tg43_gy[at]
        factor = found.setting.correction(points.points_mm[at], found.run)
        before, after = dvh(tg43, cc), dvh(tg43 * factor.medium, cc)
        if role == "CTV":
            row["cc"] = before.volume_cc
            for part in (0.98, 0.9):
                row[f"d{100 * part:.0f}"] = (
                    100.0 * (after.dose_at_frac(part) - before.dose_at_frac(part)) / prescribed_gy
                )
            row["d100"] = 100.0 * ((tg43 * factor.medium).min() - tg43.min()) / prescribed_gy
            v100 = [float(cc[dose >= prescribed_gy].sum() / cc.sum()) for dose in (tg43, tg43 * factor.medium)]
            row["v100"] = 100.0 * (v100[1] - v100[0])
            # What has the prescription everywhere loses no volume at it: at the dose of nine tenths it does.
            row["v_d90"] = 100.0 * float(cc[tg43 * factor.medium >= before.dose_at_frac(0.9)].sum() / cc.sum()) - 90.0
            each = [dvh(tg43 * one, cc).dose_at_frac(0.9) for one in factor.medium_replicates]
            row["d90_error"] = 100.0 * float(jackknife_error(each)) / prescribed_gy
            row["factor_w"] = 100.0 * (float(np.average(factor.water, weights=cc)) - 1.0)
        elif name == case.healthy:
            for gy in (5.0, 10.0):
                parts = [float(cc[dose >= gy].sum() / cc.sum()) for dose in (tg43, tg43 * factor.medium)]
                row[f"liver_v{gy:.0f}"] = 100.0 * (parts[1] - parts[0])
                row[f"liver_v{gy:.0f}_part"] = 100.0 * (parts[1] / parts[0] - 1.0)
        elif name in ORGANS and before.volume_cc > 1.0:
            change = after.dose_at_cc(1.0) - before.dose_at_cc(1.0)
            row["organ_gy"] = min(row["organ_gy"], change, key=lambda gy: -abs(gy))
    return row


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plans", type=int, default=20)
    count = parser.parse_args().plans
    print("| " + " | ".join(("lesion", *COLUMNS.values())) + " |\n" + "|---" * (len(COLUMNS) + 1) + "|", flush=True)
    rows = []
    for seed in range(1, count + 1):
        with tempfile.TemporaryDirectory() as folder:
            row = changes(seed, Path(folder))
        rows.append([row.get(name, np.nan) for name in COLUMNS])
        print(f"| {seed} | {rows[-1][0]:.1f} | " + " | ".join(f"{v:+.2f}" for v in rows[-1][1:]) + " |", flush=True)
    table = np.array(rows)
    for word, one in (
        ("lowest", table.min(axis=0)),
        ("median", np.median(table, axis=0)),
        ("highest", table.max(axis=0)),
    ):
        print(f"| {word} | {one[0]:.1f} | " + " | ".join(f"{v:+.2f}" for v in one[1:]) + " |")


if __name__ == "__main__":
    main()
