"""A seeded part of the fuzzing by grammar (all of it: benchmarks/grammar.py, docs/measurements/trust.md)."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from grammar_corpus import Answer, GrammarTarget, grammar_corpus
from grammar_outcome import verdict

from hdrplan.geometry import Grid, Volume

EACH = 10
Placed = dict[str, tuple[GrammarTarget, Answer, Path]]


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Placed:
    placed = {}
    for target in grammar_corpus(tmp_path_factory.mktemp("corpus")):
        place = tmp_path_factory.mktemp("broken")
        for file, data in target.files.items():
            (place / file).parent.mkdir(parents=True, exist_ok=True)
            (place / file).write_bytes(data)
        placed[target.name] = target, target.read(place), place
    return placed


def test_no_clinical_number_changes_without_a_word(targets: Placed) -> None:
    kinds: dict[str, int] = {}
    for name, (target, clean, place) in targets.items():
        # Each reader with seeds of its own: files of one kind would share their faults.
        for seed in range(EACH):
            kind, done, text = verdict(target, clean, random.Random(f"{name} {seed}").randrange(10**6), place)
            assert kind != "failed", f"{name}: {done}: {text}"
            kinds[kind] = kinds.get(kind, 0) + 1
    assert kinds["refused"] > 0.25 * sum(kinds.values())
    assert kinds["same"] > 0.25 * sum(kinds.values())


def test_the_fuzzer_notices_a_number_that_changes(targets: Placed) -> None:
    """A reader that is wrong about one input fails."""
    target, clean, place = targets["points CSV"]
    other = Answer(tuple(value + 1e-3 for value in clean.numbers), clean.words)
    kinds = [verdict(target, other, seed, place)[0] for seed in range(EACH)]
    assert "failed" in kinds
    assert "same" not in kinds


def test_numbers_of_an_image_tell_its_values_and_its_place(targets: Placed) -> None:
    from grammar_corpus import numbers_of

    grid = Grid.around([[0.0, 0.0, 0.0]], spacing_mm=2.0, margin_mm=4.0)
    values = random.Random(1).sample(range(10**6), grid.size)
    plain = list(numbers_of(Volume(grid, values_of(values, grid))))
    moved = Grid(shape_zyx=grid.shape_zyx, origin_mm=grid.origin_mm + 2.0, spacing_mm=grid.spacing_mm)
    assert list(numbers_of(Volume(moved, values_of(values, grid)))) != plain
    assert list(numbers_of(Volume(grid, values_of(values[::-1], grid)))) != plain


def values_of(values: list[int], grid: Grid):  # type: ignore[no-untyped-def]
    import numpy as np

    return np.array(values, dtype=np.float64).reshape(grid.shape_zyx)
