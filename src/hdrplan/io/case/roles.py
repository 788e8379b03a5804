"""Roles of structures by their names: rules of regular expressions, the clinic's own or ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from hdrplan.errors import FormatError
from hdrplan.geometry import ROLES
from hdrplan.io.dicom.structures import ROI
from hdrplan.io.files import toml_entries
from hdrplan.plan import anatomy_of

__all__ = ["DEFAULT_RULES", "healthy_by_name", "read_role_rules", "roles_of_rois"]

# What the name of the organ holds whose mean dose counts, where nobody named one.
_HEALTHY = "liver"

# First match wins, in this order; "ignore" is not read at all. Organs at risk are those of the table of names.
DEFAULT_RULES: dict[str, tuple[str, ...]] = {
    "ignore": (r"^(body|external|patient|skin|couch|support)", r"isodose|\d+ ?%|ring|dose"),
    "CTV": (r"ctv|gtv|lesion|tumou?r|metasta|target",),
    "other": (r".",),
}


def read_role_rules(path: Path | None) -> dict[str, tuple[str, ...]]:
    """Read role rules: ``[rules]`` with lists of regular expressions for CTV, OAR, other and ignore.

    Raises
    ------
    FormatError
        Another key, a pattern that is no regular expression.
    """
    if path is None:
        return DEFAULT_RULES
    table = toml_entries(path)
    table.refuse_unknown(("rules",))
    rules = table.table("rules")
    rules.refuse_unknown((*ROLES, "ignore"))
    read = {role: rules.texts(role) for role in rules}
    for pattern in (pattern for patterns in read.values() for pattern in patterns):
        try:
            re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            raise FormatError("expected a regular expression", got=f"{pattern!r}: {error}", where=path) from None
    return {role: read[role] for role in ("ignore", "CTV", "OAR", "other") if role in read}


def roles_of_rois(rois: Iterable[ROI], rules: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Return name -> role of the ROIs with closed contours.

    Under our own rules the file's type decides where it says CTV or GTV; the clinic's rules always decide themselves.
    """
    roles: dict[str, str] = {}
    for roi in rois:
        if not roi.closed_mm or not roi.name or roi.name in roles:
            continue
        role = "CTV" if rules is DEFAULT_RULES and roi.kind in ("CTV", "GTV") else None
        for known, patterns in rules.items():
            if role is None and any(re.search(p, roi.name[:64], re.IGNORECASE) for p in patterns):
                role = known
        anatomy = anatomy_of(roi.name) if rules is DEFAULT_RULES and role == "other" else None
        if anatomy is not None and anatomy.is_risk:
            role = "OAR"
        if role not in (None, "ignore"):
            roles[roi.name] = str(role)
    return roles


def healthy_by_name(roles: Mapping[str, str]) -> str | None:
    """Return the organ at risk whose name holds "liver"; None where there is none, or more than one."""
    named = [name for name, role in roles.items() if _HEALTHY in name.lower() and role == "OAR"]
    return named[0] if len(named) == 1 else None
