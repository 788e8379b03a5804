"""DVHs of dicompyler-core (BSD licence), in an environment of its own: run by ``benchmarks.dvh`` with its Python."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import pydicom
from dicompylercore import dicomparser, dvhcalc

# Planes put between two contours, and about the distance of points (mm), where it interpolates.
PLANES_BETWEEN, POINT_MM = 3, 0.5


def main() -> None:
    """Print seconds and values of every structure of pairs of files, as JSON: one line a pair."""
    for pair in sys.argv[1:]:
        structures, dose = pair.split("::")
        files = best(lambda s=structures, d=dose: rows_of(s, d))
        read = pydicom.dcmread(structures), pydicom.dcmread(dose)
        rows = rows_of(*read)  # contours are decoded when they are first asked for
        computed = best(lambda r=read: rows_of(*r))
        spacing_mm = fine_mm = float(read[1].PixelSpacing[0])
        while fine_mm > POINT_MM:
            fine_mm /= 2
        filled, filled_rows, failed = computed, rows, ""
        if fine_mm < spacing_mm:
            between = {
                "interpolation_resolution": fine_mm,
                "interpolation_segments_between_planes": PLANES_BETWEEN,
                "use_structure_extents": True,
            }
            started = time.process_time()
            try:
                filled_rows = rows_of(*read, **between)
                filled = time.process_time() - started
            except Exception as error:
                filled, filled_rows, failed = float("nan"), {}, type(error).__name__
        seconds = {"files": files, "computed": computed, "filled": filled}
        answer = {"seconds": seconds, "rows": rows, "filled_rows": filled_rows, "failed": failed}
        print(json.dumps(answer), flush=True)


def best(call: Callable[[], object], times: int = 2) -> float:
    """Return processor seconds, the best of two runs."""
    seconds = []
    for _ in range(times):
        started = time.process_time()
        call()
        seconds.append(time.process_time() - started)
    return min(seconds)


def rows_of(structures: object, dose: object, **options: object) -> dict[str, list[float]]:
    """Return volume, D99 to D1 and mean by structure."""
    rows = {}
    for number, roi in dicomparser.DicomParser(structures).GetStructures().items():
        if roi["empty"]:
            continue
        dvh = dvhcalc.get_dvh(structures, dose, number, **options)
        at = [float(getattr(dvh, f"D{x}").value) for x in (99, 95, 50, 5, 1)]
        rows[roi["name"]] = [float(dvh.volume), *at, float(dvh.mean)]
    return rows


if __name__ == "__main__":
    main()
