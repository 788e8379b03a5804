"""Write samples/: the files that the examples of the help texts use.

python tools/make_samples.py

All of it is made up: a virtual cohort (`hdrplan simulate cohort`), two spheres in water with a catheter in each, two
doses of point sources, and tables of a few rows. `hdrplan sample` copies the folder; every example is run with it by
`tests/cli/test_help_examples.py`.
"""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import openpyxl

from hdrplan.arrays import FloatArray
from hdrplan.geometry import Catheter, Grid, Volume
from hdrplan.io import write_volume
from hdrplan.io.markups import write_markups

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "samples"
SEED = 3

TEXTS = {
    "README.md": """# Sample files

The examples of the help texts of hdrplan use these files, and those of `hdrplan phantom make`. Nothing in them is a
patient: the cohort is simulated, the lesions are spheres in water.
""",
    "our_names.toml": """# Rules from the names of structures to roles, first match wins.
[rules]
ignore = ["^body$", "^skin"]
CTV = ["^gtv", "^lesion"]
OAR = ["stomach|magen", "duoden", "bowel|darm", "colon|kolon", "liver|leber", "cord|myelon"]
""",
    "tolerances.toml": """# Tolerances of hdrplan check; what is not named keeps hdrplan's value.
median_frac = 0.02
dvh_frac = 0.05
[gamma]
dose_frac = 0.03
distance_mm = 2.0
""",
    "goals.toml": """# Limits of a clinic; each names its source.
[[goals]]
structure = "stomach"
goal = "D1cc <= 14 Gy"
level = 0
source = "sample, for the examples"
""",
    "printed.csv": """row,ratio,lower,upper,p,count,total,percent
age,1.028,1.008,1.048,0.050,,,
sex,0.843,0.560,1.272,0.416,,,
female,,,,,24,114,21.1
""",
    "dwells.csv": """x_mm,y_mm,z_mm,tip_x,tip_y,tip_z,time_s
0,0,0,0,0,1,10
0,0,5,0,0,1,20
""",
    "points.csv": """name,x_mm,y_mm,z_mm
beside,10,0,2.5
above,0,0,30
""",
}

CASE = """name = "two-lesions"
ct = "ct.nii.gz"
catheters = "catheters.mrk.json"
healthy = "liver"
[[structures]]
file = "labels.nii.gz"
names = "labels.json"
[roles]
left = "CTV"
right = "CTV"
liver = "OAR"
[prescription_gy]
left = 20.0
right = 20.0
[source]
name = "gammamed-12i"
strength_u = 40700.0
"""
CENTRES_MM = {"left": (30.0, 40.0, 40.0), "right": (80.0, 40.0, 40.0)}


def main() -> None:
    """Write the whole folder anew."""
    shutil.rmtree(SAMPLES, ignore_errors=True)
    SAMPLES.mkdir()
    for name, text in TEXTS.items():
        (SAMPLES / name).write_text(text, encoding="utf-8")
    _cohort()
    _two_lesions()
    _sessions()
    _source()


def _cohort() -> None:
    """Write a virtual cohort as tables and as one workbook, and a tidy table of its lesions."""
    with tempfile.TemporaryDirectory() as scratch:
        drawn, ends = Path(scratch) / "cohort", Path(scratch) / "endpoints"
        for arguments in (
            ("simulate", "cohort", "--hcc", "60", "--crlm", "40", "--seed", str(SEED), "-o", drawn),
            ("cohort", "derive", drawn, "-o", ends),
        ):
            subprocess.run([sys.executable, "-m", "hdrplan", *map(str, arguments)], check=True, capture_output=True)
        folder = SAMPLES / "cohort"
        folder.mkdir()
        book = openpyxl.Workbook()
        book.remove(book.active)
        for path in sorted(drawn.glob("*.csv")):
            shutil.copyfile(path, folder / path.name)
            sheet = book.create_sheet(path.stem)
            for row in csv.reader(path.read_text(encoding="utf-8").splitlines()):
                sheet.append(row)
        book.save(SAMPLES / "cohort.xlsx")
        _lesions(_rows(ends / "lesion_records.csv"), drawn)


def _rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def _lesions(records: list[dict[str, str]], drawn: Path) -> None:
    """One row a lesion: time and event, competing death, interval of the recurrence, dose, diameter, type."""
    types = {row["patient_id"]: row["tumour_type"] for row in _rows(drawn / "patients.csv")}
    doses = {row["lesion_id"]: row["d100_gy"] for row in _rows(drawn / "dose_metrics.csv")}
    first: dict[str, str] = {}
    for row in _rows(drawn / "measurements.csv"):
        first.setdefault(row["lesion_id"], row["longest_diameter_mm"])
    with (SAMPLES / "lesions.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(
            ("lesion", "patient", "type", "d100_gy", "diameter_mm", "days", "recurred", "status", "last_clean",
             "first_bad")
        )  # fmt: skip
        for row in records:
            who, lesion = row["patient_id"], row["lesion_id"]
            if float(row["days"]) <= 0:
                continue
            recurred = int(row["status"] == "1")
            table.writerow(
                (lesion, who, types[who], doses[lesion], first[lesion], row["days"], recurred, row["status"],
                 row["left_days"], row["right_days"])
            )  # fmt: skip


def _two_lesions() -> None:
    folder = SAMPLES / "two-lesions"
    folder.mkdir()
    grid = Grid(shape_zyx=(32, 32, 44), origin_mm=np.zeros(3), spacing_mm=np.full(3, 2.5))
    points_mm = grid.points_mm().reshape(32, 32, 44, 3)
    labels = np.ones(grid.shape_zyx, dtype=np.uint8)
    for value, centre in enumerate(CENTRES_MM.values(), start=2):
        labels[np.linalg.norm(points_mm - centre, axis=-1) < 9] = value
    write_volume(folder / "ct.nii.gz", Volume(grid, np.zeros(grid.shape_zyx, dtype=np.int16)))
    write_volume(folder / "labels.nii.gz", Volume(grid, labels))
    (folder / "labels.json").write_text(json.dumps({"1": "liver", "2": "left", "3": "right"}) + "\n")
    catheters = [Catheter(name, np.array([[x, y, 5.0], [x, y, z + 14]])) for name, (x, y, z) in CENTRES_MM.items()]
    write_markups(folder / "catheters.mrk.json", catheters)
    # The same as a marker wire shows them: its end is the first dwell.
    ends = zip(catheters, (6.1, 6.5), strict=True)
    loaded = [Catheter(c.name, np.array([c.points_mm[0], _behind_tip(c, mm)])) for c, mm in ends]
    write_markups(SAMPLES / "loaded.mrk.json", loaded)
    (folder / "case.toml").write_text(CASE, encoding="utf-8")


def _behind_tip(catheter: Catheter, offset_mm: float) -> FloatArray:
    hub, tip = catheter.points_mm[[0, -1]]
    return np.asarray(tip + (hub - tip) * (offset_mm / float(np.linalg.norm(hub - tip))))


def _sessions() -> None:
    """Write a lesion's mask, and its doses of two sessions, the second 3 mm aside."""
    grid = Grid(shape_zyx=(16, 16, 16), origin_mm=np.zeros(3), spacing_mm=np.full(3, 2.5))
    points_mm = grid.points_mm()
    centre = np.full(3, 18.75)
    mask = (np.linalg.norm(points_mm - centre, axis=1) < 8).reshape(grid.shape_zyx)
    write_volume(SAMPLES / "ctv.nii.gz", Volume(grid, mask.astype(np.uint8)))
    shift_mm = np.array([3.0, 0.0, 0.0])
    for name, at in (("session1", centre), ("session2", centre + shift_mm)):
        distance_mm = np.maximum(np.linalg.norm(points_mm - at, axis=1), 2.0)
        dose_gy = (12.0 * (10.0 / distance_mm) ** 2).astype(np.float32).reshape(grid.shape_zyx)
        write_volume(SAMPLES / f"{name}.nrrd", Volume(grid, dose_gy))
    matrix = np.eye(4)
    matrix[:3, 3] = shift_mm
    (SAMPLES / "to-session2.json").write_text(json.dumps(matrix.tolist()) + "\n")


def _source() -> None:
    """Write a source of one's own as JSON, and as a pair of CSV tables: a microSelectron under another name."""
    packaged = ROOT / "src" / "hdrplan" / "sources" / "data" / "microselectron-v2r-granero.json"
    record = json.loads(packaged.read_text(encoding="utf-8"))
    record["name"] = "my_source"
    record["aliases"] = []
    (SAMPLES / "my_source.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    capsule, radial, f = record["capsule_cm"], record["radial_dose"], record["anisotropy"]
    constants = ("dose_rate_constant_cgy_per_h_per_u", "active_length_cm", "half_life_days", "citation")
    head = [f"# {key} = {record[key]}" for key in constants]
    head += [f"# capsule_{key}_cm = {value}" for key, value in capsule.items()]
    rows = [f"{r},{g}" for r, g in zip(radial["r_cm"], radial["g"], strict=True)]
    (SAMPLES / "my_source_g.csv").write_text("\n".join([*head, "r_cm,g", *rows]) + "\n", encoding="utf-8")
    lines = [["theta_deg", *f["r_cm"]], *([t, *row] for t, row in zip(f["theta_deg"], f["f"], strict=True))]
    text = "\n".join(",".join("" if cell is None else str(cell) for cell in line) for line in lines)
    (SAMPLES / "my_source_F.csv").write_text(text + "\n", encoding="utf-8")
    table = record["along_away"]
    lines = [["away_cm", *table["along_cm"]]]
    lines += [[a, *row] for a, row in zip(table["away_cm"], table["cgy_per_h_per_u"], strict=True)]
    text = "\n".join(",".join("" if cell is None else str(cell) for cell in line) for line in lines)
    (SAMPLES / "my_source_along_away.csv").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
