"""Placement on the three lesions of the liver phantom and on ellipsoids of 2, 4, 8 and 12 cm: what is reached, proven.

    python benchmarks/placement.py [--only NAME] [--time-limit S] [--most N]

Prints one row of docs/placement.md for each lesion. Times depend on the machine; doses and bounds do not, once proven.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace
from pathlib import Path

from hdrplan.errors import InfeasibleError
from hdrplan.geometry import synthetic_lesion, without
from hdrplan.io import read_case
from hdrplan.io.cases import CaseFile
from hdrplan.placement import PlaceOptions, default_obstacles, place_case
from hdrplan.plan import Case, Goals, Prescription
from hdrplan.sources import load_source

PHANTOM = Path(__file__).resolve().parents[1] / "phantoms" / "liver-lesion-b"
REAL = ("lesion_A", "lesion_B", "lesion_C")
DIAMETERS_MM = (20.0, 40.0, 80.0, 120.0)


def found_case(name: str) -> CaseFile:
    """Return the phantom's case with one lesion to treat."""
    return read_case(PHANTOM, {"roles": {name: "CTV"}, "prescription_gy": {name: 20.0}}, before_puncture=True)


def with_ellipsoid(found: CaseFile, diameter_mm: float) -> tuple[Case, Goals]:
    """Return the same patient with an ellipsoid in the liver; the phantom's own lesions are left out."""
    case = found.case
    liver = case.structure("liver")
    lesion = synthetic_lesion(liver, diameter_mm)
    parts = [lesion]
    for one in case.structures:
        if one.name.startswith("lesion"):
            continue
        parts.append(without(one, [lesion]) if one.name == "liver" else one)
    name = lesion.name
    goals = Goals((Prescription(name, 20.0),), found.goals.goals)
    return Case(f"ellipsoid {diameter_mm:g} mm", case.ct, tuple(parts), (), case.healthy), goals


def main() -> None:
    """Run and print."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--only", help="lesion_A, ... or 20, 40, 80, 120")
    ask.add_argument("--time-limit", type=float, default=60.0)
    ask.add_argument("--most", type=int, default=5)
    given = ask.parse_args()
    cases = []
    for name in REAL:
        found = found_case(name)
        cases.append((name, found, replace(found.case, name=name), found.goals))
    for diameter_mm in DIAMETERS_MM:
        found = found_case("lesion_B")
        case, goals = with_ellipsoid(found, diameter_mm)
        cases.append((f"{diameter_mm:g}", found, case, goals))
    print(f"load at start {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print("| lesion | cc | ways free | catheters: liver mean Gy (bound, gap) | all 50 | chosen | D100 | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    for name, found, case, goals in cases:
        if given.only not in (None, name):
            continue
        options = PlaceOptions(margins_mm=default_obstacles(case), most=given.most, time_limit_s=given.time_limit)
        started = time.perf_counter()
        source = load_source(str(found.source))
        try:
            result = place_case(case, goals, source, strength_u=found.strength_u, options=options)
        except InfeasibleError as error:
            print(f"| {case.name} | {case.ctvs[0].volume_cc:.1f} | {error} |", flush=True)
            continue
        spent = time.perf_counter() - started
        curve = "; ".join(
            f"{o.count}: {o.value:.3f} ({o.bound:.3f}, {100 * o.gap_frac:.1f} %)" if o.chosen else f"{o.count}: none"
            for o in result.placement.curve
        )
        ctv = result.case.ctvs[0]
        d100_gy = result.planned.score.structures[ctv.name]["d100_gy"]
        print(
            f"| {case.name} | {ctv.volume_cc:.1f} | {result.found} of {result.ways.tried} | {curve} | "
            f"{result.placement.every_value:.3f} | {len(result.chosen.chosen)} | {d100_gy:.2f} | "
            f"{spent:.0f} ({result.seconds['choice']:.0f}) |",
            flush=True,
        )


if __name__ == "__main__":
    main()
