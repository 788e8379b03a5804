"""The faults of ``make mutants``: what is made of a source, and that lists kept by hand still name what is there."""

from __future__ import annotations

from pathlib import Path

import coverage
import pytest

import hdrplan

pytest.importorskip("benchmarks.mutation.mutants", reason="benchmarks are not part of an installed hdrplan")
from benchmarks.mutation.choice import chosen
from benchmarks.mutation.known import known_mutants
from benchmarks.mutation.mutants import mutants_of
from benchmarks.mutation.quick_tests import COMPILED, QuickTests
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


def test_tests_are_measured_anew_where_a_file_of_source_is_new(tmp_path: Path) -> None:
    """A file split in two looked as if no test ran the new one: its faults were tried with tests that never saw it."""
    test = tmp_path / "tests/dose/test_x.py"
    source = tmp_path / "src/hdrplan/dose/x.py"
    for path in (test, source):
        path.parent.mkdir(parents=True)
        path.write_text("", encoding="utf-8")
    quick = QuickTests(tmp_path / "map.json")
    name = "tests/dose/test_x.py"
    assert quick.stale(tmp_path, COMPILED) == [name]
    data = coverage.CoverageData(str(tmp_path / "coverage"))
    data.add_lines({str(source): [1]})
    data.write()
    quick.take(tmp_path, COMPILED, [name], {f"{name}::test": 1.0}, tmp_path / "coverage")
    assert quick.stale(tmp_path, COMPILED) == []
    (source.parent / "y.py").write_text("", encoding="utf-8")
    assert quick.stale(tmp_path, COMPILED) == [name]


def test_what_runs_at_import_is_judged_by_its_room_too(tmp_path: Path) -> None:
    """A printed table is compared with constants by a test that runs no function of their file."""
    at_import, within = (next(m for m in mutants_of("dose/x.py", TEXT) if m.line == line) for line in (3, 8))
    entry = {"seconds": {"a": 2.0, "b": 1.0, "c": 3.0}, "touched": {"dose/x.py": {"f": ["a"]}}}
    quick = QuickTests(tmp_path / "map.json", {"rooms tests/dose/test_x.py": entry})
    assert list(quick.of(at_import)) == ["b", "a", "c"]
    assert list(quick.of(within)) == ["a"]
