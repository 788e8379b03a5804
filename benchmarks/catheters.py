"""Catheters found on CTs with synthetic implants: how many, how exactly, how soon.

    python -m benchmarks.catheters -n 60 --first 300 --write docs/measurements/catheters.md

Seeds up to 216 were looked at while the search was made. Results are kept after every implant in
``benchmarks/results/catheters.json``; ``--table-only -o A.json --more B.json`` makes one table of several.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.implants import TUBES, Implant, Setting, implant, settings
from benchmarks.record import command_line, kept, measured, put_table
from hdrplan.arrays import FloatArray
from hdrplan.errors import InputError
from hdrplan.geometry import Catheter, Structure, Volume
from hdrplan.io import read_scan
from hdrplan.tracing import TracedCatheter, doubts_of_traced, find_catheters, snap_catheters, trace_from

_PHANTOM = Path("phantoms/liver-lesion-b")
# What no catheter goes through.
_BARRED = (
    "rib",
    "vertebra",
    "lung",
    "colon",
    "bowel",
    "stomach",
    "heart",
    "aorta",
    "kidney",
    "gallbladder",
    "cartilage",
)
# A catheter is found where half of what was traced lies within this of it.
_FOUND_MM = 2.0
_ROUGH_MM = 4.0
# A tip so far off is no error of measurement: the end of something else was taken for it.
_LOST_MM = 5.0
# Every so many implants are traced by clicks and from rough hubs and tips, too.
_POINTED_AT = 4


def main() -> None:
    """Measure, and write the table where it was asked for."""
    parser = command_line(__doc__ or "", "catheters")
    parser.add_argument("-n", "--implants", type=int, default=60, help="implants of the test set [60]")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="seed of the first implant [0]")
    parser.add_argument("--only", type=int, nargs="*", help="seeds of single implants")
    parser.add_argument("--more", type=Path, nargs="*", default=[], help="with --table-only: further records")
    given = parser.parse_args()
    if given.table_only:
        rows = {row["seed"]: row for path in (given.output, *given.more) for row in kept(path)["rows"]}
        put_table(given.write, "implants", _table([rows[seed] for seed in sorted(rows)]))
        return
    scan = read_scan([_PHANTOM])
    liver = next(s for s in scan.structures if s.name == "liver")
    bones = [s for s in scan.structures if any(word in s.name for word in _BARRED)]
    chosen = [s for s in settings(given.implants, first=given.first) if given.only is None or s.seed in given.only]
    rows = [partial(_row, scan.ct, liver, bones, setting) for setting in chosen]
    record = measured(given, [partial(_without, scan.ct), *rows])
    put_table(given.write, "implants", _table(record["rows"]))


def _without(ct: Volume) -> dict[str, Any]:
    """Look at the CT as it is: nothing is to be found."""
    return {"seed": -1, "false": len(find_catheters(ct))}


def _row(ct: Volume, liver: Structure, bones: Sequence[Structure], setting: Setting) -> dict[str, Any]:
    case = implant(ct, liver, bones, setting)
    begun, used = time.perf_counter(), time.process_time()
    found = find_catheters(case.ct)
    spent = {"seconds": time.perf_counter() - begun, "cpu_seconds": time.process_time() - used}
    rng = np.random.default_rng(setting.seed + 10_000)
    inside = [_in_scan(case, catheter) for catheter in case.catheters]
    matched = _matched(found, inside)
    pointed_at = inside if setting.seed % _POINTED_AT == 0 else []
    rough = [Catheter(c.name, c.points_mm[[0, -1]] + rng.normal(0.0, _ROUGH_MM / 3**0.5, (2, 3))) for c in pointed_at]
    snapped = snap_catheters(case.ct, [c for c in rough if case.ct.grid.contains(c.points_mm).all()])
    by_name = {c.name: c for c in inside}
    clicked: list[tuple[TracedCatheter, Catheter]] = []
    for catheter in pointed_at:
        try:
            click_mm = catheter.points_mm[len(catheter.points_mm) // 2] + rng.normal(0.0, 1.0, 3)
            clicked.append((trace_from(case.ct, click_mm)[0], catheter))
        except InputError:
            continue
    return {
        "seed": setting.seed,
        "tube": setting.tube,
        "slice_mm": setting.spacing_mm[2],
        "noise_hu": setting.noise_hu,
        "catheters": len(inside),
        "missed": len(inside) - len({id(truth) for _, truth in matched}),
        "false": len(found) - len(matched),
        **_doubted(found, matched),
        "errors": [_errors(one, truth) for one, truth in matched],
        "snapped": [_errors(one, by_name[one.name]) for one in snapped],
        "clicked": [_errors(one, truth) for one, truth in clicked],
        **{key: round(value, 1) for key, value in spent.items()},
    }


def _in_scan(case: Implant, catheter: Catheter) -> Catheter:
    """Return the part of a catheter that the scan shows."""
    share = np.linspace(0.0, len(catheter.points_mm) - 1.0, 400)
    line = np.stack(
        [np.interp(share, np.arange(len(catheter.points_mm)), catheter.points_mm[:, k]) for k in range(3)], axis=1
    )
    return Catheter(catheter.name, line[case.ct.grid.contains(line, rim_voxels=-0.5)])


def _matched(found: Sequence[TracedCatheter], truths: Sequence[Catheter]) -> list[tuple[TracedCatheter, Catheter]]:
    """Each catheter that was found, and the true one; what follows two of them, half and half, is false."""
    pairs = []
    left = list(truths)
    for one in found:
        away = [float(np.median(_away(one.points_mm, truth.points_mm))) for truth in left]
        if away and min(away) < _FOUND_MM:
            pairs.append((one, left.pop(int(np.argmin(away)))))
    return pairs


def _doubted(found: Sequence[TracedCatheter], matched: Sequence[tuple[TracedCatheter, Catheter]]) -> dict[str, int]:
    """Traces that are false or lost their tip, how many of them a warning names, and how many good ones it names."""
    good = {id(one) for one, truth in matched if _errors(one, truth)["tip_mm"] <= _LOST_MM}
    # That something is metal is no doubt of where it is.
    doubts = [doubt for doubt in doubts_of_traced(found) if doubt.id != "traced-metal"]
    named = {id(one) for one in found if any(one.name in dict(doubt.values).values() for doubt in doubts)}
    wrong = {id(one) for one in found} - good
    return {"wrong": len(wrong), "wrong_named": len(wrong & named), "good_named": len(good & named)}


def _away(points_mm: FloatArray, line_mm: FloatArray) -> FloatArray:
    dense = np.concatenate([np.linspace(a, b, 12) for a, b in pairwise(line_mm)])
    return np.asarray(np.linalg.norm(points_mm[:, None] - dense, axis=2).min(axis=1))


def _errors(one: TracedCatheter, truth: Catheter) -> dict[str, float]:
    """Errors of one catheter: RMS across the shaft, of the tip, and of positions in their own uncertainty."""
    # Beyond the true tip the distance to it is no error of the shaft; the tip has its own figure.
    along = truth.points_mm[-1] - truth.points_mm[-20]
    beyond = (one.points_mm - truth.points_mm[-1]) @ along > 0
    away = _away(one.points_mm, truth.points_mm)[~beyond]
    sigma = one.sigma_mm[~beyond]
    return {
        "shaft_mm": round(float(np.sqrt((away**2).mean())), 3),
        "worst_mm": round(float(away.max()), 3),
        "tip_mm": round(float(np.linalg.norm(one.points_mm[-1] - truth.points_mm[-1])), 3),
        "in_sigmas": round(float(np.sqrt((away**2 / 2.0 / sigma**2).mean())), 2),
    }


def _table(rows: Sequence[dict[str, Any]]) -> str:
    """Slices of 1 mm first, by what is in the tube; then the others, by slice."""
    lines = [
        "| slices | tube | catheters | found | false | shaft, RMS | tip, RMS | tip, median; beyond 5 mm "
        "| hub and tip given: shaft, tip "
        "| clicked: shaft, tip | CPU s |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    implants = [row for row in rows if row["seed"] >= 0]
    fine = [row for row in implants if row["slice_mm"] == 1.0]
    groups = [
        (f"1 mm | {tube}", [r for r in fine if r["tube"] == tube]) for tube in dict.fromkeys(r["tube"] for r in fine)
    ]
    groups.append(("1 mm | all", fine))
    other = sorted({row["slice_mm"] for row in implants} - {1.0})
    groups += [(f"{mm:g} mm | all", [r for r in implants if r["slice_mm"] == mm]) for mm in other]
    for name, group in groups:
        if group:
            total, missed = sum(r["catheters"] for r in group), sum(r["missed"] for r in group)
            kinds = (("errors", " | "), ("snapped", ", "), ("clicked", ", "))
            errors = [f"{_rms(group, kind, 'shaft_mm')}{mark}{_rms(group, kind, 'tip_mm')}" for kind, mark in kinds]
            false = f"{sum(r['false'] for r in group)} in {len(group)}"
            cpu_s = float(np.median([r["cpu_seconds"] for r in group]))
            tips = np.array([error["tip_mm"] for row in group for error in row["errors"]])
            errors.insert(1, f"{np.median(tips):.2f} mm; {int((tips > _LOST_MM).sum())}")
            cells = (name, str(total), f"{(total - missed) / total:.1%}", false, *errors, f"{cpu_s:.1f}")
            lines.append(f"| {' | '.join(cells)} |")
    wrong = [sum(row[key] for row in fine) for key in ("wrong", "wrong_named", "good_named")]
    bare = [row for row in rows if row["seed"] < 0]
    said = (
        f"At 1 mm a warning names {wrong[1]} of the {wrong[0]} traces that are false or lost their tip, and {wrong[2]} "
        f"good ones. In the CT without catheters {sum(row['false'] for row in bare)} were found."
    )
    return "\n".join([*lines, "", said, "", *_by_slice_and_tube(implants)])


def _by_slice_and_tube(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return a table of what was found and how exactly, by slice thickness and by what the tube is made of."""
    slices = sorted({row["slice_mm"] for row in rows})
    lines = [
        "Found, false, and RMS of the tips, by slices and by what the tube is made of; empty: none drawn.",
        "",
        f"| tube | {' | '.join(f'{mm:g} mm' for mm in slices)} |",
        "|" + (1 + len(slices)) * "---|",
    ]
    for tube in TUBES:
        cells = []
        for mm in slices:
            group = [row for row in rows if (row["tube"], row["slice_mm"]) == (tube, mm)]
            total = sum(row["catheters"] for row in group)
            found, false = total - sum(row["missed"] for row in group), sum(row["false"] for row in group)
            cells.append(f"{found} of {total}, {false}, {_rms(group, 'errors', 'tip_mm')}" if group else "")
        lines.append(f"| {tube} | {' | '.join(cells)} |")
    return lines


def _rms(rows: Sequence[dict[str, Any]], kind: str, key: str) -> str:
    values = np.array([error[key] for row in rows for error in row[kind]])
    return f"{np.sqrt((values**2).mean()):.2f} mm" if len(values) else "-"


if __name__ == "__main__":
    main()
