"""Phantoms as case folders."""

from __future__ import annotations

import shutil
from importlib import resources
from pathlib import Path

from hdrplan.catalogue import PACKAGED_PHANTOMS
from hdrplan.errors import InputError
from hdrplan.geometry import Phantom
from hdrplan.io.images import write_volume
from hdrplan.io.markups import write_markups
from hdrplan.io.segmentations import write_segmentations
from hdrplan.io.toml_text import toml_text

__all__ = ["packaged_phantom", "write_packaged_phantom", "write_phantom", "write_samples"]


def packaged_phantom(name: str) -> Path:
    """Return the folder of a real case that comes with the package.

    Parameters
    ----------
    name : str
        One of :data:`hdrplan.catalogue.PACKAGED_PHANTOMS`.

    Raises
    ------
    InputError
        No such case, or an installation without its data.
    """
    if name not in PACKAGED_PHANTOMS:
        raise InputError(f"no phantom is named {name!r}", remedy=f"There are: {', '.join(PACKAGED_PHANTOMS)}.")
    return _packaged(Path("phantoms") / name, "case.toml")


def _packaged(folder: Path, file: str) -> Path:
    """Return a folder of data by a file in it: in a wheel in the package, in a clone beside its sources."""
    package = Path(str(resources.files("hdrplan")))
    for place in (package / folder, package.parents[1] / folder):
        if (place / file).is_file():
            return place
    raise InputError("the data of the package must be installed", got="none", where=package / folder)


def write_samples(folder: Path) -> None:
    """Copy the files that the examples of the help texts use into an existing folder."""
    shutil.copytree(_packaged(Path("samples"), "lesions.csv"), folder, dirs_exist_ok=True)


def write_packaged_phantom(folder: Path, name: str) -> None:
    """Copy a real case that comes with the package into an existing folder, without the script that made it.

    Parameters
    ----------
    folder : Path
    name : str
        See :func:`packaged_phantom`.
    """
    for path in packaged_phantom(name).iterdir():
        if path.is_file() and path.suffix != ".py":
            shutil.copyfile(path, folder / path.name)


def write_phantom(
    folder: Path, phantom: Phantom, *, healthy: str | None = None, source: str, strength_u: float
) -> None:
    """Write CT, structures, catheters, case.toml and facts.toml into an existing folder.

    Parameters
    ----------
    folder : Path
    phantom : Phantom
    healthy : str, optional
        Organ whose mean dose is to be least.
    source : str
        Name in the library.
    strength_u : float
    """
    table: dict[str, object] = {"#": phantom.text, "name": phantom.name, "ct": "ct.nii.gz"}
    write_volume(folder / "ct.nii.gz", phantom.ct)
    if phantom.catheters:
        write_markups(folder / "catheters.mrk.json", phantom.catheters)
        table["catheters"] = "catheters.mrk.json"
    if healthy:
        table["healthy"] = healthy
    files = write_segmentations(folder, phantom.structures, phantom.ct.grid)
    table["structures"] = [{"file": name} for name in files]
    table["roles"] = {s.name: s.role for s in phantom.structures}
    dose_gy = _plain(phantom.prescription_gy)
    table["prescription_gy"] = {s.name: dose_gy for s in phantom.structures if s.role == "CTV"}
    table["source"] = {"name": source, "strength_u": _plain(strength_u)}
    (folder / "case.toml").write_text(toml_text(table), encoding="utf-8")
    if phantom.facts:
        facts = {"#": "Analytic truths, not counted in voxels.", **phantom.facts}
        (folder / "facts.toml").write_text(toml_text(facts), encoding="utf-8")


def _plain(value: float) -> float | int:
    """Return a whole number as one: 20 reads better than 20.0."""
    return int(value) if float(value).is_integer() else value
