"""Search everything that commands write and print for names of a patient.

PYTHONPATH=src:tests python -m benchmarks.privacy [--only COMMAND]

A DICOM export is made whose attributes, folder and files name a patient, a clinic, a physician and an operator. Every
command that takes it, or what was made of it, runs without ``--identify``. Files are searched as they are and unpacked
(gzip, zip, PDF streams, data in pages), in UTF-8 and UTF-16, and so is what the terminal shows. The last rows ask for
names with ``--identify``: there they must be, for the owner alone.
"""

from __future__ import annotations

import argparse
import base64
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pydicom

from body_case import Given

# Of no word of hdrplan's.
NAMES = ("Zzquark", "Yolanda", "PID998877", "19610203", "ACC556677", "Xyzzyklinik", "Drplugh", "Opfrotz", "Stnwibble",
         "Descwaldo", "Labelgarply")  # fmt: skip
_TAGS = {
    "PatientName": "Zzquark^Yolanda", "PatientID": "PID998877", "PatientBirthDate": "19610203",
    "AccessionNumber": "ACC556677", "InstitutionName": "Xyzzyklinik", "ReferringPhysicianName": "Drplugh^A",
    "OperatorsName": "Opfrotz^B", "StationName": "Stnwibble", "StudyDescription": "Descwaldo",
    "SeriesDescription": "Descwaldo", "RTPlanLabel": "Labelgarply", "RTPlanName": "Labelgarply",
    "StructureSetLabel": "Labelgarply", "StructureSetName": "Labelgarply", "PatientComments": "Zzquark",
    "OtherPatientIDs": "PID998877", "StudyID": "ACC556677", "RTPlanDescription": "Descwaldo",
}  # fmt: skip
EXPORT = "Zzquark_Yolanda_export"
_SHORT = ("--samples-only", "--quiet")
# Name of the row, its command ({x}: the export), what it writes, whether names are asked for.
COMMANDS: tuple[tuple[str, str, bool], ...] = (
    ("import", "import {x} -o case --ctv lesion --prescription 20", False),
    ("prepare", "prepare {x} -o prepared --ctv lesion --prescription 20 --strength 40700", False),
    ("plan", "plan case --samples-only -o plan --pdf a4", False),
    ("plan, DICOM CT", "plan case --ct {x} -o plan-ct --samples-only", False),
    ("plan, all", "plan --all cases --samples-only -o plan-all --pdf a4", False),
    ("plan, model mc", "plan case --model mc --uncertainty 5% -o plan-mc --pdf a4", False),
    ("check", "check {x} -o check --pdf a4", False),
    ("check, JSON", "check {x} --json", False),
    ("check, optimum", "check {x} --optimum --ctv lesion -o check-optimum", False),
    ("metrics", "metrics {x}/.. -o metrics", False),
    ("dvh, archive", "dvh {x}/.. -o dvh", False),
    ("dvh", "dvh {x}/Zzquark_RD.dcm {x}/Zzquark_RS.dcm -o dvh-one", False),
    ("catheters", "catheters {x} --click 0,0,230 -o found.mrk.json", False),
    ("evaluate", "evaluate case --plan plan -o evaluated.json", False),
    ("robust", "robust case --plan plan -n 20 --decompose 0 -o robust --pdf a4", False),
    ("place", "place case --most 1 --candidates 8 --without ribs,lungs,bowel,vessels -o placed --pdf a4", False),
    ("pareto", "pareto case --axis lesion:D100=18..20/2 -o pareto --pdf a4", False),
    ("sessions", "sessions case --budget time<=3000s -o sessions", False),
    ("steps", "steps case --steps 10,5 -o steps.csv", False),
    (
        "simulate procedure",
        "simulate procedure case --count 1 --runs 1 --without ribs,lungs,bowel,vessels -o runs",
        False,
    ),
    ("simulate cohort", "simulate cohort --plans case --hcc 1 --crlm 1 -o cohort", False),
    ("dose, model mc", "dose case --plan plan --model mc --uncertainty 5% --folder dose-mc --pdf a4", False),
    ("compare", "compare plan plan-ct --case case -o compare.html", False),
    ("export, DICOM", "export plan --case case -o exported", False),
    ("export, link", "export plan --case case --link-ct {x} -o linked", False),
    ("export, Slicer", "export plan --case case --format slicer -o slicer", False),
    ("validate, a plan", "validate case --plan plan -o validated --pdf a4", False),
    ("validate, plans", "validate --only plans --plans {x} -o validated-plans", False),
    ("plot", "plot case --plan plan -o plot.png", False),
    ("live, saved", "live", False),
    ("metrics, identified", "metrics {x}/.. -o metrics-named --identify", True),
    ("check, identified", "check {x} -o check-named --identify", True),
    ("export, identified", "export plan --case case --link-ct {x} -o named --identify", True),
)

# A session of `hdrplan live` has no command that saves; the button of its page calls this.
_SAVED = """
from hdrplan.io import read_case
from hdrplan.live import Session
print(Session(read_case("case", {"ct": "EXPORT"})).save("saved", exports=("dicom", "slicer")))
"""


def write_export(folder: Path) -> None:
    """Write an export of a small patient that names a patient wherever it can."""
    work = folder.parent / "made"
    Given().write(work / "case")
    for line in (["plan", "case", "-o", "plan", "--samples-only"], ["export", "plan", "--case", "case", "-o", "out"]):
        subprocess.run([sys.executable, "-m", "hdrplan", *line, "--quiet"], cwd=work, check=True, capture_output=True)
    (work / "out").rename(folder)
    shutil.rmtree(work)
    for path in sorted(folder.glob("*.dcm")):
        data = pydicom.dcmread(path)
        for tag, text in _TAGS.items():
            if not tag.startswith(("RTPlan", "StructureSet")) or tag in data:
                setattr(data, tag, text)
        data.save_as(path)
        path.rename(folder / f"Zzquark_{path.name}")


def layers(data: bytes, depth: int = 0) -> Iterator[bytes]:
    """Yield bytes, and all that is packed in them."""
    yield data
    if depth > 3:
        return
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield "\n".join(archive.namelist()).encode()
            for name in archive.namelist():
                yield from layers(archive.read(name), depth + 1)
    for start in [m.start() for m in re.finditer(rb"\x1f\x8b\x08", data)][:50]:
        yield from _inflated(data[start:], 31)
    for match in re.finditer(rb"stream\r?\n", data):
        yield from _inflated(data[match.end() :], 15)
    for match in re.finditer(rb"base64,([A-Za-z0-9+/=\s]{40,})", data):
        yield from layers(base64.b64decode(match[1] + b"=="), depth + 1)
    if data[:4] == b"\x89PNG":
        for match in re.finditer(rb"zTXt[^\x00]*\x00\x00|iTXt[^\x00]*\x00\x01\x00[^\x00]*\x00[^\x00]*\x00", data):
            yield from _inflated(data[match.end() :], 15)


def _inflated(data: bytes, form: int) -> Iterator[bytes]:
    try:
        yield zlib.decompressobj(form).decompress(data)
    except zlib.error:
        return


def names_in(data: bytes) -> set[str]:
    """Return the names that bytes hold, packed or not."""
    found: set[str] = set()
    for layer in layers(data):
        low = layer.lower()
        for name in NAMES:
            if any(name.lower().encode(code) in low for code in ("utf-8", "utf-16-le", "utf-16-be")):
                found.add(name)
    return found


def _text_of_pdf(path: Path) -> bytes:
    # Glyphs of an embedded font are no letters: what a reader copies out of the page is searched as well.
    return subprocess.run(["pdftotext", path, "-"], capture_output=True, check=True).stdout


def _searched(folder: Path, before: set[Path]) -> tuple[int, int, set[str], list[str]]:
    """Return number and bytes of new files, the names in them, and those with names that others can read."""
    found: set[str] = set()
    files = [p for p in folder.rglob("*") if p.is_file() and p not in before]
    size, exposed = 0, []
    for path in files:
        data = path.read_bytes()
        size += len(data)
        inside = names_in(data) | names_in(str(path.relative_to(folder)).encode())
        if path.suffix == ".pdf":
            inside |= names_in(_text_of_pdf(path))
        found |= {f"{path.relative_to(folder)}: {name}" for name in inside}
        if inside and path.stat().st_mode & 0o077:
            exposed.append(str(path.relative_to(folder)))
    return len(files), size, found, exposed


def main() -> None:
    """Run all commands and print the table."""
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parse.add_argument("--only", default="", help="Rows whose names begin so, and what they need.")
    wanted, bad = parse.parse_args(), 0
    print("| command | exit code | files | kB | names found | names that others can read |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        export = top / "archive" / EXPORT
        export.parent.mkdir()
        write_export(export)
        work = top / "work"
        work.mkdir()
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        for row, line, asked in COMMANDS:
            if not row.startswith((wanted.only, "import", "plan")):
                continue
            if row == "plan, all":
                (work / "cases").mkdir()
                (work / "case").rename(work / "cases" / "case")
                (work / "case").symlink_to(work / "cases" / "case")
            before = {p for p in work.rglob("*") if p.is_file()}
            # What is not a name of the patient stays as it is: the folder is given by a relative path.
            place = os.path.relpath(export, work)
            saved = ["-c", _SAVED.replace("EXPORT", str(export))]
            command = saved if line == "live" else ["-m", "hdrplan", *line.format(x=place).split()]
            done = subprocess.run([sys.executable, *command], cwd=work, capture_output=True, env=environment)
            files, size, found, exposed = _searched(work, before)
            said = {f"terminal: {n}" for n in names_in(done.stdout + done.stderr)}
            # With names asked for, others must not read them; the person who asked may see them.
            # The export's CT shows no catheter: what is searched there is the refusal.
            ended = (2,) if row == "catheters" else (0, 1)
            failed = done.returncode not in ended or (exposed or not found if asked else found | said)
            bad += bool(failed)
            print(f"| {row} | {done.returncode} | {files} | {size / 1000:.0f} | {len(found | said)} | {len(exposed)} |")
            if failed:
                print(row, sorted(found | said), exposed, done.stderr.decode()[-400:], file=sys.stderr)
            sys.stdout.flush()
    print(f"{bad} commands that tell names, or none where they were asked for")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
