"""The uncertainty of catheters by position, from what ``hdrplan catheters`` says of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hdrplan.door import Entries
from hdrplan.errors import FormatError, InputError
from hdrplan.geometry import TracedErrors
from hdrplan.io.files import json_value

__all__ = ["read_traced_errors"]


def read_traced_errors(path: Path) -> tuple[TracedErrors, ...]:
    """Read uncertainties by position.

    Parameters
    ----------
    path : Path
        The record beside traced catheters (``*.run.json``), or what ``hdrplan catheters --json`` printed.

    Returns
    -------
    tuple of TracedErrors

    Raises
    ------
    FormatError
        Another kind of file, or values that are no uncertainties.
    """
    value = json_value(path)
    listed = value.get("catheters") if isinstance(value, dict) else None
    if not isinstance(listed, list) or not listed or not all(isinstance(one, dict) for one in listed):
        raise FormatError(
            "expected the record of `hdrplan catheters`",
            got="no list of catheters",
            where=path,
            remedy="Give FOUND.mrk.json.run.json, which stands beside the catheters it found.",
        )
    errors = tuple(_errors(path, number, one) for number, one in enumerate(listed, start=1))
    names = [one.name for one in errors]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise FormatError("every catheter must stand there once", got=f"{twice!r} twice", where=path)
    return errors


def _errors(path: Path, number: int, one: dict[str, object]) -> TracedErrors:
    try:
        entries = Entries(one, f"{path}, catheter {number}")
        points = entries.array("hub_to_tip_mm_lps", (None, 3))[::-1]
        across = entries.array("sigma_mm", (len(points),))[::-1]
        steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
        return TracedErrors(
            name=entries.text("name"),
            from_tip_mm=(0.0, *np.cumsum(steps).tolist()),
            across_mm=tuple(across.tolist()),
            tip_mm=entries.number("tip_sigma_mm"),
        )
    except InputError as error:
        raise FormatError(
            "expected name, hub_to_tip_mm_lps, sigma_mm and tip_sigma_mm of each catheter",
            got=str(error),
            where=f"{path}, catheter {number}",
        ) from None
