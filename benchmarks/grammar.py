"""Fuzz every reader by the grammar of its files, and compare the clinical numbers of what is accepted.

PYTHONPATH=src:tests:tests/fuzz python -m benchmarks.grammar [--inputs 20000] [--first-seed 0] [--only READER]

Values, keys and nesting of trees, cells and headers of tables, parts of workbooks, columns of Parquet files, fields of
image headers, value representations, multiplicities, sequences and character sets of DICOM are changed, one at a time.
An input is refused in one line, or read with the numbers of the clean file, or with a warning, or it is another input
in good form (a structure fewer, another name). Numbers that change without a word are failures. All in one process.
"""

from __future__ import annotations

import argparse
import collections
import logging
import resource
import sys
import tempfile
import time
from pathlib import Path

from grammar_corpus import GrammarTarget, grammar_corpus
from grammar_outcome import verdict

_COLUMNS = ("refused", "same", "said", "other", "failed")


def _placed(target: GrammarTarget, place: Path) -> Path:
    for file, data in target.files.items():
        (place / file).parent.mkdir(parents=True, exist_ok=True)
        (place / file).write_bytes(data)
    return place


def _run(target: GrammarTarget, seeds: range) -> tuple[collections.Counter[str], dict[str, tuple[int, int, str]]]:
    """Return how many seeds ended in which way, and of each kind of failure: a seed, their number, the text."""
    seen: collections.Counter[str] = collections.Counter()
    failures: dict[str, tuple[int, int, str]] = {}
    with tempfile.TemporaryDirectory() as name:
        place = _placed(target, Path(name))
        clean = target.read(place)
        for seed in seeds:
            kind, done, text = verdict(target, clean, seed, place)
            seen[kind] += 1
            if kind == "failed":
                first, count, _ = failures.get(f"{done}: {text}", (seed, 0, ""))
                failures[f"{done}: {text}"] = first, count + 1, f"{done}: {text}"
    return seen, failures


def main() -> None:
    """Run all readers and print their table."""
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parse.add_argument("--inputs", type=int, default=20_000)
    parse.add_argument("--first-seed", type=int, default=0)
    parse.add_argument("--only", default="", help="Readers whose names begin with these: NAME,NAME,...")
    wanted = parse.parse_args()
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as name:
        targets = [t for t in grammar_corpus(Path(name)) if t.name.startswith(tuple(wanted.only.split(",")))]
    each = -(-wanted.inputs // len(targets))
    seeds = range(wanted.first_seed, wanted.first_seed + each)
    print("| reader | inputs | refused | same numbers | with a warning | another input | failed | CPU time (s) |")
    print("|---|---|---|---|---|---|---|---|")
    sums: collections.Counter[str] = collections.Counter()
    for target in targets:
        started = time.process_time()
        seen, failures = _run(target, seeds)
        cells = " | ".join(str(seen[column]) for column in _COLUMNS)
        print(f"| {target.name} | {each} | {cells} | {time.process_time() - started:.0f} |", flush=True)
        sums += seen
        for seed, count, text in failures.values():
            print(f"{target.name}, seed {seed}, {count} of this kind: {text}", file=sys.stderr, flush=True)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\n{each * len(targets)} inputs, {sums['failed']} failures, peak memory {megabytes:.0f} MB")
    sys.exit(1 if sums["failed"] else 0)


if __name__ == "__main__":
    main()
