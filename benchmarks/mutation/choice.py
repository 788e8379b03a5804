"""Which mutants are tried: some of each file, drawn by a seed."""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter
from collections.abc import Container, Iterator
from itertools import islice
from pathlib import Path

from benchmarks.mutation.mutants import Mutant, mutants_of

__all__ = ["ROOMS", "chosen", "files_of"]

ROOMS = ("kernels", "dose", "optimize", "metrics", "outcomes", "simulate")


def _compiles(source: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source, "mutant", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def files_of(root: Path) -> Iterator[tuple[str, str]]:
    """Yield path and text of the files of all rooms, but for the machinery of compilation (plain kernels run none)."""
    for room in ROOMS:
        for path in sorted((root / room).rglob("*.py")):
            if path.name != "__init__.py" and not (room == "kernels" and path.name.startswith("_")):
                yield path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")


def chosen(root: Path, number: int, seed: int, *, also: Container[str] = ()) -> list[Mutant]:
    """Choose mutants, spread over the files by how many each could have; at least one of each.

    The choice is by a digest of seed and mutant: a change of one function leaves those of the others as they are.

    Parameters
    ----------
    root : Path
        ``src/hdrplan`` of a tree.
    number : int
        Mutants wanted.
    seed : int
    also : container of str
        Ids of mutants that are taken in any case.
    """
    sources = dict(files_of(root))
    every = {file: made for file, source in sources.items() if (made := mutants_of(file, source))}
    total = sum(len(made) for made in every.values())
    picked: list[Mutant] = []
    for file, made in every.items():
        order = sorted(made, key=lambda m: hashlib.sha256(f"{seed} {m.id}".encode()).digest())
        seen: Counter[int] = Counter()
        rank = {}
        for m in order:  # one of each line, then a second
            rank[m.id] = seen[m.line]
            seen[m.line] += 1
        able = sorted(order, key=lambda m: rank[m.id])
        wanted = max(1, round(number * len(made) / total))
        first = islice((m for m in able if _compiles(m.applied(sources[file]))), wanted)
        picked += {m.id: m for m in (*first, *(m for m in able if m.id in also))}.values()
    return sorted(picked, key=lambda m: (ROOMS.index(m.room), m.file, m.start))
