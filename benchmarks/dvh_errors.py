"""``python -m benchmarks.dvh_errors``: how often the errors that ``hdrplan.dvh`` states cover a known truth."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

import hdrplan
from benchmarks.dvh import FRACTIONS
from benchmarks.dvh_solids import AXES, SOLIDS, write_dose, write_structures
from hdrplan.workflow import DVHOptions

SLICES_MM = (0.2, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0)
OPTIONS = DVHOptions(metrics=("D99", "D95", "D50", "D5", "D1", "Dmean"))


def main() -> None:
    """Print each solid whose truth is missed, and the count of all."""
    covered, count = 0, 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for solid in SOLIDS.values():
            for slice_mm in SLICES_MM:
                drawn = write_structures(folder / "rs.dcm", {solid.name: solid.contours(slice_mm)})
                for along, axis in AXES.items():
                    dose = write_dose(folder / "rd.dcm", axis, 2.0 if slice_mm >= 2 else 1.0)
                    result = hdrplan.dvh(dose, drawn, OPTIONS)[solid.name]
                    truth = np.array([solid.volume_cc, *solid.dose_at_frac(axis, FRACTIONS), solid.mean_gy(axis)])
                    value = np.array([result.volume_cc, *(m.value for m in result.metrics)])
                    error = np.array([result.volume_error_cc, *(m.error for m in result.metrics)])
                    off = np.abs(value - truth)
                    held = off <= error + 1e-9
                    covered, count = covered + int(held.sum()), count + len(held)
                    if not held.all():
                        missed = 100 * (off / truth)[~held].max()
                        print(f"{solid.name}, slices of {slice_mm:g} mm, {along}: missed by up to {missed:.2f} %")
    print(f"{covered} of {count} covered")


if __name__ == "__main__":
    main()
