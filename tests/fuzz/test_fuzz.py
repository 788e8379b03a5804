"""A seeded part of the fuzzing (all of it: benchmarks/fuzz.py, docs/measurements/trust.md), and what it found."""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from fuzz_corpus import corpus
from fuzz_mutate import broken
from fuzz_outcome import outcome
from fuzz_target import Target

from hdrplan import io
from hdrplan.errors import FormatError
from hdrplan.io import read_cohort
from hdrplan.materials import rules_of
from hdrplan.places import recorded_files

# Seeds that once failed: (reader, seed).
FOUND = [
    ("cohort xlsx", 18),
    ("cohort xlsx", 1580),
    ("image nrrd", 1787),
    ("image mha", 1793),
    ("case.toml", 1622),
    ("dose image", 120206),
]
EACH = 12


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Target, Path]]:
    placed = {}
    for target in corpus(tmp_path_factory.mktemp("corpus")):
        place = tmp_path_factory.mktemp("broken")
        for file, data in target.files.items():
            (place / file).parent.mkdir(parents=True, exist_ok=True)
            (place / file).write_bytes(data)
        placed[target.name] = target, place
    return placed


def test_good_files_are_read(targets: dict[str, tuple[Target, Path]]) -> None:
    assert len(targets) >= 25
    for target, place in targets.values():
        target.read(place)


def _readers() -> dict[str, Any]:
    """Return every function of the package that reads a file of a user, or one that hdrplan kept, by name."""
    named = {name: getattr(io, name) for name in io.__all__ if name.startswith(("read_", "open_", "dicom_files"))}
    more = {"recorded_files": recorded_files, "rules_of": rules_of, "ResultStore.read": io.ResultStore.read}
    return named | more


def test_every_reader_is_among_the_fuzzed(targets: dict[str, tuple[Target, Path]]) -> None:
    """A reader that a room adds is called by no target: this fails until there is one."""
    called = set()

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            called.add(frame.f_code)

    for target, place in targets.values():
        sys.setprofile(note)
        try:
            target.read(place)
        finally:
            sys.setprofile(None)
        for file, data in target.files.items():
            (place / file).write_bytes(data)
    readers = _readers()
    assert len(readers) > 40
    missing = [name for name, function in readers.items() if inspect.unwrap(function).__code__ not in called]
    assert missing == []


def test_broken_files_are_read_or_refused_in_one_line(targets: dict[str, tuple[Target, Path]]) -> None:
    counts = {"accepted": 0, "refused": 0}
    for name, (target, place) in targets.items():
        for seed in range(EACH):
            found = outcome(target, seed, place)
            assert found.kind != "failed", f"{name}, seed {seed}: {found.text}"
            counts[found.kind] += 1
    # A fuzzer whose files are all good, or all refused at the first byte, looks at nothing.
    assert counts["refused"] > 0.3 * sum(counts.values())
    assert counts["accepted"] > 0.05 * sum(counts.values())


@pytest.mark.parametrize(("name", "seed"), FOUND)
def test_what_failed_once(name: str, seed: int, targets: dict[str, tuple[Target, Path]]) -> None:
    target, place = targets[name]
    assert outcome(target, seed, place).kind != "failed"


def test_seeds_give_the_same_file_for_ever() -> None:
    data = b'{"a": 1.5, "b": [2, 3]}\n' * 20
    assert broken(data, 7) == broken(data, 7)
    assert len({broken(data, seed) for seed in range(200)}) > 150


def test_a_workbook_torn_inside_is_refused(tmp_path: Path, targets: dict[str, tuple[Target, Path]]) -> None:
    """The archive opens, its sheet does not unpack: found by seed 18."""
    target, _ = targets["cohort xlsx"]
    data = bytearray(next(iter(target.files.values())))
    at = data.find(b"xl/worksheets/sheet1.xml") + 60
    data[at : at + 40] = bytes(40)
    path = tmp_path / "torn.xlsx"
    path.write_bytes(bytes(data))
    with pytest.raises(FormatError, match="Excel workbook"):
        read_cohort(path)


def test_a_catheter_twice_and_a_row_of_sums_are_refused(
    tmp_path: Path, targets: dict[str, tuple[Target, Path]]
) -> None:
    """Found by the grammar: an uncertainty of two catheters of one name, and a sum pooled as one more series."""
    (record,) = targets["catheter errors"][0].files.values()
    table = json.loads(record)
    table["catheters"] *= 2
    (tmp_path / "traced.json").write_text(json.dumps(table))
    with pytest.raises(FormatError, match="'c1' twice"):
        io.read_traced_errors(tmp_path / "traced.json")
    (series,) = targets["series CSV"][0].files.values()
    (tmp_path / "series.csv").write_bytes(series + b"total" + b"," * 15 + b"\n")
    with pytest.raises(FormatError, match="a row of sums"):
        io.read_series(tmp_path / "series.csv")
