"""Thirty places in the liver of every CT that is at hand: cases prepared, catheters chosen, plans proven, one table.

``python -m benchmarks.real_livers [--work FOLDER] [--only NAME ...] [--write docs/measurements/real-livers.md]``

Three commands of hdrplan for each CT, as a user would give them: ``prepare`` makes a case of CT and segmentation,
``phantom places`` sets a lesion by rule at 30 places (near stomach and bowel, under the dome, at the portal vein, under
the capsule), ``plan --all`` chooses catheters and plans with a proof. What an earlier run made is kept in the folder of
work and taken up again: it can be stopped at any time. Doses and bounds do not depend on the machine; seconds do.
"""

from __future__ import annotations

import csv
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.record import command_line, kept, machine, put_table, save

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
# Dose limits read in published text, each with its source.
GOALS = ROOT / "phantoms" / "liver-lesion-b" / "goals.toml"
RULES = {
    "bowel": "near stomach and bowel",
    "dome": "under the dome",
    "hilum": "at the portal vein",
    "subcapsular": "1 mm under the capsule",
}
COUNT, DIAMETER_MM = 30, 25.0


@dataclass(frozen=True, kw_only=True)
class Anatomy:
    """A CT and its segmentation: what ``prepare`` is given, and what is not segmented and may be passed through."""

    name: str
    text: str
    sources: tuple[str, ...]
    flags: tuple[str, ...] = ()
    without: str = ""


ANATOMIES = (
    Anatomy(
        name="liver-1.5mm",
        text="liver, voxels of 1.5 mm",
        sources=("liver_case_1p5mm/ct.nii.gz", "liver_case_1p5mm/labels.nii.gz"),
        flags=("--names", "liver_case_1p5mm/labels.json"),
    ),
    Anatomy(
        name="torso-3mm", text="whole torso, 3 mm, raw output of TotalSegmentator", sources=("ts_torso_3mm/original",)
    ),
    Anatomy(
        name="slab-2mm",
        text="20 slices of 2 mm, no lung in them",
        sources=("ts_dicom_20slices/dicom", "ts_dicom_20slices/totalseg_v2_labels.nii.gz"),
        without="lungs",
    ),
)


def made(anatomy: Anatomy, work: Path) -> Path:
    """Prepare the anatomy and its places, and plan them all; return the folder of the results."""
    case, places, plans = (work / f"{anatomy.name}{end}" for end in ("-case", "-places", "-plans"))
    if not case.exists():
        flags = [str(DATA / flag) if "/" in flag else flag for flag in anatomy.flags]
        _hdrplan("prepare", *(str(DATA / source) for source in anatomy.sources), *flags, "-o", str(case))
    if not places.exists():
        chosen = ("--count", str(COUNT), "--diameter-mm", str(DIAMETER_MM))
        _hdrplan("phantom", "places", str(case), *chosen, "--organ", "liver", "-o", str(places))
    without = ("--without", anatomy.without) if anatomy.without else ()
    goals = ("--goals", str(_goals_for(case, work / f"{anatomy.name}-goals.toml")), "--proof", "5")
    # 4: some cases could not be planned, and the table says why.
    _hdrplan("plan", "--all", str(places), *goals, *without, "--overwrite", "-o", str(plans), may_end=(0, 4))
    return plans


def _goals_for(case: Path, path: Path) -> Path:
    """Write the goals whose structures the case has."""
    roles = (case / "case.toml").read_text(encoding="utf-8")
    head, *goals = GOALS.read_text(encoding="utf-8").split("[[goals]]")
    held = [goal for goal in goals if f'"{goal.split(chr(34))[1]}" = ' in roles]
    path.write_text("[[goals]]".join((head, *held)), encoding="utf-8")
    return path


def _hdrplan(*arguments: str, may_end: Sequence[int] = (0,)) -> None:
    ended = subprocess.run([sys.executable, "-m", "hdrplan", *arguments], check=False)
    if ended.returncode not in may_end:
        sys.exit(f"hdrplan {' '.join(arguments)}: exit {ended.returncode}")


def rows_of(plans: Path) -> list[dict[str, str]]:
    """Return a row for each place, those that failed with why."""
    rows: list[dict[str, str]] = []
    for name in ("results.csv", "failures.csv"):
        if (plans / name).exists():
            with (plans / name).open(encoding="utf-8", newline="") as lines:
                rows += list(csv.DictReader(lines))
    return sorted(rows, key=lambda row: row["case"])


def summary_table(record: dict[str, Any]) -> str:
    """Return the table in Markdown: a row for each anatomy and rule."""
    lines = [
        "| CT | lesion | places | planned | prescription held | goals of organs held | catheters "
        "| liver mean, Gy: median (range) | largest gap | processor s: median (most) |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for anatomy in ANATOMIES:
        every = record["anatomies"].get(anatomy.name, [])
        for rule, text in RULES.items():
            rows = [row for row in every if row["case"].endswith(rule)]
            done = [row for row in rows if "value" in row]
            if rows:
                lines.append(f"| {anatomy.text} | {text} | {len(rows)} | {len(done)} | {_summed(done)} |")
    return "\n".join(lines)


def _summed(done: list[dict[str, str]]) -> str:
    if not done:
        return "- | - | - | - | - | -"
    value, cpu, gap = ([float(row[key]) for row in done] for key in ("value", "cpu_s", "gap_pct"))
    counts = [int(row["catheters"]) for row in done]
    catheters = ", ".join(f"{counts.count(n)} with {n}" for n in sorted(set(counts)))
    return (
        f"{sum(row['prescriptions_met'] == 'True' for row in done)} | "
        f"{sum(row['hard_met'] == row['hard_goals'] for row in done)} | {catheters} | "
        f"{statistics.median(value):.2f} ({min(value):.2f} to {max(value):.2f}) | {max(gap):.2f} % | "
        f"{statistics.median(cpu):.0f} ({max(cpu):.0f})"
    )


def place_table(record: dict[str, Any]) -> str:
    """Return the table in Markdown: a row for each place."""
    lines = [
        "| CT | place | catheters | D100, Gy | D98, Gy | liver mean, Gy | no plan below, Gy | goals of organs held "
        "| time, s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for anatomy in ANATOMIES:
        for row in record["anatomies"].get(anatomy.name, []):
            if "value" not in row:
                lines.append(f"| {anatomy.name} | {row['case']} | not planned: {row['why']} | | | | | | |")
                continue
            d100, d98, value, bound, time_s = (
                float(row[key]) for key in ("d100_gy", "d98_gy", "value", "bound", "total_time_s")
            )
            held = f"{row['hard_met']} of {row['hard_goals']}" + (f": {row['missed']}" if row["missed"] else "")
            lines.append(
                f"| {anatomy.name} | {row['case']} | {row['catheters']} | {d100:.2f} | {d98:.2f} | {value:.3f} "
                f"| {bound:.3f} | {held} | {time_s:.0f} |"
            )
    return "\n".join(lines)


def main() -> None:
    parser = command_line(__doc__, "real_livers")
    parser.add_argument("--work", type=Path, default=Path("real-livers"), help="folder of cases, places and plans")
    parser.add_argument("--only", nargs="*", metavar="NAME", help=f"of {', '.join(one.name for one in ANATOMIES)}")
    given = parser.parse_args()
    if given.table_only:
        record = kept(given.output)
    else:
        given.work.mkdir(parents=True, exist_ok=True)
        before = kept(given.output)["anatomies"] if given.output.exists() else {}
        record = {"machine": machine(), "count": COUNT, "diameter_mm": DIAMETER_MM, "anatomies": before}
        for anatomy in ANATOMIES:
            if not given.only or anatomy.name in given.only:
                record["anatomies"][anatomy.name] = rows_of(made(anatomy, given.work))
                save(given.output, record)
    put_table(given.write, "rules", summary_table(record))
    put_table(given.write, "places", place_table(record))


if __name__ == "__main__":
    main()
