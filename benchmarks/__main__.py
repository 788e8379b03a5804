"""``make bench``: time the dose engine and write docs/measurements/dose-engine.md.

``python -m benchmarks --peers`` also measures pygrpm, which it installs into an environment of its own;
``--peer NAME=COMMAND`` adds another (see ``peers.py``).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks import peers

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / "benchmarks" / ".peers" / "peers.json"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--peers", action="store_true", help="install and measure pygrpm")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--sizes", default="small,common,large,huge")
    given = parser.parse_args()
    if given.peers or given.peer:
        PEERS.parent.mkdir(exist_ok=True)
        peers.main(given.peer, PEERS)
    call = [
        sys.executable,
        "-m",
        "hdrplan",
        "bench",
        "--sizes",
        given.sizes,
        "--page",
        str(ROOT / "docs/measurements/dose-engine.md"),
    ]
    call += ["-o", str(ROOT / "benchmarks" / "results" / "dose-engine.json"), "--overwrite"]
    call += ["--peers", str(PEERS)] if PEERS.exists() else []
    code = subprocess.run(call, check=False).returncode
    if code == 0:
        # The pictures of all pages stand together, and a page that is committed needs no record of its run.
        page, picture = ROOT / "docs/measurements/dose-engine.md", ROOT / "docs/measurements/images/benchmarks.png"
        picture.replace(ROOT / "docs/images/benchmarks.png")
        page.write_text(page.read_text(encoding="utf-8").replace("(images/", "(../images/"), encoding="utf-8")
        for made in (page, picture, ROOT / "benchmarks" / "results" / "dose-engine.json"):
            made.with_name(made.name + ".run.json").unlink(missing_ok=True)
        picture.parent.rmdir()
    sys.exit(code)


if __name__ == "__main__":
    main()
