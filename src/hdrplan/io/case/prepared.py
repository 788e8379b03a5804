"""A case of a scan, before there are catheters, goals, and perhaps a lesion, a prescription and a source strength."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from hdrplan.geometry import Catheter, Structure, Volume
from hdrplan.io.images import write_volume
from hdrplan.io.markups import write_markups
from hdrplan.io.segmentations import write_segmentations
from hdrplan.io.toml_text import toml_text

__all__ = ["write_prepared_case"]


def write_prepared_case(
    folder: Path,
    *,
    name: str,
    ct: Volume,
    structures: Sequence[Structure],
    healthy: str | None,
    catheters: Sequence[Catheter] = (),
    rest: Mapping[str, object],
) -> None:
    """Write CT, structures and case.toml into an existing folder.

    Parameters
    ----------
    folder : Path
    name : str
        Of the case.
    ct : Volume
    structures : sequence of Structure
        Those with the role "other" stay without one: they are obstacles where their names say so.
    healthy : str or None
    catheters : sequence of Catheter, optional
        Written beside the case, which names them.
    rest : mapping
        ``prescription_gy`` and ``source``, as far as they are known: case.toml says what is to be added.
    """
    missing = {
        "prescription_gy": '[prescription_gy] with lines such as "lesion" = 20.0',
        "source": "[source] with name and strength_u at treatment",
        "catheters": 'catheters = "catheters.mrk.json"',
    }
    known = {*rest, "catheters"} if catheters else {*rest}
    to_add = "; ".join(text for key, text in missing.items() if key not in known)
    table: dict[str, object] = {"#": f"To be added here, or given to the commands: {to_add}."} if to_add else {}
    table["name"] = name
    write_volume(folder / "ct.nii.gz", ct)
    table["ct"] = "ct.nii.gz"
    if catheters:
        write_markups(folder / "catheters.mrk.json", catheters)
        table["catheters"] = "catheters.mrk.json"
    if healthy is not None:
        table["healthy"] = healthy
    files = write_segmentations(folder, structures, ct.grid)
    table["structures"] = [{"file": file} for file in files]
    table["roles"] = {s.name: s.role for s in structures if s.role != "other"}
    (folder / "case.toml").write_text(toml_text(table | dict(rest)), encoding="utf-8")
