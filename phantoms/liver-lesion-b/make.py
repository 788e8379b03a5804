"""Make this folder's data from the prepared liver case: python phantoms/liver-lesion-b/make.py DATA_FOLDER.

DATA_FOLDER holds ct.nii.gz, labels.nii.gz, labels.json, catheters_curve_LPS.mrk.json (the 1.5 mm liver case derived
from TotalSegmentator's example CT, see NOTICE here). Nothing is random; the same input gives the same files.
"""

from __future__ import annotations

import gzip
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent


def repacked(path: Path, to: Path) -> None:
    """Recompress without the time stamp that gzip would add."""
    with gzip.open(path, "rb") as data, to.open("wb") as out, gzip.GzipFile("", "wb", 9, out, mtime=0) as packed:
        shutil.copyfileobj(data, packed)


def main(data: Path) -> None:
    """Copy images, names and catheters."""
    for name in ("ct.nii.gz", "labels.nii.gz"):
        repacked(data / name, HERE / name)
    shutil.copyfile(data / "labels.json", HERE / "labels.json")
    shutil.copyfile(data / "catheters_curve_LPS.mrk.json", HERE / "catheters.mrk.json")
    shutil.copyfile(data / "LICENSE.Apache-2.0", HERE / "LICENSE")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
