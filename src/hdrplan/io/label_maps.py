"""Structures as images: a label map with the names of its values, or one mask a file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import find_objects

from hdrplan.errors import FormatError, HdrPlanError, InputError
from hdrplan.geometry import Role, Structure, box_of
from hdrplan.io.files import json_entries
from hdrplan.io.header_names import names_in_header
from hdrplan.io.image_files import is_image, open_image

__all__ = ["boxes_of", "is_names", "read_label_map", "read_mask", "read_names", "structures_and_unnamed"]

# Crumbs of what was not named need no word.
_LEAST_CC = 1.0
# Labels up to this are found in one pass, which keeps a place for each.
_MAX_AT_ONCE = 65535


def read_names(path: Path) -> dict[int, str]:
    """Read the names of a label map's values.

    Parameters
    ----------
    path : Path
        JSON, either ``{"32": "lesion_B"}`` or ``{"lesion_B": 32}``, as it is or under "labels" (nnU-Net, MONAI), or the
        label map itself where its header holds them (TotalSegmentator).

    Raises
    ------
    FormatError
        Other pairs, a value that stands twice, a name that is a number, a header without names.
    """
    if is_image(path):
        return _names_of_its_own(path)
    entries = json_entries(path).values
    listed = entries.get("labels")
    names: dict[int, str] = {}
    for key, value in (listed if isinstance(listed, dict) else entries).items():
        label, name = (_whole(key), value) if isinstance(value, str) else (value, key)
        if _whole(name) is not None:
            raise FormatError(
                "the name of a structure must not be a number", got=f"{key!r}: {value!r}"[:120], where=path
            )
        if not isinstance(label, int) or isinstance(label, bool):
            raise FormatError('expected pairs such as "32": "lesion_B"', got=f"{key!r}: {value!r}"[:120], where=path)
        if label in names:
            raise FormatError("each label value must occur once", got=f"{label} twice", where=path)
        names[label] = name
    # What nobody segmented has the value 0.
    return {label: name for label, name in names.items() if label != 0 or name.casefold() != "background"}


def is_names(path: Path) -> bool:
    """Whether a file is JSON that names the values of a label map."""
    if path.suffix.lower() != ".json" or path.name.lower().endswith(".mrk.json"):
        return False
    try:
        return bool(read_names(path))
    except HdrPlanError:
        return False


def _names_of_its_own(path: Path) -> dict[int, str]:
    names = names_in_header(path)
    if not names:
        raise FormatError(
            "expected the names of labels in the header (a NIfTI file of TotalSegmentator has them)",
            got="none",
            where=path,
            remedy='Write them as JSON: {"1": "liver", ...}.',
        )
    return names


def _whole(text: str) -> int | None:
    return int(text) if text.strip().isascii() and text.strip().isdigit() else None


def read_label_map(
    path: Path, names_path: Path, wanted: Mapping[str, Role], *, optional: Collection[str] = ()
) -> tuple[Structure, ...]:
    """Read structures from a label map with a names file.

    Parameters
    ----------
    path, names_path : Path
    wanted : mapping of str to role
        Structures that the names file does not know are left to other files; each result has its own cropped grid.
    optional : collection of str
        Those of the wanted that may be without a voxel, and are left out then.

    Returns
    -------
    tuple of Structure
        In the order of ``wanted``.

    Raises
    ------
    FormatError
        Labels that are not whole numbers, two values of one name.
    InputError
        A wanted structure without a voxel.
    """
    return structures_and_unnamed(path, names_path, wanted, optional=optional)[0]


def structures_and_unnamed(
    path: Path, names_path: Path, wanted: Mapping[str, Role], *, optional: Collection[str] = ()
) -> tuple[tuple[Structure, ...], tuple[int, ...]]:
    """Read structures as :func:`read_label_map`, and say which values fill 1 cc and more and have no name.

    Parameters
    ----------
    path, names_path : Path
    wanted : mapping of str to role
    optional : collection of str
    """
    names = read_names(names_path)
    labels = {name: [value for value, known in names.items() if known == name] for name in wanted}
    image = open_image(path)
    values = image.scalars("a label map has one label a voxel")
    if values.dtype.kind == "f" and not (np.isfinite(values).all() and (values == np.rint(values)).all()):
        raise FormatError("labels must be whole numbers", got="fractions or NaN", where=path)
    boxes = boxes_of(values, {label for found in labels.values() for label in found})
    unnamed = [label for label, box in boxes.items() if label not in names and box is not None]
    least = _LEAST_CC * 1000.0 / float(np.prod(image.grid.spacing_mm))
    filled = [label for label in unnamed if np.count_nonzero(values[boxes[label]] == label) >= least]
    structures = []
    for name, role in wanted.items():
        if len(labels[name]) > 1:
            raise FormatError(
                "each structure name must occur once", got=f"{name!r} for {labels[name]}", where=names_path
            )
        if labels[name]:
            box = boxes[labels[name][0]]
            if box is not None:
                structures.append(image.structure_in(box, name, role, values[box] == labels[name][0]))
            elif name not in optional:
                raise InputError(f"structure {name!r} must have voxels", got="none", where=path)
    return tuple(structures), tuple(filled)


def boxes_of(values: npt.NDArray[Any], labels: Collection[int]) -> dict[int, tuple[slice, slice, slice] | None]:
    """Return the smallest box of each label, and of the others of an image of whole numbers; None: no voxel has it.

    Parameters
    ----------
    values : (z, y, x) array
    labels : collection of int
    """
    boxes: dict[int, tuple[slice, slice, slice] | None] = {}
    if values.dtype.kind in "iu":
        # One pass for all, instead of some for each.
        largest = min(_MAX_AT_ONCE, max(int(values.max()), *labels, 0)) if values.size else 0
        boxes = dict(enumerate(find_objects(values, max_label=largest), start=1)) if largest > 0 else {}
    for label in set(labels) - set(boxes):
        mask = values == label
        boxes[label] = box_of(mask) if mask.any() else None
    return boxes


def read_mask(path: Path, name: str, role: Role) -> Structure:
    """Read one structure from a mask.

    Parameters
    ----------
    path : Path
    name : str
        The structure's; a mask does not hold it.
    role : {"CTV", "OAR", "other"}

    Raises
    ------
    FormatError
        Voxels that are neither 0 nor one other value.
    InputError
        No voxel.
    """
    image = open_image(path)
    values = image.scalars("a mask has one value a voxel")
    inside = np.unique(values[values != 0]) if values.dtype.kind != "f" or np.isfinite(values).all() else np.array([])
    if len(inside) != 1:
        raise FormatError(
            "a mask is 0 outside and one other value inside",
            got=f"{len(inside)} other values",
            where=path,
            remedy="For a label map give its names file.",
        )
    return image.structure(name, role, values != 0)
