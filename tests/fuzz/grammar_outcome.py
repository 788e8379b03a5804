"""What a reader did with a file whose grammar is broken: refused, read as before, changed with or without a word."""

from __future__ import annotations

import math
import random
from pathlib import Path

from fuzz_outcome import read_bytes
from fuzz_target import Target
from grammar_corpus import Answer, GrammarTarget

__all__ = ["Verdict", "verdict"]

# kind ("refused", "same", "said", "other", "failed"), what was done to the input, and how it failed.
Verdict = tuple[str, str, str]
_REL = 1e-6


def _alike(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return len(one) == len(other) and all(
        a == b or (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=_REL, abs_tol=1e-9)
        for a, b in zip(one, other, strict=True)
    )


def verdict(target: GrammarTarget, clean: Answer, seed: int, place: Path) -> Verdict:
    """Break one file of a target by its grammar, read, and compare the clinical numbers with the clean input's.

    Parameters
    ----------
    target : GrammarTarget
    clean : Answer
        Of the good files.
    seed : int
    place : Path
        Folder of the good files.
    """
    draw = random.Random(seed)
    file = draw.choice(sorted(target.mutators))
    data, meaning, name = target.mutators[file](target.files[file], draw)
    answers: list[Answer] = []

    def read(folder: Path) -> None:
        answers.append(target.read(folder))

    result = read_bytes(Target(target.name, target.files, (file,), read), file, data, place)
    name = f"{file}: {name}"
    if result.kind != "accepted":
        return result.kind, name, result.text
    answer = answers[0]
    if _alike(answer.numbers, clean.numbers):
        return "same", name, ""
    if set(answer.words) - set(clean.words) or len(answer.words) > len(clean.words):
        return "said", name, ""
    if meaning == "other":
        return "other", name, ""
    return "failed", name, f"numbers changed without a word ({meaning} by what was done)"
