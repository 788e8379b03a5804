"""Run the same commands with two checkouts and compare every file and word that comes out.

    python tools/compare_trees.py run  CHECKOUT OUT [NAME...]   # the commands below (or those named) with that checkout
    python tools/compare_trees.py diff OUT1 OUT2 [NAME...]      # what differs; exit 1 if anything does

Numbers are compared as they are written, to the last digit. Left out: seconds, dates, versions, machine and paths.
"""

from __future__ import annotations

import contextlib
import difflib
import gzip
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pydicom

# Name -> command; run one after the other in one folder, so that later ones may read what earlier ones wrote.
COMMANDS: dict[str, str] = {
    "plan-demo": "plan phantoms/liver-lesion-b -o demo-output",
    "plan-5mm": "plan phantoms/liver-lesion-b-5mm -o plan-5mm",
    "plan-sphere": "plan phantoms/sphere -o plan-sphere",
    "plan-ellipsoid": "plan phantoms/ellipsoid -o plan-ellipsoid",
    "plan-straight": "plan phantoms/straight-catheter -o plan-straight",
    "plan-marker": "plan phantoms/asymmetric-marker -o plan-marker",
    "plan-15gy": "plan phantoms/liver-lesion-b --prescription lesion_B=15 --strength 30000 -o plan-15gy",
    "plan-quick": "plan phantoms/liver-lesion-b --samples-only --step 2.5 -o plan-quick",
    "plan-fewest": "plan phantoms/sphere --fewest-dwells --min-dwell 3 --time-step 1 -o plan-fewest",
    "plan-ratio": "plan phantoms/ellipsoid --time-ratio 2 --samples-only -o plan-ratio",
    "plan-locked": "plan phantoms/liver-lesion-b --lock plan-quick -o plan-locked",
    "plan-dry": "plan phantoms/liver-lesion-b --dry-run",
    "pareto": "pareto phantoms/liver-lesion-b -o pareto-out",
    "pareto-time": "pareto phantoms/liver-lesion-b --axis time=600..1200/20 --json",
    "steps": "steps phantoms/liver-lesion-b-5mm --steps 10,5 -o steps.csv",
    "place": "place phantoms/liver-lesion-b --most 3 --candidates 20 -o placed",
    "evaluate": "evaluate phantoms/liver-lesion-b --plan demo-output",
    "evaluate-5mm": "evaluate phantoms/liver-lesion-b-5mm --plan demo-output --json",
    "evaluate-strength": "evaluate phantoms/liver-lesion-b --plan demo-output --strength 35000 -o metrics.json",
    "compare": "compare demo-output plan-15gy --case phantoms/liver-lesion-b -o compare.html",
    "plot-dvh": "plot phantoms/liver-lesion-b --plan demo-output --what dvh -o dvh.svg",
    "dose-points": "dose --source gammamed-plus --strength 40700 --dwells phantoms/water-one-dwell/dwells.csv"
    " --points phantoms/water-one-dwell/points.csv -o dose-one.csv",
    "dose-plan": "dose demo-output --points phantoms/water-one-dwell/points.csv -o dose-plan.csv",
    "dose-grid": "dose demo-output --spacing 4 --margin 60 -o dose.nii.gz",
    "sources-list": "sources list --json",
    "sources-show": "sources show gammamed-12i --json",
    "sources-verify": "sources verify --json",
    "export-dicom": "export demo-output --case phantoms/liver-lesion-b -o demo-dicom",
    "export-slicer": "export demo-output --case phantoms/liver-lesion-b --format slicer -o demo-slicer",
    "import": "import demo-dicom -o imported --ctv lesion_B --healthy liver",
    "plan-imported": "plan imported --samples-only -o plan-imported",
    "check": "check demo-dicom -o checked",
    "metrics": "metrics demo-dicom -o tables",
    "phantom-lesion": "phantom lesion phantoms/liver-lesion-b-5mm --diameter-mm 30 -o lesion-3cm",
    "phantom-make": "phantom make sphere -o sphere",
    "phantom-list": "phantom list --json",
    "robust": "robust phantoms/sphere --plan plan-sphere -n 200 --decompose 16 -o robust-out",
    "robust-optimise": "robust phantoms/sphere --plan plan-sphere --optimise --reached 0.9 -n 100 --decompose 0"
    " -o robust-plan",
    "simulate": "simulate cohort --hcc 40 --crlm 30 --seed 7 -o virtual",
    "simulate-plans": "simulate cohort --plans phantoms/liver-lesion-b-5mm --hcc 2 --crlm 1 -o planned",
    "cohort-template": "cohort template -o my-cohort",
    "cohort-validate": "cohort validate virtual --json",
    "cohort-derive": "cohort derive virtual -o derived",
    "cohort-describe": "cohort describe virtual -o described",
    "correlate": "correlate virtual -o dose-report",
    "paper-check": "paper-check --json",
    "power": "power --replicates 4 --json",
    "survival-km": "survival km derived/lesions.csv --help",
}
_VOLATILE = re.compile(
    r"(\"?(seconds|started|finished|date|version|hdrplan|python|numpy|scipy|numba|machine|platform|cpu|memory[a-z_]*|host|"
    r"peak[a-z_]*|wall[a-z_]*)\"?\s*[:=]\s*)(\{[^}]*\}|\"[^\"]*\"|[0-9.e+-]+)",
    re.IGNORECASE,
)
_SECONDS = re.compile(
    r"\b[0-9]+(\.[0-9]+)? ?(s|ms|min)\b|\b[0-9]{4}-[0-9]{2}-[0-9]{2}[T0-9:. +Z]*|"
    r"(?<![.\de-])[0-9]{8,}(?![.\de])|\b[0-9a-f]{40,}\b"
)


def run(checkout: Path, out: Path, names: list[str]) -> None:
    """Run the commands in ``out`` with the package of a checkout; keep what each prints."""
    out.mkdir(parents=True, exist_ok=True)
    if not (out / "phantoms").exists():
        (out / "phantoms").symlink_to(checkout.resolve() / "phantoms")
    environment = {**os.environ, "PYTHONPATH": str(checkout.resolve() / "src"), "PYTHONHASHSEED": "0"}
    for name, command in COMMANDS.items():
        if names and name not in names:
            continue
        done = subprocess.run(
            [sys.executable, "-m", "hdrplan", *shlex.split(command)],
            cwd=out, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        (out / f"{name}.said").write_text(f"exit {done.returncode}\n{done.stdout}\n-- stderr\n{done.stderr}")
        print(f"{name}: exit {done.returncode}", flush=True)


def scrubbed(text: str) -> str:
    """Return a text without seconds, dates, versions and identifiers made anew in each run."""
    return _SECONDS.sub("<t>", _VOLATILE.sub(r"\1<v>", text))


def shown(path: Path) -> str:
    """Return what of a file is compared: its scrubbed text, or the hash of what it unfolds to."""
    raw = path.read_bytes()
    if path.suffix == ".gz":
        raw = gzip.decompress(raw)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        if path.suffix == ".dcm":
            return scrubbed(str(pydicom.dcmread(path)) + hashlib.sha256(pixels(path)).hexdigest()[:16])
        return hashlib.sha256(raw).hexdigest()
    if path.suffix == ".json":
        with contextlib.suppress(ValueError):
            text = json.dumps(json.loads(text), indent=1, sort_keys=True)
    return scrubbed(text)


def pixels(path: Path) -> bytes:
    """Return the pixel data of a DICOM file, which its text leaves out."""
    return bytes(pydicom.dcmread(path).get("PixelData", b""))


def diff(first: Path, second: Path, names: list[str]) -> int:
    """Print what differs between two runs; return the number of files."""
    listing = [
        {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file() and "phantoms" not in p.parts}
        for root in (first, second)
    ]
    differ = 0
    for name in sorted(listing[0] | listing[1]):
        if names and not any(name.startswith(n) for n in names):
            continue
        if name not in listing[0] or name not in listing[1]:
            print(f"only in {first if name in listing[0] else second}: {name}")
            differ += 1
            continue
        one, other = shown(first / name), shown(second / name)
        if one != other:
            differ += 1
            print(f"differs: {name}")
            lines = list(difflib.unified_diff(one.splitlines(), other.splitlines(), lineterm="", n=0))[2:]
            print(*(f"    {line[:220]}" for line in lines[:12]), sep="\n")
            if len(lines) > 12:
                print(f"    ... {len(lines) - 12} lines more")
    print(f"{len(listing[0] | listing[1])} files, {differ} differ")
    return differ


if __name__ == "__main__":
    verb, one, other, *chosen = sys.argv[1:]
    if verb == "run":
        run(Path(one), Path(other), chosen)
    else:
        sys.exit(diff(Path(one), Path(other), chosen) > 0)
