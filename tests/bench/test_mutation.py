"""The faults of ``make mutants``: what is made of a source, and that lists kept by hand still name what is there."""

from __future__ import annotations

from pathlib import Path

import pytest

import hdrplan

pytest.importorskip("benchmarks.mutation.mutants", reason="benchmarks are not part of an installed hdrplan")
from benchmarks.mutation.choice import chosen
from benchmarks.mutation.known import known_mutants
from benchmarks.mutation.mutants import mutants_of
from benchmarks.mutation.reasons import reasons_of

SOURCE = Path(hdrplan.__file__).parent

TEXT = '''"""Doc 1."""

LIMIT = 2.0


def f(a: int, b: float = 1.0) -> float:
    """Add 3."""
    total = max(a, -b) + 1
    if a <= b and g(a, b):
        total -= LIMIT
    raise ValueError("at least 5", 7 + a)
'''


def test_every_kind_of_fault_is_made_once_and_only_in_code_that_computes() -> None:
    made = mutants_of("dose/x.py", TEXT)
    faults = {(m.line, m.what) for m in made}
    assert faults == {
        (3, "2.0 -> 1.0"),
        (3, "2.0 -> 4.0"),
        (6, "1.0 -> 0.5"),
        (6, "1.0 -> 2.0"),
        (8, "max(a, -b) -> (a)"),
        (8, "max(a, -b) -> (-b)"),
        (8, "-b -> b"),
        (8, "+ -> -"),
        (8, "1 -> 2"),
        (8, "1 -> 0"),
        (9, "<= -> <"),
        (9, "<= -> >="),
        (9, "and -> or"),
        (9, "a, b -> b, a"),
        (9, "a <= b and g(a, b) -> not (a <= b and g(a, b))"),
        (10, "-= -> +="),
        (10, "total -= LIMIT -> pass"),
    }
    assert len(faults) == len(made) == len({m.id for m in made})
    for m in made:
        assert m.applied(TEXT) != TEXT
        compile(m.applied(TEXT), "x", "exec")
        assert m.at_import == (m.line in (3, 6))


def test_a_fault_is_not_put_into_another_text() -> None:
    with pytest.raises(ValueError, match="has changed"):
        mutants_of("dose/x.py", TEXT)[0].applied("# " + TEXT)


def test_the_choice_stays_where_other_functions_change(tmp_path: Path) -> None:
    (tmp_path / "dose").mkdir()
    (tmp_path / "dose/x.py").write_text(TEXT)
    first = {m.id for m in chosen(tmp_path, 6, seed=1)}
    assert len(first) == 6
    (tmp_path / "dose/x.py").write_text("# A comment more.\n" + TEXT)
    assert {m.id for m in chosen(tmp_path, 6, seed=1)} == first
    assert {m.id for m in chosen(tmp_path, 6, seed=2)} != first


def test_known_faults_and_reasons_name_what_is_there() -> None:
    known = known_mutants(SOURCE)
    assert len(known) >= 13
    for m in known:  # a fault that does not compile would be found by any test
        compile(m.applied((SOURCE / m.file).read_text(encoding="utf-8")), m.file, "exec")
    reasons_of(SOURCE)
