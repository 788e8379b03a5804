"""Kill `hdrplan live` at random moments: what was touched is there again, what was saved is whole or absent.

PYTHONPATH=src:tests python -m benchmarks.live_faults [--kills 10] [--stops 4] [--seed 0]

Each round starts the server on a small case, touches the plan, begins a save, and sends SIGKILL (or SIGTERM and
SIGINT) after a random time. Then every plan-N in the folder must hold its whole plan, no process of the save may be
left after a minute, and the next start must go on with every touch that was answered.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from contextlib import suppress
from pathlib import Path

from benchmarks.fault_commands import is_whole
from small_case import write_small_case

_TOUCHES = 3
# A save of the small case takes some seconds; a busy machine takes longer.
_SAVE_S = 8.0


class Server:
    """A session that is served from a folder with `case`."""

    def __init__(self, folder: Path) -> None:
        words = ["live", "case", "--no-browser", "--saves", "saves"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hdrplan", *words], cwd=folder, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        address = line.rpartition(" ")[2].strip()
        self.origin, _, self.token = address.partition("/?token=")

    def ask(self, name: str, **given: object) -> object:
        """Return the answer to a request of the page."""
        request = urllib.request.Request(
            f"{self.origin}/api/{name}",
            data=json.dumps(given).encode(),
            headers={"Origin": self.origin, "x-hdrplan-token": self.token, "content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.load(answer)

    def end(self, number: int) -> tuple[int, str]:
        """Send a signal; return the exit code and what the server said."""
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=300)
        return self.process.returncode, said


def _round(folder: Path, number: int, draw: random.Random) -> Counter[str]:
    seen: Counter[str] = Counter()
    server = Server(folder)
    for k in range(_TOUCHES):
        server.ask("do", action="prescribe", arguments={"ctv": "lesion", "dose_gy": 18.0 + k})

    def save() -> None:
        with suppress(OSError, ValueError):
            server.ask("save", slicer=True)

    saving = threading.Thread(target=save)
    saving.start()
    time.sleep(draw.uniform(0.0, _SAVE_S))
    code, said = server.end(number)
    saving.join()
    saved = sorted((folder / "saves").glob("plan-*"))
    seen["whole"] += sum(is_whole(path / "plan") for path in saved)
    seen["broken"] += sum(not is_whole(path / "plan") for path in saved)
    # Ctrl-C is how a session is meant to end.
    right = {signal.SIGKILL: -signal.SIGKILL, signal.SIGINT: 0}.get(signal.Signals(number), 128 + number)
    seen["ended well"] += code == right and "Traceback" not in said
    seen["orphans"] += _are_left(server.process.pid)
    again = Server(folder)
    told = again.end(signal.SIGINT)[1]
    done = (folder / "saves" / "session.partial").exists()
    seen["went on"] += (f"{_TOUCHES} touches" in told or f"{_TOUCHES + 1} touches" in told) if done else bool(saved)
    return seen


def _are_left(group: int) -> bool:
    """Whether a process of a killed server lives a minute later."""
    for _ in range(60):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        time.sleep(1.0)
    return True


def main() -> None:
    """Run all rounds and print their table."""
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parse.add_argument("--kills", type=int, default=10)
    parse.add_argument("--stops", type=int, default=4)
    parse.add_argument("--seed", type=int, default=0)
    wanted = parse.parse_args()
    draw = random.Random(wanted.seed)
    seen: Counter[str] = Counter()
    rounds = [signal.SIGKILL] * wanted.kills + [(signal.SIGTERM, signal.SIGINT)[k % 2] for k in range(wanted.stops)]
    for number in rounds:
        with tempfile.TemporaryDirectory() as name:
            write_small_case(Path(name) / "case")
            seen += _round(Path(name), number, draw)
    print("| rounds | saves whole | saves broken | ended well | went on with every touch | processes left |")
    print("|---|---|---|---|---|---|")
    cells = (len(rounds), *(seen[key] for key in ("whole", "broken", "ended well", "went on", "orphans")))
    print(f"| {' | '.join(map(str, cells))} |")
    if seen["broken"] or seen["orphans"] or seen["ended well"] + seen["went on"] < 2 * len(rounds):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
