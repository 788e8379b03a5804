"""Fuzz every reader: broken files must be read or refused in one line, in bounded time and memory.

PYTHONPATH=src:tests:tests/fuzz python -m benchmarks.fuzz [--inputs 20000] [--first-seed 0] [--keep FOLDER]

Each worker is a process of its own under an address-space limit, so that a crash of a library is seen and not shared.
"""

from __future__ import annotations

import argparse
import collections
import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from fuzz_corpus import corpus
from fuzz_outcome import HANG_S, minimal, outcome
from fuzz_target import Target

# Growth of a worker over what it took after reading all good files; and the wall that no reader may run into.
GROWTH_MB = 500
_WALL_MB = 6000


def _rss_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _work(target: Target, seeds: range, pipe: Any) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_WALL_MB << 20, _WALL_MB << 20))
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for file, data in target.files.items():
            (place / file).parent.mkdir(parents=True, exist_ok=True)
            (place / file).write_bytes(data)
        target.read(place)
        before = _rss_mb()
        for seed in seeds:
            pipe.send(("start", seed, None))
            pipe.send(("done", seed, outcome(target, seed, place)))
        pipe.send(("memory", -1, _rss_mb() - before))


def _run(target: Target, seeds: range, found: collections.Counter[str], failures: list[tuple[int, str]]) -> float:
    """Run the seeds in a child; where it dies, note the seed and go on behind it."""
    growth = 0.0
    while len(seeds):
        ours, theirs = multiprocessing.Pipe(duplex=False)
        child = multiprocessing.get_context("fork").Process(target=_work, args=(target, seeds, theirs))
        child.start()
        theirs.close()
        last = seeds[0]
        try:
            while ours.poll(31 * HANG_S):
                what, seed, value = ours.recv()
                if what == "memory":
                    growth = max(growth, value)
                    last = seeds[-1]
                    seeds = range(0)
                elif what == "done":
                    found[value.kind] += 1
                    found["slowest ms"] = max(found["slowest ms"], int(1000 * value.seconds))
                    if value.kind == "failed":
                        failures.append((seed, value.text))
                else:
                    last = seed
            else:
                failures.append((last, f"no answer for {31 * HANG_S} s"))
        except EOFError:
            if len(seeds):
                child.join()
                failures.append((last, f"the process died, exit code {child.exitcode}"))
        child.kill()
        child.join()
        if len(seeds):
            found["failed"] += 1
            seeds = range(last + 1, seeds[-1] + 1)
    return growth


def main() -> None:
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parse.add_argument("--inputs", type=int, default=20_000)
    parse.add_argument("--first-seed", type=int, default=0)
    parse.add_argument("--only", default="")
    parse.add_argument("--keep", type=Path, help="Folder for minimised failures.")
    wanted = parse.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        targets = [t for t in corpus(place) if wanted.only in t.name]
        each = -(-wanted.inputs // len(targets))
        print("| reader | inputs | refused | read | failed | slowest (ms) | growth (MB) |")
        print("|---|---|---|---|---|---|---|")
        started, total, bad = time.perf_counter(), 0, 0
        said: list[str] = []
        for target in targets:
            found: collections.Counter[str] = collections.Counter()
            failures: list[tuple[int, str]] = []
            growth = _run(target, range(wanted.first_seed, wanted.first_seed + each), found, failures)
            failed = len(failures) + (growth > GROWTH_MB)
            total, bad = total + each, bad + failed
            print(
                f"| {target.name} | {each} | {found['refused']} | {found['accepted']} | {failed} "
                f"| {found['slowest ms']} | {growth:.0f} |",
                flush=True,
            )
            kinds: dict[str, tuple[int, str]] = {}
            for seed, text in failures:
                kinds.setdefault(text.split(" at ")[-1], (seed, text))
            for seed, text in kinds.values():
                said.append(f"{target.name}, seed {seed}: {text}")
                if wanted.keep and "died" not in text and "answer" not in text:
                    wanted.keep.mkdir(parents=True, exist_ok=True)
                    with tempfile.TemporaryDirectory() as other:
                        for file, data in target.files.items():
                            (Path(other) / file).parent.mkdir(parents=True, exist_ok=True)
                            (Path(other) / file).write_bytes(data)
                        file = target.broken[seed % len(target.broken)]
                        kept = wanted.keep / f"{target.name.replace(' ', '_')}_{seed}_{file.replace('/', '_')}"
                        kept.write_bytes(minimal(target, seed, Path(other)))
    print(f"\n{total} inputs, {bad} failures, {time.perf_counter() - started:.0f} s")
    for line in said:
        print(line)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
