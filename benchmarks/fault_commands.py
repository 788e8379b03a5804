"""The commands that write, on small input, each in a process that can be killed; whether what they left is whole."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import hdrplan.cli

__all__ = ["COMMANDS", "Child", "aimed", "finished", "is_whole", "prepared"]

# Command -> its arguments, the ending of its output (empty: a folder), its share of the kills: those that take long
# get fewer.
COMMANDS: dict[str, tuple[list[str], str, float]] = {
    "plan": (["plan", "../case", "--quiet"], "", 0.4),
    "plan, all": (["plan", "--all", "../cases", "--samples-only", "--jobs", "1", "--quiet"], "", 0.2),
    "place": (
        ["place", "../case", "--most", "2", "--candidates", "8", "--without", "ribs,lungs,vessels", "--quiet"],
        "", 0.2,
    ),
    "pareto": (["pareto", "../case", "--axis", "lesion:D100=18..20/2", "--quiet"], "", 0.5),
    "robust": (["robust", "../case", "--plan", "../plan", "-n", "4", "--decompose", "0", "--quiet"], "", 0.2),
    "sessions": (["sessions", "../case", "--budget", "time <= 3000 s"], "", 1),
    "metrics": (["metrics", "../archive", "--jobs", "1", "--quiet"], "", 0.4),
    "simulate cohort": (["simulate", "cohort", "--hcc", "150", "--crlm", "70", "--quiet"], "", 1),
    "simulate cohort, planned": (
        ["simulate", "cohort", "--plans", "../case", "--hcc", "1", "--crlm", "1", "--workers", "1", "--quiet"],
        "", 0.5,
    ),
    "simulate procedure": (
        ["simulate", "procedure", "../case", "--count", "1", "--runs", "2", "--without", "ribs,lungs,vessels",
         "--workers", "1", "--quiet"],
        "", 0.2,
    ),
    "cohort derive": (["cohort", "derive", "../cohort", "--quiet"], "", 0.8),
    "cohort describe": (["cohort", "describe", "../few", "--bootstrap", "0", "--quiet"], "", 0.2),
    "cohort template": (["cohort", "template"], "", 1),
    "correlate": (["correlate", "../few", "--resamples", "19", "--bootstrap", "0", "--quiet"], "", 0.2),
    "literature": (["literature"], "", 0.4),
    "power": (["power", "--patients", "30+20", "--hazard-ratio", "1", "--replicates", "1", "--quiet"], "", 0.2),
    "phantom make": (["phantom", "make", "sphere", "--quiet"], "", 0.6),
    "phantom lesion": (["phantom", "lesion", "../case", "--diameter-mm", "20", "--quiet"], "", 1),
    "phantom places": (
        ["phantom", "places", "../case", "--count", "2", "--diameter-mm", "12", "--rules", "subcapsular", "--quiet"],
        "", 0.2,
    ),
    "phantom implant": (["phantom", "implant", "../case", "--quiet"], ".nii.gz", 0.4),
    "catheters": (["catheters", "../implanted.nii.gz", "--quiet"], ".mrk.json", 0.4),
    "applicator": (
        ["applicator", "../case/catheters.json", "../case/catheters.json", "--name", "6F",
         "--source", "drawn twice", "--quiet"],
        ".toml", 0.2,
    ),
    "import": (["import", "../archive/t0", "--ctv", "solid", "--quiet"], "", 0.8),
    "export": (["export", "../plan", "--case", "../case", "--quiet"], "", 0.6),
    "check": (["check", "../archive/t0", "--quiet"], "", 0.2),
    "evaluate": (["evaluate", "../case", "--plan", "../plan", "--samples-only"], ".json", 0.4),
    "dvh": (
        ["dvh", "../archive/t0/RD.dcm", "../archive/t0/RS.dcm", "--only", "solid"], "", 0.2,
    ),
    "dose, grid": (["dose", "../plan", "--spacing", "2", "--quiet"], ".nrrd", 0.4),
    "dose, points": (["dose", "../plan", "--points", "../points.csv", "--quiet"], ".csv", 0.5),
    "plot": (["plot", "../case", "--plan", "../plan", "--what", "dvh"], ".png", 0.2),
    "steps": (["steps", "../case", "--steps", "10,5"], ".csv", 0.4),
    "compare": (["compare", "../plan", "../plan-15", "--quiet"], ".html", 0.8),
    "sources show": (["sources", "show", "gammamed-12i"], ".png", 0.2),
    "prepare": (
        ["prepare", "../scan/ct.nii.gz", "../scan/labels.nii.gz", "--names", "../scan/labels.json", "--prescription",
         "20", "--strength", "40700", "--quiet"],
        "", 0.4,
    ),
    "sample": (["sample"], "", 1),
    "validate": (["validate", "--only", "dose", "--quiet"], "", 0.2),
    "validate, a plan": (["validate", "../case", "--plan", "../plan", "--quiet"], "", 0.2),
    "bench": (["bench", "--sizes", "small", "--no-start-up", "--seconds", "0.01", "--quiet"], ".json", 0.2),
    "bench, page": (
        ["bench", "--sizes", "small", "--no-start-up", "--seconds", "0.01", "--quiet", "--overwrite", "--page"],
        ".md", 0.2,
    ),
    "catheters, picture": (
        ["catheters", "../implanted.nii.gz", "--quiet", "-o", "traced.mrk.json", "--overwrite", "--picture"],
        ".png", 0.2,
    ),
    "dose, model mc": (
        ["dose", "../case", "--model", "mc", "--plan", "../plan", "--uncertainty", "5%", "--quiet", "--folder"],
        "", 0.2,
    ),
    "survival km": (
        ["survival", "km", "../rows.csv", "--time", "days", "--event", "event", "--json", "--plot"], ".svg", 0.2,
    ),
}  # fmt: skip
# Options that name an output; `hdrplan live` alone is missing above: it is a server (benchmarks/live_faults.py).
_OUTPUT_FLAGS = ("--folder", "--page", "--picture", "--plot")


def aimed(arguments: list[str], out: str) -> list[str]:
    """Return the arguments of a command that writes to ``out``: by its last flag where that names one, else -o."""
    return [*arguments, *([] if arguments[-1] in _OUTPUT_FLAGS else ["-o"]), out]


class Child:
    """A command in a forked process: the modules are there, so that the time is that of the work.

    Parameters
    ----------
    arguments : list of str
    folder : Path
        Where it works.
    before : callable, optional
        Called in the process before the command.
    """

    def __init__(self, arguments: list[str], folder: Path, before: Callable[[], None] | None = None) -> None:
        self.log = folder / ".stderr"
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.dup2(os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
            if before is not None:
                before()
            sys.argv = ["hdrplan", *arguments]
            try:
                hdrplan.cli.main()
            except SystemExit as stop:
                os._exit(0 if stop.code in (None, 0, 1) else int(stop.code))
            except BaseException:
                traceback.print_exc()
                os._exit(99)
            os._exit(0)

    def send(self, number: int) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def wait(self, limit_s: float = 1200.0) -> int:
        """Return the exit code; that of a process that had to be killed is -9."""
        until = time.monotonic() + limit_s
        while time.monotonic() < until:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
        self.send(signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def finished(arguments: list[str], folder: Path) -> float:
    """Run a command to its end, and return the seconds that it took.

    Raises
    ------
    SystemExit
        It ended with an error.
    """
    started = time.perf_counter()
    child = Child(arguments, folder)
    code = child.wait()
    if code != 0:
        raise SystemExit(f"{' '.join(arguments)}: exit code {code}: {child.log.read_text()[-600:]}")
    return time.perf_counter() - started


def prepared(folder: Path) -> None:
    """Import everything and write the input of :data:`COMMANDS` into a folder; a fork must not inherit threads."""
    os.environ["HDRPLAN_THREADS"] = "1"
    for module in ("io", "workflow", "report", "simulate", "analysis", "cli.plan", "cli.metrics", "cli.simulate"):
        importlib.import_module(f"hdrplan.{module}")
    import matplotlib.figure  # noqa: F401
    import SimpleITK  # noqa: F401

    from demo_case import write_demo_dicom
    from hdrplan.io import write_volume
    from small_case import write_small_case
    from small_scan import ct, write_labels
    from small_trunk import trunk

    write_small_case(folder / "case")
    (folder / "cases").mkdir()
    for k in range(2):
        write_small_case(folder / "cases" / f"case-{k}")
    (folder / "scan").mkdir()
    write_volume(folder / "scan" / "ct.nii.gz", ct())
    names = write_labels(folder / "scan" / "labels.nii.gz", ["liver", "lesion", "stomach"])
    (folder / "scan" / "labels.json").write_text(json.dumps({str(value): name for name, value in names.items()}))
    for k in range(2):
        write_demo_dicom(folder / "archive" / f"t{k}")
    (folder / "rows.csv").write_text("days,event\n" + "".join(f"{k},{k % 3 // 2}\n" for k in range(1, 300)))
    (folder / "points.csv").write_text("x_mm,y_mm,z_mm\n" + "".join(f"{k},{k},{k}\n" for k in range(2000)))
    finished(["plan", "case", "--quiet", "-o", "plan"], folder)
    finished(["plan", "case", "--prescription", "15", "--quiet", "-o", "plan-15"], folder)
    write_volume(folder / "implanted.nii.gz", trunk())
    finished(["simulate", "cohort", "--hcc", "30", "--crlm", "15", "--quiet", "-o", "few"], folder)
    finished(["simulate", "cohort", "--hcc", "60", "--crlm", "30", "--quiet", "-o", "cohort"], folder)


def is_whole(out: Path, *, killed: bool = False) -> bool:
    """Whether an output is what its run meant to write: all files of its record, each to its end.

    Parameters
    ----------
    out : Path
    killed : bool
        The run was killed: between two steps it leaves a file, whole, without its record.
    """
    if out.is_file():
        return _ends(out) and (_is_recorded(out) or (killed and not _record(out).exists()))
    listed = json.loads((out / "run.json").read_text())["files"]
    held = sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file())
    return listed == held and all(_ends(out / name) for name in held)


def _record(out: Path) -> Path:
    return out.with_name(out.name + ".run.json")


def _is_recorded(out: Path) -> bool:
    """Whether the record beside a file is there and of this file."""
    if not _record(out).exists():
        return False
    record = json.loads(_record(out).read_text())
    return bool(record["files_sha256"] == {out.name: hashlib.sha256(out.read_bytes()).hexdigest()})


def _ends(path: Path) -> bool:
    """Whether a file can be read to its end."""
    from hdrplan.io import read_volume

    if path.suffix == ".json":
        json.loads(path.read_text())
    elif path.suffix == ".html":
        return path.read_text().rstrip().endswith(("</html>", "</table>", "</p>"))
    elif path.suffix in (".csv", ".toml", ".md"):
        return path.read_bytes().endswith(b"\n")
    elif path.suffix == ".png":
        return path.read_bytes().endswith(b"IEND\xaeB`\x82")
    elif path.suffix == ".pdf":
        return path.read_bytes().rstrip().endswith(b"%%EOF")
    elif path.suffix == ".svg":
        return path.read_text().rstrip().endswith("</svg>")
    elif path.name.endswith((".nrrd", ".nii.gz")) and not path.name.endswith(".seg.nrrd"):
        read_volume(path)
    return path.stat().st_size > 0
