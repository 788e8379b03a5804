"""Monte Carlo runs that are kept between rounds, and rules of media."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hdrplan.errors import FormatError
from hdrplan.io.drafts import draft_beside, moved_in
from hdrplan.io.files import toml_entries
from hdrplan.io.journal import kept_is_told
from hdrplan.materials import MediaRules, default_rules, photon_data, rules_of
from hdrplan.transport import Kerma, ScatterTask, in_water

__all__ = ["read_kept_run", "read_media_rules", "write_kept_run"]


def read_media_rules(path: Path | None) -> MediaRules:
    """Return the rules of a TOML file, or the packaged ones.

    Raises
    ------
    FormatError, InputError
        As :func:`hdrplan.materials.rules_of`.
    """
    return default_rules() if path is None else rules_of(toml_entries(path))


def write_kept_run(path: Path, patient: Kerma, water: Kerma) -> None:
    """Write a run in one step: a stop leaves the earlier file or the new one.

    Parameters
    ----------
    path : Path
    patient, water : Kerma
        Of the same task.
    """
    with kept_is_told(path), draft_beside(path) as folder:
        draft = folder / path.name
        with draft.open("wb") as file:
            np.savez(
                file, patient=patient.sums, water=water.sums, histories=patient.histories,
                tasks=np.array([patient.task, water.task]), sha256=_sha256(patient.sums, water.sums, patient.histories),
            )  # fmt: skip
            file.flush()
            os.fsync(file.fileno())
        moved_in(draft, path, replace=True)


def read_kept_run(path: Path, task: ScatterTask) -> tuple[Kerma, Kerma] | None:
    """Return patient and water of a kept run of this task, or None where there is none, or one of another task.

    Parameters
    ----------
    path : Path
    task : ScatterTask

    Raises
    ------
    FormatError
        A file that is no kept run.
    """
    if not path.is_file():
        return None
    try:
        # NumPy leaves a file open that is no archive.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
            sums, tasks, histories = (held["patient"], held["water"]), held["tasks"].tolist(), int(held["histories"])
            if str(held["sha256"]) != _sha256(*sums, histories):
                raise ValueError("changed since it was written")
    # What a damaged archive makes zipfile and zlib raise is not all documented.
    except Exception as error:
        raise FormatError(
            "expected a kept Monte Carlo run", got="another or a damaged file", where=path, remedy="Delete it."
        ) from error
    if tasks != [task.digest(), in_water(task).digest()]:
        return None
    patient, water = (
        Kerma(grid=task.scored, sums=values, histories=histories, photons=photon_data(), task=digest)
        for values, digest in zip(sums, tasks, strict=True)
    )
    return patient, water


def _sha256(patient: npt.NDArray[np.float32], water: npt.NDArray[np.float32], histories: int) -> str:
    digest = hashlib.sha256(f"{patient.shape} {patient.dtype} {water.shape} {water.dtype} {histories}".encode())
    for sums in (patient, water):
        digest.update(np.ascontiguousarray(sums).view(np.uint8).data)
    return digest.hexdigest()
