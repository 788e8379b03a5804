"""What a file is, told from its first bytes: for messages about a file that is not what the command reads.

A person gives the CT where the case belongs, the plan where the catheters belong, a folder of results for its case.
That the file is no TOML is true and helps nobody.
"""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["for_a_case", "for_a_folder", "for_a_plan", "for_packed", "what_is"]

_HEAD = 4096
# The name of what a JSON file holds stands near its start.
_SCHEMA_HEAD = 1 << 16
_IMAGES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
_WORKBOOKS = (".xlsx", ".xlsm", ".xlsb")
_MAGIC = (
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"NRRD0", "an image"),
    (b"PAR1", "a Parquet table"),
    (b"$FL2", "an SPSS table"),
    (b"\xd0\xcf\x11\xe0", "a file of Microsoft Office before 2007"),
    (b"\x1f\x8b", "a packed file (gzip)"),
    (b"7z\xbc\xaf", "a packed file (7-Zip)"),
    (b"Rar!", "a packed file (RAR)"),
)
_SCHEMAS = {
    "hdrplan.plan": "a plan",
    "hdrplan.run": "the record of a run",
    "hdrplan.metrics": "the metrics of a plan",
    "hdrplan.place": "a choice of catheters",
    "hdrplan.validation": "the rows of a validation",
}
_PLAN_FILES = ("plan.json", "sessions.json")


def what_is(path: Path) -> str | None:
    """Return what a file or folder is, with its article; None where its first bytes do not tell.

    Parameters
    ----------
    path : Path
    """
    try:
        # A pipe is read once: whoever needs what comes out of it shall get it.
        return _folder(path) if path.is_dir() else _file(path) if path.is_file() else None
    except OSError:
        return None


def for_a_case(path: Path) -> tuple[str, str]:
    """Return what stands where a case was expected, and what to do with it.

    Parameters
    ----------
    path : Path
    """
    what = what_is(path) or ("a folder without a case" if path.is_dir() else "another file")
    if what == "a plan":
        return what, f"Give the case that it was made of: `hdrplan evaluate` takes {path} beside it."
    if what in ("an image", "a folder of images"):
        labels = "" if path.is_dir() else " LABELS"
        return what, f"A CT and its segmentations become a case: `hdrplan prepare {path}{labels} -o CASE`."
    if what in ("a DICOM file", "a folder of DICOM files"):
        folder = "It" if path.is_dir() else "Its folder"
        return what, f"{folder} is read where the CTV is named; `hdrplan import` makes a case of it."
    if what == "a folder of cases":
        return what, f"They are: {_listed(_cases_in(path))}."
    if remedy := for_packed(what):
        return what, remedy
    remedy = "`hdrplan prepare` makes a case of a CT and its segmentations, `hdrplan import` of a DICOM export."
    return what, remedy


def for_a_folder(path: Path) -> tuple[str, str]:
    """Return what stands where a folder was expected, and what to do with it.

    Parameters
    ----------
    path : Path
    """
    what = what_is(path) or "a file"
    return what, f"Give the folder that it lies in: {path.parent}." if what == "a DICOM file" else for_packed(what)


def for_packed(what: str) -> str:
    """Return the remedy for an archive of files by what it is; "" for anything else."""
    return "Unpack it first." if what.startswith(("a packed", "a zip")) else ""


def for_a_plan(path: Path) -> tuple[str, str]:
    """Return what stands where a plan was expected, and what to do with it.

    Parameters
    ----------
    path : Path
    """
    what = what_is(path) or "another file"
    if what == "a case":
        return what, f"`hdrplan plan {path} -o PLAN` makes its plan."
    beside = next((path.parent / name for name in _PLAN_FILES if (path.parent / name).is_file()), None)
    if not path.is_dir() and beside is not None and beside.name != path.name:
        return what, f"Beside it lies {beside}."
    return what, "A plan is a folder of `hdrplan plan`, or its plan.json."


def _file(path: Path) -> str | None:
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    name = path.name.lower()
    if name.endswith(".toml"):
        return "a TOML file"
    if not head:
        return "an empty file"
    if head[128:132] == b"DICM":
        return "a DICOM file"
    if name.endswith(_IMAGES):
        return "an image"
    if head.startswith(b"PK\x03\x04"):
        return "a workbook" if name.endswith(_WORKBOOKS) else "a zip archive"
    for start, what in _MAGIC:
        if head.startswith(start):
            return what
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    if text.startswith(b"{"):
        return _json(path)
    return "a table" if name.endswith((".csv", ".tsv")) else None


def _json(path: Path) -> str:
    with path.open("rb") as stream:
        head = stream.read(_SCHEMA_HEAD).decode("utf-8", "replace")
    found = re.search(r'"@?schema"\s*:\s*"([^"]{1,200})"', head)
    if found is None:
        return "a JSON file"
    if "markups-schema" in found[1]:
        return "markups of 3D Slicer"
    return _SCHEMAS.get(found[1].partition("/")[0], "a JSON file")


def _folder(path: Path) -> str | None:
    if (path / "case.toml").is_file():
        return "a case"
    if any((path / name).is_file() for name in _PLAN_FILES):
        return "a plan"
    files = sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))
    if not files:
        return "a folder of cases" if _cases_in(path) else None if any(path.iterdir()) else "an empty folder"
    if any(p.name.lower().endswith(".dcm") or _file(p) == "a DICOM file" for p in files[:3]):
        return "a folder of DICOM files"
    if any(p.name.lower().endswith(_IMAGES) for p in files):
        return "a folder of images"
    if _cases_in(path):
        return "a folder of cases"
    return "a folder of results" if (path / "run.json").is_file() else None


def _cases_in(path: Path) -> list[str]:
    return sorted(str(p) for p in path.iterdir() if (p / "case.toml").is_file())


def _listed(names: list[str]) -> str:
    return ", ".join(names[:6]) + (" ..." if len(names) > 6 else "")
