"""Run one hdrplan command on a Dask scheduler and workers of this machine, and say what each process used.

PYTHONPATH=src:tests python -m benchmarks.on_dask [--workers 2] simulate cohort --plans CASE -o OUT

``--scheduler ADDRESS`` is added to the command. Scheduler and workers are ended with it, so that the processor time of
this script is that of all of them.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

__all__ = ["main"]

# A worker that got Ctrl-C and SIGTERM at once once stayed for ever.
_END_S = 20.0
_SCHEDULER = ("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")


def _started(log: Path, *arguments: str) -> subprocess.Popen[bytes]:
    # A worker's plans use one thread each: its neighbours use the other processors.
    with log.open("wb") as stream:
        return subprocess.Popen(
            [sys.executable, "-m", *arguments], stdout=stream, stderr=stream, env={**os.environ, "HDRPLAN_THREADS": "1"}
        )


def _address(log: Path, wait_s: float = 600.0) -> str:
    end_s = time.monotonic() + wait_s
    while time.monotonic() < end_s:
        if found := re.search(r"tcp://127\.0\.0\.1:\d+", log.read_text()):
            return found[0]
        time.sleep(0.05)
    raise SystemExit(f"no scheduler after {wait_s:.0f} s: {log.read_text()[-300:]}")


def _ended(name: str, process: subprocess.Popen[bytes], within_s: float | None = None) -> int:
    """Wait for a process, say what it used, return its exit code; one that does not end in time is killed."""
    killer = threading.Timer(within_s or 0.0, process.kill)
    if within_s is not None:
        killer.start()
    try:
        _, status, usage = os.wait4(process.pid, 0)
    except ChildProcessError:  # ended by Ctrl-C before it was told to, and noticed when it was told
        return process.wait()
    finally:
        killer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    used = f"{usage.ru_utime + usage.ru_stime:.0f} CPU s, {usage.ru_maxrss / 1024:.0f} MB"
    print(f"{name}: {used}, exit code {process.returncode}", file=sys.stderr, flush=True)
    return process.returncode


def main() -> None:
    """Run the command."""
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parse.add_argument("--workers", type=int, default=2)
    parse.add_argument("--logs", type=Path, help="Keep what scheduler and workers say in this folder.")
    parse.add_argument("command", nargs=argparse.REMAINDER)
    wanted = parse.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = wanted.logs or Path(name)
        place.mkdir(exist_ok=True)
        scheduler = _started(place / "scheduler.log", *_SCHEDULER)
        workers: list[subprocess.Popen[bytes]] = []
        try:
            address = _address(place / "scheduler.log")
            options = (address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", name)
            workers.extend(
                _started(place / f"worker{k}.log", "distributed.cli.dask_worker", *options)
                for k in range(wanted.workers)
            )
            code = _ended(
                "command", subprocess.Popen([sys.executable, "-m", "hdrplan", *wanted.command, "--scheduler", address])
            )
        finally:
            # Also after Ctrl-C: a worker without its scheduler would wait for it for ever.
            for process in workers:
                process.send_signal(signal.SIGTERM)
            for k, process in enumerate(workers):
                _ended(f"worker {k + 1}", process, _END_S)
            scheduler.send_signal(signal.SIGTERM)
            _ended("scheduler", scheduler, _END_S)
    sys.exit(code)


if __name__ == "__main__":
    main()
