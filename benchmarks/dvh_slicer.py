"""``python -m benchmarks.dvh_slicer --peer PYTHON``: DVHs of known solids beside those of SlicerRT's rules.

PYTHON is that of an environment with 3D Slicer's libraries (``pip install slicer-core==5.12.4.0 pydicom``), which are
no dependency; what it computes is in ``benchmarks/dvh_slicer_peer.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.dvh import PAGE, exact, ours
from benchmarks.dvh_solids import AXES, SOLIDS, write_dose, write_structures

STEPS_MM = (1.0, 2.0, 3.0)


def main() -> None:
    """Measure, print, and write the table into the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", required=True, help="Python of an environment with slicer-core")
    parser.add_argument("--write", action="store_true", help="write the table into docs/measurements/dvh.md")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        body = "\n".join(lines(Path(folder), words.peer))
    print(body)
    if words.write:
        text = PAGE.read_text(encoding="utf-8")
        head, rest = text.split("<!-- slicer -->")[0], text.split("<!-- end of slicer -->")[1]
        PAGE.write_text(f"{head}<!-- slicer -->\n{body}\n<!-- end of slicer -->{rest}", encoding="utf-8")


def lines(folder: Path, peer: str) -> list[str]:
    """Return the table: worst of both directions of the dose, in percent."""
    cases = []
    for name, solid in SOLIDS.items():
        for step_mm in STEPS_MM:
            stem = f"{name}-{step_mm}".replace(" ", "-")
            structures = write_structures(folder / f"{stem}.dcm", {name: solid.contours(step_mm)})
            for axis, number in AXES.items():
                dose = write_dose(folder / f"{stem}-{axis}.dcm", number, step_mm)
                cases.append((name, step_mm, number, structures, dose))
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    script = str(Path(__file__).with_name("dvh_slicer_peer.py"))
    done = subprocess.run(
        [peer, script, *(f"{structures}::{dose}" for *_, structures, dose in cases)],
        capture_output=True, text=True, env=clean, check=True,
    )  # fmt: skip
    theirs = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    worst: dict[tuple[str, float], list[np.ndarray]] = {}
    for (name, step_mm, axis, structures, dose), rows in zip(cases, theirs, strict=True):
        truth = exact(name, axis)
        both = [np.abs(np.array(row[name]) / truth - 1) for row in (ours(structures, dose, repeat=1).rows, rows)]
        worst.setdefault((name, step_mm), []).append(100 * np.array(both))
    table = [
        "| solid | slices and voxels (mm) | volume: ours | D99 to D1, mean | volume: SlicerRT's rules | "
        "D99 to D1, mean |",
        "|---|---|---|---|---|---|",
    ]
    for (name, step_mm), errors in worst.items():
        own, other = np.max(errors, axis=0)
        cells = [f"{value:.2f} %" for value in (own[0], own[1:].max(), other[0], other[1:].max())]
        table.append(f"| {name} | {step_mm:g} | " + " | ".join(cells) + " |")
    return table


if __name__ == "__main__":
    sys.exit(main())
