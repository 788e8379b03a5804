"""TotalSegmentator, where the user has installed it: called as a program, never imported."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from hdrplan.errors import InputError, ResourceError
from hdrplan.geometry import Volume
from hdrplan.io.images import write_volume

__all__ = ["segment"]

PROGRAM = "TotalSegmentator"


def segment(ct: Volume, folder: Path, tasks: Sequence[str] = ("total",)) -> list[Path]:
    """Segment a CT by TotalSegmentator; its own progress goes to the terminal.

    Parameters
    ----------
    ct : Volume
    folder : Path
        Exists; the CT and the label maps are written into it.
    tasks : sequence of str
        TotalSegmentator's: total, liver_vessels, liver_segments, ...

    Returns
    -------
    list of Path
        A label map with its names in its header for each task.

    Raises
    ------
    InputError
        It is not installed.
    ResourceError
        It failed.

    References
    ----------
    Wasserthal et al., Radiology: AI 2023;5(5):e230024, doi 10.1148/ryai.230024.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        raise InputError(
            f"{PROGRAM} must be installed to segment a CT",
            got="no such program on the PATH",
            remedy="`pip install TotalSegmentator`, or give a segmentation.",
        )
    scan = folder / "scan.nii.gz"
    write_volume(scan, ct)
    results = []
    for task in tasks:
        result = folder / f"{task}.nii.gz"
        command = [program, "-i", str(scan), "-o", str(result), "--ml", "-ta", task]
        # What it says goes to stderr: stdout belongs to our own result.
        code = subprocess.run(command, stdout=sys.stderr, check=False).returncode
        if code or not result.is_file():
            raise ResourceError(
                f"{PROGRAM} must segment the CT (task {task})",
                got=f"exit code {code}" if code else "no label map",
                remedy="Its own message stands above.",
            )
        results.append(result)
    return results
