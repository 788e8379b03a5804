"""Commands on other systems: what Windows or macOS lacks is taken away, and they still run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import small_scan
from hdrplan.cli import COMMANDS
from hdrplan.io import write_volume
from small_case import write_small_case

ROOT = Path(__file__).resolve().parents[2]
# In one process for each system: plotting, statistics and kernels are loaded once.
COMMANDS_RUN = (
    "--version",
    "plan case -o empty --samples-only -q",
    "plan case -o empty --samples-only -q --overwrite",
    "info",
    "evaluate case --plan empty -o evaluated.json",
    "plot case --plan empty -o isodoses.png",
    "plot case --plan empty --what 3d -o space.html",
    "plan case -o other --samples-only -q --step 4",
    "compare empty other --case case -o compared.html",
    "export empty --case case -o dicom",
    "export empty --case case --format slicer -o slicer",
    "metrics dicom -o table",
    "dvh dicom/RD.dcm dicom/RS.dcm -o dvhs",
    "check dicom -o checked",
    "import dicom -o imported --ctv lesion --healthy liver",
    "prepare scan -o prepared",
    "live case --no-browser",
    "pareto case --axis lesion:D100=16..18/2 --axis time=400..900/2 -o pareto -q",
    "steps case --steps 10,5 -o steps.csv",
    "sessions case -o sessions --samples-only",
    "place case --without ribs,lungs,bowel,vessels --most 1 -o placed -q",
    "robust case --plan empty -o robust -q -n 5 --decompose 2",
    "validate case --plan empty -o validated",
    "plan --all folder -o planned -q --samples-only",
    "sample -o samples",
    "dose --source gammamed-plus --strength 40700 --dwells samples/dwells.csv --points samples/points.csv -o dose.csv",
    "sources list",
    "sources show gammamed-12i",
    "sources verify samples/my_source.json",
    "cohort describe samples/cohort -o described --bootstrap 5",
    "cohort derive samples/cohort -o endpoints",
    "cohort template -o templates",
    "cohort validate samples/cohort",
    "cohort accumulate samples/ctv.nii.gz --dose samples/session1.nrrd --dose samples/session2.nrrd",
    "correlate samples/cohort -o correlated -q --resamples 19 --bootstrap 0",
    "literature -o literature",
    "paper-check samples/printed.csv",
    "survival km samples/lesions.csv --time days --event recurred --plot control.pdf",
    "phantom list",
    "phantom make sphere -o sphere",
    "catheters scan/ct.nii.gz -o found.mrk.json -q",
    "applicator case/catheters.json case/catheters.json --name 6F --source measured -o needle.toml -q",
    "simulate cohort -o virtual -q --hcc 5 --crlm 3",
    "power --patients 40+20 -r 5 -q",
    "explain catheter-through-organ",
    "bench --sizes small --seconds 0.01 --no-start-up -o bench.json -q",
)
# A comparison that fails has ended well; in that scan there is no catheter to be found.
MAY_END = {"check": "01", "validate": "01", "sources verify": "01", "catheters": "02"}


def ran(folder: Path, system: str, *commands: str) -> subprocess.CompletedProcess[str]:
    program = Path(__file__).with_name("other_system.py")
    words = [sys.executable, program, system, ROOT / "src", " :: ".join(commands)]
    # A console in cp1252 that refuses what it cannot write, as of an older Windows.
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")} | {"PYTHONUTF8": "0"}
    return subprocess.run(
        words, cwd=folder, env=env, capture_output=True, text=True, encoding="cp1252", timeout=600, check=False
    )


def test_every_command_is_run_on_other_systems() -> None:
    first = {line.split()[0] for line in COMMANDS_RUN}
    assert {name for section in COMMANDS.values() for name in section} <= first


@pytest.mark.slow
@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_commands_on_another_system(system: str, tmp_path: Path) -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("open files are known by /proc")
    write_small_case(tmp_path / "case")
    (tmp_path / "folder").mkdir()
    shutil.copytree(tmp_path / "case", tmp_path / "folder" / "one")
    (tmp_path / "scan").mkdir()
    write_volume(tmp_path / "scan" / "ct.nii.gz", small_scan.ct())
    labels = small_scan.write_labels(tmp_path / "scan" / "organs.nii.gz", ["liver", "lesion"])
    (tmp_path / "scan" / "organs.json").write_text(json.dumps(labels), encoding="utf-8")
    (tmp_path / "empty").mkdir()
    done = ran(tmp_path, system, *COMMANDS_RUN)
    assert "Traceback" not in done.stderr, done.stderr[-3000:]
    ended = [line.removeprefix("exit ").split(": ", 1) for line in done.stdout.splitlines() if line.startswith("exit ")]
    assert [words for _, words in ended] == list(COMMANDS_RUN), done.stderr[-3000:]
    for code, words in ended:
        allowed = next((codes for name, codes in MAY_END.items() if words.startswith(name)), "0")
        assert code in allowed, f"{words}\n{done.stderr[-3000:]}"
    # Neither drafts nor journals are left beside the outputs.
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []
