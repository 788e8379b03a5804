"""DVHs of dicompyler-core (BSD licence), in an environment of its own: run by ``benchmarks.dvh`` with its Python."""

from __future__ import annotations

import json
import sys
import time

from dicompylercore import dicomparser, dvhcalc


def main() -> None:
    """Print seconds and values of every structure of pairs of files, as JSON: one line a pair."""
    for pair in sys.argv[1:]:
        structures, dose = pair.split("::")
        best = 1e9
        for _ in range(3):
            started, rows = time.process_time(), {}
            for number, roi in dicomparser.DicomParser(structures).GetStructures().items():
                if roi["empty"]:
                    continue
                dvh = dvhcalc.get_dvh(structures, dose, number)
                at = [float(getattr(dvh, f"D{x}").value) for x in (99, 95, 50, 5, 1)]
                rows[roi["name"]] = [float(dvh.volume), *at, float(dvh.mean)]
            best = min(best, time.process_time() - started)
        print(json.dumps({"seconds": best, "rows": rows}), flush=True)


if __name__ == "__main__":
    main()
