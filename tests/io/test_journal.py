"""The journal of a run: nothing finished is lost, nothing of another run is taken, one process at a time."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from hdrplan.errors import InputError
from hdrplan.io import open_journal


@dataclass(frozen=True)
class Work:
    id: str
    rows: list[dict[str, float | None]]


OPTIONS = {"engine": "both", "rules": {"CTV": ["gtv"]}}
FIRST, SECOND = Work("one", [{"d100_gy": 20.5, "v150_pct": None}]), Work("two", [])


def stopped(path: Path) -> None:
    """A run that dies after its first piece of work."""
    with suppress(KeyboardInterrupt), open_journal(path, Work, options=OPTIONS, secret=b"k" * 32) as journal:
        journal.add(FIRST)
        raise KeyboardInterrupt


def test_a_run_that_ends_well_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "new" / "t.partial"
    with open_journal(path, Work, options=OPTIONS, secret=b"k" * 32) as journal:
        journal.add(FIRST)
        assert journal.done == {"one": FIRST}
        assert path.exists()
    assert not path.exists()


@pytest.mark.parametrize("torn", ["", '{"id": "two", "ro', '{"other": 1}\n', "17\n"])
def test_a_stopped_run_goes_on_with_its_secret_and_its_work(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "t.partial"
    stopped(path)
    with path.open("a") as stream:
        stream.write(torn)
    with suppress(KeyboardInterrupt), open_journal(path, Work, options=OPTIONS, secret=b"n" * 32) as journal:
        assert journal.secret == b"k" * 32
        assert journal.done == {"one": FIRST}
        journal.add(SECOND)
        raise KeyboardInterrupt
    with open_journal(path, Work, options=OPTIONS, secret=b"n" * 32) as journal:
        assert journal.done == {"one": FIRST, "two": SECOND}


@pytest.mark.parametrize("head", ["{}", "[]", '{"secret": "zz", "options": {}}', "\x00"])
def test_another_run_is_not_gone_on_with(tmp_path: Path, head: str) -> None:
    path = tmp_path / "t.partial"
    stopped(path)
    with (
        pytest.raises(InputError, match="same options only"),
        open_journal(path, Work, options=OPTIONS | {"engine": "stored"}, secret=b"k" * 32),
    ):
        pass
    path.write_text(head + "\n")
    with pytest.raises(InputError, match="same options only"), open_journal(path, Work, options={}, secret=b"k" * 32):
        pass
    assert path.exists(), "what is not understood is not deleted"


def test_stopped_before_its_first_line_was_whole_it_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "t.partial"
    path.write_text('{"secret": "6b')
    with open_journal(path, Work, options=OPTIONS, secret=b"n" * 32) as journal:
        assert journal.secret == b"n" * 32
        assert not journal.done


def test_one_run_at_a_time(tmp_path: Path) -> None:
    pytest.importorskip("fcntl", reason="the system has no such lock")
    path = tmp_path / "t.partial"
    with open_journal(path, Work, options=OPTIONS, secret=b"k" * 32) as journal:
        with (
            pytest.raises(InputError, match="one run at a time"),
            open_journal(path, Work, options=OPTIONS, secret=b"k" * 32),
        ):
            pass
        journal.add(FIRST)
    assert not path.exists()
