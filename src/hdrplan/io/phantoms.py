"""Phantoms as case folders."""

from __future__ import annotations

from pathlib import Path

from hdrplan.geometry import Phantom
from hdrplan.io.images import write_volume
from hdrplan.io.markups import write_markups
from hdrplan.io.segmentations import write_segmentation
from hdrplan.io.toml_text import toml_text

__all__ = ["write_phantom"]


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
    write_segmentation(folder / "structures.seg.nrrd", phantom.structures, phantom.ct.grid)
    table["structures"] = [{"file": "structures.seg.nrrd"}]
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
