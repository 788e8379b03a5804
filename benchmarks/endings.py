"""Every command that writes, on disks that are too small or for reading only, twice at once, and without streams.

PYTHONPATH=src:tests python -m benchmarks.endings [--only "COMMAND;COMMAND"]

Needs the right to mount file systems in memory (tmpfs). A command that ends badly must say so in one line, leave
nothing behind but finished work that the line names, and exit with 2; without standard input, output and error it must
write the same files.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks.fault_commands import COMMANDS, Child, aimed, finished, is_whole, prepared

# Of the bytes of a whole output.
_DISKS = (0.25, 0.75)
_REFUSED = 2


class _Disk:
    """A file system in memory at ``place``."""

    def __init__(self, place: Path, options: str) -> None:
        place.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(place)], check=True)
        self.place = place

    def __enter__(self) -> Path:
        return self.place

    def __exit__(self, *error: object) -> None:
        subprocess.run(["umount", "-l", str(self.place)], check=True)


def _bytes(out: Path) -> int:
    return sum(path.stat().st_size for path in (out.rglob("*") if out.is_dir() else [out]) if path.is_file())


def _is_refusal(child: Child, code: int) -> bool:
    """Whether the command ended with 2 and one line that is no warning."""
    lines = [line for line in child.log.read_text().splitlines() if not line.startswith("warning [")]
    return code == _REFUSED and len(lines) == 1 and len(lines[0]) <= 300


def _on_disk(arguments: list[str], ending: str, folder: Path, options: str) -> bool:
    """Whether an output on this disk is whole, or refused with nothing left."""
    with _Disk(folder / "disk", options) as place:
        child = Child(aimed(arguments, f"disk/out{ending}"), folder)
        code = child.wait()
        if code == 0:
            return is_whole(place / f"out{ending}")
        # Long work leaves what is finished for the next run, and says where.
        said = child.log.read_text()
        return _is_refusal(child, code) and all(path.name in said for path in place.iterdir()) and not _drafts(place)


def _drafts(place: Path) -> list[Path]:
    return [path for path in place.rglob("*") if path.name.endswith((".part", ".old"))]


def _twice(arguments: list[str], ending: str, folder: Path) -> bool:
    """Whether of two runs on one output one finishes, or both in turn, and the output is whole."""
    children = [Child(aimed(arguments, f"both{ending}"), folder) for _ in range(2)]
    codes = sorted(child.wait() for child in children)
    return codes in ([0, 0], [0, _REFUSED]) and is_whole(folder / f"both{ending}")


def _without_streams(arguments: list[str], ending: str, folder: Path) -> bool:
    def close() -> None:
        for descriptor in (0, 1, 2):
            os.close(descriptor)

    code = Child(aimed(arguments, f"silent{ending}"), folder, close).wait()
    return code == 0 and is_whole(folder / f"silent{ending}")


def _into_a_closed_pipe(arguments: list[str], ending: str, folder: Path) -> bool:
    """Whether a reader that ends early leaves a whole output, or none, and no traceback."""

    def redirect() -> None:
        ours, theirs = os.pipe()
        os.close(ours)
        os.dup2(theirs, 1)

    child = Child(aimed(arguments, f"piped{ending}"), folder, redirect)
    code, out = child.wait(), folder / f"piped{ending}"
    return code in (0, 141) and "Traceback" not in child.log.read_text() and (not out.exists() or is_whole(out))


def main() -> None:
    """Run all commands and print their table."""
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parse.add_argument(
        "--only", default="", help=f"Commands that begin with one of these, apart by ;: {'; '.join(COMMANDS)}."
    )
    wanted = parse.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepared(folder)
        print("| command | output (kB) | small disks | read-only disk | two runs | closed streams | closed pipe |")
        print("|---|---|---|---|---|---|---|")
        for title, (arguments, ending, _) in COMMANDS.items():
            if not title.startswith(tuple(wanted.only.split(";"))):
                continue
            place = folder / f"ends-{title.replace(' ', '-').replace(',', '')}"
            place.mkdir()
            finished(aimed(arguments, f"first{ending}"), place)
            size = _bytes(place / f"first{ending}")
            # tmpfs counts pages of 4 kB.
            small = [max(4096, int(part * size)) for part in _DISKS]
            right = [
                all(_on_disk(arguments, ending, place, f"size={n}") for n in small),
                _on_disk(arguments, ending, place, "ro"),
                _twice(arguments, ending, place),
                _without_streams(arguments, ending, place),
                _into_a_closed_pipe(arguments, ending, place),
            ]
            bad += right.count(False)
            print(f"| {title} | {size / 1000:.0f} | {' | '.join('good' if r else 'BAD' for r in right)} |", flush=True)
            shutil.rmtree(place)
    print(f"{bad} bad endings")
    raise SystemExit(1 if bad else 0)


if __name__ == "__main__":
    main()
