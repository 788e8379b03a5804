"""Structures of a case: ``[[structures]]`` names the files, ``[roles]`` what is to be read of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from hdrplan.cautions import Caution, caution
from hdrplan.door import Entries, as_table
from hdrplan.errors import FormatError, InputError, among
from hdrplan.geometry import ROLES, Grid, Role, Structure
from hdrplan.io.case.paths import CasePaths
from hdrplan.io.header_names import names_in_header
from hdrplan.io.image_places import doubts_of_labels, doubts_of_orientation
from hdrplan.io.label_maps import read_mask, read_names, structures_and_unnamed
from hdrplan.io.segmentations import read_segment_names, read_segmentation

__all__ = ["roles_of", "structures_of"]

_OTHER: Role = "other"
# Of more than these the line would grow too long.
_LISTED = 8


def roles_of(entries: Entries) -> dict[str, Role]:
    """Return name -> role as the case gives them; the healthy organ is an OAR unless said otherwise.

    Raises
    ------
    InputError, FormatError
        No ``[roles]``, a role that is none.
    """
    if entries.values.get("roles") is None:
        raise InputError(
            "a case names the roles of its structures",
            got="no [roles]",
            where=entries.where,
            remedy='Write [roles] with lines such as lesion_B = "CTV".',
        )
    roles = dict(as_table(entries.values["roles"], "[roles]", entries.where).values)
    for name, role in roles.items():
        if role not in ROLES:
            raise InputError(
                f"role must be one of {', '.join(ROLES)}", got=repr(role)[:60], where=f"{entries.where}, {name}"
            )
    healthy = entries.text_or_none("healthy")
    return cast(dict[str, Role], roles | ({healthy: "OAR"} if healthy and healthy not in roles else {}))


def structures_of(
    entries: Entries,
    roles: Mapping[str, Role],
    paths: CasePaths,
    ct: Grid | None = None,
    *,
    others: Callable[[str], bool] = lambda _: False,
) -> tuple[tuple[Structure, ...], tuple[Caution, ...]]:
    """Read the structures of a case.

    Parameters
    ----------
    entries : Entries
        The case table.
    roles : mapping
        Of :func:`roles_of`; structures without a role are not read.
    paths : CasePaths
    ct : Grid, optional
        The files are compared with it.
    others : callable
        Which structures without a role are read too, as "other", by their names.

    Returns
    -------
    structures : tuple of Structure
        In the order of ``roles``, the others after them.
    warnings : tuple of Caution
        Files that leave open how they lie in the patient, or lie beside the CT.

    Raises
    ------
    InputError, FormatError
        No file, a structure in two files, a role for one that is in none.
    """
    value, where = entries.values.get("structures"), entries.where
    if not isinstance(value, list) or not value:
        raise InputError("a case needs [[structures]] with file = ...", got=repr(value)[:60], where=where)
    files = [
        _structure_file(Entries(as_table(row, "[[structures]]", where).values, f"{where}, structures {k + 1}"), paths)
        for k, row in enumerate(value)
    ]
    read: dict[str, Structure] = {}
    doubts: list[Caution] = []
    for file in files:
        free = [name for name in file.names() if name not in roles and others(name)]
        for structure in file.read({**roles, **dict.fromkeys(free, _OTHER)}, free, doubts):
            if structure.name in read:
                raise InputError(
                    "each structure must be in one file only", got=f"{structure.name!r} in two", where=file.where
                )
            read[structure.name] = structure
    missing = [name for name in roles if name not in read]
    if missing:
        known = [name for file in files for name in file.names()]
        raise InputError(
            f"no structure is named {missing[0]!r}", where=where, remedy=among(missing[0], known, "The files hold")
        )
    for path in dict.fromkeys(file.path for file in files):
        doubts += doubts_of_orientation(path)
        doubts += doubts_of_labels(path, ct) if ct is not None else []
    structures = tuple(read[name] for name in [*roles, *(name for name in read if name not in roles)])
    return structures, tuple(doubts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _StructureFile:
    """One entry of ``[[structures]]``: a label map with a file of names, a mask with its own name, a segmentation."""

    path: Path
    names_path: Path | None
    mask_name: str | None
    where: str

    def names(self) -> tuple[str, ...]:
        """Names of the structures that the file holds."""
        if self.names_path is not None:
            return tuple(read_names(self.names_path).values())
        return (self.mask_name,) if self.mask_name is not None else read_segment_names(self.path)

    def read(
        self, roles: Mapping[str, Role], optional: Collection[str], doubts: list[Caution]
    ) -> tuple[Structure, ...]:
        """Return the structures that have a role; optional ones may be without a voxel, and are left out then.

        What the file holds beside them and has no name is added to the doubts.
        """
        if self.names_path is not None:
            read, unnamed = structures_and_unnamed(self.path, self.names_path, roles, optional=optional)
            if unnamed:
                values = ", ".join([*map(str, unnamed[:_LISTED]), *(["..."] if unnamed[_LISTED:] else [])])
                doubts.append(caution("labels-without-name", path=self.path.name, count=len(unnamed), values=values))
            return read
        if self.mask_name is not None:
            name = self.mask_name
            return (read_mask(self.path, name, roles[name]),) if name in roles else ()
        return read_segmentation(self.path, roles, optional=optional)


def _structure_file(entry: Entries, paths: CasePaths) -> _StructureFile:
    entry.refuse_unknown({"file", "names", "name"})
    path = paths.path(entry.values.get("file"), "file")
    if "names" in entry and "name" in entry:
        raise FormatError("names is for a label map, name for a single mask", got="both", where=entry.where)
    names_path = paths.path(entry.values["names"], "names") if "names" in entry else None
    mask_name = entry.text_or_none("name")
    if names_path is None and mask_name is None and names_in_header(path):
        names_path = path
    if names_path is None and mask_name is None and not path.name.lower().endswith(".nrrd"):
        raise FormatError(
            "a label map needs names = 'labels.json', a mask name = '...'",
            got="neither",
            where=f"{entry.where}, {path.name}",
            remedy='`structures=[{"file": "labels.nii.gz", "names": "labels.json"}]`.',
        )
    return _StructureFile(path=path, names_path=names_path, mask_name=mask_name, where=str(entry.where))
