"""Phantoms as case folders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hdrplan.geometry import Phantom
from hdrplan.io.images import write_volume
from hdrplan.io.markups import write_markups
from hdrplan.io.segmentations import write_segmentation

__all__ = ["write_phantom"]


def write_phantom(
    folder: Path, phantom: Phantom, *, healthy: str | None = None, source: str, strength_u: float
) -> None:
    """Write CT, structures, catheters, case.toml and facts.toml into an existing folder."""
    write_volume(folder / "ct.nii.gz", phantom.ct)
    write_segmentation(folder / "structures.seg.nrrd", phantom.structures, phantom.ct.grid)
    lines = [f"# {phantom.text}", f'name = "{phantom.name}"', 'ct = "ct.nii.gz"']
    if phantom.catheters:
        write_markups(folder / "catheters.mrk.json", phantom.catheters)
        lines.append('catheters = "catheters.mrk.json"')
    if healthy:
        lines.append(f'healthy = "{healthy}"')
    lines += ["", "[[structures]]", 'file = "structures.seg.nrrd"', "", "[roles]"]
    lines += [f'{_key(s.name)} = "{s.role}"' for s in phantom.structures]
    lines += ["", "[prescription_gy]"]
    lines += [f"{_key(s.name)} = {phantom.prescription_gy:g}" for s in phantom.structures if s.role == "CTV"]
    lines += ["", "[source]", f'name = "{source}"', f"strength_u = {strength_u:g}"]
    (folder / "case.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if phantom.facts:
        (folder / "facts.toml").write_text(_facts(phantom.facts), encoding="utf-8")


def _facts(facts: Mapping[str, object]) -> str:
    # repr of floats and lists of floats is TOML.
    return "# Analytic truths, not counted in voxels.\n" + "".join(f"{k} = {v!r}\n" for k, v in facts.items())


def _key(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
